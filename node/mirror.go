package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Mirror is a durable choice: to keep all records of a territory, and to say how
// that stands. Its territories are followed as long as it stands, and what brings
// their records is synchronisation, however often it is cut.
type Mirror struct {
	ID       territory.ID
	Children bool      // with all that the tables have within it
	Since    time.Time // it was first asked for
	// Territories are those kept: ID, then its children in the order of the
	// tables, then those of earlier tables.
	Territories []territory.ID
}

// bucketMirrors: territory id → mirrorRow in JSON.
const bucketMirrors = "mirrors"

type mirrorRow struct {
	Children    bool           `json:"children,omitempty"`
	Since       time.Time      `json:"since"`
	Territories []territory.ID `json:"territories"`
}

// Errors of mirrors.
var (
	ErrMirrored   = errors.New("is kept by the mirror of") // no unfollowing it
	ErrNotMirror  = errors.New("is not mirrored")
	errMirrorRead = errors.New("does not read back")
)

// Mirrors returns the mirrors, in order of their ids.
func (n *Node) Mirrors() ([]Mirror, error) {
	var out []Mirror
	for key, value := range n.mirrors.Each() {
		var row mirrorRow
		if err := json.Unmarshal(value, &row); err != nil {
			return nil, fmt.Errorf("mirror %s %w: %w", key, errMirrorRead, err)
		}
		out = append(out, Mirror{territory.ID(key), row.Children, row.Since, row.Territories})
	}
	return out, nil
}

// Mirror returns one mirror, or ErrNotMirror.
func (n *Node) Mirror(id territory.ID) (Mirror, error) {
	all, err := n.Mirrors()
	if err != nil {
		return Mirror{}, err
	}
	for _, m := range all {
		if m.ID == id {
			return m, nil
		}
	}
	return Mirror{}, fmt.Errorf("territory %s %w", id, ErrNotMirror)
}

