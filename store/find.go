package store

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Query says which records to find: those for which every field that is set
// holds. The zero Query finds all.
type Query struct {
	Kinds     []protocol.Kind // any of these; none means all
	Territory territory.ID
	Author    did.DID
	Holder    did.DID         // awards only
	Class     cid.Cid         // awards only
	Target    protocol.Target // the record or the identity it is about; with both, both
	Since     time.Time       // created in [Since, Until), to the second
	Until     time.Time
	Newest    bool // newest first, instead of oldest
	Limit     int  // at most so many; 0 means no limit
}

// Entry is a record in a list. Its fields cost nothing; what it says is read
// when asked for.
type Entry struct {
	ID      uint32 // local number
	Seq     uint32 // arrival, 0 but from a Cursor and from Each
	Created time.Time
	Kind    protocol.Kind
	State   protocol.State
	store   *Store
}

// Record reads the record. It fails with ErrErased for a stub, and for what was
// erased since.
func (e Entry) Record() (protocol.Record, error) { return e.store.Record(e.ID) }

// CID returns the name of the record, or of the stub, also when the record was
// erased after the entry was read.
func (e Entry) CID() (c cid.Cid, err error) {
	err = e.store.db.View(func(txn *badger.Txn) error {
		if e.State != protocol.Erased {
			r, _, err := e.store.readRecord(txn, e.ID)
			if err == nil {
				c = r.CID()
			}
			if !errors.Is(err, ErrErased) {
				return err
			}
		}
		v, err := get(txn, key1(keyBare, e.ID))
		if err != nil || len(v) != sha256.Size {
			return e.store.corrupt("the name of stub %d does not read back", e.ID)
		}
		c = protocol.CID([sha256.Size]byte(v))
		return nil
	})
	return c, err
}

// Found is a record and the state it was found in.
type Found struct {
	protocol.Record
	State protocol.State
}

// Records reads what Find yields, and passes over what was erased since it was
// found.
func (s *Store) Records(q Query) iter.Seq2[Found, error] {
	return func(yield func(Found, error) bool) {
		for e, err := range s.Find(q) {
			var r protocol.Record
			if err == nil {
				r, err = e.Record()
			}
			if errors.Is(err, ErrErased) {
				continue
			}
			if !yield(Found{r, e.State}, err) || err != nil {
				return
			}
		}
	}
}

// Find yields the records q asks for, by the date they were created, and by
// arrival of those of one second. Erased ones are in no index, so never found.
//
// It walks the index of one field and looks the others up in theirs: about a
// microsecond a record for one field, some tens for each other one.
func (s *Store) Find(q Query) iter.Seq2[Entry, error] {
	return func(yield func(Entry, error) bool) {
		p, err := s.plan(q)
		if err != nil {
			yield(Entry{}, err)
			return
		}
		n := 0
		for len(p.runs) > 0 {
			if err := p.fill(s); err != nil {
				yield(Entry{}, err)
				return
			}
			for _, e := range p.merge() {
				ok, err := p.keep(s, e)
				if err != nil {
					yield(Entry{}, err)
					return
				}
				if !ok {
					continue
				}
				if !yield(e, nil) {
					return
				}
				if n++; q.Limit > 0 && n >= q.Limit {
					return
				}
			}
		}
	}
}

