//go:build unix

package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/did"
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

// A million endorsements and awards among a hundred thousand people: what the
// follower takes to have them from its file of facts, how much memory it holds
// then, and what one record more costs until it shows.
func BenchmarkTrustMillion(b *testing.B) {
	const links, count = 1_000_000, 100_000
	ctx := context.Background()
	rng := rand.New(rand.NewPCG(42, 1))
	people := make([]did.DID, count)
	var known []ed25519.PrivateKey // who signs in this benchmark
	for i := range people {
		if i%1000 == 7 {
			known = append(known, key(fmt.Sprint("person ", i)))
			people[i] = didOf(known[len(known)-1])
			continue
		}
		k := sha256.Sum256(fmt.Appendf(nil, "key %d", i))
		people[i] = did.FromPublicKey(k[:])
	}
	someone := func(skew float64) did.DID { return people[int(count*math.Pow(rng.Float64(), skew))] }
	facts := make([]trust.Fact, links)
	for i := range facts {
		by, of := someone(1.5), someone(1.7)
		for by == of {
			of = someone(1.7)
		}
		d := trust.Digest(sha256.Sum256(fmt.Appendf(nil, "record %d", i)))
		from := noon.AddDate(0, 0, -rng.IntN(700))
		if facts[i] = (trust.Endorsement{Record: d, By: by, Of: trust.Target{Profile: of}, From: from}); i%10 == 0 {
			facts[i] = trust.Award{Record: d, Issuer: by, Holder: of, Class: trust.Digest{1}, From: from}
		}
	}
	dir, c := b.TempDir(), &clock{}
	before := again(b, dir, c)
	first := notice(b, 1, alice, noon)
	before.upload(first)
	for i := range 10 {
		if err := before.AddAnchor(ctx, people[count/50+i*count/20]); err != nil {
			b.Fatal(err)
		}
	}
	last := before.Store().Last()
	before.stop()
	if err := node.WriteFacts(dir, last, first.Digest(), facts); err != nil {
		b.Fatal(err)
	}
	for range b.N {
		held, start := heap(), cpu(b)
		n := again(b, dir, c)
		must(n.Viewpoint(ctx))(b)
		b.ReportMetric((cpu(b) - start).Seconds(), "build-cpu-s")
		b.ReportMetric(float64(heap()-held)/1e6, "heap-MB")
		if r := n.TrustReport(); r.Size.Facts != links {
			b.Fatalf("facts: got %+v, want a million", r)
		}
		var took []time.Duration
		used := time.Duration(0)
		for i := range 300 {
			n.upload(vouch(b, known[i%100], known[(i+1+7*(i/100))%100], 0, noon.Add(time.Duration(i-1000)*time.Second)))
			start, from := cpu(b), time.Now()
			must(n.Viewpoint(ctx))(b)
			took, used = append(took, time.Since(from)), used+cpu(b)-start
		}
		slices.Sort(took)
		b.ReportMetric(float64(took[150].Microseconds())/1000, "record-p50-ms")
		b.ReportMetric(float64(took[297].Microseconds())/1000, "record-p99-ms")
		b.ReportMetric(used.Seconds()*1000/300, "record-cpu-ms")
		n.stop()
	}
}

// heap is what is held in memory.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
