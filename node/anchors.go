package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// bucketTrust holds what this community chose about trust: "anchor/", "list/"
// and "ignored/" with a DID → choice as JSON; "rule/" with a name and
// "heard/" with a territory, see access.go.
const bucketTrust = "trust"

// Bounds of a view. Who trusts everybody first trusts nobody.
const (
	maxAnchors = 256
	maxLists   = 16
	// maxListed is how many anchors one list gives: the first in order of DID.
	maxListed  = 500
	maxIgnored = 256
)

// choice is one row: when, and whether it takes back what holds without it.
type choice struct {
	On      time.Time `json:"on"`
	Removed bool      `json:"removed,omitempty"` // the community, as its own anchor
}

// Anchor is an identity this community trusts first.
type Anchor struct {
	DID  did.DID
	Name string // from its profile, "" when it published none
	Own  bool   // the community itself
	// On is when it was chosen; zero for the community, an anchor from the
	// start, and for who is on a list.
	On time.Time
	// List is whose endorsement makes it one; empty when chosen here.
	List did.DID
	// Endorses is how many profiles it endorses; each gets a whole point.
	Endorses int
}

// AnchorList is an identity whose endorsements at full weight are anchors here,
// and cease to be when it withdraws them (spec/decisions/0008-anchor-lists.md).
type AnchorList struct {
	DID  did.DID
	Name string
	On   time.Time
	Size int // how many anchors it gives today
}

// Viewpoint is from where trust is seen here.
type Viewpoint struct {
	Anchors []Anchor
	Lists   []AnchorList
	Ignored []did.DID // whose disputes are not heard
}

// ErrUnknownAnchor is wrapped when an identity is not what it is removed as: an
// anchor chosen here, a list, or one whose disputes are not heard.
var ErrUnknownAnchor = errors.New("was not chosen here")

// Viewpoint returns from where trust is seen, with names.
func (n *Node) Viewpoint(ctx context.Context) (Viewpoint, error) {
	own := n.ownDID()
	chosen, err := n.trust.choices("anchor/")
	if err != nil {
		return Viewpoint{}, err
	}
	lists, err := n.trust.choices("list/")
	if err != nil {
		return Viewpoint{}, err
	}
	var v Viewpoint
	seen := map[did.DID]bool{}
	add := func(g *trust.Graph, a Anchor) {
		if !seen[a.DID] {
			seen[a.DID], a.Own, a.Endorses = true, a.DID == own, g.Identity(a.DID).Endorses
			v.Anchors = append(v.Anchors, a)
		}
	}
	err = n.trust.ask(ctx, func(g *trust.Graph) {
		for _, d := range n.trust.view.anchors {
			add(g, Anchor{DID: d, On: chosen[d].On})
		}
		for _, d := range n.trust.view.lists {
			on := n.trust.onList(d)
			v.Lists = append(v.Lists, AnchorList{DID: d, On: lists[d].On, Size: len(on)})
			for _, a := range on {
				add(g, Anchor{DID: a, List: d})
			}
		}
		v.Ignored = slices.Clone(n.trust.view.ignored)
	})
	for i := range v.Anchors {
		v.Anchors[i].Name = n.NameOf(v.Anchors[i].DID)
	}
	for i := range v.Lists {
		v.Lists[i].Name = n.NameOf(v.Lists[i].DID)
	}
	return v, err
}

// Candidate is a place or organisation that could be an anchor.
type Candidate struct {
	DID       did.DID
	Name      string
	Kind      string // badge.PlaceKind or badge.Organisation
	Territory territory.ID
}

// maxCandidates bounds what a person chooses from.
const maxCandidates = 50

// AnchorCandidates returns places and organisations of the territories followed
// that are no anchors yet, by name: who published a profile. Whether they are who
// they say they are is for whoever knows them to judge.
func (n *Node) AnchorCandidates(ctx context.Context) ([]Candidate, error) {
	v, err := n.Viewpoint(ctx)
	if err != nil {
		return nil, err
	}
	seen := map[did.DID]bool{n.ownDID(): true}
	for _, a := range v.Anchors {
		seen[a.DID] = true
	}
	var all []Candidate
	for _, id := range n.Followed() {
		q := store.Query{Kinds: []protocol.Kind{protocol.Profile}, Territory: id, Newest: true}
		for r, err := range n.store.Records(q) {
			if err != nil {
				return nil, err
			}
			if r.State != protocol.Live {
				continue
			}
			p := r.Document().(*badge.Profile)
			if seen[p.ID] {
				continue
			}
			seen[p.ID] = true // the newest tells
			if p.Kind == badge.PlaceKind || p.Kind == badge.Organisation {
				all = append(all, Candidate{p.ID, p.Name, p.Kind, id})
			}
			if len(all) == maxCandidates {
				break
			}
		}
	}
	slices.SortFunc(all, func(a, b Candidate) int {
		return cmp.Or(strings.Compare(a.Name, b.Name), strings.Compare(string(a.DID), string(b.DID)))
	})
	return all[:min(len(all), maxCandidates)], nil
}

// ownDID returns the identity of the community, or "" before Setup.
func (n *Node) ownDID() did.DID {
	c, err := n.Community()
	if err != nil {
		return ""
	}
	return c.DID
}

