package api

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

// Badge is an award its holder has accepted.
type Badge struct {
	Record
	ID        string    `json:"id" doc:"of the credential, urn:uuid"`
	Name      string    `json:"name"`
	Class     string    `json:"class" doc:"CID of the class"`
	Holder    Actor     `json:"holder"`
	Issuer    Actor     `json:"issuer"`
	Level     int       `json:"level,omitzero" minimum:"1" maximum:"5"`
	AwardedOn time.Time `json:"awardedOn"`
	Until     time.Time `json:"until,omitzero"`
	Valid     bool      `json:"valid" doc:"its dates hold now"`
	Elsewhere string    `json:"elsewhere,omitempty" doc:"who issued it, when that was elsewhere: who signed it here only verified it"`
}

// BadgeList is an answer to "which badges?".
type BadgeList struct {
	Schema string  `json:"schema"`
	Badges []Badge `json:"badges"`
	// Imports are nobody's business but of who keeps the node.
	Imports []Import `json:"imports,omitempty" doc:"badges made elsewhere that are kept here and not published; over the unix socket, where holder alone was given, if anything"`
}

// BadgeDetail is all this node knows of a badge.
type BadgeDetail struct {
	Schema string `json:"schema"`
	Badge
	Description string     `json:"description" doc:"of the class"`
	Narrative   string     `json:"narrative,omitempty"`
	Evidence    []Evidence `json:"evidence,omitempty"`
	Origin      *Origin    `json:"origin,omitempty" doc:"there when the badge was issued elsewhere and only verified by who signed it here"`
	// Status is absent from a badge whose state nobody ever changed.
	Status      *Decision  `json:"status,omitempty" doc:"who set the state, and when"`
	ClassKnown  bool       `json:"classKnown" doc:"the class is here"`
	ShowsClass  bool       `json:"showsClass" doc:"the badge shows the class it names, member for member"`
	OutsideRule bool       `json:"outsideRule" doc:"awarded by somebody the class does not let"`
	Endorsers   []Endorser `json:"endorsers"`
	Disputes    []Dispute  `json:"disputes"`
}

// Evidence is why an award was made.
type Evidence struct {
	URL  string `json:"url,omitempty" doc:"an https address"`
	Name string `json:"name,omitempty"`
	Text string `json:"text,omitempty"`
}

// Decision is the status that decided a state.
type Decision struct {
	CID    string    `json:"cid"`
	State  string    `json:"state"`
	Reason string    `json:"reason"`
	By     Actor     `json:"by"`
	On     time.Time `json:"on"`
}

// Endorser backs an award.
type Endorser struct {
	Actor
	On      time.Time `json:"on"`
	Comment string    `json:"comment,omitempty"`
}

// Dispute is a signed doubt.
type Dispute struct {
	CID     string    `json:"cid"`
	By      Actor     `json:"by"`
	Reason  string    `json:"reason"`
	Comment string    `json:"comment"`
	On      time.Time `json:"on"`
}

func (s *Server) registerBadges() {
	register(s, read, get("list-badges", "/badges", "List badges", http.StatusNotFound, http.StatusConflict, http.StatusLocked), s.listBadges)
	register(s, read, get("get-badge", "/badges/{cid}", "One badge, and why to believe it"), s.getBadge)
}

func (s *Server) badgeView(r protocol.Record, state protocol.State) (Badge, error) {
	doc := r.Document().(*badge.AchievementCredential)
	awarded := doc.AwardedDate
	if awarded == "" {
		awarded = doc.ValidFrom
	}
	on, err := badge.ParseTime(awarded)
	elsewhere := ""
	if o := origin(doc); o != nil {
		elsewhere = cmp.Or(o.IssuerName, o.Issuer, "?")
	}
	return Badge{
		Elsewhere: elsewhere,
		Record:    s.view(r, state), ID: doc.ID, Name: doc.Name, Class: r.Class().String(),
		Holder: s.actor(r.Holder(), ""), Issuer: s.actor(r.Author(), doc.Issuer.Name),
		Level: doc.Level(), AwardedOn: on, Until: r.Until(), Valid: r.Valid(s.config.Node.Now()),
	}, err
}

type badgesInput struct {
	Page
	Holder    string `query:"holder" doc:"a DID; over the unix socket also the name of a member"`
	Issuer    string `query:"issuer" doc:"a DID"`
	Class     string `query:"class" doc:"a CID or a name"`
	Territory string `query:"territory"`
	State     string `query:"state" enum:"live,suspended,revoked,renounced" doc:"all states without"`
	Newest    bool   `query:"newest" default:"true" doc:"newest first"`
}

