package territory_test

import (
	"fmt"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"codeberg.org/essaim/essaim/protocol/territory"
)

func Example() {
	g, err := territory.Embedded()
	if err != nil {
		fmt.Println(err)
		return
	}
	brest, err := g.Find("brest")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(g.Label(brest), "is in", g.Name(brest.Territory))
	for _, near := range g.Near(brest.Point, 10) {
		fmt.Printf("%s %s: %s\n", near.ID, g.Name(near.ID), g.Band(brest, near.ID))
	}
	// Output:
	// Brest (Finistère) is in Brest Métropole
	// fr:epci:242900314 Brest Métropole: same territory
	// fr:epci:242900074 CC du Pays d'Iroise: under 20 km
	// fr:epci:200066868 CC Presqu'île de Crozon-Aulne maritime: under 20 km
}

func TestWithin(t *testing.T) {
	g := gazetteer(t)
	for id, want := range map[territory.ID]string{
		"fr:com:29019":         "fr:epci:242900314 iso:FR-29 iso:FR-BRE iso:FR",
		"fr:com:93066":         "fr:ept:200057867 fr:epci:200054781 iso:FR-93 iso:FR-IDF iso:FR",
		"fr:com:29155":         "iso:FR-29 iso:FR-BRE iso:FR",
		"fr:com:93059":         "fr:com:93066 fr:ept:200057867 fr:epci:200054781 iso:FR-93 iso:FR-IDF iso:FR",
		"fr:com:99999":         "iso:FR",
		"fr:arm:69383":         "fr:com:69123 fr:epci:200046977 iso:FR-69 iso:FR-ARA iso:FR",
		"fr:epci:243500139":    "iso:FR-35 iso:FR-BRE iso:FR",
		"fr:ept:200057867":     "fr:epci:200054781 iso:FR-93 iso:FR-IDF iso:FR",
		"iso:FR-29":            "iso:FR-BRE iso:FR",
		"iso:FR-971":           "iso:FR",
		"iso:BE-WAL":           "iso:BE",
		"gh:u15b":              "gh:u15 gh:u1",
		"iso:FR":               "",
		"x:0123456789abcdef:a": "",
		"nonsense":             "",
	} {
		var got []string
		for _, up := range g.Within(id) {
			got = append(got, string(up))
		}
		if got := strings.Join(got, " "); got != want {
			t.Errorf("Within(%s) = %s, want %s", id, got, want)
		}
	}
	if got := g.Within("fr:epci:200054781"); !slices.Contains(got, "iso:FR-75C") || !slices.Contains(got, "iso:FR-95") {
		t.Errorf("the Métropole du Grand Paris is in %v, want six départements", got)
	}
}

func TestName(t *testing.T) {
	g := gazetteer(t)
	for id, want := range map[territory.ID]string{
		"fr:epci:242900314":      "Brest Métropole",
		"iso:FR-35":              "Ille-et-Vilaine",
		"iso:FR-BRE":             "Bretagne",
		"iso:BE":                 "Belgique",
		"iso:BE-WAL":             "iso:BE-WAL",
		"fr:com:35238":           "Rennes",
		"fr:com:93059":           "Pierrefitte-sur-Seine",
		"fr:arm:69383":           "Lyon 3e Arrondissement",
		"fr:ept:200057867":       "Plaine Commune",
		"gh:u15b":                "cellule u15b",
		"x:0123456789abcdef:lot": "lot",
		"fr:epci:000000000":      "fr:epci:000000000",
		"nonsense":               "nonsense",
	} {
		if got := g.Name(id); got != want {
			t.Errorf("Name(%s) = %q, want %q", id, got, want)
		}
	}
}

func TestCenter(t *testing.T) {
	g := gazetteer(t)
	for _, id := range []territory.ID{"fr:com:29019", "fr:epci:242900314"} {
		if p, ok := g.Center(id); !ok || territory.Distance(p, brest) > 10 {
			t.Errorf("Center(%s) = %v, %v, want about %v", id, p, ok, brest)
		}
	}
	if p, ok := g.Center("gh:ezs42"); !ok || p.String() != "42.6050,-5.6030" {
		t.Errorf("Center(gh:ezs42) = %v, want 42.6050,-5.6030", p)
	}
	for _, id := range []territory.ID{"iso:FR", "iso:FR-29", "iso:FR-BRE", "fr:ept:200057867", "fr:arm:75112", "fr:com:93059"} {
		if p, ok := g.Center(id); !ok || !p.Valid() || p == (territory.Point{}) {
			t.Errorf("Center(%s) = %v, %v, want a point", id, p, ok)
		}
	}
	for _, id := range []territory.ID{"iso:RU", "iso:BE-WAL", "x:0123456789abcdef:lot", "fr:com:99999", ""} {
		if p, ok := g.Center(id); ok {
			t.Errorf("Center(%s) = %v, want none", id, p)
		}
	}
}

