package api_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/node/hosted"
	"codeberg.org/essaim/essaim/protocol/bake"
)

// pages are what stands on the web in a story.
type pages map[string]string

func (p pages) read(_ context.Context, address string) (hosted.Page, error) {
	text, ok := p[address]
	if !ok {
		return hosted.Page{}, &hosted.Error{Address: address, Fault: hosted.Refused, Detail: "404"}
	}
	return hosted.Page{Bytes: []byte(text), Hosts: []string{"cdn.vauban.example"}}, nil
}

// vauban is a school that publishes badges.
const vauban = "https://vauban.example/"

func (p pages) config(c *node.Config, _ *api.Config) { c.Web = p.read }

func schoolBadge(mail string) pages {
	return pages{
		vauban + "a": `{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","id":"` + vauban + `a","badge":"` + vauban + `b","issuedOn":"2025-03-03T09:00:00Z",` +
			`"recipient":{"type":"email","hashed":false,"identity":"` + mail + `"},"verification":{"type":"HostedBadge"}}`,
		vauban + "b": `{"@context":"https://w3id.org/openbadges/v2","type":"BadgeClass","id":"` + vauban + `b","name":"Soudure à l’arc","description":"Soude deux tôles",` +
			`"image":"` + vauban + `b.png","criteria":{"narrative":"Un cordon plat"},"tags":["soudure"],"issuer":"` + vauban + `i"}`,
		vauban + "i": `{"@context":"https://w3id.org/openbadges/v2","type":"Issuer","id":"` + vauban + `i","name":"Lycée Vauban","url":"` + vauban + `","email":"badges@vauban.example"}`,
	}
}

const nadiaMail = "nadia@exemple.fr"

// A badge from elsewhere is judged question by question, and the web is asked
// only when somebody who may says so.
func TestABadgeFromElsewhere(t *testing.T) {
	site := schoolBadge(nadiaMail)
	f := tyfab(t, site.config)
	reader, writer := f.with(false), f.with(true)
	file := api.BadgeFile{File: []byte(site[vauban+"a"]), Recipient: nadiaMail}
	check := func(v api.Verdict, question string) string {
		for _, c := range v.Checks {
			if c.Name == question {
				return c.Answer + " " + c.Reason
			}
		}
		return ""
	}
	v := answered[api.Verdict](reader.post("/badges/verify", file))
	same(t, "offline", v.Verdict, "incomplete")
	same(t, "signature", check(v, "signature"), "unknown not_at_hand")
	same(t, "recipient", check(v, "recipient"), "yes same_recipient")
	if len(v.Foreign.Readings) != 0 || len(v.Foreign.Wanted) == 0 {
		t.Errorf("read %v, wanted %v; want nothing read", v.Foreign.Readings, v.Foreign.Wanted)
	}
	file.Online = true
	reader.post("/badges/verify", file).refused(http.StatusForbidden, "read_token")
	reader.post("/badges/verify", api.BadgeFile{URL: vauban + "a"}).refused(http.StatusForbidden, "read_token")
	v = answered[api.Verdict](writer.post("/badges/verify", file))
	same(t, "online", v.Verdict, "valid")
	same(t, "signature", check(v, "signature"), "yes published")
	same(t, "issuer's name", v.Foreign.IssuerName, "Lycée Vauban")
	same(t, "readings", len(v.Foreign.Readings), 3)
	same(t, "led on to", v.Foreign.Readings[0].Hosts[0], "cdn.vauban.example")
	v = answered[api.Verdict](writer.post("/badges/verify", api.BadgeFile{URL: vauban + "a", Recipient: "mallory@exemple.fr"}))
	same(t, "for Mallory", v.Verdict, "invalid")
	same(t, "for Mallory", check(v, "recipient"), "no other_recipient")
	v = answered[api.Verdict](writer.post("/badges/verify", api.BadgeFile{URL: vauban + "z"}))
	same(t, "nothing there", v.Verdict, "incomplete")
	same(t, "nothing there", v.Foreign.Readings[0].Fault, "refused")

	for _, bad := range []api.BadgeFile{
		{},
		{File: file.File, URL: vauban},
		{URL: "vauban.example"},
		{URL: "ftp://vauban.example/a"},
		{File: file.File, Recipient: "nobody's business"},
		{File: file.File, Recipient: "@"},
		{File: file.File, Recipient: "a@b@c"},
	} {
		p := writer.post("/badges/verify", bad).refused(http.StatusUnprocessableEntity, "bad_value")
		if bad.Recipient != "" && strings.Contains(p.Detail, bad.Recipient) {
			t.Errorf("the refusal repeats who was asked about: %s", p.Detail)
		}
	}
	if log := f.log.String(); strings.Contains(log, nadiaMail) || strings.Contains(log, "mallory@") {
		t.Error("an e-mail address is in the log")
	}
	same(t, "records", answered[api.Status](f.admin.get("/status")).Total, 1) // the community's own profile

	// One that is set offline asks nobody.
	home := tyfab(t, site.config, func(c *node.Config, _ *api.Config) { c.Offline = true })
	v = answered[api.Verdict](home.admin.post("/badges/verify", file))
	same(t, "set offline", v.Verdict, "incomplete")
	same(t, "set offline", v.Foreign.Readings[0].Fault, "offline")
}

