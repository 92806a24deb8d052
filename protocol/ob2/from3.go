package ob2

import (
	"errors"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// Hosting is where the documents of a badge will stand: 2.0 believes what an
// address publishes. All are https addresses on one host; Email is the contact
// 2.0 wants of every issuer.
type Hosting struct {
	Assertion, Class, Issuer string
	Email, URL               string
}

// ErrNotHosted is returned when a Hosting lacks an address.
var ErrNotHosted = errors.New("an Open Badges 2.0 badge needs an address on the web for itself, its class and its issuer, with an e-mail address")

// FromCredential returns an Open Badges 3.0 credential as the three documents
// that Open Badges 2.0 publishes, and what it says that they do not.
//
// It fails with ErrNotHosted, or on a credential without an achievement.
func FromCredential(credential foreign.Object, h Hosting) (Badge, []Loss, error) {
	for _, a := range []string{h.Assertion, h.Class, h.Issuer, h.URL} {
		if !foreign.IsWeb(a) {
			return Badge{}, nil, ErrNotHosted
		}
	}
	if h.Email == "" {
		return Badge{}, nil, ErrNotHosted
	}
	subjects := credential.Objects("credentialSubject")
	if len(subjects) == 0 || subjects[0].Object("achievement") == nil {
		return Badge{}, nil, errors.New("the credential has no achievement")
	}
	var losses []Loss
	c := take(credential, "", &losses)
	c.drop("@context", "type", "id", "credentialSubject", "issuer")
	if len(subjects) > 1 {
		c.lose("credentialSubject", OnlyOne)
	}
	c.without(Resigned, "proof", "credentialStatus", "credentialSchema", "refreshService", "termsOfUse")
	c.without(NoPlace, "awardedDate", "endorsement", "endorsementJwt", "description", "image")
	s := take(subjects[0], "credentialSubject", &losses)
	s.drop("type", "achievement")
	s.without(NoPlace, "result", "source", "role", "term", "creditsEarned", "licenseNumber", "activityStartDate", "activityEndDate")

	out := map[string]any{
		"@context": contextV2, "type": Assertion, "id": h.Assertion, "badge": h.Class,
		"verification": map[string]any{"type": "HostedBadge"},
	}
	set(out, "recipient", s.recipient())
	set(out, "narrative", s.text("narrative"))
	set(out, "image", s.image("image", false))
	s.done()
	begins := c.moment("validFrom", false)
	if begins == "" {
		begins = c.moment("issuanceDate", false)
	}
	ends := c.moment("validUntil", true)
	if ends == "" {
		ends = c.moment("expirationDate", true)
	}
	if a := credential.Text("awardedDate"); a == begins {
		c.drop("awardedDate")
	}
	set(out, "issuedOn", begins)
	set(out, "expires", ends)
	set(out, "evidence", c.evidenceBack())
	class := class(subjects[0].Object("achievement"), h, &losses)
	if credential.Text("name") == class["name"] {
		c.drop("name")
	}
	c.without(NoPlace, "name")
	c.done()
	issuer := profile(credential, h, &losses)
	return Badge{V20, out, class, issuer}, losses, nil
}

// recipient is the first hashed or open address, or the id of the subject.
func (t *taker) recipient() map[string]any {
	id := t.text("id")
	var out map[string]any
	t.each("identifier", func(in *taker) {
		kind := in.text("identityType")
		hashed, _ := in.value("hashed").(bool)
		value, salt := in.text("identityHash"), in.text("salt")
		in.drop("type")
		if out != nil || value == "" {
			*in.losses = append(*in.losses, Loss{in.path, OnlyOne})
			return
		}
		if kind == "emailAddress" {
			kind = "email"
		}
		out = map[string]any{"type": strings.TrimPrefix(kind, "ext:"), "hashed": hashed, "identity": value}
		set(out, "salt", salt)
	})
	switch {
	case out == nil && id != "":
		return map[string]any{"type": "url", "hashed": false, "identity": id}
	case id != "":
		t.lose("id", OnlyOne)
	}
	return out
}

// evidenceBack leaves out the evidence that only names the badge this
// credential was converted from.
func (t *taker) evidenceBack() []any {
	var out []any
	t.each("evidence", func(in *taker) {
		if in.o.Is(vocabulary + Assertion) {
			in.drop("id", "type", "name")
			return
		}
		in.drop("type")
		e := map[string]any{}
		for _, name := range []string{"id", "name", "description", "narrative", "genre", "audience"} {
			set(e, name, in.text(name))
		}
		if len(e) > 0 {
			e["type"] = "Evidence"
			out = append(out, e)
		}
	})
	return out
}

func class(achievement foreign.Object, h Hosting, losses *[]Loss) map[string]any {
	a := take(achievement, "credentialSubject.achievement", losses)
	a.drop("type", "id")
	a.without(NotHosting, "creator")
	a.without(NoPlace, "achievementType", "creditsAvailable", "endorsement", "endorsementJwt", "fieldOfStudy", "humanCode",
		"otherIdentifier", "related", "resultDescription", "specialization")
	if related := achievement.Objects("related"); len(related) == 1 && related[0].Is(vocabulary+BadgeClass) {
		a.drop("related")
	}
	out := map[string]any{"@context": contextV2, "type": BadgeClass, "id": h.Class, "issuer": h.Issuer}
	for _, n := range [][2]string{{"name", "name"}, {"description", "description"}, {"version", "version"}, {"inLanguage", "@language"}} {
		set(out, n[1], a.text(n[0]))
	}
	set(out, "image", a.image("image", false))
	if c := a.criteria(); len(c) == 1 && c["id"] != nil {
		out["criteria"] = c["id"]
	} else {
		set(out, "criteria", c)
	}
	set(out, "tags", a.tags("tag"))
	var alignments []any
	a.each("alignment", func(in *taker) {
		in.drop("type")
		in.without(NoPlace, "targetType")
		target := map[string]any{}
		for _, name := range []string{"targetName", "targetUrl", "targetDescription", "targetFramework", "targetCode"} {
			set(target, name, in.text(name))
		}
		alignments = append(alignments, target)
	})
	set(out, "alignment", alignments)
	a.done()
	return out
}

func profile(credential foreign.Object, h Hosting, losses *[]Loss) map[string]any {
	out := map[string]any{"@context": contextV2, "type": Issuer, "id": h.Issuer, "url": h.URL, "email": h.Email, "name": h.Issuer}
	issuer := credential.Object("issuer")
	i := take(issuer, "issuer", losses)
	i.drop("type", "id")
	i.without(NotHosting, "url", "email")
	if issuer.Text("url") == h.URL {
		i.drop("url")
	}
	if issuer.Text("email") == h.Email {
		i.drop("email")
	}
	i.without(NoPlace, "address", "endorsement", "endorsementJwt", "otherIdentifier", "official", "parentOrg", "familyName", "givenName",
		"additionalName", "patronymicName", "honorificPrefix", "honorificSuffix", "familyNamePrefix", "dateOfBirth")
	for _, n := range [][2]string{{"name", "name"}, {"phone", "telephone"}, {"description", "description"}} {
		set(out, n[1], i.text(n[0]))
	}
	set(out, "image", i.image("image", false))
	i.done()
	return out
}
