package store

import (
	"errors"
	"fmt"
	"slices"

	"github.com/dgraph-io/badger/v4"

	"codeberg.org/essaim/essaim/protocol"
)

// erase takes a record that is present out of every index, in this batch; its
// bytes leave the files at the next wipe. What stays is a stub: its name, to
// refuse it, and what the set of a territory is made of. The status that
// demanded it stays as a record of its own.
func (w *batch) erase(r protocol.Record, row cidRow, f refs) error {
	for _, x := range indexRows(r, row, f, AwardRow{}) {
		if err := w.delete(x.key); err != nil {
			return err
		}
	}
	if f.class != 0 && !f.has {
		if err := w.unwant(r, f.class, row.id); err != nil {
			return err
		}
	}
	w.counts.kinds[row.kind]--
	delete(w.records, row.id)
	delete(w.recount, row.id)
	w.erased = true
	return errors.Join(w.setStub(r.Digest(), row), w.set(key1(keyErase, row.id), nil))
}

// setStub writes what stays of an erased record.
func (w *batch) setStub(digest [32]byte, row cidRow) error {
	row.presence, row.state = Stub, protocol.Erased
	w.counts.erased++
	return errors.Join(
		w.set(cidKey(digest), row.encode()),
		w.set(key1(keyBare, row.id), digest[:]),
		w.set(key1(keyLog, row.seq), logRow{row.kind, row.state, row.id, row.created}.encode()),
	)
}

// unwant forgets a class nobody waits for any more now that award is gone.
func (w *batch) unwant(r protocol.Record, class, award uint32) error {
	for _, prefix := range [][]byte{classPrefix(class, 0), subjectPrefix(subject{targetRecord, class})} {
		if left, err := w.left(prefix, award); err != nil || left {
			return err
		}
	}
	for id, other := range w.records { // those that came in this batch
		if id != award && slices.Contains(other.Names(), r.Class()) {
			return nil
		}
	}
	digest, err := protocol.DigestOf(r.Class())
	if err != nil {
		return err
	}
	w.counts.wanted--
	return errors.Join(w.delete(cidKey(digest)), w.delete(key1(keyWant, class)))
}

// left reports whether a row was under prefix before this batch, of another
// record than id, that this batch has not removed.
func (w *batch) left(prefix []byte, id uint32) (bool, error) {
	const some = 64
	var after []byte
	for {
		rows, err := readPage(w.before, prefix, after, false, some)
		if err != nil {
			return false, err
		}
		for _, x := range rows {
			_, other, err := tailOf(x.key)
			if err != nil {
				return false, w.s.corrupt("row %x: %v", x.key, err)
			}
			if other == id {
				continue
			}
			switch _, err := w.txn.Get(x.key); {
			case err == nil:
				return true, nil
			case !errors.Is(err, badger.ErrKeyNotFound):
				return false, err
			}
		}
		if len(rows) < some {
			return false, nil
		}
		after = rows[len(rows)-1].key
	}
}

// Wipe takes the bytes of erased records out of every file: the log of the
// memtable and the tables. Deleting the row would only write that it is
// deleted, and leave the bytes until compaction happens to meet them, perhaps
// never. Run calls Wipe within ten seconds of an erasure, Close and Open before
// they return; all that is due is done at once. It rewrites the tables that hold
// the records and all of level 0: a second or so.
func (s *Store) Wipe() error {
	s.writer.Lock()
	defer s.writer.Unlock()
	if s.closed {
		return ErrClosed
	}
	return s.wipe()
}

func (s *Store) wipe() error {
	const most = 1000 // prefixes at once
	for s.erasing.Load() {
		due, err := s.page([]byte{keyErase}, nil, false, most)
		if err != nil {
			return err
		}
		if len(due) == 0 {
			s.erasing.Store(false)
			return nil
		}
		// A key of a body is no prefix of another. It must still be live:
		// DropPrefix does nothing for a prefix under which it finds none.
		bodies := make([][]byte, len(due))
		for i, x := range due {
			bodies[i] = append([]byte{keyBody}, x.key[1:]...)
		}
		if err := s.db.DropPrefix(bodies...); err != nil {
			return fmt.Errorf("%s: erase: %w", s.where(), err)
		}
		err = s.db.Update(func(txn *badger.Txn) error {
			for i, x := range due {
				// DropPrefix only logs some of its failures.
				if _, err := txn.Get(bodies[i]); !errors.Is(err, badger.ErrKeyNotFound) {
					return fmt.Errorf("%s: erase: record %d is still there: %w", s.where(), be32(x.key[1:]), err)
				}
				if err := txn.Delete(x.key); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if err := s.syncFiles(); err != nil {
			return err
		}
	}
	return nil
}
