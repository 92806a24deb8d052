package node

import (
	"errors"
	"fmt"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

// Examination is what can be said here of some bytes that claim to be a badge.
type Examination struct {
	Record protocol.Record // zero when the bytes are none
	// Offer is set when they are an award its holder has not accepted yet.
	Offer *badge.AchievementCredential
	// Foreign is set when they are a badge made elsewhere, or none at all:
	// ExamineFile alone does. Its findings are the checks.
	Foreign *Foreign
	Verdict string // valid, invalid, revoked or incomplete
	State   string
	Checks  []Check
}

// Check is one question, answered yes, no or unknown.
type Check struct{ Name, Answer, Detail string }

const (
	yes     = "yes"
	no      = "no"
	unknown = "unknown"
)

// Examine answers each question about raw, a record or an offer, without
// keeping it. What
// cannot be known here counts neither for nor against: the verdict is then
// incomplete. It costs some milliseconds, for the proof wallets read.
func (n *Node) Examine(raw []byte) (Examination, error) {
	var x Examination
	say := func(name, answer, format string, args ...any) {
		x.Checks = append(x.Checks, Check{name, answer, fmt.Sprintf(format, args...)})
	}
	r, err := protocol.Verify(raw, n.now())
	var refusal *protocol.Refusal
	if errors.As(err, &refusal) {
		x.Verdict = "invalid"
		switch refusal.Reason {
		case protocol.NoConsent:
			n.examineOffer(&x, raw, say)
		case protocol.BadSignature, protocol.WeakKey:
			say("form", yes, "")
			say("signature", no, "%s", refusal.Detail)
		case protocol.FutureDated:
			x.Verdict = "incomplete" // the wrong clock may be ours
			say("dates", unknown, "it is dated in the future: check the clock of this computer")
		default:
			say("form", no, "%s: %s", refusal.Reason, refusal.Detail)
		}
		return x, nil
	}
	if err != nil {
		return x, err
	}
	x.Record = r
	say("form", yes, "%s", r.Kind())
	say("signature", yes, "Ed25519, %s", r.Author())
	if err := protocol.VerifyLinkedData(r); err != nil {
		x.Verdict = "invalid"
		say("linked-data", no, "%v", err)
		return x, nil
	}
	if r.Kind() == protocol.Award {
		say("consent", yes, "accepted on %s", r.Created().Format("2006-01-02"))
		if err := n.examineClass(r, say); err != nil {
			return x, err
		}
	}
	if r.Valid(n.now()) {
		say("dates", yes, "")
	} else {
		say("dates", no, "not valid at this date")
	}
	if err := n.examineState(&x, say); err != nil {
		return x, err
	}
	if name := n.NameOf(r.Author()); name != "" {
		say("issuer", yes, "%s", name)
	} else {
		say("issuer", unknown, "this node has no profile of the issuer")
	}
	x.Verdict = conclude(x)
	return x, nil
}

// examineOffer answers about an award its holder has not accepted: with good
// signatures of its issuer it is incomplete, not wrong.
func (n *Node) examineOffer(x *Examination, raw []byte, say func(name, answer, format string, args ...any)) {
	offer, err := protocol.ParseOffer(raw, n.now())
	if err != nil {
		say("signature", no, "%v", err)
		return
	}
	x.Offer, x.Verdict = offer, "incomplete"
	say("form", yes, "an offer")
	say("signature", yes, "Ed25519, %s", offer.Issuer.ID)
	say("consent", unknown, "the holder has not accepted it yet: it is an offer")
}

func (n *Node) examineClass(r protocol.Record, say func(name, answer, format string, args ...any)) error {
	class, err := n.store.Get(r.Class())
	switch {
	case errors.Is(err, store.ErrNotFound):
		say("class", unknown, "this node does not have the class")
		return nil
	case err != nil:
		return err
	case !protocol.Matches(r, class):
		say("class", no, "the badge shows another class than the one it names")
		return nil
	}
	say("class", yes, "%s", class.Document().(*badge.Achievement).Name)
	outside, err := n.OutsideRule(r)
	if err != nil {
		return err
	}
	if outside {
		say("rule", no, "awarded by somebody the class does not let")
	} else {
		say("rule", yes, "")
	}
	return nil
}

func (n *Node) examineState(x *Examination, say func(name, answer, format string, args ...any)) error {
	state, err := n.store.State(x.Record.CID())
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.State = ""
		say("status", unknown, "this node has not received it: a revocation would not be known")
		return nil
	case errors.Is(err, store.ErrErased):
		state = protocol.Erased
	case err != nil:
		return err
	}
	x.State = state.String()
	if state == protocol.Live {
		say("status", yes, "as known here")
	} else {
		say("status", no, "%s", state)
	}
	return nil
}

// conclude draws the verdict from the checks. Who issued it, and by which rule,
// is for the reader to judge: it does not make a badge invalid.
func conclude(x Examination) string {
	verdict := "valid"
	for _, c := range x.Checks {
		switch {
		case c.Answer == no && c.Name == "status":
			return "revoked"
		case c.Answer == no && c.Name != "rule":
			return "invalid"
		case c.Answer == unknown && c.Name != "issuer":
			verdict = "incomplete"
		}
	}
	return verdict
}
