package trust

import (
	"encoding/binary"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
)

// actor numbers a key or, where identities are meant, the first key of one.
// Numbers follow arrival: nothing that is returned may depend on their order.
type actor uint32

// ref numbers an entry. 0 is none.
type ref uint32

const nobody = ^actor(0)

// kind is what an entry says. An unknown entry is a name others mention whose
// record has not come, or is gone.
type kind uint8

const (
	unknown kind = iota
	endorsement
	dispute
	award
	class
	status
	succession
	compromise
)

// entry is one fact, in 64 bytes: a line of cache.
type entry struct {
	digest Digest
	by     actor
	of     actor // the profile, the holder, the successor; or nobody
	on     ref   // the target; of an award its class
	from   uint32
	nextBy ref // the next by the same key
	nextOf ref // the next about the same actor or record
	first  ref // the first about this record
	until  uint16
	kind   kind
	mark   uint8 // weight code or State, and noted
}

// noted marks an entry that a status names.
const noted = 1 << 7

func (e *entry) weight() uint8 { return e.mark &^ noted }
func (e *entry) state() State  { return State(e.mark &^ noted) }

// link reports through which purse the entry can pass points on.
func (e *entry) link() (purse, bool) {
	switch {
	case e.kind == endorsement && e.of != nobody:
		return profiles, true
	case e.kind == award:
		return awards, true
	}
	return 0, false
}

// older orders competing entries: the newest is first, then the smallest name.
func older(a, b *entry) bool {
	if a.from != b.from {
		return a.from < b.from
	}
	return a.digest.Compare(b.digest) > 0
}

// person is what the ledger knows of one key.
type person struct {
	did          did.DID
	root         actor // the first key of the identity
	next         actor // the key after this one, or nobody
	firstBy      ref
	firstOf      ref // endorsements, awards and successions that name it
	firstDispute ref
	since        uint16 // the day it is compromised from, or never
	conflict     bool   // its successions contradict one another
}

// ledger holds the facts, each under the digest of its record, and lists them
// by author and by target. It decides nothing.
type ledger struct {
	pages   [][]entry // of pageSize, so that growing copies nothing
	count   ref       // entries, the unused 0 included
	known   int       // those that are facts
	index   []ref     // open addressing, at most 3/4 full
	people  []person
	numbers map[did.DID]actor
}

const pageSize = 1 << 12

func (l *ledger) at(r ref) *entry { return &l.pages[r/pageSize][r%pageSize] }

// probe returns where in the index d stands or would stand. Its hash is part of
// the digest: to make many records collide one must sign millions for each.
func (l *ledger) probe(d Digest) int {
	mask := len(l.index) - 1
	i := int(binary.LittleEndian.Uint64(d[8:])) & mask
	for l.index[i] != 0 && l.at(l.index[i]).digest != d {
		i = (i + 1) & mask
	}
	return i
}

// find returns the entry named d, or 0.
func (l *ledger) find(d Digest) ref {
	if len(l.index) == 0 {
		return 0
	}
	return l.index[l.probe(d)]
}

// refer returns the entry named d, made unknown if there is none.
func (l *ledger) refer(d Digest) ref {
	if int(l.count)*4 >= len(l.index)*3 {
		l.grow()
	}
	i := l.probe(d)
	if l.index[i] != 0 {
		return l.index[i]
	}
	r := l.push(entry{digest: d, of: nobody})
	l.index[i] = r
	return r
}

func (l *ledger) push(e entry) ref {
	if int(l.count)%pageSize == 0 {
		l.pages = append(l.pages, make([]entry, pageSize))
	}
	r := l.count
	l.count++
	*l.at(r) = e
	return r
}

func (l *ledger) grow() {
	if l.count == 0 {
		l.push(entry{of: nobody}) // 0 is none
	}
	l.index = make([]ref, max(64, 2*len(l.index)))
	for r := ref(1); r < l.count; r++ {
		l.index[l.probe(l.at(r).digest)] = r
	}
}

