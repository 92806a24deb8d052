package api

import (
	"context"
	"slices"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// DisputeDetail is a signed doubt about an award, a class or an identity.
type DisputeDetail struct {
	Schema string `json:"schema,omitempty" doc:"not in lists"`
	Record
	Target     string    `json:"target" doc:"CID or DID"`
	TargetName string    `json:"targetName,omitempty"`
	By         Actor     `json:"by"`
	Reason     string    `json:"reason" enum:"never-happened,wrong-person,criteria-not-met,unsafe,copied,impersonation,other"`
	Comment    string    `json:"comment"`
	Until      time.Time `json:"until,omitzero"`
	Valid      bool      `json:"valid" doc:"its dates hold now"`
	Ignored    bool      `json:"ignored,omitzero" doc:"its author is not heard here"`
}

// DisputeList is an answer to "who disputes?".
type DisputeList struct {
	Schema   string          `json:"schema"`
	Disputes []DisputeDetail `json:"disputes"`
}

// DisputeRequest publishes a dispute.
type DisputeRequest struct {
	Target      string   `json:"target" doc:"CID of an award, a class or a profile that is here, or a DID"`
	Reason      string   `json:"reason" enum:"never-happened,wrong-person,criteria-not-met,unsafe,copied,impersonation,other"`
	Comment     string   `json:"comment" minLength:"1" doc:"what is wrong, for all to read"`
	Until       string   `json:"until,omitempty" doc:"a day or a time; two years count without" example:"2028-01-31"`
	Territories []string `json:"territories,omitempty" maxItems:"3" doc:"by default those of the target, or home"`
	As          string   `json:"as,omitempty" doc:"a DID or the name of a member; by default the community"`
}

func (s *Server) registerDisputes() {
	register(s, read, get("list-disputes", "/disputes", "List disputes, newest first"), s.listDisputes)
	register(s, write, post("open-dispute", "/disputes", "Dispute an award, a class or an identity, in the open"), s.openDispute)
}

func (s *Server) disputeView(r protocol.Record, state protocol.State, ignored []did.DID) DisputeDetail {
	doc := r.Document().(*badge.Dispute)
	out := DisputeDetail{
		Record: s.view(r, state), Target: doc.Target, By: s.actor(r.Author(), ""), Reason: doc.Reason, Comment: doc.Comment,
		Until: r.Until(), Valid: r.Valid(s.config.Node.Now()), Ignored: slices.Contains(ignored, r.Author()),
	}
	if t := r.Target(); t.DID != "" {
		out.TargetName = s.config.Node.NameOf(t.DID)
	} else if target, err := s.config.Node.Record(t.CID); err == nil {
		out.TargetName = title(target)
	}
	return out
}

type disputesInput struct {
	Page
	Target    string `query:"target" doc:"a CID or a DID"`
	By        string `query:"by" doc:"a DID"`
	Territory string `query:"territory"`
	Withdrawn bool   `query:"withdrawn" doc:"withdrawn ones too"`
}

func (s *Server) listDisputes(ctx context.Context, in *disputesInput) (*Body[DisputeList], error) {
	q := store.Query{Kinds: []protocol.Kind{protocol.Dispute}, Newest: true}
	var err error
	if in.Target != "" {
		if q.Target, err = parseTarget(in.Target); err != nil {
			return nil, err
		}
	}
	if q.Author, err = optionalDID("by", in.By); err != nil {
		return nil, err
	}
	if q.Territory, err = optionalTerritory(in.Territory); err != nil {
		return nil, err
	}
	viewpoint, err := s.config.Node.Viewpoint(ctx)
	if err != nil {
		return nil, err
	}
	out := DisputeList{"essaim.disputes/1", []DisputeDetail{}}
	for f, err := range s.config.Node.Store().Records(q) {
		if err != nil {
			return nil, err
		}
		if f.State != protocol.Live && !in.Withdrawn {
			continue
		}
		if out.Disputes = append(out.Disputes, s.disputeView(f.Record, f.State, viewpoint.Ignored)); len(out.Disputes) == in.Limit {
			break
		}
	}
	return body(out), nil
}

type disputeInput struct{ Body DisputeRequest }

func (s *Server) openDispute(ctx context.Context, in *disputeInput) (*Body[DisputeDetail], error) {
	b := &in.Body
	target, err := parseTarget(b.Target)
	if err != nil {
		return nil, err
	}
	d := node.DisputeDraft{CID: target.CID, DID: target.DID, Reason: b.Reason, Comment: b.Comment}
	if d.Until, err = parseDate("until", b.Until, true); err != nil {
		return nil, err
	}
	if d.Territories, err = territories(b.Territories); err != nil {
		return nil, err
	}
	if d.As, err = s.as(b.As); err != nil {
		return nil, err
	}
	r, err := s.config.Node.Dispute(ctx, d)
	if err != nil {
		return nil, err
	}
	out := s.disputeView(r, protocol.Live, nil)
	out.Schema = "essaim.dispute/1"
	return body(out), nil
}
