package node

import (
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// states are what trust reads in a status. A retired class changes nothing.
var states = map[string]trust.State{
	badge.Suspended: trust.Suspended, badge.Reinstated: trust.Reinstated, badge.Revoked: trust.Revoked,
	badge.Withdrawn: trust.Withdrawn, badge.Renounced: trust.Renounced, badge.Erased: trust.Erased,
}

// factOf returns what trust reads in a record (spec/trust.md §2), and nil for
// what says nothing about it. Whether an award shows the class it names is the
// caller's question.
func factOf(r protocol.Record) trust.Fact {
	record := trust.Digest(r.Digest())
	switch d := r.Document().(type) {
	case *badge.EndorsementCredential:
		of := trust.Target{Profile: d.Subject.TargetDID()}
		if of.Profile == "" {
			of.Record = digestOf(r.Target().CID)
		}
		return trust.Endorsement{
			Record: record, By: r.Author(), Of: of, Weight: d.Subject.Weight, From: begins(d.ValidFrom), Until: r.Until(),
		}
	case *badge.Dispute:
		return trust.Dispute{Record: record, By: r.Author(), Of: trustTarget(r.Target()), From: r.Created(), Until: r.Until()}
	case *badge.AchievementCredential:
		if d.Attests() {
			return nil // who checked a badge issued elsewhere does not say that its holder can do it
		}
		return trust.Award{
			Record: record, Issuer: r.Author(), Holder: r.Holder(), Class: digestOf(r.Class()),
			From: begins(d.ValidFrom), Until: r.Until(),
		}
	case *badge.Achievement:
		return trust.Class{Record: record, Creator: r.Author(), From: r.Created()}
	case *badge.Status:
		if d.State == badge.Compromised {
			return trust.Compromise{Record: record, Key: d.Author, Since: begins(d.Since), From: r.Created()}
		}
		if state, ok := states[d.State]; ok {
			return trust.Status{Record: record, By: d.Author, Target: digestOf(r.Target().CID), State: state, From: r.Created()}
		}
	case *badge.Succession:
		return trust.Succession{Record: record, By: d.From, To: d.To, From: r.Created()}
	}
	return nil
}

// begins reads a time that was verified.
func begins(s string) time.Time {
	t, err := badge.ParseTime(s)
	if err != nil {
		panic("node: unverified time: " + err.Error())
	}
	return t
}

// trustTarget names a target as trust does: an identity, or else a record.
func trustTarget(t protocol.Target) trust.Target {
	if t.DID != "" {
		return trust.Target{Profile: t.DID}
	}
	return trust.Target{Record: digestOf(t.CID)}
}
