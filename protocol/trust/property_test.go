package trust_test

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// town draws facts about a few people, few enough that they meet: everybody's
// records compete, lapse, are withdrawn and handed over.
type town struct {
	draw    func(limit int, what string) int // in [0, limit)
	people  int
	records []trust.Digest // of facts drawn so far
	n       int
}

func (w *town) who() did.DID { return did.DID(fmt.Sprintf("k%d", w.draw(w.people, "who"))) }

// when is a moment around day 1000, on which most things count.
func (w *town) when() time.Time {
	return day([]int64{900, 905, 950, 999, 1000, 1001, 300, 268, 271, 269, 270}[w.draw(11, "when")]).Add(time.Duration(w.draw(4, "hour")/3) * time.Hour)
}

func (w *town) until() time.Time {
	return []time.Time{{}, {}, {}, {}, day(1000), day(1001), day(1002)}[w.draw(7, "until")]
}

func (w *town) record() trust.Digest {
	if len(w.records) == 0 {
		return digest("nothing")
	}
	return w.records[w.draw(len(w.records), "record")]
}

func (w *town) of() trust.Target {
	if w.draw(2, "of") == 0 {
		return trust.Target{Profile: w.who()}
	}
	return trust.Target{Record: w.record()}
}

func (w *town) fact() trust.Fact {
	w.n++
	d := trust.Digest(sha256.Sum256(fmt.Appendf(nil, "record %d", w.n)))
	f := w.one(d)
	w.records = append(w.records, d)
	return f
}

func (w *town) one(d trust.Digest) trust.Fact {
	switch w.draw(16, "kind") {
	case 0, 1:
		return trust.Award{Record: d, Issuer: w.who(), Holder: w.who(), Class: w.record(), From: w.when(), Until: w.until()}
	case 2:
		return trust.Class{Record: d, Creator: w.who(), From: w.when()}
	case 3, 4:
		return trust.Status{Record: d, By: w.who(), Target: w.record(), State: trust.State(1 + w.draw(6, "state")), From: w.when()}
	case 5:
		f := trust.Succession{Record: d, By: w.who(), To: w.who(), From: w.when()}
		if f.By == f.To {
			return trust.Class{Record: d, Creator: f.By, From: f.From}
		}
		return f
	case 6:
		if w.draw(4, "compromise") == 0 {
			return trust.Compromise{Record: d, Key: w.who(), Since: w.when(), From: w.when()}
		}
		return trust.Dispute{Record: d, By: w.who(), Of: w.of(), From: w.when(), Until: w.until()}
	case 7:
		return trust.Dispute{Record: d, By: w.who(), Of: w.of(), From: w.when(), Until: w.until()}
	case 8, 9:
		return trust.Endorsement{Record: d, By: w.who(), Of: trust.Target{Record: w.record()}, From: w.when(), Until: w.until()}
	default:
		return trust.Endorsement{Record: d, By: w.who(), Of: trust.Target{Profile: w.who()}, Weight: 25 * w.draw(5, "weight"), From: w.when(), Until: w.until()}
	}
}

func (w *town) view() trust.View {
	v := trust.View{Day: []trust.Day{1000, 999, 1001, 1000}[w.draw(4, "day")]}
	for range 1 + w.draw(3, "anchors") {
		v.Anchors = append(v.Anchors, w.who())
	}
	if w.draw(4, "ignore") == 0 {
		v.Ignored = append(v.Ignored, w.who())
	}
	return v
}

// live drives a graph through a history of adding, removing, looking and moving
// to other views, and returns it with the facts it ends with.
func (w *town) live(t interface{ Fatalf(string, ...any) }, steps int) (*trust.Graph, trust.View, []trust.Fact) {
	v := w.view()
	g := trust.New(v)
	present := map[trust.Digest]trust.Fact{}
	var gone []trust.Fact
	for range steps {
		switch w.draw(10, "step") {
		case 0:
			if len(w.records) == 0 {
				continue
			}
			d := w.record()
			f, was := present[d]
			if g.Remove(d) != was {
				t.Fatalf("Remove(%s) = %v", d, !was)
			}
			if was {
				gone = append(gone, f)
				delete(present, d)
			}
		case 1:
			g.Points(w.who())
		case 2:
			switch w.draw(4, "move") {
			case 0:
				v = w.view()
				g.SetView(v)
			case 1:
				w.tries(t, g)
			}
		default:
			f := trust.Fact(nil)
			if len(gone) > 0 && w.draw(3, "again") == 0 {
				f = gone[w.draw(len(gone), "which")]
			} else {
				f = w.fact()
			}
			if err := g.Add(f); err != nil {
				t.Fatalf("%v", err)
			}
			present[name(f)] = f
		}
	}
	facts := slices.Collect(maps.Values(present))
	slices.SortFunc(facts, func(a, b trust.Fact) int { return name(a).Compare(name(b)) })
	return g, v, facts
}

