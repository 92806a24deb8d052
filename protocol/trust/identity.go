package trust

import (
	"maps"
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Identity is who a key belongs to.
type Identity struct {
	First did.DID   // its first key, by which everything here names it
	Keys  []did.DID // all, first to last
	// Conflict says that successions of one of its keys contradict one
	// another: the smallest digest won, and a person should look.
	Conflict bool
	// Endorses is how many profiles it endorses. Beyond 100, an anchor should
	// be warned: each of its endorsements gives a whole point.
	Endorses int
}

// Identity returns who d belongs to: d alone, if nothing is known of it.
func (g *Graph) Identity(d did.DID) Identity {
	g.settle()
	a, ok := g.numbers[d]
	if !ok {
		return Identity{First: d, Keys: []did.DID{d}}
	}
	root := g.root(a)
	id := Identity{First: g.people[root].did, Endorses: len(g.out[profiles][root])}
	for k := range g.keys(root) {
		id.Keys = append(id.Keys, g.people[k].did)
		id.Conflict = id.Conflict || g.people[k].conflict
	}
	return id
}

// keys yields the keys of an identity, first to last; none if a is not a first
// key.
func (g *Graph) keys(a actor) func(func(actor) bool) {
	return func(yield func(actor) bool) {
		if g.root(a) != a {
			return
		}
		for k := a; k != nobody; k = g.people[k].next {
			if !yield(k) {
				return
			}
		}
	}
}

// judge sets since when the key is compromised: the earliest day any of its
// compromises gives. What hangs on it is touched.
func (g *Graph) judge(key actor) {
	since := uint16(never)
	for r := g.people[key].firstBy; r != 0; r = g.at(r).nextBy {
		if e := g.at(r); e.kind == compromise && e.window(g.day) == Counted {
			since = min(since, e.until)
		}
	}
	if since != g.people[key].since {
		g.people[key].since = since
		g.touchKey(key)
		g.handovers = true
	}
}

// succeed settles which successions count, and so which keys are one identity
// (spec/trust.md §3). Of two from one key, and then of two to one key, the
// smallest digest counts; of a ring all but the largest. Cost: the successions
// known, and what the keys whose identity changes said and were told.
func (g *Graph) succeed() {
	if !g.handovers {
		return
	}
	g.handovers = false
	next, conflicts := g.chosen()
	previous := map[actor]actor{}
	for from, r := range next {
		previous[g.at(r).of] = from
	}
	g.unring(next, previous)

	roots := map[actor]actor{}
	for from := range next {
		if _, follows := previous[from]; follows {
			continue
		}
		roots[from] = from
		for k := from; next[k] != 0; {
			k = g.at(next[k]).of
			roots[k] = from
		}
	}
	for _, k := range g.handed {
		if _, ok := roots[k]; !ok {
			roots[k] = k
		}
	}
	var moved []actor
	for k, root := range roots {
		if g.root(k) != root {
			moved = append(moved, k)
		}
	}
	// Under both identities: the one it leaves and the one it joins.
	for _, k := range moved {
		g.touchKey(k)
	}
	for _, k := range g.handed {
		p := &g.people[k]
		p.next, p.conflict = nobody, false
	}
	for k, root := range roots {
		p := &g.people[k]
		p.root = root
		if next[k] != 0 {
			p.next = g.at(next[k]).of
		}
	}
	g.handed = slices.Collect(maps.Keys(roots))
	for _, k := range conflicts {
		g.people[k].conflict = true
		g.handed = append(g.handed, k)
	}
	for _, k := range moved {
		g.touchKey(k)
	}
	if len(moved) > 0 {
		g.seat()
	}
}

// chosen returns the succession that counts from each key, before rings are
// opened, and the keys whose successions disagree.
func (g *Graph) chosen() (next map[actor]ref, conflicts []actor) {
	smaller := func(a, b ref) bool { return g.at(a).digest.Compare(g.at(b).digest) < 0 }
	from := map[actor]ref{}
	for _, r := range g.successions {
		e := g.at(r)
		if e.kind != succession || g.force(r) != Counted {
			continue
		}
		other, ok := from[e.by]
		if ok && g.at(other).of != e.of {
			conflicts = append(conflicts, e.by)
		}
		if !ok || smaller(r, other) {
			from[e.by] = r
		}
	}
	to := map[actor]ref{}
	for by, r := range from {
		other, ok := to[g.at(r).of]
		if ok {
			conflicts = append(conflicts, by, g.at(other).by)
		}
		if !ok || smaller(r, other) {
			to[g.at(r).of] = r
		}
	}
	next = map[actor]ref{}
	for _, r := range to {
		next[g.at(r).by] = r
	}
	return next, conflicts
}

// unring takes the succession of the largest digest out of each ring.
func (g *Graph) unring(next map[actor]ref, previous map[actor]actor) {
	seen := map[actor]bool{}
	for _, start := range slices.Collect(maps.Keys(next)) {
		largest, k := ref(0), start
		for !seen[k] && next[k] != 0 {
			seen[k] = true
			if r := next[k]; largest == 0 || g.at(r).digest.Compare(g.at(largest).digest) > 0 {
				largest = r
			}
			k = g.at(next[k]).of
		}
		if k == start && largest != 0 {
			e := g.at(largest)
			delete(next, e.by)
			delete(previous, e.of)
		}
	}
}
