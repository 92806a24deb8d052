package store_test

import (
	"testing"

	"codeberg.org/essaim/essaim/protocol"
)

// A follower that reads while a batch is being committed never gets ahead of the
// last arrival: what it was given it can commit.
func TestCursorWhileWriting(t *testing.T) {
	s := inMemory(t)
	cursor, err := s.Cursor("reader")
	if err != nil {
		t.Fatal(err)
	}
	const many = 400
	records := make([]protocol.Record, many)
	for i := range records {
		records[i] = notice(t, i, alice, noon, "Venez.")
	}
	done := make(chan error, 1)
	go func() {
		for i := range many {
			if _, err := s.Put(records[i]); err != nil {
				done <- err
				return
			}
		}
		done <- nil
	}()
	seen := 0
	for seen < many {
		entries, err := cursor.Next(64)
		if err != nil {
			t.Fatal(err)
		}
		if len(entries) == 0 {
			continue
		}
		seen += len(entries)
		if err := cursor.Commit(entries[len(entries)-1].Seq); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}
