package trust_test

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// city draws endorsements and awards among many people, a few of whom say and
// are told most, as in real webs of trust.
type city struct {
	rng    *rand.Rand
	people []did.DID
	n      uint64
}

func newCity(people int, seed uint64) *city {
	c := &city{rng: rand.New(rand.NewPCG(seed, 1))}
	for i := range people {
		key := sha256.Sum256(fmt.Appendf(nil, "key %d", i))
		c.people = append(c.people, did.FromPublicKey(key[:]))
	}
	return c
}

// someone is person i with a probability falling as a power of i.
func (c *city) someone(skew float64) did.DID {
	return c.people[int(float64(len(c.people))*math.Pow(c.rng.Float64(), skew))]
}

// fact draws one: nine endorsements for one award.
func (c *city) fact() trust.Fact {
	c.n++
	var d trust.Digest
	binary.BigEndian.PutUint64(d[24:], c.n)
	d = sha256.Sum256(d[:])
	for {
		by, of := c.someone(1.5), c.someone(1.7)
		switch from := day(300 + c.rng.Int64N(700)); {
		case by == of:
		case c.rng.IntN(10) == 0:
			return trust.Award{Record: d, Issuer: by, Holder: of, Class: digest("class"), From: from}
		case c.rng.IntN(5) == 0:
			return trust.Endorsement{Record: d, By: by, Of: trust.Target{Profile: of}, Weight: 25 * (1 + c.rng.IntN(4)), From: from}
		default:
			return trust.Endorsement{Record: d, By: by, Of: trust.Target{Profile: of}, From: from}
		}
	}
}

func (c *city) view(day trust.Day) trust.View {
	v := trust.View{Day: day}
	for i := range 10 {
		v.Anchors = append(v.Anchors, c.people[len(c.people)/50+i*len(c.people)/20])
	}
	return v
}

// Where many endorse more than their quota, day after day, with keys handed
// over and lost, the graph stays what one is that starts afresh.
func TestCityDayByDay(t *testing.T) {
	c := newCity(300, 7)
	v := c.view(1000)
	g := trust.New(v)
	facts := map[trust.Digest]trust.Fact{}
	add := func(f trust.Fact) {
		if err := g.Add(f); err != nil {
			t.Fatal(err)
		}
		facts[name(f)] = f
	}
	for today := trust.Day(1000); today < 1012; today++ {
		v.Day = today
		g.SetView(v)
		for range 500 {
			add(c.fact())
			g.Layers(c.people[0]) // settles after each
		}
		if today == 1005 {
			for range 6000 { // too many to settle one by one
				add(c.fact())
			}
		}
		for d := range facts {
			if c.rng.IntN(40) == 0 {
				g.Remove(d)
				delete(facts, d)
				g.Layers(c.people[0])
			}
		}
		n := fmt.Appendf(nil, "%d", today)
		add(trust.Succession{Record: sha256.Sum256(append(n, 's')), By: c.someone(1.5), To: c.someone(1), From: day(int64(today))})
		if today%4 == 0 {
			add(trust.Compromise{Record: sha256.Sum256(append(n, 'c')), Key: c.someone(1.5), Since: day(990), From: day(int64(today))})
		}
		fresh := trust.New(v)
		for _, f := range facts {
			if err := fresh.Add(f); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := g.ID(), fresh.ID(); got != want {
			t.Errorf("day %d: id %s, afresh %s", today, got, want)
		}
		for _, who := range c.people {
			if got, want := g.Layers(who), fresh.Layers(who); got != want {
				t.Fatalf("day %d: layers of %s are %v, afresh %v", today, who.Short(), got, want)
			}
		}
		l := law{view: v}
		for _, f := range facts {
			l.facts = append(l.facts, f)
		}
		for _, who := range c.people[:5] {
			of := trust.Target{Profile: who}
			b, _ := g.Backing(of)
			a, _ := fresh.Backing(of)
			same(t, fmt.Sprintln(b, g.Chains(b, 5), g.Independent(b)), fmt.Sprintln(a, fresh.Chains(a, 5), fresh.Independent(a)))
		}
		if today == 1011 {
			onOneDay(t, g, l, c.people)
		}
	}
}

// onOneDay compares points and independent chains with the law, which is slow.
func onOneDay(t *testing.T, g *trust.Graph, l law, people []did.DID) {
	t.Helper()
	l = l.settled()
	endorsed := 0
	for i := 0; i < len(people); i += 30 {
		who := l.identity(people[i])
		if got, want := g.Points(who), l.points(who); got != want {
			t.Errorf("points of %s are %d, want %d", who.Short(), got, want)
		}
		b, _ := g.Backing(trust.Target{Profile: who})
		if want := l.independent(who, map[did.DID]bool{who: true}, ""); b.Independent != want {
			t.Errorf("%s has %d independent chains, want %d", who.Short(), b.Independent, want)
		}
		endorsed += b.Independent
	}
	if endorsed == 0 {
		t.Error("nobody is reached by any chain: the test says nothing")
	}
}
