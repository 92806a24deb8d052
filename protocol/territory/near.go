package territory

import (
	"cmp"
	"math"
	"slices"
)

const (
	// MaxRadius is the greatest radius of [Gazetteer.Near] in km. It bounds
	// the number of cells of an answer; further away "near" means nothing.
	MaxRadius = 200

	// reach is how far in km a point may be from every commune and still be
	// in one. The communes of Guyane need it: Maripasoula is 160 km long.
	reach = 100

	// border is how far in km beyond the radius a city abroad makes cells of
	// its country worth asking for.
	border = 30
)

// A Near is a territory that may carry records near a point, and the distance
// in km to the nearest of its communes, 0 for the one that holds the point.
type Near struct {
	ID ID
	Km float64
}

// Near returns the territories in which a record near p may be placed, nearest
// first, then in order of id: each EPCI, each commune without EPCI, each EPT
// and each arrondissement that has a commune (or itself) within km of p, and
// always those of the commune nearest to p. Across a border, and abroad, it
// returns the geohash cells of 4 characters that reach within km.
//
// It does not return larger territories, nor communes in an EPCI: a caller
// that wants "fr:com:29019" too asks [Gazetteer.Within] of the record's ids.
//
// Radii are clamped to 0..MaxRadius; nothing is near a point that is not
// Valid. Cost: 0.13 ms; two passes over all places.
func (g *Gazetteer) Near(p Point, km float64) []Near {
	if !p.Valid() || math.IsNaN(km) {
		return nil
	}
	km = max(0, min(km, MaxRadius))
	at := p.vector()
	limit := chord2Of(km + 0.01) // 10 m for rounding; the exact test is below
	best := make([]candidate, len(g.areas))
	for i := range best {
		best[i] = candidate{none, limit}
	}
	for i := range g.french {
		d := chord2(at, g.vectors[i])
		if d > limit {
			continue
		}
		c := candidate{int32(i), d}
		p := &g.places[i]
		best[p.area] = nearer(best[p.area], c)
		if p.ept != none {
			best[p.ept] = nearer(best[p.ept], c)
		}
	}
	home := g.locate(at)
	var out []Near
	for i, c := range best {
		if slices.Contains(home.areas, int16(i)) {
			out = append(out, Near{g.areas[i].id, 0})
		} else if c.place != none {
			if d := Distance(p, g.places[c.place].point()); d <= km {
				out = append(out, Near{g.areas[i].id, d})
			}
		}
	}
	if home.areas == nil || home.abroad.chord2 <= chord2Of(km+border) {
		out = appendCells(out, p, km)
	}
	slices.SortFunc(out, func(a, b Near) int {
		return cmp.Or(cmp.Compare(a.Km, b.Km), cmp.Compare(a.ID, b.ID))
	})
	return out
}

// A candidate is a place and the squared chord to it.
type candidate struct {
	place  int32 // in places, or none
	chord2 float32
}

func nearer(a, b candidate) candidate {
	if b.chord2 < a.chord2 || a.place == none && b.chord2 <= a.chord2 {
		return b
	}
	return a
}

// A location says what holds a point.
type location struct {
	nearest candidate // of communes, or of cities if the point is abroad
	abroad  candidate // the nearest city abroad
	areas   []int16   // the EPCI, EPT and arrondissement that hold it; nil abroad
}

// locate decides whether a point is in France, by the nearest commune or city
// abroad: there are no outlines here. Communes are dense and cities abroad are
// those of 15,000 people, so a village just across the border may be taken for
// French; people there choose their territory themselves.
func (g *Gazetteer) locate(at vector) location {
	commune := g.nearest(at, 0, g.communes)
	abroad := g.nearest(at, g.french, len(g.places))
	loc := location{nearest: abroad, abroad: abroad}
	if commune.place == none || commune.chord2 > chord2Of(reach) || abroad.chord2 < commune.chord2 {
		return loc
	}
	p := &g.places[commune.place]
	loc.nearest, loc.areas = commune, []int16{p.area}
	if p.ept != none {
		loc.areas = append(loc.areas, p.ept)
	}
	// The nearest arrondissement, if it is one of that commune.
	arm := g.nearest(at, g.communes, g.french)
	if arm.place != none && g.parent(arm.place) == commune.place {
		loc.areas = append(loc.areas, g.places[arm.place].area)
	}
	return loc
}

// nearest returns the nearest of places[from:to], the first of equals.
func (g *Gazetteer) nearest(at vector, from, to int) candidate {
	c := candidate{none, math.MaxFloat32}
	for i, v := range g.vectors[from:to] {
		if d := chord2(at, v); d < c.chord2 {
			c = candidate{int32(from + i), d}
		}
	}
	return c
}

// appendCells appends the home cells that reach within km of p. Their number
// grows near the poles, where it is at most 21 full rows of 1024.
func appendCells(out []Near, p Point, km float64) []Near {
	const bits = 5 * homeChars / 2
	span := km/(earthRadius*math.Pi/180) + 0.01 // in degrees of latitude, and 1 km more
	low := gridIndex(max(-90, p.Lat-span), 90, bits)
	high := gridIndex(min(90, p.Lat+span), 90, bits)
	columns := cellsWide / 2 // to either side
	if edge := math.Abs(p.Lat) + span; edge < 89 {
		// The widest meridian of the circle is under span/cos of its edge.
		columns = min(columns, 1+int(span/math.Cos(radians(edge))/360*cellsWide))
	}
	middle := int(gridIndex(p.Lng, 180, bits))
	for row := low; row <= high; row++ {
		for i := -columns; i <= columns; i++ {
			if i == cellsWide/2 {
				continue // the column -cellsWide/2 again
			}
			col := uint64(middle+i+cellsWide) % cellsWide
			hash := interleave(row, col, homeChars)
			if d := cellBox(hash).distance(p); d <= km {
				out = append(out, Near{ID("gh:" + hash), d})
			}
		}
	}
	return out
}
