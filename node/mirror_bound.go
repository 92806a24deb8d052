package node

import (
	"errors"
	"slices"
	"sync"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// bounds are how many bytes mirrors have: raw ones of the records of their sets but
// control, one of several sets in each. The zero bounds are of no mirror.
type bounds struct {
	mu  sync.Mutex // guards the rest; never held over I/O
	all []*bound   // of all mirrors, if any is bounded
}

type bound struct {
	Mirror
	in       []setName // in which records count
	measured bool
	base     int64 // what was measured,
	added    int64 // and has come since
	reached  bool  // a record did not fit
	erased   bool  // something was, since
}

func (b *bound) size() int64 { return b.base + b.added }

// full reports whether no record of the mirror is taken any more.
func (b *bound) full() bool {
	return b.MaxSize > 0 && (b.reached || b.size() >= b.MaxSize)
}

// needs reports whether a set is of the mirror, with what it keeps whole.
func (b *bound) needs(s setName) bool {
	if s.control || !slices.Contains(b.Territories, s.territory) {
		return false
	}
	return b.whole() || slices.Contains(b.in, s)
}

// counted are the sets in which records of a mirror count.
func (m Mirror) counted() []setName {
	if !m.whole() {
		return m.sets()
	}
	var out []setName
	for _, t := range m.Territories {
		out = append(out, setName{territory: t})
	}
	return out
}

// set takes the mirrors there are. What was measured of one holds until it keeps
// something else; it goes on when its bound changes.
func (x *bounds) set(mirrors []Mirror) {
	x.mu.Lock()
	defer x.mu.Unlock()
	var all []*bound
	bounded := false
	for _, m := range mirrors {
		b := &bound{Mirror: m, in: m.counted()}
		for _, old := range x.all {
			if old.ID == m.ID && slices.Equal(old.in, b.in) {
				b.measured, b.base, b.added, b.erased = old.measured, old.base, old.added, old.erased
				b.reached = old.reached && m.MaxSize <= old.MaxSize
			}
		}
		all = append(all, b)
		bounded = bounded || m.MaxSize > 0
	}
	if !bounded {
		all = nil
	}
	x.all = all
}

// add counts a record that is new.
func (x *bounds) add(r protocol.Record) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.all {
		b.erased = b.erased || isErasure(r)
		for _, of := range b.in {
			if of.has(r) {
				b.added += int64(len(r.Bytes()))
			}
		}
	}
}

// room returns how many bytes of a set may come, and whether there is a bound: none
// if one of the mirrors that need it has none, or no mirror does.
func (x *bounds) room(s setName) (left int64, bounded bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.all {
		switch {
		case !b.needs(s):
		case b.MaxSize == 0:
			return 0, false
		default:
			bounded = true
			if !b.full() {
				left = max(left, b.MaxSize-b.size())
			}
		}
	}
	return left, bounded
}

// reach notes that a record of a set did not fit.
func (x *bounds) reach(s setName) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.all {
		if b.needs(s) && b.MaxSize > 0 {
			b.reached = true
		}
	}
}

// of returns the size of a mirror, and whether it is full.
func (x *bounds) of(id territory.ID) (size int64, full bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, b := range x.all {
		if b.ID == id && b.MaxSize > 0 {
			return b.size(), b.full()
		}
	}
	return 0, false
}

// roomFor returns how many bytes of a set may be taken, and whether there is a bound.
// What somebody follows for itself has none.
func (n *Node) roomFor(s setName) (left int64, bounded bool) {
	if left, bounded = n.bounds.room(s); !bounded {
		return 0, false
	}
	if why, err := n.follows.Get([]byte(s.territory)); err == nil && string(why) == forItself {
		return 0, false
	}
	return left, true
}

// capped reports whether a mirror takes no more of a set.
func (n *Node) capped(s setName) bool {
	left, bounded := n.roomFor(s)
	return bounded && left <= 0
}

// measureBounds measures the bounded mirrors of which that was not done, or which are
// full and had something erased since. It costs some ten microseconds for each record
// of theirs.
func (n *Node) measureBounds() error {
	type due struct {
		b     *bound
		sets  []setName
		added int64
	}
	var all []due
	n.bounds.mu.Lock()
	for _, b := range n.bounds.all {
		if b.MaxSize > 0 && (!b.measured || b.erased && b.full()) {
			all = append(all, due{b, b.in, b.added})
			b.erased = false
		}
	}
	n.bounds.mu.Unlock()
	for _, d := range all {
		size := int64(0)
		for _, of := range d.sets {
			more, err := n.sizeOf(of)
			if err != nil {
				return err
			}
			size += more
		}
		n.bounds.mu.Lock()
		// What came meanwhile counts, though it may have been measured.
		d.b.measured, d.b.reached = true, false
		d.b.base, d.b.added = size, d.b.added-d.added
		n.bounds.mu.Unlock()
	}
	return nil
}

// sizeOf returns how many bytes the records of a set of badges or of a class have.
func (n *Node) sizeOf(s setName) (size int64, err error) {
	add := func(id uint32, err error) error {
		if err != nil {
			return err
		}
		more, err := n.store.Size(id)
		size += more
		return err
	}
	if s.class.Defined() {
		for a, err := range n.store.Awards(s.class, s.territory) {
			if err := add(a.ID, err); err != nil {
				return 0, err
			}
		}
		r, err := n.store.Get(s.class)
		if err == nil && s.has(r) {
			size += int64(len(r.Bytes()))
		}
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return size, err
	}
	var kinds []protocol.Kind
	for _, k := range protocol.Kinds {
		if s.classes && k == protocol.Class || s.badges() && !isControl(k) {
			kinds = append(kinds, k)
		}
	}
	for e, err := range n.store.Find(store.Query{Kinds: kinds, Territory: s.territory}) {
		if err := add(e.ID, err); err != nil {
			return 0, err
		}
	}
	return size, nil
}