func (s *Server) listBadges(ctx context.Context, in *badgesInput) (*Body[BadgeList], error) {
	q := store.Query{Kinds: []protocol.Kind{protocol.Award}, Newest: in.Newest}
	var err error
	if isLocal(ctx) {
		q.Holder, err = s.as(in.Holder)
	} else { // who only reads does not learn whose key is whose
		q.Holder, err = optionalDID("holder", in.Holder)
	}
	if err != nil {
		return nil, err
	}
	if q.Author, err = optionalDID("issuer", in.Issuer); err != nil {
		return nil, err
	}
	if q.Territory, err = optionalTerritory(in.Territory); err != nil {
		return nil, err
	}
	if in.Class != "" {
		class, err := s.config.Node.FindClass(in.Class)
		if err != nil {
			return nil, err
		}
		q.Class = class.CID()
	}
	out := BadgeList{Schema: "essaim.badges/1", Badges: []Badge{}}
	if isLocal(ctx) && in.Issuer+in.Class+in.Territory+in.State == "" {
		all, err := s.importsOf(q.Holder)
		if err != nil {
			return nil, err
		}
		out.Imports = slices.DeleteFunc(all, func(i Import) bool { return i.Award != "" })
	}
	for f, err := range s.config.Node.Store().Records(q) {
		if err != nil {
			return nil, err
		}
		if in.State != "" && f.State.String() != in.State {
			continue
		}
		b, err := s.badgeView(f.Record, f.State)
		if err != nil {
			return nil, err
		}
		if out.Badges = append(out.Badges, b); len(out.Badges) == in.Limit {
			break
		}
	}
	return body(out), nil
}

func (s *Server) getBadge(_ context.Context, in *cidParam) (*Body[BadgeDetail], error) {
	r, state, err := s.of(in, protocol.Award)
	if err != nil {
		return nil, err
	}
	return s.badge(r, state)
}

// maxListed bounds the endorsers and the disputes one badge is shown with.
const maxListed = 200

func (s *Server) badge(r protocol.Record, state protocol.State) (*Body[BadgeDetail], error) {
	n := s.config.Node
	view, err := s.badgeView(r, state)
	if err != nil {
		return nil, err
	}
	doc := r.Document().(*badge.AchievementCredential)
	out := BadgeDetail{
		Schema: "essaim.badge/1", Badge: view,
		Description: doc.Subject.Achievement.Description, Narrative: doc.Subject.Narrative, Evidence: evidence(doc), Origin: origin(doc),
		Endorsers: []Endorser{}, Disputes: []Dispute{},
	}
	if class, err := n.Record(r.Class()); err == nil {
		out.ClassKnown, out.ShowsClass = true, protocol.Matches(r, class)
	}
	if out.OutsideRule, err = n.OutsideRule(r); err != nil {
		return nil, err
	}
	statuses, err := n.Store().Statuses(r.CID())
	if err != nil {
		return nil, err
	}
	if _, by := protocol.StateOf(r, statuses); !by.IsZero() {
		d := by.Document().(*badge.Status)
		out.Status = &Decision{by.CID().String(), d.State, d.Reason, s.actor(by.Author(), ""), by.Created()}
	}
	endorsers, err := n.Endorsers(r.CID(), maxListed)
	if err != nil {
		return nil, err
	}
	for _, e := range endorsers {
		out.Endorsers = append(out.Endorsers, Endorser{Actor{string(e.DID), e.Name}, e.On, e.Comment})
	}
	disputes := store.Query{Kinds: []protocol.Kind{protocol.Dispute}, Target: protocol.Target{CID: r.CID()}, Newest: true, Limit: maxListed}
	for f, err := range s.config.Node.Store().Records(disputes) {
		if err != nil {
			return nil, err
		}
		if f.State == protocol.Live && f.Valid(n.Now()) {
			d := f.Document().(*badge.Dispute)
			out.Disputes = append(out.Disputes, Dispute{f.CID().String(), s.actor(f.Author(), ""), d.Reason, d.Comment, f.Created()})
		}
	}
	return body(out), nil
}

// evidence returns that of an award, but for what makes it an attestation, which
// origin tells.
func evidence(c *badge.AchievementCredential) []Evidence {
	var out []Evidence
	for _, e := range c.Evidence {
		if badge.IsOrigin(e) {
			continue
		}
		text := e.Narrative
		if text == "" {
			text = e.Description
		}
		out = append(out, Evidence{URL: e.ID, Name: e.Name, Text: text})
	}
	return out
}
