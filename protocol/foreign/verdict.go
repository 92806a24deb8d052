package foreign

import (
	"fmt"
	"slices"
	"time"
)

// Answer to a question about a badge. Unknown is neutral: it counts neither
// for nor against the badge.
type Answer uint8

// The three answers.
const (
	Unknown Answer = iota
	Yes
	No
)

// String returns unknown, yes or no.
func (a Answer) String() string { return [...]string{"unknown", "yes", "no"}[a] }

// Question is one thing that is asked of a badge, in the order of a Verdict.
type Question uint8

// The seven questions (spec/import.md §2).
const (
	WellFormed Question = iota // can it be read at all
	Shape                      // has it the members its standard wants
	Signature                  // do its bytes or its host vouch for it
	Issuer                     // is who vouches the issuer it names
	Dates                      // is now within its dates
	Status                     // has its issuer not taken it back
	Recipient                  // is it about the person who was offered
	questions
)

// String returns the question in one word.
func (q Question) String() string {
	return [...]string{"well_formed", "shape", "signature", "issuer", "dates", "status", "recipient"}[q]
}

// Finding is the answer to one question and why.
type Finding struct {
	Answer Answer
	Reason Reason
	Detail string // a member, an address or an algorithm; the badge's own words, not to be trusted
}

// Sentence is the finding for people, with full stops. Detail in it is text of
// others.
func (f Finding) Sentence() Sentence {
	s := sentences[f.Reason]
	if f.Detail == "" {
		return Sentence{s.English + ".", s.French + "."}
	}
	return Sentence{fmt.Sprintf("%s: %.200s.", s.English, f.Detail), fmt.Sprintf("%s : %.200s.", s.French, f.Detail)}
}

// Verdict is what this program can say of one badge at one moment. The zero
// value answers nothing.
type Verdict struct {
	// Standard is the text the badge follows: "OB 0.5" to "OB 3.0", "VC", or ""
	// of what is no badge.
	Standard string
	// Kind is the type of document as its standard calls it: Assertion,
	// OpenBadgeCredential, BadgeClass … or "".
	Kind     string
	Findings [questions]Finding
	// Wanted lists the addresses whose documents would have turned an unknown
	// into an answer, each once.
	Wanted []string
	// Notes are what was tolerated, each once.
	Notes []Note
}

// Note is a departure from the standard that does not decide anything.
type Note string

// The notes there are.
const (
	TimeWithoutZone   Note = "time_without_zone"    // taken for UTC
	DateWithoutTime   Note = "date_without_time"    // taken for the first second of the day, or of an end the last
	UnixTime          Note = "unix_time"            // seconds since 1970, as Open Badges 1.0 had
	DraftSuite        Note = "draft_suite"          // a cryptosuite by a name of before the standard
	EndorsementsAside Note = "endorsements_aside"   // carries endorsements, which were not verified
	AddressInSVG      Note = "address_beside"       // an image that also says where its assertion stands
	OlderBeside       Note = "older_badge_beside"   // an image with an Open Badges 2 payload beside the newer
	MailInTheClear    Note = "mail_in_the_clear"    // the recipient's e-mail is not hashed
	NobodyNamed       Note = "nobody_named"         // it says of nobody that they hold it
	DatesDiffer       Note = "dates_differ"         // an envelope with other dates than its content: the narrower count
	KeyInside         Note = "key_inside_the_badge" // it was checked with a key that only the badge itself names
)

var noteSentences = map[Note]Sentence{
	TimeWithoutZone:   {"A time in it has no zone: it was taken for UTC", "Une heure y est sans fuseau : elle a été prise pour UTC"},
	DateWithoutTime:   {"A date in it has no time: the whole day counts", "Une date y est sans heure : le jour entier compte"},
	UnixTime:          {"Its date is written as seconds since 1970, as long ago", "Sa date est écrite en secondes depuis 1970, comme autrefois"},
	DraftSuite:        {"It is signed by a draft of the standard", "Il est signé selon un brouillon du standard"},
	EndorsementsAside: {"It carries endorsements, which were not checked", "Il porte des soutiens, qui n’ont pas été vérifiés"},
	AddressInSVG:      {"The drawing also says where the badge stands on the web", "Le dessin dit aussi où le badge se trouve sur le web"},
	OlderBeside:       {"The image holds an older badge beside it, which was not checked", "L’image contient aussi un badge plus ancien, qui n’a pas été vérifié"},
	MailInTheClear:    {"It shows the e-mail address of its recipient to everybody", "Il montre à tout le monde l’adresse électronique de la personne"},
	NobodyNamed:       {"It says of nobody that they hold it", "Il ne dit pas à qui il est"},
	DatesDiffer:       {"Its envelope and its content have other dates: the narrower count", "Son enveloppe et son contenu ont des dates différentes : les plus étroites comptent"},
	KeyInside:         {"It was checked with a key that only the badge itself names", "Il a été vérifié avec une clé que lui seul désigne"},
}

// Notes returns the closed list.
func Notes() []Note {
	out := make([]Note, 0, len(noteSentences))
	for n := range noteSentences {
		out = append(out, n)
	}
	return out
}

// Sentence says the note to people, without a full stop.
func (n Note) Sentence() Sentence { return noteSentences[n] }

// Says sets the answer to a question.
func (v *Verdict) Says(q Question, a Answer, r Reason, detail string) {
	v.Findings[q] = Finding{a, r, detail}
}

// Note adds n unless it stands there.
func (v *Verdict) Note(n Note) {
	if !slices.Contains(v.Notes, n) {
		v.Notes = append(v.Notes, n)
	}
}

// Overall is No if some answer is, Yes if the six questions that are always
// asked have Yes and the recipient has not No, and Unknown otherwise.
func (v *Verdict) Overall() Answer {
	overall := Yes
	for q, f := range v.Findings {
		switch {
		case f.Answer == No:
			return No
		case f.Answer == Unknown && Question(q) != Recipient:
			overall = Unknown
		}
	}
	return overall
}

// Inquiry is what a verdict is asked under. Only Now is needed.
type Inquiry struct {
	// Now decides Dates alone.
	Now time.Time
	// Fetch returns the document at an address, or an error, ErrGone when the
	// address says that there is none any more. It is called with http and
	// https addresses alone, at most 12 times for one verdict. nil has no
	// document at hand.
	Fetch func(url string) ([]byte, error)
	// Recipient is an e-mail address or a DID, or "" to ask for nobody.
	Recipient string
}
