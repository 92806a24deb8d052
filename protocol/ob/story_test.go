package ob_test

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/protocol/proof"
)

const validator = "testdata/badges/1edtech-validator"

// web is what stands at which address. What is absent was never there.
type web map[string]string

func (w web) fetch(url string) ([]byte, error) {
	switch text, ok := w[url]; {
	case !ok:
		return nil, errors.New("no such page")
	case text == "gone":
		return nil, foreign.ErrGone
	default:
		return []byte(text), nil
	}
}

// with returns the web with one more page.
func (w web) with(url, text string) web {
	out := web{url: text}
	for u, t := range w {
		if u != url {
			out[u] = t
		}
	}
	return out
}

func ask(file string, w web) ob.Badge {
	return ob.Verify([]byte(file), foreign.Inquiry{Now: now, Fetch: w.fetch})
}

// expect compares the answers and reasons of some questions, as "yes reason".
func expect(t *testing.T, name string, b ob.Badge, want map[foreign.Question]string) {
	t.Helper()
	for q, w := range want {
		f := b.Findings[q]
		if got := f.Answer.String() + " " + string(f.Reason); got != w {
			t.Errorf("%s: %s is %s, want %s\n%s", name, q, got, w, show(b))
			return
		}
	}
}

// example.org is the site of the validator's samples, where each asset stands
// under its own name.
func exampleOrg(t testing.TB) web {
	t.Helper()
	w := web{}
	names, err := filepath.Glob(validator + "/ob20/assets/*.json")
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	for _, name := range names {
		text := read(t, name)
		for _, scheme := range []string{"http", "https"} {
			w[scheme+"://example.org/"+path.Base(name)] = text
			w[scheme+"://example.org/"+strings.TrimSuffix(path.Base(name), ".json")] = text
		}
	}
	return w
}

