package node

import (
	"context"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// DisputeDraft is what a person says to contest a record or an identity.
type DisputeDraft struct {
	CID         cid.Cid // an award or a class; a profile stands for its author
	DID         did.DID
	Reason      string // one of badge.DisputeReasons
	Comment     string // what is wrong, for all to read
	Until       time.Time
	Territories []territory.ID
	As          did.DID
}

// Dispute publishes a dispute. Of a record, the record must be here. It counts
// for trust for two years, and is withdrawn with SetStatus.
func (n *Node) Dispute(ctx context.Context, d DisputeDraft) (protocol.Record, error) {
	who, err := n.actor(d.As)
	if err != nil {
		return protocol.Record{}, err
	}
	target := string(d.DID)
	if d.CID.Defined() {
		r, err := n.store.Get(d.CID)
		if err != nil {
			return protocol.Record{}, err
		}
		switch r.Kind() {
		case protocol.Profile:
			target = string(r.Author())
		case protocol.Award, protocol.Class:
			target = d.CID.String()
		default:
			return protocol.Record{}, &badge.Invalid{Member: d.CID.String(), Why: "is a " + r.Kind().String() + ": only awards, classes and profiles are disputed"}
		}
		if d.Territories == nil {
			d.Territories = r.Territories()
		}
	}
	return n.issue(ctx, &badge.Dispute{
		Frame: who.frame(d.Territories), ID: newID(), Type: []string{"essaim:Dispute"}, Author: who.ref.ID,
		Target: target, Reason: d.Reason, Comment: d.Comment, Until: optionalTime(d.Until),
	}, who.ref.ID)
}
