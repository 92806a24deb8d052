// Package badge is the vocabulary of the eight kinds of record: what each
// document may hold and which values are allowed.
//
// The text it obeys is "Open Badges Specification v3.0" (1EdTech, final) over
// "Verifiable Credentials Data Model v2.0", narrowed by spec/records.md §4: a
// document has the members of its type here and no others, so that every term
// is defined in the three pinned contexts and in urn:essaim:ns:.
//
// Validate of each type checks values alone. Bytes, proofs, times and places
// are checked by package protocol, which is the only maker of records.
package badge

import (
	"github.com/go-json-experiment/json/jsontext"

	"codeberg.org/essaim/essaim/protocol/proof"
)

// The two contexts a document may have, as canonical JSON: of Verifiable
// Credentials (awards and endorsements) and of every other kind.
const (
	CredentialContext = `["` + proof.ContextCredentials + `","` + proof.ContextOpenBadges + `",{"essaim":"urn:essaim:ns:"}]`
	DocumentContext   = `["` + proof.ContextCredentials + `","` + proof.ContextOpenBadges + `","` + proof.ContextDataIntegrity + `",{"essaim":"urn:essaim:ns:"}]`
)

// Document is one of the eight types of this package, by pointer.
type Document interface {
	// Validate returns an *Invalid naming the first member whose value is
	// not allowed, or nil.
	Validate() error
	// Framed returns the members every document has.
	Framed() *Frame
	document()
}

// Frame is what every document has: its context, where it belongs and its proofs.
type Frame struct {
	// Context is CredentialContext or DocumentContext.
	Context jsontext.Value `json:"@context,omitempty"`
	// Territory holds one to three territory ids, without repetition. It is
	// signed, and places the record on its topics.
	Territory []string `json:"essaim:territory,omitempty"`
	// Proof is empty until the document is signed.
	Proof []proof.Proof `json:"proof,omitempty"`
}

// Framed implements Document.
func (f *Frame) Framed() *Frame { return f }

func (f *Frame) document() {}

// Invalid is a value a document may not have.
type Invalid struct {
	Member string // path of the member, "alignment[1].targetUrl"
	Why    string // what is wrong, "is not an absolute address"
}

// Error implements error.
func (e *Invalid) Error() string { return e.Member + " " + e.Why }
