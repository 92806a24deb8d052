package ob_test

import (
	"io/fs"
	"os"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
)

// Whatever comes is answered: no panic, and each question has a reason.
func FuzzVerify(f *testing.F) {
	err := fs.WalkDir(os.DirFS("testdata/badges"), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile("testdata/badges/" + path)
		if err == nil && len(raw) < 64<<10 {
			f.Add(raw)
		}
		return err
	})
	if err != nil {
		f.Fatal(err)
	}
	in := foreign.Inquiry{Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), Recipient: "test@example.com"}
	f.Fuzz(func(t *testing.T, raw []byte) {
		b := ob.Verify(raw, in)
		for q, found := range b.Findings {
			if found.Reason == "" {
				t.Errorf("question %d was not answered", q)
			}
		}
	})
}
