package ob_test

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob2"
	"codeberg.org/essaim/essaim/protocol/ob3"
)

// old is a badge of 2.0 with what 3.0 has a place for, and three things it has
// none for.
func old() ob2.Badge {
	return ob2.Badge{
		Version: ob2.V20,
		Assertion: foreign.Object{
			"@context": "https://w3id.org/openbadges/v2", "type": "Assertion", "id": "https://tyfab.example/a/1",
			"badge": "https://tyfab.example/b/1", "issuedOn": "2024-03-01T09:00:00Z", "expires": "2027-03-01T09:00:00Z",
			"recipient":    map[string]any{"type": "email", "hashed": true, "salt": "sel", "identity": "sha256$b5809d8a92f8858436d7e6b87c12ebc0ae1eac4baecc2c0b913aee2c922ef399"},
			"verification": map[string]any{"type": "HostedBadge"}, "narrative": "Un porte-clés",
			"evidence":           []any{map[string]any{"id": "https://tyfab.example/e/1", "narrative": "La photo"}},
			"extensions:example": map[string]any{"a": "b"},
		},
		Class: foreign.Object{
			"@context": "https://w3id.org/openbadges/v2", "type": "BadgeClass", "id": "https://tyfab.example/b/1", "name": "Découpe laser",
			"description": "Règle la machine", "criteria": map[string]any{"narrative": "Deux pièces"}, "tags": []any{"laser", "bois"},
			"image":     map[string]any{"id": "https://tyfab.example/b/1.png", "caption": "Un laser", "author": "https://tyfab.example/lea"},
			"issuer":    "https://tyfab.example/i",
			"alignment": []any{map[string]any{"targetName": "utiliser un laser", "targetUrl": "https://esco.example/1", "targetFramework": "ESCO"}},
		},
		Issuer: foreign.Object{
			"@context": "https://w3id.org/openbadges/v2", "type": "Issuer", "id": "https://tyfab.example/i", "name": "TyFab",
			"url": "https://tyfab.example", "email": "bonjour@tyfab.example",
		},
	}
}

var signer = map[string]any{
	"id": "did:key:z6MkiGDSTKFpvNpxzm1bPw3ZANCmLdhXr1fvUu5zL8DjDKtC", "type": []any{"Profile"}, "name": "Fablab de la rade",
}

func lost(losses []ob2.Loss) (members []string) {
	for _, l := range losses {
		members = append(members, l.Member)
	}
	slices.Sort(members)
	return members
}

// 2.0 to 3.0 says what is lost, and what it makes has the shape of 3.0.
func TestToOpenBadges3(t *testing.T) {
	c, losses, err := old().Credential(signer)
	if err != nil {
		t.Fatal(err)
	}
	again, _, err := old().Credential(signer)
	if err != nil || !reflect.DeepEqual(c, again) {
		t.Errorf("one badge gave two credentials, %v", err)
	}
	if got, want := lost(losses), []string{"badge.image.author", "extensions:example", "verification"}; !slices.Equal(got, want) {
		t.Errorf("lost %v, want %v", got, want)
	}
	raw, err := foreign.Canonical(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := foreign.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	v := ob3.Verify(d, foreign.Inquiry{Now: time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC), Recipient: "a@example.com"})
	for q, want := range map[foreign.Question]foreign.Answer{foreign.WellFormed: foreign.Yes, foreign.Shape: foreign.Yes, foreign.Dates: foreign.Yes} {
		if got := v.Findings[q]; got.Answer != want {
			t.Errorf("%s: %s, %s", q, got.Answer, got.Sentence())
		}
	}
}

// There and back only what is listed changes.
func TestThereAndBack(t *testing.T) {
	before := old()
	c, _, err := before.Credential(signer)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := foreign.Canonical(c)
	if err != nil {
		t.Fatal(err)
	}
	d, err := foreign.Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	here := ob2.Hosting{
		Assertion: "https://rade.example/a/1", Class: "https://rade.example/b/1", Issuer: "https://rade.example/i",
		Email: "bonjour@rade.example", URL: "https://rade.example",
	}
	after, losses, err := ob2.FromCredential(d.Object, here)
	if err != nil {
		t.Fatal(err)
	}
	for _, member := range []string{"issuedOn", "expires", "narrative", "recipient"} {
		if !reflect.DeepEqual(before.Assertion[member], after.Assertion[member]) {
			t.Errorf("%s: got %v, want %v", member, after.Assertion[member], before.Assertion[member])
		}
	}
	for _, member := range []string{"name", "description", "criteria", "tags", "alignment"} {
		if !reflect.DeepEqual(before.Class[member], after.Class[member]) {
			t.Errorf("badge.%s: got %v, want %v", member, after.Class[member], before.Class[member])
		}
	}
	if after.Assertion["id"] != here.Assertion || after.Class["issuer"] != here.Issuer || after.Issuer["email"] != here.Email {
		t.Errorf("it is not hosted where it was to be: %v", after)
	}
	if got, want := lost(losses), []string{"credentialSubject.achievement.creator"}; !slices.Equal(got, want) {
		t.Errorf("lost on the way back: %v, want %v", got, want)
	}
}

func TestWhatCannotBeConverted(t *testing.T) {
	b := old()
	b.Class = nil
	if _, _, err := b.Credential(signer); !errors.Is(err, ob2.ErrIncomplete) {
		t.Errorf("without its class: %v", err)
	}
	c, _, err := old().Credential(signer)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := ob2.FromCredential(c, ob2.Hosting{}); !errors.Is(err, ob2.ErrNotHosted) {
		t.Errorf("hosted nowhere: %v", err)
	}
}
