package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/did"
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
	bring := post("import-badge", "/badges/import", "Keep a badge made elsewhere, verified and privately; with publish, offer an attestation of it")
	bring.MaxBodyBytes = maxBadgeBody
	bring.Errors = check.Errors
	bring.Description = "What is wrong is refused and nothing of it is kept. What was published is claimed with the code, as a badge that was awarded."
	register(s, write, bring, s.importBadge)
	register(s, write, get("list-imports", "/imports", "Badges made elsewhere that are kept here, the last one verified first"), s.listImports)
	register(s, write, get("get-import", "/imports/{cid}", "One badge made elsewhere"), s.getImport)
	file := get("get-original", "/imports/{cid}/file", "The file of a badge made elsewhere, byte for byte")
	file.Responses = map[string]*huma.Response{"200": {
		Description: "The file; a browser shows it without running anything in it",
		Content:     map[string]*huma.MediaType{"application/json": {Schema: &huma.Schema{}}, "text/plain": {}, "image/png": {}, "image/svg+xml": {}},
	}}
	register(s, write, file, s.getOriginal)
	register(s, write, remove("forget-import", "/imports/{cid}", "Delete what is kept of a badge made elsewhere; what its holder published stays"), s.forgetImport)
}

// ImportRequest keeps a badge made elsewhere.
type ImportRequest struct {
	BadgeFile
	To          string   `json:"to,omitempty" maxLength:"256" doc:"whose it is: a DID, or the name of a member, who gets a key the first time; not needed when the badge names a did:key"`
	Publish     bool     `json:"publish,omitempty" doc:"offer an attestation to the holder: signature, issuer, dates and recipient must have been verified"`
	Territories []string `json:"territories,omitempty" maxItems:"3" doc:"of the attestation; by default the home territory"`
}

// Import is a badge made elsewhere that is kept here.
type Import struct {
	Schema    string    `json:"schema,omitempty" doc:"not in lists"`
	Original  string    `json:"original" doc:"CID of the file's bytes"`
	Bytes     int       `json:"bytes"`
	Media     string    `json:"media"`
	URL       string    `json:"url,omitempty" doc:"where it was read"`
	Container string    `json:"container"`
	Standard  string    `json:"standard"`
	Kind      string    `json:"kind"`
	Holder    string    `json:"holder" doc:"a DID"`
	To        string    `json:"to,omitempty" doc:"the name it was kept for; it stays on this node"`
	Claims    Claims    `json:"claims" doc:"the badge's own words"`
	Verdict   string    `json:"verdict" enum:"valid,invalid,revoked,incomplete"`
	Verified  time.Time `json:"verifiedOn"`
	Checks    []Check   `json:"checks"`
	Notes     []Noted   `json:"notes,omitempty"`
	Wanted    []string  `json:"wanted,omitempty"`
	Losses    []Loss    `json:"losses" doc:"what of the badge an attestation does not say"`
	Attested  bool      `json:"attested" doc:"the community signed that it verified the badge"`
	Offered   bool      `json:"offered" doc:"the holder got a claim code"`
	Award     string    `json:"award,omitempty" doc:"CID of the attestation once its holder has accepted it"`
}

// ImportDetail is an import with what the community signed of it.
type ImportDetail struct {
	Import
	Attestation string `json:"attestation,omitempty" doc:"the award with the proofs of its issuer, byte for byte; no record before its holder accepts it"`
	Code        string `json:"code,omitempty" doc:"shown once, when an attestation is offered" example:"7KQ2-MD4X-P9TR"`
	ClaimLink   string `json:"claimLink,omitempty"`
}

// ImportList is an answer to "which badges made elsewhere?".
type ImportList struct {
	Schema  string   `json:"schema"`
	Imports []Import `json:"imports"`
}

// Loss is one thing an attestation does not say.
type Loss struct {
	Member string `json:"member"`
	Why    string `json:"why"`
}

type importInput struct{ Body ImportRequest }

func (s *Server) importBadge(ctx context.Context, in *importInput) (*Body[ImportDetail], error) {
	b := &in.Body
	d := node.ImportDraft{BadgeInquiry: b.inquiry(), To: b.To, Publish: b.Publish}
	var err error
	if d.Territories, err = territories(b.Territories); err != nil {
		return nil, err
	}
	i, code, err := s.config.Node.Import(ctx, d)
	if err != nil {
		return nil, err
	}
	return s.importDetail(i, code)
}

func (s *Server) importDetail(i node.Import, code string) (*Body[ImportDetail], error) {
	attestation, err := s.config.Node.Attestation(i)
	if err != nil {
		return nil, err
	}
	out := ImportDetail{Import: importView(i), Attestation: string(attestation), Code: code, ClaimLink: s.claimLink(code)}
	out.Schema = "essaim.import/1"
	return body(out), nil
}

