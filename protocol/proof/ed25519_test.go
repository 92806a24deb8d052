package proof

import (
	"bufio"
	stded25519 "crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"os"
	"strings"
	"testing"

	"filippo.io/edwards25519"
)

// A curveVector is one signature over which libraries are known to disagree.
type curveVector struct {
	key, signature, message []byte
	flags                   string
}

// curveVectors reads testdata/ed25519/vectors.tsv. Every one is a signature by
// ZIP-215; what differs is the order and the encoding of its points.
func curveVectors(t testing.TB) []curveVector {
	t.Helper()
	f, err := os.Open("testdata/ed25519/vectors.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var all []curveVector
	for lines := bufio.NewScanner(f); lines.Scan(); {
		column := strings.Split(lines.Text(), "\t")
		if len(column) != 4 {
			t.Fatalf("line %d has %d columns", len(all)+1, len(column))
		}
		all = append(all, curveVector{unhex(t, column[0]), unhex(t, column[1]), []byte(column[2]), column[3]})
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// zip215 is the rule of spec/records.md §6 written from the text over another
// implementation of the curve: S below the order of the group, any encoding of
// A and R that decodes, A not of small order, and [8][S]B = [8]R + [8][k]A with
// k from the bytes as they came.
func zip215(key, message, signature []byte) bool {
	if len(key) != 32 || len(signature) != 64 {
		return false
	}
	a, err := new(edwards25519.Point).SetBytes(key)
	if err != nil {
		return false
	}
	r, err := new(edwards25519.Point).SetBytes(signature[:32])
	if err != nil {
		return false
	}
	s, err := new(edwards25519.Scalar).SetCanonicalBytes(signature[32:])
	if err != nil {
		return false
	}
	identity := edwards25519.NewIdentityPoint()
	if new(edwards25519.Point).MultByCofactor(a).Equal(identity) == 1 {
		return false
	}
	k := challenge(signature[:32], key, message)
	// [S]B - [k]A - R, times eight.
	sum := new(edwards25519.Point).VarTimeDoubleScalarBaseMult(k, new(edwards25519.Point).Negate(a), s)
	sum.Subtract(sum, r)
	return sum.MultByCofactor(sum).Equal(identity) == 1
}

func challenge(r, key, message []byte) *edwards25519.Scalar {
	h := sha512.New()
	h.Write(r)
	h.Write(key)
	h.Write(message)
	k, err := new(edwards25519.Scalar).SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic(err)
	}
	return k
}

// spoilt are changes after which nothing is a signature any more, but by an
// accident of small order that the oracle would share.
func spoilt(t testing.TB) []curveVector {
	private := stded25519.NewKeyFromSeed(make([]byte, 32))
	key := private.Public().(stded25519.PublicKey)
	message := []byte("essaim")
	good := stded25519.Sign(private, message)
	change := func(flags string, f func(key, signature []byte) ([]byte, []byte)) curveVector {
		k, s := f(append([]byte(nil), key...), append([]byte(nil), good...))
		return curveVector{k, s, message, flags}
	}
	flip := func(i int) func(k, s []byte) ([]byte, []byte) {
		return func(k, s []byte) ([]byte, []byte) { s[i] ^= 1; return k, s }
	}
	return []curveVector{
		change("R", flip(0)),
		change("S", flip(32)),
		change("top bits of S", func(k, s []byte) ([]byte, []byte) { s[63] |= 0xe0; return k, s }),
		change("S plus the order", func(k, s []byte) ([]byte, []byte) {
			carry := 0
			for i, o := range unhex(t, "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010") {
				sum := int(s[32+i]) + int(o) + carry
				s[32+i], carry = byte(sum), sum>>8
			}
			return k, s
		}),
		change("key off the curve", func(k, s []byte) ([]byte, []byte) { clear(k); k[0] = 2; return k, s }),
		change("R off the curve", func(k, s []byte) ([]byte, []byte) { clear(s[:32]); s[0] = 2; return k, s }),
		change("short signature", func(k, s []byte) ([]byte, []byte) { return k, s[:63] }),
		change("long signature", func(k, s []byte) ([]byte, []byte) { return k, append(s, 0) }),
		change("no signature", func(k, _ []byte) ([]byte, []byte) { return k, nil }),
	}
}

// reencoded are signatures made by signers who compute k from the canonical
// encoding of a point of R that the signature spells another way: ZIP-215 takes
// k from the bytes as they came and refuses them.
func reencoded(t testing.TB) []curveVector {
	private := stded25519.NewKeyFromSeed(make([]byte, 32))
	key := private.Public().(stded25519.PublicKey)
	h := sha512.Sum512(private.Seed())
	secret, err := new(edwards25519.Scalar).SetBytesWithClamping(h[:32])
	if err != nil {
		t.Fatal(err)
	}
	message := []byte("essaim")
	var all []curveVector
	for _, r := range []struct{ canonical, other string }{
		{"0100000000000000000000000000000000000000000000000000000000000000", "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		{"0000000000000000000000000000000000000000000000000000000000000000", "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"},
		{"ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f", "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"},
	} {
		k := challenge(unhex(t, r.canonical), key, message)
		s := new(edwards25519.Scalar).Multiply(k, secret) // R is of small order: S = k·a
		all = append(all,
			curveVector{key, append(unhex(t, r.canonical), s.Bytes()...), message, "R of small order"},
			curveVector{key, append(unhex(t, r.other), s.Bytes()...), message, "k of another encoding"})
	}
	return all
}

// Every node must judge every signature alike, whether one by one or together.
func TestOneRuleForSignatures(t *testing.T) {
	vectors := curveVectors(t)
	if len(vectors) < 500 {
		t.Errorf("%d vectors, want 500 at least", len(vectors))
	}
	for _, v := range vectors {
		// The flags were written by others: by them, all but small-order keys.
		if got, want := zip215(v.key, v.message, v.signature), !hasFlag(v.flags, "LowOrderA"); got != want {
			t.Errorf("oracle: key %x signature %x (%s): got %v, want %v", v.key, v.signature, v.flags, got, want)
		}
	}
	for i, v := range reencoded(t) {
		if got, want := zip215(v.key, v.message, v.signature), i%2 == 0; got != want {
			t.Errorf("oracle: signature %x (%s): got %v, want %v", v.signature, v.flags, got, want)
		}
	}
	vectors = append(append(vectors, spoilt(t)...), reencoded(t)...)
	together, accepted := NewBatch(len(vectors)), 0
	for _, v := range vectors {
		want := zip215(v.key, v.message, v.signature)
		if got := verify(v.key, v.message, v.signature); got != want {
			t.Errorf("verify: key %x signature %x (%s): got %v, want %v", v.key, v.signature, v.flags, got, want)
		}
		alone := NewBatch(1)
		alone.add(v.key, v.message, v.signature)
		if got := alone.All(); got != want {
			t.Errorf("batch of one: key %x signature %x (%s): got %v, want %v", v.key, v.signature, v.flags, got, want)
		}
		if want {
			together.add(v.key, v.message, v.signature)
			accepted++
		}
	}
	if !together.All() {
		t.Errorf("%d signatures verify one by one and not together", accepted)
	}
	// One that is wrong among all that are right is never lost.
	for _, v := range append(spoilt(t), reencoded(t)[1]) {
		b := NewBatch(0)
		for _, good := range vectors[:64] {
			if !hasFlag(good.flags, "LowOrderA") {
				b.add(good.key, good.message, good.signature)
			}
		}
		b.add(v.key, v.message, v.signature)
		if b.All() {
			t.Errorf("batch passes with a wrong signature: %s", v.flags)
		}
	}
	t.Logf("%d signatures, of which %d are accepted", len(vectors), accepted)
}

func hasFlag(flags, flag string) bool {
	for f := range strings.SplitSeq(flags, ",") {
		if f == flag {
			return true
		}
	}
	return false
}

func TestWeakKeys(t *testing.T) {
	seen := map[string]bool{}
	for _, v := range curveVectors(t) {
		if seen[string(v.key)] {
			continue
		}
		seen[string(v.key)] = true
		if got, want := WeakKey(v.key), hasFlag(v.flags, "LowOrderA"); got != want {
			t.Errorf("WeakKey(%x): got %v, want %v", v.key, got, want)
		}
	}
	for _, key := range [][]byte{nil, make([]byte, 31), append([]byte{2}, make([]byte, 31)...)} {
		if !WeakKey(key) {
			t.Errorf("WeakKey(%x): got false, want true: it is no point", key)
		}
	}
}
