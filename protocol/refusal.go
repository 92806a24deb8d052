package protocol

import (
	"errors"
	"fmt"

	"codeberg.org/essaim/essaim/protocol/proof"
)

// Reason is why a record was refused: one of the closed list below, each with a
// vector in spec/vectors.
type Reason string

// The reasons, in the order they are checked.
const (
	TooLarge         Reason = "too_large"
	TooDeep          Reason = "too_deep"
	Malformed        Reason = "malformed"
	NotCanonical     Reason = "not_canonical"
	DuplicateMember  Reason = "duplicate_member"
	BadNumber        Reason = "bad_number"
	NullValue        Reason = "null_value"
	EmptyArray       Reason = "empty_array"
	ControlCharacter Reason = "control_character"
	LoneSurrogate    Reason = "lone_surrogate"
	BlankNode        Reason = "blank_node"
	UnknownKind      Reason = "unknown_kind"
	BadContext       Reason = "bad_context"
	UnknownMember    Reason = "unknown_member"
	BadValue         Reason = "bad_value"
	BadTerritory     Reason = "bad_territory"
	NoConsent        Reason = "no_consent"
	BadProof         Reason = "bad_proof"
	BrokenChain      Reason = "broken_chain"
	WrongSigner      Reason = "wrong_signer"
	BadTime          Reason = "bad_time"
	WeakKey          Reason = "weak_key"
	BadSignature     Reason = "bad_signature"
	FutureDated      Reason = "future_dated"
	WrongTopic       Reason = "wrong_topic"
)

// Reasons lists every Reason in the order of checking.
var Reasons = []Reason{
	TooLarge, TooDeep, Malformed, NotCanonical, DuplicateMember, BadNumber, NullValue, EmptyArray,
	ControlCharacter, LoneSurrogate, BlankNode, UnknownKind, BadContext, UnknownMember, BadValue,
	BadTerritory, NoConsent, BadProof, BrokenChain, WrongSigner, BadTime, WeakKey, BadSignature,
	FutureDated, WrongTopic,
}

// Blame reports whether the reason proves that whoever sent the record is at
// fault. All do but FutureDated, where the wrong clock may be ours: of such a
// record everything else is right, so holding it is not holding rubbish.
func (r Reason) Blame() bool { return r != FutureDated }

// Refusal is the error of every function here that judges bytes of others.
type Refusal struct {
	Reason Reason
	// Detail says what was found, for logs and for whoever made the record.
	// It may quote the record and is not for strangers' eyes unescaped.
	Detail string
}

// Error implements error.
func (r *Refusal) Error() string {
	if r.Detail == "" {
		return "refused: " + string(r.Reason)
	}
	return "refused: " + string(r.Reason) + ": " + r.Detail
}

// Blame reports whether the sender is at fault.
func (r *Refusal) Blame() bool { return r.Reason.Blame() }

func refuse(reason Reason, format string, args ...any) error {
	return &Refusal{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}

// gateReasons names the faults of the gate.
var gateReasons = []struct {
	fault  error
	reason Reason
}{
	{proof.ErrTooLarge, TooLarge},
	{proof.ErrTooDeep, TooDeep},
	{proof.ErrMalformed, Malformed},
	{proof.ErrNotCanonical, NotCanonical},
	{proof.ErrDuplicateMember, DuplicateMember},
	{proof.ErrNumber, BadNumber},
	{proof.ErrNull, NullValue},
	{proof.ErrEmptyArray, EmptyArray},
	{proof.ErrControlCharacter, ControlCharacter},
	{proof.ErrSurrogate, LoneSurrogate},
	{proof.ErrBlankNode, BlankNode},
}

func refuseGate(err error) error {
	for _, g := range gateReasons {
		if errors.Is(err, g.fault) {
			return &Refusal{Reason: g.reason, Detail: err.Error()}
		}
	}
	return &Refusal{Reason: Malformed, Detail: err.Error()}
}
