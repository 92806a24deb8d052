package main

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
)

// study is one attack at several strengths.
type study struct {
	name, title, axis string
	steps             []int
	// attack changes the world; honest actors are ranked best first.
	attack func(w *world, step int, form form, ranked []actor, rnd *rand.Rand)
	forms  []form // the attacker takes the best for each metric
}

// form is how fakes endorse one another.
type form int

const (
	star form = iota // the first is endorsed by all, and endorses all
	ring             // each endorses the next
	mesh             // each endorses seven others
)

var everyForm = []form{star, ring, mesh}

var studies = []study{
	{
		"edges", "1,000 fakes in a circle, and so many of the honest fooled into endorsing one of them", "fooled",
		[]int{1, 3, 10, 30, 100},
		func(w *world, k int, f form, _ []actor, rnd *rand.Rand) {
			fakes := w.circle(1000, f)
			for i := range k {
				w.say(edge{w.somebody(rnd), fakes[i%7], false, now - 100})
			}
		}, everyForm,
	},
	{
		"best", "1,000 fakes in a circle, and the so many best ranked fooled", "fooled",
		[]int{1, 3, 10, 30},
		func(w *world, k int, f form, ranked []actor, _ *rand.Rand) {
			fakes := w.circle(1000, f)
			for i := range k {
				w.say(edge{ranked[i], fakes[i%7], false, now - 100})
			}
		}, everyForm,
	},
	{
		"rings", "One place fooled, and a circle of so many fakes", "fakes",
		[]int{10, 100, 1000, 10000},
		func(w *world, n int, f form, _ []actor, rnd *rand.Rand) {
			fakes := w.circle(n, f)
			w.say(edge{w.somePlace(rnd), fakes[0], false, now - 100})
		}, everyForm,
	},
	{
		"anchor", "One of five anchors was bought, and endorses so many fakes", "fakes",
		[]int{1, 3, 10, 30, 100},
		func(w *world, n int, f form, _ []actor, rnd *rand.Rand) {
			fakes := w.circle(max(n, 8), f)
			bought := w.anchors[rnd.IntN(len(w.anchors))]
			for _, x := range fakes[:n] {
				w.say(edge{bought, x, false, now - 100})
			}
		}, everyForm,
	},
	{
		"stolen", "The key of the best ranked place was stolen, and endorses so many fakes", "fakes",
		[]int{1, 10, 100, 1000},
		func(w *world, n int, f form, ranked []actor, _ *rand.Rand) { w.steal(n, f, ranked[0]) }, everyForm,
	},
	{
		"declared", "The same, once the place declared the key compromised since that day", "fakes",
		[]int{1, 10, 100, 1000},
		func(w *world, n int, f form, ranked []actor, _ *rand.Rand) {
			w.steal(n, f, ranked[0])
			w.stolen[ranked[0]] = now - 100
		}, everyForm,
	},
	{
		"poison", "Twenty fakes who behave for so many months: each month one more of the honest endorses one of them, and endorsements lapse", "months",
		[]int{6, 12, 24, 36, 48},
		func(w *world, months int, f form, _ []actor, rnd *rand.Rand) {
			fakes := w.circle(20, f)
			w.today = now
			for m := range months {
				w.say(edge{w.somebody(rnd), fakes[m%len(fakes)], false, now - 30*m})
			}
		}, everyForm,
	},
}

// circle adds n fakes that endorse one another in some form.
func (w *world) circle(n int, f form) []actor {
	fakes := w.fakes(n)
	for i, x := range fakes {
		switch f {
		case star:
			w.say(edge{x, fakes[0], false, now - 100})
			w.say(edge{fakes[0], x, false, now - 100})
		case ring:
			w.say(edge{x, fakes[(i+1)%n], false, now - 100})
		case mesh:
			for j := range 7 {
				w.say(edge{x, fakes[(i*7+j+1)%n], false, now - 100})
			}
		}
	}
	return fakes
}

func (w *world) steal(n int, f form, victim actor) {
	fakes := w.circle(max(n, 8), f)
	for _, x := range fakes[:n] {
		w.say(edge{victim, x, false, now - 50})
	}
}

// somebody draws who can be fooled: any honest actor but the anchors who has
// endorsed somebody before.
func (w *world) somebody(rnd *rand.Rand) actor {
	for {
		e := w.edges[rnd.IntN(len(w.edges))]
		if !e.award && int(e.from) < w.honest && !w.isAnchor(e.from) {
			return e.from
		}
	}
}

func (w *world) somePlace(rnd *rand.Rand) actor {
	for {
		if p := actor(rnd.IntN(w.places)); !w.isAnchor(p) {
			return p
		}
	}
}

// run returns what the attacker has for each step and metric, the mean over the
// draws of the best form.
func (s study) run(size shape, draws int) table {
	t := table{name: s.name, title: s.title, axis: s.axis}
	for _, step := range s.steps {
		row := row{step: step}
		for _, m := range metrics {
			row.results = append(row.results, s.mean(size, step, draws, m))
		}
		t.rows = append(t.rows, row)
	}
	return t
}

func (s study) mean(size shape, step, draws int, m metric) result {
	sum := result{}
	for d := range draws {
		seed := uint64(d + 1)
		honest := territory(size, rand.New(rand.NewPCG(7, seed)))
		ranked := rankHonest(honest, m)
		best := result{}
		for _, f := range s.forms {
			w := honest.with()
			s.attack(w, step, f, ranked, rand.New(rand.NewPCG(11, seed)))
			r := w.measure(m.score(w))
			best.share, best.top = max(best.share, r.share), max(best.top, r.top)
			if m.name == "essaim" {
				best.backed = max(best.backed, w.backed())
			}
		}
		sum.share += best.share / float64(draws)
		sum.top += best.top / float64(draws)
		sum.backed += best.backed / float64(draws)
	}
	return sum
}

// rankHonest returns the places that are no anchors, best first by a metric: the
// attacker knows how it counts.
func rankHonest(w *world, m metric) []actor {
	score := m.score(w)
	var all []actor
	for p := range w.places {
		if !w.isAnchor(actor(p)) {
			all = append(all, actor(p))
		}
	}
	slices.SortFunc(all, func(a, b actor) int { return cmp.Or(cmp.Compare(score[b], score[a]), cmp.Compare(a, b)) })
	return all
}

// table is what one study found.
type table struct {
	name, title, axis string
	rows              []row
}

type row struct {
	step    int
	results []result // by metric
}

// percent writes a share so that small ones differ from none.
func percent(x float64) string {
	switch {
	case x == 0:
		return "0"
	case x < .00005:
		return "<.01"
	case x < .01:
		return fmt.Sprintf("%.2f", 100*x)
	}
	return fmt.Sprintf("%.1f", 100*x)
}
