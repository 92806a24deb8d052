package art

import (
	"fmt"
	"slices"
	"strings"
)

// look is what a kind of achievement looks like, and is called.
type look struct {
	kinds           []string // achievementTypes
	outline         func(r int) string
	icon            []shape
	french, english string
}

// looks lists what has a look of its own. Outline and icon differ together, so
// that neither colour nor detail is needed to tell two kinds apart.
var looks = []look{
	{
		[]string{"ext:SavoirFaire", "Competency", "ApprenticeshipCertificate", "JourneymanCertificate", "Fieldwork"},
		func(r int) string { return hexagon(side/2, side/2, r) }, whites(gear), "Badge de savoir-faire", "Badge of know-how",
	},
	{
		[]string{"ext:Savoir", "Course", "CoCurricular", "LearningProgram", "Assessment", "Assignment"},
		func(r int) string { return circle(side/2, side/2, r) }, whites(bookLeft, bookRight), "Badge de savoir", "Badge of knowledge",
	},
	{
		[]string{"ext:SavoirEtre"},
		func(r int) string { return rounded(side/2-r, side/2-r, side/2+r, side/2+r, r/3) }, whites(heart), "Badge de savoir-être", "Badge of attitude",
	},
	{
		[]string{"Membership", "CommunityService"},
		shield, whites(circle(256, 118, 30), person(256, 158, 44), circle(192, 140, 22), person(192, 172, 32), circle(320, 140, 22), person(320, 172, 32)),
		"Badge d’engagement", "Badge of commitment",
	},
}

// other is the look of all other kinds.
var other = look{nil, octagon, whites(star), "Badge", "Badge"}

func lookOf(kind string) look {
	for _, l := range looks {
		if slices.Contains(l.kinds, kind) {
			return l
		}
	}
	return other
}

func whites(paths ...string) []shape {
	var out []shape
	for _, p := range paths {
		out = append(out, shape{path: p, fill: white, shade: 100})
	}
	return out
}

// Icons stand within 140 units around (256,160).
const (
	heart     = "M256 226C236 206 190 178 190 138C190 112 210 98 228 98C242 98 252 106 256 118C260 106 270 98 284 98C302 98 322 112 322 138C322 178 276 206 256 226Z"
	star      = "M256 84L277 131L328 136L290 170L301 220L256 194L211 220L222 170L184 136L235 131Z"
	bookLeft  = "M250 118C232 104 208 100 184 102L184 206C208 204 232 208 250 222Z"
	bookRight = "M262 118C280 104 304 100 328 102L328 206C304 204 280 208 262 222Z"
	// The ring is left open from below, so that one filled path has a hole.
	gear = "M244 90L268 90L272 108L288 115L303 104L320 121L309 136L316 152L334 156L334 180L316 184L309 200L320 215L303 232L288 221L272 228L268 246L244 246L240 228L224 221L209 232L192 215L203 200L196 184L178 180L178 156L196 152L203 136L192 121L209 104L224 115L240 108Z" +
		"M256 138C239 138 226 151 226 168C226 185 239 198 256 198C273 198 286 185 286 168C286 151 273 138 256 138Z"
)

// person is the shoulders under a head.
func person(x, y, w int) string {
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %dC%d %d %d %d %d %dZ",
		x-w, y+w+12, x-w, y+w/2-8, x-w/2-4, y, x, y, x+w/2+4, y, x+w, y+w/2-8, x+w, y+w+12)
}

// hexagon stands on a corner. 866/1000 is the cosine of 30 degrees.
func hexagon(x, y, r int) string {
	w, h := r*866/1000, r/2
	return polygon(x, y-r, x+w, y-h, x+w, y+h, x, y+r, x-w, y+h, x-w, y-h)
}

// octagon stands on a side. 924 and 383 are 1000 times cosine and sine of 22.5
// degrees.
func octagon(r int) string {
	a, b, m := r*924/1000, r*383/1000, side/2
	return polygon(m-b, m-a, m+b, m-a, m+a, m-b, m+a, m+b, m+b, m+a, m-b, m+a, m-a, m+b, m-a, m-b)
}

func shield(r int) string {
	m := side / 2
	return fmt.Sprintf("M%d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %dZ",
		m, m-r, m+r/3, m-r*7/8, m+r*2/3, m-r*7/8, m+r*7/8, m-r*5/6, m+r*7/8, m+r/4,
		m+r*7/8, m+r*2/3, m+r/2, m+r*7/8, m, m+r, m-r/2, m+r*7/8, m-r*7/8, m+r*2/3, m-r*7/8, m+r/4,
		m-r*7/8, m-r*5/6, m-r*2/3, m-r*7/8, m-r/3, m-r*7/8, m, m-r)
}

func rectangle(x0, y0, x1, y1 int) string { return rounded(x0, y0, x1, y1, 14) }

// rounded is a rectangle with corners of radius r. 5523/10000 makes a curve
// that is a quarter of a circle but for three in ten thousand.
func rounded(x0, y0, x1, y1, r int) string {
	k := r - r*5523/10000
	return fmt.Sprintf("M%d %dL%d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %dL%d %dC%d %d %d %d %d %dZ",
		x0+r, y0, x1-r, y0, x1-k, y0, x1, y0+k, x1, y0+r, x1, y1-r, x1, y1-k, x1-k, y1, x1-r, y1,
		x0+r, y1, x0+k, y1, x0, y1-k, x0, y1-r, x0, y0+r, x0, y0+k, x0+k, y0, x0+r, y0)
}

func circle(x, y, r int) string { return rounded(x-r, y-r, x+r, y+r, r) }

func polygon(at ...int) string {
	var b strings.Builder
	for i := 0; i < len(at); i += 2 {
		command := "L"
		if i == 0 {
			command = "M"
		}
		fmt.Fprintf(&b, "%s%d %d", command, at[i], at[i+1])
	}
	return b.String() + "Z"
}