// A badge of ours is asked what is asked of ours, from a file and from an image.
func TestOurOwnBadgeAsAFile(t *testing.T) {
	f := tyfab(t)
	badge := f.badge(f.laser().CID, "Nadia B.", "")
	raw := f.admin.get("/records/" + badge.CID).is(http.StatusOK).raw
	for name, file := range map[string][]byte{"as it is": raw, "in a drawing": drawn(t, raw)} {
		v := answered[api.Verdict](f.admin.post("/badges/verify", api.BadgeFile{File: file, Recipient: badge.Holder.DID}))
		same(t, name, v.Verdict, "valid")
		same(t, name, v.CID, badge.CID)
		if v.Foreign != nil {
			t.Errorf("%s: told to be made elsewhere", name)
		}
		v = answered[api.Verdict](f.admin.post("/badges/verify", api.BadgeFile{File: file, Recipient: badge.Issuer.DID}))
		same(t, name+", for another", v.Verdict, "invalid")
		v = answered[api.Verdict](f.admin.post("/badges/verify", api.BadgeFile{File: file, Recipient: nadiaMail}))
		same(t, name+", by mail", v.Verdict, "incomplete")
	}
}

// drawn bakes a badge into a drawing.
func drawn(t *testing.T, raw []byte) []byte {
	t.Helper()
	out, err := bake.Put([]byte(`<svg xmlns="http://www.w3.org/2000/svg"><g/></svg>`), bake.Payload{Keyword: bake.Credential, Text: raw})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// A badge from elsewhere is kept for whoever keeps the node, and for nobody who
// only reads; accepted, it is shown for what it is.
func TestImport(t *testing.T) {
	site := schoolBadge(nadiaMail)
	f := tyfab(t, site.config)
	reader, writer := f.with(false), f.with(true)
	file := api.BadgeFile{File: []byte(site[vauban+"a"]), Recipient: nadiaMail, Online: true}
	bring := func(c client, r api.ImportRequest) answer { return c.post("/badges/import", r) }

	bad := file
	bad.Recipient = "mallory@exemple.fr"
	p := bring(writer, api.ImportRequest{BadgeFile: bad, To: "Mallory"}).refused(http.StatusUnprocessableEntity, "bad_badge")
	same(t, "question", p.Question, "recipient")
	same(t, "reason", p.Reason, "other_recipient")
	same(t, "sentence", p.Sentence.French, "Il est à une autre personne.")
	away := file
	away.Online = false
	p = bring(writer, api.ImportRequest{BadgeFile: away, To: "Nadia B.", Publish: true}).refused(http.StatusConflict, "unverified_badge")
	same(t, "question", p.Question, "signature")
	bring(writer, api.ImportRequest{BadgeFile: file}).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "kept", len(answered[api.ImportList](writer.get("/imports")).Imports), 0)

	i := answered[api.ImportDetail](bring(writer, api.ImportRequest{BadgeFile: file, To: "Nadia B.", Publish: true}))
	same(t, "verdict", i.Verdict, "valid")
	same(t, "attested and offered", i.Attested && i.Offered && i.Code != "" && strings.HasSuffix(i.ClaimLink, i.Code), true)
	same(t, "kept", answered[api.ImportList](writer.get("/imports")).Imports[0].Original, i.Original)
	for _, path := range []string{"/imports", "/imports/" + i.Original, "/imports/" + i.Original + "/file"} {
		reader.get(path).refused(http.StatusForbidden, "read_token")
	}
	same(t, "over the socket", len(answered[api.BadgeList](f.admin.get("/badges")).Imports), 1)
	same(t, "of another", len(answered[api.BadgeList](f.admin.get("/badges?state=live")).Imports), 0)
	same(t, "over TCP", len(answered[api.BadgeList](writer.get("/badges")).Imports), 0)
	original := writer.get("/imports/" + i.Original + "/file").is(http.StatusOK)
	same(t, "original", string(original.raw), site[vauban+"a"])
	same(t, "policy", original.Header.Get("Content-Security-Policy"), "sandbox; default-src 'none'")
	same(t, "disposition", original.Header.Get("Content-Disposition"), "attachment")

	offer := answered[api.OfferDetail](f.remote().get("/offers/" + i.Code))
	same(t, "offer's origin", offer.Origin.IssuerName, "Lycée Vauban")
	badge := answered[api.BadgeDetail](f.remote().post("/badges/claim", api.ClaimRequest{Code: i.Code}))
	same(t, "elsewhere", badge.Elsewhere, "Lycée Vauban")
	same(t, "original", badge.Origin.Original, i.Original)
	same(t, "questions", len(badge.Origin.Checks), 7)
	same(t, "evidence", len(badge.Evidence), 0)
	same(t, "recipient", badge.Origin.Checks[6].Sentence.English, "It is about the person who was named.")
	answered := answered[api.Who](f.admin.get("/who?skill=soudure"))
	same(t, "who", answered.Answers[0].Elsewhere, "Lycée Vauban")
	same(t, "its trust", answered.Answers[0].Trust.Level, 0)
	bring(writer, api.ImportRequest{BadgeFile: file, To: "Nadia B.", Publish: true}).refused(http.StatusConflict, "already_claimed")

	public := string(f.admin.get("/export").is(http.StatusOK).raw)
	for _, private := range []string{nadiaMail, vauban + "a"} {
		same(t, "public: "+private, strings.Contains(public, private), false)
	}
	if log := f.log.String(); strings.Contains(log, "exemple.fr") {
		t.Error("an e-mail address is in the log")
	}
	writer.remove("/imports/" + i.Original).is(http.StatusOK)
	writer.get("/imports/"+i.Original).refused(http.StatusNotFound, "not_found")
	same(t, "what was published", f.admin.get("/badges/"+badge.CID).StatusCode, http.StatusOK)
	raw := f.admin.get("/records/" + badge.CID).raw
	bring(writer, api.ImportRequest{BadgeFile: api.BadgeFile{File: raw}, To: "Nadia B."}).refused(http.StatusUnprocessableEntity, "bad_value")
}
