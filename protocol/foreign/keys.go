package foreign

import (
	"crypto"
	"encoding/base64"
	"iter"
	"net/url"
	"strings"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/jose"
)

// Key is the key a signature is checked with, and whether it is the issuer's.
type Key struct {
	// Public is nil when there is no key to check with; Why then says why.
	Public crypto.PublicKey
	Why    Finding
	// Issuer answers the question Issuer, should the signature fit.
	Issuer Finding
}

// Key returns the key that the verification method names, asking whether it is
// one of issuer's. What a badge says about itself ties a key to nobody: a key
// in the fragment of an address is used to check the bytes, and Issuer stays
// unknown until the document at the address lists it.
func (d *Documents) Key(method, issuer string) Key {
	base, fragment, _ := strings.Cut(method, "#")
	switch {
	case strings.HasPrefix(base, "did:key:") || strings.HasPrefix(base, "did:jwk:"):
		public, ok := selfContained(base)
		if !ok {
			return Key{Why: Finding{Unknown, UnknownKey, method}, Issuer: Finding{Unknown, UnknownKey, method}}
		}
		return Key{Public: public, Issuer: d.answersFor(issuer, base, public)}
	case IsWeb(base) || strings.HasPrefix(base, "did:web:"):
		return d.listed(base, fragment, method, issuer)
	case method == "":
		return Key{Why: Finding{No, BadProof, "verificationMethod"}, Issuer: Finding{Unknown, NobodyVouches, ""}}
	case !strings.HasPrefix(base, "did:"):
		return Key{Why: Finding{No, BadProof, method}, Issuer: Finding{Unknown, NobodyVouches, ""}}
	}
	return Key{Why: Finding{Unknown, UnknownKey, method}, Issuer: Finding{Unknown, UnknownKey, method}}
}

// Inside returns a key that stands in the badge itself, beside its signature.
// It can show that the bytes are whole, and nothing of who signed them.
func (d *Documents) Inside(public crypto.PublicKey, issuer string) Key {
	d.v.Note(KeyInside)
	return Key{Public: public, Issuer: d.answersFor(issuer, "", public)}
}

// selfContained returns the key of a DID that is its own document.
func selfContained(id string) (crypto.PublicKey, bool) {
	if encoded, ok := strings.CutPrefix(id, "did:jwk:"); ok {
		raw, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
		if err != nil {
			return nil, false
		}
		public, err := jose.ParseJWK(raw)
		return public, err == nil
	}
	d, err := did.Parse(id)
	if err != nil {
		return nil, false
	}
	return d.PublicKey(), true
}

// answersFor answers whether the key of a DID that is its own document is one
// of issuer's: because the issuer is that DID, or its document lists the key.
func (d *Documents) answersFor(issuer, base string, public crypto.PublicKey) Finding {
	if strings.HasPrefix(issuer, "did:key:") || strings.HasPrefix(issuer, "did:jwk:") {
		if own, ok := selfContained(issuer); ok && equal(own, public) {
			return Finding{Yes, IssuersKey, ""}
		}
		return Finding{No, OtherSigner, base}
	}
	address := documentOf(issuer)
	if address == "" {
		return Finding{Unknown, NobodyVouches, issuer}
	}
	document, err := d.Get(address)
	if err != nil {
		return unread(err, address)
	}
	if lists(document.Object, public) {
		return Finding{Yes, IssuersKey, ""}
	}
	return Finding{No, KeyNotListed, issuer}
}

// listed returns the key that the document of base lists under a fragment.
func (d *Documents) listed(base, fragment, method, issuer string) Key {
	inFragment, fromFragment := selfContained("did:key:" + fragment)
	document, err := d.Get(documentOf(base))
	if err != nil {
		k := Key{Issuer: unread(err, base)}
		if base != issuer {
			// Whatever stands there, it is not the issuer's own word.
			k.Issuer = d.notByIssuer(issuer, base, method, inFragment)
		}
		if fromFragment {
			d.v.Note(KeyInside)
			k.Public = inFragment
		} else {
			k.Why = unread(err, base)
		}
		return k
	}
	public, known := find(document.Object, method)
	switch {
	case public == nil && known:
		return Key{Why: Finding{Unknown, UnknownKey, method}, Issuer: Finding{Unknown, UnknownKey, method}}
	case public == nil && fromFragment && base == issuer && lists(document.Object, inFragment):
		return Key{Public: inFragment, Issuer: Finding{Yes, IssuersKey, ""}}
	case public == nil && fromFragment:
		return Key{Public: inFragment, Issuer: Finding{No, KeyNotListed, base}}
	case public == nil:
		return Key{Why: Finding{No, KeyNotListed, method}, Issuer: Finding{No, KeyNotListed, base}}
	case base == issuer:
		return Key{Public: public, Issuer: Finding{Yes, IssuersKey, ""}}
	}
	return Key{Public: public, Issuer: d.notByIssuer(issuer, base, method, public)}
}

