package trust

import "slices"

// Surplus returns the endorsements of t that a node may keep as names only: of
// those by actors without points, all but the first MaxUnreached, the oldest
// being first. None of them counts today. Whoever floods a target so pays with
// their own records.
func (g *Graph) Surplus(t Target) []Digest {
	g.settle()
	var unreached []ref
	collect := func(r ref) {
		for ; r != 0; r = g.at(r).nextOf {
			if e := g.at(r); e.kind == endorsement && g.bound(g.root(e.by)) == 0 {
				unreached = append(unreached, r)
			}
		}
	}
	if t.Profile != "" {
		if a, ok := g.numbers[t.Profile]; ok {
			for k := range g.keys(g.root(a)) {
				collect(g.people[k].firstOf)
			}
		}
	} else if r := g.find(t.Record); r != 0 {
		collect(g.at(r).first)
	}
	if len(unreached) <= MaxUnreached {
		return nil
	}
	slices.SortFunc(unreached, func(a, b ref) int {
		if x, y := g.at(a), g.at(b); x.from != y.from {
			return int(int64(x.from) - int64(y.from))
		}
		return g.at(a).digest.Compare(g.at(b).digest)
	})
	var surplus []Digest
	for _, r := range unreached[MaxUnreached:] {
		surplus = append(surplus, g.at(r).digest)
	}
	return surplus
}
