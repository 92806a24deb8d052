package trust_test

import (
	"crypto/sha256"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// Fablab de la rade, in Brest, trusts two places: rade itself and la-cantine.
var rade = trust.View{Anchors: []did.DID{"rade", "la-cantine"}, Day: 1000}

func points(t *testing.T, g *trust.Graph, who did.DID, want string) {
	t.Helper()
	if got := g.Points(who).String(); got != want {
		t.Errorf("%s has %s points, want %s", who, got, want)
	}
}

func why(t *testing.T, g *trust.Graph, f trust.Fact, want trust.Reason) {
	t.Helper()
	if got := g.Why(name(f)); got != want {
		t.Errorf("%T is %v, want %v", f, got, want)
	}
}

func add(t testing.TB, g *trust.Graph, facts ...trust.Fact) {
	t.Helper()
	for _, f := range facts {
		if err := g.Add(f); err != nil {
			t.Fatal(err)
		}
	}
}

// Alice changes her key. Her standing, what she said and what is said of her
// stay hers; her new key does not double her voice.
func TestAliceChangesHerKey(t *testing.T) {
	g := graphOf(t, rade, []trust.Fact{
		endorse("rade", "alice", 100), endorse("alice", "bob", 100), endorse("alice2", "bob", 100), endorse("la-cantine", "alice2", 50),
	})
	points(t, g, "alice", "1")
	points(t, g, "alice2", "0.5")
	points(t, g, "bob", "0.15")

	handOver := trust.Succession{Record: digest("s"), By: "alice", To: "alice2", From: day(999)}
	add(t, g, handOver)
	points(t, g, "alice", "1.5")
	points(t, g, "alice2", "1.5")
	points(t, g, "bob", "0.15")
	id := g.Identity("alice2")
	if id.First != "alice" || !slices.Equal(id.Keys, []did.DID{"alice", "alice2"}) || id.Conflict || id.Endorses != 1 {
		t.Errorf("alice2 is of %+v", id)
	}
	why(t, g, endorse("alice", "bob", 100), trust.Superseded)
	why(t, g, endorse("alice2", "bob", 100), trust.Counted)
	// Her new key takes back what the old one said.
	add(t, g, trust.Status{Record: digest("t"), By: "alice2", Target: endorse("alice", "bob", 0).Record, State: trust.Withdrawn, From: day(1000)})
	why(t, g, endorse("alice", "bob", 100), trust.Ended)

	// Somebody with the old key hands it over again: the smaller name wins
	// whatever comes first, and a person should look.
	add(t, g, trust.Succession{Record: digest("r"), By: "alice", To: "mallory", From: day(1000)})
	if id := g.Identity("alice"); !id.Conflict || !slices.Equal(id.Keys, []did.DID{"alice", "mallory"}) {
		t.Errorf("alice is %+v, want alice and mallory in conflict", id)
	}
	why(t, g, handOver, trust.Conflicting)
	points(t, g, "alice2", "0.5")
	g.Remove(digest("r"))
	points(t, g, "alice2", "1.5")
}

// Keys that hand over in a ring are one identity all the same, opened at the
// largest name.
func TestRingOfSuccessions(t *testing.T) {
	g := trust.New(rade)
	keys := []did.DID{"x", "y", "z"}
	for i, k := range keys {
		add(t, g, trust.Succession{Record: digest(string('a' + rune(i))), By: k, To: keys[(i+1)%3], From: day(1)})
	}
	if id := g.Identity("y"); id.First != "x" || len(id.Keys) != 3 {
		t.Errorf("y is of %+v, want x and three keys", id)
	}
}

// Bob's key was stolen on day 990: what it signed since is not believed, what
// it signed before is, and his earlier word stands again.
func TestBobsKeyIsStolen(t *testing.T) {
	early, late := endorse("bob", "carol", 100), endorse("bob", "carol", 25)
	late.Record, early.From, late.From = digest("late"), day(980), day(995)
	theft := trust.Compromise{Record: digest("theft"), Key: "bob", Since: day(990), From: day(999)}
	handOver := trust.Succession{Record: digest("s"), By: "bob", To: "mallory", From: day(996)}
	trusted := endorse("rade", "bob", 100)
	trusted.From = day(900)
	g := graphOf(t, rade, []trust.Fact{trusted, early, late, handOver})
	points(t, g, "carol", "0.025")
	points(t, g, "mallory", "1")
	add(t, g, theft)
	points(t, g, "carol", "0.1")
	points(t, g, "mallory", "0")
	why(t, g, late, trust.Compromised)
	why(t, g, handOver, trust.Compromised)
	g.Remove(theft.Record)
	points(t, g, "carol", "0.025")
	// On the day before he said so nobody knew.
	add(t, g, theft)
	g.SetView(trust.View{Anchors: rade.Anchors, Day: 998})
	points(t, g, "carol", "0.025")
	g.SetView(rade)
	points(t, g, "carol", "0.1")
}

// An award is suspended, reinstated and at last renounced by its holder.
func TestAwardEnds(t *testing.T) {
	award := handOut("rade", "alice")
	of := trust.Target{Record: award.Record}
	g := graphOf(t, rade, []trust.Fact{award})
	set := func(n string, by did.DID, s trust.State, on int64, counts bool) {
		t.Helper()
		add(t, g, trust.Status{Record: digest(n), By: by, Target: award.Record, State: s, From: day(on)})
		b, ok := g.Backing(of)
		if ok != counts {
			t.Errorf("after %s the award counts: %v (%v), want %v", n, ok, g.Why(award.Record), counts)
		}
		if reached := g.Points("alice") > 0; reached != counts {
			t.Errorf("after %s alice is reached: %v", n, reached)
		}
		if counts && (b.Level != trust.LevelVerySolid || b.Independent != trust.MaxIndependent || b.Net != trust.AnchorPoints) {
			t.Errorf("an award by an anchor: %+v", b)
		}
	}
	set("1", "bob", trust.Revoked, 990, true) // not entitled
	set("2", "rade", trust.Suspended, 991, false)
	set("3", "rade", trust.Reinstated, 992, true)
	set("4", "rade", trust.Withdrawn, 993, true) // no state of an award
	set("5", "alice", trust.Suspended, 994, true)
	set("6", "rade", trust.Suspended, 992, false) // the same second, a larger name
	set("0", "rade", trust.Reinstated, 993, true)
	set("7", "alice", trust.Renounced, 995, false)
	set("8", "rade", trust.Reinstated, 996, false)

	other := handOut("rade", "bob")
	add(t, g, trust.Status{Record: digest("9"), By: "rade", Target: other.Record, State: trust.Revoked, From: day(990)}, other)
	why(t, g, other, trust.Ended) // though the status came first
}

// Two years on, an endorsement lapses; a newer one takes its place before.
func TestEndorsementLapses(t *testing.T) {
	f := endorse("rade", "alice", 50)
	f.From = day(1000 - trust.Lapse + 1)
	g := graphOf(t, rade, []trust.Fact{f})
	points(t, g, "alice", "0.5")
	renewed := endorse("rade", "alice", 100)
	renewed.Record, renewed.From = digest("renewed"), day(1001)
	add(t, g, renewed)
	why(t, g, renewed, trust.NotBegun)
	points(t, g, "alice", "0.5")
	g.SetView(trust.View{Anchors: rade.Anchors, Day: 1001})
	why(t, g, f, trust.Lapsed)
	points(t, g, "alice", "1")
	if got := g.View(); got.Day != 1001 || !slices.Equal(got.Anchors, rade.Anchors) {
		t.Errorf("View() = %+v", got)
	}
	g.Remove(renewed.Record)
	points(t, g, "alice", "0")
	renewed.Until = day(1001)
	add(t, g, renewed)
	why(t, g, renewed, trust.Expired)
	why(t, g, trust.Endorsement{Record: digest("never came")}, trust.Unknown)
}

// A stranger copies a well-known class: its endorsements do not back them.
func TestCopiedClass(t *testing.T) {
	class := trust.Class{Record: digest("laser"), Creator: "alice", From: day(1)}
	byClass := trust.Endorsement{Record: digest("e"), By: "la-cantine", Of: trust.Target{Record: class.Record}, From: day(999)}
	award := func(by did.DID) trust.Award {
		a := handOut(by, "bob")
		a.Class = class.Record
		return a
	}
	g := graphOf(t, rade, []trust.Fact{
		class, byClass, award("alice"), award("mallory"), award("carol"),
		endorse("rade", "alice", 100), endorse("alice", "carol", 100),
	})
	for who, want := range map[did.DID]string{"alice": "6", "carol": "5.1", "mallory": "0"} {
		b, ok := g.Backing(trust.Target{Record: award(who).Record})
		if !ok || b.For.String() != want {
			t.Errorf("an award by %s has %v points, want %s", who, b.For, want)
		}
	}
	b, ok := g.Backing(trust.Target{Record: class.Record})
	if !ok || b.For.String() != "11" || b.Author != "alice" {
		t.Errorf("the class: %+v", b)
	}
}

// Disputes are weighed by who makes them, heard by the reader's choice, and
// never weigh on other awards.
func TestDispute(t *testing.T) {
	award := handOut("alice", "bob")
	doubt := trust.Dispute{Record: digest("d"), By: "carol", Of: trust.Target{Record: award.Record}, From: day(999)}
	g := graphOf(t, rade, []trust.Fact{award, handOut("alice", "dave"), doubt, endorse("rade", "alice", 100), endorse("rade", "carol", 25)})
	b, _ := g.Backing(trust.Target{Record: award.Record})
	if b.Approval != 800000 || !b.Disputed || b.Contested || b.Net.String() != "0.8" || b.Level != trust.LevelFragile {
		t.Errorf("disputed by a quarter: %+v", b)
	}
	if b, _ := g.Backing(trust.Target{Record: handOut("alice", "dave").Record}); b.Against != 0 || b.Level != trust.LevelBacked {
		t.Errorf("another award by alice: %+v", b)
	}
	g.SetView(trust.View{Anchors: rade.Anchors, Ignored: []did.DID{"carol"}, Day: 1000})
	if b, _ := g.Backing(trust.Target{Record: award.Record}); b.Against != 0 || b.Disputed {
		t.Errorf("with carol not heard: %+v", b)
	}
	g.SetView(rade)
	add(t, g, trust.Dispute{Record: digest("all"), By: "carol", Of: trust.Target{Profile: "alice"}, From: day(999)})
	if b, _ := g.Backing(trust.Target{Record: handOut("alice", "dave").Record}); b.Against.String() != "0.25" {
		t.Errorf("an award by alice, whom carol disputes: %+v", b)
	}
	add(t, g, endorse("la-cantine", "carol", 50))
	if b, _ := g.Backing(trust.Target{Record: award.Record}); !b.Contested || b.Level != trust.LevelUnknown {
		t.Errorf("contested: %+v", b)
	}
}

// The view's id follows what is seen and from where, and nothing else.
func TestViewID(t *testing.T) {
	a, b := endorse("rade", "alice", 100), endorse("alice", "bob", 100)
	id := func(v trust.View, facts ...trust.Fact) trust.Digest { return graphOf(t, v, facts).ID() }
	want := id(rade, a, b)
	if got := id(trust.View{Anchors: []did.DID{"la-cantine", "rade", "rade"}, Day: 1000}, b, a, b); got != want {
		t.Errorf("in another order %s, want %s", got, want)
	}
	// A status without effect is not seen.
	if got := id(rade, a, b, trust.Status{Record: digest("s"), By: "bob", Target: a.Record, State: trust.Withdrawn, From: day(1)}); got != want {
		t.Errorf("with a status nobody was entitled to set %s, want %s", got, want)
	}
	for _, other := range []trust.Digest{
		id(rade, a), id(rade),
		id(trust.View{Anchors: rade.Anchors, Day: 1001}, a, b),
		id(trust.View{Anchors: rade.Anchors[:1], Day: 1000}, a, b),
		id(trust.View{Anchors: rade.Anchors, Ignored: []did.DID{"bob"}, Day: 1000}, a, b),
		id(rade, a, b, trust.Status{Record: digest("s"), By: "alice", Target: b.Record, State: trust.Withdrawn, From: day(1)}),
	} {
		if other == want {
			t.Errorf("another view has the id %s too", want)
		}
	}
	// Held by spec/trust.md §8.
	const vector = "f57ed1b4b59f7381a17f4d7f9bffdef83fedabae768363cdd1dcff988dfa183e"
	if got := want.String(); got != vector {
		t.Errorf("id %s, want %s", got, vector)
	}
}

// The second chain makes the first go another way, or leave an actor out.
func TestChainsGiveWay(t *testing.T) {
	for _, tt := range []struct{ links, want []string }{
		{
			[]string{"rade c a t", "c b t", "rade e d a"},
			[]string{"[rade c b t]", "[rade e d a t]"},
		},
		{
			[]string{"rade m n p t", "m b3 b2 b1 t", "rade q2 q1 p"},
			[]string{"[rade q2 q1 p t]", "[rade m b3 b2 b1 t]"},
		},
	} {
		g := trust.New(rade)
		for _, chain := range tt.links {
			names := strings.Fields(chain)
			for i := range len(names) - 1 {
				add(t, g, endorse(did.DID(names[i]), did.DID(names[i+1]), 100))
			}
		}
		b, _ := g.Backing(trust.Target{Profile: "t"})
		var got []string
		for _, c := range g.Independent(b) {
			got = append(got, fmt.Sprint(c.Actors))
		}
		if b.Independent != 2 || !slices.Equal(got, tt.want) {
			t.Errorf("%d independent chains %v, want %v", b.Independent, got, tt.want)
		}
	}
}

// However chains cross, as many are found as a maximum flow has.
func TestChainsAreMaximumFlow(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		facts, _ := web(rt, 16, rapid.IntRange(20, 45).Draw(rt, "edges"))
		award := handOut("k9", "k8")
		facts = append(facts, award)
		for _, by := range []did.DID{"k6", "k7", "k8"} {
			facts = append(facts, trust.Endorsement{Record: sha256.Sum256([]byte(by)), By: by, Of: trust.Target{Record: award.Record}, From: day(999)})
		}
		g := graphOf(t, noon, facts)
		l := law{view: noon, facts: facts}
		for _, of := range []trust.Target{{Record: award.Record}, {Profile: "k10"}, {Profile: "k11"}, {Profile: "k12"}} {
			b, _ := g.Backing(of)
			if want, _ := l.verdict(of); b.Independent != want.Independent {
				rt.Fatalf("%v has %d independent chains, want %d", of, b.Independent, want.Independent)
			}
			apart(rt, l, g.Independent(b), b)
		}
	})
}

