package protocol_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// The cast: two communities and a person.
var (
	tyfab = key("tyfab") // a fablab in Brest
	ubo   = key("ubo")   // another community
	nadia = key("nadia") // a member
	noon  = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
	brest = []string{"fr:epci:242900314"}
)

func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("essaim test key " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func didOf(k ed25519.PrivateKey) did.DID { return did.FromPublicKey(k.Public().(ed25519.PublicKey)) }

func uuid(n int) string { return fmt.Sprintf("urn:uuid:00000000-0000-4000-8000-%012x", n) }

func profileOf(k ed25519.PrivateKey, name string) badge.ProfileRef {
	return badge.ProfileRef{ID: didOf(k), Type: []string{"Profile"}, Name: name}
}

func laserClass() *badge.Achievement {
	creator := profileOf(tyfab, "TyFab")
	return &badge.Achievement{
		Frame:           badge.Frame{Territory: brest},
		ID:              uuid(1),
		Type:            []string{"Achievement"},
		Name:            "Découpe laser — autonome",
		Description:     "Sait préparer un fichier, régler la machine et découper seul·e en sécurité.",
		Criteria:        badge.Criteria{Narrative: "A réalisé trois pièces et expliqué les risques."},
		Creator:         &creator,
		AchievementType: "ext:SavoirFaire",
		InLanguage:      "fr",
		Tag:             []string{"laser"},
		Alignment: []badge.Alignment{{
			Type: []string{"Alignment"}, TargetName: "utiliser un appareil de découpe au laser",
			TargetURL:       "http://data.europa.eu/esco/skill/45bef06d-dba9-4192-9805-2f7d27523638",
			TargetFramework: "ESCO", TargetType: "ext:ESCO",
		}},
		ResultDescription: []badge.ResultDescription{{
			ID: uuid(1) + "#niveau", Type: []string{"ResultDescription"}, Name: "Niveau", ResultType: "RubricCriterionLevel",
			Level: []badge.RubricLevel{{ID: uuid(1) + "#2", Type: []string{"RubricCriterionLevel"}, Name: "Autonome", Level: "2"}},
		}},
		Licence: "CC-BY-SA-4.0",
	}
}

func laserAward(class protocol.Record) *badge.AchievementCredential {
	achievement := class.Document().(*badge.Achievement).Embedded(class.CID().String())
	return &badge.AchievementCredential{
		Frame:     badge.Frame{Territory: brest},
		ID:        uuid(2),
		Type:      []string{"VerifiableCredential", "OpenBadgeCredential"},
		Name:      achievement.Name,
		Issuer:    profileOf(tyfab, "TyFab"),
		ValidFrom: "2026-11-21T14:00:00Z", AwardedDate: "2026-11-21T14:00:00Z",
		Subject: badge.AchievementSubject{
			ID: didOf(nadia), Type: []string{"AchievementSubject"}, Achievement: achievement,
			Result: []badge.Result{{
				Type:              []string{"Result"},
				ResultDescription: achievement.ResultDescription[0].ID, AchievedLevel: achievement.ResultDescription[0].Level[0].ID,
			}},
		},
		Evidence: []badge.Evidence{{Type: []string{"Evidence"}, Name: "Porte-clés", Narrative: "Découpé le 21 novembre."}},
	}
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// everyKind issues one record of each kind.
func everyKind(t testing.TB) map[protocol.Kind]protocol.Record {
	t.Helper()
	records := map[protocol.Kind]protocol.Record{}
	issue := func(d badge.Document, k ed25519.PrivateKey) protocol.Record {
		t.Helper()
		r := must(protocol.Issue(d, noon, k))(t)
		records[r.Kind()] = r
		return r
	}
	frame := badge.Frame{Territory: brest}
	issue(&badge.Profile{
		Frame: frame, ID: didOf(tyfab), Type: []string{"Profile"}, Kind: badge.PlaceKind, Name: "TyFab", Point: "48.4084,-4.4996",
	}, tyfab)
	class := issue(laserClass(), tyfab)
	offer := must(protocol.Offer(laserAward(class), noon, tyfab))(t)
	award := must(protocol.CoSign(offer, noon.Add(time.Minute), nadia))(t)
	records[protocol.Award] = award
	issue(&badge.EndorsementCredential{
		Frame: frame, ID: uuid(3), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Soutien", Issuer: profileOf(ubo, "UBO Open Factory"), ValidFrom: "2026-11-22T12:00:00Z",
		Subject: badge.EndorsementSubject{
			ID: uuid(2), Type: []string{"EndorsementSubject"}, CID: award.CID().String(), Comment: "Vue à l'œuvre.",
		},
	}, ubo)
	issue(&badge.Status{
		Frame: frame, ID: uuid(4), Type: []string{"essaim:Status"}, Author: didOf(tyfab),
		Target: award.CID().String(), State: badge.Revoked, Reason: "error",
	}, tyfab)
	issue(&badge.Dispute{
		Frame: frame, ID: uuid(5), Type: []string{"essaim:Dispute"}, Author: didOf(ubo),
		Target: award.CID().String(), Reason: "criteria-not-met", Comment: "La formation a été interrompue.",
	}, ubo)
	issue(&badge.Notice{
		Frame: frame, ID: uuid(6), Type: []string{"essaim:Notice"}, Author: didOf(nadia), Direction: badge.Offer,
		Name: "Je montre la découpe laser", Tag: []string{"laser"}, Until: "2027-05-01T00:00:00Z",
	}, nadia)
	records[protocol.Succession] = must(protocol.Succeed(&badge.Succession{
		Frame: frame, ID: uuid(7), Type: []string{"essaim:Succession"}, From: didOf(tyfab), To: didOf(ubo),
	}, noon, tyfab, ubo))(t)
	return records
}

func TestEveryKindIsIssuedAndVerified(t *testing.T) {
	records := everyKind(t)
	for _, kind := range protocol.Kinds {
		t.Run(kind.String(), func(t *testing.T) {
			r := records[kind]
			again, err := protocol.Verify(r.Bytes(), noon)
			if err != nil {
				t.Fatal(err)
			}
			if again.CID() != r.CID() || again.Kind() != kind {
				t.Errorf("verified as %s %s, issued as %s %s", again.Kind(), again.CID(), kind, r.CID())
			}
			if err := protocol.VerifyLinkedData(r); err != nil {
				t.Errorf("linked data proof: %v", err)
			}
			if _, err := protocol.Reread(r.Bytes(), r.Digest()); err != nil {
				t.Error(err)
			}
		})
	}
}

// Whatever single byte is changed, the record is refused; and nothing panics.
func TestNoByteCanBeChanged(t *testing.T) {
	for kind, r := range everyKind(t) {
		raw := r.Bytes()
		for i := range raw {
			changed := append([]byte(nil), raw...)
			changed[i] ^= 1 << (i % 7)
			if _, err := protocol.Verify(changed, noon); err == nil {
				t.Errorf("%s: byte %d changed from %q to %q and still verified", kind, i, raw[i], changed[i])
			}
		}
	}
}

func TestAnAwardNeedsItsHolder(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	offer := must(protocol.Offer(laserAward(class), noon, tyfab))(t)
	var refusal *protocol.Refusal
	if _, err := protocol.Verify(offer, noon); !errors.As(err, &refusal) || refusal.Reason != protocol.NoConsent {
		t.Errorf("Verify of an offer: got %v, want %s", err, protocol.NoConsent)
	}
	if _, err := protocol.CoSign(offer, noon, ubo); !errors.As(err, &refusal) || refusal.Reason != protocol.WrongSigner {
		t.Errorf("CoSign by somebody else: got %v, want %s", err, protocol.WrongSigner)
	}
	award := must(protocol.CoSign(offer, noon, nadia))(t)
	if got := award.Document().(*badge.AchievementCredential).Level(); got != 2 {
		t.Errorf("level: got %d, want 2", got)
	}
	if !protocol.Matches(award, class) {
		t.Error("the award does not match the class it embeds")
	}
}

func TestIssueIsDeterministic(t *testing.T) {
	a, b := everyKind(t), everyKind(t)
	for kind := range a {
		if a[kind].CID() != b[kind].CID() {
			t.Errorf("%s: two CIDs for the same arguments", kind)
		}
	}
}

func TestBatchAnswersAsVerifyDoes(t *testing.T) {
	var raws [][]byte
	for _, kind := range protocol.Kinds {
		raws = append(raws, everyKind(t)[kind].Bytes())
	}
	check := func(name string) {
		t.Helper()
		for i, got := range protocol.VerifyBatch(raws, noon) {
			_, want := protocol.Verify(raws[i], noon)
			if fmt.Sprint(got.Err) != fmt.Sprint(want) || (got.Err == nil) == got.Record.IsZero() {
				t.Errorf("%s: record %d: batch says %v, Verify says %v", name, i, got.Err, want)
			}
		}
	}
	check("all good")
	wrong := append([]byte(nil), raws[0]...)
	for i := range wrong { // another name, a signature that no longer fits
		if string(wrong[i:i+5]) == "TyFab" {
			wrong[i] = 'J'
			break
		}
	}
	raws[0] = wrong
	check("one bad signature")
	raws = append(raws, []byte("{}"), nil)
	check("two that are no records")
}
