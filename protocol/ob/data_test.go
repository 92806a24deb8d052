package ob_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
)

// now is when these tests are: dates of badges are judged against it.
var now = time.Date(2026, 11, 25, 12, 0, 0, 0, time.UTC)

// sample is a line of MANIFEST.tsv.
type sample struct {
	name, file                        string
	container, standard, guess, truth string
}

// samples reads the manifest of a folder.
func samples(t testing.TB, folder string) []sample {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	header := strings.Split(lines[0], "\t")
	var out []sample
	for _, line := range lines[1:] {
		cells := strings.Split(line, "\t")
		cell := func(column string) string {
			if i := slices.Index(header, column); i < len(cells) {
				return cells[i]
			}
			return ""
		}
		name := cell("fichier")
		out = append(out, sample{name, filepath.Join(folder, name), cell("conteneur"), cell("version"), cell("attendu"), cell("preuve")})
	}
	return out
}

// collection is the folder of all files, most of which may not be copied here:
// $DATA/badges, or beside the repository.
func collection(t testing.TB) string {
	t.Helper()
	data := os.Getenv("DATA")
	if data == "" {
		data = filepath.Join("..", "..", "..", "shared", "data")
	}
	folder := filepath.Join(data, "badges")
	if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
		t.Skipf("no collection in %s: set DATA", folder)
	}
	return folder
}

// disagreements returns where the verdict is not what other programs found in
// the file, or not what its name lets one expect.
func (s sample) disagreements(b ob.Badge) []string {
	var out []string
	wrong := func(ok bool, what string) {
		if !ok {
			out = append(out, what)
		}
	}
	f := func(q foreign.Question) foreign.Finding { return b.Findings[q] }
	standards := map[string]string{
		"ob0.5": "OB 0.5", "ob1.0": "OB 1.0", "ob1.1": "OB 1.1", "ob2": "OB 2.0", "ob3": "OB 3.0", "vc": "VC", "clr2": "VC",
	}
	if want := standards[s.standard]; want != "" {
		wrong(b.Standard == want, "standard")
	}
	if s.container == "png" || s.container == "svg" {
		wrong(string(b.Container) == s.container, "container")
	}

	signature, issuer := f(foreign.Signature), f(foreign.Issuer)
	switch {
	case strings.Contains(s.truth, ":VALIDE"):
		wrong(signature.Answer == foreign.Yes, "signature")
		// A key that only the badge names says nothing of its issuer.
		if strings.Contains(s.truth, "+clé-fragment") || strings.Contains(s.truth, "+jwk") {
			wrong(issuer.Answer == foreign.Unknown && slices.Contains(b.Notes, foreign.KeyInside), "issuer")
		} else {
			wrong(issuer.Answer == foreign.Yes, "issuer")
		}
	case strings.Contains(s.truth, ":INVALIDE"):
		wrong(signature.Answer == foreign.No, "signature")
	case strings.Contains(s.truth, ":ERREUR"):
		wrong(signature.Answer != foreign.Yes, "signature")
	case strings.Contains(s.truth, "non résoluble"), strings.Contains(s.truth, "clé externe"):
		wrong(signature.Answer == foreign.Unknown, "signature")
	case s.truth == "sans preuve":
		wrong(signature.Reason == foreign.Unsigned, "signature")
	}

	switch s.guess {
	case "ok":
		for _, q := range []foreign.Question{foreign.WellFormed, foreign.Shape, foreign.Dates, foreign.Status} {
			wrong(f(q).Answer != foreign.No, q.String())
		}
	case "unbaked":
		wrong(f(foreign.WellFormed).Reason == foreign.NoBadge, "unbaked")
	case "expired":
		wrong(f(foreign.Dates).Reason == foreign.Expired, "expired")
	case "revoked":
		// Offline the list is not at hand: nothing good may be said.
		wrong(f(foreign.Status).Answer != foreign.Yes, "revoked")
	case "invalid":
		wrong(b.Overall() == foreign.No, "invalid")
	}
	return out
}

func TestCopiedBadges(t *testing.T) {
	checkSamples(t, filepath.Join("testdata", "badges"), false)
}

func TestWholeCollection(t *testing.T) {
	checkSamples(t, collection(t), true)
}

