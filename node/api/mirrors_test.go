package api_test

import (
	"net/http"
	"slices"
	"testing"

	"codeberg.org/essaim/essaim/node/api"
)

// A mirror is asked for, told of, and ended; here by a node without a network.
func TestMirrors(t *testing.T) {
	f := tyfab(t)
	f.laser()
	added := answered[api.MirrorDetail](f.admin.put("/mirrors/iso:FR-29", api.MirrorRequest{Children: true}))
	if added.Verdict != "stopped" || added.Territory.Name != "Finistère" || len(added.Territories) < 20 || added.Records != 2 || added.Territories[0].Fingerprint != "" || added.Alone != len(added.Territories) {
		t.Errorf("added: got %+v", added)
	}
	same(t, "mirrors", len(answered[api.MirrorList](f.admin.get("/mirrors")).Mirrors), 1)
	same(t, "compared", answered[api.MirrorDetail](f.admin.post("/mirrors/iso:FR-29/compare", nil)).Verdict, "stopped")
	f.admin.remove("/territories/fr:epci:242900314/follow").refused(http.StatusConflict, "mirrored")
	f.admin.get("/mirrors/iso:FR-35").refused(http.StatusNotFound, "not_mirrored")
	f.admin.put("/mirrors/Brest", api.MirrorRequest{}).refused(http.StatusUnprocessableEntity, "bad_territory")
	f.admin.put("/mirrors/iso:FR", api.MirrorRequest{Children: true}).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "mirrors left", len(answered[api.MirrorList](f.admin.remove("/mirrors/iso:FR-29")).Mirrors), 0)
	same(t, "followed", len(answered[api.TerritoryList](f.admin.get("/territories")).Territories), 1)
	f.admin.remove("/mirrors/iso:FR-29").refused(http.StatusNotFound, "not_mirrored")
}

// Some classes alone are kept of a place, up to a size; here of the place itself, by a
// node without a network.
func TestPartialMirrors(t *testing.T) {
	f := tyfab(t)
	class := f.laser().CID
	const brest = "/mirrors/fr:epci:242900314"
	scope := []string{"class:" + class}
	added := answered[api.MirrorDetail](f.admin.put(brest, api.MirrorRequest{Scope: scope, MaxSize: 10 << 20}))
	if added.Verdict != "stopped" || !slices.Equal(added.Scope, scope) || added.MaxSize != 10<<20 || added.Size < 500 || added.Full || added.Records != 1 {
		t.Errorf("added: got %+v", added)
	}
	if len(added.Classes) != 1 || added.Classes[0].Class != class || added.Classes[0].Records != 1 || added.Alone != 1 {
		t.Errorf("classes: got %+v, %d alone", added.Classes, added.Alone)
	}
	same(t, "full", answered[api.MirrorDetail](f.admin.put(brest, api.MirrorRequest{Scope: scope, MaxSize: 100})).Full, true)
	found := answered[api.MirrorDetail](f.admin.put(brest, api.MirrorRequest{Scope: []string{"skill:laser"}}))
	if len(found.Classes) != 2 || found.Classes[0].Class != "" || found.Classes[1].Class != class || found.Records != 1 || found.Scope[0] != "skill:laser" {
		t.Errorf("by a skill: got %+v", found)
	}
	for _, wrong := range []string{"class:", "skill:", "skill:de", "class:" + class + "x", "laser", "kind:award"} {
		f.admin.put(brest, api.MirrorRequest{Scope: []string{wrong}}).refused(http.StatusUnprocessableEntity, "bad_value")
	}
	f.admin.put(brest, api.MirrorRequest{MaxSize: -1}).refused(http.StatusUnprocessableEntity, "bad_value")
	same(t, "mirrors left", len(answered[api.MirrorList](f.admin.remove(brest)).Mirrors), 0)
}
