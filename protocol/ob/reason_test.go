package ob_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/protocol/ob2"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// picture is a PNG of nothing but its ends, with chunks between.
func picture(chunks ...string) string {
	return pictureOf(strings.Repeat("\x00", 13), chunks...)
}

// pictureOf is picture of a size, as a header writes it.
func pictureOf(header string, chunks ...string) string {
	var b bytes.Buffer
	b.WriteString("\x89PNG\r\n\x1a\n")
	for _, c := range append(append([]string{"IHDR" + header}, chunks...), "IEND") {
		_ = binary.Write(&b, binary.BigEndian, uint32(len(c)-4))
		b.WriteString(c)
		_ = binary.Write(&b, binary.BigEndian, crc32.ChecksumIEEE([]byte(c)))
	}
	return b.String()
}

// Each reason of the closed list is met, and is said in a sentence.
func TestEveryReason(t *testing.T) {
	brest, brestDID := person(t, 1)
	mallory, malloryDID := person(t, 2)
	const site = "https://brest.example/issuer"
	sign := func(document string) string {
		return proven(t, document, proof.JCS, brestDID.VerificationMethod(), brest)
	}
	rdfc := func(document string, key ed25519.PrivateKey) string {
		return proven(t, document, proof.RDFC, brestDID.VerificationMethod(), key)
	}
	own := credential3(string(brestDID), "")
	assertion := `{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","id":"https://brest.example/a","badge":"https://brest.example/b","issuedOn":"2024-01-01T00:00:00Z",` +
		`"verification":{"type":"HostedBadge"},"recipient":{"type":"email","hashed":true,"identity":"md5$d41d8cd98f00b204e9800998ecf8427e"}}`
	class := `{"@context":"https://w3id.org/openbadges/v2","type":"BadgeClass","id":"https://brest.example/b","name":"x","description":"x","criteria":"https://brest.example/c","issuer":"https://brest.example/i"}`
	home := web{"https://brest.example/a": assertion, "https://brest.example/b": class}
	away := strings.Replace(class, "https://brest.example/i", "https://rennes.example/i", 1)
	var many strings.Builder
	for i := range 600 {
		fmt.Fprintf(&many, `{"id":"urn:x:%d","type":["Evidence"]},`, i)
	}
	files := map[foreign.Reason]struct {
		file string
		w    web
	}{
		foreign.Readable:       {own, nil},
		foreign.NoBadge:        {picture(), nil},
		foreign.Malformed:      {`{"a":`, nil},
		foreign.TooLarge:       {`{"a":"` + strings.Repeat("a", foreign.MaxBytes) + `"}`, nil},
		foreign.TooDeep:        {strings.Repeat(`{"a":`, 40) + "1" + strings.Repeat("}", 40), nil},
		foreign.Duplicate:      {`{"type":"Assertion","type":"BadgeClass"}`, nil},
		foreign.TwoPayloads:    {picture("tEXtopenbadges\x00https://a.example/1", "tEXtopenbadges\x00https://a.example/2"), nil},
		foreign.EmptyPayload:   {picture("tEXtopenbadges\x00"), nil},
		foreign.DamagedImage:   {picture()[:20], nil},
		foreign.DefinesEntity:  {`<!DOCTYPE svg [<!ENTITY a "b">]><svg xmlns="http://www.w3.org/2000/svg"/>`, nil},
		foreign.BadAddress:     {picture("tEXtopenbadges\x00javascript:alert(1)"), nil},
		foreign.AddressOnly:    {"https://brest.example/a", nil},
		foreign.BadAlgorithm:   {base64url.EncodeToString([]byte(`{"alg":"none"}`)) + ".e30.", nil},
		foreign.Contradiction:  {compact(t, `{"alg":"EdDSA"}`, credential3(string(brestDID), `"iss":"urn:x:y",`), brest), nil},
		foreign.Fits:           {own, nil},
		foreign.Misshapen:      {strings.Replace(own, `"criteria"`, `"criterion"`, 1), nil},
		foreign.OtherDocument:  {strings.Replace(own, `"OpenBadgeCredential"`, `"ClrCredential"`, 1), nil},
		foreign.SignatureFits:  {sign(own), nil},
		foreign.Published:      {assertion, home},
		foreign.SignatureWrong: {strings.Replace(sign(own), "Laser", "Lasser", 1), nil},
		foreign.Unsigned:       {own, nil},
		foreign.Uncovered:      {strings.Replace(rdfc(own, brest), `"name":"Laser"`, `"name":"Laser","unheardOf":1`, 1), nil},
		foreign.Differs:        {strings.Replace(assertion, "2024", "2025", 1), home},
		foreign.UnknownSuite:   {strings.Replace(sign(own), "eddsa-jcs-2022", "ecdsa-sd-2023", 1), nil},
		foreign.UnknownContext: {strings.Replace(rdfc(own, brest), `context-3.0.3.json"`, `context-3.0.3.json","https://evil.example/v1"`, 1), nil},
		foreign.UnknownKey:     {strings.ReplaceAll(sign(own), brestDID.VerificationMethod(), "did:example:1#k"), nil},
		foreign.TooCostly:      {strings.Replace(rdfc(own, brest), `"name":"Laser"`, `"evidence":[`+strings.TrimSuffix(many.String(), ",")+`],"name":"Laser"`, 1), nil},
		foreign.Disputed:       {strings.Replace(rdfc(credential3(string(brestDID), ""), mallory), `"type":["AchievementSubject"]`, `"creditsEarned":0.1,"type":["AchievementSubject"]`, 1), nil},
		foreign.BadProof:       {strings.Replace(sign(own), "assertionMethod", "authentication", 1), nil},
		foreign.IssuersKey:     {sign(own), nil},
		foreign.IssuersSite:    {assertion, home},
		foreign.OtherSigner:    {proven(t, own, proof.JCS, malloryDID.VerificationMethod(), mallory), nil},
		foreign.KeyNotListed:   {sign(credential3(site, "")), web{site: `{"id":"` + site + `"}`}},
		foreign.OtherOrigin:    {assertion, home.with("https://brest.example/b", away).with("https://rennes.example/i", `{"id":"https://rennes.example/i"}`)},
		foreign.NobodyVouches:  {own, nil},
		foreign.InForce:        {own, nil},
		foreign.Expired:        {credential3(string(brestDID), `"validUntil":"2025-01-01T00:00:00Z",`), nil},
		foreign.NotYet:         {strings.Replace(own, "2024", "2044", 1), nil},
		foreign.BadTime:        {strings.Replace(own, "2024-01-01T00:00:00Z", "yesterday", 1), nil},
		foreign.NoStatus:       {own, nil},
		foreign.NotRevoked:     {assertion, home},
		foreign.Revoked:        {assertion, web{"https://brest.example/a": "gone"}},
		foreign.UnknownStatus:  {credential3(string(brestDID), `"credentialStatus":{"type":"SomeStatus"},`), nil},
		foreign.BadStatusList:  {credential3(string(brestDID), `"credentialStatus":{"type":"BitstringStatusListEntry","statusListIndex":"x"},`), nil},
		foreign.SameRecipient:  {strings.Replace(own, "did:example:alice", "mailto:alice@brest.example", 1), nil},
		foreign.OtherRecipient: {strings.Replace(own, "did:example:alice", "mailto:bob@brest.example", 1), nil},
		foreign.WeakHash:       {assertion, nil},
		foreign.NoRecipient:    {own, nil},
		foreign.NotAsked:       {class, nil},
		foreign.NotAtHand:      {assertion, nil},
	}
	for _, r := range foreign.Reasons() {
		f, ok := files[r]
		if !ok {
			t.Errorf("%s is met by no file", r)
			continue
		}
		in := foreign.Inquiry{Now: now, Recipient: "alice@brest.example"}
		if f.w != nil {
			in.Fetch = f.w.fetch
		}
		b := ob.Verify([]byte(f.file), in)
		met := false
		for _, finding := range b.Findings {
			met = met || finding.Reason == r
			both := finding.Sentence()
			for _, s := range []string{both.English, both.French} {
				if len(s) < 10 || !strings.HasSuffix(s, ".") || len(s) > 400 || s == both.French && strings.Contains(s, "'") {
					t.Errorf("%s: the sentence %q", r, s)
				}
			}
		}
		if !met {
			t.Errorf("%s is not met\n%s", r, show(b))
		}
		sane(t, string(r), b)
	}
	for _, n := range foreign.Notes() {
		if s := n.Sentence(); len(s.English) < 10 || len(s.French) < 10 || s.English == s.French {
			t.Errorf("%s: the sentences %+v", n, s)
		}
	}
	if len(files) != len(foreign.Reasons()) {
		t.Errorf("%d files, %d reasons", len(files), len(foreign.Reasons()))
	}
}

