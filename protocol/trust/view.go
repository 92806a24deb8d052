package trust

import (
	"crypto/sha256"
	"fmt"
	"math/bits"
	"slices"
)

// ID names what is seen from where: the version, the day, the anchors, those
// not heard, and the records in force (spec/trust.md §8). Two nodes show the
// same figures if their ids are equal; with different ids figures are not to be
// compared. Cost: hashing and sorting the digests of all records in force,
// about half a second for a million.
func (g *Graph) ID() Digest {
	g.settle()
	h := sha256.New()
	fmt.Fprintf(h, "essaim trust %d\nday %d\n", Version, g.day)
	for _, a := range g.names(g.anchor) {
		fmt.Fprintf(h, "anchor %s\n", a)
	}
	for _, a := range g.names(g.deaf) {
		fmt.Fprintf(h, "ignored %s\n", a)
	}
	var live []Digest
	for r := ref(1); r < g.count; r++ {
		if e := g.at(r); e.kind != unknown && e.kind != status && g.force(r) == Counted {
			live = append(live, e.digest)
		}
	}
	slices.SortFunc(live, Digest.Compare)
	fmt.Fprintf(h, "records %s\n", merkle(live))
	return Digest(h.Sum(nil))
}

// names returns the identities that are marked, in order.
func (g *Graph) names(marked []bool) []string {
	var names []string
	for a, is := range marked {
		if is {
			names = append(names, string(g.people[a].did))
		}
	}
	slices.Sort(names)
	return names
}

// merkle returns the Merkle tree hash of RFC 6962 §2.1 over leaves.
func merkle(leaves []Digest) Digest {
	switch len(leaves) {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		leaf := [1 + len(Digest{})]byte{0}
		copy(leaf[1:], leaves[0][:])
		return sha256.Sum256(leaf[:])
	}
	k := 1 << (bits.Len(uint(len(leaves)-1)) - 1) // the largest power of two below
	left, right := merkle(leaves[:k]), merkle(leaves[k:])
	branch := [1 + 2*len(Digest{})]byte{1}
	copy(branch[1:], left[:])
	copy(branch[1+len(left):], right[:])
	return sha256.Sum256(branch[:])
}