func TestSearch(t *testing.T) {
	g := gazetteer(t)
	for _, tt := range []struct{ query, want string }{
		{"brest", "Brest (Finistère); Brest (Biélorussie); Brestot (Eure); Esboz-Brest (Haute-Saône)"},
		{"denis saint", "Saint-Denis (La Réunion); Saint-Denis (Seine-Saint-Denis)"},
		{"29280", "Plouzané (Finistère); Locmaria-Plouzané (Finistère)"},
		{"lond", "Londres (Royaume-Uni)"},
		{"ile d'yeu", "L'Île-d'Yeu (Vendée)"},
		{"chalon s/ saone", "Chalon-sur-Saône (Saône-et-Loire)"},
		{"zzzz", ""},
		{"", ""},
	} {
		var got []string
		for _, p := range g.Search(tt.query, 4) {
			got = append(got, g.Label(p))
		}
		if got := strings.Join(got, "; "); !strings.HasPrefix(got, tt.want) || tt.want == "" && got != "" {
			t.Errorf("Search(%q) = %s, want %s first", tt.query, got, tt.want)
		}
	}
	if got := g.Search("a", 0); got != nil {
		t.Errorf("Search with limit 0 = %v", got)
	}
}

func TestSearchTerritories(t *testing.T) {
	g := gazetteer(t)
	for _, tt := range []struct {
		query string
		want  territory.ID
		kind  territory.Kind
	}{
		{"rennes metropole", "fr:epci:243500139", territory.EPCI},
		{"pays d'iroise", "fr:epci:242900074", territory.EPCI},
		{"CC du Pays d'Iroise", "fr:epci:242900074", territory.EPCI},
		{"243500139", "fr:epci:243500139", territory.EPCI},
		{"finistere", "iso:FR-29", territory.Subdivision},
		{"29", "iso:FR-29", territory.Subdivision},
		{"Bretagne", "iso:FR-BRE", territory.Subdivision},
		{"Guadeloupe", "iso:FR-971", territory.Subdivision},
		{"plaine commune", "fr:ept:200057867", territory.EPT},
		{"belgique", "iso:BE", territory.Country},
		{"lyon 3e", "fr:arm:69383", territory.Arrondissement},
		{"brest", "fr:com:29019", territory.Commune},
		{"gh:u15b", "gh:u15b", territory.Cell},
	} {
		got := g.SearchTerritories(tt.query, 5)
		if len(got) == 0 || got[0].ID != tt.want || got[0].Kind != tt.kind || got[0].Name != g.Name(tt.want) {
			t.Errorf("SearchTerritories(%q) = %v, want %s first", tt.query, got, tt.want)
		}
		seen := make(map[territory.ID]bool)
		for _, found := range got {
			if seen[found.ID] {
				t.Errorf("SearchTerritories(%q) has %s twice", tt.query, found.ID)
			}
			seen[found.ID] = true
		}
	}
}

// tables is a gazetteer of one commune, as a person may write it by hand.
func tables() fstest.MapFS {
	files := fstest.MapFS{}
	for name, text := range map[string]string{
		"version.txt":         "test-1\n",
		"regions.tsv":         "code\tnom\tiso3166_2\tpop\tlat\tlng\n53\tBretagne\tFR-BRE\t10\t48\t-3\n",
		"departements.tsv":    "code\tnom\tregion\tiso3166_2\tpop\tlat\tlng\n29\tFinistère\t53\tFR-29\t10\t48\t-4\n",
		"epci.tsv":            "siren\tnom\ttype\tpop\tlat\tlng\tdeps\n242900314\tBrest Métropole\tMETRO\t10\t48.4\t-4.5\t29\n",
		"communes.tsv":        "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t29\t242900314\t10\t48.4003\t-4.5026\t29200\n",
		"ept.tsv":             "siren\tnom\tcommunes\n",
		"arrondissements.tsv": "insee\tnom\tcommune\tpop\tlat\tlng\tcp\n",
		"former-communes.tsv": "ancien_insee\tinsee_actuel\tancien_nom\n29008\t29019\tLambézellec\n",
		"countries.tsv":       "alpha2\tname_fr\tname_en\tlat\tlng\nFR\tFrance\tFrance\t46\t2\n",
		"cities.tsv":          "geonames\tcc\tnom\talias\tlat\tlng\tpop\n",
	} {
		files[name] = &fstest.MapFile{Data: []byte(text)}
	}
	return files
}

