package main

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"github.com/nbd-wtf/go-nostr"
	"github.com/nbd-wtf/go-nostr/nip77/negentropy"
	"github.com/nbd-wtf/go-nostr/nip77/negentropy/storage/vector"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// comparer finds out what one side lacks of what the other has.
type comparer interface {
	// compare says how many bytes went both ways, in how many messages, and how
	// many keys the side that lacks some will get.
	compare(run uint64) (size, messages, found int, err error)
}

// ranges is protocol/reconcile.
type ranges struct{ lacks, has reconcile.View }

func (r ranges) compare(run uint64) (size, messages, found int, err error) {
	asks, err := reconcile.New(reconcile.Config{Name: string(place), View: r.lacks, Nonce: nonce(2 * run)})
	if err != nil {
		return 0, 0, 0, err
	}
	answers, err := reconcile.New(reconcile.Config{Name: string(place), View: r.has, Nonce: nonce(2*run + 1)})
	if err != nil {
		return 0, 0, 0, err
	}
	message, to, other := asks.Start(), answers, asks
	for len(message) > 0 {
		size, messages = size+len(message), messages+1
		stream := bytes.NewReader(message)
		message = nil
		for stream.Len() > 0 {
			frame, err := reconcile.ReadFrame(stream, nil)
			if err != nil {
				return 0, 0, 0, err
			}
			if message, _, err = to.Receive(frame); err != nil {
				return 0, 0, 0, err
			}
		}
		to, other = other, to
	}
	for keys := answers.Push(1000); len(keys) > 0; keys = answers.Push(1000) {
		found += len(keys)
	}
	if asks.Waiting() > 0 {
		err = fmt.Errorf("the side that lacks keys would send %d", asks.Waiting())
	}
	return size, messages, found, err
}

func nonce(n uint64) (out reconcile.Nonce) {
	binary.BigEndian.PutUint64(out[:], n)
	return out
}

// negentropic is the negentropy of go-nostr, which the relays of nostr speak.
type negentropic struct{ lacks, has *vector.Vector }

func (n negentropic) compare(uint64) (size, messages, found int, err error) {
	asks, answers := negentropy.New(n.lacks, 0), negentropy.New(n.has, 0)
	done := make(chan int)
	count := func(ids <-chan string) {
		c := 0
		for range ids {
			c++
		}
		done <- c
	}
	go count(asks.HaveNots)
	go func() {
		for range asks.Haves { //nolint:revive // nobody lacks them, but somebody must read
		}
	}()
	message := asks.Start()
	for to, other := answers, asks; message != ""; to, other = other, to {
		// In hexadecimal here, and on the wire of NIP-77; half of that is counted.
		size, messages = size+len(message)/2, messages+1
		if message, err = to.Reconcile(message); err != nil {
			return 0, 0, 0, err
		}
	}
	return size, messages, <-done, nil
}

// cases are what one side lacks: how many, and whether they are the newest.
func cases(n int) []struct {
	name  string
	lacks int
} {
	return []struct {
		name  string
		lacks int
	}{{"equal", 0}, {"10 apart", 10}, {"1,000 scattered", min(1000, n/2)}, {"a tenth missing", n / 10}, {"one side empty", n}}
}

// compareSets compares both on n keys and writes a table.
func compareSets(out io.Writer, n int) error {
	chance := rand.New(rand.NewPCG(5, 6))
	keys := make([]reconcile.Key, n)
	for i := range keys {
		var digest [32]byte
		for j := 0; j < len(digest); j += 8 {
			binary.BigEndian.PutUint64(digest[j:], chance.Uint64())
		}
		keys[i] = reconcile.NewKey(noon.Add(-time.Duration(n-i)*7*time.Second), digest)
	}
	// First of all: of what the comparisons leave some is not yet collected.
	vector := held(func() any { return list(keys) })
	tree := held(func() any { s, _ := build(nil, keys); return s })
	order := chance.Perm(n)
	fmt.Fprintf(out, "\n### Two sets of %s keys\n\n| case | bytes | ratio | messages | CPU ms | ratio |\n|---|---|---|---|---|---|\n", thousands(n))
	for _, c := range cases(n) {
		lacking := map[int]bool{}
		for _, i := range order[:c.lacks] {
			lacking[i] = true
		}
		rest := make([]reconcile.Key, 0, n)
		for i, k := range keys {
			if !lacking[i] {
				rest = append(rest, k)
			}
		}
		ours, err := build(rest, keys)
		if err != nil {
			return err
		}
		a, err := averageOf(ours, c.lacks)
		if err != nil {
			return fmt.Errorf("essaim, %s: %w", c.name, err)
		}
		b, err := averageOf(negentropic{list(rest), list(keys)}, c.lacks)
		if err != nil {
			return fmt.Errorf("negentropy, %s: %w", c.name, err)
		}
		fmt.Fprintf(out, "| %s | %s / %s | %s | %d / %d | %s / %s | %s |\n", c.name, thousands(a.size), thousands(b.size),
			times(float64(b.size), float64(a.size)), a.messages, b.messages, short(a.cpu.Seconds()*1e3), short(b.cpu.Seconds()*1e3),
			times(b.cpu.Seconds(), a.cpu.Seconds()))
	}
	fmt.Fprintf(out, "\nMemory of one set: %s / %s MB (%s).\n", short(tree), short(vector), times(vector, tree))
	return nil
}

func build(lacks, has []reconcile.Key) (ranges, error) {
	a, err := reconcile.Build(slices.Values(lacks))
	if err != nil {
		return ranges{}, err
	}
	b, err := reconcile.Build(slices.Values(has))
	if err != nil {
		return ranges{}, err
	}
	return ranges{a.View(), b.View()}, nil
}

func list(keys []reconcile.Key) *vector.Vector {
	v := vector.New()
	for _, k := range keys {
		digest := k.Digest()
		v.Insert(nostr.Timestamp(k.Created().Unix()), hex.EncodeToString(digest[:]))
	}
	v.Seal()
	return v
}

type average struct {
	size, messages int
	cpu            time.Duration // of both sides, sets not built
}

// averageOf compares for a fifth of a second at least.
func averageOf(c comparer, lacks int) (average, error) {
	runtime.GC()
	before, err := spent()
	if err != nil {
		return average{}, err
	}
	var a average
	for run := 1; ; run++ {
		size, messages, found, err := c.compare(uint64(run))
		if err != nil {
			return a, err
		}
		if found != lacks {
			return a, fmt.Errorf("found %d keys, want %d", found, lacks)
		}
		after, err := spent()
		if err != nil {
			return a, err
		}
		a.size, a.messages = a.size+size, a.messages+messages
		if a.cpu = after - before; a.cpu > 200*time.Millisecond {
			return average{a.size / run, a.messages / run, a.cpu / time.Duration(run)}, nil
		}
	}
}

// held returns how many MB what is made holds.
func held(makes func() any) float64 {
	heap := func() float64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return float64(m.HeapAlloc) / 1e6
	}
	before := heap()
	made := makes()
	after := heap()
	runtime.KeepAlive(made)
	return after - before
}
