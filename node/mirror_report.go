package node

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

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
	Records int       // erased ones too, but of classes; one of several territories counts in each
	Arrivals
	Territories []MirroredTerritory
	Classes     []MirroredClass // of a partial mirror
	Neighbours  []MirrorNeighbour
	ReadOnly    bool  // the disk is nearly full: nothing is received
	Size        int64 // of a bounded mirror: bytes of records, control aside
	Full        bool  // it has come to its bound, and takes no more
	Missing     int   // records that the neighbour which has most had, and are not here
}

// MirroredTerritory is one territory of a mirror.
type MirroredTerritory struct {
	TerritoryReport
	Against []Against
}

// MirroredClass is one class of a partial mirror in one of its territories.
type MirroredClass struct {
	Class     cid.Cid // undefined for the list of all classes, without awards
	Territory territory.ID
	Count     int // of records, its own too; erased ones are of no class
	Against   []Against
}

// MirrorNeighbour is a connected peer, and what differs from it in all territories
// of a mirror that both keep.
type MirrorNeighbour struct {
	Peer             peer.ID
	At               time.Time // of the oldest comparison; zero without any
	Keeps            int       // how many of the territories it keeps, or of the classes
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
	if _, err := n.Mirror(id); err != nil {
		return MirrorReport{}, err
	}
	failed, err := n.compareAll(ctx)
	if err != nil && !errors.Is(err, ErrNoNetwork) {
		return MirrorReport{}, err
	}
	m, err := n.Mirror(id) // with the classes that have come
	if err != nil {
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
	connected, arrivals := n.connected(), n.sync.arrivals()
	for _, p := range connected {
		r.Neighbours = append(r.Neighbours, MirrorNeighbour{Peer: p, Same: true, Err: failed[p]})
	}
	if m.whole() {
		err = n.reportWhole(&r, connected)
	} else {
		err = n.reportPartial(&r, connected)
	}
	if err != nil {
		return r, err
	}
	for _, t := range r.Territories {
		r.Records += t.Count
		a := arrivals[t.ID]
		r.Received, r.BytesReceived, r.Coming = r.Received+a.Received, r.BytesReceived+a.BytesReceived, r.Coming+a.Coming
	}
	for _, x := range r.Neighbours {
		r.Missing = max(r.Missing, x.Missing)
	}
	if m.MaxSize > 0 {
		if err := n.measureBounds(); err != nil {
			return r, err
		}
		r.Size, r.Full = n.bounds.of(m.ID)
	}
	r.judge(n.host != nil && n.gossip.Load() != nil)
	return r, nil
}

func (n *Node) reportWhole(r *MirrorReport, connected []peer.ID) (err error) {
	ids := r.Mirror.Territories
	var counts map[territory.ID]int
	select {
	case <-n.sync.ready:
	default: // there are no sets, or not yet
		if counts, err = n.countMembers(ids); err != nil {
			return err
		}
	}
	for _, t := range n.syncReport(ids).Territories {
		if counts != nil {
			t.Count, t.Root = counts[t.ID], ""
		}
		of := MirroredTerritory{t, n.sync.againstAll(string(t.ID), connected)}
		r.Territories = append(r.Territories, of)
		r.besideAll(of.Against)
	}
	return nil
}

// reportPartial counts in the indexes of the store, half a microsecond a record.
func (n *Node) reportPartial(r *MirrorReport, connected []peer.ID) error {
	for _, id := range r.Mirror.Territories {
		t := MirroredTerritory{TerritoryReport: TerritoryReport{ID: id}}
		control := setName{territory: id, control: true}
		count, err := n.store.Count(store.Query{Kinds: []protocol.Kind{protocol.Status, protocol.Succession}, Territory: id})
		if err != nil {
			return err
		}
		t.Count, t.Against = count, n.sync.againstAll(control.String(), connected)
		for i := range t.Against {
			if t.Against[i].Follows {
				r.neighbour(t.Against[i].Peer).note(t.Against[i])
			}
		}
		for _, of := range r.sets() {
			if of.territory != id {
				continue
			}
			c := MirroredClass{Class: of.class, Territory: id}
			if c.Count, err = n.countSet(of); err != nil {
				return err
			}
			t.Count += c.Count
			if own, err := n.store.Get(of.class); of.class.Defined() && len(r.Skills) > 0 && err == nil && of.has(own) {
				t.Count-- // it counts among all classes
			}
			for _, p := range connected {
				if i := slices.IndexFunc(t.Against, func(a Against) bool { return a.Peer == p && !a.Follows }); i >= 0 {
					c.Against = append(c.Against, t.Against[i]) // nor any class of it
				} else {
					c.Against = append(c.Against, n.sync.againstAll(of.String(), []peer.ID{p})...)
				}
			}
			r.Classes = append(r.Classes, c)
			r.besideAll(c.Against)
		}
		r.Territories = append(r.Territories, t)
	}
	return nil
}

func (r *MirrorReport) neighbour(id peer.ID) *MirrorNeighbour {
	return &r.Neighbours[slices.IndexFunc(r.Neighbours, func(x MirrorNeighbour) bool { return x.Peer == id })]
}

// besideAll counts territories or classes beside each neighbour.
func (r *MirrorReport) besideAll(all []Against) {
	for _, a := range all {
		x := r.neighbour(a.Peer)
		x.note(a)
		if a.Follows {
			x.Keeps++
		}
	}
}

// note counts what differs.
func (x *MirrorNeighbour) note(a Against) {
	if x.At.IsZero() || a.At.Before(x.At) {
		x.At = a.At
	}
	if a.Follows {
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
