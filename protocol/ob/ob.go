// Package ob reads and verifies a badge file of any kind: JSON, a compact JWS,
// a PNG or SVG it was baked into, or the address of one.
//
// The text it obeys is spec/import.md, which names the texts below it. It
// opens the container, tells the standard by the document, and leaves the
// verdict to the package of that standard.
package ob

import (
	"bytes"
	"errors"
	"strings"

	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/jose"
	"codeberg.org/essaim/essaim/protocol/ob2"
	"codeberg.org/essaim/essaim/protocol/ob3"
)

// Container says what a badge came in.
type Container string

// The containers.
const (
	JSON    Container = "json"
	JWS     Container = "jws"
	PNG     Container = "png"
	SVG     Container = "svg"
	Address Container = "address"
)

// Badge is a file that was asked about.
type Badge struct {
	foreign.Verdict
	// Container is the outermost, "" of a file that is none.
	Container Container
	// Payload is what was verified, as it came out of the container: JSON or a
	// compact JWS. It is what an import keeps.
	Payload []byte
	// Document is the JSON in Payload, of a JWS its content. Its Object is nil
	// when there is none.
	Document foreign.Document
	// Older is the badge when it is of an age before 3.0.
	Older ob2.Badge
}

// Verify reads file, at most bake.MaxImage bytes, and asks the seven questions
// of the badge in it. It fetches nothing but by in.Fetch, and keeps nothing.
// Of an image with a badge of both ages the newer is verified.
func Verify(file []byte, in foreign.Inquiry) Badge {
	var b Badge
	b.open(file, "", in)
	return b
}

func (b *Badge) refuse(r foreign.Reason, detail string) {
	b.Says(foreign.WellFormed, foreign.No, r, detail)
	for q := foreign.Shape; q <= foreign.Recipient; q++ {
		b.Says(q, foreign.Unknown, foreign.NotAsked, "")
	}
}

// open finds the payload. at is the address file came from, or "".
func (b *Badge) open(file []byte, at string, in foreign.Inquiry) {
	payloads, err := bake.Take(file)
	if errors.Is(err, bake.ErrNoImage) {
		b.payload(file, at, in)
		return
	}
	b.contain(PNG)
	if bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(file, []byte("\ufeff"))), []byte("<")) {
		b.Container = SVG
	}
	switch {
	case err != nil:
		b.refuse(imageFault(err), err.Error())
		return
	case len(payloads) == 0:
		b.refuse(foreign.NoBadge, "")
		return
	}
	chosen := payloads[0]
	for _, p := range payloads {
		if p.Keyword == bake.Credential {
			chosen = p
		}
	}
	b.payload(chosen.Text, at, in)
	if len(payloads) > 1 {
		b.Note(foreign.OlderBeside)
	}
	if chosen.URL != "" {
		b.Note(foreign.AddressInSVG)
	}
}

func (b *Badge) contain(c Container) {
	if b.Container == "" {
		b.Container = c
	}
}

func imageFault(err error) foreign.Reason {
	switch {
	case errors.Is(err, bake.ErrTooLarge):
		return foreign.TooLarge
	case errors.Is(err, bake.ErrTwice):
		return foreign.TwoPayloads
	case errors.Is(err, bake.ErrEmpty):
		return foreign.EmptyPayload
	case errors.Is(err, bake.ErrEntities):
		return foreign.DefinesEntity
	case errors.Is(err, bake.ErrText):
		return foreign.Malformed
	}
	return foreign.DamagedImage
}

// payload tells what a payload is by how it begins: JSON, then a JWS, then an
// address, since platforms baked all three under one keyword.
func (b *Badge) payload(text []byte, at string, in foreign.Inquiry) {
	text = bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(text), []byte("\ufeff")))
	word := len(text) <= jose.MaxBytes && !bytes.ContainsAny(text, " \t\r\n<>\"")
	switch {
	case len(text) > 0 && text[0] == '{':
		b.contain(JSON)
		b.document(text, at, in)
	case word && bytes.Count(text, []byte(".")) >= 2 && !bytes.ContainsAny(text, ":/"):
		b.contain(JWS)
		b.compact(text, in)
	case word && foreign.IsWeb(string(text)):
		b.contain(Address)
		b.address(string(text), at, in)
	case word && len(text) <= 2048 && bytes.IndexByte(text, ':') > 0:
		b.contain(Address)
		b.refuse(foreign.BadAddress, string(text))
	default:
		b.refuse(foreign.NoBadge, "")
	}
}

// address follows an address once: what stands there must be a badge itself.
func (b *Badge) address(url, at string, in foreign.Inquiry) {
	if at != "" {
		b.refuse(foreign.BadAddress, url)
		return
	}
	var v foreign.Verdict
	file, err := foreign.NewDocuments(in, &v).Bytes(url)
	switch {
	case errors.Is(err, foreign.ErrGone):
		b.refuse(foreign.AddressOnly, url)
		b.Says(foreign.WellFormed, foreign.Unknown, foreign.AddressOnly, url)
		b.Says(foreign.Status, foreign.No, foreign.Revoked, "")
	case foreign.Absent(err):
		b.refuse(foreign.AddressOnly, url)
		b.Says(foreign.WellFormed, foreign.Unknown, foreign.AddressOnly, url)
		b.Wanted = v.Wanted
	case err != nil:
		b.refuse(foreign.TooLarge, url)
	default:
		b.open(file, url, in)
	}
}

// document verifies JSON.
func (b *Badge) document(text []byte, at string, in foreign.Inquiry) {
	document, ok := b.parse(text, text)
	if !ok {
		return
	}
	version, kind := ob2.Classify(document.Object)
	switch {
	case ob3.Is(document.Object):
		b.Verdict = ob3.Verify(document, in)
	case version != "" || kind != "":
		b.Older, b.Verdict = ob2.Verify(document, at, in)
	default:
		b.refuse(foreign.NoBadge, "")
	}
}

// compact verifies a JWS whose payload is a credential or an assertion.
func (b *Badge) compact(text []byte, in foreign.Inquiry) {
	signed, err := jose.Parse(text)
	switch {
	case errors.Is(err, jose.ErrAlgorithm), errors.Is(err, jose.ErrCritical):
		b.refuse(foreign.BadAlgorithm, err.Error())
		return
	case err != nil:
		b.refuse(foreign.Malformed, err.Error())
		return
	}
	document, ok := b.parse(signed.Payload, text)
	if !ok {
		return
	}
	version, kind := ob2.Classify(document.Object)
	switch {
	case document.Object.Object("vc") != nil || ob3.Is(document.Object):
		b.Verdict = ob3.VerifyJWT(signed, document, in)
	case version != "" || kind != "":
		b.Older, b.Verdict = ob2.VerifyJWS(signed, document, in)
	default:
		b.refuse(foreign.NoBadge, "")
	}
}

func (b *Badge) parse(text, payload []byte) (foreign.Document, bool) {
	document, err := foreign.Parse(text)
	if err == nil {
		b.Document, b.Payload = document, payload
		return document, true
	}
	reason := foreign.Malformed
	switch {
	case errors.Is(err, foreign.ErrTooLarge):
		reason = foreign.TooLarge
	case errors.Is(err, foreign.ErrTooDeep):
		reason = foreign.TooDeep
	case errors.Is(err, foreign.ErrDuplicate):
		reason = foreign.Duplicate
	}
	b.refuse(reason, strings.ToValidUTF8(err.Error(), "?"))
	return document, false
}
