package main

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// actor numbers an actor of a world.
type actor int

// edge is an endorsement of a profile or an award, at full weight, from the day
// it begins.
type edge struct {
	from, to actor
	award    bool
	day      int
}

// world is who there is and what they said. Actors from honest on are fakes.
type world struct {
	actors  int
	honest  int
	places  int // the first ones
	anchors []actor
	edges   []edge
	today   int
	stolen  map[actor]int // since which day a key is declared compromised
}

// shape is how large a territory is.
type shape struct{ regions, places, people int }

// defaultTerritory has the size of a Brittany in which every fablab takes part:
// twelve intercommunalités of eight places, thirty people at each.
var defaultTerritory = shape{12, 8, 30}

// firstDay is when the oldest honest records begin, and now when it is studied.
const (
	firstDay = 1000
	now      = 1700
)

// territory makes the honest world: each place endorses five of its
// intercommunalité and two elsewhere, the well known more often; it awards badges
// to its people, of whom one in five endorses one to three places or people it
// met. Five places of five intercommunalités are the anchors.
func territory(s shape, rnd *rand.Rand) *world {
	places := s.regions * s.places
	w := &world{places: places, actors: places * (1 + s.people), today: now, stolen: map[actor]int{}}
	w.honest = w.actors
	known := make([]int, places)
	for i := range known {
		known[i] = 1
	}
	day := func() int { return firstDay + rnd.IntN(now-firstDay) }
	choose := func(among []int, but actor) actor {
		sum := 0
		for _, p := range among {
			sum += known[p]
		}
		for {
			at := rnd.IntN(sum)
			for _, p := range among {
				if at -= known[p]; at < 0 {
					if actor(p) == but {
						break
					}
					return actor(p)
				}
			}
		}
	}
	var all []int
	for p := range places {
		all = append(all, p)
	}
	for p := range places {
		region := all[p/s.places*s.places:][:s.places]
		for i := range 7 {
			among := region
			if i >= 5 {
				among = all
			}
			to := choose(among, actor(p))
			known[to]++
			w.say(edge{actor(p), to, false, day()})
		}
	}
	person := func(place, i int) actor { return actor(places + place*s.people + i) }
	for p := range places {
		for i := range s.people {
			w.say(edge{actor(p), person(p, i), true, day()})
			if rnd.IntN(5) > 0 {
				continue
			}
			for range 1 + rnd.IntN(3) {
				to := actor(p)
				if rnd.IntN(2) == 0 {
					to = person(p, rnd.IntN(s.people))
				}
				w.say(edge{person(p, i), to, false, day()})
			}
		}
	}
	for i := range 5 {
		w.anchors = append(w.anchors, actor(i*s.regions/5*s.places))
	}
	return w
}

func (w *world) say(e edge) {
	if e.from != e.to {
		w.edges = append(w.edges, e)
	}
}

// with returns a copy to attack.
func (w *world) with() *world {
	c := *w
	c.edges, c.stolen = slices.Clone(w.edges), map[actor]int{}
	return &c
}

// fakes adds n fakes and returns them.
func (w *world) fakes(n int) []actor {
	var out []actor
	for range n {
		out = append(out, actor(w.actors))
		w.actors++
	}
	return out
}

// live yields what counts today by its dates.
func (w *world) live() []edge {
	var out []edge
	for _, e := range w.edges {
		if e.day > w.today || !e.award && w.today >= e.day+trust.Lapse {
			continue
		}
		out = append(out, e)
	}
	return out
}

func (w *world) isAnchor(a actor) bool { return slices.Contains(w.anchors, a) }

func name(a actor) did.DID { return did.DID(fmt.Sprintf("did:example:%07d", a)) }

func date(day int) time.Time { return time.Unix(int64(day)*24*60*60, 0) }

// graph is the world as this project sees it.
func (w *world) graph() *trust.Graph {
	view := trust.View{Day: trust.Day(w.today)}
	for _, a := range w.anchors {
		view.Anchors = append(view.Anchors, name(a))
	}
	g := trust.New(view)
	add := func(f trust.Fact) {
		if err := g.Add(f); err != nil {
			panic(err) // a mistake of the study
		}
	}
	for i, e := range w.edges {
		record := trust.Digest(sha256.Sum256(fmt.Append(nil, i, e)))
		if e.award {
			add(trust.Award{Record: record, Issuer: name(e.from), Holder: name(e.to), Class: trust.Digest{1}, From: date(e.day)})
		} else {
			add(trust.Endorsement{Record: record, By: name(e.from), Of: trust.Target{Profile: name(e.to)}, From: date(e.day)})
		}
	}
	for a, since := range w.stolen {
		record := trust.Digest(sha256.Sum256(fmt.Append(nil, "stolen", a)))
		add(trust.Compromise{Record: record, Key: name(a), Since: date(since), From: date(w.today)})
	}
	return g
}
