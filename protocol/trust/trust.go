// Package trust counts how far a community can believe what it reads, from the
// issuers it chose to trust first. The text it obeys is spec/trust.md, version 1.
//
// Points flow from the anchors along endorsements for at most five hops, in
// whole numbers, so that two nodes with the same records, anchors and day show
// the same figures to the last bit, in whatever order the records came. What
// somebody says never raises their own points, and each figure is explained by
// the chains of records it is the sum of.
package trust

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/bits"
	"strings"
	"time"
)

// Version is that of the rules and constants below. It is part of a view's id.
const Version = 1

// The constants of the rules (spec/trust.md §4 and §5). They were measured
// together on real webs of trust: accuracy is flat around them, so they are
// round.
const (
	// Hops is how far points flow: a fourth hop adds .02 of AUC on the Ğ1 web
	// of trust, a fifth .008, a sixth nothing.
	Hops = 5
	// Lapse is how many days an endorsement or a dispute counts.
	Lapse = 730
	// MaxIndependent is where counting independent chains stops.
	MaxIndependent = 3
	// MaxUnreached is how many endorsements of one target by actors without
	// points are worth keeping.
	MaxUnreached = 200
)

// Points is an amount of trust, in billionths of a point. One point is what a
// direct endorsement by one anchor gives.
type Points uint64

const (
	// Point is one point.
	Point Points = 1e9
	// AnchorPoints is what an anchor counts.
	AnchorPoints = 10 * Point
)

// Score returns p/(p+1), in [0,1): 0.5 for one point, 0.75 for three.
func (p Points) Score() float64 { return float64(p) / float64(p+Point) }

// String returns the points in decimal, exactly, as in "2.055".
func (p Points) String() string {
	s := fmt.Sprintf("%d.%09d", p/Point, p%Point)
	return strings.TrimSuffix(strings.TrimRight(s, "0"), ".")
}

// Digest names a record: the sha2-256 in its CID.
type Digest [32]byte

// IsZero reports whether d names no record.
func (d Digest) IsZero() bool { return d == Digest{} }

// Compare orders digests by their bytes, as CIDs of records are ordered.
func (d Digest) Compare(e Digest) int { return bytes.Compare(d[:], e[:]) }

// String returns d in hexadecimal.
func (d Digest) String() string { return hex.EncodeToString(d[:]) }

// Day counts UTC days since 1970-01-01. Times of facts are held to the second
// from 1970 to 2106, those outside as the nearest end.
type Day int32

const (
	lastDay = 1<<16 - 2
	never   = 1<<16 - 1 // the end of what does not end
	daySecs = 24 * 60 * 60
)

// DayOf returns the day t falls on in UTC.
func DayOf(t time.Time) Day { return Day(dayOf(seconds(t))) }

// seconds returns t in Unix seconds, within what entries hold: 1970 to 2106.
func seconds(t time.Time) uint32 { return uint32(min(max(t.Unix(), 0), 1<<32-1)) }

func dayOf(seconds uint32) uint16 { return uint16(seconds / daySecs) }

// purse is what an actor's standing is passed on from. Each has its own.
type purse uint8

const (
	profiles purse = iota // endorsements of profiles
	awards                // awards, once for each holder
	purses
)

// purseTable says how many tenths of its standing an actor passes on, and
// beyond how many endorsements of full weight these are shared out. Seven is
// the median number of certifications a member of Ğ1 issues.
var purseTable = [purses]struct{ tenths, quota uint64 }{
	profiles: {7, 7},
	awards:   {1, 20},
}

// The least divisors of share, ten times the quota at full weight.
const (
	profileDivisor = 10 * 100 * 7
	awardDivisor   = 10 * 100 * 20
)

// weightOf returns 25, 50, 75 or 100 for the code 0 to 3 of a link.
func weightOf(code uint8) uint64 { return 25 * (uint64(code) + 1) }

// fullWeight is the code of weight 100.
const fullWeight = 3

// share returns what one link of the given weight passes on of x: the floor of
// x·tenths·weight / divisor. It never exceeds x/10.
func share(x uint64, p purse, weight uint8, divisor uint64) uint64 {
	if weight == fullWeight {
		// Almost every link: the same value by constants.
		switch {
		case p == profiles && divisor == profileDivisor:
			return x / 10
		case p == awards && divisor == awardDivisor:
			return x / 200
		}
	}
	hi, lo := bits.Mul64(x, purseTable[p].tenths*weightOf(weight))
	if hi == 0 {
		return lo / divisor
	}
	q, _ := bits.Div64(hi, lo, divisor)
	return q
}
