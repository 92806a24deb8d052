package protocol_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// reasonOf is the reason of a refusal, or what else the error says.
func reasonOf(err error) protocol.Reason {
	var refusal *protocol.Refusal
	switch {
	case err == nil:
		return "ok"
	case errors.As(err, &refusal):
		return refusal.Reason
	}
	return protocol.Reason(err.Error())
}

func TestIssueRefuses(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	if _, err := protocol.Issue(laserClass(), noon, ubo); reasonOf(err) != protocol.WrongSigner {
		t.Errorf("a class by another key: got %v, want %s", err, protocol.WrongSigner)
	}
	if _, err := protocol.Issue(laserClass(), protocol.Genesis.Add(-time.Second), tyfab); reasonOf(err) != protocol.BadTime {
		t.Errorf("before genesis: got %v, want %s", err, protocol.BadTime)
	}
	nowhere := laserClass()
	nowhere.Territory = nil
	if _, err := protocol.Issue(nowhere, noon, tyfab); reasonOf(err) != protocol.BadTerritory {
		t.Errorf("without territory: got %v, want %s", err, protocol.BadTerritory)
	}
	if r, err := protocol.Issue(laserAward(class), noon, tyfab); err == nil {
		t.Errorf("an award was issued by one party: %s", r.CID())
	}
	if r, err := protocol.Issue(&badge.Succession{}, noon, tyfab); err == nil {
		t.Errorf("a succession was issued by one key: %s", r.CID())
	}
	other, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if r, err := protocol.Issue(laserClass(), noon, crypto.Signer(other)); err == nil {
		t.Errorf("a class was signed on another curve: %s", r.CID())
	}
}

// What is given to Issue is not changed by it.
func TestIssueCopies(t *testing.T) {
	class := laserClass()
	class.Name = "Soude\u0301" // not composed
	r := must(protocol.Issue(class, noon, tyfab))(t)
	if class.Context != nil || class.Proof != nil || class.Name != "Soude\u0301" {
		t.Errorf("the document was changed: %q %s %v", class.Name, class.Context, class.Proof)
	}
	if got, want := r.Document().(*badge.Achievement).Name, "Soud\u00e9"; got != want {
		t.Errorf("name: got %q, want %q", got, want)
	}
}