func read(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// A hosted badge is what its address publishes, on a site its issuer answers
// for.
func TestIssuersRules(t *testing.T) {
	const home = "https://example.org/beths-robotics-badge.json"
	for name, want := range map[string]string{
		"basic-assertion":                                                   "yes issuers_site",
		"basic-assertion-with-allowed-origins":                              "yes issuers_site",
		"basic-assertion-with-allowed-origins-valid-starts-with":            "yes issuers_site",
		"basic-assertion-with-allowed-origins-valid-multiple-starts-with":   "yes issuers_site",
		"basic-assertion-with-allowed-origins-invalid-multiple-starts-with": "no other_origin",
	} {
		file := read(t, validator+"/ob20/"+name+".json")
		w := exampleOrg(t).with(home, file)
		expect(t, name, ask(file, w), map[foreign.Question]string{
			foreign.Shape: "yes fits_its_standard", foreign.Signature: "yes published", foreign.Issuer: want, foreign.Status: "yes not_revoked",
		})
		expect(t, name+" at its address", ask(home, w), map[foreign.Question]string{foreign.Signature: "yes published", foreign.Issuer: want})
	}
	file := read(t, validator+"/ob20/basic-assertion.json")
	w := exampleOrg(t)
	expect(t, "published by nobody", ask(file, w), map[foreign.Question]string{foreign.Signature: "unknown not_at_hand", foreign.Issuer: "unknown not_at_hand"})
	other := strings.Replace(file, "ecf5409f", "ecf5409e", 1)
	expect(t, "for another person", ask(other, w.with(home, file)), map[foreign.Question]string{foreign.Signature: "no differs"})
	longer := strings.Replace(file, `"issuedOn"`, `"expires":"2099-01-01T00:00:00Z","issuedOn"`, 1)
	expect(t, "for longer", ask(longer, w.with(home, file)), map[foreign.Question]string{foreign.Signature: "no differs"})
	expect(t, "gone", ask(file, w.with(home, "gone")), map[foreign.Question]string{foreign.Status: "no revoked"})
	expect(t, "gone at its address", ask(home, w.with(home, "gone")), map[foreign.Question]string{foreign.WellFormed: "unknown address_only", foreign.Status: "no revoked"})
	shrunk := `{"@context":"https://w3id.org/openbadges/v2","id":"` + home + `","type":"Assertion","revoked":true,"revocationReason":"left"}`
	expect(t, "shrunk", ask(file, w.with(home, shrunk)), map[foreign.Question]string{foreign.Status: "no revoked"})
	// Mallory publishes a badge that says Example issued it.
	stolen := strings.ReplaceAll(file, home, "https://mallory.example/a")
	expect(t, "stolen", ask(stolen, w.with("https://mallory.example/a", stolen)), map[foreign.Question]string{foreign.Issuer: "no other_origin"})
	// And one that brings Example along.
	inside := `{"@context":"https://w3id.org/openbadges/v2","type":"BadgeClass","id":"https://mallory.example/b","name":"x","description":"x","criteria":"https://mallory.example/c",` +
		`"issuer":{"type":"Issuer","id":"https://example.org/organization.json","name":"Example","url":"https://example.org","email":"a@example.org","verification":{"allowedOrigins":["mallory.example"]}}}`
	stolen = strings.ReplaceAll(stolen, `"https://example.org/robotics-badge.json"`, inside)
	expect(t, "stolen with its issuer inside", ask(stolen, w.with("https://mallory.example/a", stolen)), map[foreign.Question]string{foreign.Issuer: "no other_origin"})
	delete(w, "https://example.org/organization.json")
	expect(t, "stolen, the issuer away", ask(stolen, w.with("https://mallory.example/a", stolen)), map[foreign.Question]string{foreign.Issuer: "unknown not_at_hand"})
}

var base64url = base64.RawURLEncoding

// compact signs by RS256 or EdDSA, as the key is.
func compact(t testing.TB, header, payload string, key crypto.Signer) string {
	t.Helper()
	input := base64url.EncodeToString([]byte(header)) + "." + base64url.EncodeToString([]byte(payload))
	message, hash := []byte(input), crypto.Hash(0)
	if _, ok := key.(*rsa.PrivateKey); ok {
		digest := sha256.Sum256(message)
		message, hash = digest[:], crypto.SHA256
	}
	signature, err := key.Sign(rand.Reader, message, hash)
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + base64url.EncodeToString(signature)
}

func rsaKey(t testing.TB) (*rsa.PrivateKey, string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return key, string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

func TestSignedBadges(t *testing.T) {
	sample := strings.TrimSpace(read(t, validator+"/ob20/simple-not-revoked.jwt"))
	good := map[foreign.Question]string{
		foreign.Signature: "yes signature_fits", foreign.Issuer: "yes issuers_key", foreign.Dates: "yes in_force", foreign.Status: "yes not_revoked",
	}
	b := ask(sample, exampleOrg(t))
	expect(t, "the validator's", b, good)
	if b.Overall() != foreign.Yes {
		t.Errorf("the validator's is not good\n%s", show(b))
	}
	parts := strings.Split(sample, ".")
	payload, err := base64url.DecodeString(parts[1])
	if err != nil {
		t.Fatal(err)
	}
	altered := parts[0] + "." + base64url.EncodeToString(bytes.Replace(payload, []byte("2016"), []byte("2015"), 1)) + "." + parts[2]
	expect(t, "altered", ask(altered, exampleOrg(t)), map[foreign.Question]string{foreign.Signature: "no signature_wrong"})

	// Brest signs; Mallory has a key too.
	brest, brestPEM := rsaKey(t)
	mallory, malloryPEM := rsaKey(t)
	const at = "https://brest.example/"
	key := func(name, pem string) string {
		return fmt.Sprintf(`{"@context":"https://w3id.org/openbadges/v2","type":"CryptographicKey","id":%q,"owner":%q,"publicKeyPem":%q}`, name, at+"i", pem)
	}
	w := web{
		at + "k":                    key(at+"k", brestPEM),
		at + "i":                    `{"@context":"https://w3id.org/openbadges/v2","type":"Issuer","id":"` + at + `i","name":"Brest","url":"` + at + `","email":"a@brest.example","publicKey":"` + at + `k","revocationList":"` + at + `r"}`,
		at + "b":                    `{"@context":"https://w3id.org/openbadges/v2","type":"BadgeClass","id":"` + at + `b","name":"x","description":"x","criteria":"` + at + `c","issuer":"` + at + `i"}`,
		at + "r":                    `{"@context":"https://w3id.org/openbadges/v2","type":"RevocationList","id":"` + at + `r","revokedAssertions":["urn:uuid:1",{"id":"urn:uuid:2","revocationReason":"by mistake"}]}`,
		"https://mallory.example/k": key("https://mallory.example/k", malloryPEM),
	}
	assertion := func(id, creator string) string {
		return `{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","id":"` + id + `","recipient":{"type":"email","hashed":false,"identity":"alice@brest.example"},` +
			`"badge":"` + at + `b","issuedOn":"2024-01-01T00:00:00Z","verification":{"type":"SignedBadge","creator":"` + creator + `"}}`
	}
	rs := `{"alg":"RS256"}`
	expect(t, "Brest's", ask(compact(t, rs, assertion("urn:uuid:3", at+"k"), brest), w), good)
	for _, id := range []string{"urn:uuid:1", "urn:uuid:2"} {
		expect(t, "revoked "+id, ask(compact(t, rs, assertion(id, at+"k"), brest), w), map[foreign.Question]string{foreign.Status: "no revoked"})
	}
	expect(t, "by Mallory's key", ask(compact(t, rs, assertion("urn:uuid:3", "https://mallory.example/k"), mallory), w),
		map[foreign.Question]string{foreign.Signature: "yes signature_fits", foreign.Issuer: "no other_signer"})
	expect(t, "by Mallory under Brest's", ask(compact(t, rs, assertion("urn:uuid:3", at+"k"), mallory), w), map[foreign.Question]string{foreign.Signature: "no signature_wrong"})
	_, ed, _ := ed25519.GenerateKey(rand.Reader)
	expect(t, "by another algorithm", ask(compact(t, `{"alg":"EdDSA"}`, assertion("urn:uuid:3", at+"k"), ed), w), map[foreign.Question]string{foreign.Signature: "no bad_algorithm"})
	expect(t, "a list that is no JSON", ask(compact(t, rs, assertion("urn:uuid:3", at+"k"), brest), w.with(at+"r", "<html>")), map[foreign.Question]string{foreign.Status: "unknown bad_status_list"})
	expect(t, "one that says it is hosted", ask(compact(t, rs, strings.Replace(assertion(at+"a", at+"k"), "SignedBadge", "HostedBadge", 1), brest), w), map[foreign.Question]string{foreign.WellFormed: "no contradiction"})
	expect(t, "signed, without the signature", ask(assertion("urn:uuid:3", at+"k"), w), map[foreign.Question]string{foreign.Signature: "no unsigned"})

	// 1.0: the key is a PEM file on the issuer's site.
	older := func(key string) string {
		return `{"uid":"4","recipient":{"type":"email","hashed":false,"identity":"alice@brest.example"},"badge":"` + at + `b1","issuedOn":1700000000,"verify":{"type":"signed","url":"` + key + `"}}`
	}
	w[at+"b1"] = `{"name":"x","description":"x","image":"` + at + `x.png","criteria":"` + at + `c","issuer":"` + at + `i1"}`
	w[at+"i1"] = `{"name":"Brest","url":"` + at + `","revocationList":"` + at + `r1"}`
	w[at+"r1"] = `{"5":"by mistake"}`
	w[at+"k.pem"], w["https://mallory.example/k.pem"] = brestPEM, malloryPEM
	b = ask(compact(t, rs, older(at+"k.pem"), brest), w)
	expect(t, "1.0", b, map[foreign.Question]string{foreign.Signature: "yes signature_fits", foreign.Issuer: "yes issuers_site", foreign.Status: "yes not_revoked"})
	if !slices.Contains(b.Notes, foreign.UnixTime) {
		t.Errorf("1.0: notes %v, want %s", b.Notes, foreign.UnixTime)
	}
	expect(t, "1.0 revoked", ask(compact(t, rs, strings.Replace(older(at+"k.pem"), `"4"`, `"5"`, 1), brest), w), map[foreign.Question]string{foreign.Status: "no revoked"})
	expect(t, "1.0 by Mallory", ask(compact(t, rs, older("https://mallory.example/k.pem"), mallory), w), map[foreign.Question]string{foreign.Issuer: "no other_origin"})
}

// credential3 is a badge of 3.0 without a signature. more are members, each
// with a comma after it.
func credential3(issuer, more string) string {
	return `{"@context":["https://www.w3.org/ns/credentials/v2","https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],` + more +
		`"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000001","type":["VerifiableCredential","OpenBadgeCredential"],"name":"Laser",` +
		`"issuer":{"id":"` + issuer + `","type":["Profile"],"name":"Brest"},"validFrom":"2024-01-01T00:00:00Z",` +
		`"credentialSubject":{"id":"did:example:alice","type":["AchievementSubject"],"achievement":{"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000002",` +
		`"type":["Achievement"],"name":"Laser","description":"x","criteria":{"narrative":"x"}}}}`
}

// proven adds a proof by key to a document, whatever method it is to name.
func proven(t testing.TB, document, suite, method string, key ed25519.PrivateKey) string {
	t.Helper()
	return provenAt(t, document, `"2024-01-01T00:00:00Z"`, suite, method, key)
}

// provenAt is proven with the time in the proof, a JSON value.
func provenAt(t testing.TB, document, created, suite, method string, key ed25519.PrivateKey) string {
	t.Helper()
	unsecured, err := proof.Canonicalize([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	config := `{"created":` + created + `,"cryptosuite":"` + suite + `","proofPurpose":"assertionMethod","type":"DataIntegrityProof","verificationMethod":"` + method + `"}`
	h := proof.HashJCS([]byte(config), unsecured)
	if suite == proof.RDFC {
		if h, err = proof.HashForeign([]byte(config), unsecured); err != nil {
			t.Fatal(err)
		}
	}
	// The value of a proof is written by Sign alone: a key of the same 64 bytes.
	signature := ed25519.Sign(key, h[:])
	config = strings.Replace(config, `"type"`, `"proofValue":"z`+base58(signature)+`","type"`, 1)
	return strings.TrimSuffix(string(unsecured), "}") + `,"proof":` + config + "}"
}

// base58 is the encoding of proof values, the slow way.
func base58(b []byte) string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	digits := []int{}
	for _, c := range b {
		carry := int(c)
		for i := range digits {
			carry += digits[i] << 8
			digits[i], carry = carry%58, carry/58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, carry%58)
		}
	}
	var out strings.Builder
	for i := 0; i < len(b) && b[i] == 0; i++ {
		out.WriteByte('1')
	}
	for _, d := range slices.Backward(digits) {
		out.WriteByte(alphabet[d])
	}
	return out.String()
}

func person(t testing.TB, seed byte) (ed25519.PrivateKey, did.DID) {
	t.Helper()
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{seed}, 32))
	return key, did.FromPublicKey(key.Public().(ed25519.PublicKey))
}