// number returns the actor of d, new if it was never named.
func (l *ledger) number(d did.DID) actor {
	if a, ok := l.numbers[d]; ok {
		return a
	}
	// A copy: d may be a piece of a document that should not stay in memory.
	d = did.DID(strings.Clone(string(d)))
	a := actor(len(l.people))
	l.people = append(l.people, person{did: d, root: a, next: nobody, since: never})
	l.numbers[d] = a
	return a
}

// root returns the identity of a key.
func (l *ledger) root(a actor) actor { return l.people[a].root }

// add files f, which has been checked, and returns its entry; false when it was
// there.
func (l *ledger) add(f Fact) (ref, bool) {
	r := l.refer(f.name())
	if l.at(r).kind != unknown {
		return r, false
	}
	l.known++
	// Fill a copy: naming others may add entries.
	e := *l.at(r)
	e.of, e.on, e.until = nobody, 0, never
	switch f := f.(type) {
	case Endorsement:
		e.kind, e.by = endorsement, l.number(f.By)
		l.aim(&e, f.Of)
		e.during(f.From, f.Until)
		e.mark |= fullWeight
		if f.Weight != 0 {
			e.mark = e.mark&noted | uint8(f.Weight/25-1)
		}
	case Dispute:
		e.kind, e.by = dispute, l.number(f.By)
		l.aim(&e, f.Of)
		e.during(f.From, f.Until)
	case Award:
		e.kind, e.by, e.of, e.on = award, l.number(f.Issuer), l.number(f.Holder), l.refer(f.Class)
		e.during(f.From, f.Until)
	case Class:
		e.kind, e.by = class, l.number(f.Creator)
		e.during(f.From, time.Time{})
	case Status:
		e.kind, e.by, e.on = status, l.number(f.By), l.refer(f.Target)
		e.during(f.From, time.Time{})
		e.mark |= uint8(f.State)
		l.at(e.on).mark |= noted
	case Succession:
		e.kind, e.by, e.of = succession, l.number(f.By), l.number(f.To)
		e.during(f.From, time.Time{})
	case Compromise:
		e.kind, e.by = compromise, l.number(f.Key)
		e.during(f.From, time.Time{})
		e.until = uint16(min(DayOf(f.Since), lastDay))
	}
	by := &l.people[e.by].firstBy
	e.nextBy, *by = *by, r
	*l.at(r) = e
	if list := l.about(r); list != nil {
		l.at(r).nextOf, *list = *list, r
	}
	return r, true
}

func (l *ledger) aim(e *entry, t Target) {
	if t.Profile != "" {
		e.of = l.number(t.Profile)
	} else {
		e.on = l.refer(t.Record)
	}
}

// during sets when the entry counts by its own word.
func (e *entry) during(from, until time.Time) {
	e.from = seconds(from)
	if !until.IsZero() {
		e.until = uint16(min(DayOf(until), never))
	}
}

// about returns the head of the list r stands in by what it is about.
func (l *ledger) about(r ref) *ref {
	e := l.at(r)
	switch {
	case e.kind == dispute && e.of != nobody:
		return &l.people[e.of].firstDispute
	case e.of != nobody:
		return &l.people[e.of].firstOf
	case e.on != 0:
		return &l.at(e.on).first
	}
	return nil
}

// drop makes r unknown. Its 64 bytes stay: others may name it, and it may come
// again. Cost: the length of the two lists it stands in.
func (l *ledger) drop(r ref) {
	l.known--
	e := l.at(r)
	at := &l.people[e.by].firstBy
	for *at != r {
		at = &l.at(*at).nextBy
	}
	*at = e.nextBy
	if at := l.about(r); at != nil {
		for *at != r {
			at = &l.at(*at).nextOf
		}
		*at = e.nextOf
	}
	*e = entry{digest: e.digest, of: nobody, first: e.first, mark: e.mark & noted}
}
