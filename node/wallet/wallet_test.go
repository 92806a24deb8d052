package wallet_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/node/wallet"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
)

const public = "https://badges.exemple.fr"

// fablab is a node in Brest that the web knows as badges.exemple.fr, with one
// badge of Nadia's and a clock that can be turned.
type fablab struct {
	t     *testing.T
	node  *node.Node
	out   *wallet.Exporter
	now   time.Time
	award protocol.Record
}

func newFablab(t *testing.T, address, email string) *fablab {
	t.Helper()
	f := &fablab{t: t, now: time.Now()}
	n, err := node.New(node.Config{Dir: t.TempDir(), InMemory: true, Clock: func() time.Time { return f.now }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	f.node = n
	_, err = n.Setup(t.Context(), node.Community{Name: "Fablab de la rade", Place: "Brest", Email: email}, keyring.Protection{KeyFile: filepath.Join(t.TempDir(), "key")})
	if err != nil {
		t.Fatal(err)
	}
	f.out = wallet.New(wallet.Config{Node: n, PublicURL: address})
	f.award = f.give("Découpe laser", "Nadia B.")
	return f
}

// give makes a class and awards it.
func (f *fablab) give(class, to string) protocol.Record {
	f.t.Helper()
	ctx := context.Background()
	c, err := f.node.NewClass(ctx, node.ClassDraft{Name: class, Description: "Règle la machine", Criteria: "Deux pièces", Levels: []int{1, 2}, Type: "ext:SavoirFaire"})
	if err != nil {
		f.t.Fatal(err)
	}
	_, code, err := f.node.Award(ctx, node.AwardDraft{Class: c.CID(), To: to, Level: 2})
	if err != nil {
		f.t.Fatal(err)
	}
	award, err := f.node.Claim(ctx, code, to)
	if err != nil {
		f.t.Fatal(err)
	}
	return award
}

func (f *fablab) set(state string) {
	f.t.Helper()
	f.now = f.now.Add(time.Minute)
	if _, err := f.node.SetStatus(context.Background(), node.StatusDraft{Target: f.award.CID(), State: state}); err != nil {
		f.t.Fatal(err)
	}
}

// ask makes a request of the addresses wallets read.
func (f *fablab) ask(method, path string, headers ...string) *httptest.ResponseRecorder {
	f.t.Helper()
	r := httptest.NewRequestWithContext(f.t.Context(), method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	f.out.ServeHTTP(w, r)
	return w
}

// fetch answers an address of this node as the web would.
func (f *fablab) fetch(url string) ([]byte, error) {
	path, ours := strings.CutPrefix(url, public)
	if !ours {
		return nil, errors.New("not of this node: " + url)
	}
	resp := f.ask(http.MethodGet, path)
	switch resp.Code {
	case http.StatusOK:
		return resp.Body.Bytes(), nil
	case http.StatusGone:
		return nil, foreign.ErrGone
	}
	return nil, errors.New(http.StatusText(resp.Code))
}

func (f *fablab) export(c cid.Cid, form string) []byte {
	f.t.Helper()
	file, err := f.out.Export(c, form, "fr")
	if err != nil {
		f.t.Fatalf("%s: %v", form, err)
	}
	return file.Bytes
}

func answers(b ob.Badge) string {
	var out []string
	for q, finding := range b.Findings {
		out = append(out, fmt.Sprintf("%v %v", foreign.Question(q), finding.Answer))
	}
	return strings.Join(out, ", ")
}

// What a picture carries is a good badge to who reads it as any other: the new
// one by its signatures, the old one by the addresses it names.
func TestPicturesCarryBothAges(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	for _, form := range []string{wallet.PNG, wallet.SVG} {
		picture := f.export(f.award.CID(), form)
		payloads, err := bake.Take(picture)
		if err != nil || len(payloads) != 2 {
			t.Fatalf("%s: %d payloads, %v; want both ages", form, len(payloads), err)
		}
		in := foreign.Inquiry{Now: f.now, Fetch: f.fetch, Recipient: string(f.award.Holder())}
		newer := ob.Verify(picture, in)
		for _, q := range []foreign.Question{foreign.WellFormed, foreign.Shape, foreign.Signature, foreign.Issuer, foreign.Dates, foreign.Recipient} {
			if newer.Findings[q].Answer != foreign.Yes {
				t.Errorf("%s, 3.0: %s", form, answers(newer))
				break
			}
		}
		older := ob.Verify(payloads[1].Text, in)
		for q, finding := range older.Findings {
			if finding.Answer != foreign.Yes {
				t.Errorf("%s, 2.0: %v is %v (%v)", form, foreign.Question(q), finding.Answer, finding)
			}
		}
	}
	older := f.export(f.award.CID(), wallet.OB2)
	f.set(badge.Suspended)
	f.set(badge.Reinstated)
	in := foreign.Inquiry{Now: f.now, Fetch: f.fetch}
	if got := ob.Verify(older, in).Findings[foreign.Status].Answer; got != foreign.Yes {
		t.Errorf("reinstated: status %v, want yes", got)
	}
	f.set(badge.Suspended)
	if got := ob.Verify(older, in).Findings[foreign.Status].Answer; got != foreign.No {
		t.Errorf("suspended: status %v, want no", got)
	}
	f.set(badge.Revoked)
	if got := ob.Verify(older, in).Findings[foreign.Status].Answer; got != foreign.No {
		t.Errorf("revoked: status %v, want no", got)
	}
}

// Without an address or a contact a badge leaves all the same, and names no
// address; nothing is served.
func TestNoAddress(t *testing.T) {
	for _, c := range []struct {
		address, email string
		want           error
	}{
		{"", "rade@exemple.fr", wallet.ErrNotPublic},
		{"http://192.168.1.20:8797", "rade@exemple.fr", wallet.ErrNotPublic},
		{"https://user@exemple.fr", "rade@exemple.fr", wallet.ErrNotPublic},
		{public, "", wallet.ErrNoContact},
	} {
		f := newFablab(t, c.address, c.email)
		if _, err := f.out.Export(f.award.CID(), wallet.OB2, "fr"); !errors.Is(err, c.want) {
			t.Errorf("%q, %q: got %v, want %v", c.address, c.email, err, c.want)
		}
		payloads, err := bake.Take(f.export(f.award.CID(), wallet.PNG))
		if err != nil || len(payloads) != 1 || !bytes.Equal(payloads[0].Text, f.award.Bytes()) {
			t.Errorf("%q, %q: %d payloads, %v; want the badge alone", c.address, c.email, len(payloads), err)
		}
		if errors.Is(c.want, wallet.ErrNotPublic) {
			if got := f.ask(http.MethodGet, "/ob/credentials/"+f.award.CID().String()).Code; got != http.StatusNotFound {
				t.Errorf("%q: status %d, want 404", c.address, got)
			}
		}
	}
}

// An address answers in the form that is asked for, may be kept for minutes,
// is read by any page and changed by none, and runs nothing.
func TestAddresses(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	path := "/ob/credentials/" + f.award.CID().String()
	for _, c := range []struct{ accept, want string }{
		{"", "application/vc"},
		{"*/*", "application/vc"},
		{"application/vc+ld+json", "application/vc+ld+json"},
		{"application/ld+json;q=0.5, application/json", "application/json"},
		{"application/*;q=0.2, image/*", "image/png"},
		{"image/svg+xml", "image/svg+xml"},
		{"text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "text/html; charset=utf-8"},
	} {
		resp := f.ask(http.MethodGet, path, "Accept", c.accept)
		if got := resp.Header().Get("Content-Type"); resp.Code != http.StatusOK || got != c.want {
			t.Errorf("Accept %q: %d %q, want 200 %q", c.accept, resp.Code, got, c.want)
		}
		for name, want := range map[string]string{
			"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Content-Security-Policy": wallet.Sandbox,
			"Cache-Control": "public, max-age=300", "Vary": "Accept, Accept-Language", "Access-Control-Allow-Credentials": "",
		} {
			if got := resp.Header().Get(name); got != want {
				t.Errorf("Accept %q: %s is %q, want %q", c.accept, name, got, want)
			}
		}
		again := f.ask(http.MethodGet, path, "Accept", c.accept, "If-None-Match", resp.Header().Get("ETag"))
		if again.Code != http.StatusNotModified && !strings.HasPrefix(c.want, "text/html") {
			t.Errorf("Accept %q, unchanged: status %d, want 304", c.accept, again.Code)
		}
	}
	if got := f.ask(http.MethodGet, path, "Accept", "application/pdf, text/html;q=0").Code; got != http.StatusNotAcceptable {
		t.Errorf("what is not there: status %d, want 406", got)
	}
	if got := f.ask(http.MethodPost, path).Code; got != http.StatusMethodNotAllowed {
		t.Errorf("POST: status %d, want 405", got)
	}
	if resp := f.ask(http.MethodHead, path+".png"); resp.Code != http.StatusOK || resp.Header().Get("Content-Type") != "image/png" {
		t.Errorf("HEAD of a picture: %d %v", resp.Code, resp.Header())
	}
	profile, err := f.fetch(public + "/ob/issuers/" + string(f.award.Author()))
	if r, refused := protocol.Verify(profile, f.now); err != nil || refused != nil || r.Kind() != protocol.Profile {
		t.Errorf("issuer: %v, %v; want a profile as it was signed", err, refused)
	}
	for _, absent := range []string{
		"/ob/credentials/bafy", "/ob/credentials/" + f.award.Class().String(), "/ob/2/assertions/" + f.award.Class().String(),
		"/ob/2/issuers/did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2", "/ob/2/issuers/moi", "/ob/",
		"/ob/status/" + string(f.award.Author()) + "/revocation/1", "/ob/status/" + string(f.award.Author()) + "/refresh/0",
		"/ob/status/" + string(f.award.Author()) + "/revocation/00",
	} {
		if got := f.ask(http.MethodGet, absent).Code; got != http.StatusNotFound {
			t.Errorf("%s: status %d, want 404", absent, got)
		}
	}
	f.set(badge.Erased)
	if got := f.ask(http.MethodGet, path).Code; got != http.StatusGone {
		t.Errorf("erased: status %d, want 410", got)
	}
}

// The signed list says of each badge, at the place it was given for ever, what
// its statuses say, five minutes late at most.
func TestStatusList(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	other := f.give("Soudure", "Nadia B.")
	type entry struct{ StatusPurpose, StatusListIndex, StatusListCredential string }
	entries := func(r protocol.Record) map[string]entry {
		raw, err := f.fetch(public + "/ob/credentials/" + r.CID().String() + "/status")
		if err != nil {
			t.Fatal(err)
		}
		var v struct{ CredentialStatus []entry }
		if err := json.Unmarshal(raw, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		out := map[string]entry{}
		for _, e := range v.CredentialStatus {
			out[e.StatusPurpose] = e
		}
		return out
	}
	bit := func(e entry) bool {
		raw, err := f.fetch(e.StatusListCredential)
		if err != nil {
			t.Fatal(err)
		}
		if b := ob.Verify(raw, foreign.Inquiry{Now: f.now}); b.Findings[foreign.Signature].Answer != foreign.Yes || b.Findings[foreign.Issuer].Answer != foreign.Yes {
			t.Errorf("the list is not signed by its issuer: %s", answers(b))
		}
		var v struct{ CredentialSubject struct{ EncodedList string } }
		if err := json.Unmarshal(raw, &v, json.MatchCaseInsensitiveNames(true)); err != nil {
			t.Fatal(err)
		}
		packed, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(v.CredentialSubject.EncodedList, "u"))
		if err != nil {
			t.Fatal(err)
		}
		in, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		bits, err := io.ReadAll(in)
		if err != nil || len(bits) != 16<<10 {
			t.Fatalf("%d bytes, %v; want 16 KiB", len(bits), err)
		}
		at, err := strconv.Atoi(e.StatusListIndex)
		if err != nil {
			t.Fatal(err)
		}
		return bits[at/8]&(0x80>>(at%8)) != 0
	}
	mine, hers := entries(f.award), entries(other)
	if mine["revocation"] == hers["revocation"] {
		t.Error("two badges have one place")
	}
	if again := entries(f.award); again["revocation"] != mine["revocation"] {
		t.Errorf("the place moved from %v to %v", mine, again)
	}
	says := func(when string, revoked, suspended bool) {
		t.Helper()
		f.now = f.now.Add(6 * time.Minute)
		if bit(mine["revocation"]) != revoked || bit(mine["suspension"]) != suspended {
			t.Errorf("%s: revoked %v, suspended %v", when, bit(mine["revocation"]), bit(mine["suspension"]))
		}
		if bit(hers["revocation"]) || bit(hers["suspension"]) {
			t.Errorf("%s: so is the badge beside it", when)
		}
	}
	says("in force", false, false)
	f.set(badge.Suspended)
	says("suspended", false, true)
	f.set(badge.Revoked)
	says("revoked", true, false)

	keys, err := f.node.Keys()
	if err != nil {
		t.Fatal(err)
	}
	keys.Lock()
	f.now = f.now.Add(6 * time.Minute)
	resp := f.ask(http.MethodGet, strings.TrimPrefix(mine["revocation"].StatusListCredential, public))
	if resp.Code != http.StatusServiceUnavailable || resp.Header().Get("Retry-After") == "" {
		t.Errorf("locked: status %d, want 503 and when to come back", resp.Code)
	}
}

// A stranger who asks without end is told to wait.
func TestStrangersWait(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	for range 1000 {
		resp := f.ask(http.MethodHead, "/ob/issuers/"+string(f.award.Author()))
		if resp.Code == http.StatusTooManyRequests {
			if resp.Header().Get("Retry-After") == "" {
				t.Error("nobody says when to come back")
			}
			return
		}
	}
	t.Error("a thousand requests at once, and nobody said stop")
}

// TestFilesForJudges makes what programs that are not ours judge (.ci/run): a
// badge in every form, with the public address and without, and a status list.
// With ESSAIM_JUDGED=DIR the files are kept.
func TestFilesForJudges(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	alone := wallet.New(wallet.Config{Node: f.node})
	files := map[string][]byte{}
	for _, form := range []string{wallet.JSON, wallet.OB2, wallet.PNG, wallet.SVG} {
		files["both."+form] = f.export(f.award.CID(), form)
	}
	for _, form := range []string{wallet.PNG, wallet.SVG} {
		file, err := alone.Export(f.award.CID(), form, "fr")
		if err != nil {
			t.Fatal(err)
		}
		files["alone."+form] = file.Bytes
	}
	var entries struct {
		Status []struct {
			Index string `json:"statusListIndex"`
			List  string `json:"statusListCredential"`
		} `json:"credentialStatus"`
	}
	raw, err := f.fetch(public + "/ob/credentials/" + f.award.CID().String() + "/status")
	if err == nil {
		err = json.Unmarshal(raw, &entries)
	}
	if err != nil || len(entries.Status) != 2 {
		t.Fatalf("places %s, %v; want two", raw, err)
	}
	f.now = time.Now().Add(-time.Minute) // signed in the past of who judges
	f.set(badge.Revoked)
	list, err := f.fetch(entries.Status[0].List)
	if err != nil {
		t.Fatal(err)
	}
	files["list.place"] = []byte(entries.Status[0].Index)
	files["list.json"] = list
	dir := os.Getenv("ESSAIM_JUDGED")
	for name, b := range files {
		if len(b) == 0 {
			t.Errorf("%s is empty", name)
		}
		if dir == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, name), b, 0o644); err != nil {
			t.Error(err)
		}
	}
}

// A class may have a picture of its own here, which PNGs and pages show; when
// it is taken away the class is drawn again.
func TestPictureOfAClass(t *testing.T) {
	f := newFablab(t, public, "rade@exemple.fr")
	class := f.award.Class()
	path := "/ob/credentials/" + f.award.CID().String() + ".png"
	drawn := f.export(class, wallet.PNG)
	before := f.ask(http.MethodHead, path).Header().Get("ETag")

	red := image.NewRGBA(image.Rect(0, 0, 40, 20))
	draw.Draw(red, red.Rect, image.NewUniform(color.RGBA{200, 10, 10, 255}), image.Point{}, draw.Src)
	var file bytes.Buffer
	if err := png.Encode(&file, red); err != nil {
		t.Fatal(err)
	}
	for range 2 { // twice is once
		if _, err := f.node.SetPicture(class, file.Bytes()); err != nil {
			t.Fatal(err)
		}
	}
	kept, code, err := f.node.Picture(class)
	if err != nil || protocol.CID(sha256.Sum256(kept)) != code {
		t.Fatalf("kept as %v, %v; want it under its CID", code, err)
	}
	baked := f.export(f.award.CID(), wallet.PNG)
	plain, err := bake.Put(baked)
	if err != nil || !bytes.Equal(plain, kept) {
		t.Errorf("the badge is not baked into the picture: %v", err)
	}
	if after := f.ask(http.MethodHead, path).Header().Get("ETag"); after == before {
		t.Error("who kept the old picture is told that it is the same")
	}
	if page := f.export(f.award.CID(), wallet.HTML); !bytes.Contains(page, []byte(base64.StdEncoding.EncodeToString(kept))) {
		t.Error("the page does not show the picture")
	}
	noise := image.NewNRGBA(image.Rect(0, 0, 512, 512)) // takes several rows
	random := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(random.Uint32())
	}
	file.Reset()
	if err := png.Encode(&file, noise); err != nil {
		t.Fatal(err)
	}
	if _, err := f.node.SetPicture(class, file.Bytes()); err != nil {
		t.Fatal(err)
	}
	again, code, err := f.node.Picture(class)
	if err != nil || len(again) < 100<<10 || protocol.CID(sha256.Sum256(again)) != code {
		t.Errorf("a large picture reads back as %d bytes, %v", len(again), err)
	}
	if err := f.node.RemovePicture(class); err != nil {
		t.Fatal(err)
	}
	if err := f.node.RemovePicture(class); !errors.Is(err, node.ErrNoPicture) {
		t.Errorf("removed twice: %v", err)
	}
	if !bytes.Equal(f.export(class, wallet.PNG), drawn) {
		t.Error("the class is not drawn again")
	}
	for range f.node.Store().Private("pictures").Each() {
		t.Error("rows of pictures nobody has are still there")
	}

	other := newFablab(t, public, "rade@exemple.fr")
	foreignClass, err := other.node.Record(other.award.Class())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.node.Accept(t.Context(), foreignClass.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	if _, err := f.node.SetPicture(foreignClass.CID(), file.Bytes()); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("a class of others: %v, want %v", err, keyring.ErrNoKey)
	}
}
