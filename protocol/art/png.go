package art

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"iter"
	"strconv"
	"strings"

	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	"golang.org/x/image/vector"
)

// MaxSide is the largest PNG drawn. Up to it coverage is counted in whole
// numbers, beyond it the rasteriser turns to fractions, which differ between
// processors.
const MaxSide = 512

// PNG returns the drawing as PNG, size by size pixels on no ground. Letters the
// typeface lacks, such as emoji or Arabic, are left out, and a line that would
// be left with none is not drawn: the name stands in the credential.
//
// It panics when size is not from 1 to MaxSide. Cost: some 20 ms at 512.
func (d Drawing) PNG(size int) []byte {
	if size < 1 || size > MaxSide {
		panic(fmt.Sprintf("art: a PNG of %d pixels", size))
	}
	picture := image.NewRGBA(image.Rect(0, 0, size, size))
	pen := pen{scale: float32(size) / side, onto: picture, z: vector.NewRasterizer(size, size)}
	for _, s := range d.shapes {
		pen.begin(reach(s.path))
		pen.path(s.path)
		pen.ink(s.fill, s.shade)
	}
	for _, l := range d.lines {
		pen.begin(l.y-l.size*5/4, l.y+l.size/2) // a capital with two marks, and below the line
		pen.line(l)
		pen.ink(l.fill, 100)
	}
	var out bytes.Buffer
	encoder := png.Encoder{CompressionLevel: png.DefaultCompression}
	if err := encoder.Encode(&out, picture); err != nil {
		panic("art: a picture in memory does not encode: " + err.Error())
	}
	return out.Bytes()
}

// pen draws one shape at a time, in the rows of the picture it reaches.
type pen struct {
	scale float32
	onto  *image.RGBA
	z     *vector.Rasterizer
	top   int // first row
}

// begin starts a shape between two heights of the drawing.
func (p *pen) begin(from, to int) {
	size := p.onto.Rect.Dx()
	p.top = max(0, int(float32(from)*p.scale)-1)
	end := min(size, int(float32(to)*p.scale)+2)
	p.z.Reset(size, max(1, end-p.top))
}

func (p *pen) at(x, y float32) (float32, float32) { return x * p.scale, y*p.scale - float32(p.top) }

func (p *pen) ink(c rgb, shade int) {
	source := image.NewUniform(color.NRGBA{c[0], c[1], c[2], uint8(255 * shade / 100)})
	p.z.DrawOp = draw.Over
	p.z.Draw(p.onto, image.Rectangle{Max: p.z.Size()}.Add(image.Pt(0, p.top)), source, image.Point{})
}

// commands yields the commands of a path and their numbers.
func commands(path string) iter.Seq2[byte, []int] {
	return func(yield func(byte, []int) bool) {
		for path != "" {
			end := strings.IndexAny(path[1:], "MLCZ") + 1
			if end == 0 {
				end = len(path)
			}
			var numbers []int
			for _, text := range strings.Fields(path[1:end]) {
				n, err := strconv.Atoi(text)
				if err != nil {
					panic("art: a path made here has " + text)
				}
				numbers = append(numbers, n)
			}
			if !yield(path[0], numbers) {
				return
			}
			path = path[end:]
		}
	}
}

// reach returns between which heights a path is.
func reach(path string) (from, to int) {
	from = side
	for _, n := range commands(path) {
		for i := 1; i < len(n); i += 2 {
			from, to = min(from, n[i]), max(to, n[i])
		}
	}
	return from, to
}

// path draws what shapes are made of.
func (p *pen) path(path string) {
	for command, n := range commands(path) {
		var to [6]float32
		for i := 0; i < len(n); i += 2 {
			to[i], to[i+1] = p.at(float32(n[i]), float32(n[i+1]))
		}
		switch command {
		case 'M':
			p.z.MoveTo(to[0], to[1])
		case 'L':
			p.z.LineTo(to[0], to[1])
		case 'C':
			p.z.CubeTo(to[0], to[1], to[2], to[3], to[4], to[5])
		case 'Z':
			p.z.ClosePath()
		}
	}
}

// line draws the letters of a line the typeface has.
func (p *pen) line(l line) {
	text := strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if _, ok := advance(r); !ok {
			return -1
		}
		return r
	}, l.text)), " ")
	units, _ := measure(text)
	x := side/2 - units*l.size/unitsPerEm/2
	f := typeface()
	var b sfnt.Buffer
	moved := 0
	for _, r := range text {
		i, err := f.GlyphIndex(&b, r)
		if err != nil {
			continue
		}
		segments, err := f.LoadGlyph(&b, i, fixed.I(unitsPerEm), nil)
		if err != nil {
			continue
		}
		at := func(q fixed.Point26_6) (float32, float32) {
			px := float32(x) + float32(int(q.X)+moved*64)*float32(l.size)/(64*unitsPerEm)
			py := float32(l.y) + float32(q.Y)*float32(l.size)/(64*unitsPerEm)
			return p.at(px, py)
		}
		for _, s := range segments {
			ax, ay := at(s.Args[0])
			bx, by := at(s.Args[1])
			cx, cy := at(s.Args[2])
			switch s.Op {
			case sfnt.SegmentOpMoveTo:
				p.z.ClosePath()
				p.z.MoveTo(ax, ay)
			case sfnt.SegmentOpLineTo:
				p.z.LineTo(ax, ay)
			case sfnt.SegmentOpQuadTo:
				p.z.QuadTo(ax, ay, bx, by)
			case sfnt.SegmentOpCubeTo:
				p.z.CubeTo(ax, ay, bx, by, cx, cy)
			}
		}
		p.z.ClosePath()
		a, _ := advance(r)
		moved += a
	}
}
