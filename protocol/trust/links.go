package trust

import (
	"cmp"
	"slices"
	"strings"
)

// link is one counted link as one end sees it: the identity at the other end,
// the purse, and the code of the weight.
type link uint32

// maxActors is how many identities a link can name.
const maxActors = 1 << 29

func makeLink(other actor, p purse, weight uint8) link {
	if other >= maxActors {
		panic("trust: too many actors")
	}
	return link(other)<<3 | link(p)<<2 | link(weight)
}

func (l link) other() actor  { return actor(l >> 3) }
func (l link) purse() purse  { return purse(l >> 2 & 1) }
func (l link) weight() uint8 { return uint8(l & 3) }

// slot is where records compete to be one link: those of one identity about
// another, through one purse.
type slot struct {
	from, to actor
	purse    purse
	newcomer ref // the one record by which it changed, if that is all
}

// shift is how the links out of one purse changed.
type shift struct {
	from    actor
	purse   purse
	before  uint64 // the sum of weights
	added   []link
	removed []link
}

// best returns the record that makes the link from one identity to another, or
// 0: in force, the newest, of the smallest digest. Cost: what from issued.
func (g *Graph) best(from, to actor, p purse) ref {
	found := ref(0)
	if from == to {
		return 0
	}
	for k := range g.keys(from) {
		for r := g.people[k].firstBy; r != 0; r = g.at(r).nextBy {
			e := g.at(r)
			q, ok := e.link()
			if !ok || q != p || g.root(e.of) != to || g.force(r) != Counted {
				continue
			}
			if found == 0 || older(g.at(found), e) {
				found = r
			}
		}
	}
	return found
}

// linkTo returns the link the record r makes to an identity. An award passes on
// with full weight.
func (g *Graph) linkTo(to actor, p purse, r ref) link {
	if p == awards {
		return makeLink(to, p, fullWeight)
	}
	return makeLink(to, p, g.at(r).weight())
}

// order compares identities by name, which does not depend on arrival.
func (g *Graph) order(a, b actor) int {
	if a == b {
		return 0
	}
	return strings.Compare(string(g.people[a].did), string(g.people[b].did))
}

// seek finds the link to an identity in a list, which is in order of name and
// purse.
func (g *Graph) seek(list []link, other actor, p purse) (int, bool) {
	return slices.BinarySearchFunc(list, other, func(l link, other actor) int {
		if c := g.order(l.other(), other); c != 0 {
			return c
		}
		return cmp.Compare(l.purse(), p)
	})
}

// resolve brings the links up to date in the slots that are dirty, and returns
// how those of each purse changed.
func (g *Graph) resolve() []shift {
	slices.SortFunc(g.dirty, func(a, b slot) int {
		return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.purse, b.purse), cmp.Compare(a.to, b.to))
	})
	same := func(a, b slot) bool { return a.from == b.from && a.purse == b.purse }
	var shifts []shift
	for rest := g.dirty; len(rest) > 0; {
		n := 1
		for n < len(rest) && same(rest[0], rest[n]) {
			n++
		}
		of := rest[:n]
		rest = rest[n:]
		// Many slots of one author are looked up in one walk over its records.
		var all []target
		if n > 8 {
			all = g.targets(of[0].from, of[0].purse)
		}
		s := shift{from: of[0].from, purse: of[0].purse, before: g.weight[of[0].purse][of[0].from]}
		for i := 0; i < n; i++ {
			one := of[i]
			for i+1 < n && of[i+1].to == one.to {
				one.newcomer = 0
				i++
			}
			g.decide(one, all, n > 8, &s)
		}
		if len(s.added)+len(s.removed) > 0 {
			shifts = append(shifts, s)
		}
	}
	return shifts
}

