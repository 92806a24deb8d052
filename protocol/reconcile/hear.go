package reconcile

import (
	"encoding/binary"
	"math"
)

// hearRanges takes a frame of ranges. Faults are left in r.
func (s *Session) hearRanges(r *reader) {
	if len(r.data) == 0 {
		return
	}
	at := r.bound(Key{}, r.prefix())
	for len(r.data) > 0 && r.err == nil {
		if s.heard.ranges++; s.heard.ranges > MaxRanges {
			r.err = tooMany("more than %d ranges", MaxRanges)
			return
		}
		first := r.byte()
		hi := r.bound(at, int(first>>prefixBits))
		if r.err == nil && hi.compare(&at) <= 0 {
			r.fail("ranges that do not ascend")
		}
		push := 0
		if first&pushFlag != 0 {
			push = r.count()
		}
		if r.err != nil {
			return
		}
		it := &item{span: span{at, hi}}
		at = hi
		if push > 0 {
			s.want(it.span, push)
		}
		s.hearRange(r, it, mode(first&modeMask))
	}
}

// hearRange takes what one range says, and opens it if there is something to
// say.
func (s *Session) hearRange(r *reader, it *item, m mode) {
	if m == modeSkip {
		return
	}
	it.i, it.j = s.ranks(it.span)
	switch m {
	case modeFingerprint:
		s.heard.awaited = true
		s.hearFingerprint(r, it)
	case modeIDs:
		s.heard.awaited = true
		s.hearIDs(r, it)
	case modeWant:
		s.hearWant(r, it)
	case modeBloom:
		s.heard.awaited = true
		s.hearBloom(r, it)
	case modeAsk:
		s.heard.awaited = true
		it.peer = r.count()
		it.own = s.own(it.i, it.j)
		it.kind = asking
		s.heard.open = append(s.heard.open, it)
	default:
		r.fail("a range of mode %d", m)
	}
}

func (s *Session) hearFingerprint(r *reader, it *item) {
	it.peer = r.count()
	theirs := r.word()
	if r.err != nil {
		return
	}
	if it.own = s.own(it.i, it.j); it.own > 0 && it.peer > 0 {
		s.heard.compared++
	}
	if it.own == it.peer {
		_, fp, err := s.fingerprint(it.i, it.j)
		if err != nil {
			r.err = err
			return
		}
		if fp == theirs {
			return
		}
	}
	it.kind = differing
	if it.peer == 0 {
		it.kind, it.push = decided, s.promiseAll(it.i, it.j)
	}
	s.heard.open = append(s.heard.open, it)
}

// hearIDs compares a list of ids with what is here: what the peer has not is
// sent, what is only there is wanted.
func (s *Session) hearIDs(r *reader, it *item) {
	n := r.uvarint()
	if n > uint64(MaxIDs-s.heard.ids) {
		r.err = tooMany("more than %d ids", MaxIDs)
		return
	}
	s.heard.ids += int(n)
	raw := r.bytes(8 * n)
	if r.err != nil {
		return
	}
	if n == 0 {
		it.push = s.promiseAll(it.i, it.j)
		if it.push > 0 {
			s.heard.open = append(s.heard.open, it)
		}
		return
	}
	theirs := make(map[uint64]int, n)
	for i := range int(n) {
		theirs[binary.LittleEndian.Uint64(raw[8*i:])] = i
	}
	unseen := make([]bool, n)
	for _, i := range theirs {
		unseen[i] = true
	}
	err := s.each(it.i, it.j, func(rank int, k *Key) {
		if i, ok := theirs[s.salt.idOf(k)]; ok {
			unseen[i] = false
		} else if s.promise(rank) {
			it.push++
		}
	})
	if err != nil {
		r.err = err
		return
	}
	var wants []byte
	for i, u := range unseen {
		if u {
			for len(wants) <= i/8 {
				wants = append(wants, 0)
			}
			wants[i/8] |= 1 << (i % 8)
			if r.err = s.wantID(binary.LittleEndian.Uint64(raw[8*i:])); r.err != nil {
				return
			}
		}
	}
	if len(wants) > 0 {
		it.mode = modeWant
		it.body = append(binary.AppendUvarint(nil, uint64(len(wants))), wants...)
	}
	if len(wants) > 0 || it.push > 0 {
		s.heard.open = append(s.heard.open, it)
	}
}

// hearWant takes the bits of the keys wanted of a range that was listed: those
// not promised, in order.
func (s *Session) hearWant(r *reader, it *item) {
	n := r.uvarint()
	wants := r.bytes(n)
	if n > MaxIDs/8 {
		r.err = tooMany("%d ids wanted", 8*n)
	}
	if r.err != nil {
		return
	}
	rank := it.i
	for at := range 8 * len(wants) {
		for rank < it.j && s.promised.has(rank) {
			rank++
		}
		if rank >= it.j {
			// The bits beyond the list must be zero; what was promised of
			// it meanwhile makes them fewer, and there is nothing to lose.
			return
		}
		if wants[at/8]>>(at%8)&1 == 1 {
			s.promise(rank)
		}
		rank++
	}
}