// A flood by actors nobody knows may be kept as names; nothing that counts may.
func TestFlood(t *testing.T) {
	g := graphOf(t, rade, []trust.Fact{endorse("rade", "alice", 100), endorse("alice", "bob", 100)})
	class := trust.Class{Record: digest("class of bob"), Creator: "bob", From: day(1)}
	add(t, g, class)
	for i := range 2 * trust.MaxUnreached {
		f := endorse(did.DID(fmt.Sprintf("bot%d", i)), "bob", 100)
		f.From = day(500 + int64(i)%100)
		add(t, g, f)
		e := trust.Endorsement{Record: sha256.Sum256(fmt.Append(nil, i)), By: f.By, Of: trust.Target{Record: class.Record}, From: day(500)}
		add(t, g, e)
	}
	before := g.Points("bob")
	for _, of := range []trust.Target{{Profile: "bob"}, {Record: class.Record}} {
		surplus := g.Surplus(of)
		if len(surplus) != trust.MaxUnreached || slices.Contains(surplus, endorse("alice", "bob", 0).Record) {
			t.Errorf("%d of %d are surplus", len(surplus), g.Len())
		}
		for _, d := range surplus {
			g.Remove(d)
		}
		if got := g.Surplus(of); got != nil {
			t.Errorf("%d are surplus still", len(got))
		}
	}
	if got := g.Points("bob"); got != before {
		t.Errorf("without the flood bob has %v, before %v", got, before)
	}
}

