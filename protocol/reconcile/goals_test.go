package reconcile_test

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

const million = 1_000_000

// millionKeys are a million records signed at random moments of two years.
func millionKeys() []reconcile.Key {
	random := rand.New(rand.NewPCG(4797, 8797))
	keys := make([]reconcile.Key, million)
	for i := range keys {
		var digest [32]byte
		for j := 0; j < len(digest); j += 8 {
			binary.LittleEndian.PutUint64(digest[j:], random.Uint64())
		}
		keys[i] = reconcile.NewKey(time.Unix(1_767_225_600+random.Int64N(2*365*86400), 0), digest)
	}
	slices.SortFunc(keys, compareKeys)
	return keys
}

// chosen returns a test of n indexes of a million, chosen at random.
func chosen(n int) func(i int) bool {
	random := rand.New(rand.NewPCG(uint64(n), 1))
	set := map[int]bool{}
	for len(set) < n {
		set[random.IntN(million)] = true
	}
	return func(i int) bool { return set[i] }
}

// The goals of spec/sync.md §8 that are bytes and messages. Those that are CPU
// are benchmarks.
func TestGoals(t *testing.T) {
	if testing.Short() {
		t.Skip("sets of a million keys")
	}
	keys := millionKeys()
	everything := func(int) bool { return true }
	from := func(rank int) func(i int) bool { return func(i int) bool { return i >= rank } }
	for _, tt := range []struct {
		name            string
		lacksA, lacksB  func(i int) bool
		bytes, messages int
	}{
		{"equal", nobody, nobody, 100, 2},
		{"10 scattered", chosen(10), nobody, 6000, 8},
		{"1,000 scattered", chosen(1000), nobody, 40_000, 6},
		{"1,000 scattered, of who asks", nobody, chosen(1000), 40_000, 6},
		{"500 and 500 scattered", chosen(500), chosen(501), 40_000, 6},
		{"a tail of 10", from(million - 10), nobody, 2000, 10},
		{"a tail of 1,000", from(million - 1000), nobody, 2000, 10},
		{"a tail of 900,000", from(100_000), nobody, 2000, 10},
		{"a tail of 12,345, of who asks", nobody, from(million - 12_345), 2000, 10},
		{"a tenth scattered", chosen(100_000), nobody, 1_600_000, 8},
		{"everything", everything, nobody, 100, 2},
		{"everything, of who asks", nobody, everything, 100, 2},
	} {
		m := meet(t, reconcile.Config{View: build(t, without(keys, tt.lacksA)).View()},
			reconcile.Config{View: build(t, without(keys, tt.lacksB)).View()})
		m.check(t)
		if m.bytes > tt.bytes || m.messages > tt.messages {
			t.Errorf("%s: got %d bytes in %d messages, want at most %d in %d", tt.name, m.bytes, m.messages, tt.bytes, tt.messages)
		}
	}
}

// The same of thirty thousand, where each way of describing is worth its while.
func TestShapes(t *testing.T) {
	keys := numbered(30_000)
	share := func(n int) func(i int) bool {
		random := rand.New(rand.NewPCG(uint64(n), 3))
		return func(int) bool { return random.IntN(1000) < n }
	}
	for _, tt := range []struct {
		name           string
		lacksA, lacksB func(i int) bool
		bytes          int
	}{
		{"one", func(i int) bool { return i == 12_345 }, nobody, 1400},
		{"0.1 %", share(1), nobody, 3500},
		{"1 %", share(10), nobody, 10_000},
		{"10 %", share(100), nobody, 30_000},
		{"50 %", share(500), nobody, 30_000},
		{"99 %", share(990), nobody, 10_000},
		{"0.5 % each", share(5), share(6), 14_000},
		{"10 % each", share(100), share(101), 60_000},
		{"90 % each", share(900), share(901), 40_000},
		{"16 gaps", func(i int) bool { return i%1875 < 100 }, nobody, 12_000},
		{"a tail and some", func(i int) bool { return i > 25_000 || i%1000 == 7 }, nobody, 6000},
	} {
		m := meet(t, reconcile.Config{View: build(t, without(keys, tt.lacksA)).View()},
			reconcile.Config{View: build(t, without(keys, tt.lacksB)).View()})
		m.check(t)
		t.Logf("%s: %d bytes, messages of %d", tt.name, m.bytes, m.sizes)
		if m.bytes > tt.bytes || m.messages > 10 {
			t.Errorf("%s: got %d bytes in %d messages, want at most %d in 10", tt.name, m.bytes, m.messages, tt.bytes)
		}
	}
}
