package ob2

import (
	"bytes"
	"errors"
	"maps"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/jose"
)

// Badge is an assertion with what is known of its class and issuer. Class and
// Issuer are nil when they stand elsewhere and were not at hand.
type Badge struct {
	Version                  Version
	Assertion, Class, Issuer foreign.Object
}

// asked is one document being asked about.
type asked struct {
	Badge
	in foreign.Inquiry
	d  *foreign.Documents
	v  *foreign.Verdict
	// onHost says that the document came from the address it names.
	onHost bool
}

// Verify asks the seven questions of a document that nobody signed. at is the
// address it was read from, or "" when it came as a file: only what its own
// address publishes is believed of a hosted badge.
//
// Of documents other than assertions only the shape is looked at. The Badge is
// what the issuer publishes where that was at hand, and what was given
// otherwise.
func Verify(document foreign.Document, at string, in foreign.Inquiry) (Badge, foreign.Verdict) {
	v := foreign.Verdict{}
	a := asked{Badge: Badge{Assertion: document.Object}, in: in, d: foreign.NewDocuments(in, &v), v: &v}
	if !a.content() {
		return Badge{}, v
	}
	proof := verification(a.Assertion)
	switch {
	case signed(proof):
		v.Says(foreign.Signature, foreign.No, foreign.Unsigned, "")
		v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
		a.resolve()
	case a.Version == V05:
		a.hosted(at, at)
	default:
		a.hosted(address(a.Assertion), at)
	}
	a.status()
	return a.Badge, v
}

// VerifyJWS asks the seven questions of an assertion that is the payload of s.
func VerifyJWS(s *jose.Signed, document foreign.Document, in foreign.Inquiry) (Badge, foreign.Verdict) {
	v := foreign.Verdict{}
	a := asked{Badge: Badge{Assertion: document.Object}, in: in, d: foreign.NewDocuments(in, &v), v: &v}
	if !a.content() {
		return Badge{}, v
	}
	a.resolve()
	a.signature(s)
	a.status()
	return a.Badge, v
}

// content answers what stands in the document itself. It reports whether the
// document is an assertion.
func (a *asked) content() bool {
	o := a.Assertion
	version, kind := Classify(o)
	a.Version = version
	a.v.Standard, a.v.Kind = string(version), kind
	a.v.Says(foreign.WellFormed, foreign.Yes, foreign.Readable, "")
	for q := foreign.Signature; q <= foreign.Recipient; q++ {
		a.v.Says(q, foreign.Unknown, foreign.NotAsked, "")
	}
	if kind == "" {
		a.v.Says(foreign.Shape, foreign.No, foreign.Misshapen, "type")
		return false
	}
	if where := misshapen(o, version, kind); where != "" {
		a.v.Says(foreign.Shape, foreign.No, foreign.Misshapen, where)
	} else {
		a.v.Says(foreign.Shape, foreign.Yes, foreign.Fits, "")
	}
	if kind != Assertion {
		return false
	}
	if len(o.List("endorsement")) > 0 {
		a.v.Note(foreign.EndorsementsAside)
	}
	a.facts()
	return true
}

// facts answers Dates and Recipient from the assertion as it is known.
func (a *asked) facts() {
	o := a.Assertion
	begins := o["issuedOn"]
	if begins == nil {
		begins = o["issued_on"]
	}
	if begins == nil && a.Version == V05 {
		begins = "1970-01-01T00:00:00Z" // 0.5 needed no date: it began some day
	}
	a.v.Period(a.in.Now, begins, o["expires"])
	a.recipient()
}

// recipient answers whether the assertion is about the person offered.
func (a *asked) recipient() {
	if a.in.Recipient == "" {
		a.v.Says(foreign.Recipient, foreign.Unknown, foreign.NotAsked, "")
		return
	}
	identity, kind := Identity(a.Assertion)
	if !identity.Hashed && kind == "email" {
		a.v.Note(foreign.MailInTheClear)
	}
	if (kind == "email") == strings.HasPrefix(a.in.Recipient, "did:") {
		a.v.Says(foreign.Recipient, foreign.Unknown, foreign.NoRecipient, kind)
		return
	}
	answer, reason := identity.Is(a.in.Recipient)
	a.v.Says(foreign.Recipient, answer, reason, "")
}

// Identity returns whom an assertion is about, and by what: "email" or another
// kind of address.
func Identity(assertion foreign.Object) (i foreign.Identity, kind string) {
	if s := assertion.Text("recipient"); s != "" {
		return foreign.Identity{Value: s, Hashed: strings.Contains(s, "$"), Salt: assertion.Text("salt")}, "email"
	}
	r := assertion.Object("recipient")
	hashed, _ := r["hashed"].(bool)
	kind = r.Text("type")
	if kind == "" {
		kind = "email"
	}
	return foreign.Identity{Value: r.Text("identity"), Hashed: hashed, Salt: r.Text("salt")}, kind
}

