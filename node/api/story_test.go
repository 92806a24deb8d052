package api_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
	documents "codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// TyFab sets up, publishes a class, awards it to Nadia, who claims it; she is
// found, endorsed, and at last erased.
func TestAwardToErasure(t *testing.T) {
	f := tyfab(t)
	class := f.laser()
	same(t, "creator", class.Creator.Name, "TyFab")
	same(t, "levels", len(class.Levels), 2)
	same(t, "territory", class.Territories[0], brest)

	offer := f.award("découpe laser", "Nadia B.") // by name, in another case
	same(t, "class", offer.Class, class.CID)
	same(t, "to", offer.To, "Nadia B.")
	same(t, "link", offer.ClaimLink, "http://192.168.1.20:8797/reclamer/"+offer.Code)
	same(t, "offers", len(answered[api.OfferList](f.admin.get("/offers")).Offers), 1)

	check := answered[api.Verdict](f.admin.upload("/verify", offer.Document))
	if check.Verdict != "incomplete" || check.Kind != "offer" || !strings.Contains(check.Sentence, "not accepted") {
		t.Errorf("verify an offer: got %+v, want incomplete", check)
	}
	spoilt := strings.Replace(offer.Document, "Une boîte.", "Deux boîtes.", 1)
	check = answered[api.Verdict](f.admin.upload("/verify", spoilt))
	if check.Verdict != "invalid" || check.Sentence == "" {
		t.Errorf("verify a spoilt offer: got %+v, want invalid", check)
	}
	f.admin.upload("/records", offer.Document).refused(http.StatusUnprocessableEntity, "no_consent")

	// The holder has no token: the code is enough, typed as people do.
	holder := f.remote()
	typed := strings.ToLower(strings.ReplaceAll(offer.Code, "-", ""))
	read := answered[api.OfferDetail](holder.get("/offers/" + typed))
	same(t, "narrative", read.Narrative, "Une boîte.")
	same(t, "criteria", read.Criteria, "Trois pièces.")
	same(t, "issuer", read.Issuer.Name, "TyFab")
	f.after(time.Hour)
	badge := answered[api.BadgeDetail](holder.post("/badges/claim", api.ClaimRequest{Code: typed, PublicName: "Nadia B."}))
	same(t, "state", badge.State, "live")
	same(t, "holder", badge.Holder.Name, "Nadia B.")
	same(t, "level", badge.Level, 1)
	if badge.OutsideRule || !badge.ClassKnown || !badge.ShowsClass || !badge.Valid || badge.Status != nil {
		t.Errorf("badge: got %+v, want in order", badge)
	}
	holder.post("/badges/claim", api.ClaimRequest{Code: offer.Code}).refused(http.StatusConflict, "already_claimed")
	holder.get("/offers/"+offer.Code).refused(http.StatusConflict, "already_claimed")
	holder.get("/offers/2222-2222-2222").refused(http.StatusNotFound, "unknown_code")

	endorsement := answered[api.Endorsement](f.admin.post("/endorsements", api.EndorseRequest{
		Target: badge.CID, Comment: "Vu faire.", Until: "2027-06-30",
	}))
	same(t, "endorsed", endorsement.TargetName, "Découpe laser")
	same(t, "until", endorsement.Until, time.Date(2027, 6, 30, 23, 59, 59, 0, time.UTC))

	who := answered[api.Who](f.admin.get("/who?skill=decoupe+laser"))
	same(t, "near", who.Near.Label, "Brest (Finistère)")
	if who.Found != 1 || len(who.Answers) != 1 {
		t.Fatalf("who: got %+v, want Nadia", who)
	}
	answer := who.Answers[0]
	same(t, "who", answer.Holder.Name, "Nadia B.")
	same(t, "band", answer.Band, "same territory")
	same(t, "match", answer.Match, "exact")
	same(t, "endorsed", answer.Endorsed, 1)
	same(t, "endorser", answer.Endorsers[0].Comment, "Vu faire.")
	same(t, "territory", answer.Territory.Name, "Brest Métropole")
	who = answered[api.Who](f.admin.get("/who?skill=decoupe+laser&near=Quimper&radius=100"))
	same(t, "band from Quimper", who.Answers[0].Band, "under 50 km") // to its nearest commune

	same(t, "valid", answered[api.Verdict](f.admin.upload("/verify", string(f.admin.get("/records/"+badge.CID).is(200).raw))).Verdict, "valid")
	same(t, "list", len(answered[api.BadgeList](f.admin.get("/badges?holder=Nadia+B.&class=Découpe+laser&state=live&newest=false")).Badges), 1)

	f.with(false).get("/badges?holder=Nadia+B.").refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "list by key", len(answered[api.BadgeList](f.with(false).get("/badges?holder="+badge.Holder.DID)).Badges), 1)

	waiting := f.award(class.CID, "Nadia B.")
	f.admin.post("/data/erase", api.EraseRequest{}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/data/erase", api.EraseRequest{Member: "Personne"}).refused(http.StatusNotFound, "unknown_person")
	f.admin.post("/data/erase", api.EraseRequest{Member: class.Author}).refused(http.StatusUnprocessableEntity, "bad_value")
	erased := answered[api.Erasure](f.admin.post("/data/erase", api.EraseRequest{Member: "Nadia B."}))
	same(t, "erased", len(erased.Erased), 2) // the award and the profile
	same(t, "offers dropped", erased.Offers, 2)
	same(t, "forgotten", erased.Forgotten, badge.Holder.DID)
	f.admin.get("/badges/"+badge.CID).refused(http.StatusGone, "erased")
	f.admin.get("/records/"+badge.CID).refused(http.StatusGone, "erased")
	f.admin.get("/offers/"+waiting.Code).refused(http.StatusNotFound, "unknown_code")
	same(t, "who is left", answered[api.Who](f.admin.get("/who?skill=laser")).Found, 0)
	same(t, "members", len(answered[api.Keys](f.admin.get("/keys")).Members), 0)
	if log := f.log.String(); strings.Contains(log, offer.Code) || strings.Contains(log, "Nadia") {
		t.Errorf("the log tells a code or a name: %s", log)
	}
}

