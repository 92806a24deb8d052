package badge

import (
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Achievement is a badge class: what can be recognised, and how (OB 3.0
// §B.1.2). As a record it stands alone with Creator, Rule and Licence; inside
// an award it is embedded without its Frame, with Class naming the record.
type Achievement struct {
	Frame             `json:",inline"`
	ID                string              `json:"id"`   // urn:uuid
	Type              []string            `json:"type"` // Achievement
	Name              string              `json:"name"`
	Description       string              `json:"description"`
	Criteria          Criteria            `json:"criteria"`
	Creator           *ProfileRef         `json:"creator"`
	AchievementType   string              `json:"achievementType,omitempty"`
	Alignment         []Alignment         `json:"alignment,omitempty"`
	Tag               []string            `json:"tag,omitempty"`
	InLanguage        string              `json:"inLanguage,omitempty"`
	ResultDescription []ResultDescription `json:"resultDescription,omitempty"`
	Rule              *Rule               `json:"essaim:rule,omitempty"`
	Licence           string              `json:"essaim:licence,omitempty"`
	DerivedFrom       string              `json:"essaim:derivedFrom,omitempty"` // CID of a class
	Class             string              `json:"essaim:class,omitempty"`       // CID, embedded only
}

// Criteria is how the achievement is earned: an address, a text or both.
type Criteria struct {
	ID        string `json:"id,omitempty"`
	Narrative string `json:"narrative,omitempty"`
}

// Alignment ties an achievement to a skill of a framework.
type Alignment struct {
	Type              []string `json:"type"` // Alignment
	TargetName        string   `json:"targetName"`
	TargetURL         string   `json:"targetUrl"`
	TargetFramework   string   `json:"targetFramework,omitempty"`
	TargetType        string   `json:"targetType,omitempty"` // ext:ESCO, ext:ROME, ext:DigComp, ext:CRCN …
	TargetCode        string   `json:"targetCode,omitempty"`
	TargetDescription string   `json:"targetDescription,omitempty"`
}

// ResultDescription lists the levels an achievement can be awarded at.
type ResultDescription struct {
	ID         string        `json:"id"`
	Type       []string      `json:"type"` // ResultDescription
	Name       string        `json:"name"`
	ResultType string        `json:"resultType"` // RubricCriterionLevel
	Level      []RubricLevel `json:"rubricCriterionLevel"`
}

// RubricLevel is one level, "1" to "5" (OB 3.0 RubricCriterionLevel).
type RubricLevel struct {
	ID    string   `json:"id"`
	Type  []string `json:"type"` // RubricCriterionLevel
	Name  string   `json:"name"`
	Level string   `json:"level"`
}

// Who may award a class (Rule.By).
const (
	ByCreator = "creator" // who made it; the default
	ByListed  = "listed"  // the DIDs of Listed
	ByHolders = "holders" // who holds it, from MinLevel
	ByAnyone  = "anyone"
	ByQuorum  = "quorum" // Holders endorsements by holders, or Mentors by the DIDs of Listed
)

// Rule says who may award a class. An award outside it is kept, and shown as
// such (spec/records.md §7).
type Rule struct {
	By       string    `json:"essaim:by"`
	Listed   []did.DID `json:"essaim:listed,omitempty"`
	MinLevel int       `json:"essaim:minLevel,omitzero"` // 1 to 5
	Holders  int       `json:"essaim:holders,omitzero"`  // 1 to 20
	Mentors  int       `json:"essaim:mentors,omitzero"`  // 1 to 20
}

// achievementTypes are those of the standard (OB 3.0 §B.2.1); others begin
// with "ext:".
var achievementTypes = strings.Fields(`Achievement ApprenticeshipCertificate Assessment Assignment
	AssociateDegree Award Badge BachelorDegree Certificate CertificateOfCompletion Certification
	CommunityService Competency Course CoCurricular Degree Diploma DoctoralDegree Fieldwork
	GeneralEducationDevelopment JourneymanCertificate LearningProgram License Membership
	ProfessionalDoctorate QualityAssuranceCredential MasterCertificate MasterDegree MicroCredential
	ResearchDoctorate SecondarySchoolDiploma`)

var targetTypes = []string{
	"ceasn:Competency", "ceterms:Credential", "CFItem", "CFRubric", "CFRubricCriterion",
	"CFRubricCriterionLevel", "CTDL",
}

// Validate implements Document, of a class standing alone.
func (a *Achievement) Validate() error {
	v := validator{}
	v.achievement(a)
	v.check(a.Class == "", "essaim:class", "stands only in an award")
	return v.result()
}

func (v *validator) achievement(a *Achievement) {
	v.types("type", a.Type, "Achievement")
	v.uuid("id", a.ID)
	v.text("name", a.Name, required, maxName)
	v.text("description", a.Description, required, maxText)
	v.url("criteria.id", a.Criteria.ID, optional)
	v.text("criteria.narrative", a.Criteria.Narrative, optional, maxText)
	v.check(a.Criteria != Criteria{}, "criteria", "has neither id nor narrative")
	if a.Creator == nil {
		v.check(false, "creator", "is missing")
	} else {
		v.profileRef("creator", a.Creator)
	}
	v.check(a.AchievementType == "" || extended(a.AchievementType, achievementTypes),
		"achievementType", "is neither of the standard nor ext:…")
	v.count("alignment", len(a.Alignment), maxAlignments)
	for i := range a.Alignment {
		v.entry("alignment", i)
		v.alignment(&a.Alignment[i])
		v.leave()
	}
	v.count("tag", len(a.Tag), maxTags)
	for i, t := range a.Tag {
		v.entry("tag", i)
		v.text("", t, required, maxName)
		v.leave()
	}
	v.check(a.InLanguage == "" || language(a.InLanguage), "inLanguage", "is not a language tag such as fr or fr-FR")
	v.count("resultDescription", len(a.ResultDescription), 1)
	for i := range a.ResultDescription {
		v.entry("resultDescription", i)
		v.levels(a.ID, &a.ResultDescription[i])
		v.leave()
	}
	if a.Rule != nil {
		v.enter("essaim:rule")
		v.rule(a.Rule)
		v.leave()
	}
	v.text("essaim:licence", a.Licence, optional, 64)
	v.cid("essaim:derivedFrom", a.DerivedFrom, optional)
}

func (v *validator) alignment(a *Alignment) {
	v.types("type", a.Type, "Alignment")
	v.text("targetName", a.TargetName, required, maxLabel)
	v.url("targetUrl", a.TargetURL, required)
	v.text("targetFramework", a.TargetFramework, optional, maxName)
	v.text("targetCode", a.TargetCode, optional, maxName)
	v.text("targetDescription", a.TargetDescription, optional, maxText)
	v.check(a.TargetType == "" || extended(a.TargetType, targetTypes),
		"targetType", "is neither of the standard nor ext:…")
}

func (v *validator) levels(class string, d *ResultDescription) {
	v.types("type", d.Type, "ResultDescription")
	v.fragment("id", d.ID, class)
	v.text("name", d.Name, required, maxName)
	v.check(d.ResultType == "RubricCriterionLevel", "resultType", "is not RubricCriterionLevel")
	v.check(len(d.Level) >= 1, "rubricCriterionLevel", "is missing")
	v.count("rubricCriterionLevel", len(d.Level), 5)
	last := 0
	for i := range d.Level {
		l := &d.Level[i]
		v.entry("rubricCriterionLevel", i)
		v.types("type", l.Type, "RubricCriterionLevel")
		v.fragment("id", l.ID, class)
		taken := l.ID == d.ID
		for _, other := range d.Level[:i] {
			taken = taken || l.ID == other.ID
		}
		v.check(!taken, "id", "stands twice")
		v.text("name", l.Name, required, maxName)
		n := levelNumber(l.Level)
		v.check(n > last, "level", "is not from 1 to 5 in rising order")
		last = n
		v.leave()
	}
}

// fragment wants the id of the class, # and 1 to 34 characters of a name.
func (v *validator) fragment(member, id, class string) {
	rest, ok := strings.CutPrefix(id, class)
	name, hash := strings.CutPrefix(rest, "#")
	v.check(ok && hash && name != "" && len(name) <= 34 && strings.Trim(name, alphanumeric+"-._") == "",
		member, "is not the class id, # and a name of 1 to 34 letters, digits, - . or _")
}

func (v *validator) rule(r *Rule) {
	v.count("essaim:listed", len(r.Listed), 50)
	for i, d := range r.Listed {
		v.entry("essaim:listed", i)
		v.did("", d)
		v.check(!slices.Contains(r.Listed[:i], d), "", "stands twice")
		v.leave()
	}
	level, quorum := r.MinLevel != 0, r.Holders != 0 || r.Mentors != 0
	v.check(r.MinLevel >= 0 && r.MinLevel <= 5, "essaim:minLevel", "is not from 1 to 5")
	v.check(r.Holders >= 0 && r.Holders <= 20, "essaim:holders", "is not from 1 to 20")
	v.check(r.Mentors >= 0 && r.Mentors <= 20, "essaim:mentors", "is not from 1 to 20")
	v.check(r.Mentors <= len(r.Listed) || r.By != ByQuorum, "essaim:mentors", "is more than are listed")
	fits := false
	switch r.By {
	case ByCreator, ByAnyone:
		fits = len(r.Listed) == 0 && !level && !quorum
	case ByListed:
		fits = len(r.Listed) > 0 && !level && !quorum
	case ByHolders:
		fits = len(r.Listed) == 0 && !quorum
	case ByQuorum:
		fits = quorum && (r.Mentors > 0) == (len(r.Listed) > 0)
	default:
		v.check(false, "essaim:by", "is not creator, listed, holders, anyone or quorum")
		return
	}
	v.check(fits, "", "has members that do not go with "+r.By)
}

func extended(s string, standard []string) bool {
	if slices.Contains(standard, s) {
		return true
	}
	rest, ok := strings.CutPrefix(s, "ext:")
	return ok && rest != "" && len(rest) <= 64 && strings.Trim(rest, alphanumeric+".-_") == ""
}

// levelNumber returns 1 to 5, or 0 for anything else.
func levelNumber(s string) int {
	if len(s) == 1 && s[0] >= '1' && s[0] <= '5' {
		return int(s[0] - '0')
	}
	return 0
}

// Levels returns the levels the class can be awarded at, rising, or none.
func (a *Achievement) Levels() []RubricLevel {
	if len(a.ResultDescription) == 0 {
		return nil
	}
	return a.ResultDescription[0].Level
}

// Embedded returns the class as it stands inside an award: without frame, with
// the CID of the class record.
func (a *Achievement) Embedded(cid string) Achievement {
	e := *a
	e.Frame = Frame{}
	e.Class = cid
	return e
}
