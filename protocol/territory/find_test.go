package territory_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/territory"
)

func gazetteer(t testing.TB) *territory.Gazetteer {
	t.Helper()
	g, err := territory.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestFindWhatPeopleType(t *testing.T) {
	g := gazetteer(t)
	for _, tt := range []struct {
		query, code string
		territory   territory.ID
		why         string
	}{
		{"Brest", "29019", "fr:epci:242900314", "though Brest in Belarus is twice as large"},
		{"  BREST ", "29019", "fr:epci:242900314", "case and spaces"},
		{"Rennes", "35238", "fr:epci:243500139", "not Rennes-les-Bains"},
		{"Caen", "14118", "fr:epci:200065597", ""},
		{"St Brieuc", "22278", "fr:epci:200069409", "abbreviated, without hyphen"},
		{"saint-brieuc", "22278", "fr:epci:200069409", ""},
		{"Lyon", "69123", "fr:epci:200046977", "the commune, not an arrondissement"},
		{"Lyon 3e", "69383", "fr:epci:200046977", "an arrondissement"},
		{"Marseille 1er", "13201", "fr:epci:200054807", "an ordinal"},
		{"75012", "75112", "fr:epci:200054781", "the postal code of an arrondissement, before Paris"},
		{"29200", "29019", "fr:epci:242900314", "a postal code that is another's INSEE code"},
		{"29019", "29019", "fr:epci:242900314", "an INSEE code"},
		{"2a004", "2A004", "fr:epci:242010056", "an INSEE code of Corsica"},
		{"fr:com:29019", "29019", "fr:epci:242900314", "an id"},
		{"29200 Brest", "29019", "fr:epci:242900314", "an address"},
		{"Ouessant", "29155", "fr:com:29155", "an island in no intercommunalité"},
		{"Nouméa", "98818", "fr:com:98818", "overseas, in none either"},
		{"Havre", "76351", "fr:epci:200084952", "without its article"},
		{"l'hay les roses", "94038", "fr:epci:200054781", ""},
		{"Cherbourg", "50129", "fr:epci:200067205", "the first word, and no other has it"},
		{"Valence", "26362", "fr:epci:200068781", "twelve times the next Valence"},
		{"Vienne", "38544", "fr:epci:200077014", "not Vienna"},
		{"Saint-Denis, 93", "93066", "fr:epci:200054781", ""},
		{"Saint-Denis (Réunion)", "97411", "fr:epci:249740119", ""},
		{"st denis, la reunion", "97411", "fr:epci:249740119", ""},
		{"Brest, Bretagne", "29019", "fr:epci:242900314", "a région"},
		{"Château-Chinon (Ville)", "58062", "fr:epci:200067890", "parentheses that are part of the name"},
		{"Pierrefitte-sur-Seine", "93066", "fr:epci:200054781", "merged into Saint-Denis in 2025"},
		{"93059", "93066", "fr:epci:200054781", "its former code"},
		{"Bruxelles", "2800866", "gh:u151", "a city abroad, in French"},
		{"Brussels", "2800866", "gh:u151", "and not"},
		{"Brest, BY", "629634", "gh:u92b", ""},
		{"Montréal, Canada", "6077243", "gh:f25d", ""},
		{"London", "2643743", "gh:gcpv", "not London, Ontario"},
		{"48.39,-4.48", "29019", "fr:epci:242900314", "a point"},
		{"50.8503,4.3517", "2800866", "gh:u151", "a point abroad"},
		{"0,-30", "", "gh:e248", "a point at sea"},
	} {
		p, err := g.Find(tt.query)
		if err != nil || p.Code != tt.code || p.Territory != tt.territory {
			t.Errorf("Find(%q) = %q %q %v, want %s %s (%s)", tt.query, p.Code, p.Territory, err, tt.code, tt.territory, tt.why)
		}
	}
}

func TestFindFillsThePlace(t *testing.T) {
	p, err := gazetteer(t).Find("Brest")
	if err != nil {
		t.Fatal(err)
	}
	if p.Name != "Brest" || p.Country != "FR" || p.Department != "29" || !slices.Equal(p.PostalCodes, []string{"29200"}) ||
		p.Population < 130_000 || territory.Distance(p.Point, brest) > 1 {
		t.Errorf("Find(Brest) = %+v", p)
	}
}

func TestFindKeepsTheGivenPoint(t *testing.T) {
	p, err := gazetteer(t).Find("48.39, -4.48")
	if want := (territory.Point{Lat: 48.39, Lng: -4.48}); err != nil || p.Point != want || p.Name != "Brest" {
		t.Errorf("got %s %v, %v, want Brest at %v", p.Name, p.Point, err, want)
	}
}

func TestFindAsksWhichHomonym(t *testing.T) {
	g := gazetteer(t)
	for _, tt := range []struct {
		query, label, hint string
		total              int
	}{
		{"Saint-Denis", "Saint-Denis (Seine-Saint-Denis)", "Saint-Denis, 974", 4},
		{"29280", "Locmaria-Plouzané (Finistère)", "Plouzané, 29280", 2},
		{"Montréal", "Montréal (Canada)", "Montréal, 11", 5},
	} {
		_, err := g.Find(tt.query)
		var ambiguous *territory.AmbiguousError
		if !errors.As(err, &ambiguous) {
			t.Errorf("Find(%q): %v, want an AmbiguousError", tt.query, err)
			continue
		}
		if ambiguous.Total != tt.total || !slices.Contains(ambiguous.Labels, tt.label) || !strings.Contains(ambiguous.Hint, tt.hint) {
			t.Errorf("Find(%q): %v (%d), want %d with %s and the hint %s", tt.query, err, ambiguous.Total, tt.total, tt.label, tt.hint)
		}
		// What the error proposes works.
		for i, label := range ambiguous.Labels {
			if p, err := g.Find(label); err != nil || p.Code != ambiguous.Candidates[i].Code {
				t.Errorf("Find(%q) = %s, %v, want %s", label, p.Code, err, ambiguous.Candidates[i].Code)
			}
		}
	}
	_, err := g.Find("Saint-Martin")
	var ambiguous *territory.AmbiguousError
	if errors.As(err, &ambiguous) && len(ambiguous.Candidates) > 10 {
		t.Errorf("%d candidates, want at most 10", len(ambiguous.Candidates))
	}
}

func TestFindSuggestsNearNames(t *testing.T) {
	g := gazetteer(t)
	for query, want := range map[string]string{
		"Rennse":        "Rennes (Ille-et-Vilaine)",
		"Bres":          "Brest (Finistère)",
		"Marsielle":     "Marseille (Bouches-du-Rhône)",
		"Rennes, 75":    "Rennes (Ille-et-Vilaine)",
		"xqzwkvj":       "",
		"":              "",
		"--":            "",
		"99999":         "",
		"fr:epci:1":     "",
		"91.0,4.0":      "",
		"48.39,-4.48,7": "",
	} {
		_, err := g.Find(query)
		var unknown *territory.UnknownError
		if !errors.Is(err, territory.ErrUnknown) || !errors.As(err, &unknown) {
			t.Errorf("Find(%q): %v, want ErrUnknown", query, err)
			continue
		}
		if want != "" && (len(unknown.Suggestions) == 0 || unknown.Suggestions[0] != want) || len(unknown.Suggestions) > 3 {
			t.Errorf("Find(%q) suggests %q, want first %s", query, unknown.Suggestions, want)
		}
	}
}

func TestEveryCommuneIsFoundByItsLabel(t *testing.T) {
	if testing.Short() {
		t.Skip("searches 350 labels")
	}
	g := gazetteer(t)
	for code := 1; code < 35_000; code += 100 { // one in a hundred
		for _, p := range g.Search(number5(code), 1) {
			got, err := g.Find(g.Label(p))
			if err != nil || got.Code != p.Code {
				t.Errorf("Find(%q) = %s, %v, want %s", g.Label(p), got.Code, err, p.Code)
			}
		}
	}
}

func number5(n int) string {
	return string([]byte{byte('0' + n/10000), byte('0' + n/1000%10), byte('0' + n/100%10), byte('0' + n/10%10), byte('0' + n%10)})
}

func FuzzFind(f *testing.F) {
	for _, s := range []string{
		"Brest", "St Brieuc", "29200", "Saint-Denis, 93", "Saint-Denis (Réunion)", "48.39,-4.48", "Rennse", "fr:com:29019",
		"œ", "(", ",", "x,", "s/", "1er", "\xff", "İ", "L'", "saint saint", "Paris 12ème", "29200 Brest",
	} {
		f.Add(s)
	}
	g := gazetteer(f)
	f.Fuzz(func(t *testing.T, s string) {
		p, err := g.Find(s)
		if err != nil {
			var ambiguous *territory.AmbiguousError
			if !errors.Is(err, territory.ErrUnknown) && !errors.As(err, &ambiguous) {
				t.Errorf("Find(%q): unexpected kind of error: %v", s, err)
			}
		} else if _, err := territory.Parse(string(p.Territory)); err != nil || !p.Point.Valid() || p.Name == "" {
			t.Errorf("Find(%q) = %+v: %v", s, p, err)
		}
		if found := g.Search(s, 3); len(found) > 3 {
			t.Errorf("Search(%q, 3) returned %d", s, len(found))
		}
	})
}

func TestHostileQueriesAreCheap(t *testing.T) {
	g := gazetteer(t)
	for _, query := range []string{strings.Repeat("s ", 99), strings.Repeat("saint-", 33), "a b c d e f g h i j k l m n o p q r s t u v w x y z", strings.Repeat("é", 5000)} {
		if p, err := g.Find(query); !errors.Is(err, territory.ErrUnknown) {
			t.Errorf("Find(%.20q…) = %v, %v, want ErrUnknown", query, p.Name, err)
		}
		if got := g.Search(query, 1); len(got) != 0 {
			t.Errorf("Search(%.20q…) = %v, want nothing", query, got)
		}
	}
}

func BenchmarkFindHostile(b *testing.B) {
	g := gazetteer(b)
	for b.Loop() {
		_, _ = g.Find("a l d s e m b c")
	}
}
