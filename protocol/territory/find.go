package territory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// ErrUnknown is wrapped by the error of [Gazetteer.Find] when nothing has that
// name.
var ErrUnknown = errors.New("unknown place")

// An UnknownError is the error of a [Gazetteer.Find] that found nothing. It
// wraps [ErrUnknown].
type UnknownError struct {
	Query       string
	Suggestions []string // labels of at most 3 places with a near name, best first
}

func (e *UnknownError) Error() string {
	s := fmt.Sprintf("%v %q", ErrUnknown, clip(e.Query))
	if len(e.Suggestions) == 0 {
		return s + `: give a commune, a postal code, or a point such as "48.3904,-4.4861"`
	}
	return s + ": did you mean " + strings.Join(e.Suggestions, ", ") + "?"
}

// Unwrap returns [ErrUnknown].
func (e *UnknownError) Unwrap() error { return ErrUnknown }

// maxCandidates bounds the candidates of an [AmbiguousError].
const maxCandidates = 10

// An AmbiguousError is the error of a [Gazetteer.Find] that found several
// places, none far larger than the others.
type AmbiguousError struct {
	Query      string
	Candidates []Place  // at most 10, the most people first
	Labels     []string // of the candidates: "Saint-Denis (Seine-Saint-Denis)"
	Total      int      // how many there are
	Hint       string   // what to type instead
}

func (e *AmbiguousError) Error() string {
	more := ""
	if n := e.Total - len(e.Labels); n > 0 {
		more = fmt.Sprintf(" and %d more", n)
	}
	return fmt.Sprintf("place %q may be %s%s; %s", clip(e.Query), strings.Join(e.Labels, ", "), more, e.Hint)
}

func clip(s string) string {
	if r := []rune(s); len(r) > 60 {
		return string(r[:60]) + "…"
	}
	return s
}

const (
	// dominance is how many times the population of the second place the
	// first must have to be the one that is meant.
	dominance = 10

	// namedWithin is how far in km a city abroad gives its name to a point.
	namedWithin = 30
)

// Find returns the one place that query means: a name, with or without its
// département ("Saint-Denis, 93", "Saint-Denis (Réunion)", "Brest, Biélorussie"),
// a postal code, both ("29200 Brest"), an INSEE code, an id such as
// "fr:com:29019", or a point "48.39,-4.48", which keeps its own coordinates
// and takes the rest from the nearest commune or city.
//
// Exact names count before the beginnings of names, communes before what was
// merged into them, and France before abroad. Of several the one with ten
// times the people of the next is taken; else the error is an
// [*AmbiguousError]. If there is none it is an [*UnknownError].
func (g *Gazetteer) Find(query string) (Place, error) {
	text := strings.TrimSpace(query)
	if len(text) > maxQuery {
		return Place{}, &UnknownError{Query: query}
	}
	if p, err := ParsePoint(text); err == nil {
		return g.findPoint(p), nil
	}
	if found := g.byCode(text); len(found) > 0 {
		if code := strings.ToUpper(text); hasPostal(g.places[found[0]].postal, code) {
			// Leave out a commune that only has it as its INSEE code.
			found = slices.DeleteFunc(found, func(i int32) bool { return !hasPostal(g.places[i].postal, code) })
		}
		return g.choose(query, found, fmt.Sprintf("add the name: %q", g.places[found[0]].name+", "+text))
	}
	found := g.named(text)
	if len(found) == 0 {
		name, qualifier := splitQualifier(text)
		if qualifier == "" {
			return Place{}, g.unknown(query, name)
		}
		if found = slices.DeleteFunc(g.namedAnywhere(name), func(i int32) bool { return !g.qualifies(i, qualifier) }); len(found) == 0 {
			return Place{}, g.unknown(query, name)
		}
	}
	hint := "add the department or the country"
	if p := &g.places[found[0]]; p.department != none {
		hint = fmt.Sprintf("add the department: %q", p.name+", "+g.departments[p.department].code)
	}
	return g.choose(query, found, hint)
}

// choose returns the place of found, most people first, that dominates the
// others. It falls to the error if there is none.
func (g *Gazetteer) choose(query string, found []int32, hint string) (Place, error) {
	if g.dominates(found) {
		return g.at(found[0]), nil
	}
	e := &AmbiguousError{Query: query, Total: len(found), Hint: hint}
	for _, i := range found[:min(len(found), maxCandidates)] {
		p := g.at(i)
		e.Candidates = append(e.Candidates, p)
		e.Labels = append(e.Labels, g.Label(p))
	}
	return Place{}, e
}

