package territory

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

func (l *loader) readRegions() error {
	return l.table("regions", "code nom iso3166_2 pop lat lng", func(f []string) error {
		d, err := parseDivision(f[0], f[1], f[2], f[3], f[4], f[5])
		l.regions[d.code] = int16(len(l.g.regions))
		l.g.regions = append(l.g.regions, d)
		return err
	})
}

func (l *loader) readDepartments() error {
	return l.table("departements", "code nom region iso3166_2 pop lat lng", func(f []string) error {
		d, err := parseDivision(f[0], f[1], f[3], f[4], f[5], f[6])
		if err != nil {
			return err
		}
		var ok bool
		if d.region, ok = l.regions[f[2]]; !ok {
			return fmt.Errorf("no région %q", f[2])
		}
		l.departments[d.code] = int16(len(l.g.departments))
		l.g.departments = append(l.g.departments, d)
		return nil
	})
}

func parseDivision(code, name, iso, pop, lat, lng string) (division, error) {
	id, err := Parse("iso:" + iso)
	if err != nil {
		return division{}, err
	}
	p, err := parsePlace(name, code, pop, lat, lng)
	return division{code: code, name: name, id: id, pop: int(p.pop), center: p.point()}, err
}

func (l *loader) readEPCI() error {
	return l.table("epci", "siren nom type pop lat lng deps", func(f []string) error {
		id, err := Parse("fr:epci:" + f[0])
		if err != nil {
			return err
		}
		p, err := parsePlace(f[1], f[0], f[3], f[4], f[5])
		if err != nil {
			return err
		}
		a := area{id: id, name: f[1], pop: int(p.pop), center: p.point()}
		for _, code := range splitList(f[6]) {
			d, ok := l.departments[code]
			if !ok {
				return fmt.Errorf("no département %q", code)
			}
			a.departments = append(a.departments, d)
		}
		return l.addArea(a)
	})
}

// addArea appends a to the areas, as one that is in no commune.
func (l *loader) addArea(a area) error {
	if _, twice := l.g.areaOf[a.id]; twice || len(l.g.areas) == math.MaxInt16 {
		return fmt.Errorf("%s is there twice, or there are too many", a.id)
	}
	a.within = none
	l.g.areaOf[a.id] = int16(len(l.g.areas))
	l.g.areas = append(l.g.areas, a)
	return nil
}

func (l *loader) readCommunes() error {
	g := l.g
	g.places = make([]place, 0, 59_000)
	last := ""
	err := l.table("communes", "insee nom dep epci pop lat lng cp", func(f []string) error {
		if !isINSEE(f[0]) || f[0] <= last {
			return fmt.Errorf("INSEE code %q is not one, or not after %q", f[0], last)
		}
		last = f[0]
		p, err := parsePlace(f[1], f[0], f[4], f[5], f[6])
		if err != nil {
			return err
		}
		var ok bool
		if p.department, ok = l.departments[f[2]]; !ok {
			return fmt.Errorf("no département %q", f[2])
		}
		p.postal, p.country = f[7], [2]byte{'F', 'R'}
		if f[3] == "" {
			p.area = int16(len(g.areas))
			err := l.addArea(area{
				id: ID("fr:com:" + f[0]), name: f[1], pop: int(p.pop),
				center: p.point(), departments: []int16{p.department},
			})
			if err != nil {
				return err
			}
		} else if p.area, ok = g.areaOf[ID("fr:epci:"+f[3])]; !ok {
			return fmt.Errorf("no EPCI %q", f[3])
		}
		g.places = append(g.places, p)
		return nil
	})
	g.communes = len(g.places)
	return err
}

func (l *loader) readEPT() error {
	return l.table("ept", "siren nom communes", func(f []string) error {
		id, err := Parse("fr:ept:" + f[0])
		if err != nil {
			return err
		}
		a := area{id: id, name: f[1]}
		index := int16(len(l.g.areas))
		var lat, lng float64 // an EPT is small: the plain mean is its middle
		for _, code := range splitList(f[2]) {
			i, ok := l.g.commune(code)
			if !ok {
				return fmt.Errorf("no commune %q", code)
			}
			p := &l.g.places[i]
			p.ept = index
			a.pop += int(p.pop)
			lat, lng = lat+p.point().Lat, lng+p.point().Lng
			a.members = append(a.members, i)
			if !slices.Contains(a.departments, p.department) {
				a.departments = append(a.departments, p.department)
			}
		}
		if len(a.members) == 0 {
			return errors.New("an EPT without communes")
		}
		n := float64(len(a.members))
		a.center = Point{round4(lat / n), round4(lng / n)}
		return l.addArea(a)
	})
}

