package territory

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// earthRadius is the mean radius of the Earth in km (IUGG). A sphere is within
// 0.5 % of the ellipsoid, and the program only ever says "about".
const earthRadius = 6371.0088

// A Point is a place on Earth in degrees: Lat from -90 to 90, Lng from -180 to
// 180, WGS 84. Places have points; people never do.
type Point struct{ Lat, Lng float64 }

// ParsePoint reads "48.3904,-4.4861": latitude, comma, longitude, as plain
// decimal numbers with spaces allowed around each. Decimals after the fourth
// (11 m) are rounded away, so that ParsePoint(p.String()) is p. The text is in
// the canonical form that a signed record needs if and only if it equals the
// result's String. Errors wrap [ErrSyntax].
func ParsePoint(s string) (Point, error) {
	lat, lng, ok := strings.Cut(s, ",")
	if !ok || len(s) > 64 {
		return Point{}, pointError(s, `want "latitude,longitude" in degrees, such as "48.3904,-4.4861"`)
	}
	p := Point{}
	for _, part := range [...]struct {
		text  string
		to    *float64
		limit float64
		name  string
	}{{lat, &p.Lat, 90, "latitude"}, {lng, &p.Lng, 180, "longitude"}} {
		text := strings.Trim(part.text, " ")
		if !isDecimal(text) {
			return Point{}, pointError(s, part.name+` must be a plain number of degrees, such as "-4.4861"`)
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || math.Abs(v) > part.limit {
			return Point{}, pointError(s, fmt.Sprintf("%s must be from -%g to %g", part.name, part.limit, part.limit))
		}
		*part.to = round4(v)
	}
	return p, nil
}

func pointError(s, why string) error {
	if len(s) > 64 {
		s = s[:64] + "…"
	}
	return fmt.Errorf("point %q: %w: %s", s, ErrSyntax, why)
}

// String returns p with exactly four decimals, "48.3904,-4.4861". A zero has
// no sign.
func (p Point) String() string {
	b := strconv.AppendFloat(nil, round4(p.Lat), 'f', 4, 64)
	b = append(b, ',')
	return string(strconv.AppendFloat(b, round4(p.Lng), 'f', 4, 64))
}

// Valid reports whether both coordinates are numbers within their ranges.
func (p Point) Valid() bool {
	return math.Abs(p.Lat) <= 90 && math.Abs(p.Lng) <= 180 // false for NaN
}

// Distance returns the length in km of the great circle between a and b, by
// the haversine formula. The result is the same on every processor.
func Distance(a, b Point) float64 {
	sinLat := math.Sin(radians(b.Lat-a.Lat) / 2)
	sinLng := math.Sin(radians(b.Lng-a.Lng) / 2)
	cos := float64(math.Cos(radians(a.Lat)) * math.Cos(radians(b.Lat)))
	// The conversions forbid fused multiply-add, which differs by processor.
	h := float64(sinLat*sinLat) + float64(cos*float64(sinLng*sinLng))
	return 2 * earthRadius * math.Asin(math.Sqrt(min(1, h)))
}

// round4 rounds to four decimals and turns -0 into 0.
func round4(v float64) float64 {
	v = math.Round(v*1e4) / 1e4
	if v == 0 {
		return 0
	}
	return v
}

// isDecimal accepts an optional sign, digits, and optionally a point and more
// digits; strconv alone would take "0x1p3", "1_0", "Inf" and "NaN".
func isDecimal(s string) bool {
	if s != "" && (s[0] == '-' || s[0] == '+') {
		s = s[1:]
	}
	whole, frac, dot := strings.Cut(s, ".")
	return whole != "" && all(whole, isDigit) && (!dot || frac != "" && all(frac, isDigit))
}

func radians(degrees float64) float64 { return degrees * (math.Pi / 180) }

// A vector is a point on the unit sphere. Single precision is enough to choose
// the nearest of two communes: differences of coordinates are good to 1 m.
type vector struct{ x, y, z float32 }

func (p Point) vector() vector {
	sinLat, cosLat := math.Sincos(radians(p.Lat))
	sinLng, cosLng := math.Sincos(radians(p.Lng))
	return vector{float32(cosLat * cosLng), float32(cosLat * sinLng), float32(sinLat)}
}

// chord2 returns the squared length of the straight line between a and b,
// which grows with distance and costs no trigonometry. It is not a dot
// product, since 1-cos loses all precision under 3 km.
func chord2(a, b vector) float32 {
	x, y, z := a.x-b.x, a.y-b.y, a.z-b.z
	return float32(x*x) + float32(y*y) + float32(z*z)
}

// chord2Of returns the squared chord under an arc of km.
func chord2Of(km float64) float32 {
	half := 2 * math.Sin(min(km/earthRadius, math.Pi)/2)
	return float32(half * half)
}
