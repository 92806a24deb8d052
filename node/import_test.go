package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/hosted"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/store"
)

// token is an Open Badges 3.0 badge as a JWT: school says that subject, a member
// of JSON with a comma after it, welds. more are members of the achievement.
func token(t testing.TB, school ed25519.PrivateKey, subject, more string) []byte {
	t.Helper()
	encode := base64.RawURLEncoding.EncodeToString
	input := encode([]byte(`{"alg":"EdDSA","kid":"`+didOf(school).VerificationMethod()+`"}`)) + "." + encode([]byte(
		`{"@context":["https://www.w3.org/ns/credentials/v2","https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"],`+
			`"id":"urn:uuid:0b0a9a7e-0000-4000-8000-000000000001","type":["VerifiableCredential","OpenBadgeCredential"],"name":"Soudure",`+
			`"issuer":{"id":"`+string(didOf(school))+`","type":["Profile"],"name":"Lycée Vauban"},"validFrom":"2025-03-03T09:00:00Z","validUntil":"2030-01-01T00:00:00Z",`+
			`"credentialSubject":{`+subject+`"type":["AchievementSubject"],"narrative":"secretstory","achievement":{"id":"https://vauban.example/b","type":["Achievement"],`+more+
			`"name":"Soudure","description":"Soude deux tôles","criteria":{"narrative":"Un cordon plat"}}}}`))
	return []byte(input + "." + encode(ed25519.Sign(school, []byte(input))))
}

func hisKey(d did.DID) string { return `"id":"` + string(d) + `",` }

// picture is a PNG with one badge, and as many bytes of nothing.
func picture(t testing.TB, badge []byte, padding int) []byte {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	for _, c := range []string{"IHDR" + strings.Repeat("\x00", 13), "IDAT" + strings.Repeat("\x00", padding), "IEND"} {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(c)-4))
		b.WriteString(c)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE([]byte(c)))
	}
	return must(bake.Put(b.Bytes(), bake.Payload{Keyword: bake.Credential, Text: badge}))(t)
}

// A badge that names a key is that key's: Alice accepts with it, wherever it is,
// and what is public says who issued it and nothing more of her.
func TestImportForAKey(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	community := b.settle("TyFab", "Brest")
	school := key("school")
	first := must(b.NewClass(ctx, node.ClassDraft{Name: "Laser", Description: "x", Criteria: "x"}))(t)
	offer, code, err := b.Award(ctx, node.AwardDraft{Class: first.CID(), To: "Alice"})
	if err != nil {
		t.Fatal(err)
	}
	must(b.Claim(ctx, code, ""))(t)
	alice := offer.Holder
	// 200 KB of picture are kept in parts, and come back as they were.
	file := picture(t, token(t, school, hisKey(alice), ""), 200<<10)
	i, code, err := b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: file}, Publish: true})
	if err != nil {
		t.Fatal(err)
	}
	if i.Holder != alice || !i.Attested || i.Verdict != "valid" || i.Media != "image/png" || i.Container != "png" {
		t.Errorf("got %+v, want Alice's, valid, attested", i)
	}
	original := must(badge.ParseCID(i.Original))(t)
	if _, back, err := b.Original(original); err != nil || !bytes.Equal(back, file) {
		t.Errorf("%d bytes came back, %v, want %d as they were", len(back), err, len(file))
	}
	r := must(b.Claim(ctx, code, ""))(t)
	award := r.Document().(*badge.AchievementCredential)
	origin, ok := award.Origin()
	if !ok || origin.Original != i.Original || origin.IssuerName != "Lycée Vauban" || origin.Issuer != string(didOf(school)) || len(origin.Findings) != 7 {
		t.Errorf("origin: got %+v, %v", origin, ok)
	}
	if award.Issuer.ID != community.DID || award.AwardedDate != "2025-03-03T09:00:00Z" || award.ValidFrom != badge.FormatTime(noon) || award.ValidUntil != "2030-01-01T00:00:00Z" {
		t.Errorf("award: got %+v", award)
	}
	if bytes.Contains(r.Bytes(), []byte("secretstory")) {
		t.Error("the narrative of the original is public")
	}
	if got := must(b.ImportOf(original))(t); got.Award != r.CID().String() {
		t.Errorf("the import says it was published as %q, want %s", got.Award, r.CID())
	}
	// Trust reads nothing in it, whoever signed it.
	if e := must(b.Explain(ctx, protocol.Target{CID: r.CID()}))(t)[0]; e.Level != 0 {
		t.Errorf("trust in what was only checked: got level %d, want none", e.Level)
	}
	if e := must(b.Explain(ctx, protocol.Target{CID: must(b.claimedBy(alice, offer.ID))(t).CID()}))(t)[0]; e.Level == 0 {
		t.Error("trust in what was awarded: got none")
	}
	// The same for another is refused, and no key is made for the name.
	members := len(must(must(b.Keys())(t).Members())(t))
	_, _, err = b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: token(t, school, hisKey(didOf(bob)), "")}, To: "Mallory"})
	refusedFor(t, "Bob's badge for Mallory", err, foreign.Recipient)
	if got := len(must(must(b.Keys())(t).Members())(t)); got != members {
		t.Errorf("%d members, want %d", got, members)
	}
	// A key that is elsewhere is offered a file.
	i, _, err = b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: token(t, school, hisKey(didOf(bob)), "")}, Publish: true})
	if err != nil || i.Holder != didOf(bob) {
		t.Fatalf("Bob's: got %+v, %v", i, err)
	}
	attestation := must(b.Attestation(i))(t)
	must(protocol.CoSign(attestation, noon, bob))(t)
	// One class elsewhere is one class here.
	classes := 0
	for e, err := range b.Store().Find(store.Query{Kinds: []protocol.Kind{protocol.Class}, Author: community.DID}) {
		if err != nil {
			t.Fatal(err)
		}
		_ = e
		classes++
	}
	if classes != 2 {
		t.Errorf("%d classes, want Laser and Soudure", classes)
	}
}

