package reconcile

import "math"

// filter is a Bloom filter of ids (spec/sync.md §5.4).
type filter struct {
	hashes int // 1 to maxHashes
	bits   []byte
}

const (
	// maxHashes leaves one of 4,096 outside keys unseen: beyond it a sketch
	// of what is left is always cheaper.
	maxHashes = 12
	// filterKeys is how many keys one filter is of at most: 40 KB at the
	// largest, so that each fits a frame.
	filterKeys = 18_000
)

// newFilter returns an empty filter for n ids. With 1/ln 2 bits a hash, half of
// the bits are set, and one of 2^hashes ids not in it is taken for one that is.
func newFilter(n, hashes int) filter {
	return filter{hashes, make([]byte, 1+int(float64(n*hashes)/math.Ln2/8))}
}

// place returns where the bit of the i-th hash of id is.
func (f filter) place(id uint64, i int) (byteAt uint64, bit byte) {
	h := uint64(uint32(id) + uint32(i)*(uint32(id>>32)|1))
	at := h * uint64(8*len(f.bits)) >> 32
	return at / 8, 1 << (at % 8)
}

func (f filter) add(id uint64) {
	for i := range f.hashes {
		at, bit := f.place(id, i)
		f.bits[at] |= bit
	}
}

// has reports whether id may be in the filter.
func (f filter) has(id uint64) bool {
	for i := range f.hashes {
		if at, bit := f.place(id, i); f.bits[at]&bit == 0 {
			return false
		}
	}
	return true
}