// AddAnchor makes an identity an anchor.
func (n *Node) AddAnchor(ctx context.Context, d did.DID) error {
	return n.choose(ctx, "anchor/", d, maxAnchors, choice{On: n.now().UTC().Truncate(time.Second)})
}

// RemoveAnchor makes an identity no anchor any more. The community itself is
// one until it is removed.
func (n *Node) RemoveAnchor(ctx context.Context, d did.DID) error {
	if d == n.ownDID() {
		return n.choose(ctx, "anchor/", d, maxAnchors, choice{On: n.now().UTC().Truncate(time.Second), Removed: true})
	}
	return n.unchoose(ctx, "anchor/", d)
}

// Subscribe takes as anchors all whose profiles d endorses at full weight, now
// and as that changes.
func (n *Node) Subscribe(ctx context.Context, d did.DID) error {
	return n.choose(ctx, "list/", d, maxLists, choice{On: n.now().UTC().Truncate(time.Second)})
}

// Unsubscribe ends that.
func (n *Node) Unsubscribe(ctx context.Context, d did.DID) error {
	return n.unchoose(ctx, "list/", d)
}

// Ignore makes this node deaf to the disputes of an identity: they stay, and do
// not count here.
func (n *Node) Ignore(ctx context.Context, d did.DID) error {
	return n.choose(ctx, "ignored/", d, maxIgnored, choice{On: n.now().UTC().Truncate(time.Second)})
}

// Heed ends that.
func (n *Node) Heed(ctx context.Context, d did.DID) error {
	return n.unchoose(ctx, "ignored/", d)
}

func (n *Node) choose(ctx context.Context, kind string, d did.DID, most int, c choice) error {
	f := n.trust
	if err := f.advance(ctx); err != nil {
		return err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	all, err := f.choices(kind)
	if err != nil {
		return err
	}
	if _, ok := all[d]; !ok && len(all) >= most {
		return &badge.Invalid{Member: "did", Why: fmt.Sprintf("is one too many: %d are kept at most, remove one first", most)}
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return fmt.Errorf("%s%s: %w", kind, d, err)
	}
	if err := f.rows.Put([]byte(kind+string(d)), raw); err != nil {
		return fmt.Errorf("%s%s: %w", kind, d, err)
	}
	return f.chosen()
}

func (n *Node) unchoose(ctx context.Context, kind string, d did.DID) error {
	f := n.trust
	if err := f.advance(ctx); err != nil {
		return err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	if _, err := f.rows.Get([]byte(kind + string(d))); errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("%s %w", d, ErrUnknownAnchor)
	} else if err != nil {
		return fmt.Errorf("%s%s: %w", kind, d, err)
	}
	if err := f.rows.Delete([]byte(kind + string(d))); err != nil {
		return fmt.Errorf("%s%s: %w", kind, d, err)
	}
	return f.chosen()
}

// choices returns the rows of one kind.
func (f *trustFollower) choices(kind string) (map[did.DID]choice, error) {
	out := map[did.DID]choice{}
	for key, value := range f.rows.Each() {
		d, ok := strings.CutPrefix(string(key), kind)
		if !ok {
			continue
		}
		var c choice
		if err := json.Unmarshal(value, &c); err != nil {
			return nil, fmt.Errorf("%s: %w", key, err)
		}
		out[did.DID(d)] = c
	}
	return out, nil
}

// chosen makes the graph follow a change of the rows.
func (f *trustFollower) chosen() error {
	f.reading.Lock()
	defer f.reading.Unlock()
	return f.recallView()
}

// recallView reads the rows, and what is on the lists, and moves the view there.
// It is called with reading held.
func (f *trustFollower) recallView() error {
	var v viewChoice
	anchors, err := f.choices("anchor/")
	if err != nil {
		return err
	}
	if own := f.n.ownDID(); own != "" && !anchors[own].Removed {
		v.anchors = append(v.anchors, own)
		delete(anchors, own)
	}
	for d, c := range anchors {
		if !c.Removed {
			v.anchors = append(v.anchors, d)
		}
	}
	for kind, into := range map[string]*[]did.DID{"list/": &v.lists, "ignored/": &v.ignored} {
		rows, err := f.choices(kind)
		if err != nil {
			return err
		}
		for d := range rows {
			*into = append(*into, d)
		}
		slices.Sort(*into)
	}
	slices.Sort(v.anchors)
	f.mu.Lock()
	f.view = v
	f.mu.Unlock()
	return f.reloadLists()
}

// reloadLists reads the endorsements of whose lists are subscribed, under all
// their keys, and moves the view there. It is called with reading held.
func (f *trustFollower) reloadLists() error {
	f.mu.Lock()
	keys := map[did.DID][]listed{}
	for _, owner := range f.view.lists {
		for _, key := range f.graph.Identity(owner).Keys {
			keys[key] = nil
		}
	}
	f.mu.Unlock()
	for key := range keys {
		query := store.Query{Kinds: []protocol.Kind{protocol.Endorsement}, Author: key}
		for r, err := range f.n.store.Records(query) {
			if err != nil {
				return err
			}
			if x, ok := factOf(r.Record).(trust.Endorsement); ok && x.Of.Profile != "" && (x.Weight == 0 || x.Weight == 100) {
				keys[key] = append(keys[key], listed{x.Record, x.Of.Profile})
			}
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.lists = keys
	f.see(trust.DayOf(f.n.now()))
	return nil
}
