package trust

import "slices"

// source stands for what is before the first actor of a path, in search.
const source = nobody - 1

// search is the state of one count of independent chains. Paths run from the
// supporters back to the anchors; each actor is on at most one.
type search struct {
	toward  pad // by actor on a path: the one after it, nearer to the anchors
	behind  pad // by actor on a path: the one before it, or source
	arrived pad // by actor reached: from where, meeting the one path it may bear
	left    pad // by actor that may be left again: from where
}

func (s *search) fit(n int) {
	s.toward.fit(n)
	s.behind.fit(n)
	s.arrived.fit(n)
	s.left.fit(n)
}

// step is a place in the search: at an actor, about to enter it or to leave it.
type step struct {
	at    actor
	leave bool
}

// independent returns chains from the anchors to free or to one of limited,
// each a list of actors from the anchor on, such that no two share an actor other
// than an anchor or free, nor a link. There are as many as can be, up to
// MaxIndependent. They run over endorsements of profiles between actors reached
// within four hops, and not through barred. Free and barred may be nobody; none
// is an anchor but perhaps barred; limited is in order of name.
//
// The number is the value of a maximum flow, so it depends on nothing but the
// links; the chains are those augmentation finds. Cost: at most MaxIndependent
// searches, each of which mostly goes straight to an anchor. One that finds no
// further chain may look at all that points reach.
func (g *Graph) independent(free actor, limited []actor, barred actor) [][]actor {
	limited = slices.DeleteFunc(slices.Clone(limited), func(a actor) bool { return a == free || a == barred || g.nearness(a) == Hops })
	s := &g.search
	s.toward.reset()
	s.behind.reset()
	var fromFree []actor // where the paths that start at free go next
	var starts []actor   // the limited ones where a path starts
	for range MaxIndependent {
		end, ok := g.augmentation(free, limited, barred, fromFree)
		if !ok {
			break
		}
		fromFree, starts = g.augment(end, free, fromFree, starts)
	}
	var paths [][]actor
	walk := func(path []actor, at actor) {
		for path = append(path, at); !g.anchor[at]; path = append(path, at) {
			at = actor(s.toward.value[at])
		}
		slices.Reverse(path)
		paths = append(paths, path)
	}
	for _, first := range fromFree {
		walk([]actor{free}, first)
	}
	for _, first := range starts {
		walk(nil, first)
	}
	slices.SortFunc(paths, func(a, b []actor) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return slices.CompareFunc(a, b, g.order)
	})
	return paths
}

// nearness returns after how many hops points first reach u, or Hops if that is
// more than four.
func (g *Graph) nearness(u actor) int {
	for k := range Hops {
		if g.x[k][u] != 0 {
			return k
		}
	}
	return Hops
}

// augmentation searches one more path and returns its last step before an
// anchor with the anchor, undoing parts of other paths where that frees an
// actor. It goes on from the actor that points reach in fewest hops, of several
// the one it came upon first; and looks at who endorses one in order of name.
// Breadth first the chains would be shorter; fifty answers over a million links
// then took 103 ms instead of 12 on a busy machine.
func (g *Graph) augmentation(free actor, limited []actor, barred actor, fromFree []actor) ([2]actor, bool) {
	s := &g.search
	s.arrived.reset()
	s.left.reset()
	var queues [Hops][]step
	push := func(at actor, leave bool, hops int) { queues[hops] = append(queues[hops], step{at, leave}) }
	arrive := func(at, from actor, hops int) {
		s.arrived.add(at, uint64(from))
		push(at, false, hops)
	}
	leave := func(at, from actor) {
		if !s.left.has(at) {
			s.left.add(at, uint64(from))
			push(at, true, g.nearness(at))
		}
	}
	if free != nobody && g.nearness(free) < Hops {
		leave(free, source)
	}
	for _, l := range limited {
		if !s.behind.has(l) || actor(s.behind.value[l]) != source {
			arrive(l, source, g.nearness(l))
		}
	}
	for hops := 0; hops < Hops; {
		if len(queues[hops]) == 0 {
			hops++
			continue
		}
		u, leaving := queues[hops][0].at, queues[hops][0].leave
		queues[hops] = queues[hops][1:]
		if !leaving {
			if !s.behind.has(u) {
				leave(u, u) // it bears no path yet
			} else if before := actor(s.behind.value[u]); before != source {
				leave(before, u) // the path it bears may go another way from before
			}
			hops = 0
			continue
		}
		if u != free && s.behind.has(u) && !s.arrived.has(u) {
			arrive(u, u, hops) // the path it bears may leave it out
		}
		for _, l := range g.in[u] {
			next := l.other()
			switch {
			case l.purse() != profiles || next == barred || next == free:
			case u == free && slices.Contains(fromFree, next):
			case u != free && s.toward.has(u) && actor(s.toward.value[u]) == next:
			case g.anchor[next]:
				return [2]actor{u, next}, true
			case s.arrived.has(next):
			default:
				if hops := g.nearness(next); hops < Hops {
					arrive(next, u, hops)
				}
			}
		}
		hops = 0
	}
	return [2]actor{}, false
}

// augment lays the path that was found to end, and takes up what it undoes.
func (g *Graph) augment(end [2]actor, free actor, fromFree, starts []actor) ([]actor, []actor) {
	s := &g.search
	var steps []step
	for at, leave := end[0], true; at != source; {
		steps = append(steps, step{at, leave})
		from := actor(s.arrived.of(at))
		if leave {
			from = actor(s.left.of(at))
		}
		at, leave = from, !leave // every move goes from one side to the other
	}
	slices.Reverse(steps)
	if first := steps[0]; !first.leave {
		s.behind.set(first.at, uint64(source))
		starts = append(starts, first.at)
	}
	for i := 1; i < len(steps); i++ {
		a, b := steps[i-1].at, steps[i].at
		switch {
		case a == b && steps[i].leave: // entered, now left
		case a == b: // left out
			s.behind.forget(b)
			s.toward.forget(b)
		case steps[i].leave: // the link from b to a is undone; b is never free
			s.toward.forget(b)
		default:
			fromFree = g.lay(a, b, free, fromFree)
			s.behind.set(b, uint64(a))
		}
	}
	return g.lay(end[0], end[1], free, fromFree), starts
}

// lay makes a path go from a to b.
func (g *Graph) lay(a, b, free actor, fromFree []actor) []actor {
	if a == free {
		return append(fromFree, b)
	}
	g.toward.set(a, uint64(b))
	return fromFree
}