// Rank gives what sorting all would, for less.
func TestRank(t *testing.T) {
	c := newCity(200, 3)
	g := trust.New(c.view(1000))
	var awards []trust.Digest
	for range 3000 {
		f := c.fact()
		if a, ok := f.(trust.Award); ok {
			awards = append(awards, a.Record)
		}
		add(t, g, f)
	}
	all := g.Rank(awards, len(awards))
	best := g.Rank(awards, 10)
	for i, b := range best {
		if b.Of != all[i].Of {
			t.Errorf("place %d is %v of level %d with %v, want %v of level %d with %v", i, b.Of, b.Level, b.Net, all[i].Of, all[i].Level, all[i].Net)
		}
		if i > 0 && b.Level > all[i-1].Level {
			t.Errorf("place %d is of level %d after level %d", i, b.Level, all[i-1].Level)
		}
	}
	if len(best) != 10 || len(all) != len(awards) || g.Rank(awards, 0) != nil {
		t.Errorf("ranked %d and %d of %d", len(best), len(all), len(awards))
	}
}

// A link passes on the exact floor of its share, whatever the size of the
// product on the way.
func TestShareIsExact(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		x := rapid.OneOf(rapid.Uint64(), rapid.Uint64Max(2e10)).Draw(rt, "x")
		award, weight := rapid.Bool().Draw(rt, "award"), 25*rapid.IntRange(1, 4).Draw(rt, "weight")
		tenths, quota := uint64(7), uint64(7)
		if award {
			tenths, quota = 1, 20
		}
		divisor := 10 * max(100*quota, rapid.Uint64Max(1e5).Draw(rt, "issued"))
		want := new(big.Int).SetUint64(x)
		want.Mul(want, new(big.Int).SetUint64(tenths*uint64(weight)))
		want.Div(want, new(big.Int).SetUint64(divisor))
		if got := trust.Share(x, award, weight, divisor); got != want.Uint64() {
			rt.Fatalf("share of %d is %d, want %d", x, got, want)
		}
	})
}

