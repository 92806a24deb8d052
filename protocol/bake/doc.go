// Package bake takes credentials out of images and puts them in.
//
// The texts it obeys are the baking chapters of "Open Badges Specification
// v2.0" and "v3.0" (1EdTech), over "Portable Network Graphics" (ISO/IEC 15948)
// and SVG as XML 1.0. An image carries at most one payload under each of two
// keywords, and may carry both: an older and a newer form of one badge. What a
// payload says, and whether it is true, is for the packages that read badges
// (spec/import.md §3).
package bake

import (
	"bytes"
	"errors"
	"fmt"
	"unicode/utf8"
)

// Keyword says to which age of Open Badges a payload belongs.
type Keyword string

// The two keywords there are, spelt in lower case and no other way.
const (
	Assertion  Keyword = "openbadges"          // up to Open Badges 2.1
	Credential Keyword = "openbadgecredential" // Open Badges 3.0
)

// Sizes in bytes. An image is what somebody sends as a picture of a badge; a
// payload is bounded after it is inflated, and deflate makes a thousand bytes
// of one.
const (
	MaxImage   = 4 << 20
	MaxPayload = 256 << 10
)

// Faults of an image. Take and Put wrap exactly one of them.
var (
	ErrNoImage  = errors.New("neither PNG nor SVG")
	ErrTooLarge = errors.New("too large")
	ErrDamaged  = errors.New("damaged image")
	ErrChecksum = errors.New("checksum of a chunk does not fit")
	ErrEntities = errors.New("XML that defines entities")
	ErrTwice    = errors.New("two payloads under one keyword")
	ErrEmpty    = errors.New("payload without content")
	ErrText     = errors.New("payload is not text")
)

// Payload is one credential in an image.
type Payload struct {
	Keyword Keyword
	// Text is JSON, a compact JWS or, under Assertion, an address; UTF-8
	// without byte order mark or white space around it.
	Text []byte
	// URL is where an assertion stands when the image says so beside Text,
	// which only an SVG does. "" elsewhere.
	URL string
}

// Take returns the payloads of an image, at most one of each keyword in the
// order they stand, and none from an image that carries no badge. It reads
// each byte once, inflates at most MaxPayload bytes, and decodes no pixel.
//
// It fails with one of the faults above.
func Take(image []byte) ([]Payload, error) {
	if len(image) > MaxImage {
		return nil, fmt.Errorf("image of %d bytes: %w", len(image), ErrTooLarge)
	}
	switch {
	case isPNG(image):
		return takePNG(image)
	case isSVG(image):
		return takeSVG(image)
	}
	return nil, ErrNoImage
}

// Put returns image with payloads and without any payload it carried before,
// whatever its keyword: what an image says is said at once. All else stays as
// it is, byte for byte, but for what a PNG has after its end, which goes. With
// no payloads it takes badges out.
//
// It fails as Take does, also when two of payloads share a keyword.
func Put(image []byte, payloads ...Payload) ([]byte, error) {
	if len(image) > MaxImage {
		return nil, fmt.Errorf("image of %d bytes: %w", len(image), ErrTooLarge)
	}
	var all taken
	for _, p := range payloads {
		if err := all.add(p); err != nil {
			return nil, err
		}
	}
	var out []byte
	var err error
	switch {
	case isPNG(image):
		out, err = putPNG(image, all.payloads)
	case isSVG(image):
		out, err = putSVG(image, all.payloads)
	default:
		err = ErrNoImage
	}
	if err != nil {
		return nil, err
	}
	// What a drawing escapes may grow past what is read again.
	if back, err := Take(out); err != nil || len(back) != len(payloads) {
		return nil, fmt.Errorf("the image would not read back: %w", err)
	}
	return out, nil
}

// taken collects payloads and holds them to what a payload may be.
type taken struct{ payloads []Payload }

func (t *taken) add(p Payload) error {
	if p.Keyword != Assertion && p.Keyword != Credential {
		return fmt.Errorf("keyword %q: %w", p.Keyword, ErrText)
	}
	for _, other := range t.payloads {
		if other.Keyword == p.Keyword {
			return fmt.Errorf("%s: %w", p.Keyword, ErrTwice)
		}
	}
	p.Text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(p.Text), []byte("\ufeff")))
	switch {
	case len(p.Text) == 0:
		return fmt.Errorf("%s: %w", p.Keyword, ErrEmpty)
	case len(p.Text) > MaxPayload || len(p.URL) > MaxPayload:
		return fmt.Errorf("%s: payload: %w", p.Keyword, ErrTooLarge)
	case !utf8.Valid(p.Text) || bytes.IndexByte(p.Text, 0) >= 0:
		return fmt.Errorf("%s: %w", p.Keyword, ErrText)
	}
	t.payloads = append(t.payloads, p)
	return nil
}
