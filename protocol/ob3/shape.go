package ob3

import (
	"maps"
	"slices"
	"strconv"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// badgeTypes are the two names of the credential that is a badge.
var badgeTypes = []string{"OpenBadgeCredential", "AchievementCredential"}

// shape is what an object of one type must have, and the types of the objects
// inside it (Open Badges 3.0 appendix B). What it may have besides is open.
type shape struct {
	must  []string
	parts map[string]string
	// plain objects have no type of their own.
	plain bool
}

// shapes by type. Members of linked data may stand alone or in a list.
var shapes = map[string]shape{
	"AchievementSubject": {
		must:  []string{"achievement"},
		parts: map[string]string{"achievement": "Achievement", "identifier": "IdentityObject", "image": "Image", "result": "Result", "source": "Profile"},
	},
	"Achievement": {
		must: []string{"id", "criteria", "description", "name"},
		parts: map[string]string{
			"alignment": "Alignment", "creator": "Profile", "criteria": "Criteria", "image": "Image",
			"otherIdentifier": "IdentifierEntry", "related": "Related", "resultDescription": "ResultDescription",
		},
	},
	"Criteria":        {plain: true},
	"Image":           {must: []string{"id"}},
	"IdentityObject":  {must: []string{"hashed", "identityHash", "identityType"}},
	"IdentifierEntry": {must: []string{"identifier", "identifierType"}},
	"Related":         {must: []string{"id"}},
	"Alignment":       {must: []string{"targetName", "targetUrl"}},
	"Evidence":        {},
	"Result":          {parts: map[string]string{"alignment": "Alignment"}},
	"ResultDescription": {
		must:  []string{"id", "name", "resultType"},
		parts: map[string]string{"alignment": "Alignment", "rubricCriterionLevel": "RubricCriterionLevel"},
	},
	"RubricCriterionLevel": {must: []string{"id", "name"}, parts: map[string]string{"alignment": "Alignment"}},
	"Address":              {parts: map[string]string{"geo": "GeoCoordinates"}},
	"GeoCoordinates":       {must: []string{"latitude", "longitude"}},
	"EndorsementSubject":   {must: []string{"id"}},
	"Profile": {
		must:  []string{"id"},
		parts: map[string]string{"address": "Address", "image": "Image", "otherIdentifier": "IdentifierEntry", "parentOrg": "Profile"},
	},
}

// shape answers Shape by the first thing that is amiss.
func (c *credential) shape() {
	o := c.Object
	badge, endorsement := o.Is(badgeTypes...), o.Is("EndorsementCredential")
	if !badge && !endorsement {
		c.v.Says(foreign.Shape, foreign.Unknown, foreign.OtherDocument, c.v.Kind)
		return
	}
	amiss := func(member string) { c.v.Says(foreign.Shape, foreign.No, foreign.Misshapen, member) }
	contexts := o.Texts("@context")
	switch {
	case len(contexts) == 0 || contexts[0] != contextV1 && contexts[0] != contextV2:
		amiss("@context")
		return
	case !o.Names(contextOB3):
		amiss("@context")
		return
	case !o.Is("VerifiableCredential"):
		amiss("type")
		return
	}
	for _, name := range []string{"id", "credentialSubject", "issuer"} {
		if len(o.List(name)) == 0 {
			amiss(name)
			return
		}
	}
	if o.Text("validFrom") == "" && o.Text("issuanceDate") == "" {
		amiss("validFrom")
		return
	}
	parts := []part{{"credentialSubject", "AchievementSubject"}, {"evidence", "Evidence"}, {"image", "Image"}}
	if endorsement {
		parts[0].kind = "EndorsementSubject"
		if o.Text("name") == "" {
			amiss("name")
			return
		}
	}
	if o.Text("issuer") == "" {
		parts = append(parts, part{"issuer", "Profile"})
	}
	for _, p := range parts {
		if where := c.checkPart(o, p, ""); where != "" {
			amiss(where)
			return
		}
	}
	subject := c.subject()
	if badge && subject.Text("id") == "" && len(subject.List("identifier")) == 0 {
		c.v.Note(foreign.NobodyNamed)
	}
	c.v.Says(foreign.Shape, foreign.Yes, foreign.Fits, "")
}

type part struct{ member, kind string }

// checkPart returns the path of the first thing amiss in a member, or "".
func (c *credential) checkPart(o foreign.Object, p part, path string) string {
	path = strings.TrimPrefix(path+"."+p.member, ".")
	list := o.List(p.member)
	for i, v := range list {
		here := path
		if len(list) > 1 {
			here += "[" + strconv.Itoa(i) + "]"
		}
		m, ok := v.(map[string]any)
		if _, text := v.(string); text && p.kind == "Image" && c.Names(contextV1) {
			continue // an address, before 3.0 was final
		}
		if !ok {
			return here
		}
		object, s := foreign.Object(m), shapes[p.kind]
		if !s.plain && !object.Is(p.kind) {
			return here + ".type"
		}
		for _, name := range s.must {
			if object[name] == nil || object[name] == "" {
				return here + "." + name
			}
		}
		// In one order, so that one badge has one finding.
		for _, name := range slices.Sorted(maps.Keys(s.parts)) {
			if where := c.checkPart(object, part{name, s.parts[name]}, here); where != "" {
				return where
			}
		}
	}
	return ""
}