// tries asks what if, about people and strangers, and finds that the graph has
// not grown.
func (w *town) tries(t interface{ Fatalf(string, ...any) }, g *trust.Graph) {
	before := g.Size()
	people, records := w.people, len(w.records)
	w.people += 3 // strangers
	g.Try(func() {
		for range 1 + w.draw(4, "tries") {
			if err := g.Add(w.fact()); err != nil {
				t.Fatalf("%v", err)
			}
			g.Points(w.who())
		}
		if w.draw(2, "elsewhere") == 0 {
			g.SetView(w.view())
			g.Points(w.who())
		}
	})
	w.people, w.records = people, w.records[:records]
	if after := g.Size(); after != before {
		t.Fatalf("a graph of %+v has grown to %+v by asking", before, after)
	}
}

// tell returns all that a graph says, as text.
func tell(g *trust.Graph, people int, facts []trust.Fact) string {
	s := fmt.Sprintln(g.ID(), g.Len())
	say := func(of trust.Target) {
		b, ok := g.Backing(of)
		s += fmt.Sprintln(of, ok, b, g.Chains(b, 4), g.Independent(b), g.Surplus(of))
	}
	var records []trust.Digest
	for k := range people {
		d := did.DID(fmt.Sprintf("k%d", k))
		s += fmt.Sprintln(d, g.Identity(d), g.Layers(d), g.Points(d))
		say(trust.Target{Profile: d})
	}
	for _, f := range facts {
		records = append(records, name(f))
		s += fmt.Sprintln(name(f), g.Why(name(f)))
		say(trust.Target{Record: name(f)})
	}
	return s + fmt.Sprintln(g.Rank(records, 3))
}

// same compares what two graphs say and shows the first line that differs.
func same(t interface{ Fatalf(string, ...any) }, got, want string) {
	lines := strings.Split(want, "\n")
	for i, line := range strings.Split(got, "\n") {
		if i >= len(lines) || line != lines[i] {
			t.Fatalf("after its history\n%s\nat once\n%s", line, lines[min(i, len(lines)-1)])
		}
	}
}

func rapidTown(rt *rapid.T, people int) *town {
	return &town{people: people, draw: func(limit int, what string) int { return rapid.IntRange(0, limit-1).Draw(rt, what) }}
}

// Whatever its history, a graph says what one says that was given the same facts
// at once in another order, and what the law says.
func TestHistoryDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		w := rapidTown(rt, 8)
		g, v, facts := w.live(rt, rapid.IntRange(1, 80).Draw(rt, "steps"))
		shuffled := rapid.Permutation(facts).Draw(rt, "order")
		fresh := trust.New(v)
		for _, f := range shuffled {
			if err := fresh.Add(f); err != nil {
				rt.Fatal(err)
			}
		}
		same(rt, tell(g, w.people, facts), tell(fresh, w.people, facts))
		follows(rt, g, law{view: v, facts: facts}, w.people)
	})
}

// follows compares a graph with the law.
func follows(t interface{ Fatalf(string, ...any) }, g *trust.Graph, l law, people int) {
	x := l.layers()
	for k := range people {
		d := did.DID(fmt.Sprintf("k%d", k))
		root := l.identity(d)
		if id := g.Identity(d); id.First != root {
			t.Fatalf("%s is of %s, want %s", d, id.First, root)
		}
		for hop, got := range g.Layers(d) {
			if want := x[hop][root]; uint64(got) != want {
				t.Fatalf("layer %d of %s is %d, want %d", hop, d, got, want)
			}
		}
		if got, want := g.Points(d), l.points(root); got != want {
			t.Fatalf("points of %s are %v, want %v", d, got, want)
		}
		obeys(t, g, l, trust.Target{Profile: d})
	}
	for _, f := range l.facts {
		obeys(t, g, l, trust.Target{Record: name(f)})
	}
}

