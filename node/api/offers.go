package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// Offer is an award its holder has not accepted yet.
type Offer struct {
	Schema    string    `json:"schema,omitempty" doc:"not in lists"`
	ID        string    `json:"id" doc:"of the credential, urn:uuid"`
	Class     string    `json:"class" doc:"CID of the class"`
	ClassName string    `json:"className"`
	Holder    string    `json:"holder" doc:"a DID"`
	To        string    `json:"to,omitempty" doc:"the name the badge was awarded to; it stays on this node"`
	Expires   time.Time `json:"expires" doc:"until then it can be claimed"`
	Claimed   string    `json:"claimed,omitempty" doc:"CID of the badge once it was"`
	Code      string    `json:"code,omitempty" doc:"shown once, when the badge is awarded" example:"7KQ2-MD4X-P9TR"`
	ClaimLink string    `json:"claimLink,omitempty" doc:"a page to claim it, when the node knows its own address"`
}

// OfferDetail is an offer with what its holder reads before accepting.
type OfferDetail struct {
	Offer
	Issuer      Actor      `json:"issuer"`
	Description string     `json:"description"`
	Criteria    string     `json:"criteria,omitempty"`
	CriteriaURL string     `json:"criteriaUrl,omitempty"`
	Level       int        `json:"level,omitzero"`
	Narrative   string     `json:"narrative,omitempty"`
	Evidence    []Evidence `json:"evidence,omitempty"`
	Origin      *Origin    `json:"origin,omitempty" doc:"of what was issued elsewhere: who claims it accepts that this is told"`
	AwardedOn   string     `json:"awardedOn,omitempty"`
	Until       string     `json:"until,omitempty"`
	Territories []string   `json:"territories" doc:"where it will be seen"`
	Document    string     `json:"document" doc:"the award with the proofs of its issuer, byte for byte: the file a holder elsewhere claims it from"`
}

// OfferList is an answer to "what waits to be claimed?".
type OfferList struct {
	Schema string  `json:"schema"`
	Offers []Offer `json:"offers"`
}

// AwardRequest awards a badge.
type AwardRequest struct {
	Class       string     `json:"class" minLength:"1" doc:"CID of a class, or the name of exactly one that is not retired" example:"Découpe laser"`
	To          string     `json:"to" minLength:"1" doc:"a DID, or the name of a member, who gets a key the first time"`
	Level       int        `json:"level,omitzero" minimum:"1" maximum:"5" doc:"needed when the class has several"`
	Narrative   string     `json:"narrative,omitempty" doc:"what was done"`
	Evidence    []Evidence `json:"evidence,omitempty" maxItems:"16"`
	AwardedOn   string     `json:"awardedOn,omitempty" doc:"a day or a time; now without" example:"2026-11-02"`
	Until       string     `json:"until,omitempty" doc:"a day or a time; for ever without"`
	Territories []string   `json:"territories,omitempty" maxItems:"3" doc:"by default the home territory"`
	As          string     `json:"as,omitempty" doc:"a DID or the name of a member; by default the community"`
}

// ClaimRequest accepts an offer: by its code, or from its file.
type ClaimRequest struct {
	Code       string `json:"code,omitempty" maxLength:"64"`
	Document   string `json:"document,omitempty" doc:"an offer byte for byte, for a holder whose key is here; needs a token that writes"`
	PublicName string `json:"publicName,omitempty" maxLength:"256" doc:"publishes the holder's name in a profile of their own; without it they stay a key"`
}

func (s *Server) registerOffers() {
	award := post("award-badge", "/badges/award", "Award a badge: an offer, private until its holder claims it")
	register(s, write, award, s.award)
	register(s, write, get("list-offers", "/offers", "Badges awarded here, the last to expire first"), s.listOffers)
	one := get("get-offer", "/offers/{code}", "What a claim code stands for", http.StatusConflict)
	one.Description = "Needs no token: the code is the secret. Over TCP, tries are limited."
	register(s, public, one, s.getOffer)
	claim := post("claim-badge", "/badges/claim", "Accept a badge as its holder: it becomes public in its territories")
	claim.Errors = []int{http.StatusUnauthorized}
	claim.Description = "By code it needs no token, and tries are limited over TCP."
	register(s, public, claim, s.claim)
}

func (s *Server) offerView(o node.Offer, code string) Offer {
	out := Offer{
		ID: o.ID, Class: o.Class, ClassName: o.Name, Holder: string(o.Holder), To: o.To,
		Expires: o.Expires, Claimed: o.Claimed, Code: code,
	}
	out.ClaimLink = s.claimLink(code)
	return out
}