// claimedBy finds an award by the id of its credential.
func (b *box) claimedBy(holder did.DID, id string) (protocol.Record, error) {
	for e, err := range b.Store().Find(store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: holder}) {
		if err != nil {
			return protocol.Record{}, err
		}
		if r, err := e.Record(); err != nil || r.Document().(*badge.AchievementCredential).ID == id {
			return r, err
		}
	}
	return protocol.Record{}, errors.New("no such award")
}

func refusedFor(t *testing.T, what string, err error, q foreign.Question) {
	t.Helper()
	var bad *node.BadBadge
	if !errors.As(err, &bad) || bad.Question != q {
		t.Errorf("%s: got %v, want a refusal for %s", what, err, q)
	}
}

// What is wrong leaves nothing behind, and what cannot be verified is not
// attested.
func TestImportRefuses(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	b.settle("TyFab", "Brest")
	school := key("school")
	good := token(t, school, hisKey(didOf(alice)), "")
	spoilt := bytes.Clone(good)
	spoilt[len(spoilt)-3] ^= 1
	for name, x := range map[string]struct {
		file []byte
		to   string
		mail string
		q    foreign.Question
	}{
		"a signature that does not fit": {spoilt, "", "", foreign.Signature},
		"no badge":                      {[]byte(`{"a":1}`), "Alice", "", foreign.WellFormed},
		"a class alone":                 {[]byte(`{"@context":"https://w3id.org/openbadges/v2","type":"BadgeClass","id":"https://a.example/b","name":"x","description":"x","image":"https://a.example/i","criteria":"https://a.example/c","issuer":"https://a.example/i"}`), "Alice", "", foreign.Shape},
		"an address alone":              {[]byte("https://a.example/badge"), "Alice", "", foreign.WellFormed},
		"another's key":                 {good, string(didOf(bob)), "", foreign.Recipient},
		"another's, by who asks":        {good, "", string(didOf(bob)), foreign.Recipient},
		"garbage":                       {bytes.Repeat([]byte{0xff}, 5<<20), "Alice", "", foreign.WellFormed},
	} {
		i, code, err := b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: x.file, Recipient: x.mail}, To: x.to})
		refusedFor(t, name, err, x.q)
		if code != "" || i.Original != "" {
			t.Errorf("%s: got %+v", name, i)
		}
	}
	if got := must(b.Imports())(t); len(got) != 0 {
		t.Errorf("kept %d imports, want none", len(got))
	}
	if got := len(must(must(b.Keys())(t).Members())(t)); got != 0 {
		t.Errorf("made %d keys, want none", got)
	}
	// One that has ended was a badge: it is kept, and not attested.
	b.clock.pass(20 * 365 * 24 * time.Hour)
	i, _, err := b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: good}})
	if err != nil || i.Attested || i.Verdict != "invalid" {
		t.Errorf("ended: got %+v, %v, want it kept and not attested", i, err)
	}
	_, _, err = b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: good}, Publish: true})
	refusedFor(t, "publish what has ended", err, foreign.Dates)
	// Forgotten, nothing of it is left.
	if err := b.ForgetImport(must(badge.ParseCID(i.Original))(t)); err != nil {
		t.Fatal(err)
	}
	_, _, err = b.Original(must(badge.ParseCID(i.Original))(t))
	wants(t, "what was forgotten", err, node.ErrUnknownImport)
	if n := b.PrivateRows("originals"); n != 0 {
		t.Errorf("%d parts are left of what was forgotten", n)
	}
}

