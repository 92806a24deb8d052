package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// TrustState is how far this node's trust graph is.
type TrustState struct {
	Ready   bool   `json:"ready" doc:"all that was stored is in it; without, who answers without trust"`
	Facts   int    `json:"facts" doc:"what records say of trust"`
	Anchors int    `json:"anchors"`
	View    string `json:"view,omitempty" doc:"what is seen from where: figures of two nodes compare only if this is equal"`
}

// Standing is how well something is backed, in words and in figures.
type Standing struct {
	Level       int     `json:"level" minimum:"0" maximum:"4" doc:"0 unknown, 1 fragile, 2 backed, 3 solid, 4 very solid"`
	Word        string  `json:"word" doc:"the level for people"`
	Disputed    bool    `json:"disputed,omitzero"`
	Contested   bool    `json:"contested,omitzero"`
	For         string  `json:"for" doc:"points, exact" example:"2.055"`
	Against     string  `json:"against" doc:"points of disputes"`
	Net         string  `json:"net" doc:"points, by which answers of one level are ordered"`
	Score       float64 `json:"score" doc:"net / (net + 1)"`
	Approval    int     `json:"approval" doc:"for / (for + against), in millionths"`
	Independent int     `json:"independent" doc:"chains that share no actor, counted to 3"`
}

// TrustParty is an identity in an explanation.
type TrustParty struct {
	Actor
	Anchor bool `json:"anchor,omitzero" doc:"of this view"`
	Own    bool `json:"own,omitzero" doc:"the community of this node"`
}

// TrustStep is an actor of a chain and how it speaks for the next one.
type TrustStep struct {
	TrustParty
	Link   string `json:"link,omitempty" enum:"endorses,awards" doc:"absent from the last"`
	Record string `json:"record,omitempty" doc:"CID by which it does; of the last, by which it supports what is explained"`
}

// TrustChain is a way from an anchor to who supports what is explained.
type TrustChain struct {
	Steps    []TrustStep `json:"steps" doc:"from the anchor on"`
	Role     string      `json:"role" enum:"author,endorser,class-endorser" doc:"of the last"`
	Points   string      `json:"points"`
	Sentence string      `json:"sentence"`
}

// TrustVoice is who supports or disputes.
type TrustVoice struct {
	TrustParty
	Role    string `json:"role,omitempty" enum:"author,endorser,class-endorser" doc:"of a supporter"`
	Record  string `json:"record,omitempty" doc:"CID by which it says so"`
	Points  string `json:"points"`
	Reason  string `json:"reason,omitempty" doc:"of a dispute"`
	Comment string `json:"comment,omitempty" doc:"of a dispute"`
}

// TrustView is an explanation seen from some anchors.
type TrustView struct {
	Here        bool         `json:"here" doc:"from this community's own anchors"`
	Day         string       `json:"day" example:"2026-11-22"`
	AnchorCount int          `json:"anchorCount"`
	Anchors     []TrustParty `json:"anchors" doc:"the first twenty"`
	Counts      bool         `json:"counts" doc:"false for what is revoked, expired or not shown by its class"`
	Standing
	Sentences  []string     `json:"sentences" doc:"why, best first"`
	Supported  int          `json:"supported" doc:"how many supporters"`
	Supporters []TrustVoice `json:"supporters" doc:"the first twenty, most points first"`
	Disputers  []TrustVoice `json:"disputers" doc:"the first twenty, most points first; those ignored here left out"`
	Chains     []TrustChain `json:"chains" doc:"the three that bring most"`
	Confirm    int          `json:"confirm,omitzero" doc:"endorsers who hold the class from others than the issuer"`
	Among      []TrustParty `json:"among,omitempty" doc:"a circle that endorses one another while nothing from the anchors reaches it"`
}

// TrustExplanation is why to believe an award, a class or an identity.
type TrustExplanation struct {
	Schema string      `json:"schema"`
	Target string      `json:"target" doc:"CID or DID"`
	Kind   string      `json:"kind" enum:"award,class,identity"`
	Name   string      `json:"name,omitempty"`
	Author TrustParty  `json:"author" doc:"issuer, creator, or the identity"`
	Holder *TrustParty `json:"holder,omitempty" doc:"of an award"`
	Views  []TrustView `json:"views" doc:"one, or one for each seenFrom"`
}

// Trust is the short answer.
type Trust struct {
	Schema string `json:"schema"`
	Target string `json:"target" doc:"CID or DID"`
	Kind   string `json:"kind" enum:"award,class,identity"`
	Name   string `json:"name,omitempty"`
	Counts bool   `json:"counts" doc:"false for what is revoked, expired or not shown by its class"`
	Standing
	Reason string `json:"reason" doc:"in one sentence"`
}