// A badge of ours put into both kinds of image is the one that comes out.
func TestBakedBadgesAreVerified(t *testing.T) {
	brest, brestDID := person(t, 1)
	file := proven(t, credential3(string(brestDID), `"description":"]]> & <",`), proof.RDFC, brestDID.VerificationMethod(), brest)
	older := read(t, validator+"/ob20/basic-assertion.json")
	for container, image := range map[ob.Container]string{
		ob.PNG: picture(), ob.SVG: `<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>`,
	} {
		baked, err := bake.Put([]byte(image), bake.Payload{Keyword: bake.Assertion, Text: []byte(older)}, bake.Payload{Keyword: bake.Credential, Text: []byte(file)})
		if err != nil {
			t.Fatal(err)
		}
		b := ob.Verify(baked, foreign.Inquiry{Now: now})
		if b.Container != container || b.Overall() != foreign.Yes || b.Standard != "OB 3.0" {
			t.Errorf("%s\n%s", container, show(b))
		}
	}
}

// Whatever cuts or flips a good file, it is never good again, or still says the
// same.
func TestNothingAlteredIsGood(t *testing.T) {
	brest, brestDID := person(t, 1)
	file := []byte(proven(t, credential3(string(brestDID), ""), proof.JCS, brestDID.VerificationMethod(), brest))
	before, err := foreign.Parse(file)
	if err != nil {
		t.Fatal(err)
	}
	want, err := before.Without("")
	if err != nil {
		t.Fatal(err)
	}
	for i := range file {
		for _, altered := range [][]byte{file[:i], append(bytes.Clone(file[:i]), file[i+1:]...), flipped(file, i)} {
			b := ob.Verify(altered, foreign.Inquiry{Now: now})
			if b.Overall() != foreign.Yes {
				continue
			}
			if got, err := b.Document.Without(""); err != nil || !bytes.Equal(got, want) {
				t.Errorf("altered at byte %d it is good: %s", i, got)
			}
		}
	}
}

