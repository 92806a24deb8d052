package ob3

import (
	"errors"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/jose"
)

// VerifyJWT asks the seven questions of a credential secured as a whole, as
// Open Badges 3.0 §8.2 and VC Data Model 1.1 §6.3.1 have it. The document is
// the payload of s.
func VerifyJWT(s *jose.Signed, document foreign.Document, in foreign.Inquiry) foreign.Verdict {
	v := foreign.Verdict{}
	claims := document.Object
	content, contradicts := unwrap(claims)
	c := credential{foreign.Document{Object: content, Raw: document.Raw}, in, foreign.NewDocuments(in, &v), &v}
	c.content()
	c.narrow(claims)
	if contradicts != "" {
		v.Says(foreign.WellFormed, foreign.No, foreign.Contradiction, contradicts)
	}
	c.envelope(s, claims)
	c.status()
	return v
}

// Content returns the credential inside the claims of a JWT.
func Content(claims foreign.Object) foreign.Object {
	content, _ := unwrap(claims)
	return content
}

// unwrap returns the credential in the claims, and the first claim that says
// another thing than the credential does. Claims stand for members that are
// not there.
func unwrap(claims foreign.Object) (content foreign.Object, contradicts string) {
	content = foreign.Object{}
	inside := claims.Object("vc")
	if inside == nil {
		inside = claims
	}
	for name, value := range inside {
		content[name] = value
	}
	note := func(claim string, same bool) {
		if !same && contradicts == "" {
			contradicts = claim
		}
	}
	if iss := claims.Text("iss"); iss != "" {
		if content["issuer"] == nil {
			content["issuer"] = iss
		}
		note("iss", content.ID("issuer") == iss)
	}
	if jti := claims.Text("jti"); jti != "" {
		if content["id"] == nil {
			content["id"] = jti
		}
		note("jti", content.Text("id") == jti)
	}
	if sub := claims.Text("sub"); sub != "" {
		if subjects := content.Objects("credentialSubject"); len(subjects) == 1 {
			subject := foreign.Object{}
			for name, value := range subjects[0] {
				subject[name] = value
			}
			if subject["id"] == nil {
				subject["id"] = sub
			}
			content["credentialSubject"] = map[string]any(subject)
			note("sub", subject.Text("id") == sub)
		}
	}
	for _, d := range dates {
		if at, ok := d.of(claims); ok && content[d.names[0]] == nil && content[d.names[1]] == nil {
			content[d.names[1]] = at.UTC().Format("2006-01-02T15:04:05Z")
		}
	}
	return content, contradicts
}

// dates are the two claims that stand for dates of the credential, by what
// these are called since 2.0 and before.
var dates = []date{
	{"nbf", [2]string{"validFrom", "issuanceDate"}},
	{"exp", [2]string{"validUntil", "expirationDate"}},
}

type date struct {
	claim string
	names [2]string
}

func (d date) of(claims foreign.Object) (time.Time, bool) {
	seconds, ok := claims[d.claim].(float64)
	return time.Unix(int64(seconds), 0), ok && seconds > 0 && seconds < 1<<34
}

// narrow makes Dates answer for the envelope too, should it say yes.
func (c *credential) narrow(claims foreign.Object) {
	var v foreign.Verdict
	for _, d := range dates {
		at, ok := d.of(claims)
		if !ok {
			continue
		}
		said, ok := foreign.Moment(c.Object[d.names[0]], false, &v)
		if !ok {
			said, ok = foreign.Moment(c.Object[d.names[1]], false, &v)
		}
		if ok && said.Unix() != at.Unix() {
			c.v.Note(foreign.DatesDiffer)
		}
		switch {
		case c.v.Findings[foreign.Dates].Answer != foreign.Yes:
		case d.claim == "nbf" && at.After(c.in.Now):
			c.v.Says(foreign.Dates, foreign.No, foreign.NotYet, d.claim)
		case d.claim == "exp" && at.Before(c.in.Now):
			c.v.Says(foreign.Dates, foreign.No, foreign.Expired, d.claim)
		}
	}
}

// envelope answers Signature and Issuer from the JWS around the credential.
func (c *credential) envelope(s *jose.Signed, claims foreign.Object) {
	issuer := c.issuer()
	if iss := claims.Text("iss"); iss != "" {
		issuer = iss
	}
	key := c.envelopeKey(s, issuer)
	if key.Public == nil {
		c.v.Findings[foreign.Signature], c.v.Findings[foreign.Issuer] = key.Why, key.Issuer
		return
	}
	err := s.Verify(key.Public)
	switch {
	case err == nil:
		c.v.Says(foreign.Signature, foreign.Yes, foreign.SignatureFits, s.Header.Algorithm)
		c.v.Findings[foreign.Issuer] = key.Issuer
		return
	case errors.Is(err, jose.ErrMismatch):
		c.v.Says(foreign.Signature, foreign.No, foreign.BadAlgorithm, s.Header.Algorithm)
	default:
		c.v.Says(foreign.Signature, foreign.No, foreign.SignatureWrong, s.Header.Algorithm)
	}
	c.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
}

// envelopeKey prefers a key that somebody answers for, named by kid, to the
// one the header brings along.
func (c *credential) envelopeKey(s *jose.Signed, issuer string) foreign.Key {
	method := s.Header.KeyID
	if method != "" && !strings.Contains(method, ":") && strings.Contains(issuer, ":") {
		method = issuer + "#" + strings.TrimPrefix(method, "#")
	}
	if method == "" && s.Header.Key == nil {
		method = issuer
	}
	var named foreign.Key
	if method != "" {
		if named = c.d.Key(method, issuer); named.Public != nil || s.Header.Key == nil {
			return named
		}
	}
	public, err := jose.ParseJWK(s.Header.Key)
	if err != nil {
		return foreign.Key{
			Why:    foreign.Finding{Answer: foreign.Unknown, Reason: foreign.UnknownKey, Detail: "jwk"},
			Issuer: foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NobodyVouches},
		}
	}
	return c.d.Inside(public, issuer)
}
