package api_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node/api"
)

const unheardOf = "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"

// TyFab awards, looks at why it may believe it, contests, previews, and lets a
// machine ask.
func TestTrust(t *testing.T) {
	f := tyfab(t)
	class := f.laser()
	given := f.badge("Découpe laser", "Nadia", "Nadia")
	own := answered[api.CommunityAnswer](f.admin.get("/community")).DID
	reader := f.with(false)

	short := answered[api.Trust](reader.get("/trust/" + given.CID + "?lang=fr"))
	if short.Word != "très solide" || short.Level != 4 || short.Net != "10" || !short.Counts || short.Kind != "award" || short.Reason != "TyFab (vous) a remis ce badge." {
		t.Errorf("trust: got %+v, want very solid, by TyFab itself", short)
	}
	elsewhere := "?seenFrom=" + unheardOf + "&seenFrom=" + url.QueryEscape(unheardOf+","+own)
	e := answered[api.TrustExplanation](reader.get("/trust/" + given.CID + "/explain" + elsewhere))
	var words []string
	for _, v := range e.Views {
		words = append(words, v.Word)
	}
	same(t, "views", strings.Join(words, ", "), "very solid, unknown, very solid")
	chain := e.Views[0].Chains[0]
	if len(chain.Steps) != 1 || chain.Steps[0].DID != own || chain.Steps[0].Record != given.CID || chain.Role != "author" || chain.Points != "10" {
		t.Errorf("chain: got %+v, want TyFab by its award", chain)
	}
	same(t, "holder", e.Holder.DID, given.Holder.DID)
	same(t, "day", e.Views[0].Day, "2026-11-22")
	same(t, "a class", answered[api.Trust](reader.get("/trust/"+class.CID)).Kind, "class")
	same(t, "a unheardOf", answered[api.Trust](reader.get("/trust/"+unheardOf)).Word, "unknown")
	reader.get("/trust/nobody").refused(http.StatusUnprocessableEntity, "bad_value")
	reader.get("/trust/"+given.CID+"/explain?seenFrom=nobody").refused(http.StatusUnprocessableEntity, "bad_value")

	who := answered[api.Who](reader.get("/who?skill=laser&near=Brest&trust=solid&lang=fr"))
	if len(who.Answers) != 1 || who.Answers[0].Trust == nil || who.Answers[0].Trust.Word != "très solide" || who.Answers[0].Trust.Reason != short.Reason {
		t.Errorf("who: got %+v, want one answer and why", who.Answers)
	}
	reader.get("/who?skill=laser&near=Brest&trust=much").refused(http.StatusUnprocessableEntity, "bad_value")

	// Before it suspends, it sees what that changes.
	p := answered[api.TrustPreview](f.admin.post("/trust/preview", api.PreviewRequest{Act: "suspended", Target: given.CID, Lang: "fr"}))
	if len(p.Changes) != 2 || p.Changes[0].Target != given.CID || p.Changes[0].Before.Word != "très solide" || p.Changes[0].CountsAfter {
		t.Errorf("preview: got %+v, want the award out of force and its holder", p)
	}
	f.admin.post("/trust/preview", api.PreviewRequest{Act: "erased", Target: given.CID}).refused(http.StatusUnprocessableEntity, "bad_value")

	// Anchors, lists and whom it does not hear.
	after := answered[api.AnchorList](f.admin.put("/anchors/"+unheardOf, nil))
	if len(after.Anchors) != 2 || len(after.Lists) != 0 {
		t.Errorf("anchors: got %+v, want TyFab and the unheardOf", after)
	}
	same(t, "anchors left", len(answered[api.AnchorList](f.admin.remove("/anchors/"+unheardOf)).Anchors), 1)
	f.admin.remove("/anchors/"+unheardOf).refused(http.StatusNotFound, "not_found")
	f.admin.put("/anchors/bob", nil).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "lists", len(answered[api.AnchorList](f.admin.put("/anchors/lists/"+unheardOf, nil)).Lists), 1)
	same(t, "lists left", len(answered[api.AnchorList](f.admin.remove("/anchors/lists/"+unheardOf)).Lists), 0)
	same(t, "candidates", len(answered[api.CandidateList](reader.get("/anchors/candidates")).Candidates), 0)

	d := answered[api.DisputeDetail](f.admin.post("/disputes", api.DisputeRequest{Target: unheardOf, Reason: "impersonation", Comment: "Ce n’est pas eux."}))
	same(t, "disputed", d.Target, unheardOf)
	answered[api.AnchorList](f.admin.put("/disputes/ignored/"+own, nil))
	list := answered[api.DisputeList](reader.get("/disputes?target=" + unheardOf)).Disputes
	if len(list) != 1 || !list[0].Ignored || list[0].By.Name != "TyFab" {
		t.Errorf("disputes: got %+v, want one that is not heard", list)
	}
	answered[api.AnchorList](f.admin.remove("/disputes/ignored/" + own))
	f.admin.post("/disputes", api.DisputeRequest{Target: unheardOf, Reason: "whim", Comment: "Non."}).refused(http.StatusUnprocessableEntity, "bad_value")

	status := answered[api.Status](reader.get("/status")).Trust
	if !status.Ready || status.Anchors != 1 || status.Facts < 3 || len(status.View) != 64 {
		t.Errorf("status: got %+v, want a graph that is ready", status)
	}
}