// When a credential begins is optional in 2.0, and in no other.
func TestWithoutABeginning(t *testing.T) {
	const v1, v2 = "https://www.w3.org/2018/credentials/v1", "https://www.w3.org/ns/credentials/v2"
	plain := func(context, more string) string {
		return `{"@context":["` + context + `"],"type":["VerifiableCredential"],"issuer":"did:example:brest",` + more + `"credentialSubject":{"id":"did:example:alice"}}`
	}
	for name, test := range map[string]struct{ file, want string }{
		"a credential 2.0":             {plain(v2, ""), "yes in_force"},
		"a credential 2.0 of the past": {plain(v2, `"validUntil":"2024-01-01T00:00:00Z",`), "no expired"},
		"a credential 2.0 of no time":  {plain(v2, `"validFrom":"yesterday",`), "no bad_time"},
		"a credential 1.1":             {plain(v1, ""), "no bad_time"},
		"a badge":                      {strings.Replace(credential3("did:example:brest", ""), `"validFrom":"2024-01-01T00:00:00Z",`, "", 1), "no bad_time"},
	} {
		expect(t, name, ask(test.file, nil), map[foreign.Question]string{foreign.Dates: test.want})
	}
}

// A signature over a time that is none fits and proves nothing (Data Integrity
// EdDSA Cryptosuites v1.0, §3.2.5 and §3.3.5). One without a zone is UTC.
func TestWhenAProofWasMade(t *testing.T) {
	brest, id := person(t, 2)
	for _, suite := range []string{proof.RDFC, proof.JCS} {
		for created, want := range map[string]string{
			`"2024-01-01T00:00:00Z"`: "yes signature_fits", `"2024-01-01T01:00:00.5+01:00"`: "yes signature_fits",
			`"2024-01-01T00:00:00"`: "yes signature_fits",
			`"yesterday"`:           "no bad_proof", `""`: "no bad_proof", `1704067200`: "no bad_proof",
		} {
			file := provenAt(t, credential3(string(id), ""), created, suite, id.VerificationMethod(), brest)
			expect(t, suite+" created "+created, ask(file, nil), map[foreign.Question]string{foreign.Signature: want})
		}
	}
}

