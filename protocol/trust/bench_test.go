//go:build linux

package trust_test

import (
	"fmt"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"codeberg.org/essaim/essaim/protocol/trust"
)

// The goals of these benchmarks stand in spec/trust.md §11. Times in ms/…, µs/…
// and so on are CPU times of the process.

// cpu returns what this process has used.
func cpu(tb testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		tb.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// spent returns what the thread this is called on has used, so that how long a
// record takes does not depend on who else wants the processor. The caller stays
// on it.
func spent(tb testing.TB) time.Duration {
	const thread = 3 // CLOCK_THREAD_CPUTIME_ID
	var t syscall.Timespec
	if _, _, err := syscall.Syscall(syscall.SYS_CLOCK_GETTIME, thread, uintptr(unsafe.Pointer(&t)), 0); err != 0 {
		tb.Fatal(err)
	}
	return time.Duration(t.Nano())
}

// bigCity returns a settled graph of about so many links and a tenth as many
// people.
func bigCity(tb testing.TB, links int) (*city, *trust.Graph) {
	c := newCity(links/10, 42)
	g := trust.New(c.view(1000))
	for range links {
		if err := g.Add(c.fact()); err != nil {
			tb.Fatal(err)
		}
	}
	g.Layers(c.people[0])
	return c, g
}

var sizes = []int{1e5, 1e6}

func BenchmarkFull(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("links=%.0e", float64(n)), func(b *testing.B) {
			before := heap()
			c, g := bigCity(b, n)
			held := heap() - before
			from := cpu(b)
			for b.Loop() {
				g.Flow()
			}
			b.ReportMetric((cpu(b)-from).Seconds()*1e3/float64(b.N), "cpu-ms/pass")
			b.ReportMetric(float64(held)/1e6, "MB")
			b.ReportMetric(float64(g.Links()), "links")
			runtime.KeepAlive(c)
		})
	}
}

// Making the links from the ledger happens once at start.
func BenchmarkRelink(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("links=%.0e", float64(n)), func(b *testing.B) {
			_, g := bigCity(b, n)
			from := cpu(b)
			for b.Loop() {
				g.Relink()
			}
			b.ReportMetric((cpu(b)-from).Seconds()*1e3/float64(b.N), "cpu-ms/pass")
		})
	}
}

// One record comes, and what it changes is seen at once.
func BenchmarkOneRecord(b *testing.B) {
	for _, n := range sizes {
		b.Run(fmt.Sprintf("links=%.0e", float64(n)), func(b *testing.B) {
			c, g := bigCity(b, n)
			runtime.LockOSThread()
			defer runtime.UnlockOSThread()
			runtime.GC()
			var took []time.Duration
			for b.Loop() {
				f := c.fact()
				start := spent(b)
				if err := g.Add(f); err != nil {
					b.Fatal(err)
				}
				g.Layers(c.people[0])
				took = append(took, spent(b)-start)
			}
			reportSpread(b, took, "record")
			passes := g.Passes()
			from := spent(b)
			for range 10 {
				g.Flow()
			}
			pass := (spent(b) - from) / 10
			b.ReportMetric(float64(took[len(took)-1])/float64(pass), "max-passes/record")
			b.ReportMetric(float64(passes-1), "fallbacks")
		})
	}
}

// One record is withdrawn.
func BenchmarkOneWithdrawal(b *testing.B) {
	c, g := bigCity(b, 1e6)
	var took []time.Duration
	for b.Loop() {
		f := c.fact()
		if err := g.Add(f); err != nil {
			b.Fatal(err)
		}
		g.Layers(c.people[0])
		start := time.Now()
		g.Remove(name(f))
		g.Layers(c.people[0])
		took = append(took, time.Since(start))
	}
	reportSpread(b, took, "withdrawal")
}

func BenchmarkFiftyExplained(b *testing.B) {
	c, g := bigCity(b, 1e6)
	var awards []trust.Digest
	for len(awards) < 50 {
		f := c.fact()
		if a, ok := f.(trust.Award); ok {
			awards = append(awards, a.Record)
		}
		if err := g.Add(f); err != nil {
			b.Fatal(err)
		}
	}
	g.Layers(c.people[0])
	from, chains := cpu(b), 0
	for b.Loop() {
		chains = 0
		for _, d := range awards {
			backing, ok := g.Backing(trust.Target{Record: d})
			if !ok {
				b.Fatal(g.Why(d))
			}
			chains += len(g.Chains(backing, 3)) + len(g.Independent(backing))
		}
	}
	b.ReportMetric((cpu(b)-from).Seconds()*1e3/float64(b.N), "cpu-ms/answer")
	b.ReportMetric(float64(chains), "chains/answer")
}

func BenchmarkPoints(b *testing.B) {
	c, g := bigCity(b, 1e6)
	var took []time.Duration
	for b.Loop() {
		who := c.someone(1.7)
		start := time.Now()
		g.Points(who)
		took = append(took, time.Since(start))
	}
	reportSpread(b, took, "actor")
}

func BenchmarkID(b *testing.B) {
	_, g := bigCity(b, 1e6)
	for b.Loop() {
		g.ID()
	}
}

func BenchmarkNextDay(b *testing.B) {
	c, g := bigCity(b, 1e6)
	v := c.view(1000)
	for b.Loop() {
		v.Day++
		g.SetView(v)
		g.Layers(c.people[0])
	}
}

func reportSpread(b *testing.B, took []time.Duration, what string) {
	slices.Sort(took)
	for _, q := range []int{50, 99} {
		b.ReportMetric(float64(took[len(took)*q/100].Nanoseconds())/1e3, fmt.Sprintf("p%d-µs/%s", q, what))
	}
	b.ReportMetric(float64(took[len(took)-1].Nanoseconds())/1e3, "max-µs/"+what)
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
