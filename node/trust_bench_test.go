//go:build unix

package node_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// The trust graph is built at each start: what that costs for 100,000 records.
func BenchmarkTrustBuild(b *testing.B) {
	dir := region()
	for _, kept := range []bool{false, true} {
		b.Run(map[bool]string{false: "records", true: "facts"}[kept], func(b *testing.B) { benchmarkBuild(b, dir, kept) })
	}
}

// benchmarkBuild builds the graph from the records or from the facts kept.
func benchmarkBuild(b *testing.B, dir string, kept bool) {
	for range b.N {
		b.StopTimer()
		if !kept {
			_ = os.Remove(filepath.Join(dir, "trust.facts"))
		}
		n := must(node.New(node.Config{Dir: dir, Clock: (&clock{}).now, MinFree: 1 << 20}))(b)
		start := cpu(b)
		b.StartTimer()
		must(n.Viewpoint(context.Background()))(b)
		b.StopTimer()
		b.ReportMetric((cpu(b) - start).Seconds(), "cpu-s")
		if r := n.TrustReport(); r.Size.Facts != 100_200 {
			b.Fatalf("facts: got %d, want 100,200", r.Size.Facts)
		}
		n.Close()
		b.StartTimer()
	}
}

// Who at 100,000 awards when their issuer is trusted: what trust adds to a
// question.
func BenchmarkWhoTrusted(b *testing.B) {
	n := must(node.New(node.Config{Dir: region(), Clock: (&clock{}).now, MinFree: 1 << 20}))(b)
	defer n.Close()
	ctx := context.Background()
	if err := n.AddAnchor(ctx, didOf(tyfab)); err != nil {
		b.Fatal(err)
	}
	place := must(must(n.Gazetteer())(b).Find("Brest"))(b)
	some := strings.Fields("découpe laser bois métal vélo couture soudure jardin électronique impression cuir verre papier")
	var took []time.Duration
	start := cpu(b)
	for b.Loop() {
		from := time.Now()
		a := must(n.Who(node.WhoQuery{Skill: some[len(took)%len(some)], Near: place}))(b)
		if took = append(took, time.Since(from)); !a.Weighed || a.Answers[0].Trust.Level != trust.LevelVerySolid {
			b.Fatalf("got %+v, want an award by an anchor first", a.Answers[0].Trust)
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric((cpu(b)-start).Seconds()*1000/float64(len(took)), "cpu-ms/op")
}
