package territory_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// cases returns the lines of a file of testdata that are not comments.
func cases(t testing.TB, file string) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			lines = append(lines, strings.ReplaceAll(line, `\s`, " "))
		}
	}
	return lines
}

func TestParseAcceptsOneFormOfEachID(t *testing.T) {
	for _, s := range cases(t, "territory_valid.txt") {
		id, err := territory.Parse(s)
		if err != nil || string(id) != s {
			t.Errorf("Parse(%q) = %q, %v, want the same id", s, id, err)
		}
		if id.Kind() == territory.Unknown {
			t.Errorf("ID(%q).Kind() = unknown", s)
		}
	}
}

func TestParseRefusesTheRest(t *testing.T) {
	for _, s := range append(cases(t, "territory_invalid.txt"), "", "gh:u15b\n", "gh:u1\x00", "fr:com:\xff5238") {
		if id, err := territory.Parse(s); !errors.Is(err, territory.ErrSyntax) {
			t.Errorf("Parse(%q) = %q, %v, want ErrSyntax", s, id, err)
		}
		if kind := territory.ID(s).Kind(); kind != territory.Unknown {
			t.Errorf("ID(%q).Kind() = %v, want unknown", s, kind)
		}
	}
}

func TestKind(t *testing.T) {
	for id, want := range map[territory.ID]territory.Kind{
		"iso:FR": territory.Country, "iso:FR-BRE": territory.Subdivision, "fr:epci:242900314": territory.EPCI,
		"fr:ept:200057867": territory.EPT, "fr:com:2A004": territory.Commune, "fr:arm:69383": territory.Arrondissement,
		"gh:u15b": territory.Cell, "x:0123456789abcdef:lot": territory.Named, "Brest": territory.Unknown,
	} {
		if got := id.Kind(); got != want {
			t.Errorf("ID(%q).Kind() = %v, want %v", id, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, file := range []string{"territory_valid.txt", "territory_invalid.txt"} {
		for _, s := range cases(f, file) {
			f.Add(s)
		}
	}
	g := gazetteer(f)
	f.Fuzz(func(t *testing.T, s string) {
		id, err := territory.Parse(s)
		if (err == nil) != (territory.ID(s).Kind() != territory.Unknown) {
			t.Errorf("Parse(%q): error %v, but kind %v", s, err, territory.ID(s).Kind())
		}
		if err == nil && string(id) != s {
			t.Errorf("Parse(%q) = %q, want the same bytes", s, id)
		}
		// The tables answer for any id, also an unparsed one from a peer.
		g.Name(territory.ID(s))
		g.Center(territory.ID(s))
		g.Band(territory.Place{}, territory.ID(s))
		for _, up := range g.Within(territory.ID(s)) {
			if _, err := territory.Parse(string(up)); err != nil {
				t.Errorf("Within(%q) has %q: %v", s, up, err)
			}
		}
	})
}