// AddMirror mirrors a territory, with its children or not, from now on. To add one
// again is to change which. It follows all that the mirror needs.
func (n *Node) AddMirror(id territory.ID, children bool) (Mirror, error) {
	if _, err := territory.Parse(string(id)); err != nil {
		return Mirror{}, err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	m := Mirror{ID: id, Children: children, Since: n.now().UTC().Truncate(time.Second)}
	before, err := n.Mirror(id)
	switch {
	case err == nil:
		m.Since = before.Since
	case !errors.Is(err, ErrNotMirror):
		return m, err
	}
	if m.Territories, err = n.mirrored(m); err != nil {
		return m, err
	}
	all := n.Followed()
	for _, t := range m.Territories {
		if !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	if len(all) > maxFollowed {
		return m, &badge.Invalid{
			Member: "territory " + string(id),
			Why:    fmt.Sprintf("has too many children: %d territories would be followed, at most %d are; mirror some of its children", len(all), maxFollowed),
		}
	}
	if err := n.writeMirror(m); err != nil {
		return m, err
	}
	if err := n.follow(forMirror, m.Territories...); err != nil {
		return m, err
	}
	return m, n.unfollowSpare()
}

// RemoveMirror mirrors a territory no more, and stops following what nothing else
// needs. What was received stays.
func (n *Node) RemoveMirror(id territory.ID) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	if _, err := n.Mirror(id); err != nil {
		return err
	}
	if err := n.mirrors.Delete([]byte(id)); err != nil {
		return fmt.Errorf("mirror %s: %w", id, err)
	}
	return n.unfollowSpare()
}

// mirrored is what a mirror keeps by the tables of today.
func (n *Node) mirrored(m Mirror) ([]territory.ID, error) {
	out := []territory.ID{m.ID}
	if !m.Children {
		return out, nil
	}
	g, err := n.places()
	if err != nil {
		return nil, err
	}
	return append(out, g.Children(m.ID)...), nil
}

func (n *Node) writeMirror(m Mirror) error {
	raw, err := json.Marshal(mirrorRow{m.Children, m.Since, m.Territories})
	if err == nil {
		err = n.mirrors.Put([]byte(m.ID), raw)
	}
	if err != nil {
		return fmt.Errorf("mirror %s: %w", m.ID, err)
	}
	return nil
}

// keepMirrors brings what is followed up to what mirrors need, at a start: a change
// was cut short, or the tables are newer. What earlier tables had is kept: its
// records are still of it.
func (n *Node) keepMirrors() error {
	all, err := n.Mirrors()
	if err != nil {
		return err
	}
	for _, m := range all {
		now, err := n.mirrored(m)
		if err != nil {
			return err
		}
		for _, t := range m.Territories {
			if !slices.Contains(now, t) {
				now = append(now, t)
			}
		}
		if !slices.Equal(now, m.Territories) {
			m.Territories = now
			if err := n.writeMirror(m); err != nil {
				return err
			}
		}
		if err := n.follow(forMirror, m.Territories...); err != nil {
			n.log.Error("not all of a mirror is followed", "territory", m.ID, "err", err)
		}
	}
	return n.unfollowSpare()
}

// unfollowSpare stops following what was followed for a mirror, and no mirror needs.
func (n *Node) unfollowSpare() error {
	all, err := n.Mirrors()
	if err != nil {
		return err
	}
	for key, why := range n.follows.Each() {
		id := territory.ID(key)
		if string(why) != forMirror || slices.ContainsFunc(all, func(m Mirror) bool { return slices.Contains(m.Territories, id) }) {
			continue
		}
		if err := n.unfollow(id); err != nil {
			return err
		}
	}
	return nil
}

// mirrorOf returns a mirror that needs a territory.
func (n *Node) mirrorOf(id territory.ID) (of territory.ID, ok bool) {
	all, err := n.Mirrors()
	if err != nil {
		return "", false
	}
	for _, m := range all {
		if slices.Contains(m.Territories, id) {
			return m.ID, true
		}
	}
	return "", false
}

// MirrorVerdict says how a mirror stands.
type MirrorVerdict string

// The verdicts.
const (
	// MirrorComplete: every connected neighbour that keeps any of it had the same,
	// by salted fingerprints, and there is one at least.
	MirrorComplete MirrorVerdict = "complete"
	// MirrorDiffers: a neighbour has records that are not here, or lacks some.
	MirrorDiffers MirrorVerdict = "differs"
	// MirrorUnconfirmed: nobody connected keeps any of it, or what differed was
	// exchanged and not compared since.
	MirrorUnconfirmed MirrorVerdict = "unconfirmed"
	// MirrorStopped: the node is not on the network.
	MirrorStopped MirrorVerdict = "stopped"
)

// MirrorReport is how a mirror stands, beside the neighbours connected now.
type MirrorReport struct {
	Mirror
	Verdict MirrorVerdict
	At      time.Time // of the oldest of the comparisons below; zero without any
	Records int       // erased ones too; one of several territories counts in each
	Arrivals
	Territories []MirroredTerritory
	Neighbours  []MirrorNeighbour
	ReadOnly    bool // the disk is nearly full: nothing is received
}

// MirroredTerritory is one territory of a mirror.
type MirroredTerritory struct {
	TerritoryReport
	Against []Against
}

// MirrorNeighbour is a connected peer, and what differs from it in all territories
// of a mirror that both keep.
type MirrorNeighbour struct {
	Peer             peer.ID
	At               time.Time // of the oldest comparison; zero without any
	Keeps            int       // how many of the territories it keeps
	Same             bool
	Missing, Lacking int
	Err              error // why it could not be compared just now
}

// MirrorReport returns how a mirror stands, by the last comparisons.
func (n *Node) MirrorReport(id territory.ID) (MirrorReport, error) {
	m, err := n.Mirror(id)
	if err != nil {
		return MirrorReport{}, err
	}
	return n.reportMirror(m, nil)
}

// CompareMirror compares with every connected neighbour now, takes what is missing,
// and returns how the mirror stands then. It takes as long as what is missing
// takes to come.
func (n *Node) CompareMirror(ctx context.Context, id territory.ID) (MirrorReport, error) {
	m, err := n.Mirror(id)
	if err != nil {
		return MirrorReport{}, err
	}
	failed, err := n.compareAll(ctx)
	if err != nil && !errors.Is(err, ErrNoNetwork) {
		return MirrorReport{}, err
	}
	return n.reportMirror(m, failed)
}

// countMembers counts records and stubs of territories in the store: what their
// sets have, but hollow keys. It costs a microsecond for each record of the store.
func (n *Node) countMembers(ids []territory.ID) (map[territory.ID]int, error) {
	byNumber := map[uint32]territory.ID{}
	out := map[territory.ID]int{}
	for m, err := range n.store.Members() {
		if err != nil {
			return nil, err
		}
		for _, where := range m.Where {
			id, known := byNumber[where]
			if !known {
				if id, err = n.store.Territory(where); err != nil {
					return nil, err
				}
				byNumber[where] = id
			}
			if slices.Contains(ids, id) {
				out[id]++
			}
		}
	}
	return out, nil
}

func (n *Node) reportMirror(m Mirror, failed map[peer.ID]error) (r MirrorReport, err error) {
	r = MirrorReport{Mirror: m, ReadOnly: n.store.ReadOnly()}
	var counts map[territory.ID]int
	select {
	case <-n.sync.ready:
	default: // there are no sets, or not yet
		if counts, err = n.countMembers(m.Territories); err != nil {
			return r, err
		}
	}
	connected, arrivals := n.connected(), n.sync.arrivals()
	for _, p := range connected {
		r.Neighbours = append(r.Neighbours, MirrorNeighbour{Peer: p, Same: true, Err: failed[p]})
	}
	for _, t := range n.syncReport(m.Territories).Territories {
		if counts != nil {
			t.Count, t.Root = counts[t.ID], ""
		}
		of := MirroredTerritory{t, n.sync.againstAll(t.ID, connected)}
		r.Territories = append(r.Territories, of)
		r.Records += t.Count
		a := arrivals[t.ID]
		r.Received, r.BytesReceived, r.Coming = r.Received+a.Received, r.BytesReceived+a.BytesReceived, r.Coming+a.Coming
		for _, a := range of.Against {
			i := slices.Index(connected, a.Peer)
			r.Neighbours[i].add(a)
		}
	}
	r.judge(n.host != nil && n.gossip.Load() != nil)
	return r, nil
}

func (x *MirrorNeighbour) add(a Against) {
	if x.At.IsZero() || a.At.Before(x.At) {
		x.At = a.At
	}
	if a.Follows {
		x.Keeps++
		x.Same = x.Same && a.Same
		x.Missing, x.Lacking = x.Missing+a.Missing, x.Lacking+a.Lacking
	}
}

// judge draws the conclusion.
func (r *MirrorReport) judge(running bool) {
	same, open := 0, 0
	r.Verdict = MirrorUnconfirmed
	for i := range r.Neighbours {
		x := &r.Neighbours[i]
		x.Same = x.Same && x.Keeps > 0
		switch {
		case x.Keeps == 0 && x.Err == nil:
			continue
		case x.Missing+x.Lacking > 0:
			r.Verdict = MirrorDiffers
		case x.Same && x.Err == nil:
			same++
		default:
			open++
		}
		if !x.At.IsZero() && (r.At.IsZero() || x.At.Before(r.At)) {
			r.At = x.At
		}
	}
	switch {
	case !running:
		r.Verdict = MirrorStopped
	case r.Verdict != MirrorDiffers && same > 0 && open == 0:
		r.Verdict = MirrorComplete
	}
}
