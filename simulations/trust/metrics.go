package main

import (
	"cmp"
	"slices"

	"codeberg.org/essaim/essaim/protocol/trust"
)

// metric scores every actor of a world.
type metric struct {
	name  string
	score func(*world) []float64
}

// metrics are what is compared. EigenTrust with pre-trusted actors and damping a
// is personalised PageRank with 1-a: it is counted by its own iteration all the
// same, at the damping its deployments use.
var metrics = []metric{
	{"essaim", essaim},
	{"pagerank", func(w *world) []float64 { return pagerank(w, .85) }},
	{"eigentrust", func(w *world) []float64 { return eigentrust(w, .5) }},
	{"counting", counting},
}

// essaim returns points.
func essaim(w *world) []float64 {
	g := w.graph()
	out := make([]float64, w.actors)
	for a := range out {
		out[a] = float64(g.Points(name(actor(a)))) / float64(trust.Point)
	}
	return out
}

// awardWeight is that of an award where an endorsement is 1: the ratio of the
// two shares of spec/trust.md §4, so that no metric gains by another graph.
const awardWeight = 1.0 / 20

type flow struct {
	to     actor
	weight float64
}

// outward returns for each actor whom it speaks for, once each, in shares that
// add up to one.
func (w *world) outward() [][]flow {
	best := make([]map[actor]float64, w.actors)
	for _, e := range w.live() {
		if best[e.from] == nil {
			best[e.from] = map[actor]float64{}
		}
		weight := 1.0
		if e.award {
			weight = awardWeight
		}
		best[e.from][e.to] = max(best[e.from][e.to], weight)
	}
	out := make([][]flow, w.actors)
	for a, targets := range best {
		sum := 0.0
		for to, weight := range targets {
			out[a] = append(out[a], flow{to, weight})
			sum += weight
		}
		slices.SortFunc(out[a], func(x, y flow) int { return cmp.Compare(x.to, y.to) })
		for i := range out[a] {
			out[a][i].weight /= sum
		}
	}
	return out
}

// pagerank is personalised PageRank from the anchors: each step follows a link
// with probability d, or goes back. What ends at who speaks for nobody goes back.
func pagerank(w *world, d float64) []float64 {
	out := w.outward()
	rank := make([]float64, w.actors)
	for _, a := range w.anchors {
		rank[a] = 1 / float64(len(w.anchors))
	}
	for range 100 {
		next := make([]float64, w.actors)
		moved := 0.0
		for a, r := range rank {
			for _, f := range out[a] {
				next[f.to] += d * r * f.weight
				moved += d * r * f.weight
			}
		}
		for _, a := range w.anchors {
			next[a] += (1 - moved) / float64(len(w.anchors))
		}
		rank = next
	}
	return rank
}

// eigentrust is t = (1-a)·Cᵀt + a·p (Kamvar, Schlosser and Garcia-Molina 2003,
// algorithm 2), where who trusts nobody trusts the pre-trusted.
func eigentrust(w *world, a float64) []float64 {
	out := w.outward()
	p := make([]float64, w.actors)
	for _, x := range w.anchors {
		p[x] = 1 / float64(len(w.anchors))
	}
	t := slices.Clone(p)
	for range 60 {
		next := make([]float64, w.actors)
		idle := 0.0
		for i, x := range t {
			if len(out[i]) == 0 {
				idle += x
			}
			for _, f := range out[i] {
				next[f.to] += (1 - a) * x * f.weight
			}
		}
		for i := range next {
			next[i] += ((1-a)*idle + a) * p[i]
		}
		t = next
	}
	return t
}

// counting is how many endorse somebody.
func counting(w *world) []float64 {
	by := make([]map[actor]bool, w.actors)
	for _, e := range w.live() {
		if e.award {
			continue
		}
		if by[e.to] == nil {
			by[e.to] = map[actor]bool{}
		}
		by[e.to][e.from] = true
	}
	out := make([]float64, w.actors)
	for a, endorsers := range by {
		out[a] = float64(len(endorsers))
	}
	return out
}

// backed counts the fakes at level 2 or more, which takes a hundredth of a point.
func (w *world) backed() float64 {
	g := w.graph()
	count := 0.0
	for a := w.honest; a < w.actors; a++ {
		if g.Points(name(actor(a))) < trust.Point/100 {
			continue
		}
		if b, _ := g.Backing(trust.Target{Profile: name(actor(a))}); b.Level >= trust.LevelBacked {
			count++
		}
	}
	return count
}

// result is what the fakes have by one metric.
type result struct {
	share float64 // of all scores but those of anchors
	top   float64 // places of the best hundred
	// backed is how many fakes people are told are backed or better, by this
	// project's levels.
	backed float64
}

// measure returns what the fakes have. Of equal scores the honest come first.
func (w *world) measure(score []float64) result {
	bad := func(a actor) bool { return int(a) >= w.honest }
	var all []actor
	sum, fake := 0.0, 0.0
	for a, s := range score {
		if w.isAnchor(actor(a)) {
			continue
		}
		all = append(all, actor(a))
		sum += s
		if bad(actor(a)) {
			fake += s
		}
	}
	slices.SortFunc(all, func(a, b actor) int {
		return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b))
	})
	r := result{}
	for _, a := range all[:min(100, len(all))] {
		if bad(a) && score[a] > 0 {
			r.top++
		}
	}
	if sum > 0 {
		r.share = fake / sum
	}
	return r
}
