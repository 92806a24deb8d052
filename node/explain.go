package node

import (
	"context"
	"errors"
	"slices"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// Standing is how well something is backed, seen from somewhere.
type Standing struct {
	Level       trust.Level
	Disputed    bool
	Contested   bool
	For         trust.Points
	Against     trust.Points
	Net         trust.Points
	Approval    uint32 // millionths
	Independent int    // chains that share no actor, up to trust.MaxIndependent
}

func standing(b trust.Backing) Standing {
	return Standing{b.Level, b.Disputed, b.Contested, b.For, b.Against, b.Net, b.Approval, b.Independent}
}

// Party is an identity in an explanation.
type Party struct {
	DID    did.DID // its first key
	Name   string  // from its profile, "" when it published none
	Anchor bool    // of the view
	Own    bool    // the community of this node
}

// Link is how one actor of a chain speaks for the next.
type Link uint8

// The links.
const (
	Endorses Link = iota // the profile of the next
	Awards               // a badge to the next
)

// Chain is a way from an anchor to a supporter. Links[i] is how Parties[i] speaks
// for the next; Records are those of trust.Chain.
type Chain struct {
	Parties []Party
	Links   []Link
	Role    trust.Role // of the last
	Records []cid.Cid
	Points  trust.Points
}

// Voice is who supports or disputes, with the points it brings.
type Voice struct {
	Party
	Role    trust.Role // of a supporter
	Record  cid.Cid    // by which it says so; undefined for an actor itself
	Points  trust.Points
	Reason  string // of a dispute
	Comment string
}

// Explanation is why to believe an award, a class or an identity, seen from
// somewhere.
type Explanation struct {
	Target  protocol.Target
	Kind    protocol.Kind // Award, Class, or Profile for an identity
	Name    string        // of the award, the class or the identity
	Day     trust.Day
	Anchors []Party // from whom it is seen, in order of DID; a few, see maxNamed
	// Seen is how many anchors there are.
	Seen int
	Here bool // seen from this community's own anchors
	Standing
	Why        trust.Reason // why a record does not count, or Counted
	Author     Party        // issuer, creator, or the identity
	Holder     Party        // of an award
	Supporters []Voice      // most points first, a few
	Supported  int          // how many supporters there are
	Disputers  []Voice      // most points first, a few; those not heard left out
	Chains     []Chain      // most points first
	// Confirm is how many who endorse the award hold its class from others
	// than its issuer.
	Confirm int
	// Among are the others of a circle that endorse one another and the author
	// while nothing from the anchors reaches any. They are named, not judged.
	Among []Party
}

// Bounds of what one explanation names.
const (
	maxNamed  = 20
	maxChains = 3
	// maxViews is how many other views one question takes: each is a full pass.
	maxViews = 5
)

// Explain says why to believe an award, a class or an identity, seen from the
// anchors of this community: or, where from is given, from each of these sets of
// anchors, in order. A profile stands for its author. It fails with
// store.ErrNotFound or store.ErrErased.
func (n *Node) Explain(ctx context.Context, t protocol.Target, from ...[]did.DID) ([]Explanation, error) {
	if len(from) > maxViews {
		return nil, &badge.Invalid{Member: "seenFrom", Why: "is given more than five times"}
	}
	subject, err := n.subject(t)
	if err != nil {
		return nil, err
	}
	views := make([]sight, max(1, len(from)))
	err = n.trust.ask(ctx, func(g *trust.Graph) {
		if len(from) == 0 {
			views[0] = look(g, subject)
			return
		}
		g.Try(func() { // anchors that are not known leave no trace
			day := g.View().Day
			for i := range views {
				g.SetView(trust.View{Anchors: from[i], Day: day})
				views[i] = look(g, subject)
			}
		})
	})
	if err != nil {
		return nil, err
	}
	var all []Explanation
	told := n.newTold()
	for _, v := range views {
		e, err := told.explain(subject, v)
		if err != nil {
			return nil, err
		}
		e.Here = len(from) == 0
		all = append(all, e)
	}
	return all, nil
}

// subject is what is asked about, as the store has it.
type subject struct {
	target protocol.Target
	kind   protocol.Kind
	record protocol.Record // zero for an identity
}

func (s subject) of() trust.Target { return trustTarget(s.target) }

// subject finds what t names. An identity nobody here speaks of is one too.
func (n *Node) subject(t protocol.Target) (subject, error) {
	if t.DID != "" {
		return subject{protocol.Target{DID: t.DID}, protocol.Profile, protocol.Record{}}, nil
	}
	r, err := n.store.Get(t.CID)
	if err != nil {
		return subject{}, err
	}
	switch r.Kind() {
	case protocol.Profile:
		return subject{protocol.Target{DID: r.Author()}, protocol.Profile, protocol.Record{}}, nil
	case protocol.Award, protocol.Class:
		return subject{t, r.Kind(), r}, nil
	}
	return subject{}, &badge.Invalid{Member: t.CID.String(), Why: "is a " + r.Kind().String() + ": awards, classes and identities are explained"}
}

// sight is what the graph says of a subject, before anything is looked up.
type sight struct {
	view    trust.View
	backing trust.Backing
	ok      bool
	why     trust.Reason
	chains  []trust.Chain
	cast    cast
	short   bool // neither anchors nor supporters are to be named
}

// cast knows the keys of those an explanation names, and who is an anchor.
type cast struct {
	keys    map[did.DID][]did.DID
	anchors map[did.DID]bool // by first key
}

func (c cast) meet(g *trust.Graph, d did.DID) {
	if _, ok := c.keys[d]; !ok && d != "" {
		c.keys[d] = g.Identity(d).Keys
	}
}

// look asks the graph about a subject.
func look(g *trust.Graph, s subject) sight {
	v := sight{view: g.View(), cast: cast{map[did.DID][]did.DID{}, map[did.DID]bool{}}}
	for _, a := range v.view.Anchors {
		first := g.Identity(a).First
		v.cast.anchors[first] = true
		if len(v.cast.keys) < maxNamed {
			v.cast.meet(g, first)
		}
	}
	if s.target.DID == "" {
		if v.why = g.Why(s.of().Record); v.why != trust.Counted {
			v.cast.meet(g, s.record.Author())
			return v
		}
	}
	if v.backing, v.ok = g.Backing(s.of()); !v.ok {
		v.why = trust.Unknown
		return v
	}
	v.chains = g.Chains(v.backing, maxChains)
	v.cast.meet(g, v.backing.Author)
	v.cast.meet(g, v.backing.Holder)
	for _, voices := range [][]trust.Voice{v.backing.Supporters, v.backing.Disputers} {
		for _, x := range voices[:min(len(voices), maxNamed)] {
			v.cast.meet(g, x.Who)
		}
	}
	for _, c := range v.chains {
		for _, d := range c.Actors {
			v.cast.meet(g, d)
		}
	}
	return v
}

// told is what several explanations of one answer look up once.
type told struct {
	n       *Node
	own     did.DID
	names   map[did.DID]string // of identities with one key
	circles map[did.DID][]did.DID
}

func (n *Node) newTold() *told {
	return &told{n, n.ownDID(), map[did.DID]string{}, map[did.DID][]did.DID{}}
}

// party describes an identity in a sight.
func (t *told) party(c cast, d did.DID) Party {
	if d == "" {
		return Party{}
	}
	name, ok := t.names[d]
	if !ok || len(c.keys[d]) > 1 { // only the name of the first key is kept
		name = t.n.nameOfKeys(c.keys[d], d)
	}
	if !ok && len(c.keys[d]) <= 1 {
		t.names[d] = name
	}
	return Party{DID: d, Name: name, Anchor: c.anchors[d], Own: d == t.own || t.own != "" && slices.Contains(c.keys[d], t.own)}
}

// circle is that of the node, looked up once.
func (t *told) circle(d did.DID) (found []did.DID, err error) {
	found, ok := t.circles[d]
	if !ok {
		found, err = t.n.circle(d)
		t.circles[d] = found
	}
	return found, err
}

// explain looks up what a sight leaves open: names, reasons, and whether an
// unknown is one of a circle.
func (t *told) explain(s subject, v sight) (Explanation, error) {
	n := t.n
	party := func(d did.DID) Party { return t.party(v.cast, d) }
	e := Explanation{
		Target: s.target, Kind: s.kind, Day: v.view.Day, Seen: len(v.view.Anchors), Standing: standing(v.backing),
		Why: v.why, Author: party(v.backing.Author), Holder: party(v.backing.Holder), Supported: len(v.backing.Supporters),
	}
	if !v.short {
		for _, d := range v.view.Anchors[:min(len(v.view.Anchors), maxNamed)] {
			e.Anchors = append(e.Anchors, party(d))
		}
	}
	switch s.kind {
	case protocol.Award:
		e.Name = s.record.Document().(*badge.AchievementCredential).Name
	case protocol.Class:
		e.Name = s.record.Document().(*badge.Achievement).Name
	default:
		e.Name = party(v.backing.Author).Name
	}
	if !v.ok {
		if s.kind != protocol.Profile {
			e.Author = party(s.record.Author())
		}
		return e, nil
	}
	for i, x := range v.backing.Supporters {
		if v.short || i == maxNamed {
			break
		}
		e.Supporters = append(e.Supporters, Voice{Party: party(x.Who), Role: x.Role, Record: cidOf(x.Record), Points: x.Points})
	}
	for _, x := range v.backing.Disputers[:min(len(v.backing.Disputers), maxNamed)] {
		voice := Voice{Party: party(x.Who), Record: cidOf(x.Record), Points: x.Points}
		if r, err := n.store.Get(voice.Record); err == nil {
			d := r.Document().(*badge.Dispute)
			voice.Reason, voice.Comment = d.Reason, d.Comment
		}
		e.Disputers = append(e.Disputers, voice)
	}
	for _, c := range v.chains {
		chain, err := n.chain(c, v.backing, party)
		if err != nil {
			return e, err
		}
		e.Chains = append(e.Chains, chain)
	}
	var err error
	if s.kind == protocol.Award && !v.short {
		if e.Confirm, err = n.confirm(s.record, v.backing); err != nil {
			return e, err
		}
	}
	if v.backing.For == 0 && !e.Contested {
		among, err := t.circle(v.backing.Author)
		if err != nil {
			return e, err
		}
		for _, d := range among {
			e.Among = append(e.Among, party(d))
		}
	}
	return e, nil
}

// chain names a chain of the graph.
func (n *Node) chain(c trust.Chain, b trust.Backing, party func(did.DID) Party) (Chain, error) {
	out := Chain{Points: c.Points}
	for _, d := range c.Actors {
		out.Parties = append(out.Parties, party(d))
	}
	for i, record := range c.Records {
		out.Records = append(out.Records, cidOf(record))
		if i >= len(c.Actors)-1 {
			break
		}
		link := Endorses
		r, err := n.store.Get(cidOf(record))
		switch {
		case errors.Is(err, store.ErrErased): // since it was looked at
		case err != nil:
			return out, err
		case r.Kind() == protocol.Award:
			link = Awards
		}
		out.Links = append(out.Links, link)
	}
	last := c.Actors[len(c.Actors)-1]
	for _, s := range b.Supporters {
		if s.Who == last {
			out.Role = s.Role
		}
	}
	return out, nil
}

// confirm counts those who endorse an award and hold its class from others than
// its issuer, of the first supporters.
func (n *Node) confirm(award protocol.Record, b trust.Backing) (int, error) {
	count := 0
	for _, s := range b.Supporters[:min(len(b.Supporters), maxNamed)] {
		if s.Role != trust.Endorser || s.Points == 0 {
			continue
		}
		query := store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: s.Who, Class: award.Class()}
		for r, err := range n.store.Records(query) {
			if err != nil {
				return count, err
			}
			if r.State != protocol.Live {
				continue
			}
			if r.Author() != award.Author() && r.Author() != s.Who && r.Valid(n.now()) {
				count++
				break
			}
		}
	}
	return count, nil
}

