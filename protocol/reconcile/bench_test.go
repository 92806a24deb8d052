//go:build unix

package reconcile_test

import (
	"bufio"
	"bytes"
	"math/rand/v2"
	"runtime"
	"slices"
	"syscall"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// BenchmarkMillion compares a million records with what lacks some. Bytes and
// messages of both sides are exact, for sets drawn once; cpu-ns is of both sides
// together, collection of garbage included, without building the sets.
func BenchmarkMillion(b *testing.B) {
	keys := millionKeys()
	for _, bb := range []struct {
		name           string
		lacksA, lacksB func(i int) bool
		audit          bool
	}{
		{name: "equal", lacksA: nobody, lacksB: nobody},
		{name: "equal/audit", lacksA: nobody, lacksB: nobody, audit: true},
		{name: "1 scattered", lacksA: chosen(1), lacksB: nobody},
		{name: "10 scattered", lacksA: chosen(10), lacksB: nobody},
		{name: "10 scattered/reversed", lacksA: nobody, lacksB: chosen(10)},
		{name: "100 scattered", lacksA: chosen(100), lacksB: nobody},
		{name: "1000 scattered", lacksA: chosen(1000), lacksB: nobody},
		{name: "1000 scattered/reversed", lacksA: nobody, lacksB: chosen(1000)},
		{name: "500 and 500 scattered", lacksA: chosen(500), lacksB: chosen(501)},
		{name: "10000 scattered", lacksA: chosen(10_000), lacksB: nobody},
		{name: "tail of 10", lacksA: func(i int) bool { return i >= million-10 }, lacksB: nobody},
		{name: "tail of 1000", lacksA: func(i int) bool { return i >= million-1000 }, lacksB: nobody},
		{name: "tail of 100000", lacksA: func(i int) bool { return i >= million-100_000 }, lacksB: nobody},
		{name: "tail of 900000", lacksA: func(i int) bool { return i >= 100_000 }, lacksB: nobody},
		{name: "tail of 1000/reversed", lacksA: nobody, lacksB: func(i int) bool { return i >= million-1000 }},
		{name: "a tenth", lacksA: chosen(100_000), lacksB: nobody},
		{name: "a tenth/reversed", lacksA: nobody, lacksB: chosen(100_000)},
		{name: "a twentieth each", lacksA: chosen(50_000), lacksB: chosen(50_001)},
		{name: "half", lacksA: chosen(500_000), lacksB: nobody},
		{name: "empty", lacksA: func(int) bool { return true }, lacksB: nobody},
		{name: "empty/reversed", lacksA: nobody, lacksB: func(int) bool { return true }},
	} {
		b.Run(bb.name, func(b *testing.B) {
			mine := reconcile.Config{View: build(b, without(keys, bb.lacksA)).View(), Audit: bb.audit}
			theirs := reconcile.Config{View: build(b, without(keys, bb.lacksB)).View()}
			meet(b, mine, theirs).check(b)
			runtime.GC()
			bytes, messages, n := 0, 0, uint64(0)
			began := cpu()
			for b.Loop() {
				n++
				mine.Nonce, theirs.Nonce = nonce(2*n), nonce(2*n+1)
				s, other := compareOnly(b, mine, theirs)
				bytes, messages = bytes+s, messages+other
			}
			b.ReportMetric(float64(cpu()-began)/float64(n), "cpu-ns/op")
			b.ReportMetric(float64(bytes)/float64(n), "bytes/op")
			b.ReportMetric(float64(messages)/float64(n), "messages/op")
		})
	}
}

// compareOnly is meet without taking what is to be sent.
func compareOnly(b *testing.B, mine, theirs reconcile.Config) (size, messages int) {
	mine.Name, theirs.Name = brest, brest
	from, to := newSide(b, mine), newSide(b, theirs)
	message := from.session.Start()
	buf := make([]byte, reconcile.MaxFrame)
	for ; len(message) > 0; from, to = to, from {
		size, messages = size+len(message), messages+1
		r := bytes.NewReader(message)
		message = nil
		for r.Len() > 0 {
			frame, err := reconcile.ReadFrame(r, buf)
			if err != nil {
				b.Fatal(err)
			}
			if message, _, err = to.session.Receive(frame); err != nil {
				b.Fatal(err)
			}
		}
	}
	return size, messages
}

// cpu returns the time this process has computed.
func cpu() time.Duration {
	var used syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &used); err != nil {
		panic(err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano())
}

// BenchmarkSet is what the tree of a million keys costs.
func BenchmarkSet(b *testing.B) {
	keys := millionKeys()
	shuffled := slices.Clone(keys)
	rand.New(rand.NewPCG(1, 2)).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
	memory := func(b *testing.B, makes func() *reconcile.Set) {
		before := heap()
		s := makes()
		b.ReportMetric(float64(heap()-before)/(1<<20), "MiB")
		runtime.KeepAlive(s)
	}
	b.Run("build", func(b *testing.B) {
		began := cpu()
		for b.Loop() {
			build, err := reconcile.Build(slices.Values(keys))
			if err != nil || build.Len() != million {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
		memory(b, func() *reconcile.Set { return build(b, keys) })
	})
	for _, order := range []struct {
		name string
		keys []reconcile.Key
	}{{"in order", keys}, {"in any order", shuffled}} {
		b.Run("insert/"+order.name, func(b *testing.B) {
			fill := func() *reconcile.Set {
				s := reconcile.NewSet()
				for _, k := range order.keys {
					s.Insert(k)
				}
				return s
			}
			began := cpu()
			for b.Loop() {
				fill()
			}
			b.ReportMetric(float64(cpu()-began)/float64(b.N)/million, "cpu-ns/key")
			memory(b, fill)
		})
	}
	set := build(b, keys)
	b.Run("insert/with a view a thousand", func(b *testing.B) {
		i := 0
		for b.Loop() { // each a Delete and an Insert
			if i%1000 == 0 {
				set.View()
			}
			k := shuffled[i%million]
			set.Delete(k)
			set.Insert(k)
			i++
		}
	})
	view := build(b, keys).View()
	b.Run("sum", func(b *testing.B) {
		random := rand.New(rand.NewPCG(5, 6))
		for b.Loop() {
			i := random.IntN(million)
			view.Sum(i, i+random.IntN(million-i))
		}
	})
	b.Run("snapshot", func(b *testing.B) {
		var file bytes.Buffer
		if err := reconcile.WriteSnapshot(&file, view, 1); err != nil {
			b.Fatal(err)
		}
		began := cpu()
		for b.Loop() {
			s, _, err := reconcile.ReadSnapshot(bufio.NewReaderSize(bytes.NewReader(file.Bytes()), 1<<20), million)
			if err != nil || s.Len() != million {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpu()-began)/float64(b.N), "cpu-ns/op")
	})
}
