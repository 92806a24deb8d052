package ob2

import (
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// Version is one of the four ages, as Verdict.Standard writes it. V20 is also
// 2.1, whose documents are the same.
type Version string

// The four ages.
const (
	V05 Version = "OB 0.5"
	V10 Version = "OB 1.0"
	V11 Version = "OB 1.1"
	V20 Version = "OB 2.0"
)

// Kinds of document, by the names of 2.0.
const (
	Assertion        = "Assertion"
	BadgeClass       = "BadgeClass"
	Issuer           = "Issuer"
	Endorsement      = "Endorsement"
	RevocationList   = "RevocationList"
	CryptographicKey = "CryptographicKey"
)

const (
	contextV1  = "https://w3id.org/openbadges/v1"
	contextV2  = "https://w3id.org/openbadges/v2"
	vocabulary = "https://w3id.org/openbadges#"
)

// Classify returns the age and kind of a document, or "" and "" of one that is
// none of Open Badges. From 1.1 on documents say so; older ones are known by
// their members.
func Classify(o foreign.Object) (Version, string) {
	version := V20
	switch {
	case o.Names(contextV2):
	case o.Names(contextV1):
		version = V11
	case slices.ContainsFunc(o.Objects("@context"), definesVocabulary):
	case o["@context"] == nil:
		return classifyUntyped(o)
	default:
		return "", ""
	}
	if o["type"] == nil {
		return "", "" // a context, or a part of something
	}
	for _, t := range o.Texts("type") {
		t = strings.TrimPrefix(strings.TrimPrefix(t, "obi:"), vocabulary)
		switch t {
		case Assertion, BadgeClass, Issuer, Endorsement, RevocationList, CryptographicKey:
			return version, t
		case "Profile":
			return version, Issuer
		}
	}
	return version, ""
}

// definesVocabulary tells a context written out in the document.
func definesVocabulary(c foreign.Object) bool {
	return c.Text("obi") == vocabulary && c["Assertion"] != nil
}

func classifyUntyped(o foreign.Object) (Version, string) {
	badge := o.Object("badge")
	switch {
	case o.Text("recipient") != "" && badge != nil && badge["issuer"] != nil:
		return V05, Assertion
	case o["badge"] != nil && o["verify"] != nil && (o["recipient"] != nil || o["uid"] != nil):
		return V10, Assertion
	case o["criteria"] != nil && o["issuer"] != nil && o["name"] != nil && o["description"] != nil:
		return V10, BadgeClass
	case o["name"] != nil && o["url"] != nil && onlyOf(o, "name", "url", "description", "image", "email", "revocationList"):
		return V10, Issuer
	}
	return "", ""
}

func onlyOf(o foreign.Object, names ...string) bool {
	for name := range o {
		if !slices.Contains(names, name) {
			return false
		}
	}
	return true
}

// misshapen returns the path of the first thing a document lacks or has in
// another form than its age asks for, or "".
func misshapen(o foreign.Object, version Version, kind string) string {
	switch kind {
	case Assertion:
		if version == V05 {
			return misshapen05(o)
		}
		return misshapenAssertion(o, version)
	case BadgeClass:
		return misshapenClass(o, version)
	case Issuer:
		return misshapenIssuer(o, version)
	case Endorsement:
		if where := lacks(o, "id", "claim", "issuer", "issuedOn"); where != "" {
			return where
		}
		if o.ID("claim") == "" {
			return "claim.id"
		}
	case RevocationList:
		if o["revokedAssertions"] == nil {
			return "revokedAssertions"
		}
	case CryptographicKey:
		return lacks(o, "id", "owner", "publicKeyPem")
	}
	return ""
}

func lacks(o foreign.Object, names ...string) string {
	for _, n := range names {
		if o[n] == nil || o[n] == "" {
			return n
		}
	}
	return ""
}

func misshapenAssertion(o foreign.Object, version Version) string {
	if where := lacks(o, "recipient", "badge", "issuedOn"); where != "" {
		return where
	}
	recipient, proof := o.Object("recipient"), verification(o)
	switch {
	case version == V10 && o["uid"] == nil:
		return "uid"
	case version != V10 && o.Text("id") == "":
		return "id"
	case recipient == nil:
		return "recipient"
	case proof == nil:
		return "verification"
	case !signed(proof) && !hosted(proof):
		return "verification.type"
	case hosted(proof) && !foreign.IsWeb(address(o)):
		return "verification.url"
	}
	if where := lacks(recipient, "identity", "type"); where != "" {
		return "recipient." + where
	}
	if hashed, _ := recipient["hashed"].(bool); hashed && !foreign.KnownHash(recipient.Text("identity")) {
		return "recipient.identity"
	}
	if class := o.Object("badge"); class != nil {
		if where := misshapenClass(class, version); where != "" {
			return "badge." + where
		}
	} else if o.Text("badge") == "" {
		return "badge"
	}
	return ""
}

func misshapenClass(o foreign.Object, version Version) string {
	if where := lacks(o, "name", "description", "criteria", "issuer"); where != "" {
		return where
	}
	if version != V10 {
		if where := lacks(o, "id", "type"); where != "" {
			return where
		}
		if !o.Is(BadgeClass, "obi:"+BadgeClass, vocabulary+BadgeClass) {
			return "type"
		}
	}
	issuer := o.Object("issuer")
	switch {
	case issuer == nil && o.Text("issuer") == "":
		return "issuer"
	case issuer != nil:
		if where := misshapenIssuer(issuer, version); where != "" {
			return "issuer." + where
		}
	}
	for _, a := range o.Objects("alignment") {
		if a.Text("targetName")+a.Text("name") == "" || a.Text("targetUrl")+a.Text("url") == "" {
			return "alignment"
		}
	}
	if c := o.Object("criteria"); c != nil && c.Text("id") == "" && c.Text("narrative") == "" {
		return "criteria"
	}
	return ""
}

func misshapenIssuer(o foreign.Object, version Version) string {
	names := []string{"name", "url"}
	switch version {
	case V11:
		names = append(names, "id", "type")
	case V20:
		names = append(names, "id", "type", "email")
	}
	if where := lacks(o, names...); where != "" {
		return where
	}
	if version != V10 && !o.Is(Issuer, "Profile", "obi:Issuer", "obi:Profile", vocabulary+"Issuer", vocabulary+"Profile") {
		return "type"
	}
	return ""
}

// misshapen05 checks an assertion of before any standard: a recipient in the
// clear or hashed, and class and issuer inside.
func misshapen05(o foreign.Object) string {
	recipient := o.Text("recipient")
	if strings.Contains(recipient, "$") && !foreign.KnownHash(recipient) {
		return "recipient"
	}
	badge := o.Object("badge")
	if where := lacks(badge, "name", "description", "criteria"); where != "" {
		return "badge." + where
	}
	issuer := badge.Object("issuer")
	if where := lacks(issuer, "origin", "name"); where != "" {
		return "badge.issuer." + where
	}
	return ""
}

// verification returns how an assertion says it is to be verified, under the
// name of its age.
func verification(o foreign.Object) foreign.Object {
	if v := o.Object("verification"); v != nil {
		return v
	}
	return o.Object("verify")
}

func signed(v foreign.Object) bool { return v.Is("SignedBadge", "signed", "obi:SignedBadge") }

func hosted(v foreign.Object) bool { return v.Is("HostedBadge", "hosted", "obi:HostedBadge") }

// address returns where an assertion says it stands.
func address(o foreign.Object) string {
	if id := o.Text("id"); id != "" {
		return id
	}
	return verification(o).Text("url")
}
