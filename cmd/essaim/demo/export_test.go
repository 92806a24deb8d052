package demo

import (
	"testing"

	"codeberg.org/essaim/essaim/store"
)

// Description sums up a plan.
type Description struct {
	People, RevokedSome, Openers                           int
	Endorsed, Expires, Revoked, BadgesEach, AtHome, Public float64
	Classes                                                [places]int
	LaserInBrest                                           bool
	First                                                  []string // names
}

// Describe draws a plan and sums it up.
func Describe(t *testing.T, seed uint64, awards int) Description {
	t.Helper()
	tables, err := readTables()
	if err != nil {
		t.Fatal(err)
	}
	p := draw(tables, seed, awards)
	d := Description{People: len(p.people)}
	n := float64(len(p.awards))
	for i, a := range p.awards {
		share := func(of *float64, yes bool) {
			if yes {
				*of += 1 / n
			}
		}
		share(&d.Endorsed, a.endorsed > 0)
		share(&d.Expires, a.expires)
		share(&d.Revoked, a.revoked)
		share(&d.AtHome, p.people[a.person].home == a.place)
		if a.revoked {
			d.RevokedSome++
		}
		if a.opens && p.opening[a.place] == i && len(a.endorsers) > 0 && !a.revoked && !a.expires {
			d.Openers++
			d.LaserInBrest = d.LaserInBrest || a.place == 0 && tables.classes[a.class].id == opener
		}
	}
	for _, who := range p.people {
		if who.public {
			d.Public += 1 / float64(len(p.people))
		}
		d.First = append(d.First, who.name)
	}
	d.BadgesEach = n / float64(len(p.people))
	for _, place := range p.creators {
		d.Classes[place]++
	}
	return d
}

// Difference says how three sets differ.
func Difference(brest, rennes, caen []store.Digest) string {
	var s Swarm
	for i, who := range cast {
		s.places[i] = &Place{Name: who.name}
	}
	return s.difference([places][]store.Digest{brest, rennes, caen})
}
