package territory

import (
	"slices"
	"strings"
)

// Name returns what to show for id: "Brest Métropole", "Ille-et-Vilaine",
// "Rennes", "cellule u15b", the slug of a named area. A former commune keeps
// its own name. An id that the tables do not know is its own name.
func (g *Gazetteer) Name(id ID) string {
	switch kind := id.Kind(); kind {
	case Country:
		if i, ok := g.country(id.code()); ok {
			return g.countries[i].name
		}
	case Subdivision:
		if d, _ := g.division(id); d != nil {
			return d.name
		}
	case Commune:
		if i, ok := g.commune(id.code()); ok {
			return g.places[i].name
		}
		if i, ok := g.formerCommune(id.code()); ok {
			return g.former[i].name
		}
	case EPCI, EPT, Arrondissement:
		if a, ok := g.areaOf[id]; ok {
			return g.areas[a].name
		}
	case Cell:
		return "cellule " + id.code()
	case Named:
		_, slug, _ := strings.Cut(id.code(), ":")
		return slug
	}
	return string(id)
}

// Label returns the name of p with what tells it from its homonyms: "Brest
// (Finistère)", "Brest
// (Biélorussie)".
func (g *Gazetteer) Label(p Place) string {
	for i := range g.departments {
		if d := &g.departments[i]; p.Department != "" && d.code == p.Department {
			return p.Name + " (" + d.name + ")"
		}
	}
	if i, ok := g.country(p.Country); ok {
		return p.Name + " (" + g.countries[i].name + ")"
	}
	return p.Name
}

// Center returns a point to put id on a map, and false if none is known. It is
// the town hall or the middle of a territory, not the place of anything in it.
func (g *Gazetteer) Center(id ID) (Point, bool) {
	if a, ok := g.areaOf[id]; ok {
		return g.areas[a].center, true
	}
	switch id.Kind() {
	case Country:
		if i, ok := g.country(id.code()); ok {
			return g.countries[i].center, g.countries[i].located
		}
	case Subdivision:
		if d, _ := g.division(id); d != nil {
			return d.center, true
		}
	case Commune:
		if found := g.insee(id.code()); len(found) > 0 {
			return g.places[found[0]].point(), true
		}
	case Cell:
		return cellBox(id.code()).center(), true
	}
	return Point{}, false
}

// Within returns the territories that hold id, from the nearest to the
// country, without id itself: an arrondissement's commune, then EPT and EPCI,
// then départements, then régions, then "iso:FR". An EPCI on the border of
// départements has several. A former commune begins with the one that replaced
// it. A cell has the larger cells; an unknown commune has the country alone,
// and a named area nothing.
func (g *Gazetteer) Within(id ID) []ID {
	var up []ID
	add := func(ids ...ID) {
		for _, v := range ids {
			if v != id && !slices.Contains(up, v) {
				up = append(up, v)
			}
		}
	}
	var departments []int16
	switch id.Kind() {
	case Commune, Arrondissement:
		for _, i := range g.insee(id.code()) {
			if commune := g.parent(i); commune != none {
				i = commune
			}
			p := &g.places[i]
			add(g.placeID(i))
			if p.ept != none {
				add(g.areas[p.ept].id)
			}
			add(g.areas[p.area].id)
			departments = []int16{p.department}
		}
	case EPCI, EPT:
		if a, ok := g.areaOf[id]; ok {
			departments = g.areas[a].departments
			if members := g.areas[a].members; id.Kind() == EPT {
				add(g.areas[g.places[members[0]].area].id)
			}
		}
	case Subdivision:
		if d, isDepartment := g.division(id); isDepartment {
			add(g.regions[d.region].id)
		}
		country, _, _ := strings.Cut(string(id), "-")
		add(ID(country))
		return up
	case Cell:
		for n := len(id) - 1; n >= len("gh:")+2; n-- {
			add(id[:n])
		}
		return up
	default:
		return nil
	}
	for _, d := range departments {
		add(g.departments[d].id)
	}
	for _, d := range departments {
		add(g.regions[g.departments[d].region].id)
	}
	add("iso:FR")
	return up
}

// division returns the département or région with that id, nil if unknown.
// Five overseas régions of one département share its id.
func (g *Gazetteer) division(id ID) (d *division, isDepartment bool) {
	for i := range g.departments {
		if g.departments[i].id == id {
			return &g.departments[i], true
		}
	}
	for i := range g.regions {
		if g.regions[i].id == id {
			return &g.regions[i], false
		}
	}
	return nil, false
}