// Whose key it is decides whether a signature that fits means anything.
func TestWhoseKey(t *testing.T) {
	brest, brestDID := person(t, 1)
	mallory, malloryDID := person(t, 2)
	multikey := func(d did.DID) string { return strings.TrimPrefix(string(d), "did:key:") }
	const site = "https://brest.example/issuer"
	document := func(methods string) string {
		return `{"id":"` + site + `","type":"Profile","name":"Brest",` + methods + `}`
	}
	own := document(`"verificationMethod":[{"id":"#key-0","type":"Multikey","controller":"` + site + `","publicKeyMultibase":"` + multikey(brestDID) + `"}]`)
	nameless := document(`"verificationMethod":[{"type":"Multikey","publicKeyMultibase":"` + multikey(brestDID) + `"}]`)
	login := document(`"verificationMethod":[{"id":"#key-0","type":"Multikey","publicKeyMultibase":"` + multikey(brestDID) + `"}],"assertionMethod":["#other"]`)
	secp := document(`"verificationMethod":[{"id":"#key-0","type":"JsonWebKey","publicKeyJwk":{"kty":"EC","crv":"secp256k1","x":"AA","y":"AA"}}]`)
	delegated := document(`"assertionMethod":["` + malloryDID.VerificationMethod() + `"]`)
	const fits = "yes signature_fits"
	for name, tt := range map[string]struct {
		issuer, method    string
		key               ed25519.PrivateKey
		page              string
		signature, issued string
	}{
		"did:key":                   {string(brestDID), brestDID.VerificationMethod(), brest, "", fits, "yes issuers_key"},
		"another did:key":           {string(brestDID), malloryDID.VerificationMethod(), mallory, "", fits, "no other_signer"},
		"a key the site lists":      {site, site + "#key-0", brest, own, fits, "yes issuers_key"},
		"Mallory under its name":    {site, site + "#key-0", mallory, own, "no signature_wrong", "unknown nobody_vouches"},
		"a name it does not list":   {site, site + "#key-9", mallory, own, "no key_not_listed", "no key_not_listed"},
		"a listed key by did:key":   {site, brestDID.VerificationMethod(), brest, own, fits, "yes issuers_key"},
		"Mallory by did:key":        {site, malloryDID.VerificationMethod(), mallory, own, fits, "no key_not_listed"},
		"a listed key in fragment":  {site, site + "#" + multikey(brestDID), brest, own, fits, "yes issuers_key"},
		"Mallory in the fragment":   {site, site + "#" + multikey(malloryDID), mallory, own, fits, "no key_not_listed"},
		"the fragment, site away":   {site, site + "#" + multikey(malloryDID), mallory, "", fits, "unknown not_at_hand"},
		"a key without a name":      {site, malloryDID.VerificationMethod(), mallory, nameless, fits, "no key_not_listed"},
		"a key for logging in":      {site, site + "#key-0", brest, login, "no key_not_listed", "no key_not_listed"},
		"a key of another kind":     {site, site + "#key-0", brest, secp, "unknown unknown_key", "unknown unknown_key"},
		"a site that is no JSON":    {site, brestDID.VerificationMethod(), brest, "<html>", fits, "unknown nobody_vouches"},
		"the site away":             {site, site + "#key-0", brest, "", "unknown not_at_hand", "unknown not_at_hand"},
		"Mallory's site":            {site, "https://mallory.example/#" + multikey(malloryDID), mallory, own, fits, "no other_signer"},
		"an issuer of no site":      {"urn:uuid:1", brestDID.VerificationMethod(), brest, "", fits, "unknown nobody_vouches"},
		"did:web":                   {"did:web:brest.example:lab", "did:web:brest.example:lab#key-0", brest, "", fits, "yes issuers_key"},
		"did:web with a port":       {"did:web:brest.example%3A8443", "did:web:brest.example%3A8443#key-0", brest, "", fits, "yes issuers_key"},
		"did:web into a path":       {"did:web:brest.example%2Fevil", "did:web:brest.example%2Fevil#key-0", brest, "", "unknown not_at_hand", "unknown not_at_hand"},
		"a method that is unknown":  {site, "did:example:1#k", brest, own, "unknown unknown_key", "unknown unknown_key"},
		"a method without a scheme": {site, "key-0", brest, own, "no bad_proof", "unknown nobody_vouches"},
	} {
		w := web{}
		if tt.page != "" {
			w[site] = tt.page
		}
		for address, id := range map[string]string{
			"https://brest.example/lab/did.json": "did:web:brest.example:lab", "https://brest.example:8443/.well-known/did.json": "did:web:brest.example%3A8443",
			"https://brest.example/evil/.well-known/did.json": "did:web:brest.example%2Fevil",
		} {
			w[address] = `{"id":"` + id + `","assertionMethod":["` + id + `#key-0"],"verificationMethod":[{"id":"` + id + `#key-0","type":"Multikey","publicKeyMultibase":"` + multikey(brestDID) + `"}]}`
		}
		for _, suite := range []string{proof.RDFC, proof.JCS} {
			if suite == proof.RDFC && tt.method == "key-0" {
				continue // a relative address, which linked data cannot be signed under
			}
			b := ask(proven(t, credential3(tt.issuer, ""), suite, tt.method, tt.key), w)
			expect(t, name+", "+suite, b, map[foreign.Question]string{foreign.Signature: tt.signature, foreign.Issuer: tt.issued})
			if good := tt.signature == fits && strings.HasPrefix(tt.issued, "yes"); good != (b.Overall() == foreign.Yes) {
				t.Errorf("%s: overall %s\n%s", name, b.Overall(), show(b))
			}
		}
	}
	b := ask(proven(t, credential3(site, ""), proof.JCS, malloryDID.VerificationMethod(), mallory), web{site: delegated})
	expect(t, "a key the site only names", b, map[foreign.Question]string{foreign.Issuer: "no key_not_listed"})
}