// Count returns how many records Find would yield, 0.5 µs each for one field.
func (s *Store) Count(q Query) (int, error) {
	q.Newest = false
	n := 0
	for _, err := range s.Find(q) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// plan is a query over runs of rows, one run for each kind where the index is
// by kind, each in order of date.
type plan struct {
	runs   []*run
	checks []func(Entry) []byte // keys that must exist
	newest bool
	want   int
}

type run struct {
	prefix  []byte
	after   []byte // last key read
	bound   []byte // first key not to read
	entries []Entry
	done    bool
}

// plan chooses the index: of what a record is about, its class, its holder, its
// author, its territory, its kind, in this order, which is from few records to
// many.
func (s *Store) plan(q Query) (*plan, error) {
	p := &plan{newest: q.Newest, want: pageSize}
	if q.Limit > 0 && q.Limit < pageSize {
		p.want = q.Limit
	}
	kinds := slices.Compact(slices.Sorted(slices.Values(q.Kinds)))
	if len(kinds) == 0 {
		kinds = protocol.Kinds
	}
	for _, k := range kinds {
		if k < protocol.Profile || k > protocol.Succession {
			return nil, fmt.Errorf("find: %s is no kind", k)
		}
	}
	if q.Class.Defined() || q.Holder != "" {
		if !slices.Contains(kinds, protocol.Award) {
			return p, nil
		}
		kinds = []protocol.Kind{protocol.Award}
	}
	n, ok, err := s.numbers(q)
	if err != nil || !ok {
		return p, err
	}
	since, until := uint32(0), uint32(math.MaxUint32)
	if !q.Since.IsZero() {
		since = second(q.Since)
	}
	if !q.Until.IsZero() {
		until = second(q.Until)
	}
	var indexes []func(protocol.Kind) []byte // prefix of each field set, best first
	index := func(set bool, prefix func(protocol.Kind) []byte) {
		if set {
			indexes = append(indexes, prefix)
		}
	}
	for _, about := range n.about {
		index(true, func(k protocol.Kind) []byte { return targetPrefix(about, k) })
	}
	index(q.Class.Defined(), func(protocol.Kind) []byte { return classPrefix(n.class, n.where) })
	index(q.Holder != "", func(protocol.Kind) []byte { return holderPrefix(n.holder) })
	index(q.Author != "", func(k protocol.Kind) []byte { return authorPrefix(n.author, k) })
	index(q.Territory != "" && !q.Class.Defined(), func(k protocol.Kind) []byte { return wherePrefix(n.where, k) })
	index(len(indexes) == 0, kindPrefix)
	for _, k := range kinds {
		p.runs = append(p.runs, newRun(indexes[0](k), since, until, q.Newest))
	}
	for _, prefix := range indexes[1:] {
		p.checks = append(p.checks, func(e Entry) []byte {
			return dated(prefix(e.Kind), uint32(e.Created.Unix()), e.ID)
		})
	}
	return p, nil
}

func newRun(prefix []byte, since, until uint32, newest bool) *run {
	at := func(t uint32) []byte { return dated(slices.Clone(prefix), t, 0) }
	r := &run{prefix: prefix}
	if newest {
		// Ids begin at 1, so no row has this key, the first not wanted.
		r.bound = at(since)
		if until != math.MaxUint32 {
			r.after = at(until)
		}
		return r
	}
	r.after = at(since)
	if until != math.MaxUint32 {
		r.bound = at(until)
	}
	return r
}

// second returns t in whole Unix seconds, rounded up, within what keys hold.
func second(t time.Time) uint32 {
	n := t.Unix()
	if t.Nanosecond() > 0 {
		n++
	}
	return uint32(min(max(n, 0), math.MaxUint32))
}

type numbers struct {
	author, holder, where, class uint32
	about                        []subject
}

// numbers finds the numbers of what q names. ok is false when one has none, so
// that nothing can be found.
func (s *Store) numbers(q Query) (n numbers, ok bool, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		record := func(c cid.Cid) (uint32, error) {
			digest, err := protocol.DigestOf(c)
			if err != nil {
				return 0, err
			}
			row, err := s.readCID(txn, digest)
			return row.id, err
		}
		for _, x := range []struct {
			set  bool
			find func() (uint32, error)
			into *uint32
		}{
			{q.Author != "", func() (uint32, error) { return lookup(txn, nameDID, didBytes(string(q.Author))) }, &n.author},
			{q.Holder != "", func() (uint32, error) { return lookup(txn, nameDID, didBytes(string(q.Holder))) }, &n.holder},
			{q.Territory != "", func() (uint32, error) { return lookup(txn, nameTerritory, []byte(q.Territory)) }, &n.where},
			{q.Class.Defined(), func() (uint32, error) { return record(q.Class) }, &n.class},
		} {
			if !x.set {
				continue
			}
			if *x.into, err = x.find(); err != nil || *x.into == 0 {
				return err
			}
		}
		if q.Target.CID.Defined() {
			id, err := record(q.Target.CID)
			if err != nil || id == 0 {
				return err
			}
			n.about = append(n.about, subject{targetRecord, id})
		}
		if q.Target.DID != "" {
			who, err := lookup(txn, nameDID, didBytes(string(q.Target.DID)))
			if err != nil || who == 0 {
				return err
			}
			n.about = append(n.about, subject{targetIdentity, who})
		}
		ok = true
		return nil
	})
	return n, ok, err
}

