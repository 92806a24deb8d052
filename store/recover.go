package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
)

const (
	// leap is by how much numbers go on after a loss of power. No more than
	// syncAfter and one batch can have been given out and lost.
	leap = syncAfter + 2*MaxBatch
	// recheck is how many of the last arrivals are read in full.
	recheck = 1000
)

// recover makes sure of a store whose last process did not close it. sameBoot
// says that the machine has not restarted since, so that the kernel wrote all
// the process did.
//
// In order: every table is read against its checksums, since Badger answers "not
// found" for what it cannot read; the arrivals since the last Sync must have no
// gap; the last records must be what their names say; cursors must not stand
// after them. Then numbers leap, so that none is given to two records even for
// who remembers one that was lost.
func (s *Store) recover(sameBoot bool) error {
	s.cfg.Logger.Info("the last process did not close the store; verifying", "machine_restarted", !sameBoot)
	if err := s.Scrub(); err != nil {
		return err
	}
	durable := s.durable.Load()
	if s.counts.seq < durable {
		return s.corrupt("arrival %d was made durable, and the last here is %d: the disk does not keep its word", durable, s.counts.seq)
	}
	next := durable + 1
	for {
		rows, err := s.page([]byte{keyLog}, key1(keyLog, next-1), false, pageSize)
		if err != nil {
			return err
		}
		for _, row := range rows {
			if seq := seqOf(row.key); seq != next {
				return s.corrupt("arrival %d is missing before %d", next, seq)
			}
			next++
		}
		if len(rows) < pageSize {
			break
		}
	}
	if next != s.counts.seq+1 {
		return s.corrupt("the last arrival should be %d and is %d", s.counts.seq, next-1)
	}
	n := 0
	for e, err := range s.backwards() {
		if err != nil {
			return err
		}
		if n++; n > recheck {
			break
		}
		if _, err := e.Record(); err != nil && !errors.Is(err, ErrErased) {
			return err
		}
	}
	if err := s.clampCursors(); err != nil {
		return err
	}
	if !sameBoot {
		s.counts.seq += leap
		s.counts.nextID += 2 * leap // an arrival takes one for itself and one for what it names
		s.last.Store(s.counts.seq)
	}
	return nil
}

// backwards yields the arrivals, newest first, a page at a time.
func (s *Store) backwards() func(yield func(Entry, error) bool) {
	return func(yield func(Entry, error) bool) {
		var after []byte
		for {
			rows, err := s.page([]byte{keyLog}, after, true, 100)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, row := range rows {
				e, err := s.logEntry(row)
				if !yield(e, err) || err != nil {
					return
				}
				after = row.key
			}
			if len(rows) < 100 {
				return
			}
		}
	}
}

// clampCursors forgets cursors that stand after the last arrival: their
// followers begin again.
func (s *Store) clampCursors() error {
	rows, err := s.page([]byte{keyCursor}, nil, false, 10_000)
	if err != nil {
		return err
	}
	return s.db.Update(func(txn *badger.Txn) error {
		for _, row := range rows {
			if len(row.value) == 4 && be32(row.value) <= s.counts.seq {
				continue
			}
			s.cfg.Logger.Warn("a follower begins again: its cursor was after the last arrival", "cursor", string(row.key[1:]))
			if err := txn.Delete(row.key); err != nil {
				return err
			}
		}
		return nil
	})
}

// Scrub reads every table against its checksums: Badger answers "not found" for
// what it cannot read, so nothing else would tell. It fails with ErrCorrupt. A
// million records take some seconds of CPU.
func (s *Store) Scrub() (err error) {
	defer func() {
		if p := recover(); p != nil { // Badger trips over the block it reports
			err = s.corrupt("a table does not read back: %.200s", fmt.Sprint(p))
		}
	}()
	if s.cfg.InMemory {
		return nil
	}
	if err := s.db.VerifyChecksum(); err != nil {
		return s.corrupt("a table does not read back: %v", err)
	}
	return nil
}