// The same for the envelope of a JWT.
func TestWhoseEnvelope(t *testing.T) {
	brest, brestDID := person(t, 1)
	mallory, malloryDID := person(t, 2)
	const site = "https://brest.example/issuer"
	jwk := func(key ed25519.PrivateKey) string {
		return `{"kty":"OKP","crv":"Ed25519","x":"` + base64url.EncodeToString(key.Public().(ed25519.PublicKey)) + `"}`
	}
	page := `{"id":"` + site + `","verificationMethod":[{"publicKeyJwk":` + jwk(brest) + `}]}`
	w := web{site: page}
	header := func(more string) string { return `{"alg":"EdDSA"` + more + `}` }
	didJWK := "did:jwk:" + base64url.EncodeToString([]byte(jwk(brest)))
	const fits = "yes signature_fits"
	for name, tt := range map[string]struct {
		header, payload   string
		key               ed25519.PrivateKey
		signature, issued string
	}{
		"the site's key brought along": {header(`,"jwk":` + jwk(brest)), credential3(site, ""), brest, fits, "yes issuers_key"},
		"Mallory's brought along":      {header(`,"jwk":` + jwk(mallory)), credential3(site, ""), mallory, fits, "no key_not_listed"},
		"Mallory's under did:key":      {header(`,"jwk":` + jwk(mallory)), credential3(string(brestDID), ""), mallory, fits, "no other_signer"},
		"one's own under did:key":      {header(`,"jwk":` + jwk(brest)), credential3(string(brestDID), ""), brest, fits, "yes issuers_key"},
		"kid":                          {header(`,"kid":"` + brestDID.VerificationMethod() + `"`), credential3(string(brestDID), ""), brest, fits, "yes issuers_key"},
		"kid of another":               {header(`,"kid":"` + malloryDID.VerificationMethod() + `"`), credential3(string(brestDID), ""), mallory, fits, "no other_signer"},
		"did:jwk by iss":               {header(""), credential3(didJWK, `"iss":"`+didJWK+`",`), brest, fits, "yes issuers_key"},
		"did:jwk by another":           {header(""), credential3(didJWK, ""), mallory, "no signature_wrong", "unknown nobody_vouches"},
		"a key that is none":           {header(`,"jwk":{"kty":"oct","k":"AA"}`), credential3(site, ""), brest, "unknown unknown_key", "unknown nobody_vouches"},
		"no key named":                 {header(""), credential3("urn:x:y", ""), brest, "no bad_proof", "unknown nobody_vouches"},
	} {
		b := ask(compact(t, tt.header, tt.payload, tt.key), w)
		expect(t, name, b, map[foreign.Question]string{foreign.WellFormed: "yes readable", foreign.Signature: tt.signature, foreign.Issuer: tt.issued})
	}
	kid := header(`,"kid":"` + brestDID.VerificationMethod() + `"`)
	for name, tt := range map[string]struct{ payload, wellFormed, dates string }{
		"another issuer":  {credential3(string(brestDID), `"iss":"`+string(malloryDID)+`",`), "no contradiction", "yes in_force"},
		"another id":      {credential3(string(brestDID), `"jti":"urn:uuid:9",`), "no contradiction", "yes in_force"},
		"another subject": {credential3(string(brestDID), `"sub":"did:example:bob",`), "no contradiction", "yes in_force"},
		"ended by exp":    {credential3(string(brestDID), `"exp":1700000000,`), "yes readable", "no expired"},
		"begins by nbf":   {credential3(string(brestDID), `"nbf":4000000000,`), "yes readable", "no not_yet"},
	} {
		expect(t, name, ask(compact(t, kid, tt.payload, brest), w), map[foreign.Question]string{foreign.WellFormed: tt.wellFormed, foreign.Dates: tt.dates})
	}
	// VC 1.1: members that only the claims have.
	vc := `{"iss":"` + string(brestDID) + `","jti":"urn:uuid:1","nbf":1700000000,"sub":"did:example:alice","vc":{"@context":["https://www.w3.org/2018/credentials/v1","https://purl.imsglobal.org/spec/ob/v3p0/context.json"],` +
		`"type":["VerifiableCredential","OpenBadgeCredential"],"credentialSubject":{"type":["AchievementSubject"],"achievement":{"id":"urn:uuid:2","type":["Achievement"],"name":"x","description":"x","criteria":{"narrative":"x"}}}}}`
	b := ob.Verify([]byte(compact(t, kid, vc, brest)), foreign.Inquiry{Now: now, Recipient: "did:example:alice"})
	expect(t, "of VC 1.1", b, map[foreign.Question]string{
		foreign.Shape: "yes fits_its_standard", foreign.Signature: fits, foreign.Issuer: "yes issuers_key", foreign.Dates: "yes in_force", foreign.Recipient: "yes same_recipient",
	})
}

