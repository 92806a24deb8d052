package api

import (
	"context"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/store"
)

// Class is a badge class.
type Class struct {
	Schema string `json:"schema,omitempty" doc:"not in lists"`
	Record
	ID           string   `json:"id"`
	Name         string   `json:"name"`
	Description  string   `json:"description"`
	Criteria     string   `json:"criteria,omitempty"`
	CriteriaURL  string   `json:"criteriaUrl,omitempty"`
	Type         string   `json:"type,omitempty"`
	Creator      Actor    `json:"creator"`
	Language     string   `json:"language,omitempty"`
	Tags         []string `json:"tags,omitempty"`
	Skills       []Skill  `json:"skills,omitempty"`
	Levels       []int    `json:"levels,omitempty"`
	Rule         *Rule    `json:"rule,omitempty"`
	Licence      string   `json:"licence,omitempty"`
	DerivedFrom  string   `json:"derivedFrom,omitempty"`
	Awards       int      `json:"awards" doc:"live awards known here"`
	Endorsements int      `json:"endorsements" doc:"live endorsements of the class known here"`
}

// Actor is a person or community: their key, and their name when they said it.
type Actor struct {
	DID  string `json:"did"`
	Name string `json:"name,omitempty"`
}

// Skill ties a class to a skill of a framework.
type Skill struct {
	Framework string `json:"framework" example:"ESCO"`
	URL       string `json:"url" format:"uri"`
	Name      string `json:"name"`
	Code      string `json:"code,omitempty"`
}

// Rule says who may award a class.
type Rule struct {
	By       string   `json:"by" enum:"creator,listed,holders,anyone,quorum"`
	Listed   []string `json:"listed,omitempty" doc:"DIDs"`
	MinLevel int      `json:"minLevel,omitzero" minimum:"1" maximum:"5"`
	Holders  int      `json:"holders,omitzero" minimum:"1" maximum:"20"`
	Mentors  int      `json:"mentors,omitzero" minimum:"1" maximum:"20"`
}

func (s *Server) registerClasses() {
	register(s, read, get("list-classes", "/classes", "List badge classes, newest first"), s.listClasses)
	register(s, read, get("get-class", "/classes/{cid}", "One badge class"), s.getClass)
	register(s, write, post("new-class", "/classes", "Publish a badge class"), s.newClass)
}

func (s *Server) actor(d did.DID, fallback string) Actor {
	name := s.config.Node.NameOf(d)
	if name == "" {
		name = fallback
	}
	return Actor{DID: string(d), Name: name}
}

func (s *Server) classView(r protocol.Record, state protocol.State) (Class, error) {
	a := r.Document().(*badge.Achievement)
	c := Class{
		Record: s.view(r, state), ID: a.ID, Name: a.Name, Description: a.Description,
		Criteria: a.Criteria.Narrative, CriteriaURL: a.Criteria.ID, Type: a.AchievementType,
		Creator: s.actor(r.Author(), a.Creator.Name), Language: a.InLanguage, Tags: a.Tag,
		Licence: a.Licence, DerivedFrom: a.DerivedFrom,
	}
	for _, t := range a.Alignment {
		c.Skills = append(c.Skills, Skill{Framework: t.TargetFramework, URL: t.TargetURL, Name: t.TargetName, Code: t.TargetCode})
	}
	for _, l := range a.Levels() {
		c.Levels = append(c.Levels, int(l.Level[0]-'0'))
	}
	if a.Rule != nil {
		c.Rule = &Rule{By: a.Rule.By, Listed: texts(a.Rule.Listed), MinLevel: a.Rule.MinLevel, Holders: a.Rule.Holders, Mentors: a.Rule.Mentors}
	}
	for row, err := range s.config.Node.Store().Awards(r.CID(), "") {
		if err != nil {
			return c, err
		}
		if row.State == protocol.Live {
			c.Awards++
		}
	}
	var err error
	c.Endorsements, err = s.config.Node.Store().ClassEndorsements(r.CID())
	return c, err
}

type classesInput struct {
	Page
	Query     string `query:"q" doc:"words of the name, tags or skills"`
	Territory string `query:"territory"`
	Creator   string `query:"creator" doc:"a DID"`
	Retired   bool   `query:"retired" doc:"retired ones too"`
}

// ClassList is an answer to "which classes?".
type ClassList struct {
	Schema  string  `json:"schema"`
	Classes []Class `json:"classes"`
}

