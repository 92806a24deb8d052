package territory

import (
	"slices"
	"strings"
)

// A Band says how far a territory is, as coarsely as people may be shown.
// Smaller is nearer.
type Band uint8

// The bands, nearest first.
const (
	SameTerritory  Band = iota // in the home territory of the asker
	Under20                    // less than 20 km to its nearest commune
	Under50                    // less than 50 km
	SameDepartment             // further, with a commune in the asker's département
	Farther
)

var bandNames = [...]string{"same territory", "under 20 km", "under 50 km", "same department", "farther"}

// String returns the English words for b.
func (b Band) String() string {
	if b > Farther {
		b = Farther
	}
	return bandNames[b]
}

// Band returns how far a record placed in id is from the place from. The
// distance is that of [Gazetteer.Near]: to the nearest commune of an EPCI, to
// the edge of a cell. A territory too large to be a distance away (a
// département, a région, a country, a cell of fewer than 4 characters) is at
// best SameDepartment; a named area, or an id the tables do not know, is
// Farther. Cost: the number of communes of id.
func (g *Gazetteer) Band(from Place, id ID) Band {
	kind := id.Kind()
	if id == from.Territory && kind != Unknown {
		return SameTerritory
	}
	switch kind {
	case Subdivision:
		d, isDepartment := g.division(id)
		if isDepartment && d.code == from.Department {
			return SameDepartment
		}
		return Farther
	case Cell:
		if from.Territory.Kind() == Cell && strings.HasPrefix(string(id), string(from.Territory)) {
			return SameTerritory
		}
		if len(id.code()) < homeChars {
			return Farther
		}
		return bandOf(cellBox(id.code()).distance(from.Point), false)
	case EPCI, EPT, Commune, Arrondissement:
		return g.bandOfCommunes(from, id)
	}
	return Farther
}

func (g *Gazetteer) bandOfCommunes(from Place, id ID) Band {
	var members []int32
	if a, ok := g.areaOf[id]; ok {
		members = g.areas[a].members
	} else if id.Kind() == Commune {
		members = g.insee(id.code())
	}
	if len(members) == 0 {
		return Farther
	}
	// A commune, arrondissement or EPT of the home EPCI; the id of a former
	// commune that became the home territory.
	if id.Kind() != EPCI && slices.Contains(g.Within(id), from.Territory) {
		return SameTerritory
	}
	km, same := Distance(from.Point, g.places[members[0]].point()), false
	for _, i := range members {
		p := &g.places[i]
		km = min(km, Distance(from.Point, p.point()))
		same = same || g.departments[p.department].code == from.Department
	}
	return bandOf(km, same)
}

func bandOf(km float64, sameDepartment bool) Band {
	switch {
	case km < 20:
		return Under20
	case km < 50:
		return Under50
	case sameDepartment:
		return SameDepartment
	}
	return Farther
}
