package trust

import (
	"cmp"
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Chain is a way from an anchor to a supporter: each actor endorsed the profile
// of the next, or made it an award.
type Chain struct {
	Actors []did.DID // by first key, from the anchor to the supporter
	// Records holds, for each actor but the anchor, the record by which the
	// one before speaks for it; and last, if the supporter is not what is
	// backed, the record by which it supports.
	Records []Digest
	Points  Points
}

// maxSteps bounds the work of one Chains. An answer it cuts short is the same
// on every node. Some hundreds are usual.
const maxSteps = 1 << 16

// Chains returns the chains that bring most to b, at most n: those of most
// points, then of fewest hops, then in order of the names read from the
// supporter back. They pass no actor twice nor the holder; what the chains that
// go round bring is part of b.For, as is what is lost in rounding.
//
// It searches backwards, best first: what the layers hold bounds what a chain
// begun can still bring.
func (g *Graph) Chains(b Backing, n int) []Chain {
	g.settle()
	m, ok := g.matter(b.Of)
	if !ok || n <= 0 {
		return nil
	}
	var q trails
	for _, s := range g.supporters(m) {
		t := trail{n: 1, role: s.role, record: s.record}
		t.at[0] = s.who
		for k := range Hops + 1 {
			t.left = uint8(k)
			if t.points = g.bring(&t); t.points > 0 {
				q.push(g, t)
			}
		}
	}
	var chains []Chain
	for steps := 0; len(q) > 0 && len(chains) < n; {
		t := q.pop(g)
		last := t.at[t.n-1]
		if t.left == 0 {
			chains = append(chains, g.chain(&t))
			continue
		}
		for _, l := range g.in[last] {
			if steps++; steps > maxSteps {
				return chains
			}
			u := l.other()
			if u == m.holder || g.x[t.left-1][u] == 0 || slices.Contains(t.at[:t.n], u) {
				continue
			}
			longer := t
			longer.at[t.n], longer.by[t.n] = u, l
			longer.n++
			longer.left--
			if longer.points = g.bring(&longer); longer.points > 0 {
				q.push(g, longer)
			}
		}
	}
	return chains
}

// Independent returns chains to the supporters of b that share no actor: as
// many as b.Independent counts, but where an anchor supports b itself; then one
// says it all. Their points are not counted.
func (g *Graph) Independent(b Backing) []Chain {
	g.settle()
	m, ok := g.matter(b.Of)
	if !ok {
		return nil
	}
	supporters := g.supporters(m)
	slices.SortFunc(supporters, func(x, y speaker) int { return g.order(x.who, y.who) })
	var chains []Chain
	for _, path := range g.apart(m, supporters) {
		end := path[len(path)-1]
		i := slices.IndexFunc(supporters, func(s speaker) bool { return s.who == end })
		chains = append(chains, g.describe(path, func(int) purse { return profiles }, supporters[i]))
	}
	return chains
}

// trail is a chain begun at its end.
type trail struct {
	points uint64
	at     [Hops + 1]actor // from the supporter back
	by     [Hops + 1]link  // by[i] is how at[i] speaks for at[i-1]
	n      uint8
	left   uint8 // hops still to go to an anchor
	role   Role
	record ref
}

// bring returns what all that reaches the last actor in as many hops as are
// left brings along the trail; no chain that extends it brings more.
func (g *Graph) bring(t *trail) uint64 {
	x := g.x[t.left][t.at[t.n-1]]
	for i := t.n - 1; i > 0; i-- {
		u, p := t.at[i], t.by[i].purse()
		x = share(x, p, t.by[i].weight(), g.divisor(u, p, g.weight[p][u]))
	}
	if t.role == ClassEndorser {
		x /= 2
	}
	return x
}

// compare orders trails so that none comes before what it extends to.
func (g *Graph) compare(a, b *trail) int {
	if c := cmp.Or(cmp.Compare(b.points, a.points), cmp.Compare(a.n+a.left, b.n+b.left)); c != 0 {
		return c
	}
	for i := range min(a.n, b.n) {
		if c := g.order(a.at[i], b.at[i]); c != 0 {
			return c
		}
		if c := cmp.Compare(a.by[i].purse(), b.by[i].purse()); i > 0 && c != 0 {
			return c
		}
	}
	return cmp.Compare(a.n, b.n)
}

// trails is a heap, the best first.
type trails []trail

func (q *trails) push(g *Graph, t trail) {
	*q = append(*q, t)
	h := *q
	for i := len(h) - 1; i > 0; {
		up := (i - 1) / 2
		if g.compare(&h[up], &h[i]) <= 0 {
			break
		}
		h[up], h[i] = h[i], h[up]
		i = up
	}
}

func (q *trails) pop(g *Graph) trail {
	h := *q
	best := h[0]
	last := len(h) - 1
	h[0] = h[last]
	h = h[:last]
	*q = h
	for i := 0; ; {
		least := i
		for _, down := range [...]int{2*i + 1, 2*i + 2} {
			if down < len(h) && g.compare(&h[down], &h[least]) < 0 {
				least = down
			}
		}
		if least == i {
			return best
		}
		h[i], h[least] = h[least], h[i]
		i = least
	}
}

// chain returns a finished trail as data.
func (g *Graph) chain(t *trail) Chain {
	path := slices.Clone(t.at[:t.n])
	slices.Reverse(path)
	by := func(i int) purse { return t.by[int(t.n)-i].purse() }
	c := g.describe(path, by, speaker{path[len(path)-1], t.role, t.record})
	c.Points = Points(t.points)
	return c
}

// describe names the actors of path and the records along it; by returns the
// purse through which path[i-1] speaks for path[i].
func (g *Graph) describe(path []actor, by func(i int) purse, end speaker) Chain {
	var c Chain
	for i, a := range path {
		c.Actors = append(c.Actors, g.people[a].did)
		if i > 0 {
			c.Records = append(c.Records, g.at(g.best(path[i-1], a, by(i))).digest)
		}
	}
	if end.record != 0 {
		c.Records = append(c.Records, g.at(end.record).digest)
	}
	return c
}
