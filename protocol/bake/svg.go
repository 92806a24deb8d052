package bake

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"
)

// The namespaces of the two elements, and the bare prefix, which is all that
// files without a declaration have.
const (
	namespaceAssertion  = "http://openbadges.org"
	namespaceCredential = "https://purl.imsglobal.org/ob/v3p0"
	namespaceSVG        = "http://www.w3.org/2000/svg"
	prefix              = "openbadges"
)

// maxDepth is how many elements of a drawing may stand inside one another.
// Editors nest some tens.
const maxDepth = 256

func isSVG(image []byte) bool {
	image = bytes.TrimLeft(bytes.TrimPrefix(image, []byte("\ufeff")), " \t\r\n")
	return bytes.HasPrefix(image, []byte("<svg")) || bytes.HasPrefix(image, []byte("<?xml")) ||
		bytes.HasPrefix(image, []byte("<!DOCTYPE svg")) || bytes.HasPrefix(image, []byte("<!--"))
}

// drawing is where things stand in an SVG, as offsets into its bytes.
type drawing struct {
	root     [2]int   // the start tag of <svg>
	elements [][2]int // those that hold payloads, whole
	found    taken
}

func takeSVG(image []byte) ([]Payload, error) {
	d, err := readSVG(image)
	return d.found.payloads, err
}

// readSVG reads the tokens of an SVG without building a tree. No entity but
// the five of XML is known, so that nothing expands.
func readSVG(image []byte) (drawing, error) {
	var d drawing
	in := xml.NewDecoder(bytes.NewReader(image))
	depth := 0
	for {
		from := int(in.InputOffset())
		token, err := in.Token()
		if errors.Is(err, io.EOF) {
			if d.root == [2]int{} {
				return d, fmt.Errorf("no drawing: %w", ErrDamaged)
			}
			return d, nil
		}
		if err != nil {
			return d, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		switch token := token.(type) {
		case xml.Directive:
			if bytes.ContainsRune(token, '[') || bytes.Contains(token, []byte("ENTITY")) {
				return d, ErrEntities
			}
		case xml.StartElement:
			if depth++; depth > maxDepth {
				return d, fmt.Errorf("elements nested over %d deep: %w", maxDepth, ErrTooLarge)
			}
			if depth == 1 {
				if d.root != [2]int{} || token.Name.Local != "svg" || token.Name.Space != namespaceSVG && token.Name.Space != "" {
					return d, ErrNoImage
				}
				d.root = [2]int{from, int(in.InputOffset())}
			}
			keyword, ok := keywordOf(token.Name)
			if !ok {
				continue
			}
			p, err := readElement(in, token, keyword)
			if err == nil {
				err = d.found.add(p)
			}
			if err != nil {
				return d, err
			}
			depth--
			d.elements = append(d.elements, [2]int{from, int(in.InputOffset())})
		case xml.EndElement:
			depth--
		}
	}
}

func keywordOf(n xml.Name) (Keyword, bool) {
	switch {
	case n.Local == "assertion" && (n.Space == namespaceAssertion || n.Space == prefix):
		return Assertion, true
	case n.Local == "credential" && (n.Space == namespaceCredential || n.Space == prefix):
		return Credential, true
	}
	return "", false
}

// readElement reads up to the end of an element that holds a payload: a JWS in
// its verify attribute, or JSON in its text, or for an assertion an address
// that stands alone or beside the JSON.
func readElement(in *xml.Decoder, start xml.StartElement, k Keyword) (Payload, error) {
	p := Payload{Keyword: k}
	verify := ""
	for _, a := range start.Attr {
		if a.Name.Local == "verify" && (a.Name.Space == "" || a.Name.Space == start.Name.Space) {
			verify = strings.TrimSpace(a.Value)
		}
	}
	for {
		token, err := in.Token()
		if err != nil {
			return p, fmt.Errorf("%w: %w", ErrDamaged, err)
		}
		switch token := token.(type) {
		case xml.CharData:
			if p.Text = append(p.Text, token...); len(p.Text) > 2*MaxPayload {
				return p, fmt.Errorf("%s: payload: %w", k, ErrTooLarge)
			}
		case xml.StartElement:
			return p, fmt.Errorf("%s has elements inside: %w", k, ErrText)
		case xml.Directive:
			return p, ErrEntities
		case xml.EndElement:
			body := len(bytes.TrimSpace(p.Text)) > 0
			switch {
			case !body:
				p.Text = []byte(verify)
			case k == Assertion && !isJWS(verify):
				p.URL = verify
			case verify != "":
				return p, fmt.Errorf("%s: one in its text, one in verify: %w", k, ErrTwice)
			}
			return p, nil
		}
	}
}

// isJWS reports whether s has the three parts of a compact JWS, which an
// address cannot have.
func isJWS(s string) bool { return strings.Count(s, ".") == 2 && !strings.ContainsAny(s, ":/") }

// putSVG writes payloads as the first children of the drawing. The namespace
// of the newer stands on <svg>, where readers look; of two with one prefix,
// the older declares its own.
func putSVG(image []byte, payloads []Payload) ([]byte, error) {
	d, err := readSVG(image)
	if err != nil {
		return nil, err
	}
	tag := image[d.root[0]:d.root[1]]
	if bytes.HasSuffix(tag, []byte("/>")) {
		return nil, fmt.Errorf("a drawing without content: %w", ErrDamaged)
	}
	out := append([]byte(nil), image[:d.root[0]]...)
	onRoot := ""
	for _, p := range payloads {
		if onRoot == "" || p.Keyword == Credential {
			onRoot = namespaceOf(p.Keyword)
		}
	}
	tag = withoutDeclaration(tag)
	name := bytes.IndexFunc(tag, func(r rune) bool { return unicode.IsSpace(r) || r == '>' })
	out = append(out, tag[:name]...)
	if onRoot != "" {
		out = append(out, " xmlns:"+prefix+`="`+onRoot+`"`...)
	}
	out = append(out, tag[name:]...)
	for _, p := range payloads {
		out = appendElement(out, p, namespaceOf(p.Keyword) != onRoot)
	}
	from := d.root[1]
	for _, e := range d.elements {
		out = append(out, image[from:e[0]]...)
		from = e[1]
	}
	return append(out, image[from:]...), nil
}

func namespaceOf(k Keyword) string {
	if k == Assertion {
		return namespaceAssertion
	}
	return namespaceCredential
}

// withoutDeclaration returns a start tag, well-formed, without the declaration
// of our prefix.
func withoutDeclaration(tag []byte) []byte {
	const declaration = "xmlns:" + prefix
	for i := 0; i < len(tag); {
		switch c := tag[i]; {
		case c == '"' || c == '\'':
			i += 2 + bytes.IndexByte(tag[i+1:], c)
		case isXMLSpace(c) && bytes.HasPrefix(tag[i+1:], []byte(declaration)):
			equals := i + 1 + len(declaration)
			for isXMLSpace(tag[equals]) {
				equals++
			}
			if tag[equals] != '=' {
				i++
				continue
			}
			quote := equals + 1
			for isXMLSpace(tag[quote]) {
				quote++
			}
			end := quote + 2 + bytes.IndexByte(tag[quote+1:], tag[quote])
			return append(append([]byte(nil), tag[:i]...), tag[end:]...)
		default:
			i++
		}
	}
	return tag
}

func isXMLSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }

