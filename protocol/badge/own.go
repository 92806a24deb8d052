package badge

import (
	"slices"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Kinds of profile (Profile.Kind).
const (
	Organisation = "organisation"
	PlaceKind    = "place"
	Group        = "group"
	Person       = "person"
)

// Profile says who a DID is (OB 3.0 §B.1.4).
type Profile struct {
	Frame       `json:",inline"`
	ID          did.DID  `json:"id"`
	Type        []string `json:"type"` // Profile
	Kind        string   `json:"essaim:kind"`
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	URL         string   `json:"url,omitempty"`
	Email       string   `json:"email,omitempty"`
	// Point is where a place stands, "48.3904,-4.4861". No person has one.
	Point string `json:"essaim:point,omitempty"`
}

// The states a status can set. Those of Final are for ever.
const (
	Suspended   = "suspended"
	Reinstated  = "reinstated"
	Revoked     = "revoked"
	Withdrawn   = "withdrawn"
	Retired     = "retired"
	Renounced   = "renounced"
	Erased      = "erased"
	Compromised = "compromised"
)

// States are all states a status can set.
var States = []string{Suspended, Reinstated, Revoked, Withdrawn, Retired, Renounced, Erased, Compromised}

// StatusReasons are the codes a status may give. They are codes because the
// reason is public and the story is not.
var StatusReasons = []string{"error", "wrong-person", "safety", "fraud", "rules", "outdated", "request", "other"}

// DisputeReasons are the codes a dispute must give one of.
var DisputeReasons = []string{"never-happened", "wrong-person", "criteria-not-met", "unsafe", "copied", "impersonation", "other"}

// Status changes the state of one record or key.
type Status struct {
	Frame  `json:",inline"`
	ID     string   `json:"id"`   // urn:uuid
	Type   []string `json:"type"` // essaim:Status
	Author did.DID  `json:"essaim:author"`
	Target string   `json:"essaim:target"` // CID; the author's own DID for compromised
	State  string   `json:"essaim:state"`
	Reason string   `json:"essaim:reason"`
	// Since is the moment from which a compromised key is not to be believed.
	Since string `json:"essaim:since,omitempty"`
}

// Dispute contests an award, a class or an issuer, in the open.
type Dispute struct {
	Frame   `json:",inline"`
	ID      string   `json:"id"`   // urn:uuid
	Type    []string `json:"type"` // essaim:Dispute
	Author  did.DID  `json:"essaim:author"`
	Target  string   `json:"essaim:target"` // CID or DID
	Reason  string   `json:"essaim:reason"`
	Comment string   `json:"essaim:comment"`
	Until   string   `json:"essaim:until,omitempty"`
}

// Notice offers or asks for skills in a territory, for a year at most.
type Notice struct {
	Frame       `json:",inline"`
	ID          string   `json:"id"`   // urn:uuid
	Type        []string `json:"type"` // essaim:Notice
	Author      did.DID  `json:"essaim:author"`
	Direction   string   `json:"essaim:direction"` // offer or request
	Name        string   `json:"name"`
	Description string   `json:"description,omitempty"`
	Skill       []string `json:"essaim:skill,omitempty"` // addresses of skills in frameworks
	Tag         []string `json:"essaim:tag,omitempty"`
	Until       string   `json:"essaim:until"`
}

// Directions of a notice.
const (
	Offer   = "offer"
	Request = "request"
)

// Succession hands over from one key to another; both sign.
type Succession struct {
	Frame `json:",inline"`
	ID    string   `json:"id"`   // urn:uuid
	Type  []string `json:"type"` // essaim:Succession
	From  did.DID  `json:"essaim:from"`
	To    did.DID  `json:"essaim:to"`
}

// Validate implements Document.
func (p *Profile) Validate() error {
	v := validator{}
	v.types("type", p.Type, "Profile")
	v.did("id", p.ID)
	v.oneOf("essaim:kind", p.Kind, Organisation, PlaceKind, Group, Person)
	v.text("name", p.Name, required, maxName)
	v.text("description", p.Description, optional, maxText)
	v.url("url", p.URL, optional)
	v.email("email", p.Email)
	if p.Point != "" {
		point, err := territory.ParsePoint(p.Point)
		v.check(err == nil && point.String() == p.Point, "essaim:point", `is not "latitude,longitude" with four decimals`)
		v.check(p.Kind != Person, "essaim:point", "is not for a person")
	}
	v.check(p.Email == "" || p.Kind != Person, "email", "is not for a person")
	return v.result()
}

// Validate implements Document.
func (s *Status) Validate() error {
	v := validator{}
	v.types("type", s.Type, "essaim:Status")
	v.uuid("id", s.ID)
	v.did("essaim:author", s.Author)
	v.oneOf("essaim:state", s.State, States...)
	v.oneOf("essaim:reason", s.Reason, StatusReasons...)
	if s.State == Compromised {
		v.check(s.Target == string(s.Author), "essaim:target", "is not the author: a key declares itself compromised")
		v.time("essaim:since", s.Since, required)
	} else {
		v.cid("essaim:target", s.Target, required)
		v.check(s.Since == "", "essaim:since", "goes only with compromised")
	}
	return v.result()
}

// Validate implements Document.
func (d *Dispute) Validate() error {
	v := validator{}
	v.types("type", d.Type, "essaim:Dispute")
	v.uuid("id", d.ID)
	v.did("essaim:author", d.Author)
	if target, err := did.Parse(d.Target); err == nil {
		v.check(target != d.Author, "essaim:target", "is the author: nobody disputes themself")
	} else {
		v.cid("essaim:target", d.Target, required)
	}
	v.oneOf("essaim:reason", d.Reason, DisputeReasons...)
	v.text("essaim:comment", d.Comment, required, maxText)
	v.time("essaim:until", d.Until, optional)
	return v.result()
}

// Validate implements Document.
func (n *Notice) Validate() error {
	v := validator{}
	v.types("type", n.Type, "essaim:Notice")
	v.uuid("id", n.ID)
	v.did("essaim:author", n.Author)
	v.oneOf("essaim:direction", n.Direction, Offer, Request)
	v.text("name", n.Name, required, maxName)
	v.text("description", n.Description, optional, maxText)
	v.count("essaim:skill", len(n.Skill), maxAlignments)
	for i, s := range n.Skill {
		v.entry("essaim:skill", i)
		v.url("", s, required)
		v.leave()
	}
	v.count("essaim:tag", len(n.Tag), maxTags)
	for i, t := range n.Tag {
		v.entry("essaim:tag", i)
		v.text("", t, required, maxName)
		v.leave()
	}
	v.check(len(n.Skill)+len(n.Tag) > 0, "essaim:tag", "is missing: name a skill or a tag")
	v.time("essaim:until", n.Until, required)
	return v.result()
}

// Validate implements Document.
func (s *Succession) Validate() error {
	v := validator{}
	v.types("type", s.Type, "essaim:Succession")
	v.uuid("id", s.ID)
	v.did("essaim:from", s.From)
	v.did("essaim:to", s.To)
	v.check(s.From != s.To, "essaim:to", "is the old key")
	return v.result()
}

// TimeLayout is how every time is written: UTC, whole seconds.
const TimeLayout = "2006-01-02T15:04:05Z"

// ParseTime parses a time as documents write it, and no other way.
func ParseTime(s string) (time.Time, error) {
	// Package time takes fractions and single digits the layout does not have.
	shaped := len(s) == len(TimeLayout)
	for i := 0; shaped && i < len(s); i++ {
		digit := func(c byte) bool { return c >= '0' && c <= '9' }
		shaped = s[i] == TimeLayout[i] || digit(s[i]) && digit(TimeLayout[i])
	}
	if !shaped {
		return time.Time{}, &time.ParseError{Layout: TimeLayout, Value: clip(s), Message: ": not in this form"}
	}
	return time.Parse(TimeLayout, s)
}

// FormatTime writes t as documents do, dropping fractions of a second.
func FormatTime(t time.Time) string { return t.UTC().Format(TimeLayout) }

func (v *validator) oneOf(member, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		v.check(false, member, "is not one of "+list(allowed))
	}
}
