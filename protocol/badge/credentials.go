package badge

import "codeberg.org/essaim/essaim/protocol/did"

// AchievementCredential is an award: its issuer says that the subject meets the
// criteria of an achievement, and the subject co-signs (OB 3.0 §B.1.1).
type AchievementCredential struct {
	Frame       `json:",inline"`
	ID          string             `json:"id"`   // urn:uuid
	Type        []string           `json:"type"` // VerifiableCredential, OpenBadgeCredential
	Name        string             `json:"name"`
	Issuer      ProfileRef         `json:"issuer"`
	ValidFrom   string             `json:"validFrom"`
	ValidUntil  string             `json:"validUntil,omitempty"`
	AwardedDate string             `json:"awardedDate,omitempty"`
	Subject     AchievementSubject `json:"credentialSubject"`
	Evidence    []Evidence         `json:"evidence,omitempty"`
}

// AchievementSubject is who was awarded what. Nothing in it names a person
// other than by their key.
type AchievementSubject struct {
	ID          did.DID     `json:"id"`
	Type        []string    `json:"type"` // AchievementSubject
	Achievement Achievement `json:"achievement"`
	Narrative   string      `json:"narrative,omitempty"`
	Result      []Result    `json:"result,omitempty"`
}

// Result says which level of the achievement was reached.
type Result struct {
	Type              []string `json:"type"`              // Result
	ResultDescription string   `json:"resultDescription"` // id of one in the achievement
	AchievedLevel     string   `json:"achievedLevel"`     // id of one of its levels
}

// Evidence is why the award was made.
type Evidence struct {
	ID          string   `json:"id,omitempty"` // https address or urn
	Type        []string `json:"type"`         // Evidence
	Name        string   `json:"name,omitempty"`
	Description string   `json:"description,omitempty"`
	Narrative   string   `json:"narrative,omitempty"`
}

// ProfileRef is a profile named inside another document.
type ProfileRef struct {
	ID   did.DID  `json:"id"`
	Type []string `json:"type"` // Profile
	Name string   `json:"name,omitempty"`
	URL  string   `json:"url,omitempty"`
}

// EndorsementCredential backs an award, a class or a profile (OB 3.0 §B.1.8).
type EndorsementCredential struct {
	Frame       `json:",inline"`
	ID          string             `json:"id"`   // urn:uuid
	Type        []string           `json:"type"` // VerifiableCredential, EndorsementCredential
	Name        string             `json:"name"`
	Issuer      ProfileRef         `json:"issuer"`
	ValidFrom   string             `json:"validFrom"`
	ValidUntil  string             `json:"validUntil,omitempty"`
	AwardedDate string             `json:"awardedDate,omitempty"`
	Subject     EndorsementSubject `json:"credentialSubject"`
}

// EndorsementSubject is what is endorsed. Of an award or a class, ID is the id
// the standard knows and CID the exact version. Of a profile, ID is the DID and
// CID, optional, the version that was read: it is the actor who is endorsed.
type EndorsementSubject struct {
	ID      string   `json:"id"`
	Type    []string `json:"type"` // EndorsementSubject
	CID     string   `json:"essaim:cid,omitempty"`
	Comment string   `json:"endorsementComment,omitempty"`
	// Weight is how strongly a profile is endorsed: 25, 50, 75 or 100, the
	// last when absent (spec/trust.md).
	Weight int `json:"essaim:weight,omitzero"`
}

// TargetDID returns the endorsed DID, or "" when a record is endorsed.
func (s *EndorsementSubject) TargetDID() did.DID {
	if d, err := did.Parse(s.ID); err == nil {
		return d
	}
	return ""
}

// Validate implements Document.
func (c *AchievementCredential) Validate() error {
	v := validator{}
	v.types("type", c.Type, "VerifiableCredential", "OpenBadgeCredential")
	v.uuid("id", c.ID)
	v.text("name", c.Name, required, maxName)
	v.profileRef("issuer", &c.Issuer)
	v.period(c.ValidFrom, c.ValidUntil, c.AwardedDate)
	v.enter("credentialSubject")
	s := &c.Subject
	v.types("type", s.Type, "AchievementSubject")
	v.did("id", s.ID)
	v.text("narrative", s.Narrative, optional, maxText)
	v.enter("achievement")
	v.achievement(&s.Achievement)
	v.cid("essaim:class", s.Achievement.Class, required)
	f := &s.Achievement.Frame
	v.check(f.Context == nil && f.Territory == nil && f.Proof == nil,
		"", "has @context, essaim:territory or proof of its own")
	v.leave()
	v.results(s)
	v.leave()
	v.count("evidence", len(c.Evidence), maxEvidence)
	for i := range c.Evidence {
		v.entry("evidence", i)
		v.evidence(&c.Evidence[i])
		v.leave()
	}
	return v.result()
}

// Validate implements Document.
func (c *EndorsementCredential) Validate() error {
	v := validator{}
	v.types("type", c.Type, "VerifiableCredential", "EndorsementCredential")
	v.uuid("id", c.ID)
	v.text("name", c.Name, required, maxName)
	v.profileRef("issuer", &c.Issuer)
	v.period(c.ValidFrom, c.ValidUntil, c.AwardedDate)
	v.enter("credentialSubject")
	s := &c.Subject
	v.types("type", s.Type, "EndorsementSubject")
	v.text("endorsementComment", s.Comment, optional, maxText)
	if d := s.TargetDID(); d != "" {
		v.cid("essaim:cid", s.CID, optional)
		v.check(s.Weight == 0 || s.Weight == 25 || s.Weight == 50 || s.Weight == 75 || s.Weight == 100,
			"essaim:weight", "is not 25, 50, 75 or 100")
		v.check(d != c.Issuer.ID, "id", "is the endorser: nobody endorses themself")
	} else {
		v.uuid("id", s.ID)
		v.cid("essaim:cid", s.CID, required)
		v.check(s.Weight == 0, "essaim:weight", "is only for a profile")
	}
	v.leave()
	return v.result()
}

func (v *validator) profileRef(member string, p *ProfileRef) {
	v.enter(member)
	v.types("type", p.Type, "Profile")
	v.did("id", p.ID)
	v.text("name", p.Name, optional, maxName)
	v.url("url", p.URL, optional)
	v.leave()
}

func (v *validator) evidence(e *Evidence) {
	v.types("type", e.Type, "Evidence")
	v.url("id", e.ID, optional)
	v.text("name", e.Name, optional, maxName)
	v.text("description", e.Description, optional, maxText)
	v.text("narrative", e.Narrative, optional, maxText)
}

// results checks that each result names a level its achievement describes.
func (v *validator) results(s *AchievementSubject) {
	v.check(len(s.Result) <= 1, "result", "has more than one entry")
	for i, r := range s.Result {
		v.entry("result", i)
		v.types("type", r.Type, "Result")
		found := false
		for _, d := range s.Achievement.ResultDescription {
			for _, l := range d.Level {
				found = found || d.ID == r.ResultDescription && l.ID == r.AchievedLevel
			}
		}
		v.check(found, "achievedLevel", "is no level of the achievement")
		v.leave()
	}
}

// Level returns the level from 1 to 5 the award says was reached, or 0.
func (c *AchievementCredential) Level() int {
	for _, r := range c.Subject.Result {
		for _, d := range c.Subject.Achievement.ResultDescription {
			for _, l := range d.Level {
				if l.ID == r.AchievedLevel {
					return levelNumber(l.Level)
				}
			}
		}
	}
	return 0
}
