package api

import (
	"bytes"
	"context"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Record is what the API says of any record.
type Record struct {
	CID         string    `json:"cid"`
	Kind        string    `json:"kind"`
	Author      string    `json:"author"`
	Created     time.Time `json:"created"`
	State       string    `json:"state"`
	Territories []string  `json:"territories"`
	Bytes       int       `json:"bytes"`
}

// Accepted is the answer to a record that came through the door.
type Accepted struct {
	Schema string `json:"schema"`
	Record
	New bool `json:"new" doc:"false when the node had it already"`
}

// cidParam is the CID in a path.
type cidParam struct {
	CID string `path:"cid" doc:"content address of a record, bafkrei…"`
}

func (p *cidParam) parse() (cid.Cid, error) { return badge.ParseCID(p.CID) }

// Page bounds a list.
type Page struct {
	Limit int `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"how many at most"`
}

func (s *Server) registerRecords() {
	register(s, read, get("list-records", "/records", "List records, newest first"), s.listRecords)
	one := get("get-record", "/records/{cid}", "The exact bytes of a record")
	one.Responses = map[string]*huma.Response{"200": {
		Description: "The record", Content: map[string]*huma.MediaType{mediaDocument: {}, mediaCredential: {}},
	}}
	one.Description = "An award answers as application/vc, so that wallets take it; its bytes are those that were signed."
	register(s, read, one, s.getRecord)
	upload := post("upload-record", "/records", "Bring a record through the door")
	upload.Description = "The body is the record, byte for byte. It is verified, stored and published in its territories."
	register(s, write, upload, s.uploadRecord)
	check := post("verify-record", "/verify", "Check a record or an offer without keeping it")
	register(s, read, check, s.verify)
	register(s, write, post("set-status", "/statuses", "Revoke, suspend, reinstate, withdraw, retire, renounce or erase"), s.setStatus)
}

func (s *Server) view(r protocol.Record, state protocol.State) Record {
	return Record{
		CID: r.CID().String(), Kind: r.Kind().String(), Author: string(r.Author()), Created: r.Created(),
		State: state.String(), Territories: texts(r.Territories()), Bytes: len(r.Bytes()),
	}
}

func texts[T ~string](v []T) []string {
	out := make([]string, len(v))
	for i, s := range v {
		out[i] = string(s)
	}
	return out
}

type recordsInput struct {
	Page
	Kind      string `query:"kind" enum:"profile,class,award,endorsement,status,dispute,notice,succession"`
	Territory string `query:"territory"`
	Author    string `query:"author" doc:"a DID"`
	Target    string `query:"target" doc:"a CID or a DID: what endorses, disputes or changes it"`
}

// RecordList is an answer to "which records?".
type RecordList struct {
	Schema  string   `json:"schema"`
	Records []Record `json:"records"`
}

func (s *Server) listRecords(_ context.Context, in *recordsInput) (*Body[RecordList], error) {
	q := store.Query{Newest: true, Limit: in.Limit}
	var err error
	if in.Kind != "" {
		k, err := protocol.ParseKind(in.Kind)
		if err != nil {
			return nil, err
		}
		q.Kinds = []protocol.Kind{k}
	}
	if q.Territory, err = optionalTerritory(in.Territory); err != nil {
		return nil, err
	}
	if q.Author, err = optionalDID("author", in.Author); err != nil {
		return nil, err
	}
	if in.Target != "" {
		if q.Target, err = parseTarget(in.Target); err != nil {
			return nil, err
		}
	}
	out := RecordList{Schema: "essaim.records/1", Records: []Record{}}
	for f, err := range s.config.Node.Store().Records(q) {
		if err != nil {
			return nil, err
		}
		out.Records = append(out.Records, s.view(f.Record, f.State))
	}
	return body(out), nil
}

func optionalTerritory(s string) (territory.ID, error) {
	if s == "" {
		return "", nil
	}
	return territory.Parse(s)
}

func optionalDID(member, s string) (did.DID, error) {
	if s == "" {
		return "", nil
	}
	d, err := did.Parse(s)
	if err != nil {
		return "", &badge.Invalid{Member: member, Why: "is not a did:key of an Ed25519 key"}
	}
	return d, nil
}

// territories parses the territories of a new record; none leaves the choice to
// the node.
func territories(texts []string) ([]territory.ID, error) {
	var out []territory.ID
	for _, t := range texts {
		id, err := territory.Parse(t)
		if err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, nil
}

// as returns in whose name something is done: a DID, or the name of a member;
// "" is the community.
func (s *Server) as(text string) (did.DID, error) {
	if text == "" {
		return "", nil
	}
	return s.config.Node.FindMember(text)
}

// parseDate reads a time as documents write it, or a day: its first second, or
// its last. "" is the zero time.
func parseDate(member, text string, last bool) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		if last {
			day = day.Add(24*time.Hour - time.Second)
		}
		return day, nil
	}
	t, err := badge.ParseTime(text)
	if err != nil {
		return t, &badge.Invalid{Member: member, Why: "is neither a day (2027-01-31) nor a time (2027-01-31T18:00:00Z)"}
	}
	return t, nil
}

