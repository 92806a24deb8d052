package main

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"testing"
)

// small is a territory that is studied in a second.
var small = shape{5, 6, 8}

func byName(t *testing.T, name string) study {
	t.Helper()
	for _, s := range studies {
		if s.name == name {
			return s
		}
	}
	t.Fatalf("no study is called %s", name)
	return study{}
}

// What spec/trust.md says of attacks holds in the study: one fooled place gives
// a circle hardly more however large it is, no fake is backed by it, and a
// stolen key that was declared gives nothing.
func TestStudyHoldsTheLaw(t *testing.T) {
	rings := byName(t, "rings")
	few, many := rings.mean(small, 10, 3, metrics[0]), rings.mean(small, 1000, 3, metrics[0])
	if few.share == 0 || many.share > 1.2*few.share {
		t.Errorf("a circle of 10 has %v of the points, one of 1,000 %v: want some, and hardly more", few.share, many.share)
	}
	for _, r := range []result{few, many} {
		if r.backed > 0 {
			t.Errorf("one fooled place: got %v fakes backed, want none", r.backed)
		}
	}
	if r := byName(t, "declared").mean(small, 100, 2, metrics[0]); r.share != 0 || r.top != 0 {
		t.Errorf("a key declared stolen: got %+v, want nothing", r)
	}
	if ours, theirs := byName(t, "edges").mean(small, 3, 3, metrics[0]), byName(t, "edges").mean(small, 3, 3, metrics[1]); ours.share >= theirs.share {
		t.Errorf("three fooled: got %v of the points, %v by PageRank", ours.share, theirs.share)
	}
}

// EigenTrust with damping a is personalised PageRank with 1-a: two iterations
// written apart agree. And the same seed gives the same world.
func TestMetricsAgree(t *testing.T) {
	w := territory(small, rand.New(rand.NewPCG(7, 1)))
	one, other := pagerank(w, .85), eigentrust(w, .15)
	sum := 0.0
	for a := range one {
		sum += one[a]
		if math.Abs(one[a]-other[a]) > 1e-4 {
			t.Errorf("actor %d: PageRank %v, EigenTrust %v", a, one[a], other[a])
		}
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("ranks add up to %v, want 1", sum)
	}
	again := territory(small, rand.New(rand.NewPCG(7, 1)))
	if len(again.edges) != len(w.edges) || again.edges[len(w.edges)-1] != w.edges[len(w.edges)-1] {
		t.Error("the same seed gave another world")
	}
}

// A chart is well-formed.
func TestCharts(t *testing.T) {
	d := xml.NewDecoder(bytes.NewReader(byName(t, "anchor").run(small, 1).chart()))
	for {
		_, err := d.Token()
		if errors.Is(err, io.EOF) {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}