// hosted answers Signature and Issuer for a badge that its host vouches for:
// what stands at its address, on a site its issuer answers for.
func (a *asked) hosted(address, at string) {
	if address == "" {
		a.v.Says(foreign.Signature, foreign.Unknown, foreign.NotAtHand, "")
		a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
		a.resolve()
		return
	}
	a.onHost = address == at
	if !a.onHost {
		published, err := a.d.Get(address)
		switch {
		case errors.Is(err, foreign.ErrGone):
			a.v.Says(foreign.Signature, foreign.Unknown, foreign.NotAtHand, address)
			a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
			a.v.Says(foreign.Status, foreign.No, foreign.Revoked, "")
			return
		case foreign.Absent(err):
			a.v.Says(foreign.Signature, foreign.Unknown, foreign.NotAtHand, address)
			a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NotAtHand, address)
			a.resolve()
			return
		case err != nil:
			a.v.Says(foreign.Signature, foreign.No, foreign.Differs, address)
			a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
			return
		}
		a.onHost = true
		if back, _ := published.Object["revoked"].(bool); !back {
			if where := difference(a.Assertion, published.Object); where != "" {
				a.v.Says(foreign.Signature, foreign.No, foreign.Differs, where)
				a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
				return
			}
			a.Assertion = published.Object
			a.facts()
		} else {
			a.Assertion = maps.Clone(a.Assertion)
			a.Assertion["revoked"], a.Assertion["revocationReason"] = true, published.Text("revocationReason")
		}
	}
	a.v.Says(foreign.Signature, foreign.Yes, foreign.Published, address)
	a.resolve()
	a.site(address)
}

// difference returns the first member in which two copies of an assertion do
// not say the same, or "". Whether the class is inside or named by its address
// makes none.
func difference(given, published foreign.Object) string {
	var v foreign.Verdict
	for _, name := range []string{"issuedOn", "issued_on", "expires"} {
		x, okX := foreign.Moment(given[name], false, &v)
		y, okY := foreign.Moment(published[name], false, &v)
		if okX != okY || !x.Equal(y) {
			return name
		}
	}
	x, kindX := Identity(given)
	y, kindY := Identity(published)
	if x != y || kindX != kindY {
		return "recipient"
	}
	if given.ID("badge") != published.ID("badge") {
		return "badge"
	}
	for _, name := range []string{"uid", "narrative", "evidence"} {
		x, errX := foreign.Canonical(given.List(name))
		y, errY := foreign.Canonical(published.List(name))
		if errX != nil || errY != nil || !bytes.Equal(x, y) {
			return name
		}
	}
	return ""
}

// resolve finds the class and the issuer: inside, or at their addresses.
func (a *asked) resolve() {
	a.Class = a.part(a.Assertion, "badge")
	if a.Class == nil {
		return
	}
	a.Issuer = a.part(a.Class, "issuer")
	// An issuer inside what another site publishes is that site's word.
	id := a.Issuer.Text("id")
	if id != "" && a.Class.Object("issuer") != nil && a.Version != V05 {
		if own, err := a.d.Get(id); err == nil {
			a.Issuer = own.Object
		}
	}
}

func (a *asked) part(o foreign.Object, name string) foreign.Object {
	if inside := o.Object(name); inside != nil {
		return inside
	}
	document, err := a.d.Get(o.Text(name))
	if err != nil {
		return nil
	}
	return document.Object
}

// issuerID returns the address the issuer goes by in the age of the badge.
func (a *asked) issuerID() string {
	if a.Class == nil {
		return ""
	}
	if a.Version == V05 {
		return a.Issuer.Text("origin")
	}
	if id := a.Class.ID("issuer"); id != "" {
		return id
	}
	return a.Issuer.Text("url")
}

// site answers Issuer for a badge that stands at address: on the issuer's own
// site unless the issuer's document says which others it answers for.
func (a *asked) site(address string) {
	id := a.issuerID()
	if id == "" {
		a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NotAtHand, a.Assertion.ID("badge"))
		return
	}
	// Only the issuer's own document may widen where it is believed.
	var origins, starts []string
	own, err := a.d.Get(id)
	if err == nil {
		rules := own.Object.Object("verification")
		origins, starts = rules.Texts("allowedOrigins"), rules.Texts("startsWith")
	}
	if len(origins) == 0 {
		origins = []string{foreign.Origin(id)}
	}
	begins := func(s string) bool { return s != "" && strings.HasPrefix(address, s) }
	switch {
	case !slices.Contains(origins, foreign.Origin(address)) && err != nil:
		a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NotAtHand, id)
	case !slices.Contains(origins, foreign.Origin(address)):
		a.v.Says(foreign.Issuer, foreign.No, foreign.OtherOrigin, address)
	case len(starts) > 0 && !slices.ContainsFunc(starts, begins):
		a.v.Says(foreign.Issuer, foreign.No, foreign.OtherOrigin, address)
	default:
		a.v.Says(foreign.Issuer, foreign.Yes, foreign.IssuersSite, id)
	}
}

