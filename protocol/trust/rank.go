package trust

import (
	"cmp"
	"slices"
)

// Rank returns the n best backed of the awards, in order: by level, by net
// points, by digest. Awards that do not count today are left out. Place and
// skill are for others to weigh.
//
// Exact points are counted for as few as can be: the layers bound what an award
// can have, so those whose bound is beaten are not looked at.
func (g *Graph) Rank(of []Digest, n int) []Backing {
	type candidate struct {
		digest Digest
		bound  Points
	}
	if n <= 0 {
		return nil
	}
	g.settle()
	all := make([]candidate, 0, len(of))
	for _, d := range of {
		m, ok := g.matter(Target{Record: d})
		if !ok {
			continue
		}
		c := candidate{digest: d}
		for _, s := range g.supporters(m) {
			points := g.bound(s.who)
			if s.role == ClassEndorser {
				points /= 2
			}
			c.bound += points
		}
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b candidate) int {
		return cmp.Or(cmp.Compare(b.bound, a.bound), a.digest.Compare(b.digest))
	})
	var best []Backing
	for _, c := range all {
		if len(best) >= n {
			last := best[n-1]
			if most := level(c.bound, MaxIndependent, false, false); most < last.Level || most == last.Level && c.bound < last.Net {
				break
			}
		}
		b, _ := g.Backing(Target{Record: c.digest})
		i, _ := slices.BinarySearchFunc(best, b, byBacking)
		best = slices.Insert(best, i, b)
		best = best[:min(len(best), n)]
	}
	return best
}

func byBacking(a, b Backing) int {
	return cmp.Or(cmp.Compare(b.Level, a.Level), cmp.Compare(b.Net, a.Net), a.Of.Record.Compare(b.Of.Record))
}