func TestStatusLists(t *testing.T) {
	brest, brestDID := person(t, 1)
	mallory, malloryDID := person(t, 2)
	const at = "https://brest.example/list"
	encoded := func(bits []byte) string {
		var b bytes.Buffer
		w := gzip.NewWriter(&b)
		_, _ = w.Write(bits)
		_ = w.Close()
		return "u" + base64url.EncodeToString(b.Bytes())
	}
	bits := make([]byte, 16<<10)
	bits[2] = 0x80 >> 7 // entry 23
	list := func(issuer did.DID, purpose, encoded string) string {
		return `{"@context":["https://www.w3.org/ns/credentials/v2"],"id":"` + at + `","type":["VerifiableCredential","BitstringStatusListCredential"],"issuer":"` + string(issuer) + `","validFrom":"2024-01-01T00:00:00Z",` +
			`"credentialSubject":{"id":"` + at + `#list","type":"BitstringStatusList","statusPurpose":"` + purpose + `","encodedList":"` + encoded + `"}}`
	}
	entry := func(index, purpose string) string {
		return `"credentialStatus":{"id":"` + at + `#` + index + `","type":"BitstringStatusListEntry","statusPurpose":"` + purpose + `","statusListIndex":"` + index + `","statusListCredential":"` + at + `"},`
	}
	good := proven(t, list(brestDID, "revocation", encoded(bits)), proof.RDFC, brestDID.VerificationMethod(), brest)
	until := func(end string) string { // with an end alone
		dated := strings.Replace(list(brestDID, "revocation", encoded(bits)), `"validFrom":"2024-01-01T00:00:00Z"`, `"validUntil":"`+end+`"`, 1)
		return proven(t, dated, proof.RDFC, brestDID.VerificationMethod(), brest)
	}
	for name, tt := range map[string]struct{ status, list, want string }{
		"not set":           {entry("22", "revocation"), good, "yes not_revoked"},
		"set":               {entry("23", "revocation"), good, "no revoked"},
		"the next":          {entry("24", "revocation"), good, "yes not_revoked"},
		"beyond":            {entry("131072", "revocation"), good, "unknown bad_status_list"},
		"negative":          {entry("-1", "revocation"), good, "unknown bad_status_list"},
		"another purpose":   {entry("23", "suspension"), good, "unknown bad_status_list"},
		"away":              {entry("23", "revocation"), "", "unknown not_at_hand"},
		"no JSON":           {entry("23", "revocation"), "<html>", "unknown bad_status_list"},
		"until then":        {entry("22", "revocation"), until("2099-01-01T00:00:00Z"), "yes not_revoked"},
		"ended":             {entry("22", "revocation"), until("2024-01-01T00:00:00Z"), "unknown bad_status_list"},
		"unsigned":          {entry("22", "revocation"), list(brestDID, "revocation", encoded(bits)), "unknown bad_status_list"},
		"altered":           {entry("22", "revocation"), strings.Replace(good, `"validFrom":"2024-01-01`, `"validFrom":"2024-01-02`, 1), "unknown bad_status_list"},
		"Mallory's":         {entry("22", "revocation"), proven(t, list(malloryDID, "revocation", encoded(bits)), proof.RDFC, malloryDID.VerificationMethod(), mallory), "unknown bad_status_list"},
		"Mallory's as ours": {entry("22", "revocation"), proven(t, list(brestDID, "revocation", encoded(bits)), proof.RDFC, malloryDID.VerificationMethod(), mallory), "unknown bad_status_list"},
		"a bomb":            {entry("22", "revocation"), proven(t, list(brestDID, "revocation", encoded(make([]byte, 32<<20))), proof.RDFC, brestDID.VerificationMethod(), brest), "unknown bad_status_list"},
		"no gzip":           {entry("22", "revocation"), proven(t, list(brestDID, "revocation", "uAAAA"), proof.RDFC, brestDID.VerificationMethod(), brest), "unknown bad_status_list"},
		"a message":         {entry("23", "message"), proven(t, list(brestDID, "message", encoded(bits)), proof.RDFC, brestDID.VerificationMethod(), brest), "unknown unknown_status"},
		"another kind":      {`"credentialStatus":{"id":"urn:x:1","type":"SomeStatus"},`, "", "unknown unknown_status"},
		"1EdTech's":         {`"credentialStatus":{"id":"` + at + `","type":"1EdTechRevocationList"},`, `{"id":"` + at + `","issuer":"` + string(brestDID) + `","revokedCredential":[{"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000001"}]}`, "no revoked"},
		"1EdTech's, taken back": {
			`"credentialStatus":{"id":"` + at + `","type":"1EdTechRevocationList"},`,
			`{"id":"` + at + `","issuer":"` + string(brestDID) + `","revokedCredential":[{"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000001","revoked":false}]}`, "yes not_revoked",
		},
		"1EdTech's of another": {`"credentialStatus":{"id":"` + at + `","type":"1EdTechRevocationList"},`, `{"id":"` + at + `","issuer":"urn:x:y","revokedCredential":[]}`, "unknown bad_status_list"},
		"two entries":          {strings.Replace(entry("22", "revocation"), `:{`, `:[{`, 1), good, "no revoked"},
	} {
		status := tt.status
		if name == "two entries" {
			second := strings.TrimSuffix(strings.TrimPrefix(entry("23", "revocation"), `"credentialStatus":`), ",")
			status = strings.TrimSuffix(status, ",") + "," + second + "],"
		}
		w := web{}
		if tt.list != "" {
			w[at] = tt.list
		}
		file := proven(t, credential3(string(brestDID), status), proof.JCS, brestDID.VerificationMethod(), brest)
		var b ob.Badge
		spent, _ := costs(func() { b = ask(file, w) })
		expect(t, name, b, map[foreign.Question]string{foreign.Signature: "yes signature_fits", foreign.Status: tt.want})
		if spent > 32<<20 {
			t.Errorf("%s: %d bytes allocated", name, spent)
		}
	}
	// The validator's own list, where the sample says it is.
	sample := read(t, validator+"/ob30/bit-string-list/credential-status-revoked.json")
	const there = "https://raw.githubusercontent.com/1EdTech/digital-credentials-public-validator/refs/heads/main/inspector-vc/src/test/resources/ob30/bit-string-list/testlist"
	b := ask(sample, web{there: read(t, validator+"/ob30/bit-string-list/testlist")})
	expect(t, "the validator's", b, map[foreign.Question]string{foreign.Status: "no revoked"})
}