// checkSamples holds every file to its line of the manifest, and every
// disagreement to its explanation.
func checkSamples(t *testing.T, folder string, whole bool) {
	used := map[string]bool{}
	all := samples(t, folder)
	for _, s := range all {
		file, err := os.ReadFile(s.file)
		if err != nil {
			t.Error(err)
			continue
		}
		b := ob.Verify(file, foreign.Inquiry{Now: now})
		got := s.disagreements(b)
		why, explained := explanation(s.name, used)
		switch {
		case len(got) > 0 && !explained:
			t.Errorf("%s (%s, %s): disagrees in %v\n%s", s.name, s.guess, s.truth, got, show(b))
		case explained && strings.Join(got, " ") != why.in:
			t.Errorf("%s: disagrees in %v, explained in %q (%s)\n%s", s.name, got, why.in, why.because, show(b))
		}
		sane(t, s.name, b)
	}
	for pattern := range explanations {
		if whole && !used[pattern] {
			t.Errorf("%s is explained, and there is none", pattern)
		}
	}
	t.Logf("%d files", len(all))
}

func show(b ob.Badge) string {
	var out strings.Builder
	fmt.Fprintf(&out, "  %s, %s %s, notes %v\n", b.Container, b.Standard, b.Kind, b.Notes)
	for q, f := range b.Findings {
		fmt.Fprintf(&out, "  %s: %s, %s %.80q\n", foreign.Question(q), f.Answer, f.Reason, f.Detail)
	}
	return out.String()
}

// sane holds what is true of every verdict.
func sane(t *testing.T, name string, b ob.Badge) {
	t.Helper()
	for q, f := range b.Findings {
		if !slices.Contains(foreign.Reasons(), f.Reason) {
			t.Errorf("%s: %s has reason %q, which is not in the list", name, foreign.Question(q), f.Reason)
		}
	}
	if b.Overall() == foreign.Yes && b.Findings[foreign.Issuer].Answer != foreign.Yes {
		t.Errorf("%s is good though nobody vouches for it", name)
	}
}

// The hostile files do what their table says.
func TestHostileFiles(t *testing.T) {
	folder := filepath.Join(collection(t), "synthetique")
	table, err := os.ReadFile(filepath.Join(folder, "ATTENDU.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	const read = foreign.Readable
	want := map[string]foreign.Reason{
		"s01-itxt-ok.png": read, "s02-itxt-compresse.png": read, "s04-text-json-latin1.png": read,
		"s07-mot-cle-casse.png": foreign.NoBadge, "s09-tronque.png": foreign.DamagedImage, "s11-langue-et-traduction.png": read,
		"s12-charge-vide.png": foreign.EmptyPayload, "s13-bombe-zlib.png": foreign.TooLarge, "s15-bom.png": read, "s17-apres-idat.png": read,
		"s18-url-javascript.png": foreign.BadAddress, "s20-url-file.png": foreign.BadAddress,
		"v01-ok.svg": read, "v02-xxe.svg": foreign.DefinesEntity, "v04-script.svg": read, "v06-sans-espace-de-noms.svg": read,
		"v07-echappe-sans-cdata.svg": read, "v09-gzip.svg": foreign.NoBadge,
		"j01-alg-none.jws": foreign.BadAlgorithm, "j03-trois-points.jws": foreign.Malformed,
		"n02-profondeur.json": foreign.TooDeep, "n04-surrogate-isole.json": foreign.Malformed, "n05-date-sans-fuseau.json": read,
		"n07-ob2-compact-iri.json": read,
	}
	lines := strings.Split(strings.TrimSpace(string(table)), "\n")[1:]
	if len(lines) != len(want) {
		t.Errorf("the table has %d files, this test %d", len(lines), len(want))
	}
	for _, line := range lines {
		cells := strings.Split(line, "\t")
		name, text := cells[0], cells[2]
		file, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Error(err)
			continue
		}
		var b ob.Badge
		bytes, spent := costs(func() { b = ob.Verify(file, foreign.Inquiry{Now: now, Recipient: "nobody@brest.example"}) })
		if got := b.Findings[foreign.WellFormed].Reason; got != want[name] {
			t.Errorf("%s (%s): %s, want %s\n%s", name, text, got, want[name], show(b))
		}
		if readable := want[name] == read; readable != (b.Findings[foreign.Shape].Answer == foreign.Yes) {
			t.Errorf("%s (%s): its shape\n%s", name, text, show(b))
		}
		if strings.Contains(name, "n05") && !slices.Contains(b.Notes, foreign.DateWithoutTime) {
			t.Errorf("%s: no note on a date without time", name)
		}
		if b.Overall() == foreign.Yes {
			t.Errorf("%s is good", name)
		}
		if bytes > 4<<20 || spent > time.Second {
			t.Errorf("%s took %d bytes and %v", name, bytes, spent)
		}
		sane(t, name, b)
	}
}

// costs returns what f allocates in all, freed or not, and how long it takes.
func costs(f func()) (uint64, time.Duration) {
	defer debug.SetGCPercent(debug.SetGCPercent(-1))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	begin := time.Now()
	f()
	spent := time.Since(begin)
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc, spent
}
