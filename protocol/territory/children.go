package territory

import "slices"

// Children returns the territories that id holds, larger before smaller and then
// by id: of a country its régions, départements and what carries records in them
// (EPCI, EPT, arrondissements, and communes without EPCI); of a région or
// département the same; of an EPCI its EPT, communes and arrondissements; of an EPT
// or a commune its communes and arrondissements. Communes within an EPCI are
// children of the EPCI alone: there are 35,000. Of what the tables do not divide,
// cells and named areas too, there are none.
func (g *Gazetteer) Children(id ID) []ID {
	var down []ID
	add := func(v ID) {
		if v != id && !slices.Contains(down, v) && slices.Contains(g.Within(v), id) {
			down = append(down, v)
		}
	}
	switch id.Kind() {
	case Country, Subdivision:
		for _, of := range [][]division{g.regions, g.departments} {
			for i := range of {
				add(of[i].id)
			}
		}
	case EPCI, EPT, Commune:
	default:
		return nil
	}
	large := len(down)
	for i := range g.areas {
		add(g.areas[i].id)
	}
	if a, ok := g.areaOf[id]; ok {
		for _, i := range g.areas[a].members {
			add(g.placeID(i))
		}
	}
	slices.Sort(down[large:])
	return down
}
