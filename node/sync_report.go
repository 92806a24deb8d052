package node

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Comparison is the last comparison of a territory that went well.
type Comparison struct {
	With peer.ID
	At   time.Time
	// Short says that less came than was promised.
	Short bool
}

// SyncTotals count since the start.
type SyncTotals struct {
	Conversations, Failed    int
	Received, Sent           int // records
	BytesReceived, BytesSent int // of them, compressed
	Hollow                   int // keys of erased records that were never here
}

// SyncReport is the state of synchronisation.
type SyncReport struct {
	SyncTotals
	// Active is how many conversations go on.
	Active int
	// Territories are those followed, in order.
	Territories []TerritoryReport
}

// TerritoryReport is what this node holds of a territory.
type TerritoryReport struct {
	ID territory.ID
	// Count is of records, erased ones too. Two nodes that show the same Root
	// hold the same.
	Count int
	Root  string
	// Last is the last comparison with a peer; zero when there was none.
	Last Comparison
}

// syncReport returns the state of synchronisation now.
func (n *Node) syncReport(followed []territory.ID) SyncReport {
	s := n.sync
	s.mu.Lock()
	r := SyncReport{SyncTotals: s.total, Active: len(s.talks)}
	last := maps.Clone(s.last)
	s.mu.Unlock()
	for _, id := range followed {
		count, root := n.sets.size(id)
		r.Territories = append(r.Territories, TerritoryReport{id, count, rootName(root), last[id]})
	}
	return r
}

// conclude notes what a conversation brought, and asks for what is missing still. It
// reports whether more is kept from now on.
func (n *Node) conclude(c *conversation, err error) (grew bool) {
	s := n.sync
	s.mu.Lock()
	s.total.Conversations++
	if err != nil {
		if k := s.talks[c.peer]; k == nil || !k.yield {
			s.total.Failed++
		}
	} else {
		makeRoom(s.talked)
		s.talked[c.peer] = c.began
	}
	s.total.Received += c.gained
	s.total.Sent += c.given
	s.total.BytesReceived += c.bytesIn
	s.total.BytesSent += c.bytesOut
	s.total.Hollow += c.hollowed
	s.mu.Unlock()
	if c.gained+c.hollowed > 0 && !c.enough { // else more comes first
		s.tell(c.peer)
	}
	if n.scopesDue.Swap(false) {
		if grew, err = n.resolveScopes(); err != nil {
			n.log.Error("classes of mirrors", "err", err)
		}
	}
	if c.gained == 0 {
		return grew
	}
	n.log.Info("synchronised", "peer", c.peer, "records", c.gained, "bytes", c.bytesIn)
	missing, err := n.missing(wantQueue / 2)
	if err != nil {
		if !errors.Is(err, store.ErrClosed) {
			n.log.Error("missing records", "err", err)
		}
		return grew
	}
	for _, m := range missing {
		if digest, err := protocol.DigestOf(m.CID); err == nil {
			n.wish(wish{digest: digest, from: c.peer})
		}
	}
	return grew
}

// missing returns records that are to be looked for. With a partial mirror come
// statuses of what is not kept, so that what statuses alone name is not.
func (n *Node) missing(limit int) ([]store.Missing, error) {
	if !n.sets.anyPartial() {
		return n.store.Missing(limit)
	}
	const told = 8 // of so many that are passed over
	out, err := n.store.Missing(told * limit)
	out = slices.DeleteFunc(out, func(m store.Missing) bool { return m.Told })
	return out[:min(len(out), limit)], err
}

// note remembers that a territory was compared to the end.
func (s *synchroniser) note(id territory.ID, with Comparison) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last[id] = with
	if !with.Short {
		s.whole[id] = with.At
		s.unkept[id] = true
	}
}

// wholeAt returns when a territory was last compared since the start and nothing
// was left out.
func (s *synchroniser) wholeAt(id territory.ID) (time.Time, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.whole[id]
	return at, ok
}

// takeWhole returns what wholeAt would, of territories compared since it was last
// asked.
func (s *synchroniser) takeWhole() map[territory.ID]time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	news := map[territory.ID]time.Time{}
	for id := range s.unkept {
		news[id] = s.whole[id]
	}
	clear(s.unkept)
	return news
}
