package reconcile

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// reply answers the message that has been heard. Without an answer awaited, or
// with nothing open in the answer, the session ends.
func (s *Session) reply() ([]byte, error) {
	s.normalise()
	m := s.heard
	s.heard = message{}
	if !m.awaited {
		s.end()
		return nil, nil
	}
	if s.messages++; s.messages > MaxMessages {
		return nil, tooMany("more than %d messages", MaxMessages)
	}
	s.choose(&m)
	if s.messages == MaxMessages {
		s.leaveOpen(&m)
	}
	m.open = join(m.open)
	var w writer
	if err := s.write(&w, m.open); err != nil {
		return nil, err
	}
	for _, a := range m.answers {
		b := appendSpans([]byte{frameNeed}, a.spans)
		b = binary.AppendUvarint(b, uint64(a.push))
		for _, id := range a.ids {
			b = binary.LittleEndian.AppendUint64(b, id)
		}
		w.frame(b)
	}
	out := w.message()
	s.framesOut += w.frames
	return out, nil
}

// leaveOpen leaves to the next session what the peer would have to answer, which
// nobody may. What was decided holds, and is announced.
func (s *Session) leaveOpen(m *message) {
	m.open = slices.DeleteFunc(m.open, func(it *item) bool {
		if it.isOpen() {
			s.partial = true
			it.kind, it.mode, it.body = decided, modeSkip, nil
		}
		return it.mode == modeSkip && it.push == 0
	})
}

// isOpen reports whether the peer must answer what will be said of the range.
func (it *item) isOpen() bool { return it.kind != decided || it.mode == modeFingerprint }

// join makes one of neighbours of which the same is said: that there are keys
// to come, or that nothing is here. In a tail they are most of a message.
func join(ranges []*item) []*item {
	joined := ranges[:0]
	for _, it := range ranges {
		if n := len(joined); n > 0 && joined[n-1].hi == it.lo {
			last := joined[n-1]
			pushes := last.kind == decided && it.kind == decided && last.mode == modeSkip && it.mode == modeSkip
			nothing := last.kind == list && it.kind == list && last.own+it.own+last.push+it.push == 0
			if pushes || nothing {
				last.hi, last.j, last.push = it.hi, it.j, last.push+it.push
				continue
			}
		}
		joined = append(joined, it)
	}
	return joined
}

// full reports whether a description must be left to the next session: filters
// and sketches of more than 20 million keys. Some frames are kept for the rest.
func (s *Session) full(w *writer) bool {
	if s.framesOut+w.frames < MaxFrames-MaxMessages {
		return false
	}
	s.partial = true
	return true
}

// write says what was decided of ranges, and moves settled up to the first that
// stays open; if none does, the session ends.
func (s *Session) write(w *writer, ranges []*item) error {
	open := math.MaxInt
	var sketched []*item
	for _, it := range ranges {
		// What is cut has no entry of its own to announce keys with.
		if it.push > 0 && (it.kind == divide || it.kind == filters || it.kind == sketchy) {
			w.entry(it.span, modeSkip, it.push, nil)
		}
	}
	for _, it := range ranges {
		var err error
		switch it.kind {
		case divide:
			err = s.writeParts(w, it)
		case list:
			err = s.writeList(w, it)
		case ask:
			w.entry(it.span, modeAsk, it.push, binary.AppendUvarint(nil, uint64(it.own)))
		case filters:
			err = s.writeFilters(w, it)
		case sketchy:
			sketched = append(sketched, it)
		default:
			w.entry(it.span, it.mode, it.push, it.body)
		}
		if err != nil {
			return err
		}
		if it.isOpen() {
			open = min(open, it.i)
		}
	}
	if err := s.writeSketches(w, sketched); err != nil {
		return err
	}
	if open == math.MaxInt {
		s.end()
		return nil
	}
	s.settled = max(s.base, open)
	return nil
}

