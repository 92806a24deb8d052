package art

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/image/font"
	"golang.org/x/image/font/gofont/gobold"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
)

// line is one line of the name, centred on x = 256.
type line struct {
	text  string
	y     int // baseline
	size  int
	width int // as measured
	known bool
	right bool // reads from right to left
	fill  rgb
}

// The panel of the name, in units of the drawing.
const (
	panelWidth  = 440
	panelHeight = 122
	panelMiddle = 317
	maxLines    = 5
)

var sizes = [...]int{54, 48, 42, 38, 34, 30, 27, 24, 21}

// typeface is Go Bold, parsed once: the one face PNGs are written in, and the
// ruler of both forms.
var typeface = sync.OnceValue(func() *sfnt.Font {
	f, err := sfnt.Parse(gobold.TTF)
	if err != nil {
		panic("art: the embedded typeface does not parse: " + err.Error())
	}
	return f
})

// unitsPerEm is how finely the typeface is measured.
const unitsPerEm = 2048

// advance returns how far a rune moves the pen, in units, and whether the
// typeface has it. What it has not is taken for wide: others draw it.
func advance(r rune) (units int, known bool) {
	var b sfnt.Buffer
	f := typeface()
	i, err := f.GlyphIndex(&b, r)
	if err == nil && i != 0 {
		a, err := f.GlyphAdvance(&b, i, fixed.I(unitsPerEm), font.HintingNone)
		if err == nil {
			return a.Round(), true
		}
	}
	switch {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf), r == 0x200d, r >= 0xfe00 && r <= 0xfe0f:
		return 0, false
	case r >= 0x1100 && (r < 0x1200 || r >= 0x2600 && r < 0x2800 || r >= 0x2e80 && r < 0xa500 || r >= 0xac00 && r < 0xd800 || r >= 0xf900 && r < 0xfb00 || r >= 0xff00 || r >= 0x1f000):
		return 5 * unitsPerEm / 4, false
	}
	return 3 * unitsPerEm / 4, false
}

// measure returns the width of s in units.
func measure(s string) (units int, known bool) {
	known = true
	for _, r := range s {
		a, ok := advance(r)
		units, known = units+a, known && ok
	}
	return units, known
}

// fit breaks a name into lines at the largest size that holds all of it, and at
// the smallest one says with … that something is left out.
func fit(name string, fill rgb) []line {
	var texts []string
	size := 0
	for _, size = range sizes {
		var whole bool
		lines := min(maxLines, panelHeight*100/(size*112))
		if texts, whole = wrap(name, panelWidth*unitsPerEm/size, lines, size == sizes[len(sizes)-1]); whole {
			break
		}
	}
	step := size * 112 / 100
	// 72/100 of the size is how high capitals stand.
	first := panelMiddle - (len(texts)-1)*step/2 + size*72/200
	var out []line
	for i, t := range texts {
		units, known := measure(t)
		out = append(out, line{t, first + i*step, size, units * size / unitsPerEm, known, rightToLeft(t), fill})
	}
	return out
}

// wrap breaks s into at most n lines of width units. It reports whether all of
// s is in them; force breaks words too and ends with … .
func wrap(s string, width, n int, force bool) ([]string, bool) {
	var lines []string
	at := ""
	fits := func(t string) bool { w, _ := measure(t); return w <= width }
	for word := range strings.FieldsSeq(s) {
		switch {
		case at != "" && fits(at+" "+word):
			at += " " + word
			continue
		case at != "":
			lines = append(lines, at)
		}
		at = word
		for !fits(at) {
			if !force {
				return nil, false
			}
			head := ""
			for i := range at {
				if i > 0 && !fits(at[:i]+"-") {
					break
				}
				head = at[:i]
			}
			if head == "" {
				break
			}
			lines, at = append(lines, head+"-"), at[len(head):]
		}
	}
	if at != "" {
		lines = append(lines, at)
	}
	if len(lines) <= n {
		return lines, true
	}
	if !force {
		return nil, false
	}
	last := []rune(lines[n-1])
	for len(last) > 0 && !fits(string(last)+"…") {
		last = last[:len(last)-1]
	}
	return append(lines[:n-1:n-1], strings.TrimRight(string(last), " -")+"…"), true
}

// rightToLeft reports whether the first letter that has a direction has this one.
func rightToLeft(s string) bool {
	for _, r := range s {
		switch {
		case unicode.In(r, unicode.Hebrew, unicode.Arabic, unicode.Syriac, unicode.Thaana, unicode.Nko):
			return true
		case unicode.IsLetter(r):
			return false
		}
	}
	return false
}