// hearBloom takes a filter of what the peer has: what is outside is sent. Of the
// rest one in 2^hashes is outside too, without showing.
func (s *Session) hearBloom(r *reader, it *item) {
	it.peer = r.count()
	hashes := int(r.byte())
	f := filter{hashes, r.bytes(r.uvarint())}
	if r.err == nil && (hashes == 0 || hashes > maxHashes || len(f.bits) == 0) {
		r.fail("a filter of %d hashes in %d bytes", hashes, len(f.bits))
	}
	if r.err != nil {
		return
	}
	err := s.each(it.i, it.j, func(rank int, k *Key) {
		if !f.has(s.salt.idOf(k)) && s.promise(rank) {
			it.push++
		}
	})
	if err != nil {
		r.err = err
		return
	}
	it.own = s.own(it.i, it.j)
	it.kind = described
	it.extra = float64(it.push) / float64(uint64(1)<<hashes-1)
	it.lack = max(0, float64(it.peer)-float64(it.own)+it.extra)
	s.heard.open = append(s.heard.open, it)
}

// hearSketch takes a sketch of what the peer has in some ranges, and finds what
// each side alone has. If that fails, this side describes what it has, by what
// the sketch shows of the number of differences.
func (s *Session) hearSketch(r *reader) {
	s.heard.awaited = true
	spans := s.hearSpans(r)
	if r.err != nil {
		return
	}
	theirs, err := parseSketch(r.data)
	if err != nil {
		r.err = err
		return
	}
	err = s.eachOf(spans, func(_ int, k *Key) { theirs.add(s.salt.idOf(k), math.MaxUint8) })
	if err != nil {
		r.err = err
		return
	}
	// The same cells would fail again, whatever the estimate says: about twice as
	// many are the least.
	estimate := max(1.1*theirs.differences(), 1.5*float64(len(theirs))-spareCells)
	lacking, extra, ok := theirs.peel()
	if !ok {
		s.openAgain(spans, estimate)
		return
	}
	push, err := s.promiseIDs(spans, extra)
	if err != nil {
		r.err = err
		return
	}
	for _, id := range lacking {
		if r.err = s.wantID(id); r.err != nil {
			return
		}
	}
	if push > 0 || len(lacking) > 0 {
		s.heard.answers = append(s.heard.answers, need{spans, lacking, push})
	}
}

// openAgain opens ranges that together have about that many differences.
func (s *Session) openAgain(spans []span, estimate float64) {
	first, total := len(s.heard.open), 0
	for _, r := range spans {
		it := &item{span: r, kind: described}
		it.i, it.j = s.ranks(r)
		it.own = s.own(it.i, it.j)
		it.peer = it.own
		total += it.own
		s.heard.open = append(s.heard.open, it)
	}
	for _, it := range s.heard.open[first:] {
		it.lack = estimate / 2 * (float64(it.own) + 1) / float64(total+len(spans))
		it.extra = it.lack
	}
}

// hearNeed takes the answer to a sketch: the ids wanted of its ranges, and how
// many keys will be sent.
func (s *Session) hearNeed(r *reader) {
	spans := s.hearSpans(r)
	push := r.count()
	n := len(r.data) / 8
	if r.err == nil && 8*n != len(r.data) {
		r.fail("%d bytes of ids", len(r.data))
	}
	if n > MaxCells {
		r.err = tooMany("%d ids needed of one sketch", n)
	}
	if r.err != nil {
		return
	}
	if push > 0 {
		for i, sp := range spans {
			if i > 0 {
				push = 0 // counted once
			}
			s.want(sp, push)
		}
	}
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = r.word()
	}
	if _, err := s.promiseIDs(spans, ids); err != nil {
		r.err = err
	}
}

// hearSpans reads the ranges of a sketch and counts them.
func (s *Session) hearSpans(r *reader) []span {
	spans := r.spans()
	if s.heard.ranges += len(spans); s.heard.ranges > MaxRanges {
		r.err = tooMany("more than %d ranges", MaxRanges)
	}
	return spans
}

// promiseIDs promises the keys of spans with these ids. An id that nothing has
// is passed over: it came of a hash that is wrong once in 2^32, and the next
// session sees to it.
func (s *Session) promiseIDs(spans []span, ids []uint64) (push int, err error) {
	if len(ids) == 0 {
		return 0, nil
	}
	wanted := make(map[uint64]struct{}, len(ids))
	for _, id := range ids {
		wanted[id] = struct{}{}
	}
	err = s.eachOf(spans, func(rank int, k *Key) {
		if _, ok := wanted[s.salt.idOf(k)]; ok && s.promise(rank) {
			push++
		}
	})
	return push, err
}

// eachOf is each for several ranges.
func (s *Session) eachOf(spans []span, do func(rank int, k *Key)) error {
	for _, r := range spans {
		i, j := s.ranks(r)
		if err := s.each(i, j, do); err != nil {
			return err
		}
	}
	return nil
}