// cut returns a range in n parts of as many keys, or fewer parts if it has not
// so many keys.
func (s *Session) cut(it *item, n int) []*item {
	n = max(1, min(n, it.j-it.i))
	cut := make([]*item, 0, n)
	lo, i := it.lo, it.i
	for p := 1; p <= n; p++ {
		hi, j := it.hi, it.j
		if p < n {
			j = it.i + (it.j-it.i)*p/n
			hi = s.config.View.bound(j)
		}
		cut = append(cut, &item{span: span{lo, hi}, i: i, j: j, own: s.own(i, j)})
		lo, i = hi, j
	}
	return cut
}

// writeParts cuts a range, and says the fingerprint of each part.
func (s *Session) writeParts(w *writer, it *item) error {
	n := parts
	if it.span == (span{s.lowest, beyond}) {
		n = firstParts
	}
	for _, part := range s.cut(it, max(2, min(n, (it.own+maxListed-1)/maxListed))) {
		count, fp, err := s.fingerprint(part.i, part.j)
		if err != nil {
			return err
		}
		if count == 0 {
			w.entry(part.span, modeIDs, 0, []byte{0})
		} else {
			w.entry(part.span, modeFingerprint, 0, fingerprintBody(count, fp))
		}
	}
	return nil
}

// writeList lists the ids of a range.
func (s *Session) writeList(w *writer, it *item) error {
	body := binary.AppendUvarint(nil, uint64(it.own))
	if it.own > 0 {
		err := s.each(it.i, it.j, func(_ int, k *Key) {
			body = binary.LittleEndian.AppendUint64(body, s.salt.idOf(k))
		})
		if err != nil {
			return err
		}
	}
	w.entry(it.span, modeIDs, it.push, body)
	return nil
}

// writeFilters describes a range by one filter or several.
func (s *Session) writeFilters(w *writer, it *item) error {
	for _, part := range s.cut(it, 1+(it.j-it.i)/filterKeys) {
		if s.full(w) {
			return nil
		}
		f := newFilter(part.own, it.hashes)
		if err := s.each(part.i, part.j, func(_ int, k *Key) { f.add(s.salt.idOf(k)) }); err != nil {
			return err
		}
		body := binary.AppendUvarint(nil, uint64(part.own))
		body = append(body, byte(it.hashes))
		body = binary.AppendUvarint(body, uint64(len(f.bits)))
		w.entry(part.span, modeBloom, 0, append(body, f.bits...))
	}
	return nil
}

// writeSketches describes ranges, each sketch of as many as expect differences
// for one; a range of more is cut.
func (s *Session) writeSketches(w *writer, ranges []*item) error {
	slices.SortStableFunc(ranges, func(a, b *item) int { return cmp.Compare(a.i, b.i) })
	var spans []span
	d := 0.0
	flush := func() error {
		if len(spans) == 0 || s.full(w) {
			return nil
		}
		sk := newSketch(d)
		err := s.eachOf(spans, func(_ int, k *Key) { sk.add(s.salt.idOf(k), 1) })
		if err != nil {
			return err
		}
		w.frame(sk.appendTo(appendSpans([]byte{frameSketch}, spans)))
		spans, d = spans[:0], 0
		return nil
	}
	for _, it := range ranges {
		each := it.lack + it.extra
		pieces := []*item{it}
		if each > oneSketch {
			pieces = s.cut(it, 1+int(min(each/oneSketch, MaxFrames)))
			each /= float64(len(pieces))
		}
		for _, p := range pieces {
			last := len(spans) - 1
			if last >= 0 && (d+each > oneSketch || last+1 == MaxPieces || p.lo.compare(&spans[last].hi) < 0) {
				if err := flush(); err != nil {
					return err
				}
				last = -1
			}
			if last >= 0 && spans[last].hi == p.lo {
				spans[last].hi = p.hi
			} else {
				spans = append(spans, p.span)
			}
			d += each
		}
	}
	return flush()
}
