package trust

import (
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Layers returns what reaches d after exactly 0 to Hops hops, the circles
// through its own records included. Their sum from hop 1 on is never less than
// Points.
func (g *Graph) Layers(d did.DID) [Hops + 1]Points {
	g.settle()
	var layers [Hops + 1]Points
	if a, ok := g.numbers[d]; ok {
		for k := range layers {
			layers[k] = Points(g.x[k][g.root(a)])
		}
	}
	return layers
}

// Points returns the points of the identity of d: what reaches it with its own
// records ignored, or AnchorPoints. Cost: microseconds, but for an actor in the
// thick of a dense graph some milliseconds.
func (g *Graph) Points(d did.DID) Points {
	g.settle()
	a, ok := g.numbers[d]
	if !ok {
		return 0
	}
	return g.points(g.root(a))
}

// bound returns no less than points of v would.
func (g *Graph) bound(v actor) Points {
	sum := uint64(0)
	for k := range g.x {
		sum += g.x[k][v]
	}
	return Points(sum)
}

// points returns what reaches v with its own records and those of silent
// ignored. An anchor has AnchorPoints.
//
// It takes away from the layers what goes round through those ignored, as
// cascade would, but follows only what can still come back to v.
func (g *Graph) points(v actor, silent ...actor) Points {
	if g.anchor[v] {
		return AnchorPoints
	}
	sum := uint64(g.bound(v))
	if sum == 0 {
		return 0
	}
	cuts := append(make([]actor, 0, 4), v)
	for _, c := range silent {
		if !slices.Contains(cuts, c) {
			cuts = append(cuts, c)
		}
	}
	if !slices.ContainsFunc(cuts, g.speaks) {
		return Points(sum)
	}
	g.measure(v, cuts)
	now, next := &g.now, &g.next
	now.reset()
	for k := range Hops {
		layer := g.x[k]
		next.reset()
		for _, c := range cuts {
			if x := layer[c]; x != 0 {
				g.silence(c, x, 0, Hops-k-1, next)
			}
		}
		for _, u := range now.touched {
			if was := layer[u]; now.value[u] != 0 && !g.anchor[u] && !slices.Contains(cuts, u) {
				g.silence(u, was, was+now.value[u], Hops-k-1, next)
			}
		}
		sum += next.of(v)
		now, next = next, now
	}
	return Points(sum)
}

// speaks reports whether u has points to pass on and anybody to pass them to.
func (g *Graph) speaks(u actor) bool {
	return len(g.out[profiles][u])+len(g.out[awards][u]) > 0 && g.bound(u) != 0
}

// silence adds to next how what u passes on changes when its layer goes from
// was to is, where v is no further than within hops.
func (g *Graph) silence(u actor, was, is uint64, within int, next *pad) {
	for p := range purses {
		divisor := g.divisor(u, p, g.weight[p][u])
		for _, l := range g.out[p][u] {
			if g.close(l.other(), within) {
				next.add(l.other(), share(is, p, l.weight(), divisor)-share(was, p, l.weight(), divisor))
			}
		}
	}
}

// measure notes from where v can be reached in one hop, and in two unless there
// are more such links than following all would take.
func (g *Graph) measure(v actor, cuts []actor) {
	g.near.reset()
	g.near.add(v, 0)
	behind := 0
	for _, l := range g.in[v] {
		if u := l.other(); !g.near.has(u) {
			g.near.add(u, 1)
			behind += len(g.in[u])
		}
	}
	ahead := 0
	for _, c := range cuts {
		for p := range purses {
			for _, l := range g.out[p][c] {
				ahead += len(g.out[profiles][l.other()])
			}
		}
	}
	if g.sparse = behind > 10*ahead+1000; g.sparse {
		return
	}
	for _, u := range slices.Clone(g.near.touched[1:]) {
		for _, l := range g.in[u] {
			if w := l.other(); !g.near.has(w) {
				g.near.add(w, 2)
			}
		}
	}
}

// close reports whether v may be within so many hops of u. It says yes where
// measure did not look.
func (g *Graph) close(u actor, hops int) bool {
	switch {
	case hops >= 3:
		return true
	case hops == 2 && g.sparse:
		return true
	}
	return g.near.has(u) && g.near.value[u] <= uint64(hops)
}