func (s *Server) listClasses(_ context.Context, in *classesInput) (*Body[ClassList], error) {
	t, err := optionalTerritory(in.Territory)
	if err != nil {
		return nil, err
	}
	creator, err := optionalDID("creator", in.Creator)
	if err != nil {
		return nil, err
	}
	words := skill.Words(in.Query)
	out := ClassList{Schema: "essaim.classes/1", Classes: []Class{}}
	q := store.Query{Kinds: []protocol.Kind{protocol.Class}, Territory: t, Author: creator, Newest: true}
	for f, err := range s.config.Node.Store().Records(q) {
		if err != nil {
			return nil, err
		}
		if f.State != protocol.Live && !in.Retired || len(words) > 0 && node.ClassText(f.Record).Compare(words) == skill.None {
			continue
		}
		c, err := s.classView(f.Record, f.State)
		if err != nil {
			return nil, err
		}
		if out.Classes = append(out.Classes, c); len(out.Classes) == in.Limit {
			break
		}
	}
	return body(out), nil
}

func (s *Server) getClass(_ context.Context, in *cidParam) (*Body[Class], error) {
	r, state, err := s.of(in, protocol.Class)
	if err != nil {
		return nil, err
	}
	c, err := s.classView(r, state)
	c.Schema = "essaim.class/1"
	return body(c), err
}

// of returns a record that must be of one kind.
func (s *Server) of(in *cidParam, kind protocol.Kind) (protocol.Record, protocol.State, error) {
	c, err := in.parse()
	if err != nil {
		return protocol.Record{}, 0, err
	}
	r, err := s.config.Node.Record(c)
	if err != nil {
		return protocol.Record{}, 0, err
	}
	if r.Kind() != kind {
		return r, 0, &badge.Invalid{Member: in.CID, Why: "is a " + r.Kind().String() + ", not a " + kind.String()}
	}
	state, err := s.config.Node.Store().State(c)
	return r, state, err
}

// ClassRequest publishes a badge class. Criteria or CriteriaURL is needed.
type ClassRequest struct {
	Name        string   `json:"name" minLength:"1" maxLength:"256"`
	Description string   `json:"description" minLength:"1"`
	Criteria    string   `json:"criteria,omitempty" doc:"what one must have done"`
	CriteriaURL string   `json:"criteriaUrl,omitempty"`
	Type        string   `json:"type,omitempty" example:"ext:SavoirFaire"`
	Tags        []string `json:"tags,omitempty" maxItems:"32"`
	Skills      []Skill  `json:"skills,omitempty" maxItems:"24"`
	Levels      []int    `json:"levels,omitempty" maxItems:"5" doc:"1 to 5, rising"`
	Rule        *Rule    `json:"rule,omitempty"`
	Licence     string   `json:"licence,omitempty" default:"CC-BY-SA-4.0"`
	Language    string   `json:"language,omitempty" default:"fr"`
	DerivedFrom string   `json:"derivedFrom,omitempty" doc:"CID of a class"`
	Territories []string `json:"territories,omitempty" maxItems:"3" doc:"by default the home territory"`
	As          string   `json:"as,omitempty" doc:"a DID or the name of a member; by default the community"`
}

type newClassInput struct{ Body ClassRequest }

func (s *Server) newClass(ctx context.Context, in *newClassInput) (*Body[Class], error) {
	b := &in.Body
	d := node.ClassDraft{
		Name: b.Name, Description: b.Description, Criteria: b.Criteria, CriteriaURL: b.CriteriaURL, Type: b.Type,
		Tags: b.Tags, Levels: b.Levels, Licence: b.Licence, Language: b.Language,
	}
	for _, k := range b.Skills {
		d.Skills = append(d.Skills, node.Skill(k))
	}
	if b.Rule != nil {
		d.Rule = &badge.Rule{By: b.Rule.By, MinLevel: b.Rule.MinLevel, Holders: b.Rule.Holders, Mentors: b.Rule.Mentors}
		for _, l := range b.Rule.Listed {
			d.Rule.Listed = append(d.Rule.Listed, did.DID(l))
		}
	}
	var err error
	if b.DerivedFrom != "" {
		if d.DerivedFrom, err = badge.ParseCID(b.DerivedFrom); err != nil {
			return nil, err
		}
	}
	if d.Territories, err = territories(b.Territories); err != nil {
		return nil, err
	}
	if d.As, err = s.as(b.As); err != nil {
		return nil, err
	}
	r, err := s.config.Node.NewClass(ctx, d)
	if err != nil {
		return nil, err
	}
	c, err := s.classView(r, protocol.Live)
	c.Schema = "essaim.class/1"
	return body(c), err
}
