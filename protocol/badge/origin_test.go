package badge_test

import (
	"reflect"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"codeberg.org/essaim/essaim/protocol/badge"
)

func original(t testing.TB) badge.Origin {
	t.Helper()
	return badge.Origin{
		Original: addressOf(t, 1, cid.Raw, multihash.SHA2_256).String(), Standard: "OB 2.0", IssuerName: "Lycée Vauban", Issuer: "https://vauban.example/i",
		IssuedOn: time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC), VerifiedOn: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Findings: []badge.OriginFinding{{"well_formed", "yes", "readable"}, {"issuer", "yes", "issuers_site"}, {"status", "unknown", "not_at_hand"}},
	}
}

// What an attestation says is read back, and an award that awards says none.
func TestOrigin(t *testing.T) {
	want := original(t)
	award := badge.AchievementCredential{Evidence: []badge.Evidence{{ID: "https://exemple.fr/photo"}, want.Evidence("Issued elsewhere.")}}
	if got, ok := award.Origin(); !ok || !award.Attests() || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, ok, want)
	}
	award.Evidence = award.Evidence[:1]
	if got, ok := award.Origin(); ok || award.Attests() {
		t.Errorf("an award that attests nothing has the origin %+v", got)
	}
	bare := badge.Origin{Original: want.Original, VerifiedOn: want.VerifiedOn}
	award.Evidence = []badge.Evidence{bare.Evidence("")}
	if got, ok := award.Origin(); !ok || !reflect.DeepEqual(got, bare) {
		t.Errorf("bare: got %+v, %v", got, ok)
	}
	// It attests whatever it says badly: nobody makes it an award by that.
	good := want.Evidence("").Description
	for name, change := range map[string]func(*badge.Evidence){
		"no code":            func(e *badge.Evidence) { e.ID = "urn:essaim:original:" },
		"another code":       func(e *badge.Evidence) { e.ID = "urn:essaim:original:QmYwAPJzv5CZsnA625s3Xf2nemtYgPpHdWEz79ojWnPbdG" },
		"nothing":            func(e *badge.Evidence) { e.Description = "" },
		"never verified":     func(e *badge.Evidence) { e.Description = "standard OB 2.0" },
		"a line twice":       func(e *badge.Evidence) { e.Description = good + "\nissued_by https://mallory.example" },
		"a name alone":       func(e *badge.Evidence) { e.Description = good + "\nshape" },
		"an answer alone":    func(e *badge.Evidence) { e.Description = good + "\nshape yes" },
		"words of no kind":   func(e *badge.Evidence) { e.Description = good + "\nshape YES fits" },
		"a time of no form":  func(e *badge.Evidence) { e.Description = "verified_on 2026-11-22" },
		"an empty last line": func(e *badge.Evidence) { e.Description = good + "\n" },
	} {
		e := want.Evidence("")
		change(&e)
		award := badge.AchievementCredential{Evidence: []badge.Evidence{e}}
		if got, ok := award.Origin(); ok || !award.Attests() {
			t.Errorf("%s: got %+v, attests %v", name, got, award.Attests())
		}
	}
}

// What is read is what would be written.
func FuzzOrigin(f *testing.F) {
	e := original(f).Evidence("")
	f.Add(e.ID, e.Name, e.Description)
	f.Add(e.ID, "", "verified_on 2026-11-22T12:00:00Z")
	f.Add(e.ID, "", "verified_on 2026-11-22T12:00:00Z\nshape no misshapen\nissuer  x")
	f.Fuzz(func(t *testing.T, id, name, description string) {
		award := badge.AchievementCredential{Evidence: []badge.Evidence{{ID: id, Name: name, Description: description}}}
		o, ok := award.Origin()
		if !ok {
			return
		}
		award.Evidence[0] = o.Evidence("")
		if again, ok := award.Origin(); !ok || !reflect.DeepEqual(again, o) {
			t.Errorf("%+v reads back as %+v, %v", o, again, ok)
		}
	})
}
