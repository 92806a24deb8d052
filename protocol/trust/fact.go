package trust

import (
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Fact is what trust reads in one verified record: an Endorsement, a Dispute,
// an Award, a Class, a Status, a Succession or a Compromise. Other records say
// nothing about trust.
type Fact interface {
	// check returns why the fact cannot come of a record, or nil.
	check() error
	// name returns the digest of the record.
	name() Digest
}

// Target is what an endorsement or a dispute is about, and what is asked about:
// a profile, or else a record.
type Target struct {
	Profile did.DID
	Record  Digest
}

// Endorsement speaks for a profile, a class or an award. The endorsement of a
// profile, whichever version was read, is of the actor.
type Endorsement struct {
	Record      Digest
	By          did.DID
	Of          Target
	Weight      int       // of a profile: 25, 50, 75 or 100; 0 means 100
	From, Until time.Time // a zero Until means none of its own
}

// Dispute doubts a profile, a class or an award.
type Dispute struct {
	Record      Digest
	By          did.DID
	Of          Target
	From, Until time.Time // From is the signed time
}

// Award says that Issuer awarded the class to Holder. One whose embedded class
// is not the class it names is no fact (protocol.Matches).
type Award struct {
	Record         Digest
	Issuer, Holder did.DID
	Class          Digest
	From, Until    time.Time
}

// Class says who made a class.
type Class struct {
	Record  Digest
	Creator did.DID
	From    time.Time // the signed time
}

// State is what a Status makes of its target.
type State uint8

// The states that matter to trust. A retired class changes nothing, nor does
// an erased profile or notice.
const (
	Suspended State = 1 + iota
	Reinstated
	Revoked
	Withdrawn
	Renounced
	Erased
)

// Status changes the state of one record. It has an effect only where its
// author is entitled to it: an issuer suspends, reinstates and revokes an
// award, a holder renounces or erases it, an author withdraws an endorsement or
// a dispute. Any key of the same identity will do.
type Status struct {
	Record Digest
	By     did.DID
	Target Digest
	State  State
	From   time.Time // the signed time
}

// Succession hands the identity of one key over to another.
type Succession struct {
	Record Digest
	By, To did.DID
	From   time.Time // the signed time
}

// Compromise says that Key is not to be believed from Since on.
type Compromise struct {
	Record Digest
	Key    did.DID
	Since  time.Time
	From   time.Time // the signed time
}

func (f Endorsement) name() Digest { return f.Record }
func (f Dispute) name() Digest     { return f.Record }
func (f Award) name() Digest       { return f.Record }
func (f Class) name() Digest       { return f.Record }
func (f Status) name() Digest      { return f.Record }
func (f Succession) name() Digest  { return f.Record }
func (f Compromise) name() Digest  { return f.Record }

func (f Endorsement) check() error {
	switch {
	case f.By == "":
		return fmt.Errorf("endorsement %s: nobody signed it", f.Record)
	case (f.Of.Profile == "") == f.Of.Record.IsZero():
		return fmt.Errorf("endorsement %s: of neither or both of a profile and a record", f.Record)
	case f.Weight < 0 || f.Weight > 100 || f.Weight%25 != 0:
		return fmt.Errorf("endorsement %s: weight %d is not 25, 50, 75 or 100", f.Record, f.Weight)
	}
	return nil
}

func (f Dispute) check() error {
	switch {
	case f.By == "":
		return fmt.Errorf("dispute %s: nobody signed it", f.Record)
	case (f.Of.Profile == "") == f.Of.Record.IsZero():
		return fmt.Errorf("dispute %s: of neither or both of a profile and a record", f.Record)
	}
	return nil
}

func (f Award) check() error {
	if f.Issuer == "" || f.Holder == "" || f.Class.IsZero() {
		return fmt.Errorf("award %s: issuer, holder or class is missing", f.Record)
	}
	return nil
}

func (f Class) check() error {
	if f.Creator == "" {
		return fmt.Errorf("class %s: nobody made it", f.Record)
	}
	return nil
}

func (f Status) check() error {
	if f.By == "" || f.Target.IsZero() || f.State < Suspended || f.State > Erased {
		return fmt.Errorf("status %s: author, target or state is missing", f.Record)
	}
	return nil
}

func (f Succession) check() error {
	if f.By == "" || f.To == "" || f.By == f.To {
		return fmt.Errorf("succession %s: not from one key to another", f.Record)
	}
	return nil
}

func (f Compromise) check() error {
	if f.Key == "" {
		return fmt.Errorf("compromise %s: of no key", f.Record)
	}
	return nil
}
