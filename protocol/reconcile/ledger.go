package reconcile

import (
	"math"
	"slices"
)

// Here is kept what a session knows: what was promised, what is wanted, and what
// is left to compare.

// maxWantedRanges is how many ranges are remembered to judge what the peer sends.
// Beyond it neighbours become one, and the judgement milder.
const maxWantedRanges = 16 << 10

// want remembers that the peer will send n keys of a range.
func (s *Session) want(r span, n int) {
	s.expect(n)
	last := len(s.heard.wanted) - 1
	if last >= 0 && (s.heard.wanted[last].hi == r.lo || last >= maxWantedRanges) {
		s.heard.wanted[last].hi = later(s.heard.wanted[last].hi, r.hi)
		s.heard.wanted[last].lo = sooner(s.heard.wanted[last].lo, r.lo)
		return
	}
	s.heard.wanted = append(s.heard.wanted, r)
}

func (s *Session) expect(n int) {
	s.expected += min(uint64(n), math.MaxUint64-s.expected)
}

// wantID remembers an id that the peer is asked for.
func (s *Session) wantID(id uint64) error {
	if len(s.wantedID) == MaxWanted {
		return tooMany("more than %d ids wanted", MaxWanted)
	}
	s.wantedID[id] = struct{}{}
	s.expect(1)
	return nil
}

// normalise sorts the ranges of wanted keys and joins those that touch.
func (s *Session) normalise() {
	if len(s.heard.wanted) == 0 {
		return
	}
	all := append(s.wanted, s.heard.wanted...)
	s.heard.wanted = nil
	slices.SortFunc(all, func(a, b span) int { return a.lo.compare(&b.lo) })
	joined := all[:1]
	for _, r := range all[1:] {
		last := &joined[len(joined)-1]
		if r.lo.compare(&last.hi) <= 0 || len(joined) == maxWantedRanges {
			last.hi = later(last.hi, r.hi)
		} else {
			joined = append(joined, r)
		}
	}
	s.wanted = joined
}

func later(a, b Key) Key {
	if a.compare(&b) < 0 {
		return b
	}
	return a
}

func sooner(a, b Key) Key {
	if b.compare(&a) < 0 {
		return b
	}
	return a
}

// promise records that the key of rank i will be sent, and reports whether that
// is new.
func (s *Session) promise(i int) bool { return s.promiseAll(i, i+1) == 1 }

// promiseAll promises the keys of [i, j) and returns how many were new.
func (s *Session) promiseAll(i, j int) int {
	n := s.own(i, j)
	s.next = min(s.next, i)
	if n == j-i {
		s.promised.addAll(i, j, s.config.View.Len())
		s.waiting.addAll(i, j, s.config.View.Len())
		return n
	}
	for ; i < j; i++ {
		if !s.promised.has(i) {
			s.promiseAll(i, i+1)
		}
	}
	return n
}

// own returns how many keys of [i, j) are not promised: what is promised is as
// good as sent, and left out of all that is said later.
func (s *Session) own(i, j int) int { return j - i - s.promised.in(i, j) }

// fingerprint returns the count and the fingerprint of the keys of [i, j) that
// are not promised.
func (s *Session) fingerprint(i, j int) (int, uint64, error) {
	if s.config.Audit {
		var sum auditSum
		err := s.each(i, j, func(_ int, k *Key) { sum.add(&s.salt, k) })
		count := s.own(i, j)
		return count, s.salt.ofAudit(count, sum), err
	}
	sum := s.config.View.Sum(i, j)
	gone := s.promised.in(i, j)
	if gone > 0 {
		if err := s.charge(j - i); err != nil {
			return 0, 0, err
		}
		var promised Sum
		rank := i
		for keys := range s.config.View.runs(i, j) {
			for k := range keys {
				if s.promised.has(rank) {
					promised.add(&keys[k])
				}
				rank++
			}
		}
		sum.minus(promised)
	}
	return j - i - gone, s.salt.ofSum(j-i-gone, sum), nil
}

// charge counts n keys that are about to be hashed for the peer. Nobody needs
// more than 16 times the set: an audit looks at it 3 times, a filter, two
// sketches and their answers 6 times.
func (s *Session) charge(n int) error {
	if s.hashed += n; s.hashed > 16*s.config.View.Len()+64<<10 {
		return tooMany("%d keys hashed for one session", s.hashed)
	}
	return nil
}

// each calls do with the keys of [i, j) that are not promised when their turn
// comes.
func (s *Session) each(i, j int, do func(rank int, k *Key)) error {
	if err := s.charge(j - i); err != nil {
		return err
	}
	for keys := range s.config.View.runs(i, j) {
		for k := range keys {
			if !s.promised.has(i) {
				do(i, &keys[k])
			}
			i++
		}
	}
	return nil
}

// ranks returns the ranks of the keys of r that take part.
func (s *Session) ranks(r span) (i, j int) {
	return max(s.base, s.rank(r.lo)), max(s.base, s.rank(r.hi))
}

func (s *Session) rank(bound Key) int {
	if bound == beyond {
		return s.config.View.Len()
	}
	return s.config.View.Rank(bound)
}
