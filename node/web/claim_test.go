package web_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/node/web"
	"codeberg.org/essaim/essaim/protocol/did"
)

// fablab is a node with one badge offered to Nadia, the site over it, and a
// clock that can be turned.
type fablab struct {
	t    *testing.T
	node *node.Node
	site *httptest.Server
	code string
	now  time.Time
}

func newFablab(t *testing.T) *fablab {
	t.Helper()
	f := &fablab{t: t, now: time.Now()}
	dir := t.TempDir()
	n, err := node.New(node.Config{Dir: dir, InMemory: true, Clock: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	ctx := context.Background()
	_, err = n.Setup(ctx, node.Community{Name: "Fablab de la rade", Place: "Brest"}, keyring.Protection{KeyFile: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	class, err := n.NewClass(ctx, node.ClassDraft{
		Name: `Découpe <script>alert(1)</script>`, Description: "Règle la machine", Criteria: "Deux pièces", Levels: []int{1, 2},
	})
	if err != nil {
		t.Fatal(err)
	}
	_, f.code, err = n.Award(ctx, node.AwardDraft{Class: class.CID(), To: "Nadia B.", Level: 2, Narrative: "Un porte-clés"})
	if err != nil {
		t.Fatal(err)
	}
	f.node, f.site = n, httptest.NewServer(web.New(web.Config{Node: n}))
	t.Cleanup(f.site.Close)
	return f
}

// get returns the status and the page of a code, in a language.
func (f *fablab) get(code, lang string) (int, string, http.Header) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodGet, f.site.URL+"/reclamer/"+code, nil)
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Accept-Language", lang)
	return f.do(r)
}

func (f *fablab) post(code string, form url.Values) (int, string, http.Header) {
	f.t.Helper()
	r, err := http.NewRequestWithContext(f.t.Context(), http.MethodPost, f.site.URL+"/reclamer/"+code, strings.NewReader(form.Encode()))
	if err != nil {
		f.t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	return f.do(r)
}

func (f *fablab) do(r *http.Request) (int, string, http.Header) {
	f.t.Helper()
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		f.t.Fatal(err)
	}
	defer resp.Body.Close()
	page, err := io.ReadAll(resp.Body)
	if err != nil {
		f.t.Fatal(err)
	}
	return resp.StatusCode, string(page), resp.Header
}

func wants(t *testing.T, page string, texts ...string) {
	t.Helper()
	for _, text := range texts {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q:\n%s", text, page)
		}
	}
}

func TestAHolderClaimsOnAPhone(t *testing.T) {
	f := newFablab(t)
	status, page, header := f.get(strings.ToLower(f.code), "fr-FR,fr;q=0.9")
	if status != http.StatusOK {
		t.Fatalf("status %d, want 200", status)
	}
	wants(t, page, `lang="fr"`, "Fablab de la rade", "Règle la machine", "Deux pièces", "Un porte-clés", "niveau 2", "Nadia B.", "Brest Métropole", "&lt;script&gt;")
	if strings.Contains(page, "<script") {
		t.Error("the page lets a badge bring a script")
	}
	if csp := header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") || header.Get("Referrer-Policy") != "no-referrer" || header.Get("Cache-Control") != "no-store" {
		t.Errorf("the page may be kept, framed or send its code on: %v", header)
	}
	if status, page, _ = f.post(f.code, url.Values{"name": {"Nadia B."}}); status != http.StatusUnprocessableEntity {
		t.Errorf("without the tick: status %d, want 422", status)
	}
	wants(t, page, "Cochez la case")
	status, page, _ = f.post(f.code, url.Values{"name": {"Nadia B."}, "accept": {"yes"}})
	if status != http.StatusOK {
		t.Fatalf("accepting: status %d, want 200 after a redirect:\n%s", status, page)
	}
	wants(t, page, "Ce badge est accepté", "bafkrei")
	if n, err := f.node.Store().Stats(); err != nil || n.Total != 4 { // profile, class, award, profile of Nadia
		t.Errorf("records: %d, %v; want 4", n.Total, err)
	}
	if status, page, _ = f.post(f.code, url.Values{"accept": {"yes"}}); status != http.StatusOK {
		t.Errorf("accepting twice: status %d, want 200", status)
	}
	wants(t, page, "Ce badge est accepté")
}

