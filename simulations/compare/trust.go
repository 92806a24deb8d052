package main

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"time"

	"gonum.org/v1/gonum/graph/network"
	"gonum.org/v1/gonum/graph/simple"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// web is who endorses whom. A few say and are told most, as in real ones.
type web struct {
	people []did.DID
	edges  [][2]int32 // each once
}

func newWeb(edges int) web {
	chance := rand.New(rand.NewPCG(42, 1))
	w := web{people: make([]did.DID, edges/10)}
	for i := range w.people {
		key := sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i)))
		w.people[i] = did.FromPublicKey(key[:])
	}
	someone := func(skew float64) int32 {
		return int32(float64(len(w.people)) * math.Pow(chance.Float64(), skew))
	}
	seen := map[[2]int32]bool{}
	for len(w.edges) < edges {
		e := [2]int32{someone(1.5), someone(1.7)}
		if e[0] != e[1] && !seen[e] {
			seen[e] = true
			w.edges = append(w.edges, e)
		}
	}
	return w
}

// counter counts trust over a whole web.
type counter interface {
	// pass counts afresh.
	pass()
}

// points is protocol/trust, from ten anchors.
type points struct {
	graph *trust.Graph
	web   web
	shift int
}

func newPoints(w web) (*points, error) {
	p := &points{web: w}
	p.graph = trust.New(p.view())
	for i, e := range w.edges {
		f := trust.Endorsement{
			Record: sha256.Sum256(binary.BigEndian.AppendUint64(nil, uint64(i))), By: w.people[e[0]],
			Of: trust.Target{Profile: w.people[e[1]]}, From: noon.AddDate(0, 0, -i%300),
		}
		if err := p.graph.Add(f); err != nil {
			return nil, err
		}
	}
	p.graph.Points(w.people[0]) // makes the links, once
	return p, nil
}

func (p *points) view() trust.View {
	v := trust.View{Day: trust.DayOf(noon)}
	for i := range 10 {
		v.Anchors = append(v.Anchors, p.web.people[(len(p.web.people)/50+i*len(p.web.people)/20+p.shift)%len(p.web.people)])
	}
	return v
}

// pass takes other anchors, so that everybody's points change.
func (p *points) pass() {
	p.shift++
	p.graph.SetView(p.view())
	p.graph.Layers(p.web.people[0])
}

// pageRank is gonum's, sparse: the same for all, from nobody.
type pageRank struct{ graph *simple.DirectedGraph }

func newPageRank(w web) pageRank {
	g := simple.NewDirectedGraph()
	for i := range w.people {
		g.AddNode(simple.Node(i))
	}
	for _, e := range w.edges {
		g.SetEdge(simple.Edge{F: simple.Node(e[0]), T: simple.Node(e[1])})
	}
	return pageRank{g}
}

func (p pageRank) pass() { network.PageRankSparse(p.graph, 0.85, 1e-6) }

// countTrust counts by both on the same webs and writes a table.
func countTrust(out io.Writer, sizes []int) error {
	fmt.Fprint(out, "\n### A full pass of trust\n\n| edges | actors | CPU ms | ratio | memory of the graph, MB | ratio | allocated a pass, MB |\n|---|---|---|---|---|---|---|\n")
	for _, n := range sizes {
		w := newWeb(n)
		var ours *points
		var failed error
		a := held(func() any { ours, failed = newPoints(w); return ours })
		if failed != nil {
			return failed
		}
		var theirs pageRank
		b := held(func() any { theirs = newPageRank(w); return theirs })
		ourCPU, ourBytes, err := perPass(ours)
		if err != nil {
			return err
		}
		theirCPU, theirBytes, err := perPass(theirs)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "| %s | %s | %s / %s | %s | %s / %s | %s | %s / %s |\n", thousands(n), thousands(len(w.people)),
			short(ourCPU*1e3), short(theirCPU*1e3), times(theirCPU, ourCPU), short(a), short(b), times(b, a), short(ourBytes), short(theirBytes))
	}
	return nil
}

// perPass counts for a second at least: CPU seconds and MB allocated.
func perPass(c counter) (cpu, allocated float64, err error) {
	c.pass()
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	began, err := spent()
	if err != nil {
		return 0, 0, err
	}
	for passes := 1; ; passes++ {
		c.pass()
		now, err := spent()
		if err != nil {
			return 0, 0, err
		}
		if now-began > time.Second {
			runtime.ReadMemStats(&after)
			return (now - began).Seconds() / float64(passes), float64(after.TotalAlloc-before.TotalAlloc) / 1e6 / float64(passes), nil
		}
	}
}