func obeys(t interface{ Fatalf(string, ...any) }, g *trust.Graph, l law, of trust.Target) {
	b, ok := g.Backing(of)
	want, known := l.verdict(of)
	if got := (verdict{b.For, b.Against, b.Net, b.Independent, b.Level}); ok != known || got != want {
		t.Fatalf("backing of %v %v\n got %v %+v\nwant %v %+v", of, b, ok, got, known, want)
	}
	if !ok {
		return
	}
	chains := g.Chains(b, 5)
	sum := trust.Points(0)
	for i, c := range chains {
		if sum += c.Points; i > 0 && c.Points > chains[i-1].Points {
			t.Fatalf("chain %d of %v brings more than the one before", i, of)
		}
		if !l.anchors()[c.Actors[0]] {
			t.Fatalf("chain %v of %v begins with no anchor", c, of)
		}
	}
	if sum > b.For {
		t.Fatalf("chains of %v bring %v, more than all of %v", of, sum, b.For)
	}
	apart(t, l, g.Independent(b), b)
}

// apart checks that chains exist and share nothing they may not.
func apart(t interface{ Fatalf(string, ...any) }, l law, chains []trust.Chain, b trust.Backing) {
	anchors := l.anchors()
	n := len(chains)
	if alone := n == 1 && len(chains[0].Actors) == 1; n != b.Independent && !alone {
		t.Fatalf("%d chains, %d counted", n, b.Independent)
	}
	endorsed, _ := l.edges()
	seen, links := map[did.DID]bool{}, map[pair]bool{}
	for _, c := range chains {
		if !anchors[c.Actors[0]] {
			t.Fatalf("%v begins with no anchor", c.Actors)
		}
		for i, a := range c.Actors {
			if a == b.Holder {
				t.Fatalf("%v passes the holder", c.Actors)
			}
			if seen[a] && a != b.Author && !anchors[a] {
				t.Fatalf("%s is on two chains of %v", a, chains)
			}
			seen[a] = true
			if i == 0 {
				continue
			}
			p := pair{c.Actors[i-1], a}
			if endorsed[p] == 0 || links[p] {
				t.Fatalf("%v is no endorsement, or is used twice", p)
			}
			links[p] = true
		}
	}
}

// web draws profile endorsements among honest people and returns them, with the
// weight each has issued.
func web(rt *rapid.T, people, edges int) (facts []trust.Fact, issued map[did.DID]uint64) {
	issued = map[did.DID]uint64{}
	seen := map[pair]bool{}
	for range edges {
		p := pair{did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, people-1).Draw(rt, "from"))), did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, people-1).Draw(rt, "to")))}
		if p.from == p.to || seen[p] {
			continue
		}
		seen[p] = true
		w := 25 * rapid.IntRange(1, 4).Draw(rt, "weight")
		facts = append(facts, endorse(p.from, p.to, w))
		issued[p.from] += uint64(w)
	}
	return facts, issued
}

func endorse(from, to did.DID, weight int) trust.Endorsement {
	return trust.Endorsement{
		Record: sha256.Sum256([]byte(from + ">" + to)), By: from, Of: trust.Target{Profile: to}, Weight: weight, From: day(1000),
	}
}

func handOut(from, to did.DID) trust.Award {
	return trust.Award{
		Record: sha256.Sum256([]byte(from + "!" + to)), Issuer: from, Holder: to, Class: digest("class"), From: day(1000),
	}
}

var noon = trust.View{Anchors: []did.DID{"k0", "k1"}, Day: 1000}

