package trust_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// vector is testdata/records.json.
type vector struct {
	Day     trust.Day
	Anchors []did.DID
	Records []struct {
		CID, Kind, By, On, Class, Revoke string
		W                                int
		From, Until                      int64
	}
}

// expected is testdata/expected.json.
type expected struct {
	Actors map[did.DID]struct {
		Layers      [6]trust.Points `json:"x0_to_x5"`
		Points      trust.Points    `json:"nanopoints"`
		Score       float64
		Independent int
		Chains      []string `json:"top_chains"`
	}
	Assertions map[string]struct {
		Issuer, To  did.DID
		Points      trust.Points `json:"nanopoints"`
		Dispute     trust.Points
		Approval    uint32       `json:"approval_ppm"`
		Net         trust.Points `json:"net_nanopoints"`
		Score       float64
		Independent int
		Level       trust.Level
		Supporters  map[did.DID]trust.Points
	}
	NotCounted map[string]string `json:"records_not_counted"`
}

func readJSON(t testing.TB, name string, into any) {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// digest is a name as a digest, so that both are in the same order.
func digest(name string) trust.Digest {
	var d trust.Digest
	copy(d[:], name)
	return d
}

func day(n int64) time.Time { return time.Unix(n*24*60*60, 0) }

// facts returns the facts of the vector, in its order.
func (v vector) facts(t testing.TB) []trust.Fact {
	classes := map[string]trust.Digest{}
	records := map[string]string{}
	for _, r := range v.Records {
		records[r.CID] = r.Kind
		if r.Kind == "class" {
			classes[r.On] = digest(r.CID)
		}
	}
	var facts []trust.Fact
	for _, r := range v.Records {
		var of trust.Target
		switch {
		case classes[r.On] != trust.Digest{}:
			of.Record = classes[r.On]
		case records[r.On] != "":
			of.Record = digest(r.On)
		default:
			of.Profile = did.DID(r.On)
		}
		by, record, from := did.DID(r.By), digest(r.CID), day(r.From)
		var until time.Time
		if r.Until != 0 {
			until = day(r.Until)
		}
		switch r.Kind {
		case "profile":
		case "endorse":
			w := r.W
			if of.Profile == "" {
				w = 0
			}
			facts = append(facts, trust.Endorsement{Record: record, By: by, Of: of, Weight: w, From: from, Until: until})
		case "dispute":
			facts = append(facts, trust.Dispute{Record: record, By: by, Of: of, From: from, Until: until})
		case "class":
			facts = append(facts, trust.Class{Record: record, Creator: by, From: from})
		case "assertion":
			facts = append(facts, trust.Award{Record: record, Issuer: by, Holder: did.DID(r.On), Class: classes[r.Class], From: from, Until: until})
		case "rotate":
			facts = append(facts, trust.Succession{Record: record, By: by, To: did.DID(r.On), From: from})
		case "revoke":
			state := trust.Withdrawn
			if records[r.Revoke] == "assertion" {
				state = trust.Revoked
			}
			facts = append(facts, trust.Status{Record: record, By: by, Target: digest(r.Revoke), State: state, From: from})
		default:
			t.Fatalf("%s is of kind %q", r.CID, r.Kind)
		}
	}
	return facts
}

func example(t testing.TB) (vector, expected) {
	var v vector
	var want expected
	readJSON(t, "records.json", &v)
	readJSON(t, "expected.json", &want)
	return v, want
}

func graphOf(t testing.TB, v trust.View, facts []trust.Fact) *trust.Graph {
	t.Helper()
	g := trust.New(v)
	for _, f := range facts {
		if err := g.Add(f); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

func TestWorkedExample(t *testing.T) {
	v, want := example(t)
	g := graphOf(t, trust.View{Anchors: v.Anchors, Day: v.Day}, v.facts(t))
	if len(want.Actors) < 10 || len(want.Assertions) != 5 || len(want.NotCounted) != 5 {
		t.Fatalf("testdata/expected.json holds %d actors, %d awards, %d that do not count", len(want.Actors), len(want.Assertions), len(want.NotCounted))
	}
	for who, w := range want.Actors {
		if got := g.Layers(who); got != w.Layers {
			t.Errorf("layers of %s\n got %v\nwant %v", who, got, w.Layers)
		}
		b, ok := g.Backing(trust.Target{Profile: who})
		if !ok || b.For != w.Points || g.Points(who) != w.Points || b.For.Score() != w.Score {
			t.Errorf("%s: got %v %v (score %v), want %v (%v)", who, b.For, g.Points(who), b.For.Score(), w.Points, w.Score)
		}
		if b.Independent != w.Independent {
			t.Errorf("%s: got %d independent chains %v, want %d", who, b.Independent, g.Independent(b), w.Independent)
		}
		var got []string
		for _, c := range g.Chains(b, 4) {
			if len(c.Actors) > 1 {
				got = append(got, chainText(c))
			}
		}
		if !slices.Equal(got, w.Chains) {
			t.Errorf("chains of %s\n got %q\nwant %q", who, got, w.Chains)
		}
	}
	for name, w := range want.Assertions {
		b, ok := g.Backing(trust.Target{Record: digest(name)})
		if !ok {
			t.Errorf("%s does not count: %v", name, g.Why(digest(name)))
			continue
		}
		got := fmt.Sprint(b.Author, b.Holder, b.For, b.Against, b.Approval, b.Net, b.Net.Score(), b.Independent, b.Level)
		if want := fmt.Sprint(w.Issuer, w.To, w.Points, w.Dispute, w.Approval, w.Net, w.Score, w.Independent, w.Level); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
		for _, s := range b.Supporters {
			if w.Supporters[s.Who] != s.Points {
				t.Errorf("%s: %s supports with %v, want %v", name, s.Who, s.Points, w.Supporters[s.Who])
			}
		}
		if len(b.Supporters) != len(w.Supporters) {
			t.Errorf("%s: %d supporters, want %d", name, len(b.Supporters), len(w.Supporters))
		}
	}
	for _, r := range v.Records {
		if r.Kind == "profile" {
			continue
		}
		w := want.NotCounted[r.CID]
		switch w {
		case "":
			w = "counted"
		case "revoked":
			w = trust.Ended.String()
		}
		if got := g.Why(digest(r.CID)).String(); got != w {
			t.Errorf("%s: got %q, want %q", r.CID, got, w)
		}
	}
}

func chainText(c trust.Chain) string {
	var names []string
	for _, a := range c.Actors {
		names = append(names, string(a))
	}
	return fmt.Sprintf("%s = %d", strings.Join(names, " > "), uint64(c.Points))
}

// The tables of the page are those of the example.
func TestPageShowsTheExample(t *testing.T) {
	page, err := os.ReadFile("../../spec/trust.md")
	if err != nil {
		t.Fatal(err)
	}
	v, _ := example(t)
	g := graphOf(t, trust.View{Anchors: v.Anchors, Day: v.Day}, v.facts(t))
	for _, who := range []did.DID{"C", "D", "E", "S1", "S2", "paul"} {
		var layers []string
		for k, x := range g.Layers(who) {
			text := (1000 * x).String()
			if strings.HasPrefix(text, "0.") {
				text = text[1:]
			}
			if k > 0 {
				layers = append(layers, text)
			}
		}
		b, _ := g.Backing(trust.Target{Profile: who})
		holds(t, page, fmt.Sprintf("| %s | %s | %s | %d |", who, strings.Join(layers, ", "), b.For, b.Independent))
	}
	for _, award := range []string{"r40", "r41", "r42", "r43", "r45"} {
		b, _ := g.Backing(trust.Target{Record: digest(award)})
		holds(t, page, fmt.Sprintf(" | %s | %s | %s | %d | %d |", b.For, b.Against, b.Net, b.Independent, b.Level))
	}
}

func holds(t *testing.T, page []byte, row string) {
	t.Helper()
	if !strings.Contains(string(page), row) {
		t.Errorf("spec/trust.md does not show %q", row)
	}
}