// fill reads a page of every run that has nothing left.
func (p *plan) fill(s *Store) error {
	for _, r := range p.runs {
		if len(r.entries) > 0 || r.done {
			continue
		}
		rows, err := s.page(r.prefix, r.after, p.newest, p.want)
		if err != nil {
			return err
		}
		r.done = len(rows) < p.want
		for _, x := range rows {
			if r.bound != nil && (p.newest && string(x.key) < string(r.bound) || !p.newest && string(x.key) >= string(r.bound)) {
				r.done = true
				break
			}
			e, err := s.indexEntry(x)
			if err != nil {
				return err
			}
			r.entries = append(r.entries, e)
			r.after = x.key
		}
	}
	return nil
}

// merge takes entries in order while every run has some left.
func (p *plan) merge() []Entry {
	var out []Entry
	for {
		p.runs = slices.DeleteFunc(p.runs, func(r *run) bool { return r.done && len(r.entries) == 0 })
		var next *run
		for _, r := range p.runs {
			if len(r.entries) == 0 {
				return out
			}
			if next == nil || before(r.entries[0], next.entries[0]) != p.newest {
				next = r
			}
		}
		if next == nil {
			return out
		}
		out = append(out, next.entries[0])
		next.entries = next.entries[1:]
	}
}

func before(a, b Entry) bool {
	if !a.Created.Equal(b.Created) {
		return a.Created.Before(b.Created)
	}
	return a.ID < b.ID
}

// keep reports whether the other indexes have e too.
func (p *plan) keep(s *Store, e Entry) (bool, error) {
	if len(p.checks) == 0 {
		return true, nil
	}
	ok := true
	err := s.db.View(func(txn *badger.Txn) error {
		for _, key := range p.checks {
			_, err := txn.Get(key(e))
			if err == badger.ErrKeyNotFound { //nolint:errorlint // never wrapped, and hot
				ok = false
				return nil
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return ok, err
}

// indexEntry reads an entry from a row of any dated index.
func (s *Store) indexEntry(x row) (Entry, error) {
	created, id, err := tailOf(x.key)
	if err == nil && len(x.value) == 0 {
		err = errShort
	}
	if err != nil {
		return Entry{}, s.corrupt("row %x: %v", x.key, err)
	}
	kind, state, err := unlook(x.value[0])
	if err != nil {
		return Entry{}, s.corrupt("row %x: %v", x.key, err)
	}
	return Entry{ID: id, Created: time.Unix(int64(created), 0).UTC(), Kind: kind, State: state, store: s}, nil
}

// logEntry reads an entry from a row of the log.
func (s *Store) logEntry(x row) (Entry, error) {
	r, err := decodeLog(x.value)
	if err == nil && len(x.key) != 5 {
		err = errShort
	}
	if err != nil {
		return Entry{}, s.corrupt("row %x: %v", x.key, err)
	}
	return Entry{
		ID: r.id, Seq: seqOf(x.key), Created: time.Unix(int64(r.created), 0).UTC(),
		Kind: r.kind, State: r.state, store: s,
	}, nil
}
