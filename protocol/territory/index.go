package territory

import (
	"math"
	"slices"
	"strings"
)

// A searchIndex is what Search needs beside the tables, under 2 MB.
type searchIndex struct {
	places      *textIndex // refs are indexes in places
	territories *textIndex // refs are indexes in listed
	listed      []Territory
}

func (g *Gazetteer) buildSearch() *searchIndex {
	s := &searchIndex{places: newTextIndex(len(g.places) + len(g.former) + len(g.aliases)), territories: newTextIndex(3 * len(g.areas))}
	for i := range g.places {
		s.places.add(g.places[i].name, int32(i), false)
	}
	for _, a := range g.aliases {
		s.places.add(a.name, a.place, false)
	}
	for _, f := range g.former {
		s.places.add(f.name, f.place, true)
	}
	list := func(id ID, names ...string) {
		for _, name := range names {
			s.territories.add(name, int32(len(s.listed)), false)
		}
		s.listed = append(s.listed, g.territory(id))
	}
	for i := range g.areas {
		if a := &g.areas[i]; a.id.Kind() == EPCI || a.id.Kind() == EPT {
			name := a.name
			for _, sort := range [...]string{"CC ", "CA ", "CU "} {
				name = strings.TrimPrefix(name, sort)
			}
			list(a.id, name, a.name, a.id.code())
		}
	}
	for i := range g.departments {
		list(g.departments[i].id, g.departments[i].name, g.departments[i].code)
	}
	for i := range g.regions {
		list(g.regions[i].id, g.regions[i].name)
	}
	for _, c := range g.countries {
		list(ID("iso:"+c.code), c.name, c.english)
	}
	return s
}

// A textIndex finds folded names by any of their words. It is one text with a
// name per line: scanning a megabyte for a newline or space and a query takes
// 0.1 to 1 ms, and there is nothing to keep in step.
type textIndex struct {
	text   []byte // "\nbrest\nsaint brieuc\n"
	starts []int32
	refs   []int32 // complemented (^ref) for the name of a former commune
}

func newTextIndex(names int) *textIndex {
	x := &textIndex{
		text:   make([]byte, 1, 1+18*names), // 18 bytes a name, a little over the mean
		starts: make([]int32, 0, names),
		refs:   make([]int32, 0, names),
	}
	x.text[0] = '\n'
	return x
}

func (x *textIndex) add(name string, ref int32, former bool) {
	start := len(x.text)
	x.text = appendFold(x.text, name)
	if len(x.text) == start || len(x.text) > math.MaxInt32/2 {
		x.text = x.text[:start] // nothing that could be typed
		return
	}
	x.text = append(x.text, '\n')
	if former {
		ref = ^ref
	}
	x.starts = append(x.starts, int32(start))
	x.refs = append(x.refs, ref)
}

// line returns the number of the line that holds the byte at pos.
func (x *textIndex) line(pos int) int {
	i, found := slices.BinarySearch(x.starts, int32(pos))
	if found {
		return i
	}
	return i - 1
}

// name returns line i of the text, and whether it is a former name.
func (x *textIndex) name(i int) (name []byte, ref int32, former bool) {
	end := len(x.text)
	if i+1 < len(x.starts) {
		end = int(x.starts[i+1])
	}
	ref = x.refs[i]
	if ref < 0 {
		ref, former = ^ref, true
	}
	return x.text[x.starts[i] : end-1], ref, former
}
