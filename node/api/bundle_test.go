package api_test

import (
	"net/http"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node/api"
)

// A bundle goes out of one node and into another, byte for byte; one that is bad
// is refused, or kept as far as it went.
func TestBundle(t *testing.T) {
	f, other := tyfab(t), open(t)
	f.laser()
	whole := f.admin.get("/bundle").is(http.StatusOK)
	same(t, "media type", whole.Header.Get("Content-Type"), "application/vnd.ipld.car")
	same(t, "of Brest", string(f.admin.get("/bundle?territory=fr:epci:242900314").is(http.StatusOK).raw) != string(whole.raw), true) // it says so
	f.admin.get("/bundle?territory=brest").refused(http.StatusUnprocessableEntity, "bad_territory")

	send := func(file string) answer {
		return other.admin.do("POST", "/bundle", strings.NewReader(file), "application/vnd.ipld.car")
	}
	send("").refused(http.StatusUnprocessableEntity, "no_bundle")
	send("Bonjour").refused(http.StatusUnprocessableEntity, "no_bundle")
	send(string(whole.raw[:20])).refused(http.StatusUnprocessableEntity, "cut_bundle")
	cut := answered[api.BundleRead](send(string(whole.raw[:len(whole.raw)-1])))
	if cut.New != 1 || cut.Problem == nil || cut.Problem.Code != "cut_bundle" {
		t.Errorf("cut: got %+v, want one new record and a problem", cut)
	}
	all := answered[api.BundleRead](send(string(whole.raw)))
	if all.New != 1 || all.Known != 1 || all.Problem != nil {
		t.Errorf("whole: got %+v, want one new record and one known", all)
	}
	for _, line := range exported(t, f.admin.get("/export")) {
		other.admin.get("/records/" + line.CID).is(http.StatusOK)
	}
}
