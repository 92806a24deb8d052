package node

import (
	"fmt"
	"math"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
)

// fault is how much a peer did wrong, at a time; it decays.
type fault struct {
	weight float64
	at     time.Time
}

// now returns the weight that is left.
func (f fault) now(t time.Time) float64 {
	return f.weight * math.Pow(score.Decay, float64(t.Sub(f.at))/float64(score.DecayInterval))
}

// appScore is what this node's own lists and experience give a peer. pubsub asks
// for it at every turn.
func (n *Node) appScore(id peer.ID) float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ownScore(id, time.Now())
}

// ownScore is called with mu held.
func (n *Node) ownScore(id peer.ID, now time.Time) float64 {
	s := 0.0
	if f, ok := n.faults[id]; ok {
		w := f.now(now)
		s += score.Fault * w * w
	}
	if n.known[id] {
		s += score.Known
	}
	if n.shunned[id] {
		s += score.Blocked
	}
	return s
}

// misdeed notes one invalid message or answer, and cuts off who sent too many.
// A static peer is the admin's choice: it is no longer heard, and stays
// connected.
func (n *Node) misdeed(id peer.ID) {
	if n.host == nil || id == n.host.ID() {
		return
	}
	now := time.Now()
	n.mu.Lock()
	if _, ok := n.faults[id]; !ok && len(n.faults) >= score.Peers {
		n.forgetFaults(now)
	}
	n.faults[id] = fault{n.faults[id].now(now) + 1, now}
	s, known := n.ownScore(id, now), n.known[id]
	n.mu.Unlock()
	if s < score.Graylist && !known {
		n.cutOff(id, s)
	}
}

// forgetFaults makes room: it forgets what has decayed, and else anybody. It is
// called with mu held.
func (n *Node) forgetFaults(now time.Time) {
	for id, f := range n.faults {
		if f.now(now) < 0.1 {
			delete(n.faults, id)
		}
	}
	for id := range n.faults {
		if len(n.faults) < score.Peers {
			return
		}
		delete(n.faults, id)
	}
}

// cutOff hangs up on a peer and refuses its connections for score.CutOff.
func (n *Node) cutOff(id peer.ID, s float64) {
	n.mu.Lock()
	_, already := n.cut[id]
	room := len(n.cut) < score.Peers
	if !already && room {
		n.cut[id] = time.Now().Add(score.CutOff)
	}
	n.mu.Unlock()
	if already {
		return
	}
	n.log.Warn("peer cut off: its score fell below the graylist", "peer", id, "score", s)
	if room {
		if err := n.gater.BlockPeer(id); err != nil {
			n.log.Error("cut off", "peer", id, "err", err)
		}
	}
	n.hangUp(id)
}

// forgive ends a cut and forgets faults.
func (n *Node) forgive(id peer.ID) error {
	n.mu.Lock()
	delete(n.cut, id)
	delete(n.faults, id)
	shunned := n.shunned[id]
	n.mu.Unlock()
	if shunned {
		return nil
	}
	if err := n.gater.UnblockPeer(id); err != nil {
		return fmt.Errorf("unblock %s: %w", id, err)
	}
	return nil
}

// endCuts lets peers come again whose time is over. Their faults remain.
func (n *Node) endCuts(now time.Time) {
	var over []peer.ID
	n.mu.Lock()
	for id, until := range n.cut {
		if now.After(until) {
			delete(n.cut, id)
			if !n.shunned[id] {
				over = append(over, id)
			}
		}
	}
	n.mu.Unlock()
	for _, id := range over {
		if err := n.gater.UnblockPeer(id); err != nil {
			n.log.Error("end of a cut", "peer", id, "err", err)
		}
	}
}

// inspectScores keeps the scores for Peers and cuts off those who fell below the
// graylist by how they behave in the gossip protocol; pubsub itself would only
// stop listening.
func (n *Node) inspectScores(scores map[peer.ID]float64) {
	n.mu.Lock()
	n.scores = scores
	var low []peer.ID
	for id, s := range scores {
		if s < score.Graylist && !n.known[id] && !n.shunned[id] {
			low = append(low, id)
		}
	}
	n.mu.Unlock()
	for _, id := range low {
		n.cutOff(id, scores[id])
	}
}