// claimLink is a page to claim a code, when the node knows its own address.
func (s *Server) claimLink(code string) string {
	if code == "" || s.config.PublicURL == "" {
		return ""
	}
	return strings.TrimSuffix(s.config.PublicURL, "/") + "/reclamer/" + code
}

func (s *Server) offerDetail(o node.Offer, code string) (*Body[OfferDetail], error) {
	doc, err := protocol.ParseOffer(o.Document, s.config.Node.Now())
	if err != nil {
		return nil, err
	}
	a := &doc.Subject.Achievement
	out := OfferDetail{
		Offer: s.offerView(o, code), Issuer: s.actor(doc.Issuer.ID, doc.Issuer.Name),
		Description: a.Description, Criteria: a.Criteria.Narrative, CriteriaURL: a.Criteria.ID,
		Level: doc.Level(), Narrative: doc.Subject.Narrative, Evidence: evidence(doc), Origin: origin(doc),
		AwardedOn: doc.AwardedDate, Until: doc.ValidUntil, Territories: doc.Territory, Document: string(o.Document),
	}
	out.Schema = "essaim.offer/1"
	return body(out), nil
}

type awardInput struct{ Body AwardRequest }

func (s *Server) award(ctx context.Context, in *awardInput) (*Body[OfferDetail], error) {
	b := &in.Body
	if _, err := s.config.Node.Community(); err != nil {
		return nil, err
	}
	class, err := s.config.Node.FindClass(b.Class)
	if err != nil {
		return nil, err
	}
	d := node.AwardDraft{Class: class.CID(), To: b.To, Level: b.Level, Narrative: b.Narrative}
	for _, e := range b.Evidence {
		d.Evidence = append(d.Evidence, badge.Evidence{ID: e.URL, Type: []string{"Evidence"}, Name: e.Name, Narrative: e.Text})
	}
	if d.AwardedOn, err = parseDate("awardedOn", b.AwardedOn, false); err != nil {
		return nil, err
	}
	if d.Until, err = parseDate("until", b.Until, true); err != nil {
		return nil, err
	}
	if d.Territories, err = territories(b.Territories); err != nil {
		return nil, err
	}
	if d.As, err = s.as(b.As); err != nil {
		return nil, err
	}
	offer, code, err := s.config.Node.Award(ctx, d)
	if err != nil {
		return nil, err
	}
	return s.offerDetail(offer, code)
}

func (s *Server) listOffers(context.Context, *struct{}) (*Body[OfferList], error) {
	offers, err := s.config.Node.Offers()
	if err != nil {
		return nil, err
	}
	out := OfferList{"essaim.offers/1", []Offer{}}
	for _, o := range offers {
		out.Offers = append(out.Offers, s.offerView(o, ""))
	}
	return body(out), nil
}

// try takes one try of a claim code from a stranger.
func (s *Server) try(ctx context.Context) error {
	if isLocal(ctx) || s.claims.Allow() {
		return nil
	}
	return newProblem(http.StatusTooManyRequests, "too_many_tries", "too many codes were tried", "wait a minute").with("Retry-After", "60")
}

type codeParam struct {
	Code string `path:"code" maxLength:"64" doc:"a claim code; case, spaces and dashes do not matter"`
}

func (s *Server) getOffer(ctx context.Context, in *codeParam) (*Body[OfferDetail], error) {
	if err := s.try(ctx); err != nil {
		return nil, err
	}
	offer, err := s.config.Node.OfferOf(in.Code)
	if err != nil {
		return nil, err
	}
	return s.offerDetail(offer, "")
}

type claimInput struct {
	Authorization string `header:"Authorization" hidden:"true"`
	Body          ClaimRequest
}

func (s *Server) claim(ctx context.Context, in *claimInput) (*Body[BadgeDetail], error) {
	b := &in.Body
	var r protocol.Record
	var err error
	switch {
	case (b.Code == "") == (b.Document == ""):
		return nil, &badge.Invalid{Member: "code", Why: "or document is needed, and not both"}
	case b.Code != "":
		if err := s.try(ctx); err != nil {
			return nil, err
		}
		r, err = s.config.Node.Claim(ctx, b.Code, b.PublicName)
	default:
		if err := s.permit(ctx, write, in.Authorization); err != nil {
			return nil, err
		}
		r, err = s.config.Node.ClaimFile(ctx, []byte(b.Document), b.PublicName)
	}
	if err != nil {
		return nil, err
	}
	state, err := s.config.Node.Store().State(r.CID())
	if err != nil {
		return nil, err
	}
	return s.badge(r, state)
}
