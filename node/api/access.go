package api

import (
	"context"
	"net/http"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// Access is whether somebody may, by the rule of this place.
type Access struct {
	Schema string `json:"schema"`
	Access bool   `json:"access" doc:"whether the machine may be used"`
	// Reason is why; a closed list.
	Reason string    `json:"reason" enum:"no_rule,compromised,other_class,not_held,not_in_force,expired,outside_rule,level_too_low,too_old,not_endorsed,not_trusted,stale,allowed"`
	Rule   string    `json:"rule"`
	Award  string    `json:"award,omitempty" doc:"CID of the award that decided"`
	Trust  *Standing `json:"trust,omitempty" doc:"of that award"`
	Heard  time.Time `json:"heard,omitzero" doc:"when this node last compared the territories of the award with a neighbour: it may not know of what was revoked since"`
	At     time.Time `json:"at"`
}

// AccessRule is by which awards a place lets people use a machine. What is left
// out asks nothing.
type AccessRule struct {
	Classes    []string `json:"classes,omitempty" maxItems:"64" doc:"CIDs or names; any class without"`
	Level      int      `json:"level,omitzero" minimum:"1" maximum:"5" doc:"of the award, at least"`
	Trust      string   `json:"trust,omitempty" enum:"fragile,backed,solid,very-solid" doc:"at least"`
	EndorsedBy []string `json:"endorsedBy,omitempty" maxItems:"64" doc:"DIDs, one of whom issued or endorsed the award"`
	Within     int      `json:"within,omitzero" minimum:"1" doc:"days since it was awarded, at most"`
	Fresh      int      `json:"fresh,omitzero" minimum:"1" doc:"hours since this node last compared the territories of the award with a neighbour, at most"`
}

// NamedRule is a rule and its name.
type NamedRule struct {
	Name string `json:"name"`
	AccessRule
	ClassNames []string `json:"classNames,omitempty" doc:"of classes, in the same order; empty for one that is not here"`
	Endorsers  []Actor  `json:"endorsers,omitempty" doc:"of endorsedBy, with their names"`
}

// RuleList is every access rule.
type RuleList struct {
	Schema string      `json:"schema"`
	Rules  []NamedRule `json:"rules"`
}

func (s *Server) registerAccess() {
	register(s, read, get("access", "/access", "Whether a holder may use a machine, by the rule of this place", http.StatusNotFound, http.StatusConflict), s.access)
	register(s, read, get("list-access-rules", "/access/rules", "The access rules of this place"), s.accessRules)
	register(s, write, put("set-access-rule", "/access/rules/{id}", "Set an access rule, in place of the one there was"), s.setAccessRule)
	register(s, write, remove("remove-access-rule", "/access/rules/{id}", "Remove an access rule; who asks by it is told no"), s.removeAccessRule)
}

type accessInput struct {
	Class  string `query:"class" doc:"a CID or a name; without class and skill, any the rule names"`
	Skill  string `query:"skill" maxLength:"200" doc:"words, where no class is given"`
	Holder string `query:"holder" required:"true" doc:"a DID; over the unix socket also the name of a member"`
	Rule   string `query:"rule" default:"default"`
}

func (s *Server) access(ctx context.Context, in *accessInput) (*Body[Access], error) {
	q := node.AccessQuery{Rule: in.Rule, Skill: in.Skill}
	var err error
	if isLocal(ctx) {
		q.Holder, err = s.as(in.Holder)
	} else { // who only reads does not learn whose key is whose
		q.Holder, err = optionalDID("holder", in.Holder)
	}
	if err != nil {
		return nil, err
	}
	if q.Holder == "" {
		return nil, &badge.Invalid{Member: "holder", Why: "is missing"}
	}
	if in.Class != "" {
		class, err := s.config.Node.FindClass(in.Class)
		if err != nil {
			return nil, err
		}
		q.Class = class.CID()
	}
	a, err := s.config.Node.Access(ctx, q)
	if err != nil {
		return nil, err
	}
	out := Access{Schema: "essaim.access/1", Access: a.Allowed, Reason: string(a.Reason), Rule: a.Rule, Heard: a.Heard, At: a.At}
	if a.Award.Defined() {
		weight := standingView(node.Words{}, a.Standing)
		out.Award, out.Trust = a.Award.String(), &weight
	}
	return body(out), nil
}

func (s *Server) accessRules(context.Context, *struct{}) (*Body[RuleList], error) {
	rules, err := s.config.Node.AccessRules()
	if err != nil {
		return nil, err
	}
	out := RuleList{"essaim.access-rules/1", []NamedRule{}}
	levels := []string{"", "fragile", "backed", "solid", "very-solid"}
	for _, r := range rules {
		named := NamedRule{Name: r.Name, AccessRule: AccessRule{r.Classes, r.Level, levels[r.Trust], texts(r.EndorsedBy), r.Within, r.Fresh}}
		for _, c := range r.Classes {
			named.ClassNames = append(named.ClassNames, s.className(c))
		}
		for _, d := range r.EndorsedBy {
			named.Endorsers = append(named.Endorsers, s.actor(d, ""))
		}
		out.Rules = append(out.Rules, named)
	}
	return body(out), nil
}

// className is the name of a class that is here, else "".
func (s *Server) className(text string) string {
	c, err := badge.ParseCID(text)
	if err != nil {
		return ""
	}
	r, err := s.config.Node.Record(c)
	if err != nil {
		return ""
	}
	if class, ok := r.Document().(*badge.Achievement); ok {
		return class.Name
	}
	return ""
}

// RuleParam names an access rule in a path.
type RuleParam struct {
	ID string `path:"id" doc:"name of a rule: a-z, 0-9 and -" example:"laser"`
}

type ruleInput struct {
	RuleParam
	Body AccessRule
}

func (s *Server) setAccessRule(ctx context.Context, in *ruleInput) (*Body[RuleList], error) {
	r := node.AccessRule{Name: in.ID, Level: in.Body.Level, Within: in.Body.Within, Fresh: in.Body.Fresh}
	var err error
	if r.Trust, err = trustLevel(in.Body.Trust); err != nil {
		return nil, err
	}
	for _, text := range in.Body.Classes {
		class, err := s.config.Node.FindClass(text)
		if err != nil {
			return nil, err
		}
		r.Classes = append(r.Classes, class.CID().String())
	}
	for _, text := range in.Body.EndorsedBy {
		r.EndorsedBy = append(r.EndorsedBy, did.DID(text))
	}
	if err := s.config.Node.SetAccessRule(r); err != nil {
		return nil, err
	}
	return s.accessRules(ctx, nil)
}

func (s *Server) removeAccessRule(ctx context.Context, in *RuleParam) (*Body[RuleList], error) {
	if err := s.config.Node.RemoveAccessRule(in.ID); err != nil {
		return nil, err
	}
	return s.accessRules(ctx, nil)
}
