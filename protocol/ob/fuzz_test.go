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

// Whatever stands at the addresses a badge leads to, it is answered, and few
// are asked for.
func FuzzFetched(f *testing.F) {
	files := [][]byte{}
	for _, name := range []string{
		"1edtech-validator/ob20/basic-assertion.json", "1edtech-validator/ob20/simple-not-revoked.jwt",
		"1edtech-validator/ob30/bit-string-list/credential-status-revoked.json", "dcc-verifier-core/v2WithValidStatus.json",
	} {
		raw, err := os.ReadFile("testdata/badges/" + name)
		if err != nil {
			f.Fatal(err)
		}
		files = append(files, raw)
	}
	for _, name := range []string{"ob20/assets/organization.json", "ob20/assets/key2.json", "ob20/assets/robotics-badge.json", "ob30/bit-string-list/testlist"} {
		raw, err := os.ReadFile("testdata/badges/1edtech-validator/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, page []byte) {
		calls := 0
		in := foreign.Inquiry{
			Now:   time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC),
			Fetch: func(string) ([]byte, error) { calls++; return page, nil },
		}
		for _, file := range files {
			calls = 0
			b := ob.Verify(file, in)
			if calls > 12 {
				t.Errorf("asked for %d documents", calls)
			}
			for q, found := range b.Findings {
				if found.Reason == "" {
					t.Errorf("question %d was not answered", q)
				}
			}
		}
	})
}
