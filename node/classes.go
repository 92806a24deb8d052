package node

import (
	"errors"
	"slices"
	"sync"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/store"
)

// classIndex is what classes say of skills, in memory: some 400 bytes a class.
// It is read from the store on first use and fed by admit.
type classIndex struct {
	mu      sync.RWMutex // guards the rest
	loaded  bool
	classes []*classText
	known   map[cid.Cid]bool
}

type classText struct {
	cid  cid.Cid
	text skill.Text
}

type classMatch struct {
	class *classText
	match skill.Match
}

// match returns the classes that meet words. Cost: every class is compared,
// about 0.3 µs each.
func (x *classIndex) match(n *Node, words []string) ([]classMatch, error) {
	if err := x.load(n); err != nil {
		return nil, err
	}
	x.mu.RLock()
	defer x.mu.RUnlock()
	var out []classMatch
	for _, c := range x.classes {
		if m := c.text.Compare(words); m != skill.None {
			out = append(out, classMatch{c, m})
		}
	}
	return out, nil
}

func (x *classIndex) load(n *Node) error {
	x.mu.RLock()
	loaded := x.loaded
	x.mu.RUnlock()
	if loaded {
		return nil
	}
	var found []protocol.Record
	for e, err := range n.store.Find(store.Query{Kinds: []protocol.Kind{protocol.Class}}) {
		if err != nil {
			return err
		}
		r, err := e.Record()
		if err != nil {
			return err
		}
		found = append(found, r)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, r := range found {
		x.add(r)
	}
	x.loaded = true
	return nil
}

// add is called with mu held.
func (x *classIndex) add(r protocol.Record) {
	if x.known[r.CID()] {
		return
	}
	c := &classText{cid: r.CID(), text: ClassText(r)}
	if x.known == nil {
		x.known = map[cid.Cid]bool{}
	}
	x.known[c.cid] = true
	x.classes = append(x.classes, c)
}

// ClassText returns what a class says of its skill, in search form.
func ClassText(class protocol.Record) skill.Text {
	a, ok := class.Document().(*badge.Achievement)
	if !ok {
		return skill.Text{}
	}
	t := skill.Text{Name: skill.Words(a.Name)}
	for _, tag := range a.Tag {
		t.Tags = append(t.Tags, skill.Words(tag)...)
	}
	for _, s := range a.Alignment {
		t.Labels = append(t.Labels, skill.Words(s.TargetName)...)
	}
	return t
}

// learn feeds a newly stored record to what is kept in memory.
func (n *Node) learn(r protocol.Record) {
	if r.Kind() != protocol.Class {
		return
	}
	n.scopesDue.Store(true)
	n.classes.mu.Lock()
	defer n.classes.mu.Unlock()
	n.classes.add(r)
}

// maxChain is how many hands a badge that holders pass on is followed back
// through. A longer chain counts as outside the rule.
const maxChain = 32

// OutsideRule reports whether an award was made by somebody its class does not
// let (spec/records.md §7). It is shown, never hidden. Of a class not here,
// nothing is known. Where holders pass a class on, the hands the award went
// through are followed back to the creator.
func (n *Node) OutsideRule(award protocol.Record) (bool, error) {
	class, err := n.store.Get(award.Class())
	if errors.Is(err, store.ErrNotFound) || errors.Is(err, store.ErrErased) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return n.outside(award, class, maxChain)
}

func (n *Node) outside(award, class protocol.Record, depth int) (bool, error) {
	rule := class.Document().(*badge.Achievement).Rule
	issuer := award.Author()
	if issuer == class.Author() {
		return false, nil
	}
	if rule == nil {
		return true, nil
	}
	switch rule.By {
	case badge.ByAnyone:
		return false, nil
	case badge.ByListed:
		return !slices.Contains(rule.Listed, issuer), nil
	case badge.ByHolders:
		holds, err := n.holds(issuer, class, rule.MinLevel, award, depth-1)
		return !holds, err
	case badge.ByQuorum:
		met, err := n.quorum(award, class, rule, depth-1)
		return !met, err
	}
	return true, nil
}

// holds reports whether d holds a live award of class at a level at least, no
// newer than given and itself within the rule: nobody lets himself in.
func (n *Node) holds(d did.DID, class protocol.Record, level int, given protocol.Record, depth int) (bool, error) {
	if depth < 0 {
		return false, nil
	}
	now := n.now()
	query := store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: d, Class: class.CID()}
	for e, err := range n.store.Find(query) {
		if err != nil {
			return false, err
		}
		if e.State != protocol.Live || e.Created.After(given.Created()) {
			continue
		}
		r, err := e.Record()
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return false, err
		}
		if r.Digest() == given.Digest() || r.Author() == d && d != class.Author() || !r.Valid(now) ||
			!protocol.Matches(r, class) || r.Document().(*badge.AchievementCredential).Level() < level {
			continue
		}
		outside, err := n.outside(r, class, depth)
		if err != nil {
			return false, err
		}
		if !outside {
			return true, nil
		}
	}
	return false, nil
}

// quorum reports whether enough of those who may have endorsed the award: so
// many holders of the class, or so many of its mentors. Its holder and issuer
// do not count.
func (n *Node) quorum(award, class protocol.Record, rule *badge.Rule, depth int) (bool, error) {
	endorsers, err := n.Endorsers(award.CID(), 200)
	if err != nil {
		return false, err
	}
	holders, mentors := 0, 0
	for _, e := range endorsers {
		if e.DID == award.Holder() || e.DID == award.Author() {
			continue
		}
		if slices.Contains(rule.Listed, e.DID) {
			mentors++
		}
		if rule.Holders == 0 {
			continue
		}
		holds, err := n.holds(e.DID, class, rule.MinLevel, award, depth)
		if err != nil {
			return false, err
		}
		if holds {
			holders++
		}
	}
	return rule.Holders > 0 && holders >= rule.Holders || rule.Mentors > 0 && mentors >= rule.Mentors, nil
}