// notByIssuer answers for a key that stands in a document other than the
// issuer's: only the issuer's can make it the issuer's, by listing the key
// itself or, as Open Badges 2.0 does, the address of its document.
func (d *Documents) notByIssuer(issuer, base, method string, public crypto.PublicKey) Finding {
	address := documentOf(issuer)
	if address == "" {
		if strings.HasPrefix(issuer, "did:key:") || strings.HasPrefix(issuer, "did:jwk:") {
			return Finding{No, OtherSigner, base}
		}
		return Finding{Unknown, NobodyVouches, issuer}
	}
	document, err := d.Get(address)
	if err != nil {
		return unread(err, address)
	}
	if public != nil && lists(document.Object, public) || refersTo(document.Object, method) {
		return Finding{Yes, IssuersKey, ""}
	}
	return Finding{No, OtherSigner, base}
}

func unread(err error, address string) Finding {
	if Absent(err) {
		return Finding{Unknown, NotAtHand, address}
	}
	return Finding{Unknown, NobodyVouches, address}
}

// documentOf returns where the document of an issuer stands, or "".
func documentOf(id string) string {
	if IsWeb(id) {
		return id
	}
	rest, ok := strings.CutPrefix(id, "did:web:")
	if !ok {
		return ""
	}
	// did:web method §2.5.2: colons are slashes, the port is escaped.
	host, path, deeper := strings.Cut(rest, ":")
	host, err := url.PathUnescape(host)
	if err != nil || strings.ContainsAny(host, "/?#@") {
		return ""
	}
	address := "https://" + host + "/.well-known/did.json"
	if deeper {
		address = "https://" + host + "/" + strings.ReplaceAll(path, ":", "/") + "/did.json"
	}
	if !IsWeb(address) {
		return ""
	}
	return address
}

// methods yields the verification methods of a document that are for
// assertions: all, unless it says what keys are for.
func methods(document Object) iter.Seq2[string, Object] {
	return func(yield func(string, Object) bool) {
		asserts := document.Texts("assertionMethod")
		id := document.Text("id")
		inside := document.Objects("assertionMethod")
		said := len(asserts) > 0 || len(inside) > 0
		for _, m := range append(document.Objects("verificationMethod"), document.Objects("publicKey")...) {
			name := absolute(m.Text("id"), id)
			if said && !contains(asserts, name, id) {
				continue
			}
			if !yield(name, m) {
				return
			}
		}
		for _, m := range inside {
			if !yield(absolute(m.Text("id"), id), m) {
				return
			}
		}
		if document.Text("publicKeyPem")+document.Text("publicKeyMultibase") != "" {
			yield(id, document) // a key that stands alone
		}
	}
}

func absolute(name, id string) string {
	if strings.HasPrefix(name, "#") {
		return id + name
	}
	return name
}

// find returns the key a document gives under the name of a verification
// method. known says that the method is there, though its key may be of a kind
// that is not known here.
func find(document Object, method string) (public crypto.PublicKey, known bool) {
	for name, m := range methods(document) {
		if name == method && name != "" {
			public, _ := keyOf(m)
			return public, true
		}
	}
	return nil, false
}

// lists reports whether a document gives this very key, under whatever name.
func lists(document Object, key crypto.PublicKey) bool {
	for _, m := range methods(document) {
		if public, ok := keyOf(m); ok && equal(public, key) {
			return true
		}
	}
	return false
}

// refersTo reports whether a document names the address of a method that
// stands elsewhere.
func refersTo(document Object, method string) bool {
	id := document.Text("id")
	return method != "" && (contains(document.Texts("publicKey"), method, id) || contains(document.Texts("assertionMethod"), method, id))
}

func contains(names []string, name, id string) bool {
	for _, n := range names {
		if n == name || strings.HasPrefix(n, "#") && id+n == name {
			return true
		}
	}
	return false
}

func equal(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && k.Equal(b)
}

// keyOf returns the key of a verification method in one of the three ways to
// write one.
func keyOf(o Object) (crypto.PublicKey, bool) {
	if s := o.Text("publicKeyMultibase"); s != "" {
		return selfContained("did:key:" + s)
	}
	if s := o.Text("publicKeyPem"); s != "" {
		public, err := jose.ParsePEM([]byte(s))
		return public, err == nil
	}
	if m := o.Object("publicKeyJwk"); m != nil {
		raw, err := Canonical(map[string]any(m))
		if err != nil {
			return nil, false
		}
		public, err := jose.ParseJWK(raw)
		return public, err == nil
	}
	return nil, false
}
