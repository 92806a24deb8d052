package node

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// WhoQuery asks who holds a skill near a place.
type WhoQuery struct {
	Skill  string
	Near   territory.Place
	Radius float64     // km; 0 is DefaultRadius
	Level  int         // at least; 0 is any
	Trust  trust.Level // at least; 0 is any
	Limit  int         // answers; 0 is DefaultLimit, at most MaxLimit
}

// Bounds of WhoQuery.
const (
	DefaultRadius = 50
	MaxRadius     = territory.MaxRadius
	DefaultLimit  = 20
	MaxLimit      = 200
)

// WhoAnswer is who holds the skill, best first.
type WhoAnswer struct {
	Answers []Answer
	// Found is how many holders there are, of whom Answers lists the first.
	Found int
	// Classes is how many badge classes speak of the skill, near or far.
	Classes int
	// Territories is how many territories lie within the radius.
	Territories int
	// Weighed is false while the trust graph is being built: then answers are
	// without trust and in an order without it.
	Weighed bool
}

// Answer is one award that answers the question, and why to believe it.
type Answer struct {
	Award       protocol.Record
	Class       cid.Cid
	ClassName   string
	Holder      did.DID
	HolderName  string // from the holder's profile, "" when they published none
	Issuer      did.DID
	IssuerName  string
	Level       int
	AwardedOn   time.Time
	Territory   territory.ID
	Km          float64 // about: to the nearest commune of the territory
	Band        territory.Band
	Match       skill.Match
	Endorsers   []Endorser // of the award, newest first, five at most
	Endorsed    int        // live endorsements by distinct people
	OutsideRule bool       // awarded by somebody the class does not let
	// Trust says in short why to believe it: one chain, one dispute, no
	// supporters. It is zero unless Weighed.
	Trust Explanation
}

// Endorser backs an award.
type Endorser struct {
	DID     did.DID
	Name    string
	On      time.Time
	Comment string
}

// whoCandidate is an award as the index tells it, before its body is read.
type whoCandidate struct {
	row    store.AwardRow
	class  *classText
	match  skill.Match
	near   territory.Near
	band   territory.Band
	issuer trust.Points // no less than the issuer has
	weight Standing
	digest trust.Digest // zero when not weighed
}

// Who answers from index rows alone and reads the bodies of those it returns:
// about a microsecond for each award of a matching class near by, and a tenth of
// a millisecond for each answer. Only awards that are valid, live, unexpired
// and show the class they name count, one per holder and class: the better match
// first, then the nearer band, then the better backed, then more endorsed, then
// the higher level, then newer, then by CID; those contested come last. A
// retired class leaves its awards valid, and they count.
//
// Trust is counted for as many as who_trust.go bounds.
func (n *Node) Who(q WhoQuery) (WhoAnswer, error) {
	words := skill.Words(q.Skill)
	if len(words) == 0 {
		return WhoAnswer{}, &badge.Invalid{Member: "skill", Why: "is missing: say what you need, as in \"découpe laser\""}
	}
	if q.Radius == 0 {
		q.Radius = DefaultRadius
	}
	if q.Radius < 0 || q.Radius > MaxRadius {
		return WhoAnswer{}, &badge.Invalid{Member: "radius", Why: fmt.Sprintf("is not from 1 to %d km", MaxRadius)}
	}
	if q.Limit == 0 {
		q.Limit = DefaultLimit
	}
	q.Limit = min(q.Limit, MaxLimit)
	g, err := n.places()
	if err != nil {
		return WhoAnswer{}, err
	}
	near := g.Near(q.Near.Point, q.Radius)
	classes, err := n.classes.match(n, words)
	if err != nil {
		return WhoAnswer{}, err
	}
	here, err := n.populated(g, near)
	if err != nil {
		return WhoAnswer{}, err
	}
	best, err := n.gather(q, here, classes)
	if err != nil {
		return WhoAnswer{}, err
	}
	answer := WhoAnswer{Found: len(best), Classes: len(classes), Territories: len(near)}
	bands := map[territory.ID]territory.Band{}
	for i := range best {
		c := &best[i]
		if _, ok := bands[c.near.ID]; !ok {
			bands[c.near.ID] = g.Band(q.Near, c.near.ID)
		}
		c.band = bands[c.near.ID]
	}
	if answer.Weighed, err = n.rank(&best, q); err != nil {
		return WhoAnswer{}, err
	}
	if answer.Weighed && q.Trust > 0 {
		answer.Found = len(best)
	}
	best = best[:min(len(best), q.Limit)]
	t := teller{n, map[did.DID]string{}, map[cid.Cid]protocol.Record{}}
	for _, c := range best {
		a, err := t.describe(c)
		if err != nil {
			return WhoAnswer{}, err
		}
		a.Band = c.band
		answer.Answers = append(answer.Answers, a)
	}
	if !answer.Weighed {
		return answer, nil
	}
	return answer, n.giveReasons(answer.Answers, t.names)
}

// populated returns the territories that hold records here and lie near: those
// of near, and those within one of them, as a commune is in its EPCI. Cost: a
// microsecond or two for each territory of the store.
func (n *Node) populated(g *territory.Gazetteer, near []territory.Near) ([]territory.Near, error) {
	km := make(map[territory.ID]float64, len(near))
	for _, at := range near {
		km[at.ID] = at.Km
	}
	ids, err := n.store.Territories()
	if err != nil {
		return nil, err
	}
	var out []territory.Near
	for _, id := range ids {
		if d, ok := km[id]; ok {
			out = append(out, territory.Near{ID: id, Km: d})
			continue
		}
		for _, outer := range g.Within(id) {
			if d, ok := km[outer]; ok {
				out = append(out, territory.Near{ID: id, Km: d})
				break
			}
		}
	}
	return out, nil
}