// Every member of a class is mapped or listed as lost, and no class, however
// odd, makes what a record does not take.
func TestMappedClasses(t *testing.T) {
	ctx := t.Context()
	b := alone(t)
	b.settle("TyFab", "Brest")
	school := key("school")
	long := strings.Repeat("é", 200)
	i, _, err := b.Import(ctx, node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: token(t, school, hisKey(didOf(alice)),
		`"achievementType":"Competency","inLanguage":"fr","tag":["soudure","_:b0","`+long+`","acier"],"image":{"id":"https://vauban.example/i.png","type":"Image"},"version":"2",`+
			`"alignment":[{"type":["Alignment"],"targetName":"Souder","targetUrl":"https://esco.example/é","targetType":"ext:ESCO"},`+
			`{"type":["Alignment"],"targetName":"Odd","targetUrl":"https://esco.example/2","targetType":"odd type"}],"ext:colour":"red",`)}})
	if err != nil {
		t.Fatal(err)
	}
	attestation := must(protocol.ParseOffer(must(b.Attestation(i))(t), noon))(t)
	a := attestation.Subject.Achievement
	if a.Name != "Soudure" || a.Description != "Soude deux tôles" || a.AchievementType != "Competency" || a.InLanguage != "fr" ||
		!slices.Equal(a.Tag, []string{"soudure", "b0", long[:256], "acier"}) || !strings.HasSuffix(a.Criteria.Narrative, "\n\nUn cordon plat") {
		t.Errorf("class: got %+v", a)
	}
	if len(a.Alignment) != 2 || a.Alignment[0].TargetURL != "https://esco.example/%C3%A9" || a.Alignment[0].TargetType != "ext:ESCO" || a.Alignment[1].TargetType != "" {
		t.Errorf("alignments: got %+v", a.Alignment)
	}
	var lost []string
	for _, l := range i.Losses {
		lost = append(lost, l.Member)
	}
	want := []string{
		"credentialSubject.narrative", "achievement.alignment[1].targetType", "achievement.ext:colour", "achievement.id",
		"achievement.image", "achievement.version",
	}
	if !slices.Equal(lost, want) {
		t.Errorf("lost %v, want %v", lost, want)
	}
}

// With locked keys nothing is kept: an attestation is signed at once or not.
func TestImportNeedsItsKeys(t *testing.T) {
	b := alone(t)
	b.settle("TyFab", "Brest")
	must(b.Keys())(t).Lock()
	_, _, err := b.Import(t.Context(), node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: token(t, key("school"), hisKey(didOf(alice)), "")}})
	if err == nil || len(must(b.Imports())(t)) != 0 || b.PrivateRows("originals") != 0 {
		t.Errorf("got %v, want that the keys are locked, and nothing kept", err)
	}
}

// There is an end to what is kept.
func TestImportsAreBounded(t *testing.T) {
	b := alone(t)
	b.settle("TyFab", "Brest")
	if err := b.FillImports(node.MaxImports); err != nil {
		t.Fatal(err)
	}
	_, _, err := b.Import(t.Context(), node.ImportDraft{BadgeInquiry: node.BadgeInquiry{File: token(t, key("school"), hisKey(didOf(alice)), "")}})
	var invalid *badge.Invalid
	if !errors.As(err, &invalid) || !strings.Contains(err.Error(), "one too many") {
		t.Errorf("got %v, want that it is one too many", err)
	}
}

// A person who goes away is not waited for, and a site is asked once.
func TestExamineEnds(t *testing.T) {
	c := &clock{}
	asked := 0
	ctx, cancel := context.WithCancel(t.Context())
	n := must(node.New(node.Config{Dir: t.TempDir(), InMemory: true, Clock: c.now, Web: func(ctx context.Context, _ string) (hosted.Page, error) {
		asked++
		cancel()
		return hosted.Page{}, ctx.Err()
	}}))(t)
	defer n.Close()
	_, err := n.ExamineFile(ctx, node.BadgeInquiry{Address: "https://a.example/b"})
	if !errors.Is(err, context.Canceled) || asked != 1 {
		t.Errorf("got %v, asked %d times", err, asked)
	}
}

// Whatever a badge says, its claims can be shown, and its class is one that a
// record takes.
func FuzzClaims(f *testing.F) {
	f.Add([]byte(`{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","id":"https://a.example/a","recipient":{"type":"email","hashed":false,"identity":"a@b.example"},` +
		`"badge":{"type":"BadgeClass","id":"https://a.example/b","name":"\u001b[2J\u202ex","description":"_:x","criteria":"x","image":"x","tags":["_:"],"alignment":[{"targetName":"x","targetUrl":"é"}],` +
		`"issuer":{"type":"Issuer","id":"https://a.example/i","name":"x","url":"x","email":"x"}},"issuedOn":"2025-03-03T09:00:00Z","verification":{"type":"HostedBadge"}}`))
	f.Add(token(f, key("school"), hisKey(didOf(alice)), `"alignment":[{}],"tag":[1,"",null],"criteria":["x"],`))
	f.Fuzz(func(t *testing.T, file []byte) {
		b := ob.Verify(file, foreign.Inquiry{Now: noon, Recipient: "a@b.example"})
		claims := node.ClaimsOf(b)
		text := fmt.Sprint(claims)
		if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r == 0x7f || r == '\u202e' }) || len(text) > 20<<10 {
			t.Errorf("claims: %q", text)
		}
		class, losses, err := node.MapBadge(&node.Foreign{Badge: b, Claims: claims}, didOf(tyfab))
		if err != nil {
			return
		}
		if err := class.Validate(); err != nil {
			t.Errorf("class: %v\n%+v", err, class)
		}
		if _, err := json.Marshal(losses); err != nil {
			t.Error(err)
		}
	})
}
