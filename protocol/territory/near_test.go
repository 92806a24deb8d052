package territory_test

import (
	"cmp"
	"math"
	"slices"
	"testing"

	"codeberg.org/essaim/essaim/protocol/territory"
)

func find(t testing.TB, query string) territory.Place {
	t.Helper()
	p, err := gazetteer(t).Find(query)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// km returns the distance of id in near, or NaN.
func km(near []territory.Near, id territory.ID) float64 {
	for _, n := range near {
		if n.ID == id {
			return n.Km
		}
	}
	return math.NaN()
}

func TestNearBrest(t *testing.T) {
	g := gazetteer(t)
	near := g.Near(find(t, "Brest").Point, 60)
	if near[0] != (territory.Near{ID: "fr:epci:242900314", Km: 0}) {
		t.Errorf("first is %v, want Brest Métropole at 0", near[0])
	}
	for id, want := range map[territory.ID][2]float64{
		"fr:epci:200066868": {5, 15},  // Crozon, across the roadstead
		"fr:com:29155":      {35, 50}, // Ouessant, in no EPCI
		"fr:com:29083":      {40, 55}, // Île-de-Sein
	} {
		if got := km(near, id); !(got >= want[0] && got <= want[1]) {
			t.Errorf("%s is %.1f km away, want %v", g.Name(id), got, want)
		}
	}
	if got := km(near, "fr:epci:243500139"); !math.IsNaN(got) {
		t.Errorf("Rennes Métropole is near Brest, at %.0f km", got)
	}
	if !slices.IsSortedFunc(near, func(a, b territory.Near) int { return cmp.Or(cmp.Compare(a.Km, b.Km), cmp.Compare(a.ID, b.ID)) }) {
		t.Errorf("not in order: %v", near)
	}
	for _, n := range near {
		if n.ID.Kind() == territory.Cell {
			t.Errorf("%s is near Brest, where no border is", n.ID)
		}
	}
}

func TestNearInTheGrandParisAndLyon(t *testing.T) {
	g := gazetteer(t)
	near := g.Near(find(t, "Saint-Denis, 93").Point, 5)
	for _, id := range []territory.ID{"fr:epci:200054781", "fr:ept:200057867"} {
		if got := km(near, id); got != 0 {
			t.Errorf("%s is at %g, want 0: Saint-Denis is in it", g.Name(id), got)
		}
	}
	near = g.Near(find(t, "Lyon 3e").Point, 3)
	if got := km(near, "fr:arm:69383"); got != 0 {
		t.Errorf("Lyon 3e is at %g, want 0", got)
	}
	if got := km(near, "fr:arm:69387"); !(got > 0.5 && got < 3) {
		t.Errorf("Lyon 7e is at %g km, want 0.5 to 3", got)
	}
}

func TestNearAcrossBorders(t *testing.T) {
	g := gazetteer(t)
	near := g.Near(find(t, "Strasbourg").Point, 20)
	if got := km(near, find(t, "Offenburg").Territory); !(got < 20) {
		t.Errorf("Offenburg is at %g km of Strasbourg, want under 20", got)
	}
	brussels := find(t, "Bruxelles")
	near = g.Near(brussels.Point, 20)
	if near[0].ID != brussels.Territory || near[0].Km != 0 {
		t.Errorf("first near Brussels is %v, want %s at 0", near[0], brussels.Territory)
	}
	if near = g.Near(find(t, "Lille").Point, 30); math.IsNaN(km(near, find(t, "Tournai").Territory)) {
		t.Error("Tournai is not near Lille")
	}
}

// Every cell within the radius is there, also at the antimeridian and the
// poles: compare with random points, whose cells are known.
func TestNearFindsEveryCell(t *testing.T) {
	g := gazetteer(t)
	for _, center := range []territory.Point{{Lat: 40, Lng: -100}, {Lat: 68, Lng: 179.95}, {Lat: -89.7, Lng: 10}, {Lat: 89.99, Lng: 0}, {Lat: 0.01, Lng: -179.99}} {
		near := g.Near(center, 60)
		for i := range 400 {
			angle, d := float64(i)*2.4, 59*float64(i%20)/20
			lat := center.Lat + d/111.2*math.Cos(angle)
			lng := center.Lng + d/111.2/math.Cos(lat*math.Pi/180)*math.Sin(angle)
			p := territory.Point{Lat: lat, Lng: math.Remainder(lng, 360)}
			if !p.Valid() || territory.Distance(center, p) > 59 {
				continue
			}
			if cell := territory.ID("gh:" + territory.Geohash(p, 4)); math.IsNaN(km(near, cell)) {
				t.Errorf("%v is %.1f km from %v, but its cell %s is not near", p, territory.Distance(center, p), center, cell)
			}
		}
	}
}

func TestNearOfOddArguments(t *testing.T) {
	g := gazetteer(t)
	if got := g.Near(brest, -1); len(got) != 1 || got[0].ID != "fr:epci:242900314" {
		t.Errorf("Near(Brest, -1) = %v, want Brest Métropole alone", got)
	}
	for _, p := range []territory.Point{{Lat: math.NaN()}, {Lat: 91}} {
		if got := g.Near(p, 20); got != nil {
			t.Errorf("Near(%v) = %v, want nothing", p, got)
		}
	}
	if got := g.Near(brest, math.NaN()); got != nil {
		t.Errorf("Near(Brest, NaN) = %v, want nothing", got)
	}
	if a, b := g.Near(brest, math.Inf(1)), g.Near(brest, territory.MaxRadius); !slices.Equal(a, b) {
		t.Errorf("an infinite radius gives %d, the greatest %d", len(a), len(b))
	}
}

func TestBand(t *testing.T) {
	for _, tt := range []struct {
		from string
		id   territory.ID
		want territory.Band
		why  string
	}{
		{"Brest", "fr:epci:242900314", territory.SameTerritory, "its own"},
		{"Brest", "fr:com:29075", territory.SameTerritory, "a commune of it, Guipavas"},
		{"Brest", "fr:epci:242900074", territory.Under20, "Pays d'Iroise"},
		{"Brest", "fr:com:29155", territory.Under50, "Ouessant"},
		{"Brest", "fr:epci:242900694", territory.SameDepartment, "Quimperlé"},
		{"Brest", "iso:FR-29", territory.SameDepartment, "the whole département"},
		{"Brest", "iso:FR-BRE", territory.Farther, "too large to be near"},
		{"Brest", "fr:epci:243500139", territory.Farther, "Rennes"},
		{"Brest", "iso:FR", territory.Farther, "everywhere"},
		{"Brest", "fr:epci:999999999", territory.Farther, "not in the tables"},
		{"Brest", "x:0123456789abcdef:rade", territory.Farther, "nobody knows where"},
		{"Brest", "nonsense", territory.Farther, ""},
		{"Ouessant", "fr:com:29155", territory.SameTerritory, "its own territory"},
		{"Lyon 3e", "fr:arm:69387", territory.SameTerritory, "another arrondissement"},
		{"Saint-Denis, 93", "fr:ept:200057867", territory.SameTerritory, "an EPT of the Grand Paris"},
		{"Bruxelles", "gh:u151", territory.SameTerritory, "its cell"},
		{"Bruxelles", "gh:u151x", territory.SameTerritory, "inside its cell"},
		{"Bruxelles", "gh:u150", territory.Under20, "the next cell"},
		{"Bruxelles", "gh:u15", territory.Farther, "too large"},
		{"Bruxelles", "gh:gcpv", territory.Farther, "London"},
	} {
		if got := gazetteer(t).Band(find(t, tt.from), tt.id); got != tt.want {
			t.Errorf("from %s, %s is %q, want %q (%s)", tt.from, tt.id, got, tt.want, tt.why)
		}
	}
}
