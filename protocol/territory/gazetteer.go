// Package territory knows where things are: the syntax of territory ids, a
// gazetteer of communes and cities that needs no network, distances, and what
// is near what (spec/records.md §9).
//
// Ids are flat and signed into records; nesting is a table of one year, and
// tables change every January when communes merge. So [Parse] consults no
// table, and two nodes with tables of different years accept the same records.
//
// The embedded tables are those of the French Code officiel géographique and
// of GeoNames; data/NOTICE.md credits them. They are unpacked on first use.
//
//	g, err := territory.Embedded()
//	brest, err := g.Find("Brest")
//	for _, near := range g.Near(brest.Point, 50) { … }
package territory

import (
	"embed"
	"io/fs"
	"sync"
)

//go:generate go run ./internal/gen -from ../../../shared/data/geo -to data

// TableVersion is the version of the embedded tables: the Code officiel
// géographique of 1 January 2025.
const TableVersion = "cog-2025"

//go:embed data/*.zst data/version.txt
var embedded embed.FS

// Embedded returns the gazetteer that the program carries. The first call
// unpacks it (40 ms of CPU, 11 MB kept with the search index); all calls return the same one.
func Embedded() (*Gazetteer, error) { return loadEmbedded() }

var loadEmbedded = sync.OnceValues(func() (*Gazetteer, error) {
	data, err := fs.Sub(embedded, "data")
	if err != nil {
		return nil, err
	}
	return Load(data)
})

// A Gazetteer is one set of tables. It never changes and may be used by
// several goroutines. Strings it returns share memory with it.
type Gazetteer struct {
	version string

	// places holds the communes in order of INSEE code, then the
	// arrondissements, then the cities abroad: [0, communes), [communes,
	// french), [french, len).
	places   []place
	communes int
	french   int
	vectors  []vector // of places, same index

	// areas are what carries records near a point: EPCI, EPT, arrondissements,
	// and communes outside any EPCI.
	areas  []area
	areaOf map[ID]int16

	departments []division
	regions     []division
	countries   []country // in order of code
	former      []former  // in order of code
	aliases     []alias

	search func() *searchIndex // built on first use
}

// Version returns the name of the tables, such as "cog-2025".
func (g *Gazetteer) Version() string { return g.version }

// A Place is a commune, an arrondissement, a city abroad, or a bare point.
type Place struct {
	Name        string   // "Brest"; in French where there is a French name
	Code        string   // INSEE code in France, GeoNames id abroad, "" for a point far from all
	Country     string   // ISO 3166-1 alpha-2; "FR" overseas too; "" unknown
	Territory   ID       // home territory: EPCI; commune without EPCI; cell of 4 characters abroad
	Department  string   // INSEE code, "29", "2A", "974"; "" abroad
	PostalCodes []string // in no order; none abroad
	Population  int      // 0 if unknown
	Point       Point
}

// none marks the absence of an index.
const none = -1

// A place is a row of the tables, kept small: there are 58,000.
type place struct {
	name, code, postal string // slices of the unpacked table; postal joined by "|"
	pop                int32
	lat, lng           int32 // in 1e-4 degrees
	area               int16 // in areas: EPCI, or itself without EPCI, or the arrondissement; none abroad
	ept                int16 // in areas, or none
	department         int16 // in departments, or none abroad
	country            [2]byte
}

func (p *place) point() Point {
	return Point{float64(p.lat) / 1e4, float64(p.lng) / 1e4}
}

type area struct {
	id          ID
	name        string
	pop         int
	center      Point
	departments []int16
	members     []int32 // its communes in places, by code; an arrondissement has itself
	within      int32   // the commune of an arrondissement in places, else none
}

// A division is a département or a région.
type division struct {
	code, name string
	id         ID
	region     int16 // of a département, in regions
	pop        int
	center     Point
}

type country struct {
	code, name, english string
	center              Point
	located             bool // false: center is unknown
}

// A former commune was merged into the one at places[place].
type former struct {
	code, name string
	place      int32
}

// An alias is another name of places[place].
type alias struct {
	name  string
	place int32
}

// at returns the public view of places[i].
func (g *Gazetteer) at(i int32) Place {
	p := &g.places[i]
	out := Place{
		Name: p.name, Code: p.code, Country: string(p.country[:]),
		Population: int(p.pop), Point: p.point(),
	}
	if p.area == none {
		out.Territory = ID("gh:" + Geohash(out.Point, homeChars))
		return out
	}
	home := &g.areas[p.area]
	if home.within != none {
		home = &g.areas[g.places[home.within].area]
	}
	out.Territory = home.id
	out.Department = g.departments[p.department].code
	out.PostalCodes = splitList(p.postal)
	return out
}
