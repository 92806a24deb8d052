package trust

import (
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
)

// View is from where and when trust is seen. Everything else follows from the
// records.
type View struct {
	Anchors []did.DID // whom this community trusts first
	Ignored []did.DID // whose disputes this community does not hear
	Day     Day
}

// Graph is the facts a node knows, and what they add up to in one view. Facts
// may come and go in any order: what is returned follows from the set of them
// alone. It works when asked, not when told: a thousand Adds before a question
// cost one settling.
//
// A Graph is for one goroutine at a time, questions included: they settle it
// and use its scratch space.
type Graph struct {
	ledger
	day     uint16
	anchors []did.DID // as the view names them
	ignored []did.DID

	// By actor, at the first key of each identity (links.go).
	anchor []bool
	deaf   []bool // disputes by it are not heard
	out    [purses][][]link
	in     [][]link
	weight [purses][]uint64 // the sum of the weights of out
	links  int
	passes uint64             // full passes so far
	x      [Hops + 1][]uint64 // layers, in billionths of a point

	// What changed since the last settling.
	dirty       []slot
	handovers   bool // successions are to be looked at
	anew        bool // links are to be made from the ledger
	sweep       bool // layers are to be made from the links
	successions []ref
	handed      []actor // keys a succession names that counts or counted
	seats       []actor // anchors, by first key

	trying bool     // facts that come are to go again
	tried  []Digest // those

	scratch
}

// New returns a Graph without facts.
func New(v View) *Graph {
	g := &Graph{anew: true}
	g.numbers = map[did.DID]actor{}
	g.SetView(v)
	return g
}

// SetView moves to another view. New anchors cost a full pass, another day a
// look at every fact and what it changes.
func (g *Graph) SetView(v View) {
	g.anchors, g.ignored = slices.Clone(v.Anchors), slices.Clone(v.Ignored)
	for _, d := range slices.Concat(v.Anchors, v.Ignored) {
		g.number(d)
	}
	g.seat()
	if day := uint16(min(max(v.Day, 0), lastDay)); day != g.day {
		g.turn(day)
	}
}

// View returns the view.
func (g *Graph) View() View {
	return View{slices.Clone(g.anchors), slices.Clone(g.ignored), Day(g.day)}
}

// turn moves to another day.
func (g *Graph) turn(day uint16) {
	before := g.day
	g.day = day
	for r := ref(1); r < g.count; r++ {
		e := g.at(r)
		if was, is := e.window(before), e.window(day); (was == Counted) == (is == Counted) {
			continue
		}
		g.touch(r)
	}
}

// Add files a fact. The same record a second time changes nothing. It fails on
// what cannot come of a verified record.
func (g *Graph) Add(f Fact) error {
	if err := f.check(); err != nil {
		return err
	}
	r, isNew := g.add(f)
	if !isNew {
		return nil
	}
	if g.trying {
		g.tried = append(g.tried, f.name())
	}
	e := g.at(r)
	if e.kind == succession {
		g.successions = append(g.successions, r)
	}
	if p, ok := e.link(); ok {
		g.mark(slot{g.root(e.by), g.root(e.of), p, r})
		return nil
	}
	g.touch(r)
	return nil
}

// Remove takes the fact of a record out, as when its body is erased, and
// reports whether it was there. Statuses end what they name without it.
func (g *Graph) Remove(d Digest) bool {
	r := g.find(d)
	if r == 0 || g.at(r).kind == unknown {
		return false
	}
	g.touch(r)
	e := *g.at(r)
	g.drop(r)
	switch e.kind {
	case compromise:
		g.judge(e.by)
	case succession:
		g.successions = slices.DeleteFunc(g.successions, func(s ref) bool { return s == r })
	}
	return true
}

// Size is how much a graph holds.
type Size struct {
	Facts   int
	Records int // facts, and records they name whose own fact is not here
	Keys    int // of all who say something, are named, or are in the view
	Links   int // that count today, each from one identity to another
}

// Size returns how much the graph holds.
func (g *Graph) Size() Size {
	g.settle()
	return Size{g.known, max(int(g.count)-1, 0), len(g.people), g.links}
}

// Passes returns how many full passes the graph has made.
func (g *Graph) Passes() uint64 { return g.passes }

// Len returns how many facts there are.
func (g *Graph) Len() int { return g.known }

// touch notes what r may change by coming, going, beginning or ending.
func (g *Graph) touch(r ref) {
	e := g.at(r)
	switch e.kind {
	case status:
		if e.on != r && g.at(e.on).kind != status {
			g.touch(e.on)
		}
	case succession:
		g.handovers = true
	case compromise:
		g.judge(e.by)
	default:
		if p, ok := e.link(); ok {
			g.mark(slot{g.root(e.by), g.root(e.of), p, 0})
		}
	}
}

// touchKey notes all that hangs on the identity and the honesty of a key.
func (g *Graph) touchKey(key actor) {
	for r := g.people[key].firstBy; r != 0; r = g.at(r).nextBy {
		if g.at(r).kind != compromise {
			g.touch(r)
		}
	}
	for r := g.people[key].firstOf; r != 0; r = g.at(r).nextOf {
		g.touch(r)
	}
}

// mark adds a slot to look at. When it is a good part of the graph, everything
// is looked at instead.
func (g *Graph) mark(s slot) {
	switch {
	case g.anew:
	case len(g.dirty) > 4096 && len(g.dirty) > g.links/4:
		g.anew, g.dirty = true, nil
	default:
		g.dirty = append(g.dirty, s)
	}
}

// seat finds the identities of the anchors and of those not heard.
func (g *Graph) seat() {
	g.fit()
	clear(g.deaf)
	for _, d := range g.ignored {
		g.deaf[g.root(g.number(d))] = true
	}
	var seats []actor
	for _, d := range g.anchors {
		seats = append(seats, g.root(g.number(d)))
	}
	slices.Sort(seats)
	seats = slices.Compact(seats)
	if slices.Equal(seats, g.seats) {
		return
	}
	g.seats = seats
	clear(g.anchor)
	for _, a := range seats {
		g.anchor[a] = true
	}
	g.sweep = true
}

// settle makes links and layers follow from the facts. The result is the same
// bit for bit as that of a Graph that was given the same facts at once.
func (g *Graph) settle() {
	g.fit()
	g.succeed()
	switch {
	case g.anew:
		g.relink()
		g.flow()
	case g.sweep:
		g.resolve()
		g.flow()
	case len(g.dirty) > 0:
		if shifts := g.resolve(); len(shifts) > 0 && !g.cascade(shifts) {
			g.flow()
		}
	}
	g.anew, g.sweep, g.dirty = false, false, g.dirty[:0]
}

// fit makes room for the actors known.
func (g *Graph) fit() {
	n := len(g.people)
	grow(&g.anchor, n)
	grow(&g.deaf, n)
	grow(&g.in, n)
	for p := range purses {
		grow(&g.out[p], n)
		grow(&g.weight[p], n)
	}
	for k := range g.x {
		grow(&g.x[k], n)
	}
	g.scratch.fit(n)
}

// grow lengthens s to n zero values or more.
func grow[T any](s *[]T, n int) {
	if n > len(*s) {
		*s = append(*s, make([]T, n-len(*s))...)
	}
}
