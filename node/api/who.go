package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Who is who holds a skill near a place, best first.
type Who struct {
	Schema      string      `json:"schema"`
	Skill       string      `json:"skill"`
	Near        Near        `json:"near"`
	Radius      float64     `json:"radius" doc:"km"`
	Found       int         `json:"found" doc:"holders, of whom answers lists the first"`
	Classes     int         `json:"classes" doc:"badge classes that speak of the skill, near or far"`
	Territories int         `json:"territories" doc:"within the radius"`
	Answers     []WhoAnswer `json:"answers"`
}

// Near is the place an answer is about.
type Near struct {
	Label string `json:"label" example:"Brest (Finistère)"`
	Point string `json:"point" example:"48.3904,-4.4861"`
}

// WhoAnswer is one award that answers, and why to believe it.
type WhoAnswer struct {
	Award       string     `json:"award" doc:"CID"`
	Class       string     `json:"class" doc:"CID"`
	ClassName   string     `json:"className"`
	Holder      Actor      `json:"holder"`
	Issuer      Actor      `json:"issuer"`
	Level       int        `json:"level,omitzero"`
	AwardedOn   time.Time  `json:"awardedOn"`
	Territory   Territory  `json:"territory"`
	Km          int        `json:"km" doc:"about: to the nearest commune of the territory"`
	Band        string     `json:"band" enum:"same territory,under 20 km,under 50 km,same department,farther"`
	Match       string     `json:"match" enum:"exact,name,tag,label" doc:"where the class says the words, best first"`
	Endorsed    int        `json:"endorsed" doc:"people who endorse the award"`
	Endorsers   []Endorser `json:"endorsers" doc:"five at most, newest first"`
	OutsideRule bool       `json:"outsideRule" doc:"awarded by somebody the class does not let"`
	Elsewhere   string     `json:"elsewhere,omitempty" doc:"who issued it, when that was elsewhere: who signed it here only verified it"`
	Trust       *WhoTrust  `json:"trust,omitempty" doc:"absent while the trust graph is being built"`
}

// WhoTrust is why to believe an answer, in short.
type WhoTrust struct {
	Level     int    `json:"level" minimum:"0" maximum:"4" doc:"0 unknown, 1 fragile, 2 backed, 3 solid, 4 very solid"`
	Word      string `json:"word" doc:"the level for people"`
	Contested bool   `json:"contested,omitzero"`
	Reason    string `json:"reason" doc:"in one sentence"`
	Chains    int    `json:"chains" doc:"independent ones, counted to 3"`
}

var matches = map[skill.Match]string{skill.Exact: "exact", skill.Name: "name", skill.Tag: "tag", skill.Label: "label"}

func (s *Server) registerWho() {
	register(s, read, get("who", "/who", "Who holds a skill near a place", http.StatusNotFound, http.StatusConflict), s.who)
}

type whoInput struct {
	Skill  string  `query:"skill" required:"true" minLength:"1" maxLength:"200" example:"découpe laser"`
	Near   string  `query:"near" maxLength:"200" doc:"commune, postal code, city or point; by default where the community is" example:"Brest"`
	Radius float64 `query:"radius" minimum:"1" maximum:"20000" default:"50" doc:"km"`
	Lang
	Trust string `query:"trust" enum:"fragile,backed,solid,very-solid" doc:"at least"`
	Level int    `query:"level" minimum:"0" maximum:"5" doc:"at least"`
	Limit int    `query:"limit" minimum:"1" maximum:"200" default:"20" doc:"answers at most"`
}

func (s *Server) who(_ context.Context, in *whoInput) (*Body[Who], error) {
	g, err := s.config.Node.Gazetteer()
	if err != nil {
		return nil, err
	}
	var near territory.Place
	if in.Near == "" {
		near, err = s.here(g)
	} else {
		near, err = g.Find(in.Near)
	}
	if err != nil {
		return nil, err
	}
	level, err := trustLevel(in.Trust)
	if err != nil {
		return nil, err
	}
	found, err := s.config.Node.Who(node.WhoQuery{Skill: in.Skill, Near: near, Radius: in.Radius, Level: in.Level, Trust: level, Limit: in.Limit})
	if err != nil {
		return nil, err
	}
	out := Who{
		Schema: "essaim.who/1", Skill: in.Skill, Near: Near{g.Label(near), near.Point.String()}, Radius: in.Radius,
		Found: found.Found, Classes: found.Classes, Territories: found.Territories, Answers: []WhoAnswer{},
	}
	for _, a := range found.Answers {
		answer := WhoAnswer{
			Award: a.Award.CID().String(), Class: a.Class.String(), ClassName: a.ClassName,
			Holder: Actor{string(a.Holder), a.HolderName}, Issuer: Actor{string(a.Issuer), a.IssuerName},
			Level: a.Level, AwardedOn: a.AwardedOn, Territory: Territory{ID: string(a.Territory), Name: g.Name(a.Territory)},
			Km: int(a.Km + 0.5), Band: a.Band.String(), Match: matches[a.Match], Endorsed: a.Endorsed,
			Endorsers: []Endorser{}, OutsideRule: a.OutsideRule,
		}
		if o := origin(a.Award.Document().(*badge.AchievementCredential)); o != nil {
			answer.Elsewhere = cmp.Or(o.IssuerName, o.Issuer, "?")
		}
		for _, e := range a.Endorsers {
			answer.Endorsers = append(answer.Endorsers, Endorser{Actor{string(e.DID), e.Name}, e.On, e.Comment})
		}
		if found.Weighed {
			answer.Trust = &WhoTrust{
				Level: int(a.Trust.Level), Word: in.words().Level(a.Trust.Standing), Contested: a.Trust.Contested,
				Reason: in.words().Reason(a.Trust), Chains: a.Trust.Independent,
			}
		}
		out.Answers = append(out.Answers, answer)
	}
	return body(out), nil
}