func flipped(file []byte, i int) []byte {
	out := bytes.Clone(file)
	out[i] ^= 1
	return out
}

// One badge converts, by whatever program it was made, and no member is lost
// without a word.
func TestCopiedBadgesConvert(t *testing.T) {
	for _, s := range samples(t, filepath.Join("testdata", "badges")) {
		file, err := os.ReadFile(s.file)
		if err != nil {
			t.Fatal(err)
		}
		b := ob.Verify(file, foreign.Inquiry{Now: now, Fetch: exampleOrg(t).fetch})
		if b.Older.Assertion == nil || b.Older.Issuer == nil {
			continue
		}
		c, losses, err := b.Older.Credential(signer)
		if errors.Is(err, ob2.ErrUndated) && b.Standard == "OB 0.5" {
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", s.name, err)
			continue
		}
		raw, err := foreign.Canonical(c)
		if err != nil {
			t.Fatal(err)
		}
		back := ob.Verify(raw, foreign.Inquiry{Now: now})
		if back.Findings[foreign.Shape].Answer != foreign.Yes {
			t.Errorf("%s: %s\n%s", s.name, raw, show(back))
		}
		for _, l := range losses {
			if l.Member == "" || l.Why == "" {
				t.Errorf("%s: a loss without a name: %+v", s.name, l)
			}
		}
	}
}