// A combining mark after a newline does not eat the escape before it.
func TestIssueComposesTextAndNotJSON(t *testing.T) {
	for _, text := range []string{"a\n\u0303b", "a\t\u0327b", "a\\\u0303b", "a\"\u0301b", "\u0301a", "e\u0301", "🐝\u2028"} {
		class := laserClass()
		class.Description = text
		r, err := protocol.Issue(class, noon, tyfab)
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		got := r.Document().(*badge.Achievement).Description
		if want := strings.ReplaceAll(text, "e\u0301", "\u00e9"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestOfferAndCoSign(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	offer := must(protocol.Offer(laserAward(class), noon, tyfab))(t)
	document := must(protocol.ParseOffer(offer, noon))(t)
	if document.Subject.ID != didOf(nadia) || len(document.Proof) != 2 {
		t.Errorf("the offer is to %s with %d proofs", document.Subject.ID, len(document.Proof))
	}
	if _, err := protocol.Offer(laserAward(class), noon, ubo); reasonOf(err) != protocol.WrongSigner {
		t.Errorf("an offer by another than the issuer: got %v, want %s", err, protocol.WrongSigner)
	}
	for name, k := range map[string]crypto.Signer{"the issuer": tyfab, "somebody else": ubo} {
		if _, err := protocol.CoSign(offer, noon, k); reasonOf(err) != protocol.WrongSigner {
			t.Errorf("co-signed by %s: got %v, want %s", name, err, protocol.WrongSigner)
		}
	}
	if _, err := protocol.CoSign(offer, noon.Add(-time.Second), nadia); reasonOf(err) != protocol.BadTime {
		t.Errorf("co-signed before the offer: got %v, want %s", err, protocol.BadTime)
	}
	award := must(protocol.CoSign(offer, noon.Add(time.Hour), nadia))(t)
	if !award.Created().Equal(noon.Add(time.Hour)) {
		t.Errorf("created %v, want that of the holder's proof", award.Created())
	}
	if _, err := protocol.ParseOffer(award.Bytes(), noon.Add(time.Hour)); reasonOf(err) != protocol.BadProof {
		t.Errorf("a record as an offer: got %v, want %s", err, protocol.BadProof)
	}
	if _, err := protocol.ParseOffer(class.Bytes(), noon); reasonOf(err) != protocol.UnknownKind {
		t.Errorf("a class as an offer: got %v, want %s", err, protocol.UnknownKind)
	}
	changed := bytes.Replace(offer, []byte("Porte-clés"), []byte("Porte-clef"), 1)
	if _, err := protocol.CoSign(changed, noon, nadia); reasonOf(err) != protocol.BadSignature {
		t.Errorf("a changed offer: got %v, want %s", err, protocol.BadSignature)
	}
	if _, err := protocol.ParseOffer(offer, noon.Add(-time.Hour)); reasonOf(err) != protocol.FutureDated {
		t.Errorf("an offer from the future: got %v, want %s", err, protocol.FutureDated)
	}
}

func TestSucceed(t *testing.T) {
	document := func() *badge.Succession {
		return &badge.Succession{
			Frame: badge.Frame{Territory: brest}, ID: uuid(7), Type: []string{"essaim:Succession"}, From: didOf(tyfab), To: didOf(ubo),
		}
	}
	r := must(protocol.Succeed(document(), noon, tyfab, ubo))(t)
	if r.Author() != didOf(tyfab) || r.Document().(*badge.Succession).To != didOf(ubo) {
		t.Errorf("from %s to %s", r.Author(), r.Document().(*badge.Succession).To)
	}
	for name, keys := range map[string][2]crypto.Signer{
		"the new key first":         {ubo, tyfab},
		"the old key twice":         {tyfab, tyfab},
		"the new key twice":         {ubo, ubo},
		"somebody for the old key":  {nadia, ubo},
		"somebody for the new key":  {tyfab, nadia},
		"two who have nothing here": {nadia, nadia},
	} {
		if _, err := protocol.Succeed(document(), noon, keys[0], keys[1]); reasonOf(err) != protocol.WrongSigner {
			t.Errorf("%s: got %v, want %s", name, err, protocol.WrongSigner)
		}
	}
	self := document()
	self.To = self.From
	if _, err := protocol.Succeed(self, noon, tyfab, tyfab); reasonOf(err) != protocol.BadValue {
		t.Errorf("to itself: got %v, want %s", err, protocol.BadValue)
	}
}

func TestKinds(t *testing.T) {
	for i, k := range protocol.Kinds {
		if got, err := protocol.ParseKind(k.String()); err != nil || got != k {
			t.Errorf("ParseKind(%q) = %s, %v", k.String(), got, err)
		}
		if int(k) != i+1 {
			t.Errorf("%s is stored as %d, want %d for ever", k, k, i+1)
		}
	}
	for _, name := range []string{"", "Award", "award ", "badge", "kind 0", "kind 9"} {
		if got, err := protocol.ParseKind(name); err == nil {
			t.Errorf("ParseKind(%q) = %s", name, got)
		}
	}
	if got := protocol.Kind(0).String() + ", " + protocol.Kind(9).String(); got != "kind 0, kind 9" {
		t.Errorf("got %q", got)
	}
	for kind, r := range everyKind(t) {
		if got := protocol.KindOf(r.Document()); got != kind {
			t.Errorf("KindOf(%T) = %s, want %s", r.Document(), got, kind)
		}
	}
}

func TestCIDAndDigest(t *testing.T) {
	for kind, r := range everyKind(t) {
		digest, err := protocol.DigestOf(r.CID())
		if err != nil || digest != r.Digest() || protocol.CID(digest) != r.CID() {
			t.Errorf("%s: %s has the digest %x, %v, want %x", kind, r.CID(), digest, err, r.Digest())
		}
	}
}

func TestNamesAndTargets(t *testing.T) {
	records := everyKind(t)
	class, award := records[protocol.Class].CID(), records[protocol.Award].CID()
	if got := records[protocol.Award].Names(); len(got) != 1 || got[0] != class || records[protocol.Award].Class() != class {
		t.Errorf("the award names %v, want %s", got, class)
	}
	for _, kind := range []protocol.Kind{protocol.Endorsement, protocol.Status, protocol.Dispute} {
		r := records[kind]
		if got := r.Names(); len(got) != 1 || got[0] != award || r.Target().CID != award || r.Target().DID != "" {
			t.Errorf("the %s names %v, want %s", kind, got, award)
		}
	}
	for _, kind := range []protocol.Kind{protocol.Profile, protocol.Class, protocol.Notice, protocol.Succession} {
		if r := records[kind]; len(r.Names()) != 0 || r.Target() != (protocol.Target{}) {
			t.Errorf("the %s names %v and is about %v", kind, r.Names(), r.Target())
		}
	}
	derived := laserClass()
	derived.DerivedFrom = class.String()
	if got := must(protocol.Issue(derived, noon, tyfab))(t).Names(); len(got) != 1 || got[0] != class {
		t.Errorf("a class derived from %s names %v", class, got)
	}
}

func TestTopics(t *testing.T) {
	for id, topic := range map[territory.ID]string{
		"fr:epci:243500139": "/essaim/1/fr/epci/243500139", "iso:FR-35": "/essaim/1/iso/FR-35", "gh:u15b": "/essaim/1/gh/u15b",
		"x:0123456789abcdef:vallee": "/essaim/1/x/0123456789abcdef/vallee",
	} {
		if got := protocol.Topic(id); got != topic {
			t.Errorf("Topic(%s) = %s, want %s", id, got, topic)
		}
		if got, err := protocol.ParseTopic(topic); err != nil || got != id {
			t.Errorf("ParseTopic(%s) = %s, %v, want %s", topic, got, err, id)
		}
	}
	for _, topic := range []string{
		"", "/", "/essaim/1/", "/essaim/1", "/essaim/2/iso/FR", "essaim/1/iso/FR", "/essaim/1/iso:FR", "/essaim/1/iso/FR/", "/essaim/1//iso/FR", "/essaim/1/brest",
	} {
		if got, err := protocol.ParseTopic(topic); err == nil {
			t.Errorf("ParseTopic(%q) = %s", topic, got)
		}
	}
}
