package node

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// Against is what came of the last comparison of a territory with one peer, both
// of its sets.
type Against struct {
	Peer peer.ID
	At   time.Time
	// Follows says that the peer keeps the territory. What is below is zero
	// otherwise.
	Follows bool
	// Same says that nothing differed, by the salted fingerprints of both sides.
	Same bool
	// Missing are records the peer had and did not bring, or which were not kept;
	// Lacking are those it had not, and was sent if it took them. When both are
	// none and the sets were not the same, it brought all that differed.
	Missing, Lacking int
}

// Arrivals count what synchronisation has brought of a territory since the start.
type Arrivals struct {
	Received      int
	BytesReceived int // of data frames, compressed
	Coming        int // records that peers are about to send
}

// comparing is what is remembered of comparisons, guarded by the mutex of the
// synchroniser.
type comparing struct {
	against map[peer.ID]map[string]Against // by territory for both its sets, and by name of set
	brought map[territory.ID]Arrivals
	talking map[*conversation]bool
	ends    map[peer.ID]asked
	turned  chan struct{} // closed, and made again, when an ask has ended
}

// asked is how the last conversation that this node began with a peer ended.
type asked struct {
	times int
	err   error
}

func newComparing() comparing {
	return comparing{
		against: map[peer.ID]map[string]Against{}, brought: map[territory.ID]Arrivals{},
		talking: map[*conversation]bool{}, ends: map[peer.ID]asked{}, turned: make(chan struct{}),
	}
}

// compared notes what came of a round, with mu of the conversation held. The
// badges of a territory count with its control set, which went before.
func (c *conversation) compared(r *round) {
	a := Against{Peer: c.peer, At: c.node.now().UTC().Truncate(time.Second), Follows: !r.none}
	if a.Follows {
		a.Missing, a.Lacking = int(r.session.Expected())-r.kept, r.pushed
		a.Same = r.session.Complete() && r.session.Expected() == 0 && r.pushed == 0
	}
	s := c.node.sync
	if !r.badges() {
		s.beside(r.name, a)
	}
	switch first, before := c.first[r.territory]; {
	case r.partial():
		return
	case r.none:
	case r.control:
		c.first[r.territory] = a
		return
	case !before:
		return // its control set comes from another peer just now
	default:
		a.Missing, a.Lacking, a.Same = a.Missing+first.Missing, a.Lacking+first.Lacking, a.Same && first.Same
	}
	s.beside(string(r.territory), a)
}

// beside notes how a territory, or a set of one, stands beside that of a peer.
func (s *synchroniser) beside(name string, a Against) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.against[a.Peer] == nil {
		if len(s.against) >= synchro.Peers {
			clear(s.against)
		}
		s.against[a.Peer] = map[string]Against{}
	}
	if _, known := s.against[a.Peer][name]; known || len(s.against[a.Peer]) < 4*maxFollowed+2*synchro.Classes {
		s.against[a.Peer][name] = a
	}
}

// bring counts what a data frame has brought.
func (s *synchroniser) bring(id territory.ID, records, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.brought[id]
	a.Received, a.BytesReceived = a.Received+records, a.BytesReceived+bytes
	s.brought[id] = a
}

// live notes that a conversation goes on, or has ended.
func (s *synchroniser) live(c *conversation, is bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if is {
		s.talking[c] = true
	} else {
		delete(s.talking, c)
	}
}

// asked notes that a conversation this node began has ended.
func (s *synchroniser) asked(id peer.ID, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ends) >= synchro.Peers {
		clear(s.ends)
	}
	s.ends[id] = asked{s.ends[id].times + 1, err}
	close(s.turned)
	s.turned = make(chan struct{})
}

// againstAll returns the last comparisons of a territory, or of a set, with these
// peers.
func (s *synchroniser) againstAll(name string, with []peer.ID) (out []Against) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range with {
		if a, ok := s.against[p][name]; ok {
			out = append(out, a)
		}
	}
	return out
}