// A hub whom all endorse, who endorse one another, and who hears its own words
// again by a long way round.
func TestHub(t *testing.T) {
	facts := []trust.Fact{endorse("k0", "k1", 100), endorse("hub", "w", 100), endorse("w", "k7", 100), handOut("hub", "k9")}
	for i := range 60 {
		for j := range 60 {
			if i != j {
				facts = append(facts, endorse(did.DID(fmt.Sprintf("k%d", i)), did.DID(fmt.Sprintf("k%d", j)), 100))
			}
		}
		facts = append(facts, endorse(did.DID(fmt.Sprintf("k%d", i)), "hub", 100))
	}
	v := trust.View{Anchors: []did.DID{"k0"}, Day: 1000}
	g, l := graphOf(t, v, facts), law{view: v, facts: facts}.settled()
	if got, want := g.Points("hub"), l.points("hub"); got != want || got >= sum(g.Layers("hub")) {
		t.Errorf("the hub has %d, want %d, less than the %d that reach it", got, want, sum(g.Layers("hub")))
	}
}

func sum(layers [trust.Hops + 1]trust.Points) trust.Points {
	total := trust.Points(0)
	for _, x := range layers {
		total += x
	}
	return total
}

func TestWhatIsNoFact(t *testing.T) {
	g := trust.New(rade)
	of := trust.Target{Profile: "bob"}
	for _, f := range []trust.Fact{
		trust.Endorsement{Of: of},
		trust.Endorsement{By: "alice"},
		trust.Endorsement{By: "alice", Of: trust.Target{Profile: "bob", Record: digest("x")}},
		trust.Endorsement{By: "alice", Of: of, Weight: 30},
		trust.Endorsement{By: "alice", Of: of, Weight: 125},
		trust.Dispute{Of: of},
		trust.Dispute{By: "alice"},
		trust.Award{Issuer: "alice", Holder: "bob"},
		trust.Class{},
		trust.Status{By: "alice", Target: digest("x"), State: 7},
		trust.Succession{By: "alice", To: "alice"},
		trust.Compromise{},
	} {
		if err := g.Add(f); err == nil {
			t.Errorf("%T %+v was taken", f, f)
		}
	}
	if g.Len() != 0 || g.Remove(digest("x")) {
		t.Errorf("%d facts, want none", g.Len())
	}
}

func TestPointsInWords(t *testing.T) {
	for p, want := range map[trust.Points]string{0: "0", 1: "0.000000001", trust.Point: "1", 2055000000: "2.055", 12 * trust.AnchorPoints: "120"} {
		if got := p.String(); got != want {
			t.Errorf("%d points are %q, want %q", uint64(p), got, want)
		}
	}
	if got := trust.DayOf(time.Date(2026, 5, 27, 23, 59, 59, 0, time.FixedZone("", -3600))); got != 20601 {
		t.Errorf("DayOf = %d, want 20601: days are UTC", got)
	}
}