// dominates reports whether found[0] is far larger than all others.
func (g *Gazetteer) dominates(found []int32) bool {
	return len(found) == 1 || int(g.places[found[0]].pop) >= dominance*max(1, int(g.places[found[1]].pop))
}

// named returns the places of the best tier of the name, most people first:
// the whole name in France, abroad, of a former commune, or the first words.
// Homonyms abroad are listed only when those of France leave a doubt.
func (g *Gazetteer) named(name string) []int32 {
	hits := g.matchPlaces(fold(name))
	for _, t := range [...]tier{tierName, tierArticle, tierFormer, tierFirstWords} {
		var french, abroad []int32
		for _, h := range hits {
			if h.tier != t {
				continue
			}
			if g.abroad(h.ref) == 0 {
				french = append(french, h.ref)
			} else {
				abroad = append(abroad, h.ref)
			}
		}
		byPeople := func(a, b int32) int { return cmp.Compare(g.places[b].pop, g.places[a].pop) }
		slices.SortStableFunc(french, byPeople)
		slices.SortStableFunc(abroad, byPeople)
		if len(french) > 0 && g.dominates(french) {
			return french
		}
		if found := append(french, abroad...); len(found) > 0 {
			return found
		}
	}
	return nil
}

// namedAnywhere returns all places whose name is or begins with the words of
// name, for a qualifier to choose among: the best tier that is left counts.
func (g *Gazetteer) namedAnywhere(name string) []int32 {
	var found []int32
	for _, h := range g.matchPlaces(fold(name)) {
		if h.tier <= tierFormer {
			found = append(found, h.ref)
		}
	}
	if len(found) == 0 {
		found = g.named(name)
	}
	return found
}

// splitQualifier splits "Brest, 29", "Brest (29)", "29200 Brest" and "Brest
// 29200" into a name and what tells it from others; qualifier is empty if
// there is none.
func splitQualifier(text string) (name, qualifier string) {
	if rest, ok := strings.CutSuffix(text, ")"); ok {
		if i := strings.LastIndexByte(rest, '('); i >= 0 {
			return strings.TrimSpace(rest[:i]), strings.TrimSpace(rest[i+1:])
		}
	}
	if i := strings.LastIndexByte(text, ','); i >= 0 {
		return strings.TrimSpace(text[:i]), strings.TrimSpace(text[i+1:])
	}
	if words := strings.Fields(text); len(words) > 1 {
		first, last := words[0], words[len(words)-1]
		switch {
		case len(first) == 5 && all(first, isDigit):
			return strings.Join(words[1:], " "), first
		case len(last) == 5 && all(last, isDigit):
			return strings.Join(words[:len(words)-1], " "), last
		}
	}
	return text, ""
}

// qualifies reports whether the place is in what qualifier names: a
// département, région or country by code or name, or a postal code.
func (g *Gazetteer) qualifies(i int32, qualifier string) bool {
	p, want := &g.places[i], fold(qualifier)
	if want == "" {
		return false
	}
	is := func(names ...string) bool {
		return slices.ContainsFunc(names, func(name string) bool {
			return withoutArticle(fold(name)) == withoutArticle(want)
		})
	}
	if p.department != none {
		d := &g.departments[p.department]
		if is(d.code, d.name, g.regions[d.region].name) || hasPostal(p.postal, want) {
			return true
		}
	}
	c, ok := g.country(string(p.country[:]))
	return ok && is(g.countries[c].code, g.countries[c].name, g.countries[c].english)
}

// findPoint returns the place of a bare point.
func (g *Gazetteer) findPoint(at Point) Place {
	loc := g.locate(at.vector())
	if loc.areas != nil {
		p := g.at(loc.nearest.place)
		p.Point = at
		return p
	}
	cell := ID("gh:" + Geohash(at, homeChars))
	p := Place{Name: g.Name(cell)}
	if c := loc.nearest; c.place != none && c.chord2 <= chord2Of(namedWithin) {
		p = g.at(c.place)
	}
	p.Territory, p.Point = cell, at
	return p
}

// unknown returns the error for a query, with places of a near name.
func (g *Gazetteer) unknown(query, name string) error {
	e := &UnknownError{Query: query}
	for _, i := range g.suggest(fold(name), 3) {
		e.Suggestions = append(e.Suggestions, g.Label(g.at(i)))
	}
	return e
}