func importView(i node.Import) Import {
	out := Import{
		Original: i.Original, Bytes: i.Size, Media: i.Media, URL: i.Address, Container: i.Container, Standard: i.Standard, Kind: i.Kind,
		Holder: string(i.Holder), To: i.To, Claims: claims(i.Claims), Verdict: i.Verdict, Verified: i.Verified, Checks: []Check{},
		Notes: noted(i.Notes), Wanted: i.Wanted, Losses: []Loss{}, Attested: i.Attested, Offered: i.Offered, Award: i.Award,
	}
	for _, f := range i.Findings {
		out.Checks = append(out.Checks, finding(f.Question, f.Finding))
	}
	for _, l := range i.Losses {
		out.Losses = append(out.Losses, Loss{l.Member, l.Why})
	}
	return out
}

func (s *Server) listImports(context.Context, *struct{}) (*Body[ImportList], error) {
	all, err := s.importsOf("")
	return body(ImportList{"essaim.imports/1", all}), err
}

// importsOf returns what is kept for a holder, or with "" for all.
func (s *Server) importsOf(holder did.DID) ([]Import, error) {
	all, err := s.config.Node.Imports()
	out := []Import{}
	for _, i := range all {
		if holder == "" || i.Holder == holder {
			out = append(out, importView(i))
		}
	}
	return out, err
}

func (s *Server) getImport(_ context.Context, in *cidParam) (*Body[ImportDetail], error) {
	c, err := in.parse()
	if err != nil {
		return nil, err
	}
	i, err := s.config.Node.ImportOf(c)
	if err != nil {
		return nil, err
	}
	return s.importDetail(i, "")
}

// rawOriginal is the file of a badge made elsewhere. Whatever it is, a browser
// that shows it runs nothing in it and asks nobody for anything.
type rawOriginal struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Policy      string `header:"Content-Security-Policy"`
	NoSniff     string `header:"X-Content-Type-Options"`
	Body        []byte
}

func (s *Server) getOriginal(_ context.Context, in *cidParam) (*rawOriginal, error) {
	c, err := in.parse()
	if err != nil {
		return nil, err
	}
	i, file, err := s.config.Node.Original(c)
	if err != nil {
		return nil, err
	}
	return &rawOriginal{
		ContentType: i.Media, Disposition: "attachment", Policy: "sandbox; default-src 'none'", NoSniff: "nosniff", Body: file,
	}, nil
}

// Forgotten is what was deleted.
type Forgotten struct {
	Schema   string `json:"schema"`
	Original string `json:"original"`
}

func (s *Server) forgetImport(_ context.Context, in *cidParam) (*Body[Forgotten], error) {
	c, err := in.parse()
	if err != nil {
		return nil, err
	}
	return body(Forgotten{"essaim.forgotten/1", in.CID}), s.config.Node.ForgetImport(c)
}

// Origin is what an attestation says of a badge issued elsewhere. It is the word
// of who signed the attestation.
type Origin struct {
	Original   string    `json:"original" doc:"CID of the file's bytes, which the importing node keeps"`
	Standard   string    `json:"standard,omitempty"`
	Issuer     string    `json:"issuer,omitempty" doc:"an address or a DID"`
	IssuerName string    `json:"issuerName,omitempty"`
	IssuedOn   time.Time `json:"issuedOn,omitzero"`
	VerifiedOn time.Time `json:"verifiedOn"`
	Checks     []Check   `json:"checks"`
}

// origin returns what an award attests, or nil of one that awards. The texts of
// an attestation in another form than ours are not repeated.
func origin(c *badge.AchievementCredential) *Origin {
	if !c.Attests() {
		return nil
	}
	o, ok := c.Origin()
	if !ok {
		return &Origin{Checks: []Check{}}
	}
	out := &Origin{
		Original: o.Original, Standard: node.Shown(o.Standard, 64), Issuer: node.Shown(o.Issuer, 2048), IssuerName: node.Shown(o.IssuerName, 256),
		IssuedOn: o.IssuedOn, VerifiedOn: o.VerifiedOn, Checks: []Check{},
	}
	for _, f := range o.Findings {
		c := Check{Name: f.Question, Answer: f.Answer, Reason: f.Reason}
		if s := (foreign.Finding{Reason: foreign.Reason(f.Reason)}).Sentence(); len(s.English) > 1 {
			both := Sentence(s)
			c.Sentence = &both
		}
		if slices.Contains(questions, c.Name) && slices.Contains([]string{"yes", "no", "unknown"}, c.Answer) {
			out.Checks = append(out.Checks, c)
		}
	}
	return out
}

// questions are those of spec/import.md §2.
var questions = []string{"well_formed", "shape", "signature", "issuer", "dates", "status", "recipient"}

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
	out.Notes = noted(f.Notes)
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

func noted(notes []foreign.Note) []Noted {
	var out []Noted
	for _, n := range notes {
		out = append(out, Noted{string(n), Sentence(n.Sentence())})
	}
	return out
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