// A badge reader asks at the door of the machine.
func TestMachineAccess(t *testing.T) {
	f := tyfab(t)
	class := f.laser()
	given := f.badge("Découpe laser", "Nadia", "Nadia")
	machine := f.with(false)
	ask := func(query string) api.Access {
		t.Helper()
		return answered[api.Access](machine.get("/access?" + query))
	}
	nadia := "holder=" + given.Holder.DID
	same(t, "without a rule", ask("class="+class.CID+"&"+nadia).Reason, "no_rule")
	rules := answered[api.RuleList](f.admin.put("/access/rules/default", api.AccessRule{Classes: []string{"Découpe laser"}, Trust: "solid"})).Rules
	if len(rules) != 1 || rules[0].Classes[0] != class.CID || rules[0].Trust != "solid" {
		t.Errorf("rules: got %+v, want one of the laser's class", rules)
	}
	yes := ask("class=" + url.QueryEscape("Découpe laser") + "&" + nadia)
	if !yes.Access || yes.Reason != "allowed" || yes.Award != given.CID || yes.Trust.Level != 4 || yes.At.IsZero() {
		t.Errorf("access: got %+v, want yes by the award", yes)
	}
	same(t, "by skill", ask("skill=laser&"+nadia).Access, true)
	same(t, "a unheardOf", ask("skill=laser&holder="+unheardOf).Reason, "not_held")
	answered[api.RuleList](f.admin.put("/access/rules/night", api.AccessRule{Fresh: 12}))
	same(t, "a node that never heard of others", ask("skill=laser&rule=night&"+nadia).Reason, "stale")
	answered[api.StatusSet](f.admin.post("/statuses", api.StatusRequest{Target: given.CID, State: "suspended"}))
	same(t, "suspended", ask("skill=laser&"+nadia).Reason, "not_in_force")
	machine.get("/access?skill=laser&holder=nadia").refused(http.StatusUnprocessableEntity, "bad_value")
	if none := ask(nadia); none.Reason != "not_in_force" { // the rule names the class
		t.Errorf("access without class or skill: got %+v, want it to be that of the rule", none)
	}
	answered[api.RuleList](f.admin.put("/access/rules/open", api.AccessRule{}))
	machine.get("/access?rule=open&"+nadia).refused(http.StatusUnprocessableEntity, "bad_value")
	f.admin.remove("/access/rules/open").is(http.StatusOK)
	f.admin.put("/access/rules/Night!", api.AccessRule{}).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "rules left", len(answered[api.RuleList](f.admin.remove("/access/rules/night")).Rules), 1)
	f.admin.remove("/access/rules/night").refused(http.StatusNotFound, "not_found")
	same(t, "rules", len(answered[api.RuleList](machine.get("/access/rules")).Rules), 1)
}