// arrivals returns what has come of territories, and is about to.
func (s *synchroniser) arrivals() map[territory.ID]Arrivals {
	s.mu.Lock()
	out := maps.Clone(s.brought)
	live := slices.Collect(maps.Keys(s.talking))
	s.mu.Unlock()
	for _, c := range live { // who holds the mutex of one may want that of s
		c.mu.Lock()
		if r := c.round; r != nil && !r.none && !r.ended && !c.full && !c.enough {
			a := out[r.territory]
			a.Coming += max(0, int(r.session.Expected())-int(r.got))
			out[r.territory] = a
		}
		c.mu.Unlock()
	}
	return out
}

// connected are the peers connected now, in order.
func (n *Node) connected() []peer.ID {
	if n.host == nil {
		return nil
	}
	return slices.Sorted(slices.Values(n.host.Network().Peers()))
}

// remind is after how long a peer with which a comparison could not begin is tried
// again: as many conversations as may went on, or it began one.
var remind = time.Second

// mostTries is how often a neighbour is asked until a failure counts: one that is
// busy, or asks itself at the same moment, hangs up.
const mostTries = 4

// compareAll compares all that is followed with every connected neighbour, now, and
// returns when that is done: again while records come, and once more to see that
// nothing differs any more. It returns the errors of those with which it failed.
func (n *Node) compareAll(ctx context.Context) (failed map[peer.ID]error, err error) {
	if n.host == nil || n.gossip.Load() == nil {
		return nil, ErrNoNetwork
	}
	select {
	case <-n.sync.ready:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for idle := 0; idle < 2; idle++ {
		before := n.keysHeld()
		if failed, err = n.compareOnce(ctx); err != nil {
			return failed, err
		}
		if n.agrees() && len(failed) == 0 {
			break
		}
		if n.keysHeld() != before {
			idle = -1
		}
	}
	return failed, nil
}

// keysHeld is how many keys there are of all that is followed, and how many records
// synchronisation has brought.
func (n *Node) keysHeld() (all int) {
	for _, id := range n.Followed() {
		count, _ := n.sets.size(id)
		all += count
	}
	n.sync.mu.Lock()
	defer n.sync.mu.Unlock()
	return all + n.sync.total.Received
}

// agrees reports whether nothing differed from any neighbour when last compared.
func (n *Node) agrees() bool {
	var names []string
	for _, id := range n.Followed() {
		names = append(names, string(id))
	}
	for _, of := range n.sets.partial() {
		names = append(names, of.String())
	}
	connected := n.connected()
	for _, name := range names {
		for _, a := range n.sync.againstAll(name, connected) {
			if a.Follows && !a.Same {
				return false
			}
		}
	}
	return true
}

// compareOnce holds a conversation with every neighbour that stays connected.
func (n *Node) compareOnce(ctx context.Context) (failed map[peer.ID]error, err error) {
	s := n.sync
	failed = map[peer.ID]error{}
	waiting, tries := map[peer.ID]int{}, map[peer.ID]int{}
	s.mu.Lock()
	for _, id := range n.connected() {
		waiting[id] = s.ends[id].times
	}
	s.mu.Unlock()
	again := time.NewTicker(remind)
	defer again.Stop()
	for due := true; ; {
		connected := n.connected()
		s.mu.Lock()
		turned := s.turned
		for id, times := range waiting {
			if last := s.ends[id]; last.times != times {
				if tries[id]++; last.err != nil && tries[id] < mostTries {
					waiting[id] = last.times
					continue
				}
				delete(waiting, id)
				if last.err != nil {
					failed[id] = last.err
				}
			} else if !slices.Contains(connected, id) {
				delete(waiting, id)
			}
		}
		s.mu.Unlock()
		if len(waiting) == 0 || n.store.ReadOnly() { // then nothing is asked for
			return failed, nil
		}
		for id := range waiting {
			if due {
				offer(s.soon, id)
			}
		}
		select {
		case <-turned:
			due = false
		case <-again.C:
			due = true
		case <-ctx.Done():
			return failed, ctx.Err()
		}
	}
}
