package demo

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// plan is who lives in the demo and what happens to them. It is arithmetic: the
// same tables, seed and number of awards give the same plan.
type plan struct {
	creators []int // place that publishes each class
	people   []person
	awards   []award // by day
	// opening are the indexes in awards of those that open each place.
	opening [places]int
}

const places = 3

// person is a member of one community.
type person struct {
	home   int
	name   string // no two of one community share it
	public bool   // agreed to be named in a profile
}

// award is a badge to be awarded.
type award struct {
	place, class, person int
	day                  int // since 1970-01-01
	expires              bool
	revoked              bool
	opens                bool // the first of its place, of the class it awards most
	introduces           bool // the profile of its holder comes with it
	endorsed             int  // how many are to endorse it
	endorsers            []endorser
}

// endorser is a community, or a member of one.
type endorser struct {
	place, person int // person is community for the community itself
}

const community = -1

const (
	// publicShare is how many holders agree to be named. profil.json does not
	// say; a person is a key until they decide otherwise.
	publicShare = 0.4
	// homeShare is how many of their badges people get at home, and life how
	// many days a badge that expires is good for: as in the generator that
	// profil.json was written for.
	homeShare = 0.85
	life      = 730
	// mostBadges bounds the badges of one person.
	mostBadges = 60
)

// opener is the class the first place awards most: it makes sure that somebody
// there knows laser cutting, whatever the seed and however small the demo.
const opener = "c06"

// draw makes the plan. How each figure is meant follows the reference generator
// of profil.json: a place has a size and a catalogue of classes, whose use falls
// as Zipf's law; a person gets badges as Pareto's law has it, mostly at home; the
// number of awards grows from year to year and follows the seasons.
func draw(t tables, seed uint64, awards int) plan {
	d := &drawer{tables: t, rand: rand.New(rand.NewPCG(seed, 0))}
	var catalogues [places][]int
	var uses [places][]float64
	var sizes []float64
	var orders [places][]int
	for i := range places {
		size := int(min(60, max(3, d.logNormal(t.ClassesMedian, t.ClassesSigma))))
		sizes = append(sizes, min(3000, max(5, math.Floor(d.logNormal(t.MembersMedian, t.MembersSigma)))))
		orders[i] = d.order(i == 0)
		catalogues[i] = orders[i][:min(size, len(t.classes))]
		for k := range catalogues[i] {
			uses[i] = append(uses[i], math.Pow(float64(k+1)+t.ZipfQ, -t.ZipfS))
		}
	}
	p := plan{creators: deal(orders, len(t.classes))}
	taken := map[person]bool{}
	for made := 0; made < awards; {
		home := len(p.people) // the first three people: one of each place
		opens := home < places
		if !opens {
			home = d.pick(sizes)
		}
		who := person{home: home, name: d.name()}
		for taken[who] {
			who.name = d.name()
		}
		taken[who] = true
		who.public = d.rand.Float64() < publicShare
		p.people = append(p.people, who)
		seen := map[[2]int]bool{}
		most := awards - max(0, places-len(p.people)) // each place is to open
		for n := d.pareto(t.BadgesAlpha, mostBadges); n > 0 && made < most; n-- {
			a := award{place: home, person: len(p.people) - 1, opens: opens && len(seen) == 0}
			if !a.opens && d.rand.Float64() >= homeShare {
				a.place = d.pick(sizes)
			}
			a.class = catalogues[a.place][0]
			if !a.opens {
				a.class = catalogues[a.place][d.pick(uses[a.place])]
			}
			if seen[[2]int{a.place, a.class}] {
				continue
			}
			seen[[2]int{a.place, a.class}] = true
			a.day = d.day()
			a.revoked = d.rand.Float64() < t.Revoked && !a.opens
			a.expires = d.rand.Float64() < t.Expires && !a.opens
			if d.rand.Float64() < t.Endorsed {
				a.endorsed = d.pareto(t.EndorsedAlpha, t.EndorsedMax)
			}
			if a.opens {
				a.endorsed = max(a.endorsed, 1) // so that the question finds endorsers
			}
			p.awards = append(p.awards, a)
			made++
		}
	}
	for i := range p.awards {
		d.endorse(&p, &p.awards[i])
	}
	p.arrange()
	return p
}

