package reconcile

import "math/bits"

// bitset is a set of ranks, 1 bit each. The zero bitset is empty, and takes no
// memory until something is put in.
type bitset struct {
	words []uint64
	count int
}

func (b *bitset) has(i int) bool {
	return b.count > 0 && b.words[i/64]>>(i%64)&1 == 1
}

// addAll puts [i, j) in, none of which is there yet, of a set of n ranks.
func (b *bitset) addAll(i, j, n int) {
	if b.words == nil && i < j {
		b.words = make([]uint64, (n+63)/64)
	}
	b.count += j - i
	for i < j {
		to := min(j, i-i%64+64)
		b.words[i/64] |= ^uint64(0) >> (64 - (to - i)) << (i % 64)
		i = to
	}
}

func (b *bitset) remove(i int) {
	if b.has(i) {
		b.words[i/64] &^= 1 << (i % 64)
		b.count--
	}
}

// in returns how many of [i, j) are in the set.
func (b *bitset) in(i, j int) int {
	if b.count == 0 || i >= j {
		return 0
	}
	first, last := i/64, (j-1)/64
	low, high := ^uint64(0)<<(i%64), ^uint64(0)>>(63-(j-1)%64)
	if first == last {
		return bits.OnesCount64(b.words[first] & low & high)
	}
	n := bits.OnesCount64(b.words[first]&low) + bits.OnesCount64(b.words[last]&high)
	for _, w := range b.words[first+1 : last] {
		n += bits.OnesCount64(w)
	}
	return n
}

// next returns the first of [i, j) in the set, j if there is none.
func (b *bitset) next(i, j int) int {
	if b.count == 0 {
		return j
	}
	for i < j {
		if w := b.words[i/64] >> (i % 64); w != 0 {
			return min(j, i+bits.TrailingZeros64(w))
		}
		i += 64 - i%64
	}
	return j
}
