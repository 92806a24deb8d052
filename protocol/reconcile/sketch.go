package reconcile

import (
	"encoding/binary"
	"math"
)

// A sketch is an invertible Bloom lookup table (Goodrich and Mitzenmacher 2011)
// of ids, in four parts of equal size. Each id stands in one cell of each part.
// Of two sketches the difference holds only the ids of one set alone, and is
// peeled: a cell with one id gives it away, which is taken out of its other
// cells, and so on (spec/sync.md §5.3).
//
// Why not rateless symbols (riblt): for 16 to 3,000 differences they take 3 to
// 15 % more symbols for the same 99 % of successes, and 2.5 times the CPU, with
// floating-point square roots that two machines must compute alike. What they
// are better at, being extended, is bought by estimating first.
type sketch []cell

// cell is the XOR of the ids in it, of their checks, and their number. XOR is no
// danger here, as it is in fingerprints of digests: ids are salted.
type cell struct {
	id    uint64
	check uint32
	count uint8
}

const cellSize = 8 + 4 + 1

// spareCells is how many cells more few differences need.
const spareCells = 24

// newSketch returns a sketch for about d differences: 1.15 times as many, for
// the error of the estimate, times 4/3, which of 1,000 differences fails in one
// of a hundred; few differences need spareCells more.
func newSketch(d float64) sketch {
	m := min(MaxCells, spareCells+int(math.Ceil(d*1.15*4/3)))
	return make(sketch, (m+3)/4*4)
}

// mix scrambles (the finaliser of MurmurHash3).
func mix(x uint64) uint64 {
	x = (x ^ x>>33) * 0xff51afd7ed558ccd
	x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
	return x ^ x>>33
}

func checkOf(id uint64) uint32 { return uint32(mix(id ^ 0x9e3779b97f4a7c15)) }

// places returns the cell of id in each part.
func (s sketch) places(id uint64) [4]int {
	part := uint64(len(s) / 4)
	other := mix(id)
	return [4]int{
		int((id & math.MaxUint32) * part >> 32),
		int(part + (id>>32)*part>>32),
		int(2*part + (other&math.MaxUint32)*part>>32),
		int(3*part + (other>>32)*part>>32),
	}
}

// add puts id in, or takes it out with count -1.
func (s sketch) add(id uint64, count uint8) {
	check := checkOf(id)
	for _, i := range s.places(id) {
		c := &s[i]
		c.id ^= id
		c.check ^= check
		c.count += count
	}
}

// appendTo appends the cells: for each 8 bytes of id, 4 of check, 1 of count.
func (s sketch) appendTo(b []byte) []byte {
	for _, c := range s {
		b = binary.LittleEndian.AppendUint64(b, c.id)
		b = binary.LittleEndian.AppendUint32(b, c.check)
		b = append(b, c.count)
	}
	return b
}

// parseSketch reads the cells that fill b.
func parseSketch(b []byte) (sketch, error) {
	n := len(b) / cellSize
	if n*cellSize != len(b) || n == 0 || n%4 != 0 {
		return nil, malformed("a sketch of %d bytes", len(b))
	}
	if n > MaxCells {
		return nil, tooMany("a sketch of %d cells", n)
	}
	s := make(sketch, n)
	for i := range s {
		c := b[i*cellSize:]
		s[i] = cell{binary.LittleEndian.Uint64(c), binary.LittleEndian.Uint32(c[8:]), c[12]}
	}
	return s, nil
}

// differences estimates the number of ids in s by the cells that have none. It
// is to be asked before peel.
func (s sketch) differences() float64 {
	empty := 0
	for _, c := range s {
		if c == (cell{}) {
			empty++
		}
	}
	m := float64(len(s))
	if empty < 4 {
		return 4 * m // nothing can be read from a sketch that is full
	}
	return -m / 4 * math.Log(float64(empty)/m)
}

// peel takes s apart into the ids that were put in and those taken out, and
// reports whether that succeeded. A false sketch gives at most as many ids as
// it has cells.
func (s sketch) peel() (in, out []uint64, ok bool) {
	todo := make([]int, len(s))
	for i := range todo {
		todo[i] = i
	}
	left := len(s)
	for len(todo) > 0 && left > 0 {
		c := s[todo[len(todo)-1]]
		todo = todo[:len(todo)-1]
		if c.count != 1 && c.count != math.MaxUint8 || c.check != checkOf(c.id) {
			continue
		}
		left--
		s.add(c.id, -c.count)
		if c.count == 1 {
			in = append(in, c.id)
		} else {
			out = append(out, c.id)
		}
		for _, i := range s.places(c.id) {
			todo = append(todo, i)
		}
	}
	for _, c := range s {
		if c != (cell{}) {
			return nil, nil, false
		}
	}
	return in, out, true
}
