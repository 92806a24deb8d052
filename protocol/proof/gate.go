package proof

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// Faults of a document that does not pass the gate. Parse wraps exactly one of
// them; every one is proof that whoever sent the bytes is at fault.
var (
	ErrTooLarge         = errors.New("document too large")
	ErrTooDeep          = errors.New("nested too deep")
	ErrMalformed        = errors.New("not JSON in UTF-8")
	ErrNotCanonical     = errors.New("not canonical (RFC 8785)")
	ErrDuplicateMember  = errors.New("duplicate member name")
	ErrNumber           = errors.New("number is not an integer within 2^53-1")
	ErrNull             = errors.New("null value")
	ErrEmptyArray       = errors.New("empty array")
	ErrControlCharacter = errors.New("control character in a string")
	ErrSurrogate        = errors.New("lone surrogate in a string")
	ErrBlankNode        = errors.New("string beginning with _:")
)

// Limits bounds what Parse reads. Bytes is the size of the document; Depth how
// many objects and arrays may stand inside one another, the document included.
type Limits struct{ Bytes, Depth int }

// Document is one JSON object that passed the gate: canonical by RFC 8785,
// I-JSON, within limits. It keeps the very bytes it was parsed from and where
// its top-level members and its proofs stand in them, so that hashing slices
// and never serialises again. It is immutable and may be shared.
type Document struct {
	raw     []byte
	members []member
	proof   int // index into members of "proof", -1 without
	proofs  []proofSpan
	hollow  bool
}

// A span is the interval [from, to) of the bytes.
type span struct{ from, to int }

type member struct {
	name  string
	whole span // from the opening quote of the name to the end of the value
	value span
}

type proofSpan struct {
	whole span
	value span // `,"proofValue":"…"` with one comma, or empty at the end
}

// Parse checks raw in one pass without building a tree and without allocating
// per value. The Document aliases raw, which must not be changed afterwards.
//
// Beyond RFC 8785 it refuses fractions, exponents and integers over 2^53-1,
// null, empty arrays, every control character but \n and \t, and strings
// beginning "_:" (spec/records.md §2).
func Parse(raw []byte, l Limits) (Document, error) {
	if len(raw) > l.Bytes {
		return Document{}, fmt.Errorf("%d bytes: %w", len(raw), ErrTooLarge)
	}
	g := gate{raw: raw, depth: l.Depth, doc: Document{raw: raw, proof: -1}}
	g.doc.members = make([]member, 0, 16)
	if len(raw) == 0 || raw[0] != '{' {
		if len(raw) > 0 && isSpace(raw[0]) {
			return Document{}, g.fault(ErrNotCanonical)
		}
		return Document{}, g.fault(ErrMalformed)
	}
	if err := g.object(1, atTop); err != nil {
		return Document{}, err
	}
	if g.at != len(raw) {
		if isSpace(raw[g.at]) {
			return Document{}, g.fault(ErrNotCanonical)
		}
		return Document{}, g.fault(ErrMalformed)
	}
	return g.doc, nil
}

// Bytes returns the document as it was parsed. The caller must not change it.
func (d Document) Bytes() []byte { return d.raw }

// Hollow reports whether some value is an empty string or zero. A document of a
// closed shape leaves such a member out, so that it can be written in one way.
func (d Document) Hollow() bool { return d.hollow }

// Proofs returns how many proofs the document carries.
func (d Document) Proofs() int { return len(d.proofs) }

// Member returns the value of the top-level member called name as canonical
// JSON, or nil. It aliases the document.
func (d Document) Member(name string) []byte {
	for _, m := range d.members {
		if m.name == name {
			return d.raw[m.value.from:m.value.to]
		}
	}
	return nil
}

// Proof returns proof i, counted from 0, as canonical JSON aliasing the document.
func (d Document) Proof(i int) []byte {
	s := d.proofs[i].whole
	return d.raw[s.from:s.to]
}

type place uint8

const (
	inside   place = iota
	atTop          // the document itself
	inProofs       // the array of proofs
	inAProof       // one proof
)

type gate struct {
	raw   []byte
	at    int
	depth int
	doc   Document
}

func (g *gate) fault(err error) error {
	return fmt.Errorf("at byte %d: %w", g.at, err)
}

// expect consumes c, telling white space (not canonical) from anything else.
func (g *gate) expect(c byte) error {
	if g.at < len(g.raw) {
		if g.raw[g.at] == c {
			g.at++
			return nil
		}
		if isSpace(g.raw[g.at]) {
			return g.fault(ErrNotCanonical)
		}
	}
	return g.fault(ErrMalformed)
}

