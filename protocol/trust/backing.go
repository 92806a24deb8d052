package trust

import (
	"maps"
	"math/bits"
	"slices"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Role says what a supporter did for what is backed, the strongest first.
type Role uint8

// The roles.
const (
	Author        Role = iota // issued the award, made the class, or is the actor
	Endorser                  // endorsed the award, or the class where that is what is asked about
	ClassEndorser             // endorsed the class of the award: counts half
)

// Voice is one identity that supports or disputes, with the points it brings.
type Voice struct {
	Who    did.DID // by its first key
	Role   Role    // of a supporter
	Record Digest  // by which it says so; zero for an actor itself
	Points Points
}

// Level is how well something is backed, as people read it.
type Level uint8

// The levels, from no chain to several strong ones.
const (
	LevelUnknown   Level = iota // no chain leads there, or it is contested
	LevelFragile                // one chain, or from far away
	LevelBacked                 // by two independent chains, or by a whole point
	LevelSolid                  // .1 point and two independent chains
	LevelVerySolid              // one point and three independent chains
)

// Backing is what speaks for and against an award, a class or an actor, seen
// from the anchors.
type Backing struct {
	Of         Target
	Author     did.DID // issuer, creator or the actor, by first key
	Holder     did.DID // of an award
	Supporters []Voice // the author, and who has points; most first
	Disputers  []Voice // who has points; most first
	For        Points
	Against    Points
	// Approval is For of For and Against together, in millionths, rounded
	// down; a million where there is neither.
	Approval uint32
	// Net is For times the exact approval, rounded down.
	Net Points
	// Independent counts chains that share no actor, up to MaxIndependent.
	Independent int
	Level       Level
	Disputed    bool // approval below nine tenths: level 1 at most
	Contested   bool // approval below two thirds: level 0
}

// matter is what a backing is counted for: records and actors by number.
type matter struct {
	author  actor
	holder  actor // or nobody
	record  ref   // an award, a class, or 0
	class   ref   // of an award
	creator actor // of that class, or nobody
}

// Backing returns what speaks for and against t: an award, a class, or an
// actor, which may be unknown. It returns false for a record that is none of
// these or does not count today (Why says why). Cost: the exact points of each
// voice, and the count of independent chains.
func (g *Graph) Backing(t Target) (Backing, bool) {
	g.settle()
	m, ok := g.matter(t)
	if !ok {
		if t.Profile == "" {
			return Backing{}, false
		}
		return Backing{Of: t, Author: t.Profile, Supporters: []Voice{{Who: t.Profile}}, Approval: 1e6}, true
	}
	b := Backing{Of: t, Author: g.people[m.author].did}
	if m.holder != nobody {
		b.Holder = g.people[m.holder].did
	}
	supporters := g.supporters(m)
	for _, s := range supporters {
		points := g.points(s.who, m.barred()...)
		if s.role == ClassEndorser {
			points /= 2
		}
		if points > 0 || s.role == Author {
			b.Supporters = append(b.Supporters, g.voice(s, points))
		}
		b.For += points
	}
	for _, d := range g.disputers(m) {
		points := g.points(d.who, append(m.barred(), m.author)...)
		if points > 0 {
			b.Disputers = append(b.Disputers, g.voice(d, points))
		}
		b.Against += points
	}
	g.sortVoices(b.Supporters)
	g.sortVoices(b.Disputers)
	b.weigh()
	b.Independent = len(g.apart(m, supporters))
	if slices.ContainsFunc(supporters, func(s speaker) bool { return g.anchor[s.who] }) {
		b.Independent = MaxIndependent
	}
	b.Level = level(b.Net, b.Independent, b.Disputed, b.Contested)
	return b, true
}

// weigh sets approval and net from For and Against.
func (b *Backing) weigh() {
	b.Approval = 1e6
	all := b.For + b.Against
	if all == 0 {
		return
	}
	part := func(x, y uint64) uint64 { // x·y/all
		hi, lo := bits.Mul64(x, y)
		q, _ := bits.Div64(hi, lo, uint64(all))
		return q
	}
	b.Approval = uint32(part(uint64(b.For), 1e6))
	b.Net = Points(part(uint64(b.For), uint64(b.For)))
	b.Disputed = b.For/9 < b.Against  // For < .9 all
	b.Contested = b.For/2 < b.Against // For < 2/3 all
}

// level is the table of spec/trust.md §6.
func level(net Points, independent int, disputed, contested bool) Level {
	l := LevelUnknown
	switch {
	case net >= Point && independent >= 3:
		l = LevelVerySolid
	case net >= Point/10 && independent >= 2:
		l = LevelSolid
	case net >= Point/100 && independent >= 2 || net >= Point:
		l = LevelBacked
	case net > 0:
		l = LevelFragile
	}
	switch {
	case contested:
		return LevelUnknown
	case disputed:
		return min(l, LevelFragile)
	}
	return l
}

// matter finds what t is about, and false for what is not known or does not
// count.
func (g *Graph) matter(t Target) (matter, bool) {
	if t.Profile != "" {
		a, ok := g.numbers[t.Profile]
		if !ok {
			return matter{}, false
		}
		return matter{author: g.root(a), holder: nobody, creator: nobody}, true
	}
	r := g.find(t.Record)
	if r == 0 || g.force(r) != Counted {
		return matter{}, false
	}
	e := g.at(r)
	m := matter{author: g.root(e.by), holder: nobody, record: r, creator: nobody}
	switch e.kind {
	case class:
		return m, true
	case award:
		m.holder, m.class = g.root(e.of), e.on
		if c := g.at(e.on); c.kind == class && g.force(e.on) == Counted {
			m.creator = g.root(c.by)
		}
		return m, true
	}
	return matter{}, false
}

// barred returns the holder, whose records never count for their own award.
func (m matter) barred() []actor {
	if m.holder == nobody {
		return nil
	}
	return []actor{m.holder}
}

// speaker is a supporter or a disputer, by number.
type speaker struct {
	who    actor
	role   Role
	record ref
}

func (g *Graph) voice(s speaker, points Points) Voice {
	v := Voice{Who: g.people[s.who].did, Role: s.role, Points: points}
	if s.record != 0 {
		v.Record = g.at(s.record).digest
	}
	return v
}

func (g *Graph) sortVoices(voices []Voice) {
	slices.SortFunc(voices, func(a, b Voice) int {
		switch {
		case a.Points > b.Points:
			return -1
		case a.Points < b.Points:
			return 1
		case a.Who < b.Who:
			return -1
		}
		return 1
	})
}

// supporters returns who speaks for m, each identity once at its best role,
// with its newest record in that role. The holder never does.
func (g *Graph) supporters(m matter) []speaker {
	voices := map[actor]speaker{}
	if m.author != m.holder {
		voices[m.author] = speaker{m.author, Author, m.record}
	}
	hear := func(about ref, role Role) {
		if about == 0 {
			return
		}
		for r := g.at(about).first; r != 0; r = g.at(r).nextOf {
			e := g.at(r)
			if e.kind != endorsement || g.force(r) != Counted || g.own(e) {
				continue
			}
			g.hear(voices, speaker{g.root(e.by), role, r}, m)
		}
	}
	hear(m.record, Endorser)
	// Who endorsed a class backs its awards by its maker, and by those whose
	// profile its maker endorses: not by whoever copies a well-known badge.
	if m.creator != nobody && (m.creator == m.author || g.endorses(m.creator, m.author)) {
		hear(m.class, ClassEndorser)
	}
	return slices.Collect(maps.Values(voices))
}

// hear keeps s if it is the best that its identity says.
func (g *Graph) hear(voices map[actor]speaker, s speaker, m matter) {
	if s.who == m.holder {
		return
	}
	old, ok := voices[s.who]
	if !ok || s.role < old.role || s.role == old.role && old.record != 0 && older(g.at(old.record), g.at(s.record)) {
		voices[s.who] = s
	}
}

// endorses reports whether one identity endorses the profile of another.
func (g *Graph) endorses(from, to actor) bool {
	_, ok := g.seek(g.out[profiles][from], to, profiles)
	return ok
}

// disputers returns who disputes what m is about, its class or its author, each
// identity once, with its newest record. Neither the author nor the holder do,
// nor whom this community does not hear.
func (g *Graph) disputers(m matter) []speaker {
	voices := map[actor]speaker{}
	hear := func(r ref) {
		e := g.at(r)
		who := g.root(e.by)
		if e.kind == dispute && who != m.author && !g.deaf[who] && g.force(r) == Counted && !g.own(e) {
			g.hear(voices, speaker{who: who, record: r}, m)
		}
	}
	for _, about := range []ref{m.record, m.class} {
		if about == 0 {
			continue
		}
		for r := g.at(about).first; r != 0; r = g.at(r).nextOf {
			hear(r)
		}
	}
	for k := range g.keys(m.author) {
		for r := g.people[k].firstDispute; r != 0; r = g.at(r).nextOf {
			hear(r)
		}
	}
	return slices.Collect(maps.Values(voices))
}

// apart returns independent chains to the author and the supporters. An author
// who is the holder is not on them.
func (g *Graph) apart(m matter, supporters []speaker) [][]actor {
	free := m.author
	if free == m.holder {
		free = nobody
	}
	var limited []actor
	for _, s := range supporters {
		if g.anchor[s.who] {
			return [][]actor{{s.who}}
		}
		limited = append(limited, s.who)
	}
	slices.SortFunc(limited, g.order)
	return g.independent(free, limited, m.holder)
}