// Lang is in which language sentences are.
type Lang struct {
	Lang string `query:"lang" enum:"fr,en" default:"en" doc:"of words and sentences"`
}

func (l Lang) words() node.Words { return node.Words{French: l.Lang == "fr"} }

func (s *Server) registerTrust() {
	register(s, read, get("get-trust", "/trust/{id}", "How well an award, a class or an identity is backed, seen from here"), s.getTrust)
	register(s, read, get("explain-trust", "/trust/{id}/explain", "Why to believe it: chains, disputes, and other views side by side"), s.explainTrust)
	register(s, read, post("preview-trust", "/trust/preview", "What would change if something were published"), s.previewTrust)
}

type trustInput struct {
	Lang
	ID string `path:"id" doc:"CID of an award, a class or a profile, or a DID"`
}

func (s *Server) getTrust(ctx context.Context, in *trustInput) (*Body[Trust], error) {
	target, err := parseTarget(in.ID)
	if err != nil {
		return nil, err
	}
	found, err := s.config.Node.Explain(ctx, target)
	if err != nil {
		return nil, err
	}
	e := found[0]
	return body(Trust{
		Schema: "essaim.trust/1", Target: targetText(e.Target), Kind: kindText(e.Kind), Name: e.Name, Counts: e.Why == trust.Counted,
		Standing: standingView(in.words(), e.Standing), Reason: in.words().Reason(e),
	}), nil
}

type explainInput struct {
	Lang
	ID       string   `path:"id" doc:"CID of an award, a class or a profile, or a DID"`
	SeenFrom []string `query:"seenFrom,explode" maxItems:"5" doc:"another set of anchors: DIDs with commas between; may be repeated"`
}

func (s *Server) explainTrust(ctx context.Context, in *explainInput) (*Body[TrustExplanation], error) {
	target, err := parseTarget(in.ID)
	if err != nil {
		return nil, err
	}
	views, err := s.config.Node.Explain(ctx, target)
	if err != nil {
		return nil, err
	}
	if len(in.SeenFrom) > 0 {
		var from [][]did.DID
		for _, text := range in.SeenFrom {
			var anchors []did.DID
			for one := range strings.SplitSeq(text, ",") {
				d, err := optionalDID("seenFrom", strings.TrimSpace(one))
				if err != nil {
					return nil, err
				}
				if d != "" {
					anchors = append(anchors, d)
				}
			}
			from = append(from, anchors)
		}
		others, err := s.config.Node.Explain(ctx, target, from...)
		if err != nil {
			return nil, err
		}
		views = append(views, others...)
	}
	e := views[0]
	out := TrustExplanation{
		Schema: "essaim.trust-explanation/1", Target: targetText(e.Target), Kind: kindText(e.Kind), Name: e.Name, Author: partyView(e.Author),
	}
	if e.Holder.DID != "" {
		holder := partyView(e.Holder)
		out.Holder = &holder
	}
	for _, e := range views {
		out.Views = append(out.Views, viewOf(in.words(), e))
	}
	return body(out), nil
}

func targetText(t protocol.Target) string {
	if t.DID != "" {
		return string(t.DID)
	}
	return t.CID.String()
}

func kindText(k protocol.Kind) string {
	if k == protocol.Profile {
		return "identity"
	}
	return k.String()
}

func standingView(w node.Words, s node.Standing) Standing {
	return Standing{
		Level: int(s.Level), Word: w.Level(s), Disputed: s.Disputed, Contested: s.Contested,
		For: s.For.String(), Against: s.Against.String(), Net: s.Net.String(), Score: s.Net.Score(),
		Approval: int(s.Approval), Independent: s.Independent,
	}
}

func partyView(p node.Party) TrustParty {
	return TrustParty{Actor{string(p.DID), p.Name}, p.Anchor, p.Own}
}

var roles = map[trust.Role]string{trust.Author: "author", trust.Endorser: "endorser", trust.ClassEndorser: "class-endorser"}

