package territory

import "math"

const (
	geohashAlphabet = "0123456789bcdefghjkmnpqrstuvwxyz"
	maxGeohash      = 6 // 1.2 by 0.6 km; a finer cell would point at a house

	// homeChars is the length of the cells that stand for an intercommunalité
	// outside France: 39 by 19.5 km at the equator, 25 by 19.5 km at 50°.
	homeChars = 4
	cellsWide = 1 << 10 // cells of homeChars characters in a row, and rows
)

// Geohash returns the geohash of p (Niemeyer 2008) with chars characters,
// which is clamped to 1..12. The point must be [Point.Valid].
func Geohash(p Point, chars int) string {
	chars = max(1, min(chars, 12))
	lngBits := (5*chars + 1) / 2
	latBits := 5 * chars / 2
	return interleave(
		gridIndex(p.Lat, 90, latBits),
		gridIndex(p.Lng, 180, lngBits), chars)
}

// gridIndex returns which of 1<<bits equal parts of [-limit, limit] holds v.
func gridIndex(v, limit float64, bits int) uint64 {
	n := math.Ldexp(1, bits)
	i := math.Floor((v + limit) / (2 * limit) * n)
	return uint64(max(0, min(i, n-1)))
}

// interleave writes a row and a column as a geohash: bits alternate, the
// column's first.
func interleave(row, col uint64, chars int) string {
	out := make([]byte, chars)
	for i := chars - 1; i >= 0; i-- {
		var c uint64
		for bit := range 5 {
			// Bits are numbered from the front; even ones are the column's.
			if (5*i+4-bit)%2 == 0 {
				c |= (col & 1) << bit
				col >>= 1
			} else {
				c |= (row & 1) << bit
				row >>= 1
			}
		}
		out[i] = geohashAlphabet[c]
	}
	return string(out)
}

// A box is a rectangle of latitudes and longitudes in degrees.
type box struct{ south, west, north, east float64 }

// cellBox returns the box of a geohash; hash must be well formed.
func cellBox(hash string) box {
	b := box{-90, -180, 90, 180}
	lng := true
	for i := range len(hash) {
		c := indexGeohash(hash[i])
		for bit := 4; bit >= 0; bit-- {
			low, high := &b.south, &b.north
			if lng {
				low, high = &b.west, &b.east
			}
			if c>>bit&1 == 1 {
				*low = (*low + *high) / 2
			} else {
				*high = (*low + *high) / 2
			}
			lng = !lng
		}
	}
	return b
}

func indexGeohash(c byte) int {
	for i := range len(geohashAlphabet) {
		if geohashAlphabet[i] == c {
			return i
		}
	}
	return 0
}

func (b box) center() Point {
	return Point{(b.south + b.north) / 2, (b.west + b.east) / 2}
}

// distance returns the km from p to the nearest point of b, 0 inside.
func (b box) distance(p Point) float64 {
	mid, half := (b.west+b.east)/2, (b.east-b.west)/2
	east := math.Remainder(p.Lng-mid, 360) // from the middle, -180..180
	lng := max(-half, min(east, half))
	// The foot of p on that meridian: further from the equator than p, and
	// past 90° if the way leads over the pole, which the clamp cuts off.
	sin, cos := math.Sincos(radians(p.Lat))
	lat := math.Atan2(sin, cos*math.Cos(radians(east-lng))) / radians(1)
	if east == lng {
		lat = p.Lat
	}
	return Distance(p, Point{max(b.south, min(lat, b.north)), mid + lng})
}
