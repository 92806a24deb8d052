package api

import (
	"context"
	"net/http"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
)

// maxBadgeBody bounds a request that carries a badge file, which base64 makes a
// third longer.
const maxBadgeBody = bake.MaxImage/3*4 + 8<<10

// BadgeFile is a badge of any kind, and what is asked of it.
type BadgeFile struct {
	File   []byte `json:"file,omitempty" doc:"the file in base64: JSON, a token, a PNG or SVG with a badge in it; at most 4 MiB"`
	URL    string `json:"url,omitempty" maxLength:"2048" doc:"instead of file: where the badge stands; it is read, and what it points at; needs a token that writes" example:"https://exemple.fr/badges/1"`
	Online bool   `json:"online,omitempty" doc:"ask the sites the badge points at, once and now; needs a token that writes"`
	// Recipient is in the body because it is nobody's business.
	Recipient string `json:"recipient,omitempty" maxLength:"254" doc:"an e-mail address or a DID: is the badge about them? It is compared, and neither kept nor logged"`
}

func (f BadgeFile) inquiry() node.BadgeInquiry {
	return node.BadgeInquiry{File: f.File, Address: f.URL, Online: f.Online, Recipient: f.Recipient}
}

// Sentence is one thing said to people in both languages.
type Sentence struct {
	English string `json:"en"`
	French  string `json:"fr"`
}

// Foreign is what is known of a badge made elsewhere. Its texts are its own.
type Foreign struct {
	Claims
	Container   string    `json:"container,omitempty" enum:"json,jws,png,svg,address"`
	Standard    string    `json:"standard,omitempty" example:"OB 2.0"`
	IssuerKnown bool      `json:"issuerKnown" doc:"this node has a profile of its issuer; that it has none says nothing of the badge"`
	Notes       []Noted   `json:"notes,omitempty" doc:"what was tolerated"`
	Wanted      []string  `json:"wanted,omitempty" doc:"addresses that would have turned an unknown into an answer"`
	Readings    []Reading `json:"readings,omitempty" doc:"addresses that were asked for"`
}

// Claims are what a badge made elsewhere says of itself.
type Claims struct {
	Name        string    `json:"name,omitempty"`
	Description string    `json:"description,omitempty"`
	Criteria    string    `json:"criteria,omitempty"`
	CriteriaURL string    `json:"criteriaUrl,omitempty"`
	Issuer      string    `json:"issuer,omitempty" doc:"an address or a DID"`
	IssuerName  string    `json:"issuerName,omitempty"`
	IssuerURL   string    `json:"issuerUrl,omitempty"`
	IssuedOn    time.Time `json:"issuedOn,omitzero"`
	Expires     time.Time `json:"expires,omitzero"`
}

// Noted is a departure from the standard that decides nothing.
type Noted struct {
	Note     string   `json:"note"`
	Sentence Sentence `json:"sentence"`
}

// Reading is an address that was asked for.
type Reading struct {
	URL      string    `json:"url"`
	Hosts    []string  `json:"hosts,omitempty" doc:"other hosts it led through"`
	Gone     bool      `json:"gone,omitempty" doc:"the site says that there is nothing any more"`
	Fault    string    `json:"fault,omitempty" doc:"why it was not read, one of a closed list (spec/import.md)"`
	Detail   string    `json:"detail,omitempty"`
	Sentence *Sentence `json:"sentence,omitempty" doc:"the fault for people"`
}

var foreignSentences = map[string]string{
	"valid":      "It is what its issuer issued, as far as can be checked here.",
	"revoked":    "Its issuer issued it, and has taken it back.",
	"incomplete": "Nothing is wrong with it, but not all can be checked here.",
	"invalid":    "It is not valid.",
}

func (s *Server) registerBadgeFiles() {
	check := post("verify-badge", "/badges/verify", "Check a badge file of any kind, made here or elsewhere, without keeping it")
	check.MaxBodyBytes = maxBadgeBody
	check.Errors = []int{http.StatusGatewayTimeout, http.StatusServiceUnavailable}
	check.Description = "The badge's own addresses are asked for only with url or online, through a client that reaches no private address."
	register(s, read, check, s.verifyBadge)
}

type badgeFileInput struct {
	Authorization string `header:"Authorization" hidden:"true"`
	Body          BadgeFile
}

func (s *Server) verifyBadge(ctx context.Context, in *badgeFileInput) (*Body[Verdict], error) {
	if in.Body.URL != "" || in.Body.Online {
		// Who only reads does not make this node ask others for things.
		if err := s.permit(ctx, write, in.Authorization); err != nil {
			return nil, err
		}
	}
	v, err := s.config.Node.ExamineFile(ctx, in.Body.inquiry())
	if err != nil {
		return nil, err
	}
	return body(s.verdict(v)), nil
}

// foreign fills in what is known of a badge made elsewhere.
func (v *Verdict) foreign(f *node.Foreign) {
	v.Kind, v.Name = node.Shown(f.Kind, 64), f.Claims.Name
	for _, q := range f.Asked() {
		v.Checks = append(v.Checks, finding(q.String(), f.Findings[q]))
	}
	out := &Foreign{
		Claims: claims(f.Claims), Container: string(f.Container), Standard: f.Standard, IssuerKnown: f.IssuerKnown,
	}
	for _, n := range f.Notes {
		out.Notes = append(out.Notes, Noted{string(n), Sentence(n.Sentence())})
	}
	for _, w := range f.Wanted {
		out.Wanted = append(out.Wanted, node.Shown(w, 2048))
	}
	for _, r := range f.Readings {
		reading := Reading{URL: r.Address, Hosts: r.Hosts, Gone: r.Gone, Fault: string(r.Fault), Detail: r.Detail}
		if r.Fault != "" {
			s := Sentence(r.Fault.Sentence())
			reading.Sentence = &s
		}
		out.Readings = append(out.Readings, reading)
	}
	v.Foreign = out
}

func finding(question string, f foreign.Finding) Check {
	f.Detail = node.Shown(f.Detail, 256)
	s := Sentence(f.Sentence())
	return Check{Name: question, Answer: f.Answer.String(), Detail: f.Detail, Reason: string(f.Reason), Sentence: &s}
}

func claims(c node.Claims) Claims {
	return Claims{
		Name: c.Name, Description: c.Description, Criteria: c.Criteria, CriteriaURL: c.CriteriaURL,
		Issuer: c.Issuer, IssuerName: c.IssuerName, IssuerURL: c.IssuerURL, IssuedOn: c.IssuedOn, Expires: c.Expires,
	}
}