func TestPageInEnglish(t *testing.T) {
	f := newFablab(t)
	_, page, _ := f.get(f.code, "en-GB,en;q=0.9,fr;q=0.5")
	wants(t, page, `lang="en"`, "A badge is offered to you by", "level 2")
	if strings.Contains(page, "accepte ce badge") {
		t.Error("the page mixes languages")
	}
}

func TestCodesThatDoNotWork(t *testing.T) {
	f := newFablab(t)
	status, page, _ := f.get("AAAA-BBBB-CCCC", "fr")
	if status != http.StatusNotFound {
		t.Errorf("unknown code: status %d, want 404", status)
	}
	wants(t, page, "Aucun badge n’attend ce code")
	f.now = f.now.Add(node.OfferLife + time.Hour)
	status, page, _ = f.get(f.code, "fr")
	if status != http.StatusGone {
		t.Errorf("expired code: status %d, want 410", status)
	}
	wants(t, page, "a expiré")
	tried := 0
	for status != http.StatusTooManyRequests && tried < 100 {
		status, _, _ = f.get("AAAA-BBBB-CCCC", "fr")
		tried++
	}
	if tried == 100 {
		t.Error("a hundred codes were tried at once, and nobody said stop")
	}
}

func TestLockedKeysKeepTheCode(t *testing.T) {
	f := newFablab(t)
	keys, err := f.node.Keys()
	if err != nil {
		t.Fatal(err)
	}
	keys.Lock()
	status, page, _ := f.post(f.code, url.Values{"accept": {"yes"}})
	if status != http.StatusLocked {
		t.Errorf("locked: status %d, want 423", status)
	}
	wants(t, page, "ses clés sont verrouillées")
	if err := f.node.Unlock(nil); err != nil {
		t.Fatal(err)
	}
	if status, _, _ = f.post(f.code, url.Values{"accept": {"yes"}}); status != http.StatusOK {
		t.Errorf("unlocked again: status %d, want 200", status)
	}
}

// A badge issued elsewhere is offered as what it is: nobody here awards it.
func TestABadgeFromElsewhere(t *testing.T) {
	f := newFablab(t)
	school := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))
	issuer := did.FromPublicKey(school.Public().(ed25519.PublicKey))
	holder, err := f.node.OfferOf(f.code)
	if err != nil {
		t.Fatal(err)
	}
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"EdDSA","kid":"`+issuer.VerificationMethod()+`"}`)) + "." + encode([]byte(
		`{"@context":["https://www.w3.org/ns/credentials/v2","https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000001",`+
			`"type":["VerifiableCredential","OpenBadgeCredential"],"name":"Soudure","issuer":{"id":"`+string(issuer)+`","type":["Profile"],"name":"Lycée <b>Vauban"},"validFrom":"2025-03-03T09:00:00Z",`+
			`"credentialSubject":{"id":"`+string(holder.Holder)+`","type":["AchievementSubject"],"achievement":{"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000002","type":["Achievement"],`+
			`"name":"Soudure","description":"Soude deux tôles","criteria":{"narrative":"Un cordon plat"}}}}`))
	token += "." + encode(ed25519.Sign(school, []byte(token)))
	_, code, err := f.node.Import(t.Context(), node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: []byte(token)}, Publish: true})
	if err != nil {
		t.Fatal(err)
	}
	_, page, _ := f.get(code, "fr")
	for _, text := range []string{
		"Votre badge, émis ailleurs par <strong>Lycée &lt;b&gt;Vauban</strong>, vérifié par <strong>Fablab de la rade</strong>", "Émis le", "3 mars 2025", "Vérifié le",
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page does not say %q\n%s", text, page)
		}
	}
	for _, text := range []string{"Remis le", "Un badge vous est proposé par", "urn:essaim:original", "ZgotmplZ", "<b>Vauban"} {
		if strings.Contains(page, text) {
			t.Errorf("the page says %q", text)
		}
	}
}