// Before setup everything that needs a community says what to run.
func TestNotSetUp(t *testing.T) {
	f := open(t)
	for _, a := range []answer{
		f.admin.get("/community"), f.admin.get("/keys"), f.admin.get("/places/show"), f.admin.get("/who?skill=laser"),
		f.admin.post("/classes", api.ClassRequest{Name: "Laser", Description: "Oui.", Criteria: "Oui."}),
		f.admin.post("/badges/award", api.AwardRequest{Class: "Laser", To: "Bob"}),
		f.admin.post("/endorsements", api.EndorseRequest{Target: "did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"}),
		f.admin.put("/places", api.PlaceRequest{}), f.admin.post("/unlock", api.UnlockRequest{Passphrase: "correct horse"}),
		f.admin.post("/lock", nil), f.admin.post("/keys/backup", api.BackupRequest{Passphrase: "correct horse"}),
		f.admin.post("/data/erase", api.EraseRequest{Member: "Bob"}),
	} {
		p := a.refused(http.StatusConflict, "not_set_up")
		same(t, a.what, p.Hint, "run: essaim setup")
	}
	status := answered[api.Status](f.admin.get("/status"))
	if status.Community != nil || status.Version != version {
		t.Errorf("status: got %+v, want no community", status)
	}
	f.admin.post("/setup", api.SetupRequest{Name: "TyFab", Place: "Brest"}).refused(http.StatusUnprocessableEntity, "bad_passphrase")
	f.admin.post("/setup", api.SetupRequest{Name: "TyFab"}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/setup", api.SetupRequest{Name: "TyFab", Place: "Breest"}).refused(http.StatusNotFound, "unknown_place")
	p := f.admin.post("/setup", api.SetupRequest{Name: "TyFab", Place: "Saint-Denis"}).refused(http.StatusConflict, "ambiguous_place")
	if len(p.Candidates) < 2 || p.Hint == "" {
		t.Errorf("ambiguous place: got %+v, want candidates and a hint", p)
	}
	f.admin.post("/setup", api.SetupRequest{Name: "TyFab", Territory: "brest"}).refused(http.StatusUnprocessableEntity, "bad_territory")
}

// Setup may be repeated; a passphrase locks; a backup opens with its own.
func TestSetupAndKeys(t *testing.T) {
	f := open(t)
	const secret = "quatre mots de passe"
	setup := api.SetupRequest{Name: "TyFab", Place: "29200", Protection: &api.Protection{Passphrase: secret}}
	made := answered[api.CommunityAnswer](f.admin.post("/setup", setup))
	if !made.New || made.Place != "Brest" || made.Territory != brest || made.TerritoryName != "Brest Métropole" || made.Kind != "place" {
		t.Errorf("setup: got %+v, want a new place in Brest", made)
	}
	again := answered[api.CommunityAnswer](f.admin.post("/setup", setup))
	if again.New || again.DID != made.DID {
		t.Errorf("setup again: got %+v, want the same community", again)
	}
	keys := answered[api.Keys](f.admin.get("/keys"))
	if keys.Locked || keys.Protection != "passphrase" || keys.DID != made.DID {
		t.Errorf("keys: got %+v, want open", keys)
	}
	f.award(f.laser().CID, "Bob")
	backup := f.admin.post("/keys/backup", api.BackupRequest{Passphrase: "une autre phrase"}).is(http.StatusOK)
	if !strings.HasPrefix(string(backup.raw), "age-encryption.org/v1") {
		t.Errorf("backup: got %.40q, want an age file", backup.raw)
	}
	f.admin.post("/keys/backup", api.BackupRequest{Passphrase: "court"}).refused(http.StatusUnprocessableEntity, "bad_passphrase")

	keys = answered[api.Keys](f.admin.post("/lock", nil))
	if !keys.Locked || keys.Members != nil {
		t.Errorf("locked keys: got %+v, want no names", keys)
	}
	for _, a := range []answer{
		f.admin.post("/classes", api.ClassRequest{Name: "Laser", Description: "Oui.", Criteria: "Oui."}),
		f.admin.post("/keys/backup", api.BackupRequest{Passphrase: "une autre phrase"}),
		f.admin.get("/badges?holder=Bob"),
	} {
		a.refused(http.StatusLocked, "locked")
	}
	p := f.admin.post("/unlock", api.UnlockRequest{Passphrase: "pas la bonne"}).refused(http.StatusForbidden, "wrong_passphrase")
	if strings.Contains(p.Detail, "pas la bonne") {
		t.Errorf("wrong passphrase: got %q, which repeats it", p.Detail)
	}
	keys = answered[api.Keys](f.admin.post("/unlock", api.UnlockRequest{Passphrase: secret}))
	if keys.Locked || len(keys.Members) != 1 || keys.Members[0].Name != "Bob" {
		t.Errorf("unlocked keys: got %+v, want Bob", keys)
	}
	if log := f.log.String(); strings.Contains(log, secret) || strings.Contains(log, "phrase") {
		t.Errorf("the log tells a passphrase: %s", log)
	}
	// A value of the wrong type is not repeated either.
	p = f.admin.do("POST", "/unlock", strings.NewReader(`{"passphrase":["quatre mots"]}`), "application/json").refused(http.StatusUnprocessableEntity, "bad_value")
	if strings.Contains(p.Detail, "quatre") {
		t.Errorf("bad value: got %q, which repeats it", p.Detail)
	}
}

// The community moves, and only what was said changes.
func TestEditPlace(t *testing.T) {
	f := tyfab(t)
	same(t, "label", answered[api.PlaceDetail](f.admin.get("/places/show")).Label, "Brest (Finistère)")
	about, moved, none := "Un fablab.", "Quimper", ""
	edited := answered[api.CommunityAnswer](f.admin.put("/places", api.PlaceRequest{Description: &about}))
	if edited.Description != about || edited.Place != "Brest" || edited.Name != "TyFab" || edited.New {
		t.Errorf("edit: got %+v, want Brest with a description", edited)
	}
	edited = answered[api.CommunityAnswer](f.admin.put("/places", api.PlaceRequest{Place: &moved, Description: &none}))
	if edited.Territory != quimper || edited.Description != "" {
		t.Errorf("move: got %+v, want Quimper without a description", edited)
	}
	place := answered[api.PlaceDetail](f.admin.get("/places/show"))
	if place.Territory != quimper || place.Point != edited.Point {
		t.Errorf("place: got %+v, want Quimper", place)
	}
	f.admin.put("/places", api.PlaceRequest{URL: &about}).refused(http.StatusUnprocessableEntity, "bad_value")
}

func TestPlacesAndTerritories(t *testing.T) {
	f := tyfab(t)
	places := answered[api.PlaceList](f.admin.get("/places/search?q=bres&limit=3")).Places
	if len(places) != 3 || places[0].Name != "Brest" {
		t.Errorf("places: got %+v, want Brest first of three", places)
	}
	found := answered[api.TerritoryList](f.admin.get("/territories/search?q=quimper")).Territories
	if len(found) == 0 || found[0].Kind == "" {
		t.Errorf("territories: got %+v, want some with a kind", found)
	}
	f.laser()
	list := answered[api.TerritoryList](f.admin.get("/territories")).Territories
	if len(list) != 1 || list[0].ID != brest || *list[0].Records != 2 {
		t.Errorf("followed: got %+v, want Brest with a profile and a class", list)
	}
	one := answered[api.TerritoryDetail](f.admin.get("/territories/" + brest))
	if one.Name != "Brest Métropole" || !one.Followed || one.ByKind["class"] != 1 || one.Center == "" || len(one.Within) == 0 {
		t.Errorf("territory: got %+v, want Brest", one)
	}
	f.admin.get("/territories/brest").refused(http.StatusUnprocessableEntity, "bad_territory")
	if one = answered[api.TerritoryDetail](f.admin.put("/territories/"+quimper+"/follow", nil)); !one.Followed {
		t.Errorf("follow: got %+v, want followed", one)
	}
	same(t, "followed", len(answered[api.Status](f.admin.get("/status")).Followed), 2)
	if one = answered[api.TerritoryDetail](f.admin.remove("/territories/" + quimper + "/follow")); one.Followed {
		t.Errorf("unfollow: got %+v, want not followed", one)
	}
	f.admin.remove("/territories/"+quimper+"/follow").refused(http.StatusNotFound, "not_followed")

	stats := answered[api.Stats](f.admin.get("/stats"))
	if len(stats.Territories) != 1 || stats.Territories[0].Records["class"] != 1 || stats.Total != 2 || stats.Territories[0].Total != 2 {
		t.Errorf("stats: got %+v, want two records of Brest", stats)
	}
}

func TestClasses(t *testing.T) {
	f := tyfab(t)
	first := f.laser()
	f.after(time.Minute)
	second := f.laser()
	p := f.admin.post("/badges/award", api.AwardRequest{Class: "Découpe laser", To: "Bob", Level: 1}).refused(http.StatusConflict, "ambiguous_class")
	if len(p.Candidates) != 2 || !strings.HasPrefix(p.Candidates[0], first.CID+" ") {
		t.Errorf("candidates: got %q, want both, oldest first", p.Candidates)
	}
	set := answered[api.StatusSet](f.admin.post("/statuses", api.StatusRequest{Target: first.CID, State: "retired", Reason: "outdated"}))
	same(t, "state", set.TargetState, "retired")
	f.award("Découpe laser", "Bob") // one is left
	f.award("decoupes LASER", "Bob")
	f.admin.post("/badges/award", api.AwardRequest{Class: "laser", To: "Bob", Level: 1}).refused(http.StatusNotFound, "unknown_class")
	f.admin.post("/badges/award", api.AwardRequest{Class: first.CID, To: "Bob", Level: 1}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/badges/award", api.AwardRequest{Class: "Soudure", To: "Bob"}).refused(http.StatusNotFound, "unknown_class")
	f.admin.post("/badges/award", api.AwardRequest{Class: second.CID, To: "Bob"}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/badges/award", api.AwardRequest{Class: second.CID, To: "did:key:zNo", Level: 1}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/badges/award", api.AwardRequest{Class: second.CID, To: "Bob", Level: 1, Until: "demain"}).refused(http.StatusUnprocessableEntity, "bad_value")

	list := answered[api.ClassList](f.admin.get("/classes?q=laser&territory=" + brest))
	if len(list.Classes) != 1 || list.Classes[0].CID != second.CID {
		t.Errorf("classes: got %+v, want the one that is not retired", list.Classes)
	}
	same(t, "with retired", len(answered[api.ClassList](f.admin.get("/classes?retired=true")).Classes), 2)
	same(t, "limited", len(answered[api.ClassList](f.admin.get("/classes?retired=true&limit=1")).Classes), 1)
	same(t, "other words", len(answered[api.ClassList](f.admin.get("/classes?q=soudure")).Classes), 0)
	same(t, "rule", answered[api.Class](f.admin.get("/classes/"+first.CID)).Rule.By, "creator")
	f.admin.get("/classes/bafkreinone").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/badges/"+first.CID).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.get("/classes?limt=1").refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/classes", api.ClassRequest{Name: "Laser", Description: "Sans critères."}).refused(http.StatusUnprocessableEntity, "bad_value")
	answered[api.Class](f.admin.post("/classes", api.ClassRequest{
		Name: "Découpe laser 2", Description: "Oui.", CriteriaURL: "https://tyfab.example/laser", DerivedFrom: first.CID,
		Territories: []string{brest, "iso:FR-29"},
	}))
}

// What each of them may do to a badge, and in which order.
func TestStates(t *testing.T) {
	f := tyfab(t)
	f.laser()
	badge := f.badge("Découpe laser", "Bob", "")
	same(t, "no name", badge.Holder.Name, "")
	set := func(state string) string {
		t.Helper()
		f.after(time.Minute)
		return answered[api.StatusSet](f.admin.post("/statuses", api.StatusRequest{Target: badge.CID, State: state, Reason: "safety"})).TargetState
	}
	same(t, "suspend", set("suspended"), "suspended")
	got := answered[api.BadgeDetail](f.admin.get("/badges/" + badge.CID))
	if got.Status == nil || got.Status.Reason != "safety" || got.Status.By.Name != "TyFab" {
		t.Errorf("suspended: got %+v, want who and why", got.Status)
	}
	check := answered[api.Verdict](f.admin.upload("/verify", string(f.admin.get("/records/"+badge.CID).raw)))
	if check.Verdict != "revoked" || !strings.Contains(check.Sentence, "suspended") {
		t.Errorf("verify: got %+v, want revoked, being suspended", check)
	}
	same(t, "listed by state", len(answered[api.BadgeList](f.admin.get("/badges?state=suspended")).Badges), 1)
	same(t, "reinstate", set("reinstated"), "live")
	same(t, "renounce", set("renounced"), "renounced")
	f.admin.post("/statuses", api.StatusRequest{Target: badge.CID, State: "withdrawn"}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/statuses", api.StatusRequest{Target: badge.Class, State: "revoked"}).refused(http.StatusForbidden, "not_entitled")
	f.admin.post("/statuses", api.StatusRequest{Target: badge.CID, State: "gone"}).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "erase", answered[api.Erasure](f.admin.post("/data/erase", api.EraseRequest{CID: badge.CID})).Erased[0], badge.CID)
	f.admin.post("/statuses", api.StatusRequest{Target: badge.CID, State: "erased"}).refused(http.StatusGone, "erased")

	endorsement := answered[api.Endorsement](f.admin.post("/endorsements", api.EndorseRequest{Target: badge.Class}))
	by := "/endorsements?by=" + endorsement.By.DID
	same(t, "endorsements", len(answered[api.EndorsementList](f.admin.get(by+"&target="+badge.Class)).Endorsements), 1)
	f.after(time.Minute)
	answered[api.StatusSet](f.admin.post("/statuses", api.StatusRequest{Target: endorsement.CID, State: "withdrawn"}))
	same(t, "withdrawn", len(answered[api.EndorsementList](f.admin.get(by)).Endorsements), 0)
	same(t, "withdrawn ones", len(answered[api.EndorsementList](f.admin.get(by+"&withdrawn=true")).Endorsements), 1)
	f.admin.post("/endorsements", api.EndorseRequest{Target: endorsement.By.DID}).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.post("/endorsements", api.EndorseRequest{Target: badge.CID}).refused(http.StatusGone, "erased")
	answered[api.Endorsement](f.admin.post("/endorsements", api.EndorseRequest{Target: badge.Holder.DID, Weight: 50}))
	f.admin.post("/endorsements", api.EndorseRequest{Target: badge.Holder.DID, Weight: 51}).refused(http.StatusUnprocessableEntity, "bad_value")
}

// An offer goes by file to a node elsewhere, where the holder's key is.
func TestClaimFile(t *testing.T) {
	rennes := tyfab(t)
	rennes.laser()
	holder := answered[api.OfferDetail](rennes.admin.post("/badges/award", api.AwardRequest{Class: "Découpe laser", To: "Bob", Level: 1})).Holder

	f := tyfab(t)
	f.laser()
	offer := f.award("Découpe laser", holder)
	f.admin.post("/badges/claim", api.ClaimRequest{Document: offer.Document}).refused(http.StatusForbidden, "no_key")
	f.admin.post("/badges/claim", api.ClaimRequest{}).refused(http.StatusUnprocessableEntity, "bad_value")
	rennes.remote().post("/badges/claim", api.ClaimRequest{Document: offer.Document}).refused(http.StatusUnauthorized, "no_token")
	rennes.with(false).post("/badges/claim", api.ClaimRequest{Document: offer.Document}).refused(http.StatusForbidden, "read_token")
	badge := answered[api.BadgeDetail](rennes.with(true).post("/badges/claim", api.ClaimRequest{Document: offer.Document}))
	if badge.ClassKnown || badge.Holder.DID != holder {
		t.Errorf("claimed: got %+v, want Bob's, of a class not here", badge)
	}
	raw := string(rennes.admin.get("/records/" + badge.CID).is(http.StatusOK).raw)
	accepted := answered[api.Accepted](f.admin.upload("/records", raw))
	if !accepted.New || accepted.CID != badge.CID || accepted.Kind != "award" {
		t.Errorf("upload: got %+v, want a new award", accepted)
	}
	if again := answered[api.Accepted](f.admin.upload("/records", raw)); again.New {
		t.Errorf("upload again: got %+v, want known", again)
	}
}

func TestExpiredCode(t *testing.T) {
	f := tyfab(t)
	f.laser()
	offer := f.award("Découpe laser", "Bob")
	f.after(node.OfferLife + time.Hour)
	f.admin.post("/badges/claim", api.ClaimRequest{Code: offer.Code}).refused(http.StatusGone, "expired_code")
}

// An export holds each record byte for byte, and says when it is whole.
func TestExport(t *testing.T) {
	f := tyfab(t)
	f.laser()
	badge := f.badge("Découpe laser", "Bob", "Bob")
	f.admin.put("/places", api.PlaceRequest{Territory: ptr(quimper)}).is(http.StatusOK)
	lines := exported(t, f.admin.get("/export"))
	same(t, "records", len(lines), 5) // two profiles of TyFab, one of Bob, a class, an award
	same(t, "first by arrival", strings.Contains(string(lines[0].Record), `"essaim:kind":"place"`), true)
	found := false
	for _, l := range lines {
		raw := f.admin.get("/records/" + l.CID).is(http.StatusOK).raw
		same(t, l.CID, string(l.Record), string(raw))
		found = found || l.CID == badge.CID
	}
	same(t, "award found", found, true)
	same(t, "of Quimper", len(exported(t, f.admin.get("/export?territory="+quimper))), 1)
	f.admin.get("/export?territory=quimper").refused(http.StatusUnprocessableEntity, "bad_territory")

	// Bob is erased: his bodies are in no export, the tombstones are.
	f.admin.post("/data/erase", api.EraseRequest{Member: "Bob"}).is(http.StatusOK)
	after := f.admin.get("/export")
	same(t, "bodies gone", strings.Contains(string(after.raw), "Une boîte."), false)
	same(t, "with tombstones", len(exported(t, after)), 5)
}

// exported checks the end of an export and returns the records.
func exported(t *testing.T, a answer) []api.ExportLine {
	t.Helper()
	a.is(http.StatusOK)
	same(t, "type", a.Header.Get("Content-Type"), "application/x-ndjson")
	var lines []api.ExportLine
	for line := range strings.Lines(string(a.raw)) {
		var l api.ExportLine
		if err := json.Unmarshal([]byte(line), &l, json.RejectUnknownMembers(true)); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		lines = append(lines, l)
	}
	last := lines[len(lines)-1]
	if last.End == nil || last.End.Records != len(lines)-1 || last.End.Schema != "essaim.export/1" {
		t.Fatalf("last line: got %+v, want an end of %d records", last, len(lines)-1)
	}
	return lines[:len(lines)-1]
}

func ptr[T any](v T) *T { return &v }

// Who stops listening is told at the end that it is not the end.
func TestExportCutShort(t *testing.T) {
	f := tyfab(t)
	f.laser()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/export", nil)
	w := httptest.NewRecorder()
	f.server.Local().ServeHTTP(w, r)
	var last api.ExportLine
	if err := json.Unmarshal(w.Body.Bytes(), &last); err != nil {
		t.Fatal(err)
	}
	if last.End != nil || last.Problem == nil || last.Problem.Code != "cancelled" {
		t.Errorf("last line: got %s, want a problem", w.Body)
	}
}

// Nothing of a member is lost while it cannot be erased whole.
func TestEraseLocked(t *testing.T) {
	f := open(t)
	f.admin.post("/setup", api.SetupRequest{Name: "TyFab", Place: "Brest", Protection: &api.Protection{Passphrase: "quatre mots"}}).is(http.StatusOK)
	f.laser()
	badge := f.badge("Découpe laser", "Bob", "")
	f.admin.post("/lock", nil).is(http.StatusOK)
	f.admin.post("/data/erase", api.EraseRequest{Member: badge.Holder.DID}).refused(http.StatusLocked, "locked")
	f.admin.post("/data/erase", api.EraseRequest{CID: badge.CID}).refused(http.StatusLocked, "locked")
	f.admin.post("/unlock", api.UnlockRequest{Passphrase: "quatre mots"}).is(http.StatusOK)
	same(t, "erased", len(answered[api.Erasure](f.admin.post("/data/erase", api.EraseRequest{Member: badge.Holder.DID})).Erased), 1)
	f.admin.post("/data/erase", api.EraseRequest{Member: badge.Holder.DID}).refused(http.StatusForbidden, "no_key")
}

// The doctor says what to do, in each case there is.
func TestDoctor(t *testing.T) {
	find := func(f *fablab, name string) api.Finding {
		t.Helper()
		for _, c := range answered[api.Doctor](f.admin.get("/doctor")).Checks {
			if c.Name == name {
				if c.Result != "ok" && c.Hint == "" {
					t.Errorf("%s: got no hint for %q", name, c.Detail)
				}
				return c
			}
		}
		t.Fatalf("got no check %s", name)
		return api.Finding{}
	}
	empty := open(t)
	same(t, "keys before setup", find(empty, "keys").Hint, "run: essaim setup")
	same(t, "clock before setup", find(empty, "clock").Result, "ok")
	same(t, "network", find(empty, "network").Result, "warn")

	f := tyfab(t)
	for _, name := range []string{"folder", "clock", "keys", "held", "missing", "stop"} {
		same(t, name, find(f, name).Result, "ok")
	}
	f.after(-24 * time.Hour)
	same(t, "clock behind what was signed", find(f, "clock").Result, "fail")
	f.after(-400 * 24 * time.Hour)
	same(t, "clock before the first record", find(f, "clock").Result, "fail")

	elsewhere := tyfab(t)
	elsewhere.after(time.Hour)
	elsewhere.laser()
	award := elsewhere.badge("Découpe laser", "Bob", "")
	raw := string(elsewhere.admin.get("/records/" + award.CID).raw)
	here := tyfab(t)
	here.admin.upload("/records", raw).refused(http.StatusConflict, "future_dated")
	same(t, "held", find(here, "held").Result, "warn")
	same(t, "verdict on the future", answered[api.Verdict](here.admin.upload("/verify", raw)).Verdict, "incomplete")
	here.after(time.Hour)
	here.admin.upload("/records", raw).is(http.StatusOK)
	same(t, "missing", find(here, "missing").Result, "warn") // its class
}

// Bob, a member, publishes a class and endorses in his own name; what he shows
// as evidence is seen, and so is a doubt about his badge.
func TestInAMembersName(t *testing.T) {
	f := tyfab(t)
	laser := f.laser()
	offer := answered[api.OfferDetail](f.admin.post("/badges/award", api.AwardRequest{
		Class: laser.CID, To: "Bob", Level: 2, AwardedOn: "2026-11-02", Until: "2028-01-31",
		Evidence: []api.Evidence{{URL: "https://tyfab.example/boite", Name: "Une boîte"}, {Text: "Vu au fablab."}},
	}))
	same(t, "until", offer.Until, "2028-01-31T23:59:59Z")
	badge := answered[api.BadgeDetail](f.admin.post("/badges/claim", api.ClaimRequest{Code: offer.Code}))
	if len(badge.Evidence) != 2 || badge.Evidence[0].URL != "https://tyfab.example/boite" || badge.Evidence[1].Text != "Vu au fablab." {
		t.Errorf("evidence: got %+v, want both", badge.Evidence)
	}
	same(t, "awarded on", badge.AwardedOn, time.Date(2026, 11, 2, 0, 0, 0, 0, time.UTC))

	class := answered[api.Class](f.admin.post("/classes", api.ClassRequest{Name: "Tri", Description: "Oui.", Criteria: "Oui.", As: "bob"}))
	same(t, "creator", class.Creator.DID, badge.Holder.DID)
	own := answered[api.OfferDetail](f.admin.post("/badges/award", api.AwardRequest{Class: "Tri", To: "Nadia"}))
	outside := answered[api.BadgeDetail](f.admin.post("/badges/claim", api.ClaimRequest{Code: own.Code}))
	same(t, "outside the rule", outside.OutsideRule, true)
	endorsement := answered[api.Endorsement](f.admin.post("/endorsements", api.EndorseRequest{Target: outside.CID, As: "Bob"}))
	same(t, "by", endorsement.By.DID, badge.Holder.DID)
	f.admin.post("/endorsements", api.EndorseRequest{Target: outside.CID, As: "Léa"}).refused(http.StatusNotFound, "unknown_person")

	community := answered[api.CommunityAnswer](f.admin.get("/community"))
	dispute, err := f.node.Publish(t.Context(), &documents.Dispute{
		Frame: documents.Frame{Territory: []string{brest}}, ID: "urn:uuid:6f1c2e8a-1f5b-4a7e-9a43-0c8a4d1f2b3c", Type: []string{"essaim:Dispute"},
		Author: did.DID(community.DID), Target: outside.CID, Reason: "criteria-not-met", Comment: "Pas vu.",
	}, did.DID(community.DID))
	if err != nil {
		t.Fatal(err)
	}
	got := answered[api.BadgeDetail](f.admin.get("/badges/" + outside.CID))
	if len(got.Disputes) != 1 || got.Disputes[0].CID != dispute.CID().String() || got.Disputes[0].By.Name != "TyFab" || len(got.Endorsers) != 1 {
		t.Errorf("badge: got disputes %+v and endorsers %+v, want one each", got.Disputes, got.Endorsers)
	}

	keys, err := f.node.Keys()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := keys.AddMember("Bob", noon); err != nil {
		t.Fatal(err)
	}
	p := f.admin.post("/endorsements", api.EndorseRequest{Target: class.CID, As: "Bob"}).refused(http.StatusConflict, "ambiguous_member")
	if len(p.Candidates) != 2 || strings.Contains(p.Detail, "Bob") {
		t.Errorf("ambiguous member: got %+v, want two DIDs and no name", p)
	}
}

// A community without a place answers about the middle of its territory.
func TestTerritoryAlone(t *testing.T) {
	f := open(t)
	f.admin.post("/setup", api.SetupRequest{
		Name: "Réseau", Kind: "group", Territory: brest, Protection: &api.Protection{KeyFile: t.TempDir() + "/key"},
	}).is(http.StatusOK)
	place := answered[api.PlaceDetail](f.admin.get("/places/show"))
	same(t, "territory", place.Territory, brest)
	same(t, "near", answered[api.Who](f.admin.get("/who?skill=laser")).Near.Point, place.Point)
}
