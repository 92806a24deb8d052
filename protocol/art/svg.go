package art

import (
	"bytes"
	"encoding/xml"
	"fmt"
)

// SVG returns the drawing as SVG: the same bytes for the same class and level.
// Its letters are text, in whatever typeface the reader has, squeezed to the
// width they have here.
func (d Drawing) SVG() []byte {
	var b bytes.Buffer
	b.WriteString(`<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512" viewBox="0 0 512 512" role="img"`)
	if d.language != "" {
		fmt.Fprintf(&b, ` xml:lang="%s"`, escaped(d.language))
	}
	fmt.Fprintf(&b, "><title>%s</title><desc>%s</desc>\n", escaped(d.title), escaped(d.detail))
	for _, s := range d.shapes {
		fmt.Fprintf(&b, `<path d="%s" fill="%s" fill-rule="evenodd"`, s.path, s.fill)
		if s.shade < 100 {
			fmt.Fprintf(&b, ` fill-opacity="0.%02d"`, s.shade)
		}
		b.WriteString("/>\n")
	}
	for _, l := range d.lines {
		fmt.Fprintf(&b, `<text x="256" y="%d" text-anchor="middle" font-family="Go, 'DejaVu Sans', Verdana, sans-serif" font-weight="700" font-size="%d" fill="%s"`, l.y, l.size, l.fill)
		if l.right {
			b.WriteString(` direction="rtl"`)
		}
		if l.known {
			fmt.Fprintf(&b, ` textLength="%d" lengthAdjust="spacingAndGlyphs"`, l.width)
		}
		fmt.Fprintf(&b, ">%s</text>\n", escaped(l.text))
	}
	b.WriteString("</svg>\n")
	return b.Bytes()
}

func escaped(s string) string {
	var b bytes.Buffer
	xml.EscapeText(&b, []byte(s)) //nolint:errcheck // a Buffer does not fail
	return b.String()
}