func TestLoadTablesFromDisk(t *testing.T) {
	g, err := territory.Load(tables())
	if err != nil {
		t.Fatal(err)
	}
	if g.Version() != "test-1" {
		t.Errorf("Version() = %q, want test-1", g.Version())
	}
	if p, err := g.Find("Lambézellec"); err != nil || p.Code != "29019" {
		t.Errorf("Find(Lambézellec) = %v, %v, want Brest, which it joined in 1945", p, err)
	}
	if near := g.Near(brest, 10); len(near) != 1 || near[0].ID != "fr:epci:242900314" {
		t.Errorf("Near(Brest) = %v", near)
	}
	compressed, err := territory.Load(os.DirFS("data"))
	if err != nil || compressed.Version() != territory.TableVersion {
		t.Errorf("the folder data: %v, version not %s", err, territory.TableVersion)
	}
}

func TestLoadRefusesTablesThatContradict(t *testing.T) {
	for _, tt := range []struct{ file, text, want string }{
		{"communes.tsv", "insee\tnom\n", "header"},
		{"communes.tsv", "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t29\n", "line 2: 3 columns"},
		{"communes.tsv", "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t29\t999999999\t1\t48\t-4\t\n", "no EPCI"},
		{"communes.tsv", "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t30\t\t1\t48\t-4\t\n", "no département"},
		{"communes.tsv", "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t29\t\t1\t91\t-4\t\n", "not a point"},
		{"communes.tsv", "insee\tnom\tdep\tepci\tpop\tlat\tlng\tcp\n29019\tBrest\t29\t\tmany\t48\t-4\t\n", "population"},
		{"former-communes.tsv", "ancien_insee\tinsee_actuel\tancien_nom\n29008\t29020\tLambézellec\n", "no commune"},
		{"ept.tsv", "siren\tnom\tcommunes\n200057867\tPlaine Commune\t\n", "without communes"},
		{"cities.tsv", "geonames\tcc\tnom\talias\tlat\tlng\tpop\n1\tBE\tBruxelles\t\t50\t4\t1\n", "no country"},
		{"epci.tsv.zst", "not zstd", "table epci"},
		{"version.txt", "", "version.txt"},
	} {
		files := tables()
		files[tt.file] = &fstest.MapFile{Data: []byte(tt.text)}
		if tt.text == "" {
			delete(files, tt.file)
		}
		if _, err := territory.Load(files); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("Load with %s %q: %v, want %q", tt.file, tt.text, err, tt.want)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	data := os.DirFS("data")
	for b.Loop() {
		g, err := territory.Load(data)
		if err != nil {
			b.Fatal(err)
		}
		g.Search("brest", 1)
	}
	// What stays, in MB.
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	g, _ := territory.Load(data)
	g.Search("brest", 1)
	runtime.GC()
	runtime.ReadMemStats(&after)
	b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/1e6, "MB-kept")
	runtime.KeepAlive(g)
}

func BenchmarkNear(b *testing.B) {
	g := gazetteer(b)
	for b.Loop() {
		g.Near(brest, 50)
	}
}

func BenchmarkSearch(b *testing.B) {
	g := gazetteer(b)
	for _, query := range []string{"brest", "saint denis", "s", "29200"} {
		b.Run(query, func(b *testing.B) {
			for b.Loop() {
				g.Search(query, 10)
			}
		})
	}
}

func BenchmarkSearchTerritories(b *testing.B) {
	g := gazetteer(b)
	for b.Loop() {
		g.SearchTerritories("saint", 10)
	}
}

func BenchmarkFindUnknown(b *testing.B) {
	g := gazetteer(b)
	for b.Loop() {
		if _, err := g.Find("Rennse"); err == nil {
			b.Fatal("found")
		}
	}
}

func BenchmarkBand(b *testing.B) {
	g, p := gazetteer(b), find(b, "Brest")
	for b.Loop() {
		g.Band(p, "fr:epci:243500139")
	}
}