func TestRecipients(t *testing.T) {
	hash := func(mail, salt string) string { return fmt.Sprintf("sha256$%x", sha256.Sum256([]byte(mail+salt))) }
	assertion := func(recipient string) string {
		return `{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","id":"https://brest.example/a","badge":"https://brest.example/b","issuedOn":"2024-01-01T00:00:00Z","verification":{"type":"HostedBadge"},"recipient":` + recipient + `}`
	}
	identifier := func(identity string) string {
		return strings.Replace(credential3("did:example:i", ""), `"id":"did:example:alice",`, `"identifier":[{"type":"IdentityObject","hashed":true,"identityType":"emailAddress","identityHash":"`+identity+`","salt":"sel"}],`, 1)
	}
	for name, tt := range map[string]struct{ file, offered, want string }{
		"hashed":                    {assertion(`{"type":"email","hashed":true,"salt":"sel","identity":"` + hash("alice@brest.example", "sel") + `"}`), "alice@brest.example", "yes same_recipient"},
		"hashed in lower case":      {assertion(`{"type":"email","hashed":true,"salt":"sel","identity":"` + hash("alice@brest.example", "sel") + `"}`), "Alice@Brest.example", "yes same_recipient"},
		"hashed as typed":           {assertion(`{"type":"email","hashed":true,"identity":"` + hash("Alice@Brest.example", "") + `"}`), "Alice@Brest.example", "yes same_recipient"},
		"somebody else":             {assertion(`{"type":"email","hashed":true,"salt":"sel","identity":"` + hash("alice@brest.example", "sel") + `"}`), "bob@brest.example", "no other_recipient"},
		"md5":                       {assertion(`{"type":"email","hashed":true,"identity":"md5$d41d8cd98f00b204e9800998ecf8427e"}`), "alice@brest.example", "unknown weak_hash"},
		"in the clear":              {assertion(`{"type":"email","hashed":false,"identity":"alice@brest.example"}`), "Alice@brest.example", "yes same_recipient"},
		"a page, asked by mail":     {assertion(`{"type":"url","hashed":false,"identity":"https://alice.example"}`), "alice@brest.example", "unknown no_recipient"},
		"nobody asked":              {assertion(`{"type":"email","hashed":false,"identity":"alice@brest.example"}`), "", "unknown not_asked"},
		"0.5":                       {read(t, "testdata/badges/1edtech-validator-core/0_5_assertion.json"), "test@example.com", "yes same_recipient"},
		"3.0 by DID":                {credential3("did:example:i", ""), "did:example:alice", "yes same_recipient"},
		"3.0 by another DID":        {credential3("did:example:i", ""), "did:example:bob", "no other_recipient"},
		"3.0 by mail, none there":   {credential3("did:example:i", ""), "alice@brest.example", "unknown no_recipient"},
		"3.0 by mail":               {identifier(hash("alice@brest.example", "sel")), "alice@brest.example", "yes same_recipient"},
		"3.0 by mail, another":      {identifier(hash("bob@brest.example", "sel")), "alice@brest.example", "no other_recipient"},
		"3.0 by DID, none is there": {identifier(hash("bob@brest.example", "sel")), "did:example:alice", "unknown no_recipient"},
	} {
		b := ob.Verify([]byte(tt.file), foreign.Inquiry{Now: now, Recipient: tt.offered})
		expect(t, name, b, map[foreign.Question]string{foreign.Recipient: tt.want})
	}
}
