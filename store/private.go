package store

import (
	"errors"
	"fmt"
	"iter"

	"github.com/dgraph-io/badger/v4"

	"codeberg.org/essaim/essaim/protocol"
)

// Bucket holds the node's own affairs: peers, offers, tokens, what it follows.
// They are no records, nobody else sees them, and they are not in the log.
type Bucket struct {
	s      *Store
	prefix []byte
	err    error
}

// MaxPrivate is the longest key and value together, in bytes.
const MaxPrivate = protocol.MaxBytes

// Private returns the bucket called name, of 1 to 64 characters a-z, 0-9, "-"
// and "/". A bad name makes every call fail.
func (s *Store) Private(name string) Bucket {
	b := Bucket{s: s, prefix: append(append([]byte{keyPrivate}, name...), 0)}
	if err := checkName(name); err != nil {
		b.err = fmt.Errorf("bucket %w", err)
	}
	return b
}

func (b Bucket) key(key []byte) []byte {
	return append(append(make([]byte, 0, len(b.prefix)+len(key)), b.prefix...), key...)
}

// Get returns a copy of the value of key, or ErrNotFound.
func (b Bucket) Get(key []byte) (value []byte, err error) {
	if b.err != nil {
		return nil, b.err
	}
	err = b.s.db.View(func(txn *badger.Txn) error {
		value, err = get(txn, b.key(key))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return ErrNotFound
		}
		return err
	})
	return value, err
}

// Put sets the value of key and returns when that survives a loss of power. It
// fails with ErrReadOnly when the disk is nearly full.
func (b Bucket) Put(key, value []byte) error {
	if len(key)+len(value) > MaxPrivate {
		return fmt.Errorf("bucket: %d bytes, at most %d go in", len(key)+len(value), MaxPrivate)
	}
	if b.err == nil && !b.s.cfg.InMemory {
		if err := b.s.checkSpace(); err != nil {
			return err
		}
	}
	return b.update(func(txn *badger.Txn) error { return txn.Set(b.key(key), append([]byte{}, value...)) })
}

// Delete removes key, there or not, and returns when that survives a loss of
// power. It works on a full disk.
func (b Bucket) Delete(key []byte) error {
	return b.update(func(txn *badger.Txn) error { return txn.Delete(b.key(key)) })
}

func (b Bucket) update(change func(*badger.Txn) error) error {
	if b.err != nil {
		return b.err
	}
	b.s.writer.Lock()
	err := ErrClosed
	if !b.s.closed {
		err = b.s.db.Update(change)
	}
	b.s.writer.Unlock()
	if err != nil {
		return err
	}
	return b.s.Sync()
}

// Each yields every key and value, in order of keys. The caller may keep them.
func (b Bucket) Each() iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		var after []byte
		for b.err == nil {
			rows, err := b.s.page(b.prefix, after, false, 64)
			if err != nil {
				return
			}
			for _, x := range rows {
				if !yield(x.key[len(b.prefix):], x.value) {
					return
				}
				after = x.key
			}
			if len(rows) < 64 {
				return
			}
		}
	}
}