func parseTarget(s string) (protocol.Target, error) {
	if strings.HasPrefix(s, "did:") {
		d, err := optionalDID("target", s)
		return protocol.Target{DID: d}, err
	}
	c, err := badge.ParseCID(s)
	return protocol.Target{CID: c}, err
}

// Media types of records: VC Data Model 2.0 §6.2 for credentials.
const (
	mediaDocument   = "application/ld+json"
	mediaCredential = "application/vc"
)

// rawRecord is the exact bytes of a record.
type rawRecord struct {
	ContentType string `header:"Content-Type"`
	ETag        string `header:"ETag"`
	Caching     string `header:"Cache-Control"`
	NoSniff     string `header:"X-Content-Type-Options"`
	Body        []byte
}

func (s *Server) getRecord(_ context.Context, in *cidParam) (*rawRecord, error) {
	c, err := in.parse()
	if err != nil {
		return nil, err
	}
	r, err := s.config.Node.Record(c)
	if err != nil {
		return nil, err
	}
	media := mediaDocument
	if r.Kind() == protocol.Award || r.Kind() == protocol.Endorsement {
		media = mediaCredential
	}
	return &rawRecord{
		ContentType: media, ETag: `"` + in.CID + `"`, Caching: "private, no-cache", NoSniff: "nosniff", Body: r.Bytes(),
	}, nil
}

// rawInput is a body taken byte for byte.
type rawInput struct {
	RawBody []byte `contentType:"application/octet-stream"`
}

func (s *Server) uploadRecord(ctx context.Context, in *rawInput) (*Body[Accepted], error) {
	raw := bytes.Clone(in.RawBody) // a record keeps its bytes, huma reuses its buffer
	receipt, err := s.config.Node.Accept(ctx, raw, node.Source{Via: node.Uploaded})
	if err != nil {
		return nil, err
	}
	state, err := s.config.Node.Store().State(receipt.Record.CID())
	if err != nil {
		return nil, err
	}
	return body(Accepted{"essaim.accepted/1", s.view(receipt.Record, state), receipt.New}), nil
}

// Verdict is the answer to "is this badge good?", a question at a time.
type Verdict struct {
	Schema   string  `json:"schema"`
	Verdict  string  `json:"verdict" enum:"valid,invalid,revoked,incomplete" doc:"incomplete: something could not be checked here"`
	Sentence string  `json:"sentence" doc:"the verdict for people"`
	CID      string  `json:"cid,omitempty"`
	Kind     string  `json:"kind,omitempty" doc:"offer for an award its holder has not accepted"`
	Name     string  `json:"name,omitempty"`
	State    string  `json:"state,omitempty"`
	Issuer   *Actor  `json:"issuer,omitempty"`
	Checks   []Check `json:"checks"`
	// Foreign is there when the badge was made elsewhere.
	Foreign *Foreign `json:"foreign,omitempty" doc:"what is known of a badge made elsewhere"`
}