// gather scans the index rows of the classes in the territories and keeps the
// best award of each holder in each class.
func (n *Node) gather(q WhoQuery, near []territory.Near, classes []classMatch) ([]whoCandidate, error) {
	now := n.now().Unix()
	type key struct {
		class  int
		holder uint32
	}
	byHolder := map[key]int{}
	var out []whoCandidate
	cids := make([]cid.Cid, len(classes))
	for i, m := range classes {
		cids[i] = m.class.cid
	}
	ids := make([]territory.ID, len(near))
	for i, at := range near {
		ids[i] = at.ID
	}
	for a, err := range n.store.AwardsIn(cids, ids) {
		if err != nil {
			return nil, err
		}
		if a.State != protocol.Live || !a.Matches || a.From > now || a.Until != 0 && a.Until <= now || int(a.Level) < q.Level {
			continue
		}
		m := classes[a.Class]
		c := whoCandidate{row: a.AwardRow, class: m.class, match: m.match, near: near[a.Territory]}
		k := key{a.Class, a.Holder}
		if i, ok := byHolder[k]; ok {
			if better(c, out[i]) {
				out[i] = c
			}
			continue
		}
		byHolder[k] = len(out)
		out = append(out, c)
	}
	return out, nil
}

func better(a, b whoCandidate) bool {
	return cmp.Or(
		cmp.Compare(b.near.Km, a.near.Km),
		cmp.Compare(a.row.Level, b.row.Level),
		cmp.Compare(a.row.Endorsements, b.row.Endorsements),
		cmp.Compare(a.row.Created, b.row.Created),
	) > 0
}

// teller reads what a person is told, and what several answers share once.
type teller struct {
	node    *Node
	names   map[did.DID]string
	classes map[cid.Cid]protocol.Record
}

func (t teller) name(d did.DID) string {
	name, ok := t.names[d]
	if !ok {
		name = t.node.NameOf(d)
		t.names[d] = name
	}
	return name
}

func (t teller) class(c cid.Cid) (protocol.Record, error) {
	if r, ok := t.classes[c]; ok {
		return r, nil
	}
	r, err := t.node.store.Get(c)
	if err == nil {
		t.classes[c] = r
	}
	return r, err
}

// describe reads one answer.
func (t teller) describe(c whoCandidate) (Answer, error) {
	r, err := t.node.store.Record(c.row.ID)
	if err != nil {
		return Answer{}, err
	}
	doc := r.Document().(*badge.AchievementCredential)
	a := Answer{
		Award: r, Class: c.class.cid, ClassName: doc.Name,
		Holder: r.Holder(), HolderName: t.name(r.Holder()),
		Issuer: r.Author(), IssuerName: or(t.name(r.Author()), doc.Issuer.Name),
		Level: int(c.row.Level), Territory: c.near.ID, Km: c.near.Km, Match: c.match, Endorsed: int(c.row.Endorsements),
	}
	if a.AwardedOn, err = badge.ParseTime(or(doc.AwardedDate, doc.ValidFrom)); err != nil {
		return Answer{}, fmt.Errorf("award %s: %w", r.CID(), err)
	}
	class, err := t.class(c.class.cid) // here: the award matches it
	if err != nil {
		return Answer{}, err
	}
	if a.OutsideRule, err = t.node.outside(r, class, maxChain); err != nil {
		return Answer{}, err
	}
	if a.Endorsed > 0 {
		a.Endorsers, err = t.node.Endorsers(r.CID(), 5)
	}
	return a, err
}

// Endorsers returns up to limit live endorsements of a record, newest first,
// one for each endorser.
func (n *Node) Endorsers(target cid.Cid, limit int) ([]Endorser, error) {
	var out []Endorser
	seen := map[did.DID]bool{}
	now := n.now()
	query := store.Query{Kinds: []protocol.Kind{protocol.Endorsement}, Target: protocol.Target{CID: target}, Newest: true}
	for e, err := range n.store.Find(query) {
		if err != nil {
			return nil, err
		}
		if e.State != protocol.Live {
			continue
		}
		r, err := e.Record()
		if err != nil {
			return nil, err
		}
		if !r.Valid(now) || seen[r.Author()] {
			continue
		}
		seen[r.Author()] = true
		doc := r.Document().(*badge.EndorsementCredential)
		out = append(out, Endorser{
			DID: r.Author(), Name: or(n.NameOf(r.Author()), doc.Issuer.Name), On: r.Created(), Comment: doc.Subject.Comment,
		})
		if len(out) == limit {
			break
		}
	}
	return out, nil
}

// ProfileOf returns the newest live profile of an identity, and the zero Record
// when it published none.
func (n *Node) ProfileOf(d did.DID) (protocol.Record, error) {
	query := store.Query{Kinds: []protocol.Kind{protocol.Profile}, Author: d, Newest: true}
	for e, err := range n.store.Find(query) {
		if err != nil {
			return protocol.Record{}, err
		}
		if e.State != protocol.Live {
			continue
		}
		if r, err := e.Record(); !errors.Is(err, store.ErrErased) { // meanwhile
			return r, err
		}
	}
	return protocol.Record{}, nil
}

// NameOf returns the name in the newest profile of an identity, or "".
func (n *Node) NameOf(d did.DID) string {
	r, err := n.ProfileOf(d)
	if err != nil || r.IsZero() {
		return ""
	}
	return r.Document().(*badge.Profile).Name
}
