package api

import (
	"context"
	"errors"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// AnchorList is from where trust is seen here.
type AnchorList struct {
	Schema  string       `json:"schema"`
	Anchors []Anchor     `json:"anchors"`
	Lists   []Subscribed `json:"lists" doc:"identities whose endorsements at full weight are anchors here"`
	Ignored []Actor      `json:"ignored" doc:"whose disputes are not heard here"`
}

// Anchor is an identity this community trusts first.
type Anchor struct {
	Actor
	Own      bool      `json:"own,omitzero" doc:"the community itself, an anchor unless removed"`
	On       time.Time `json:"on,omitzero" doc:"when it was chosen here"`
	List     string    `json:"list,omitempty" doc:"DID of whose list it is on"`
	Endorses int       `json:"endorses" doc:"profiles; beyond 100 it deserves a look, each gets a whole point"`
}

// Subscribed is a list of anchors that is followed.
type Subscribed struct {
	Actor
	On   time.Time `json:"on"`
	Size int       `json:"size" doc:"anchors it gives today"`
}

// CandidateList is who could be chosen.
type CandidateList struct {
	Schema     string      `json:"schema"`
	Candidates []Candidate `json:"candidates" doc:"fifty at most, by name"`
}

// Candidate is a place or organisation that could be an anchor. That it is who it
// says it is, is for whoever knows it to judge.
type Candidate struct {
	Actor
	Kind      string    `json:"kind" enum:"organisation,place"`
	Territory Territory `json:"territory"`
}

func (s *Server) registerAnchors() {
	register(s, read, get("list-candidates", "/anchors/candidates", "Places and organisations of the territories followed that are no anchors yet"), s.listCandidates)
	register(s, read, get("list-anchors", "/anchors", "From where trust is seen here"), s.listAnchors)
	register(s, write, put("add-anchor", "/anchors/{id}", "Trust an identity first"), s.changeAnchors((*node.Node).AddAnchor))
	register(s, write, remove("remove-anchor", "/anchors/{id}", "Trust it first no more"), s.changeAnchors((*node.Node).RemoveAnchor))
	register(s, write, put("subscribe-anchors", "/anchors/lists/{id}", "Take as anchors all whom an identity endorses at full weight, as that changes"),
		s.changeAnchors((*node.Node).Subscribe))
	register(s, write, remove("unsubscribe-anchors", "/anchors/lists/{id}", "Stop following a list"), s.changeAnchors((*node.Node).Unsubscribe))
	register(s, write, put("ignore-disputer", "/disputes/ignored/{id}", "Hear the disputes of an identity no more"), s.changeAnchors((*node.Node).Ignore))
	register(s, write, remove("heed-disputer", "/disputes/ignored/{id}", "Hear them again"), s.changeAnchors((*node.Node).Heed))
}

func (s *Server) listCandidates(ctx context.Context, _ *struct{}) (*Body[CandidateList], error) {
	found, err := s.config.Node.AnchorCandidates(ctx)
	if err != nil {
		return nil, err
	}
	out := CandidateList{"essaim.anchor-candidates/1", []Candidate{}}
	for _, c := range found {
		in, err := s.named([]territory.ID{c.Territory})
		if err != nil {
			return nil, err
		}
		out.Candidates = append(out.Candidates, Candidate{Actor{string(c.DID), c.Name}, c.Kind, in[0]})
	}
	return body(out), nil
}

type didParam struct {
	ID string `path:"id" doc:"a DID" example:"did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"`
}

func (s *Server) listAnchors(ctx context.Context, _ *struct{}) (*Body[AnchorList], error) {
	v, err := s.config.Node.Viewpoint(ctx)
	if err != nil {
		return nil, err
	}
	out := AnchorList{Schema: "essaim.anchors/1", Anchors: []Anchor{}, Lists: []Subscribed{}, Ignored: []Actor{}}
	for _, a := range v.Anchors {
		out.Anchors = append(out.Anchors, Anchor{Actor{string(a.DID), a.Name}, a.Own, a.On, string(a.List), a.Endorses})
	}
	for _, l := range v.Lists {
		out.Lists = append(out.Lists, Subscribed{Actor{string(l.DID), l.Name}, l.On, l.Size})
	}
	for _, d := range v.Ignored {
		out.Ignored = append(out.Ignored, s.actor(d, ""))
	}
	return body(out), nil
}

// changeAnchors answers an act on one identity with what holds after it.
func (s *Server) changeAnchors(act func(*node.Node, context.Context, did.DID) error) func(context.Context, *didParam) (*Body[AnchorList], error) {
	return func(ctx context.Context, in *didParam) (*Body[AnchorList], error) {
		d, err := optionalDID("did", in.ID)
		if err == nil && d == "" {
			err = errors.New("no identity is given")
		}
		if err != nil {
			return nil, err
		}
		if err := act(s.config.Node, ctx, d); err != nil {
			return nil, err
		}
		return s.listAnchors(ctx, nil)
	}
}
