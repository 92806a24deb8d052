package reconcile

import (
	"cmp"
	"math"
	"slices"
)

// How a range is spoken of next is chosen here. Nothing of it is agreed with the
// peer, who answers whatever comes: other numbers would only cost more
// (spec/sync.md §5.5).
const (
	// maxListed is how many keys are told by their ids at once: a fingerprint
	// more costs 13 bytes, an id 8.
	maxListed = 16
	// maxLists is how many ranges of one message are listed or asked for so;
	// more are told by a sketch.
	maxLists = MaxIDs / maxListed
	// firstParts and parts are how many ranges the whole, and later a range,
	// is cut into. Of 4, 8 and 16, 8 costs the fewest bytes in few messages.
	firstParts = 64
	parts      = 8
	// scattered is how many ranges must differ before differences can be
	// called scattered. Fewer are looked into.
	scattered = 8
	// sparse is how many keys may be hashed for each difference expected. At
	// more, cutting costs less time, and 100 bytes a difference.
	sparse = 1024
	// oneSketch is for how many differences a sketch is made; more make two.
	oneSketch = (MaxCells - spareCells) * 3 / 4 * 20 / 23
	// bytesEach is what a sketch costs for each difference.
	bytesEach = cellSize * 1.15 * 4 / 3
)

// choose decides how each open range of a message is answered.
func (s *Session) choose(m *message) {
	lists, asks := 0, 0
	var differ, asked, describe []*item
	for _, it := range m.open {
		switch {
		case it.kind == decided:
		case it.own == 0:
			it.kind = list // of nothing: send all you have
		case it.own <= maxListed && lists < maxLists:
			lists++
			it.kind = list
		case it.kind == described:
			describe = append(describe, it)
		case it.kind == asking:
			asked = append(asked, it)
		case it.peer <= maxListed && asks < maxLists:
			asks++
			it.kind = ask
		default:
			differ = append(differ, it)
		}
	}
	estimate(asked)
	describe = append(describe, asked...)
	far := s.lookInto(differ, m.compared, MaxRanges-96-m.ranges)
	estimate(far)
	lack, extra, _ := totals(far)
	if extra > lack+64 {
		for _, it := range far {
			it.kind = ask // who has less describes it: what is extra needs no answer
		}
	} else {
		describe = append(describe, far...)
	}
	chooseDescription(describe)
}

// lookInto marks the ranges to cut further, where differences seem to stand
// together (news, gaps, a mirror that was interrupted) or to be too few for a
// look at every key. It returns the others. The message may have room more
// ranges than those that came; compared is of how many the fingerprints were
// compared.
func (s *Session) lookInto(differ []*item, compared, room int) (far []*item) {
	gaps := make([]int, 0, len(differ))
	for _, it := range differ {
		gaps = append(gaps, abs(it.peer-it.own))
	}
	sorted := slices.Sorted(slices.Values(gaps))
	var near []*item
	keys, apart := 0, 0
	for i, it := range differ {
		// What stands out of the usual is a gap, not chance.
		if gaps[i] > 16+4*sorted[len(sorted)/2] {
			near = append(near, it)
			compared--
			continue
		}
		far = append(far, it)
		keys += it.own
		apart += gaps[i]
	}
	d := expected(far)
	switch n := len(far); {
	case n < scattered,
		4*n < 3*compared && apart > 4*n,    // few ranges differ, and those by much
		float64(keys) > sparse*d,           // too few for a look at each key
		4*d > float64(keys) && n < 4*parts: // most is missing, in one place
		near, far = differ, nil
	}
	if len(near)*(parts-1) > room {
		return differ
	}
	for _, it := range near {
		it.kind = divide
	}
	return far
}

// expected estimates in how many keys the two sides differ over ranges that
// differ. Where one side lacks some, counts differ by as many. Where both do,
// they cancel, but as by chance: then the variance of the difference of counts
// is the number of differences in a range.
func expected(ranges []*item) float64 {
	n := float64(len(ranges))
	if n == 0 {
		return 0
	}
	apart, mean := 0.0, 0.0
	for _, it := range ranges {
		apart += math.Abs(float64(it.peer - it.own))
		mean += float64(it.peer-it.own) / n
	}
	d := max(1.25*n, apart)
	if len(ranges) < scattered {
		return d
	}
	var variance float64
	spread := make([]float64, 0, len(ranges))
	for _, it := range ranges {
		x := math.Abs(float64(it.peer-it.own) - mean)
		variance += x * x / (n - 1)
		spread = append(spread, x)
	}
	// A few ranges apart must not count as chance everywhere: three times the
	// variance that the median deviation shows is the most.
	slices.Sort(spread)
	robust := 1.4826 * spread[len(spread)/2]
	return max(d, n*min(variance, 3*robust*robust+1))
}

// estimate shares the number of expected differences among ranges.
func estimate(ranges []*item) {
	d := expected(ranges)
	_, _, keys := totals(ranges)
	for _, it := range ranges {
		gap := float64(it.peer - it.own)
		own := max(math.Abs(gap), d*float64(it.own)/float64(keys))
		own = min(own, float64(it.own)+float64(it.peer))
		it.lack, it.extra = (own+gap)/2, (own-gap)/2
	}
}

func totals(ranges []*item) (lack, extra float64, keys int) {
	for _, it := range ranges {
		lack += it.lack
		extra += it.extra
		keys += it.own
	}
	return lack, extra, keys
}

// chooseDescription decides between sketches and filters for all ranges, by the
// bytes they cost. After a filter of h hashes, a sketch is still needed of what
// one key in 2^h hid, and of what is only here.
func chooseDescription(ranges []*item) {
	lack, extra, keys := totals(ranges)
	best, hashes := bytesEach*(lack+extra)-float64(8*len(ranges)), 0
	for h := 1; h <= maxHashes; h++ {
		bytes := float64(keys)*float64(h)/math.Ln2/8 + bytesEach*(lack/float64(uint(1)<<h)+extra)
		if bytes < best {
			best, hashes = bytes, h
		}
	}
	for _, it := range ranges {
		it.kind, it.hashes = sketchy, hashes
		if hashes > 0 {
			it.kind = filters
		}
	}
	slices.SortStableFunc(ranges, func(a, b *item) int { return cmp.Compare(a.i, b.i) })
}

func abs(n int) int { return max(n, -n) }
