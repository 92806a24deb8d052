package api

import (
	"context"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

// Endorsement backs an award, a class or an identity.
type Endorsement struct {
	Schema string `json:"schema,omitempty" doc:"not in lists"`
	Record
	Target     string    `json:"target" doc:"CID of the award or class, or DID"`
	TargetName string    `json:"targetName,omitempty"`
	Version    string    `json:"version,omitempty" doc:"CID of the profile that was read, of an identity"`
	By         Actor     `json:"by"`
	Comment    string    `json:"comment,omitempty"`
	Until      time.Time `json:"until,omitzero"`
	Weight     int       `json:"weight,omitzero"`
	Valid      bool      `json:"valid" doc:"its dates hold now"`
}

// EndorsementList is an answer to "who endorses?".
type EndorsementList struct {
	Schema       string        `json:"schema"`
	Endorsements []Endorsement `json:"endorsements"`
}

// EndorseRequest publishes an endorsement.
type EndorseRequest struct {
	Target      string   `json:"target" doc:"CID of an award, a class or a profile that is here, or a DID"`
	Comment     string   `json:"comment,omitempty" doc:"why"`
	Until       string   `json:"until,omitempty" doc:"a day or a time; two years count without" example:"2028-01-31"`
	Weight      int      `json:"weight,omitzero" enum:"25,50,75,100" doc:"of an identity, how strongly; 100 without"`
	Territories []string `json:"territories,omitempty" maxItems:"3" doc:"by default those of the target, or home"`
	As          string   `json:"as,omitempty" doc:"a DID or the name of a member; by default the community"`
}

func (s *Server) registerEndorsements() {
	register(s, read, get("list-endorsements", "/endorsements", "List endorsements, newest first"), s.listEndorsements)
	register(s, write, post("endorse", "/endorsements", "Endorse an award, a class or an identity"), s.endorse)
}

func (s *Server) endorsementView(r protocol.Record, state protocol.State) Endorsement {
	doc := r.Document().(*badge.EndorsementCredential)
	e := Endorsement{
		Record: s.view(r, state), Target: doc.Subject.CID, By: s.actor(r.Author(), doc.Issuer.Name),
		Comment: doc.Subject.Comment, Until: r.Until(), Weight: doc.Subject.Weight, Valid: r.Valid(s.config.Node.Now()),
	}
	if d := doc.Subject.TargetDID(); d != "" {
		e.Target, e.Version, e.TargetName = string(d), doc.Subject.CID, s.config.Node.NameOf(d)
		return e
	}
	if c, err := badge.ParseCID(doc.Subject.CID); err == nil {
		if target, err := s.config.Node.Record(c); err == nil {
			e.TargetName = title(target)
		}
	}
	return e
}

type endorsementsInput struct {
	Page
	Target    string `query:"target" doc:"a CID or a DID"`
	By        string `query:"by" doc:"a DID"`
	Territory string `query:"territory"`
	Withdrawn bool   `query:"withdrawn" doc:"withdrawn ones too"`
}

func (s *Server) listEndorsements(_ context.Context, in *endorsementsInput) (*Body[EndorsementList], error) {
	q := store.Query{Kinds: []protocol.Kind{protocol.Endorsement}, Newest: true}
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
	out := EndorsementList{"essaim.endorsements/1", []Endorsement{}}
	for f, err := range s.config.Node.Store().Records(q) {
		if err != nil {
			return nil, err
		}
		if f.State != protocol.Live && !in.Withdrawn {
			continue
		}
		if out.Endorsements = append(out.Endorsements, s.endorsementView(f.Record, f.State)); len(out.Endorsements) == in.Limit {
			break
		}
	}
	return body(out), nil
}

type endorseInput struct{ Body EndorseRequest }

func (s *Server) endorse(ctx context.Context, in *endorseInput) (*Body[Endorsement], error) {
	b := &in.Body
	target, err := parseTarget(b.Target)
	if err != nil {
		return nil, err
	}
	d := node.EndorsementDraft{CID: target.CID, DID: target.DID, Comment: b.Comment, Weight: b.Weight}
	if d.Until, err = parseDate("until", b.Until, true); err != nil {
		return nil, err
	}
	if d.Territories, err = territories(b.Territories); err != nil {
		return nil, err
	}
	if d.As, err = s.as(b.As); err != nil {
		return nil, err
	}
	r, err := s.config.Node.Endorse(ctx, d)
	if err != nil {
		return nil, err
	}
	e := s.endorsementView(r, protocol.Live)
	e.Schema = "essaim.endorsement/1"
	return body(e), nil
}
