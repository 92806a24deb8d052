package store_test

import (
	"bytes"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// A full disk kills Badger by SIGBUS: the guard must stop well before.
func TestARealDiskFills(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("needs root, to mount a small disk")
	}
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=64m"); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(disk, syscall.MNT_DETACH) }) // after the store has closed
	store.SetBallast(8 << 20)
	defer store.SetBallast(0)
	cfg := store.Config{Dir: filepath.Join(disk, "store"), MinFree: 24 << 20}
	s := open(t, cfg)
	var stored []protocol.Record
	fill := func() {
		t.Helper()
		for n := len(stored); n < 20_000; n = len(stored) {
			batch := []protocol.Record{noise(t, n), noise(t, n+1), noise(t, n+2)}
			out, err := s.Put(batch...)
			stored = append(stored, batch[:len(out)]...)
			if errors.Is(err, store.ErrReadOnly) {
				if !strings.Contains(err.Error(), "free some space") || !s.ReadOnly() {
					t.Errorf("ReadOnly %t: %v", s.ReadOnly(), err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		t.Fatal("the disk did not fill")
	}
	read := func() {
		t.Helper()
		for _, r := range stored {
			if b, err := s.Bytes(r.CID()); err != nil || !bytes.Equal(b, r.Bytes()) {
				t.Fatalf("reading stopped: %v", err)
			}
		}
	}
	// Somebody else takes half of it, and later gives it back.
	other := filepath.Join(disk, "other")
	if err := os.WriteFile(other, make([]byte, 8<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	fill()
	read()
	first := len(stored)
	if err := os.Remove(other); err != nil {
		t.Fatal(err)
	}
	fill() // it goes on by itself
	read()
	if len(stored) == first {
		t.Error("nothing was written after space was freed")
	}
	if err := s.Sync(); err != nil {
		t.Errorf("Sync on a full disk: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	// Somebody else takes the rest: opening is refused, and the ballast helps.
	rest, err := os.Create(other)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = rest.Write(make([]byte, 1<<16))
	}
	rest.Close()
	if _, err := store.Open(cfg); !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), "doctor --fix") {
		t.Fatalf("opened on a full disk: %v", err)
	}
	if n, err := store.ReleaseBallast(cfg.Dir); n != 8<<20 || err != nil {
		t.Errorf("ReleaseBallast: %d, %v", n, err)
	}
	os.Remove(other)
	s = open(t, cfg)
	read()
	if n, err := s.Count(store.Query{}); err != nil || n != len(stored) {
		t.Errorf("%d records, %v; %d were stored", n, err, len(stored))
	}
	t.Logf("%d records, then %d, before the disk was full", first, len(stored))
}

// noise is a record as long as one may be about, which does not compress.
func noise(t testing.TB, n int) protocol.Record {
	h := sha512.Sum512([]byte(strconv.Itoa(n)))
	var text strings.Builder
	for range 180 {
		h = sha512.Sum512(h[:])
		text.WriteString(base64.StdEncoding.EncodeToString(h[:]))
	}
	return notice(t, n, bob, noon, text.String())
}