func (g *gate) object(level int, where place) error {
	if level > g.depth {
		return g.fault(ErrTooDeep)
	}
	g.at++ // {
	if g.at < len(g.raw) && g.raw[g.at] == '}' {
		g.at++
		return nil
	}
	var last []byte
	for first := true; ; first = false {
		start := g.at
		name, err := g.string()
		if err != nil {
			return err
		}
		if !first {
			switch order := compareNames(last, name); {
			case order == 0:
				return g.fault(ErrDuplicateMember)
			case order > 0:
				return g.fault(ErrNotCanonical)
			}
		}
		last = name
		if err := g.expect(':'); err != nil {
			return err
		}
		value := g.at
		inner := inside
		if where == atTop && string(name) == "proof" {
			inner = inProofs
		}
		if err := g.value(level, inner); err != nil {
			return err
		}
		switch where {
		case atTop:
			if inner == inProofs {
				g.doc.proof = len(g.doc.members)
			}
			g.doc.members = append(g.doc.members, member{
				name: string(name), whole: span{start, g.at}, value: span{value, g.at},
			})
		case inAProof:
			if string(name) == "proofValue" {
				g.doc.proofs[len(g.doc.proofs)-1].value = g.withComma(start, first)
			}
		}
		if g.at < len(g.raw) && g.raw[g.at] == '}' {
			g.at++
			return nil
		}
		if err := g.expect(','); err != nil {
			return err
		}
	}
}

// withComma returns the member from start to here together with the comma that
// goes when the member is taken out.
func (g *gate) withComma(start int, first bool) span {
	switch {
	case !first:
		return span{start - 1, g.at}
	case g.at < len(g.raw) && g.raw[g.at] == ',':
		return span{start, g.at + 1}
	}
	return span{start, g.at}
}

func (g *gate) array(level int, where place) error {
	if level > g.depth {
		return g.fault(ErrTooDeep)
	}
	g.at++ // [
	if g.at < len(g.raw) && g.raw[g.at] == ']' {
		return g.fault(ErrEmptyArray)
	}
	for {
		start := g.at
		inner := inside
		if where == inProofs && g.at < len(g.raw) && g.raw[g.at] == '{' {
			inner = inAProof
			g.doc.proofs = append(g.doc.proofs, proofSpan{})
		}
		if err := g.value(level, inner); err != nil {
			return err
		}
		if inner == inAProof {
			p := &g.doc.proofs[len(g.doc.proofs)-1]
			p.whole = span{start, g.at}
			if p.value == (span{}) {
				p.value = span{g.at, g.at}
			}
		}
		if g.at < len(g.raw) && g.raw[g.at] == ']' {
			g.at++
			return nil
		}
		if err := g.expect(','); err != nil {
			return err
		}
	}
}

func (g *gate) value(level int, where place) error {
	if g.at >= len(g.raw) {
		return g.fault(ErrMalformed)
	}
	switch c := g.raw[g.at]; {
	case c == '"':
		s, err := g.string()
		if err == nil && len(s) >= 2 && s[0] == '_' && s[1] == ':' {
			return g.fault(ErrBlankNode)
		}
		g.doc.hollow = g.doc.hollow || len(s) == 0
		return err
	case c == '{':
		return g.object(level+1, where)
	case c == '[':
		return g.array(level+1, where)
	case c == '-' || c >= '0' && c <= '9':
		return g.number()
	case c == 't':
		return g.literal("true")
	case c == 'f':
		return g.literal("false")
	case c == 'n':
		if err := g.literal("null"); err != nil {
			return err
		}
		return g.fault(ErrNull)
	case isSpace(c):
		return g.fault(ErrNotCanonical)
	}
	return g.fault(ErrMalformed)
}

func (g *gate) literal(s string) error {
	if !bytes.HasPrefix(g.raw[g.at:], []byte(s)) {
		return g.fault(ErrMalformed)
	}
	g.at += len(s)
	return nil
}

// maxInteger is 2^53-1, sixteen digits.
const maxInteger = 9007199254740991

