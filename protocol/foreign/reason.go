package foreign

// Reason says why a finding is what it is. The list is closed, and each is met
// by a test of protocol/ob.
type Reason string

// Reasons, by question. A reason serves other questions where the same holds.
const (
	// WellFormed.
	Readable      Reason = "readable"
	NoBadge       Reason = "no_badge"
	Malformed     Reason = "malformed"
	TooLarge      Reason = "too_large"
	TooDeep       Reason = "too_deep"
	Duplicate     Reason = "duplicate_member"
	TwoPayloads   Reason = "two_payloads"
	EmptyPayload  Reason = "empty_payload"
	DamagedImage  Reason = "damaged_image"
	DefinesEntity Reason = "defines_entities"
	BadAddress    Reason = "bad_address"
	AddressOnly   Reason = "address_only"
	BadAlgorithm  Reason = "bad_algorithm"
	Contradiction Reason = "contradiction"

	// Shape.
	Fits          Reason = "fits_its_standard"
	Misshapen     Reason = "misshapen"
	OtherDocument Reason = "other_document"

	// Signature.
	SignatureFits  Reason = "signature_fits"
	Published      Reason = "published"
	SignatureWrong Reason = "signature_wrong"
	Unsigned       Reason = "unsigned"
	Uncovered      Reason = "uncovered"
	Differs        Reason = "differs"
	UnknownSuite   Reason = "unknown_suite"
	UnknownContext Reason = "unknown_context"
	UnknownKey     Reason = "unknown_key"
	TooCostly      Reason = "too_costly"
	Disputed       Reason = "disputed_form"
	BadProof       Reason = "bad_proof"

	// Issuer.
	IssuersKey    Reason = "issuers_key"
	IssuersSite   Reason = "issuers_site"
	OtherSigner   Reason = "other_signer"
	KeyNotListed  Reason = "key_not_listed"
	OtherOrigin   Reason = "other_origin"
	NobodyVouches Reason = "nobody_vouches"

	// Dates.
	InForce Reason = "in_force"
	Expired Reason = "expired"
	NotYet  Reason = "not_yet"
	BadTime Reason = "bad_time"

	// Status.
	NoStatus      Reason = "no_status"
	NotRevoked    Reason = "not_revoked"
	Revoked       Reason = "revoked"
	UnknownStatus Reason = "unknown_status"
	BadStatusList Reason = "bad_status_list"

	// Recipient.
	SameRecipient  Reason = "same_recipient"
	OtherRecipient Reason = "other_recipient"
	WeakHash       Reason = "weak_hash"
	NoRecipient    Reason = "no_recipient"

	// Any.
	NotAsked  Reason = "not_asked"
	NotAtHand Reason = "not_at_hand"
)

// sentences say each reason in English, without a full stop.
var sentences = map[Reason]string{
	Readable:      "It can be read",
	NoBadge:       "There is no badge in it",
	Malformed:     "It is not well-formed",
	TooLarge:      "It is larger than a badge may be",
	TooDeep:       "Its parts stand too deep inside one another",
	Duplicate:     "A name stands twice in it, so that readers may see different badges",
	TwoPayloads:   "The image holds two badges of one kind, so that readers may see different ones",
	EmptyPayload:  "The image has a place for a badge, and nothing in it",
	DamagedImage:  "The image is damaged",
	DefinesEntity: "The drawing defines entities, which a badge has no use for",
	BadAddress:    "It leads to an address that is neither http nor https",
	AddressOnly:   "It holds only the address of a badge",
	BadAlgorithm:  "It is signed by an algorithm that proves nothing, or that is not known here",
	Contradiction: "Its envelope and its content say different things",

	Fits:          "It has what its standard asks for",
	Misshapen:     "It lacks what its standard asks for, or has it in another form",
	OtherDocument: "It is a document, but not a badge of a person",

	SignatureFits:  "Its signature fits",
	Published:      "Its issuer's site publishes the same badge",
	SignatureWrong: "Its signature does not fit: it was changed, or signed with another key",
	Unsigned:       "Nobody has signed it",
	Uncovered:      "It holds what its signature cannot cover",
	Differs:        "Its issuer's site publishes another badge there",
	UnknownSuite:   "It is signed in a way that is not known here",
	UnknownContext: "It uses a vocabulary there is no copy of here",
	UnknownKey:     "It is signed with a kind of key that is not known here",
	TooCostly:      "Checking its signature would cost too much",
	Disputed:       "Its signature does not fit as read here; it holds numbers or characters that programs write differently",
	BadProof:       "Its signature lacks what a signature needs",

	IssuersKey:    "The key is its issuer's",
	IssuersSite:   "The site is its issuer's",
	OtherSigner:   "It is signed by somebody else than its issuer",
	KeyNotListed:  "Its issuer does not list the key it is signed with",
	OtherOrigin:   "It stands on a site its issuer does not answer for",
	NobodyVouches: "Nothing ties it to the issuer it names",

	InForce: "It is in force today",
	Expired: "It has ended",
	NotYet:  "It begins later",
	BadTime: "Its dates cannot be read",

	NoStatus:      "Its issuer keeps no list of badges taken back",
	NotRevoked:    "Its issuer has not taken it back",
	Revoked:       "Its issuer has taken it back",
	UnknownStatus: "Its issuer keeps a list of a kind that is not known here",
	BadStatusList: "The list of badges taken back cannot be read or is not its issuer's",

	SameRecipient:  "It is about the person who was named",
	OtherRecipient: "It is about another person",
	WeakHash:       "It hides its recipient by a method anybody can forge",
	NoRecipient:    "It does not name a person in that way",

	NotAsked:  "It was not asked",
	NotAtHand: "What is needed stands on the network and was not at hand",
}

// Reasons returns the closed list.
func Reasons() []Reason {
	out := make([]Reason, 0, len(sentences))
	for r := range sentences {
		out = append(out, r)
	}
	return out
}