func viewOf(w node.Words, e node.Explanation) TrustView {
	v := TrustView{
		Here: e.Here, Day: time.Unix(int64(e.Day)*24*60*60, 0).UTC().Format(time.DateOnly), AnchorCount: e.Seen, Anchors: []TrustParty{},
		Counts: e.Why == trust.Counted, Standing: standingView(w, e.Standing), Sentences: w.Sentences(e), Supported: e.Supported,
		Supporters: []TrustVoice{}, Disputers: []TrustVoice{}, Chains: []TrustChain{}, Confirm: e.Confirm,
	}
	for _, a := range e.Anchors {
		v.Anchors = append(v.Anchors, partyView(a))
	}
	for _, x := range e.Supporters {
		v.Supporters = append(v.Supporters, voiceView(x, roles[x.Role]))
	}
	for _, x := range e.Disputers {
		v.Disputers = append(v.Disputers, voiceView(x, ""))
	}
	for _, c := range e.Chains {
		chain := TrustChain{Role: roles[c.Role], Points: c.Points.String(), Sentence: w.Chain(c, e.Kind, e.Here)}
		for i, p := range c.Parties {
			step := TrustStep{TrustParty: partyView(p)}
			if i < len(c.Links) {
				step.Link = map[node.Link]string{node.Endorses: "endorses", node.Awards: "awards"}[c.Links[i]]
			}
			if i < len(c.Records) {
				step.Record = c.Records[i].String()
			}
			chain.Steps = append(chain.Steps, step)
		}
		v.Chains = append(v.Chains, chain)
	}
	for _, p := range e.Among {
		v.Among = append(v.Among, partyView(p))
	}
	return v
}

func voiceView(v node.Voice, role string) TrustVoice {
	out := TrustVoice{TrustParty: partyView(v.Party), Role: role, Points: v.Points.String(), Reason: v.Reason, Comment: v.Comment}
	if v.Record.Defined() {
		out.Record = v.Record.String()
	}
	return out
}

// PreviewRequest is something that might be published.
type PreviewRequest struct {
	Act    string `json:"act" enum:"endorse,dispute,revoked,suspended,reinstated,withdrawn,renounced"`
	Target string `json:"target" doc:"CID or DID of what it is about"`
	Weight int    `json:"weight,omitzero" enum:"25,50,75,100" doc:"of the endorsement of an identity"`
	As     string `json:"as,omitempty" doc:"a DID or the name of a member; by default whoever would sign"`
	Lang   string `json:"lang,omitempty" enum:"fr,en" default:"en" doc:"of words"`
}

// TrustPreview is what would change, seen from here.
type TrustPreview struct {
	Schema  string        `json:"schema"`
	Looked  int           `json:"looked" doc:"awards, classes and identities that hang on the target directly"`
	Changes []TrustChange `json:"changes"`
}

// TrustChange is how one standing would change.
type TrustChange struct {
	Target       string   `json:"target" doc:"CID or DID"`
	Kind         string   `json:"kind" enum:"award,class,identity"`
	Name         string   `json:"name,omitempty"`
	Before       Standing `json:"before"`
	After        Standing `json:"after"`
	CountsBefore bool     `json:"countsBefore"`
	CountsAfter  bool     `json:"countsAfter" doc:"false for what would be out of force"`
}

type previewInput struct{ Body PreviewRequest }

func (s *Server) previewTrust(ctx context.Context, in *previewInput) (*Body[TrustPreview], error) {
	target, err := parseTarget(in.Body.Target)
	if err != nil {
		return nil, err
	}
	d := node.PreviewDraft{Act: in.Body.Act, Target: target, Weight: in.Body.Weight}
	if in.Body.As != "" {
		// Names of members are for who may write; who reads gives a DID.
		if d.As, err = did.Parse(in.Body.As); err != nil && isLocal(ctx) {
			d.As, err = s.as(in.Body.As)
		}
		if err != nil {
			return nil, &badge.Invalid{Member: "as", Why: "is not a did:key of an Ed25519 key"}
		}
	}
	p, err := s.config.Node.Preview(ctx, d)
	if err != nil {
		return nil, err
	}
	words := Lang{in.Body.Lang}.words()
	out := TrustPreview{Schema: "essaim.trust-preview/1", Looked: p.Looked, Changes: []TrustChange{}}
	for _, c := range p.Changes {
		out.Changes = append(out.Changes, TrustChange{
			Target: targetText(c.Target), Kind: kindText(c.Kind), Name: c.Name,
			Before: standingView(words, c.Before), After: standingView(words, c.After),
			CountsBefore: c.CountsBefore, CountsAfter: c.CountsAfter,
		})
	}
	return body(out), nil
}

func (s *Server) trustState() TrustState {
	r := s.config.Node.TrustReport()
	out := TrustState{Ready: r.Ready, Facts: r.Size.Facts, Anchors: r.Anchors}
	if r.Ready {
		out.View = r.View.String()
	}
	return out
}

// trustLevel reads a level a person typed, and "" as any.
func trustLevel(text string) (trust.Level, error) {
	if text == "" {
		return 0, nil
	}
	l, ok := node.ParseLevel(text)
	if !ok {
		return 0, newProblem(http.StatusUnprocessableEntity, "bad_value",
			"trust is not one of fragile, backed, solid, very-solid", "")
	}
	return l, nil
}