func (g *gate) number() error {
	start := g.at
	if g.raw[g.at] == '-' {
		g.at++
	}
	digits := g.at
	var n uint64
	for g.at < len(g.raw) && g.raw[g.at] >= '0' && g.raw[g.at] <= '9' {
		if g.at-digits >= 16 {
			return g.fault(ErrNumber)
		}
		n = n*10 + uint64(g.raw[g.at]-'0')
		g.at++
	}
	switch {
	case g.at == digits:
		return g.fault(ErrMalformed)
	case g.raw[digits] == '0' && g.at-digits > 1:
		return g.fault(ErrMalformed) // 01
	case g.at < len(g.raw) && (g.raw[g.at] == '.' || g.raw[g.at] == 'e' || g.raw[g.at] == 'E'):
		return g.fault(ErrNumber)
	case n > maxInteger:
		return g.fault(ErrNumber)
	case n == 0 && digits > start:
		return g.fault(ErrNotCanonical) // -0
	}
	g.doc.hollow = g.doc.hollow || n == 0
	return nil
}

// string consumes one string and returns its content, aliasing the document
// unless it holds an escape.
func (g *gate) string() ([]byte, error) {
	if err := g.expect('"'); err != nil {
		return nil, err
	}
	start := g.at
	var unescaped []byte
	from := start
	for g.at < len(g.raw) {
		c := g.raw[g.at]
		switch {
		case c == '"':
			s := g.raw[from:g.at]
			if unescaped != nil {
				s = append(unescaped, s...)
			}
			g.at++
			return s, nil
		case c == '\\':
			unescaped = append(unescaped, g.raw[from:g.at]...)
			r, err := g.escape()
			if err != nil {
				return nil, err
			}
			unescaped = append(unescaped, r)
			from = g.at
		case c < 0x20:
			return nil, g.fault(ErrMalformed) // must be escaped
		case c == 0x7f:
			return nil, g.fault(ErrControlCharacter)
		case c < utf8.RuneSelf:
			g.at++
		default:
			r, n := utf8.DecodeRune(g.raw[g.at:])
			if r == utf8.RuneError && n <= 1 {
				return nil, g.fault(ErrMalformed)
			}
			if r < 0xa0 {
				return nil, g.fault(ErrControlCharacter) // C1
			}
			g.at += n
		}
	}
	return nil, g.fault(ErrMalformed)
}

// escape consumes one escape. Canonical JSON escapes nothing but the quote, the
// backslash and control characters, of which the gate lets \n and \t through.
func (g *gate) escape() (byte, error) {
	if g.at+1 >= len(g.raw) {
		return 0, g.fault(ErrMalformed)
	}
	c := g.raw[g.at+1]
	switch c {
	case '"', '\\':
	case 'n':
		c = '\n'
	case 't':
		c = '\t'
	case 'b', 'f', 'r':
		return 0, g.fault(ErrControlCharacter)
	case '/':
		return 0, g.fault(ErrNotCanonical)
	case 'u':
		return 0, g.fault(unicodeEscape(g.raw[g.at+2:]))
	default:
		return 0, g.fault(ErrMalformed)
	}
	g.at += 2
	return c, nil
}

// unicodeEscape says what is wrong with the escape whose digits begin s: none
// is canonical here, since control characters are refused in any form.
func unicodeEscape(s []byte) error {
	r, ok := hex4(s)
	switch {
	case !ok:
		return ErrMalformed
	case r < 0x20 && r != '\n' && r != '\t', r >= 0x7f && r < 0xa0:
		return ErrControlCharacter
	case utf16.IsSurrogate(r):
		if r < 0xdc00 && len(s) >= 10 && s[4] == '\\' && s[5] == 'u' {
			if low, ok := hex4(s[6:]); ok && low >= 0xdc00 && low <= 0xdfff {
				return ErrNotCanonical
			}
		}
		return ErrSurrogate
	}
	return ErrNotCanonical
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	var r rune
	for _, c := range s[:4] {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	return r, true
}

// compareNames orders member names by their UTF-16 code units, as RFC 8785
// §3.2.3 has it. UTF-8 bytes give the same order but for characters beyond
// U+FFFF against U+E000 to U+FFFF.
func compareNames(a, b []byte) int {
	i := 0
	for i < len(a) && i < len(b) && a[i] == b[i] {
		i++
	}
	if i == len(a) || i == len(b) {
		return len(a) - len(b)
	}
	x, y := a[i], b[i]
	// Lead bytes 0xf0 and up are four-byte characters, whose first UTF-16 unit
	// is a surrogate (0xd800…), below the units of lead bytes 0xee and 0xef.
	if x >= 0xf0 && (y == 0xee || y == 0xef) {
		return -1
	}
	if y >= 0xf0 && (x == 0xee || x == 0xef) {
		return 1
	}
	return int(x) - int(y)
}

func isSpace(c byte) bool { return c == ' ' || c == '\t' || c == '\n' || c == '\r' }
