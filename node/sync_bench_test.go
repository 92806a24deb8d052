//go:build unix

package node_test

import (
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/store"
)

// A fresh mirror over loopback, both nodes in this process: the CPU is that of
// reading, compressing, sending, verifying and storing, with Badger's. Every
// signature is verified. Budget of DESIGN: a third of the raw bytes, at the
// receiver 10,000 one-signature records and 5,500 awards a CPU-second.
func BenchmarkMirror(b *testing.B) {
	const many = 20_000
	kinds := map[string][][]byte{"notice": make([][]byte, many), "award": make([][]byte, many)}
	people := make([]ed25519.PrivateKey, many/4)
	for i := range people {
		people[i] = key(fmt.Sprint("person ", i))
	}
	laser := class(b, "Laser", tyfab, noon.AddDate(0, -1, 0))
	m := newMint(b, laser)
	parallel(many, func(i int) {
		at := noon.Add(-time.Duration(i) * time.Minute)
		kinds["notice"][i] = notice(b, i, people[i%len(people)], at).Bytes()
		kinds["award"][i] = m.strike(b, i, people[i%len(people)], brest, at)
	})
	for _, kind := range []string{"notice", "award"} {
		b.Run(kind, func(b *testing.B) {
			defer node.Synchronise()()
			raws := kinds[kind]
			size := 0
			for _, raw := range raws {
				size += len(raw)
			}
			for range b.N {
				b.StopTimer()
				c := &clock{}
				config := func() node.Config {
					k := configure(b.TempDir(), c)
					k.InMemory = false
					return k
				}
				from := run(b, config(), c, brest)
				from.brings(laser.Bytes())
				from.brings(raws...)
				to := run(b, config(), c, brest)
				settled(from.Store())
				before, began := cpu(b), time.Now()
				b.StartTimer()
				to.meets(from)
				for len(raws)+1 > must(to.Report())(b).Sync.Received {
					<-time.After(10 * time.Millisecond)
				}
				if err := to.Store().Sync(); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				used := cpu(b) - before
				r := must(to.Report())(b)
				b.ReportMetric(float64(len(raws))/used.Seconds(), "records/cpu-s")
				b.ReportMetric(float64(len(raws))/time.Since(began).Seconds(), "records/s")
				b.ReportMetric(float64(r.Sync.BytesReceived)/float64(len(raws)), "wire-B/record")
				b.ReportMetric(float64(r.Sync.BytesReceived)/float64(size), "wire/raw")
				if r.Store.Total != len(raws)+1 || r.Sync.Failed != 0 {
					b.Fatalf("got %d records, %d conversations failed", r.Store.Total, r.Sync.Failed)
				}
				from.stop()
				to.stop()
				b.StartTimer()
			}
		})
	}
}

// settled lets Badger write what came in bulk.
func settled(s *store.Store) {
	if err := s.Sync(); err != nil {
		panic(err)
	}
	<-time.After(2 * time.Second)
}

// A start of a node with many records: sets from the snapshot, and from the store.
func BenchmarkSets(b *testing.B) {
	dir := region()
	n := must(node.New(node.Config{Dir: dir, Clock: (&clock{}).now, MinFree: 1 << 20}))(b)
	defer n.Close()
	territories := must(n.Store().Territories())(b)
	if err := n.ScanSets(territories...); err != nil {
		b.Fatal(err)
	}
	b.Run("store", func(b *testing.B) {
		start := cpu(b)
		for b.Loop() {
			if err := n.ScanSets(territories...); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric((cpu(b)-start).Seconds()*1e6/float64(b.N)/float64(n.Store().Last()), "cpu-µs/record")
	})
	if err := n.SaveSets(); err != nil {
		b.Fatal(err)
	}
	b.Run("snapshot", func(b *testing.B) {
		start := cpu(b)
		for b.Loop() {
			if scan := n.RecallSets(territories...); len(scan) > 0 {
				b.Fatalf("not in the snapshot: %v", scan)
			}
		}
		b.ReportMetric((cpu(b)-start).Seconds()*1e6/float64(b.N)/float64(n.Store().Last()), "cpu-µs/record")
	})
}

// Making a data frame: small ones have the dictionary.
func BenchmarkDataFrame(b *testing.B) {
	for _, many := range []int{1, 16, 200} {
		b.Run(fmt.Sprint(many), func(b *testing.B) {
			raws := notices()[:many]
			size := 0
			for b.Loop() {
				size = len(node.DataFrame(raws))
			}
			b.ReportMetric(float64(size)/float64(many), "wire-B/record")
		})
	}
}