// One who makes up any number of others, in any ring, gains exactly nothing.
func TestRingsGainNothing(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		facts, _ := web(rt, 12, 40)
		attacker := did.DID(fmt.Sprintf("k%d", rapid.IntRange(2, 11).Draw(rt, "attacker")))
		g := graphOf(t, noon, facts)
		alone := g.Points(attacker)

		n := rapid.IntRange(1, 12).Draw(rt, "fakes")
		ring := []did.DID{attacker}
		for i := range n {
			ring = append(ring, did.DID(fmt.Sprintf("fake%d", i)))
		}
		say := func(f trust.Fact) {
			if err := g.Add(f); err != nil {
				rt.Fatal(err)
			}
		}
		for i := range ring {
			for j := range ring {
				if i == j || i != 0 && j != (i+1)%len(ring) && rapid.IntRange(0, 2).Draw(rt, "silent") != 0 {
					continue
				}
				say(endorse(ring[i], ring[j], 100))
				if rapid.Bool().Draw(rt, "award") {
					say(handOut(ring[i], ring[j]))
				}
			}
		}
		if got := g.Points(attacker); got != alone {
			rt.Fatalf("the attacker has %d with a ring and %d alone", got, alone)
		}
		for _, fake := range ring[1:] {
			if got := g.Points(fake); got > alone {
				rt.Fatalf("%s has %d, the attacker %d alone", fake, got, alone)
			}
		}
	})
}

// Fakes never have more than what enters among them, one by one nor together
// (spec/trust.md §7).
func TestSybilBounds(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		honest, issued := web(rt, 10, 40)
		const fakes = 8
		fake := func(what string) did.DID {
			return did.DID(fmt.Sprintf("fake%d", rapid.IntRange(0, fakes-1).Draw(rt, what)))
		}
		attacks := map[pair]int{}
		for range rapid.IntRange(1, 6).Draw(rt, "attacks") {
			p := pair{did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, 9).Draw(rt, "fooled"))), fake("by")}
			if attacks[p] == 0 {
				attacks[p] = 25 * rapid.IntRange(1, 4).Draw(rt, "weight")
				issued[p.from] += uint64(attacks[p])
			}
		}
		facts := slices.Clone(honest)
		for p, w := range attacks {
			facts = append(facts, endorse(p.from, p.to, w))
		}
		// With the fakes silent, what the fooled hold at each hop is honest.
		silent := graphOf(t, noon, facts)
		var one, all float64
		for p, w := range attacks {
			most := 700.0
			if !slices.Contains(noon.Anchors, p.from) {
				most = max(most, float64(issued[p.from]))
			}
			q := 7 * float64(w) / (10 * most)
			for k, x := range silent.Layers(p.from) {
				if k == trust.Hops {
					break
				}
				one += float64(x) * q
				for j := range trust.Hops - k {
					all += float64(x) * q * math.Pow(.8, float64(j))
				}
			}
		}
		for range rapid.IntRange(0, 60).Draw(rt, "noise") {
			a, b := fake("from"), fake("to")
			switch rapid.IntRange(0, 3).Draw(rt, "does") {
			case 0:
				b = did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, 9).Draw(rt, "flattered")))
				fallthrough
			case 1, 2:
				facts = append(facts, endorse(a, b, 25*rapid.IntRange(1, 4).Draw(rt, "weight")))
			default:
				facts = append(facts, handOut(a, b))
			}
		}
		g := graphOf(t, noon, facts)
		sum := 0.0
		for i := range fakes {
			p := float64(g.Points(did.DID(fmt.Sprintf("fake%d", i))))
			sum += p
			if p > one*(1+1e-9)+1 {
				rt.Fatalf("fake%d has %.0f, more than the %.0f that enter", i, p, one)
			}
		}
		if sum > all*(1+1e-9)+1 {
			rt.Fatalf("the fakes have %.0f together, more than %.0f", sum, all)
		}
		if anchored := g.Layers("k0")[0] == trust.AnchorPoints; !anchored {
			rt.Fatal("k0 is no anchor")
		}
	})
}

// An endorsement never lowers the one endorsed, but for a few billionths lost
// in rounding: less than one for each endorsement and hop.
func TestEndorsingNeverLowers(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		people := rapid.SampledFrom([]int{6, 15}).Draw(rt, "people")
		facts, _ := web(rt, people, 90)
		from := did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, people-1).Draw(rt, "endorser")))
		to := did.DID(fmt.Sprintf("k%d", rapid.IntRange(0, people-1).Draw(rt, "endorsed")))
		if from == to {
			return
		}
		g := graphOf(t, noon, facts)
		g.Remove(endorse(from, to, 100).Record)
		before := g.Points(to)
		if err := g.Add(endorse(from, to, 100)); err != nil {
			rt.Fatal(err)
		}
		if after := g.Points(to); after+100 < before {
			rt.Fatalf("endorsed by %s, %s went from %d to %d", from, to, before, after)
		}
	})
}
