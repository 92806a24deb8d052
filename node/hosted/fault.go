package hosted

import (
	"fmt"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// Fault says why an address was not read. The list is closed.
type Fault string

// The faults there are.
const (
	Offline     Fault = "offline"       // this node asks the web nothing
	BadAddress  Fault = "bad_address"   // no address of a host
	NotSecure   Fault = "not_secure"    // other than https
	Inside      Fault = "inside"        // leads to no public address
	Unreachable Fault = "unreachable"   // no answer, or one nobody can trust
	Refused     Fault = "refused"       // an answer other than 200 and 410
	TooManyHops Fault = "too_many_hops" // sent on and on
	BadHop      Fault = "bad_hop"       // sent on to what is no https address
	WrongType   Fault = "wrong_type"    // a page for people, or anything else
	Compressed  Fault = "compressed"    // though that was not asked for
	TooLarge    Fault = "too_large"
	TooSlow     Fault = "too_slow"
)

var sentences = map[Fault]foreign.Sentence{
	Offline:     {English: "This node is set to ask the web nothing", French: "Ce nœud est réglé pour ne rien demander au web"},
	BadAddress:  {English: "It is no address of a web site", French: "Ce n’est pas l’adresse d’un site"},
	NotSecure:   {English: "Only https addresses are read", French: "Seules les adresses https sont lues"},
	Inside:      {English: "It leads to no public address: it is not read", French: "Elle ne mène pas à une adresse publique : elle n’est pas lue"},
	Unreachable: {English: "The site cannot be reached safely", French: "Le site ne peut pas être joint de façon sûre"},
	Refused:     {English: "The site did not give it", French: "Le site ne l’a pas donnée"},
	TooManyHops: {English: "The site sends on from address to address", French: "Le site renvoie d’adresse en adresse"},
	BadHop:      {English: "The site sends on to what is no https address", French: "Le site renvoie vers autre chose qu’une adresse https"},
	WrongType:   {English: "What stands there is no badge, nor a document of one", French: "Ce qui s’y trouve n’est ni un badge, ni un document de badge"},
	Compressed:  {English: "It came compressed, which was not asked for", French: "La réponse est compressée, ce qui n’était pas demandé"},
	TooLarge:    {English: "It is larger than a badge may be", French: "La réponse est plus grande qu’un badge ne peut l’être"},
	TooSlow:     {English: "The site took too long", French: "Le site a mis trop de temps"},
}

// Faults returns the closed list.
func Faults() []Fault {
	out := make([]Fault, 0, len(sentences))
	for f := range sentences {
		out = append(out, f)
	}
	return out
}

// Sentence says the fault to people, without a full stop.
func (f Fault) Sentence() foreign.Sentence { return sentences[f] }

// Error is why an address was not read.
type Error struct {
	Address string
	Fault   Fault
	Detail  string // a status, a type, the system's reason; may be of others
}

// Error implements error.
func (e *Error) Error() string {
	s := fmt.Sprintf("%.80q: %s", e.Address, sentences[e.Fault].English)
	if e.Detail != "" {
		s += " (" + e.Detail + ")"
	}
	return s
}