// arrange brings the awards into order and sees to what must happen once.
func (p *plan) arrange() {
	slices.SortStableFunc(p.awards, func(a, b award) int { return cmp.Compare(a.day, b.day) })
	known := map[int]bool{}
	revoked := false
	for i := range p.awards {
		a := &p.awards[i]
		a.introduces = p.people[a.person].public && !known[a.person]
		known[a.person] = true
		revoked = revoked || a.revoked
		if a.opens {
			p.opening[a.place] = i
		}
	}
	// A small demo may draw no revocation, and one is to be seen.
	for i := len(p.awards) - 1; i >= 0 && !revoked; i-- {
		revoked = !p.awards[i].opens
		p.awards[i].revoked = revoked
	}
}

// deal has the places take turns, each taking of the classes that are left the
// one it would award first.
func deal(orders [places][]int, classes int) []int {
	creators := slices.Repeat([]int{-1}, classes)
	for turn := range classes {
		place := turn % places
		for _, c := range orders[place] {
			if creators[c] < 0 {
				creators[c] = place
				break
			}
		}
	}
	return creators
}

// drawer draws from the tables.
type drawer struct {
	tables
	rand *rand.Rand
}

// order returns the classes as one place prefers them: mostly those that stand
// first in the table.
func (d *drawer) order(opens bool) []int {
	weights := make([]float64, len(d.classes))
	order := make([]int, len(d.classes))
	for i := range order {
		order[i] = i
		weights[i] = float64(i+3) * (0.2 + d.rand.Float64())
		if opens && d.classes[i].id == opener {
			weights[i] = 0
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(weights[a], weights[b]) })
	return order
}

// endorse chooses who endorses a, as far as there are people: first another
// community, then members of others.
func (d *drawer) endorse(p *plan, a *award) {
	if a.endorsed == 0 {
		return
	}
	other := (a.place + 1 + d.rand.IntN(places-1)) % places
	a.endorsers = append(a.endorsers, endorser{other, community})
	for _, i := range d.rand.Perm(len(p.people)) {
		if len(a.endorsers) == a.endorsed {
			return
		}
		if home := p.people[i].home; home != a.place && i != a.person {
			a.endorsers = append(a.endorsers, endorser{home, i})
		}
	}
}

// name draws a first name and a surname; both lists are used more at the front.
func (d *drawer) name() string {
	front := func(list []string, power float64) string {
		return list[int(float64(len(list))*math.Pow(d.rand.Float64(), power))]
	}
	return front(d.first, 1.6) + " " + front(d.last, 1.3)
}

// day draws the day of an award: later years have more, months by their season.
func (d *drawer) day() int {
	rate := math.Log(1+d.Growth) / 365
	for {
		day := int(math.Log(1+d.rand.Float64()*(math.Exp(rate*float64(d.Days))-1)) / rate)
		if d.rand.Float64() < d.Season[month(day%365)] {
			return d.FirstDay + day
		}
	}
}

// month returns 0 to 11 for a day of a year without leap day, 0 to 364.
func month(day int) int {
	for m, length := range [...]int{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30} {
		if day < length {
			return m
		}
		day -= length
	}
	return 11
}

func (d *drawer) logNormal(median, sigma float64) float64 {
	return median * math.Exp(sigma*d.rand.NormFloat64())
}

// pareto draws an integer from 1 to most, of density falling as its alpha-th
// power.
func (d *drawer) pareto(alpha float64, most int) int {
	return int(min(float64(most), math.Pow(1-d.rand.Float64(), -1/(alpha-1))))
}

// pick draws an index by weight.
func (d *drawer) pick(weights []float64) int {
	total := 0.0
	for _, w := range weights {
		total += w
	}
	at := d.rand.Float64() * total
	for i, w := range weights {
		if at -= w; at < 0 {
			return i
		}
	}
	return len(weights) - 1
}