func (l *loader) readArrondissements() error {
	g := l.g
	err := l.table("arrondissements", "insee nom commune pop lat lng cp", func(f []string) error {
		id, err := Parse("fr:arm:" + f[0])
		if err != nil {
			return err
		}
		commune, ok := g.commune(f[2])
		if !ok {
			return fmt.Errorf("no commune %q", f[2])
		}
		p, err := parsePlace(f[1], f[0], f[3], f[4], f[5])
		if err != nil {
			return err
		}
		p.postal, p.country = f[6], [2]byte{'F', 'R'}
		p.department, p.area = g.places[commune].department, int16(len(g.areas))
		err = l.addArea(area{
			id: id, name: f[1], pop: int(p.pop), center: p.point(), departments: []int16{p.department},
			members: []int32{int32(len(g.places))},
		})
		if err != nil {
			return err
		}
		g.areas[p.area].within = commune
		g.places = append(g.places, p)
		return nil
	})
	g.french = len(g.places)
	return err
}

func (l *loader) readFormer() error {
	g := l.g
	err := l.table("former-communes", "ancien_insee insee_actuel ancien_nom", func(f []string) error {
		i, ok := g.commune(f[1])
		if !ok || !isINSEE(f[0]) {
			return fmt.Errorf("%q is not an INSEE code, or no commune %q", f[0], f[1])
		}
		g.former = append(g.former, former{code: f[0], name: f[2], place: i})
		return nil
	})
	slices.SortStableFunc(g.former, func(a, b former) int { return cmp.Compare(a.code, b.code) })
	return err
}

func (l *loader) readCountries() error {
	g := l.g
	err := l.table("countries", "alpha2 name_fr name_en lat lng", func(f []string) error {
		if _, err := Parse("iso:" + f[0]); err != nil || len(f[0]) != 2 {
			return fmt.Errorf("%q is not a country code", f[0])
		}
		c := country{code: f[0], name: f[1], english: f[2], located: f[3] != ""}
		if c.located {
			p, err := parsePlace(f[1], f[0], "", f[3], f[4])
			if err != nil {
				return err
			}
			c.center = p.point()
		}
		g.countries = append(g.countries, c)
		return nil
	})
	slices.SortStableFunc(g.countries, func(a, b country) int { return cmp.Compare(a.code, b.code) })
	return err
}

func (l *loader) readCities() error {
	g := l.g
	return l.table("cities", "geonames cc nom alias lat lng pop", func(f []string) error {
		if _, ok := g.country(f[1]); !ok {
			return fmt.Errorf("no country %q", f[1])
		}
		p, err := parsePlace(f[2], f[0], f[6], f[4], f[5])
		if err != nil {
			return err
		}
		p.area, p.department = none, none
		p.country = [2]byte{f[1][0], f[1][1]}
		if f[3] != "" {
			g.aliases = append(g.aliases, alias{name: f[3], place: int32(len(g.places))})
		}
		g.places = append(g.places, p)
		return nil
	})
}

// parsePlace reads what all places have. An empty pop is 0.
func parsePlace(name, code, pop, lat, lng string) (place, error) {
	p := place{name: name, code: code, ept: none}
	if name == "" || code == "" {
		return p, errors.New("no name or no code")
	}
	if pop != "" {
		n, err := strconv.ParseInt(pop, 10, 32)
		if err != nil || n < 0 {
			return p, fmt.Errorf("%s: population %q is not a number", name, pop)
		}
		p.pop = int32(n)
	}
	var at Point
	var errLat, errLng error
	at.Lat, errLat = strconv.ParseFloat(lat, 64)
	at.Lng, errLng = strconv.ParseFloat(lng, 64)
	if errLat != nil || errLng != nil || !at.Valid() {
		return p, fmt.Errorf("%s: %q, %q is not a point", name, lat, lng)
	}
	p.lat, p.lng = int32(math.Round(at.Lat*1e4)), int32(math.Round(at.Lng*1e4))
	return p, nil
}

// splitList splits a field of several values; an empty field has none.
func splitList(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, "|")
}
