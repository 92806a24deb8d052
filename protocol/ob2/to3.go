package ob2

import (
	"errors"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// ErrIncomplete is returned for a badge whose class or issuer is not known.
var ErrIncomplete = errors.New("the class or the issuer of the badge is not at hand")

// ErrUndated is returned for a badge that does not say when it was issued, as
// 0.5 allowed and 3.0 does not.
var ErrUndated = errors.New("the badge does not say when it was issued")

// Credential returns the badge as an unsigned Open Badges 3.0 credential, and
// what it says that the credential does not. issuer is the Profile of whoever
// will sign it, with the id of their key: the one who converts, who thereby
// vouches for the conversion. The issuer of the badge becomes the creator of
// its achievement. Ids are made from the badge, so that one badge gives one
// credential.
//
// It fails with ErrIncomplete or ErrUndated.
func (b Badge) Credential(issuer map[string]any) (map[string]any, []Loss, error) {
	if b.Class == nil || b.Issuer == nil {
		return nil, nil, ErrIncomplete
	}
	id, err := newID("credential", b.Assertion)
	if err != nil {
		return nil, nil, err
	}
	var losses []Loss
	a := take(b.Assertion, "", &losses)
	a.drop("@context", "type", "id", "uid", "badge")
	a.without(Resigned, "verification", "verify", "revoked", "revocationReason")
	a.without(NoPlace, "endorsement", "related")

	achievement, err := b.achievement(&losses)
	if err != nil {
		return nil, nil, err
	}
	subject := map[string]any{"type": []any{"AchievementSubject"}, "achievement": achievement}
	set(subject, "identifier", a.identifier())
	set(subject, "narrative", a.text("narrative"))
	set(subject, "image", a.image("image", true))
	evidence := a.evidence()
	if original := address(b.Assertion); foreign.IsWeb(original) {
		evidence = append(evidence, map[string]any{
			"id": original, "type": []any{"Evidence", vocabulary + Assertion}, "name": "The badge this was converted from",
		})
	}
	begins := a.moment("issuedOn", false)
	if begins == "" {
		begins = a.moment("issued_on", false)
	}
	if begins == "" {
		return nil, nil, ErrUndated
	}
	out := map[string]any{
		"@context":          []any{"https://www.w3.org/ns/credentials/v2", "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"},
		"id":                id,
		"type":              []any{"VerifiableCredential", "OpenBadgeCredential"},
		"name":              achievement["name"],
		"issuer":            issuer,
		"validFrom":         begins,
		"awardedDate":       begins,
		"credentialSubject": subject,
	}
	set(out, "validUntil", a.moment("expires", true))
	set(out, "evidence", evidence)
	a.done()
	return out, losses, nil
}

// identifier is the recipient, whose hash and salt are copied as they are.
func (t *taker) identifier() []any {
	identity, kind := Identity(t.o)
	t.drop("recipient", "salt")
	if r := t.o.Object("recipient"); r != nil {
		in := take(r, "recipient", t.losses)
		in.drop("type", "identity", "hashed", "salt")
		in.done()
	}
	if identity.Value == "" {
		return nil
	}
	if kind == "email" {
		kind = "emailAddress"
	} else {
		kind = "ext:" + strings.Trim(kind, ":@")
	}
	out := map[string]any{"type": "IdentityObject", "hashed": identity.Hashed, "identityHash": identity.Value, "identityType": kind}
	set(out, "salt", identity.Salt)
	return []any{out}
}

// evidence is an address, an object, or a list of both.
func (t *taker) evidence() []any {
	var out []any
	list := t.o.List("evidence")
	t.drop("evidence")
	for _, v := range list {
		e := map[string]any{"type": []any{"Evidence"}}
		switch v := v.(type) {
		case string:
			set(e, "id", v)
		case map[string]any:
			in := take(v, "evidence", t.losses)
			in.drop("type", "@context")
			for _, name := range []string{"id", "name", "description", "narrative", "genre", "audience"} {
				set(e, name, in.text(name))
			}
			in.done()
		}
		if len(e) > 1 {
			out = append(out, e)
		}
	}
	return out
}

// achievement is the class, with its issuer as creator.
func (b Badge) achievement(losses *[]Loss) (map[string]any, error) {
	c := take(b.Class, "badge", losses)
	c.drop("@context", "type", "issuer", "version")
	c.without(NoPlace, "endorsement")
	id := c.text("id")
	out := map[string]any{"type": []any{"Achievement"}}
	if foreign.IsWeb(id) {
		out["related"] = []any{map[string]any{"id": id, "type": []any{"Related", vocabulary + BadgeClass}}}
	}
	if !strings.Contains(id, ":") {
		var err error
		if id, err = newID("achievement", b.Class); err != nil {
			return nil, err
		}
	}
	out["id"] = id
	set(out, "name", c.text("name"))
	set(out, "description", c.text("description"))
	set(out, "version", b.Class.Text("version"))
	set(out, "inLanguage", c.text("@language"))
	set(out, "image", c.image("image", true))
	set(out, "criteria", c.criteria())
	set(out, "tag", c.tags("tags"))
	set(out, "alignment", c.alignments())
	c.done()
	creator, err := b.creator(losses)
	out["creator"] = creator
	return out, err
}

// criteria is an address, or an object with an address and a text.
func (t *taker) criteria() map[string]any {
	out := map[string]any{}
	v := t.value("criteria")
	if many, ok := v.([]any); ok && len(many) > 0 {
		if len(many) > 1 {
			t.lose("criteria", OnlyOne)
		}
		v = many[0]
	}
	switch v := v.(type) {
	case string:
		if foreign.IsWeb(v) {
			out["id"] = v
		} else {
			set(out, "narrative", v)
		}
	case map[string]any:
		in := take(v, strings.TrimPrefix(t.path+".criteria", "."), t.losses)
		in.drop("type")
		set(out, "id", in.text("id"))
		set(out, "narrative", in.text("narrative"))
		in.done()
	}
	return out
}

func (t *taker) tags(name string) []any {
	list := t.o.List(name)
	t.drop(name)
	var out []any
	for _, v := range list {
		if s, ok := v.(string); ok && s != "" {
			out = append(out, s)
		} else if !void(v) {
			t.lose(name, BadForm)
		}
	}
	return out
}

// alignments of 1.x had shorter names. Without a name or an address there is
// none in 3.0.
func (t *taker) alignments() []any {
	var out []any
	t.each("alignment", func(in *taker) {
		in.drop("type", "@context")
		a := map[string]any{"type": []any{"Alignment"}}
		for _, n := range [][2]string{
			{"targetName", "name"}, {"targetUrl", "url"}, {"targetDescription", "description"}, {"targetFramework", "framework"}, {"targetCode", "code"},
		} {
			s := in.text(n[0])
			if s == "" {
				s = in.text(n[1])
			}
			set(a, n[0], s)
		}
		if a["targetName"] == nil || a["targetUrl"] == nil {
			*in.losses = append(*in.losses, Loss{in.path, BadForm})
			return
		}
		out = append(out, a)
	})
	return out
}

// creator is the issuer of the badge as a Profile.
func (b Badge) creator(losses *[]Loss) (map[string]any, error) {
	i := take(b.Issuer, "badge.issuer", losses)
	i.drop("@context", "type")
	i.without(Resigned, "publicKey", "revocationList", "verification")
	i.without(NoPlace, "endorsement")
	out := map[string]any{"type": []any{"Profile"}}
	id := i.text("id")
	if b.Version == V05 {
		id = i.text("origin")
		set(out, "url", id)
		set(out, "email", i.text("contact"))
		i.without(BadForm, "org") // a name without an address, which a Profile needs
	}
	if id == "" {
		id = i.text("url")
	}
	if !strings.Contains(id, ":") {
		var err error
		if id, err = newID("issuer", b.Issuer); err != nil {
			return nil, err
		}
	}
	out["id"] = id
	for _, n := range [][2]string{{"name", "name"}, {"url", "url"}, {"email", "email"}, {"telephone", "phone"}, {"description", "description"}} {
		set(out, n[1], i.text(n[0]))
	}
	set(out, "image", i.image("image", true))
	i.done()
	return out, nil
}
