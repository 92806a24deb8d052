package protocol

import (
	"fmt"

	"github.com/go-json-experiment/json/jsontext"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// Kind is one of the eight kinds of record. Its values are stored: they never
// change meaning.
type Kind uint8

// The kinds.
const (
	Profile Kind = 1 + iota
	Class
	Award
	Endorsement
	Status
	Dispute
	Notice
	Succession
)

// Kinds lists all kinds.
var Kinds = []Kind{Profile, Class, Award, Endorsement, Status, Dispute, Notice, Succession}

// kindTable is all that differs between kinds on the wire.
var kindTable = [...]struct {
	name    string
	types   string // the value of "type", canonical
	context string
	new     func() badge.Document
	proofs  []proofRule
}{
	Profile:     {"profile", `["Profile"]`, badge.DocumentContext, func() badge.Document { return new(badge.Profile) }, alone},
	Class:       {"class", `["Achievement"]`, badge.DocumentContext, func() badge.Document { return new(badge.Achievement) }, alone},
	Award:       {"award", `["VerifiableCredential","OpenBadgeCredential"]`, badge.CredentialContext, func() badge.Document { return new(badge.AchievementCredential) }, cosigned},
	Endorsement: {"endorsement", `["VerifiableCredential","EndorsementCredential"]`, badge.CredentialContext, func() badge.Document { return new(badge.EndorsementCredential) }, forWallets},
	Status:      {"status", `["essaim:Status"]`, badge.DocumentContext, func() badge.Document { return new(badge.Status) }, alone},
	Dispute:     {"dispute", `["essaim:Dispute"]`, badge.DocumentContext, func() badge.Document { return new(badge.Dispute) }, alone},
	Notice:      {"notice", `["essaim:Notice"]`, badge.DocumentContext, func() badge.Document { return new(badge.Notice) }, alone},
	Succession:  {"succession", `["essaim:Succession"]`, badge.DocumentContext, func() badge.Document { return new(badge.Succession) }, handedOver},
}

// proofRule is what one proof of a kind must be.
type proofRule struct {
	suite   string
	purpose string
	signer  func(badge.Document) did.DID
	chained bool // names the proof before it
	named   bool // has an id
}

// The four shapes a chain of proofs has.
var (
	alone      = []proofRule{{proof.JCS, proof.Assertion, author, false, false}}
	forWallets = []proofRule{
		{proof.RDFC, proof.Assertion, author, false, true},
		{proof.JCS, proof.Assertion, author, true, true},
	}
	cosigned = []proofRule{
		{proof.RDFC, proof.Assertion, author, false, true},
		{proof.JCS, proof.Assertion, author, true, true},
		{proof.JCS, proof.Authentication, holder, true, true},
	}
	handedOver = []proofRule{
		{proof.JCS, proof.Assertion, author, false, true},
		{proof.JCS, proof.Assertion, successor, true, true},
	}
)

// String returns the name of the kind, as in "award".
func (k Kind) String() string {
	if k < Profile || k > Succession {
		return fmt.Sprintf("kind %d", uint8(k))
	}
	return kindTable[k].name
}

// ParseKind returns the kind called name.
func ParseKind(name string) (Kind, error) {
	for _, k := range Kinds {
		if kindTable[k].name == name {
			return k, nil
		}
	}
	return 0, fmt.Errorf("%q is no kind of record (profile, class, award, endorsement, status, dispute, notice, succession)", name)
}

func kindOf(types []byte) (Kind, bool) {
	for _, k := range Kinds {
		if kindTable[k].types == string(types) {
			return k, true
		}
	}
	return 0, false
}

// KindOf returns the kind of record document becomes when issued.
func KindOf(document badge.Document) Kind {
	switch document.(type) {
	case *badge.Profile:
		return Profile
	case *badge.Achievement:
		return Class
	case *badge.AchievementCredential:
		return Award
	case *badge.EndorsementCredential:
		return Endorsement
	case *badge.Status:
		return Status
	case *badge.Dispute:
		return Dispute
	case *badge.Notice:
		return Notice
	case *badge.Succession:
		return Succession
	}
	panic(fmt.Sprintf("protocol: KindOf(%T)", document))
}

// author returns who makes the first signature.
func author(document badge.Document) did.DID {
	switch d := document.(type) {
	case *badge.Profile:
		return d.ID
	case *badge.Achievement:
		if d.Creator != nil {
			return d.Creator.ID
		}
		return ""
	case *badge.AchievementCredential:
		return d.Issuer.ID
	case *badge.EndorsementCredential:
		return d.Issuer.ID
	case *badge.Status:
		return d.Author
	case *badge.Dispute:
		return d.Author
	case *badge.Notice:
		return d.Author
	case *badge.Succession:
		return d.From
	}
	panic(fmt.Sprintf("protocol: author of %T", document))
}

func holder(document badge.Document) did.DID {
	return document.(*badge.AchievementCredential).Subject.ID
}

func successor(document badge.Document) did.DID { return document.(*badge.Succession).To }

// context returns the @context of a kind.
func (k Kind) context() jsontext.Value { return jsontext.Value(kindTable[k].context) }