// appendElement writes JSON into one section of CDATA and anything else into
// the verify attribute. What CDATA cannot say, JSON says by an escape, so the
// text may differ from what was given: whoever verifies it must bring it into
// canonical form first.
func appendElement(out []byte, p Payload, declare bool) []byte {
	local := "credential"
	if p.Keyword == Assertion {
		local = "assertion"
	}
	out = append(out, "<"+prefix+":"+local...)
	if declare {
		out = append(out, " xmlns:"+prefix+`="`+namespaceOf(p.Keyword)+`"`...)
	}
	json, verify := p.Text, p.URL
	if p.Text[0] != '{' {
		json, verify = nil, string(p.Text)
	}
	if verify != "" && (json == nil || p.Keyword == Assertion) {
		out = append(out, ` verify="`...)
		var escaped bytes.Buffer
		xml.EscapeText(&escaped, []byte(verify)) //nolint:errcheck // a Buffer does not fail
		out = append(append(out, escaped.Bytes()...), '"')
	}
	out = append(out, '>')
	if json != nil {
		out = append(out, "<![CDATA["...)
		text := string(json)
		for i, r := range text {
			switch {
			case r == '>' && strings.HasSuffix(text[:i], "]]"):
				out = append(out, `\u003e`...)
			case r == 0xfffe || r == 0xffff:
				out = fmt.Appendf(out, `\u%04x`, r)
			default:
				out = utf8.AppendRune(out, r)
			}
		}
		out = append(out, "]]>"...)
	}
	return append(out, "</"+prefix+":"+local+">"...)
}