// Check is one question and its answer.
type Check struct {
	Name   string `json:"name" enum:"form,signature,linked-data,consent,class,rule,dates,status,issuer,recipient,well_formed,shape"`
	Answer string `json:"answer" enum:"yes,no,unknown"`
	Detail string `json:"detail,omitempty"`
	// Reason and Sentence are of badges made elsewhere.
	Reason   string    `json:"reason,omitempty" doc:"one of a closed list (spec/import.md)"`
	Sentence *Sentence `json:"sentence,omitempty"`
}

func (s *Server) verify(_ context.Context, in *rawInput) (*Body[Verdict], error) {
	v, err := s.config.Node.Examine(bytes.Clone(in.RawBody))
	if err != nil {
		return nil, err
	}
	return body(s.verdict(v)), nil
}

func (s *Server) verdict(v node.Examination) Verdict {
	out := Verdict{Schema: "essaim.verify/1", Verdict: v.Verdict, Sentence: sentence(v), State: v.State, Checks: []Check{}}
	switch {
	case !v.Record.IsZero():
		issuer := s.actor(v.Record.Author(), "")
		out.CID, out.Kind, out.Name, out.Issuer = v.Record.CID().String(), v.Record.Kind().String(), title(v.Record), &issuer
	case v.Offer != nil:
		issuer := s.actor(v.Offer.Issuer.ID, v.Offer.Issuer.Name)
		out.Kind, out.Name, out.Issuer = "offer", v.Offer.Name, &issuer
	case v.Foreign != nil:
		out.foreign(v.Foreign)
	}
	for _, c := range v.Checks {
		out.Checks = append(out.Checks, Check{Name: c.Name, Answer: c.Answer, Detail: c.Detail})
	}
	return out
}

// sentence says a verdict to people, with what decided it.
func sentence(x node.Examination) string {
	if x.Foreign != nil {
		return foreignSentences[x.Verdict]
	}
	because := func(answer string) string {
		for _, c := range x.Checks {
			if c.Answer == answer && c.Name != "rule" && c.Name != "issuer" {
				return c.Detail
			}
		}
		return ""
	}
	switch x.Verdict {
	case "valid":
		return "It is valid, as known here."
	case "revoked":
		return "It was signed as it says, and is " + x.State + " since."
	case "incomplete":
		return "Nothing is wrong with it, but not all can be checked here: " + because("unknown") + "."
	}
	return "It is not valid: " + because("no") + "."
}

// title is the name of a record for people, or "".
func title(r protocol.Record) string {
	switch d := r.Document().(type) {
	case *badge.Profile:
		return d.Name
	case *badge.Achievement:
		return d.Name
	case *badge.AchievementCredential:
		return d.Name
	case *badge.Notice:
		return d.Name
	}
	return ""
}

// StatusRequest sets a new state on a record.
type StatusRequest struct {
	Target string `json:"target" doc:"CID of the award, class, endorsement, dispute, notice or profile"`
	State  string `json:"state" enum:"suspended,reinstated,revoked,withdrawn,retired,renounced,erased"`
	Reason string `json:"reason,omitempty" enum:"error,wrong-person,safety,fraud,rules,outdated,request,other" default:"other"`
	As     string `json:"as,omitempty" doc:"a DID or the name of a member; by default whoever is entitled"`
}

// StatusSet is the status that set a state.
type StatusSet struct {
	Schema string `json:"schema"`
	Record
	Target      string `json:"target"`
	TargetState string `json:"targetState" doc:"the state the target has now"`
}

type statusInput struct{ Body StatusRequest }

func (s *Server) setStatus(ctx context.Context, in *statusInput) (*Body[StatusSet], error) {
	target, err := badge.ParseCID(in.Body.Target)
	if err != nil {
		return nil, err
	}
	as, err := s.as(in.Body.As)
	if err != nil {
		return nil, err
	}
	r, err := s.config.Node.SetStatus(ctx, node.StatusDraft{Target: target, State: in.Body.State, Reason: in.Body.Reason, As: as})
	if err != nil {
		return nil, err
	}
	state, err := s.config.Node.Store().State(target)
	if err != nil {
		return nil, err
	}
	return body(StatusSet{"essaim.status-set/1", s.view(r, protocol.Live), in.Body.Target, state.String()}), nil
}
