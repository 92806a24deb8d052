package api_test

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol/bake"
)

// trapped is a line of TRAPS.tsv.
type trapped struct {
	name, question, answer string
	refused                bool
	file                   []byte
}

func traps(t *testing.T) []trapped {
	t.Helper()
	folder := filepath.Join("..", "..", "protocol", "ob", "testdata", "traps")
	table, err := os.ReadFile(filepath.Join(folder, "TRAPS.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	var out []trapped
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		cells := strings.Split(line, "\t")
		file, err := os.ReadFile(filepath.Join(folder, cells[0]))
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, trapped{cells[0], cells[1], cells[2], cells[3] == "refused", file})
	}
	return out
}

// mostMemory is what judging one file may allocate in all, freed or not: what
// is read of the request, the file in it and what is made of that.
const mostMemory = 64 << 20

// allocated returns what the node allocates for one request, beside what its
// client does.
func (f *fablab) allocated(path string, r any) (spent uint64, status int) {
	f.t.Helper()
	raw, err := json.Marshal(r)
	if err != nil {
		f.t.Fatal(err)
	}
	request := httptest.NewRequestWithContext(f.t.Context(), http.MethodPost, "/api/v1"+path, bytes.NewReader(raw))
	request.Header.Set("Content-Type", "application/json")
	answer, door := httptest.NewRecorder(), f.server.Local()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	door.ServeHTTP(answer, request)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, answer.Code
}

// Each trap is told with its reason, costs little, and leaves nothing behind.
func TestTraps(t *testing.T) {
	f := tyfab(t)
	all := traps(t)
	if len(all) < 20 {
		t.Fatalf("%d traps", len(all))
	}
	for _, x := range all {
		check := api.BadgeFile{File: x.file}
		v := answered[api.Verdict](f.admin.post("/badges/verify", check))
		found := ""
		for _, c := range v.Checks {
			if c.Name == x.question {
				found = c.Answer + " " + c.Reason
			}
		}
		same(t, x.name, found, x.answer)
		if spent, _ := f.allocated("/badges/verify", check); v.Verdict == "valid" || spent > mostMemory {
			t.Errorf("%s: got %s for %d bytes", x.name, v.Verdict, spent)
		}
		if !x.refused {
			continue
		}
		bring := api.ImportRequest{BadgeFile: check, To: "Nadia B."}
		p := f.admin.post("/badges/import", bring).refused(http.StatusUnprocessableEntity, "bad_badge")
		same(t, x.name+": the refusal's question", p.Question, x.question)
		_, reason, _ := strings.Cut(x.answer, " ")
		same(t, x.name+": the refusal's reason", p.Reason, reason)
		if spent, _ := f.allocated("/badges/import", bring); spent > mostMemory {
			t.Errorf("%s: import allocated %d bytes", x.name, spent)
		}
	}
	// The largest picture there may be, one byte more, and more than is read.
	for size, want := range map[int]int{bake.MaxImage: http.StatusOK, bake.MaxImage + 1: http.StatusOK, bake.MaxImage + 64<<10: http.StatusRequestEntityTooLarge} {
		file := append([]byte("\x89PNG\r\n\x1a\n"), bytes.Repeat([]byte{0xff}, size-8)...)
		spent, status := f.allocated("/badges/verify", api.BadgeFile{File: file})
		if status != want || spent > mostMemory {
			t.Errorf("a picture of %d bytes: status %d, want %d, for %d bytes", size, status, want, spent)
		}
		t.Logf("a picture of %d bytes: %d bytes allocated", size, spent)
	}
	same(t, "imports", len(answered[api.ImportList](f.admin.get("/imports")).Imports), 0)
	same(t, "records", answered[api.Status](f.admin.get("/status")).Total, 1) // the community's profile
	same(t, "members", len(answered[api.Keys](f.admin.get("/keys")).Members), 0)
	same(t, "offers", len(answered[api.OfferList](f.admin.get("/offers")).Offers), 0)
}
