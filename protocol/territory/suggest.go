package territory

import (
	"cmp"
	"math/bits"
	"slices"
)

// suggest returns at most n places whose names are near the folded name: by
// the number of edits, then most people first; then those that Search finds.
// Cost: 3 ms, since it looks at every name.
func (g *Gazetteer) suggest(folded string, n int) []int32 {
	if folded == "" || len(folded) > 64 {
		return nil
	}
	type guess struct {
		ref   int32
		edits int
	}
	// One edit in a short word already gives another name.
	limit := min(3, 1+len(folded)/5)
	x, letters := g.search().places, letterSet([]byte(folded))
	var guesses []guess
	var rows editRows
	for line := range x.refs {
		name, ref, _ := x.name(line)
		// An edit changes the length by one and the set of letters by two.
		if d := len(name) - len(folded); d > limit || -d > limit || bits.OnesCount32(letterSet(name)^letters) > 2*limit {
			continue
		}
		if edits := rows.count(name, folded); edits <= limit {
			guesses = append(guesses, guess{ref, edits})
		}
	}
	slices.SortFunc(guesses, func(a, b guess) int {
		return cmp.Or(cmp.Compare(a.edits, b.edits), cmp.Compare(g.weight(b.ref), g.weight(a.ref)), cmp.Compare(a.ref, b.ref))
	})
	var out []int32
	add := func(ref int32) {
		if len(out) < n && !slices.Contains(out, ref) {
			out = append(out, ref)
		}
	}
	for _, s := range guesses {
		add(s.ref)
	}
	for _, h := range g.matchPlaces(folded) {
		if len(out) == n {
			break
		}
		add(h.ref)
	}
	return out
}

// letterSet returns the set of letters a to z in name as bits.
func letterSet(name []byte) uint32 {
	var set uint32
	for _, c := range name {
		if 'a' <= c && c <= 'z' {
			set |= 1 << (c - 'a')
		}
	}
	return set
}

// editRows is the memory of count: three rows of the table of distances.
type editRows [3][80]uint8

// count returns the number of bytes to insert, delete, replace or swap with
// their neighbour to turn a into b (optimal string alignment). Both are under
// 80 bytes.
func (r *editRows) count(a []byte, b string) int {
	before, last, this := &r[0], &r[1], &r[2]
	for j := range len(b) + 1 {
		last[j] = uint8(j)
	}
	for i := 1; i <= len(a); i++ {
		this[0] = uint8(i)
		for j := 1; j <= len(b); j++ {
			cost := uint8(1)
			if a[i-1] == b[j-1] {
				cost = 0
			}
			d := min(last[j]+1, this[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				d = min(d, before[j-2]+1)
			}
			this[j] = d
		}
		before, last, this = last, this, before
	}
	return int(last[len(b)])
}
