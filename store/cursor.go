package store

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"github.com/dgraph-io/badger/v4"
)

// Cursor is a follower's place in the log. It is for one goroutine at a time.
type Cursor struct {
	s    *Store
	name string
	mu   sync.Mutex
	seq  uint32
}

// Cursor returns the cursor called name, of 1 to 64 characters a-z, 0-9, "-"
// and "/". One that never was stands at 0, before the first arrival.
func (s *Store) Cursor(name string) (*Cursor, error) {
	if err := checkName(name); err != nil {
		return nil, fmt.Errorf("cursor %w", err)
	}
	c := &Cursor{s: s, name: name}
	s.cursors.Lock()
	seq, ok := s.seen[name]
	s.cursors.Unlock()
	if ok {
		c.seq = seq
		return c, nil
	}
	err := s.db.View(func(txn *badger.Txn) error {
		v, err := get(txn, cursorKey(name))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return nil
		}
		if err == nil && len(v) != 4 {
			err = s.corrupt("cursor %s is %x", name, v)
		}
		if err == nil {
			c.seq = be32(v)
		}
		return err
	})
	return c, err
}

// Position returns the last arrival the follower has dealt with.
func (c *Cursor) Position() uint32 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seq
}

// Next returns up to max arrivals after the position, oldest first, and none
// when the follower has seen all. It does not move the cursor: Commit does, once
// the follower has dealt with them. Erased records come as entries in state
// protocol.Erased, whose Record fails with ErrErased. Arrivals are numbered
// upwards, not without gaps.
func (c *Cursor) Next(max int) ([]Entry, error) {
	return c.s.after(c.Position(), max)
}

// Commit says that the follower has dealt with all up to seq. That becomes
// durable with the next Sync, and never before the records themselves: after a
// crash a follower may meet arrivals it has met before, and never misses one.
func (c *Cursor) Commit(seq uint32) error {
	if last := c.s.Last(); seq > last {
		return fmt.Errorf("cursor %s: no arrival %d yet, the last is %d", c.name, seq, last)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.seq = seq
	c.s.cursors.Lock()
	defer c.s.cursors.Unlock()
	c.s.seen[c.name] = seq
	c.s.dirty.Store(true)
	return nil
}

// Reset puts the cursor before the first arrival, for a follower that is to be
// built again.
func (c *Cursor) Reset() error { return c.Commit(0) }

// Last returns the last arrival, 0 in an empty store.
func (s *Store) Last() uint32 { return s.last.Load() }

// Durable returns the last arrival known to survive a loss of power.
func (s *Store) Durable() uint32 { return s.durable.Load() }

// Wait returns when something arrived after seq, or with ctx's error. A follower
// calls it when Next gave nothing, with its position.
func (s *Store) Wait(ctx context.Context, seq uint32) error {
	for {
		s.waiting.Lock()
		arrived := s.arrived
		s.waiting.Unlock()
		if s.Last() > seq {
			return nil
		}
		if s.db.IsClosed() {
			return ErrClosed
		}
		select {
		case <-arrived:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// wake lets all that wait look again.
func (s *Store) wake() {
	s.waiting.Lock()
	defer s.waiting.Unlock()
	close(s.arrived)
	s.arrived = make(chan struct{})
}

// Each yields all arrivals from seq on, stubs too, in order of arrival: the
// order of an export, in which a record often comes after what it names, and
// not always.
func (s *Store) Each(seq uint32) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		for {
			page, err := s.after(max(seq, 1)-1, pageSize)
			if err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range page {
				if !yield(e, nil) {
					return
				}
				seq = e.Seq + 1
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (s *Store) after(seq uint32, max int) ([]Entry, error) {
	last := s.Last()
	if max <= 0 || seq >= last {
		return nil, nil
	}
	rows, err := s.page([]byte{keyLog}, key1(keyLog, seq), false, max)
	if err != nil {
		return nil, err
	}
	entries := make([]Entry, 0, len(rows))
	for _, x := range rows {
		e, err := s.logEntry(x)
		if err != nil {
			return nil, err
		}
		if e.Seq > last {
			break // a batch that was committed just now: Last says so in a moment
		}
		entries = append(entries, e)
	}
	return entries, nil
}

// checkName refuses names of cursors and buckets that are none.
func checkName(name string) error {
	if name == "" || len(name) > 64 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-/") != "" {
		return fmt.Errorf("%.80q: a name has 1 to 64 characters a-z, 0-9, - and /", name)
	}
	return nil
}
