package reconcile_test

import (
	"encoding/binary"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// digestOf returns the digest with that sum, which no record can be found for;
// it stands for the 2^32 candidates an attacker would sign to find 2,048 records
// that come to the same.
func digestOf(s *big.Int) (d [32]byte) {
	modulus := new(big.Int).Lsh(big.NewInt(1), 256)
	b := new(big.Int).Mod(s, modulus).FillBytes(make([]byte, 32))
	slices.Reverse(b)
	return [32]byte(b)
}

func numberOf(k reconcile.Key) *big.Int {
	d := k.Digest()
	slices.Reverse(d[:])
	return new(big.Int).SetBytes(d[:])
}

// Mallory's badge is revoked. Mallory publishes records such that a node without
// the revocation has the count and the sum of those that have it: comparing sums
// finds nothing, for ever. The audit does, and gives the revocation.
func TestAuditFindsAHiddenRevocation(t *testing.T) {
	common := numbered(20_000)
	at := time.Date(2027, time.May, 1, 0, 0, 0, 0, time.UTC)
	revocation := reconcile.NewKey(at, keyOf(-1).Digest())
	// For the network: one record and the revocation. For the victim: two
	// records that sum to as much.
	one, two := keyOf(-2), keyOf(-3)
	sum := new(big.Int).Add(numberOf(revocation), numberOf(one))
	three := reconcile.NewKey(at, digestOf(sum.Sub(sum, numberOf(two))))
	network := build(t, append([]reconcile.Key{revocation, one}, common...)).View()
	victim := build(t, append([]reconcile.Key{two, three}, common...)).View()
	if network.Sum(0, network.Len()) != victim.Sum(0, victim.Len()) {
		t.Fatal("the attack of this test does not work")
	}

	m := meet(t, reconcile.Config{View: victim}, reconcile.Config{View: network})
	if len(m.a.pushed)+len(m.b.pushed) != 0 || m.messages != 2 {
		t.Errorf("without an audit %d and %d keys were sent in %d messages: the sum is no longer in the fingerprint",
			len(m.a.pushed), len(m.b.pushed), m.messages)
	}
	m = meet(t, reconcile.Config{View: victim, Audit: true}, reconcile.Config{View: network})
	m.check(t)
	if !slices.Contains(m.b.pushed, revocation) {
		t.Errorf("with an audit the victim got %d keys, and not the revocation", len(m.b.pushed))
	}
}

// With XOR, 273 pairs of records and Gaussian elimination hide a revocation in
// milliseconds (Bellare and Micciancio 1997). Sums are not linear over bits: the
// plain comparison finds it.
func TestXORAttackIsFound(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	draw := func(n int) reconcile.Key {
		var d [32]byte
		for i := 0; i < 32; i += 8 {
			binary.LittleEndian.PutUint64(d[i:], random.Uint64())
		}
		return reconcile.NewKey(time.Unix(1_800_000_000+int64(n)*60, 0), d)
	}
	// Pairs of records: the network has the first of each, and of those chosen
	// the victim has the second instead. The XOR over chosen pairs must be that
	// of the revocation and the one record more that keeps the counts equal.
	const pairs = 273
	revocation, filler := draw(0), draw(1)
	var first, second [pairs]reconcile.Key
	for i := range pairs {
		first[i], second[i] = draw(2+i), draw(2+i)
	}
	type row struct {
		value  [32]byte
		chosen [pairs]bool
	}
	xor := func(a, b [32]byte) [32]byte {
		for i := range a {
			a[i] ^= b[i]
		}
		return a
	}
	bit := func(v [32]byte, i int) bool { return v[i/8]>>(i%8)&1 == 1 }
	combine := func(a, b row) row {
		a.value = xor(a.value, b.value)
		for i := range a.chosen {
			a.chosen[i] = a.chosen[i] != b.chosen[i]
		}
		return a
	}
	var pivots [256]*row
	reduce := func(r row) (row, int) {
		for i := range 256 {
			if !bit(r.value, i) {
				continue
			}
			if pivots[i] == nil {
				return r, i
			}
			r = combine(r, *pivots[i])
		}
		return r, -1
	}
	for i := range pairs {
		r := row{value: xor(first[i].Digest(), second[i].Digest())}
		r.chosen[i] = true
		if r, at := reduce(r); at >= 0 {
			pivots[at] = &r
		}
	}
	solved, at := reduce(row{value: xor(revocation.Digest(), filler.Digest())})
	if at >= 0 {
		t.Fatal("the attack of this test does not work")
	}
	network, victim := []reconcile.Key{revocation}, []reconcile.Key{filler}
	for i := range pairs {
		network = append(network, first[i])
		if solved.chosen[i] {
			victim = append(victim, second[i])
		} else {
			victim = append(victim, first[i])
		}
	}
	total := func(keys []reconcile.Key) (x [32]byte) {
		for _, k := range keys {
			x = xor(x, k.Digest())
		}
		return x
	}
	if total(network) != total(victim) || len(network) != len(victim) {
		t.Fatal("the sets of this test do not have equal count and XOR")
	}
	m := meet(t, reconcile.Config{View: build(t, victim).View()}, reconcile.Config{View: build(t, network).View()})
	m.check(t)
	if !slices.Contains(m.b.pushed, revocation) {
		t.Errorf("the victim got %d keys, and not the revocation", len(m.b.pushed))
	}
}
