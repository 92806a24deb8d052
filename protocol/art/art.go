// Package art draws a badge from its class, so that nobody needs to upload a
// picture: as SVG 1.1 (W3C), and the same shapes as PNG (ISO/IEC 15948).
//
// What is drawn follows from the class alone: the outline and the icon from its
// kind, the colours and the comb behind the icon from its id, and in the open
// its name and levels (spec/export.md §4). The SVG of a class has the same bytes
// on every machine: all coordinates are whole numbers, and nothing in it is
// looked up elsewhere. A drawing holds no script, no address and no style sheet.
package art

import (
	"crypto/sha256"
	"fmt"
	"strings"

	"codeberg.org/essaim/essaim/protocol/badge"
)

// Drawing is one badge, drawn.
type Drawing struct {
	title, detail string // for who cannot see it
	language      string
	shapes        []shape
	lines         []line
}

// shape is a filled path in the units of an SVG of 512 by 512: M, L, C and Z
// with whole numbers, absolute.
type shape struct {
	path  string
	fill  rgb
	shade int // opacity in percent
}

type rgb [3]byte

var white = rgb{255, 255, 255}

func (c rgb) String() string { return fmt.Sprintf("#%02x%02x%02x", c[0], c[1], c[2]) }

// darker is what borders and letters have: six tenths of the light.
func (c rgb) darker() rgb {
	return rgb{byte(int(c[0]) * 6 / 10), byte(int(c[1]) * 6 / 10), byte(int(c[2]) * 6 / 10)}
}

// palette holds grounds on which white can be read: 4.5 to 1 or more (WCAG 2.2
// §1.4.3), as a test holds.
var palette = [...]rgb{
	{0x1f, 0x5f, 0x8b},
	{0x7a, 0x3e, 0x9d},
	{0xa3, 0x32, 0x4b},
	{0x2f, 0x6b, 0x3a},
	{0x8a, 0x4b, 0x08},
	{0x00, 0x69, 0x6b},
	{0x5b, 0x4a, 0x9e},
	{0x9c, 0x2f, 0x7b},
	{0x3d, 0x5a, 0x1f},
	{0x6b, 0x3a, 0x2a},
	{0x2c, 0x4a, 0x6e},
	{0x8b, 0x2e, 0x16},
}

// side is the width and height of a drawing.
const side = 512

// Draw draws a class, or an award of it at a level from 1 to 5; 0 is the class
// itself, with all its levels.
func Draw(class *badge.Achievement, level int) Drawing {
	seed := sha256.Sum256([]byte("essaim art " + class.ID))
	ground := palette[int(seed[0])%len(palette)]
	look := lookOf(class.AchievementType)
	french := class.InLanguage == "" || strings.HasPrefix(class.InLanguage, "fr")
	d := Drawing{title: plain(class.Name), language: class.InLanguage}
	d.shapes = append(d.shapes,
		shape{path: look.outline(244), fill: ground.darker(), shade: 100},
		shape{path: look.outline(230), fill: white, shade: 100},
		shape{path: look.outline(222), fill: ground, shade: 100})
	for i, c := range comb {
		if seed[1+i/8]>>(i%8)&1 == 1 {
			d.shapes = append(d.shapes, shape{path: hexagon(c[0], c[1], 30), fill: white, shade: 14})
		}
	}
	d.shapes = append(d.shapes, look.icon...)
	d.shapes = append(d.shapes,
		shape{path: rectangle(22, 246, 490, 388), fill: ground.darker(), shade: 100},
		shape{path: rectangle(16, 252, 496, 382), fill: white, shade: 100})
	d.lines = fit(d.title, ground.darker())
	levels := class.Levels()
	reached := 0
	for i, l := range levels {
		shade := 30
		if level == 0 || l.Level <= fmt.Sprint(level) {
			shade = 100
			reached++
		}
		d.shapes = append(d.shapes, shape{path: hexagon(side/2-23*(len(levels)-1)+46*i, 420, 19), fill: white, shade: shade})
	}
	d.detail = detail(french, look, level, len(levels))
	return d
}

// detail says in words what the picture says.
func detail(french bool, look look, level, levels int) string {
	out := look.english
	if french {
		out = look.french
	}
	switch {
	case levels == 0:
	case level == 0 && french:
		out += fmt.Sprintf(", %d niveaux", levels)
	case level == 0:
		out += fmt.Sprintf(", %d levels", levels)
	case french:
		out += fmt.Sprintf(", niveau %d", level)
	default:
		out += fmt.Sprintf(", level %d", level)
	}
	return out
}

// comb is where cells may stand behind the icon, in rows like honeycomb.
var comb = [...][2]int{
	{152, 106},
	{204, 106},
	{256, 106},
	{308, 106},
	{360, 106},
	{126, 151},
	{178, 151},
	{230, 151},
	{282, 151},
	{334, 151},
	{386, 151},
	{100, 196},
	{152, 196},
	{204, 196},
	{256, 196},
	{308, 196},
	{360, 196},
	{412, 196},
}

// plain is a text on one line, without what turns the direction of others and
// what XML cannot hold.
func plain(s string) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return ' '
		case r < ' ' || r >= 0x7f && r < 0xa0, r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r == 0xfffe || r == 0xffff:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\ufffd"))
	return strings.Join(strings.Fields(s), " ")
}