// maxCircle bounds how many identities are looked at to find a circle.
const maxCircle = 50

// circle returns the others of the circle d is in: those that endorse it, perhaps
// over others, and are endorsed by it, perhaps over others. Only live
// endorsements of profiles count, and at most maxCircle identities are followed
// each way. Cost: what these endorse.
func (n *Node) circle(d did.DID) ([]did.DID, error) {
	behind, err := n.alongEndorsements(d, func(x did.DID) store.Query { return store.Query{Target: protocol.Target{DID: x}} },
		func(r protocol.Record) did.DID { return r.Author() })
	if err != nil || !behind[d] {
		return nil, err
	}
	ahead, err := n.alongEndorsements(d, func(x did.DID) store.Query { return store.Query{Author: x} },
		func(r protocol.Record) did.DID { return r.Target().DID })
	if err != nil {
		return nil, err
	}
	var out []did.DID
	for x := range behind {
		if x != d && ahead[x] {
			out = append(out, x)
		}
	}
	slices.Sort(out)
	return out, nil
}

// alongEndorsements follows live endorsements from d, one way, and returns all it
// meets; d too, when they lead back.
func (n *Node) alongEndorsements(d did.DID, query func(did.DID) store.Query, next func(protocol.Record) did.DID) (map[did.DID]bool, error) {
	met := map[did.DID]bool{}
	now := n.now()
	for queue := []did.DID{d}; len(queue) > 0; queue = queue[1:] {
		q := query(queue[0])
		q.Kinds, q.Limit = []protocol.Kind{protocol.Endorsement}, maxCircle
		for r, err := range n.store.Records(q) {
			if err != nil {
				return nil, err
			}
			if r.State != protocol.Live {
				continue
			}
			x := next(r.Record)
			if x == "" || met[x] || !r.Valid(now) || len(met) >= maxCircle {
				continue
			}
			met[x] = true
			if x != d {
				queue = append(queue, x)
			}
		}
	}
	return met, nil
}

// nameOfKeys returns the name in the profile of the newest key that has one.
func (n *Node) nameOfKeys(keys []did.DID, d did.DID) string {
	for _, key := range slices.Backward(keys) {
		if name := n.NameOf(key); name != "" {
			return name
		}
	}
	if len(keys) == 0 {
		return n.NameOf(d)
	}
	return ""
}

// cidOf returns the CID of a digest, and cid.Undef for none.
func cidOf(d trust.Digest) cid.Cid {
	if d.IsZero() {
		return cid.Undef
	}
	return protocol.CID(d)
}
