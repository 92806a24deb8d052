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

// Sentence is one thing said to people in each of the two languages of this
// project, without a full stop unless it says otherwise.
type Sentence struct {
	English string `json:"en"`
	French  string `json:"fr"`
}

// sentences say each reason.
var sentences = map[Reason]Sentence{
	Readable: {
		"It can be read",
		"Il se lit",
	},
	NoBadge: {
		"There is no badge in it",
		"Il n’y a pas de badge dedans",
	},
	Malformed: {
		"It is not well-formed",
		"Il est mal formé",
	},
	TooLarge: {
		"It is larger than a badge may be",
		"Il est plus grand qu’un badge ne peut l’être",
	},
	TooDeep: {
		"Its parts stand too deep inside one another",
		"Ses éléments sont emboîtés trop profondément",
	},
	Duplicate: {
		"A name stands twice in it, so that readers may see different badges",
		"Un nom y figure deux fois : d’autres programmes y liraient un autre badge",
	},
	TwoPayloads: {
		"The image holds two badges of one kind, so that readers may see different ones",
		"L’image contient deux badges de la même sorte : d’autres programmes liraient l’autre",
	},
	EmptyPayload: {
		"The image has a place for a badge, and nothing in it",
		"L’image a la place d’un badge, et rien dedans",
	},
	DamagedImage: {
		"The image is damaged",
		"L’image est abîmée",
	},
	DefinesEntity: {
		"The drawing defines entities, which a badge has no use for",
		"Le dessin définit des entités, dont un badge n’a que faire",
	},
	BadAddress: {
		"It leads to an address that is neither http nor https",
		"Il mène à une adresse qui n’est ni http, ni https",
	},
	AddressOnly: {
		"It holds only the address of a badge",
		"Il ne contient que l’adresse d’un badge",
	},
	BadAlgorithm: {
		"It is signed by an algorithm that proves nothing, or that is not known here",
		"Il est signé d’une façon qui ne prouve rien, ou qui n’est pas connue ici",
	},
	Contradiction: {
		"Its envelope and its content say different things",
		"Son enveloppe et son contenu disent deux choses différentes",
	},

	Fits: {
		"It has what its standard asks for",
		"Il a tout ce que son standard demande",
	},
	Misshapen: {
		"It lacks what its standard asks for, or has it in another form",
		"Il lui manque quelque chose que son standard demande, ou c’est sous une autre forme",
	},
	OtherDocument: {
		"It is a document, but not a badge of a person",
		"C’est un document, mais pas le badge d’une personne",
	},

	SignatureFits: {
		"Its signature fits",
		"Sa signature est bonne",
	},
	Published: {
		"Its issuer's site publishes the same badge",
		"Le site de son émetteur publie le même badge",
	},
	SignatureWrong: {
		"Its signature does not fit: it was changed, or signed with another key",
		"Sa signature est fausse : le contenu a changé, ou une autre clé l’a signé",
	},
	Unsigned: {
		"Nobody has signed it",
		"Personne ne l’a signé",
	},
	Uncovered: {
		"It holds what its signature cannot cover",
		"Il contient des choses que sa signature ne peut pas couvrir",
	},
	Differs: {
		"Its issuer's site publishes another badge there",
		"Le site de son émetteur publie un autre badge à cet endroit",
	},
	UnknownSuite: {
		"It is signed in a way that is not known here",
		"Il est signé d’une façon qui n’est pas connue ici",
	},
	UnknownContext: {
		"It uses a vocabulary there is no copy of here",
		"Il emploie un vocabulaire dont il n’y a pas de copie ici",
	},
	UnknownKey: {
		"It is signed with a kind of key that is not known here",
		"Il est signé avec une sorte de clé qui n’est pas connue ici",
	},
	TooCostly: {
		"Checking its signature would cost too much",
		"Vérifier sa signature coûterait trop cher",
	},
	Disputed: {
		"Its signature does not fit as read here; it holds numbers or characters that programs write differently",
		"Sa signature ne correspond pas telle qu’on la lit ici ; il contient des nombres ou des caractères que les programmes écrivent différemment",
	},
	BadProof: {
		"Its signature lacks what a signature needs",
		"Il manque à sa signature ce qu’une signature doit avoir",
	},

	IssuersKey: {
		"The key is its issuer's",
		"La clé est celle de son émetteur",
	},
	IssuersSite: {
		"The site is its issuer's",
		"Le site est celui de son émetteur",
	},
	OtherSigner: {
		"It is signed by somebody else than its issuer",
		"Il est signé par quelqu’un d’autre que son émetteur",
	},
	KeyNotListed: {
		"Its issuer does not list the key it is signed with",
		"La clé qui l’a signé n’est pas parmi celles de son émetteur",
	},
	OtherOrigin: {
		"It stands on a site its issuer does not answer for",
		"Il se trouve sur un site dont son émetteur ne répond pas",
	},
	NobodyVouches: {
		"Nothing ties it to the issuer it names",
		"Rien ne le rattache à l’émetteur qu’il nomme",
	},

	InForce: {
		"It is in force today",
		"Il est en vigueur aujourd’hui",
	},
	Expired: {
		"It has ended",
		"Il n’est plus en vigueur : sa date de fin est passée",
	},
	NotYet: {
		"It begins later",
		"Il commence plus tard",
	},
	BadTime: {
		"Its dates cannot be read",
		"Ses dates ne se lisent pas",
	},

	NoStatus: {
		"Its issuer keeps no list of badges taken back",
		"Son émetteur ne tient pas de liste des badges retirés",
	},
	NotRevoked: {
		"Its issuer has not taken it back",
		"Son émetteur ne l’a pas retiré",
	},
	Revoked: {
		"Its issuer has taken it back",
		"Son émetteur l’a retiré",
	},
	UnknownStatus: {
		"Its issuer keeps a list of a kind that is not known here",
		"Son émetteur tient une liste d’une sorte qui n’est pas connue ici",
	},
	BadStatusList: {
		"The list of badges taken back cannot be read or is not its issuer's",
		"La liste des badges retirés ne se lit pas, ou n’est pas celle de son émetteur",
	},

	SameRecipient: {
		"It is about the person who was named",
		"Il est bien à la personne indiquée",
	},
	OtherRecipient: {
		"It is about another person",
		"Il est à une autre personne",
	},
	WeakHash: {
		"It hides its recipient by a method anybody can forge",
		"Il cache la personne par un procédé que n’importe qui peut imiter",
	},
	NoRecipient: {
		"It does not name a person in that way",
		"Il ne nomme pas la personne de cette façon",
	},

	NotAsked: {
		"It was not asked",
		"La question n’a pas été posée",
	},
	NotAtHand: {
		"What is needed stands on the network and was not at hand",
		"Ce qu’il faut pour répondre est sur le réseau, et n’a pas été lu",
	},
}

// Reasons returns the closed list.
func Reasons() []Reason {
	out := make([]Reason, 0, len(sentences))
	for r := range sentences {
		out = append(out, r)
	}
	return out
}