// signature answers Signature and Issuer for an assertion in a JWS.
func (a *asked) signature(s *jose.Signed) {
	proof := verification(a.Assertion)
	if !signed(proof) {
		a.v.Says(foreign.WellFormed, foreign.No, foreign.Contradiction, "verification.type")
	}
	method := proof.ID("creator")
	if method == "" {
		method = proof.Text("url")
	}
	if keys := a.Issuer.Texts("publicKey"); method == "" && len(keys) == 1 {
		method = keys[0]
	}
	key := a.key(method)
	if key.Public == nil {
		a.v.Findings[foreign.Signature], a.v.Findings[foreign.Issuer] = key.Why, key.Issuer
		return
	}
	switch err := s.Verify(key.Public); {
	case err == nil:
		a.v.Says(foreign.Signature, foreign.Yes, foreign.SignatureFits, s.Header.Algorithm)
		a.v.Findings[foreign.Issuer] = key.Issuer
		return
	case errors.Is(err, jose.ErrMismatch):
		a.v.Says(foreign.Signature, foreign.No, foreign.BadAlgorithm, s.Header.Algorithm)
	default:
		a.v.Says(foreign.Signature, foreign.No, foreign.SignatureWrong, s.Header.Algorithm)
	}
	a.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
}

// key returns the key at an address: a document about a key, which the
// issuer's must list, or as 1.x had it a PEM file on the issuer's site.
func (a *asked) key(method string) foreign.Key {
	issuer := a.issuerID()
	if issuer == "" {
		missing := foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NotAtHand, Detail: a.Assertion.ID("badge")}
		k := a.d.Key(method, "")
		k.Issuer = missing
		if method == "" {
			k.Why = missing
		}
		return k
	}
	if a.Version != V20 && foreign.IsWeb(method) {
		raw, err := a.d.Bytes(method)
		if err == nil && bytes.HasPrefix(bytes.TrimSpace(raw), []byte("-----BEGIN")) {
			public, err := jose.ParsePEM(raw)
			if err != nil {
				return foreign.Key{Why: foreign.Finding{Answer: foreign.Unknown, Reason: foreign.UnknownKey, Detail: method}, Issuer: foreign.Finding{Reason: foreign.NobodyVouches}}
			}
			k := foreign.Key{Public: public, Issuer: foreign.Finding{Answer: foreign.Yes, Reason: foreign.IssuersSite, Detail: issuer}}
			if foreign.Origin(method) != foreign.Origin(issuer) {
				k.Issuer = foreign.Finding{Answer: foreign.No, Reason: foreign.OtherOrigin, Detail: method}
			}
			return k
		}
	}
	return a.d.Key(method, issuer)
}

// status answers Status: what the assertion says of itself, what its host
// does, and for signed ones the list of its issuer.
func (a *asked) status() {
	if a.v.Findings[foreign.Status].Answer == foreign.No {
		return
	}
	o := a.Assertion
	if back, _ := o["revoked"].(bool); back {
		a.v.Says(foreign.Status, foreign.No, foreign.Revoked, o.Text("revocationReason"))
		return
	}
	if !signed(verification(o)) {
		if a.onHost {
			a.v.Says(foreign.Status, foreign.Yes, foreign.NotRevoked, "")
		} else {
			a.v.Says(foreign.Status, foreign.Unknown, foreign.NotAtHand, address(o))
		}
		return
	}
	list := a.Issuer.Text("revocationList")
	switch {
	case a.Issuer == nil:
		a.v.Says(foreign.Status, foreign.Unknown, foreign.NotAtHand, a.issuerID())
		return
	case list == "":
		a.v.Says(foreign.Status, foreign.Yes, foreign.NoStatus, "")
		return
	}
	document, err := a.d.Get(list)
	switch {
	case foreign.Absent(err):
		a.v.Says(foreign.Status, foreign.Unknown, foreign.NotAtHand, list)
		return
	case err != nil:
		a.v.Says(foreign.Status, foreign.Unknown, foreign.BadStatusList, list)
		return
	}
	a.v.Says(foreign.Status, foreign.Yes, foreign.NotRevoked, "")
	same := func(s string) bool { return s != "" && (s == o.Text("id") || s == o.Text("uid")) }
	for _, r := range document.List("revokedAssertions") {
		switch r := r.(type) {
		case string:
			if same(r) {
				a.v.Says(foreign.Status, foreign.No, foreign.Revoked, "")
			}
		case map[string]any:
			if entry := foreign.Object(r); same(entry.Text("id")) || same(entry.Text("uid")) {
				a.v.Says(foreign.Status, foreign.No, foreign.Revoked, entry.Text("revocationReason"))
			}
		}
	}
	// 1.x listed uids as names: {"revoked id": "reason"}.
	for id, reason := range document.Object {
		if why, ok := reason.(string); ok && a.Version != V20 && same(id) {
			a.v.Says(foreign.Status, foreign.No, foreign.Revoked, why)
		}
	}
}