// decide makes the link of one slot what its records say.
func (g *Graph) decide(one slot, all []target, walked bool, s *shift) {
	list := &g.out[one.purse][one.from]
	i, linked := g.seek(*list, one.to, one.purse)
	winner := ref(0)
	switch {
	case one.from == one.to:
	case !linked && one.newcomer != 0:
		// No link: no other record of this slot is in force.
		if g.force(one.newcomer) == Counted {
			winner = one.newcomer
		}
	case walked:
		if j, ok := slices.BinarySearchFunc(all, one.to, func(t target, to actor) int { return cmp.Compare(t.to, to) }); ok {
			winner = all[j].by
		}
	default:
		winner = g.best(one.from, one.to, one.purse)
	}
	switch {
	case winner == 0 && !linked:
	case winner == 0:
		old := (*list)[i]
		s.removed = append(s.removed, old)
		*list = slices.Delete(*list, i, i+1)
		j, _ := g.seek(g.in[one.to], one.from, one.purse)
		g.in[one.to] = slices.Delete(g.in[one.to], j, j+1)
		g.weight[one.purse][one.from] -= weightOf(old.weight())
		g.links--
	default:
		l := g.linkTo(one.to, one.purse, winner)
		back := makeLink(one.from, one.purse, l.weight())
		j, _ := g.seek(g.in[one.to], one.from, one.purse)
		if linked {
			old := (*list)[i]
			if old == l {
				return
			}
			s.removed = append(s.removed, old)
			(*list)[i], g.in[one.to][j] = l, back
			g.weight[one.purse][one.from] -= weightOf(old.weight())
		} else {
			*list = slices.Insert(*list, i, l)
			g.in[one.to] = slices.Insert(g.in[one.to], j, back)
			g.links++
		}
		s.added = append(s.added, l)
		g.weight[one.purse][one.from] += weightOf(l.weight())
	}
}

// target is whom one record links to.
type target struct {
	to actor
	by ref
}

// targets returns whom an identity links to through a purse, each with the
// record that does, by number of the actor.
func (g *Graph) targets(from actor, p purse) []target {
	var all []target
	for k := range g.keys(from) {
		for r := g.people[k].firstBy; r != 0; r = g.at(r).nextBy {
			e := g.at(r)
			q, ok := e.link()
			if !ok || q != p || g.force(r) != Counted {
				continue
			}
			if to := g.root(e.of); to != from {
				all = append(all, target{to, r})
			}
		}
	}
	slices.SortFunc(all, func(a, b target) int {
		switch {
		case a.to != b.to:
			return cmp.Compare(a.to, b.to)
		case a.by == b.by:
			return 0
		case older(g.at(a.by), g.at(b.by)):
			return 1
		}
		return -1
	})
	return slices.CompactFunc(all, func(a, b target) bool { return a.to == b.to })
}

// relink makes all links from the ledger, into lists of exact size.
func (g *Graph) relink() {
	byName := make([]actor, len(g.people))
	for i := range byName {
		byName[i] = actor(i)
	}
	slices.SortFunc(byName, g.order)
	rank := make([]uint32, len(byName))
	for i, a := range byName {
		rank[a] = uint32(i)
	}

	// Lists lie side by side in order of number, in which flow reads them.
	g.links = 0
	degree := make([]uint32, len(byName))
	var ground []link
	for a := range byName {
		for p := range purses {
			all := g.targets(actor(a), p)
			if len(ground) < len(all) {
				ground = make([]link, max(len(all), 1<<16))
			}
			list := ground[:len(all):len(all)]
			ground = ground[len(all):]
			sum := uint64(0)
			for i, t := range all {
				list[i] = g.linkTo(t.to, p, t.by)
				degree[t.to]++
				sum += weightOf(list[i].weight())
			}
			slices.SortFunc(list, func(a, b link) int { return cmp.Compare(rank[a.other()], rank[b.other()]) })
			g.out[p][a], g.weight[p][a] = list, sum
			g.links += len(list)
		}
	}
	// Sources in order of name give lists in order of name.
	ground = make([]link, g.links)
	for a, n := range degree {
		g.in[a], ground = ground[:0:n], ground[n:]
	}
	for _, a := range byName {
		for p := range purses {
			for _, l := range g.out[p][a] {
				g.in[l.other()] = append(g.in[l.other()], makeLink(a, p, l.weight()))
			}
		}
	}
}
