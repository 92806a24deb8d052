package node

import (
	"strconv"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Report is the state of a node at one moment.
type Report struct {
	Community Community // zero before Setup
	Locked    bool      // the keys need their passphrase
	Network   bool
	Peer      peer.ID
	Addrs     []string
	Port      int // it listens on; 0 when it listens nowhere
	Connected int
	Followed  []territory.ID
	Held      int // records from the future
	Gossip    GossipReport
	Sync      SyncReport
	Reach     ReachReport
	Store     store.Stats
	At        time.Time
}

// GossipReport counts messages since start.
type GossipReport struct {
	Received, Rejected, Ignored, Duplicates, Sent, Dropped uint64
	// Mesh is how many peers pass on what they hear to this node, once for
	// each territory they do it for.
	Mesh int
}

// Report returns the state of the node now.
func (n *Node) Report() (Report, error) {
	stats, err := n.store.Stats()
	if err != nil {
		return Report{}, err
	}
	r := Report{Followed: n.Followed(), Held: n.Held(), Store: stats, At: n.now().UTC().Truncate(time.Second)}
	if c, err := n.Community(); err == nil {
		r.Community = c
	}
	if keys := n.keys.Load(); keys != nil {
		r.Locked = keys.Locked()
	}
	if n.host == nil {
		return r, nil
	}
	r.Network, r.Peer, r.Addrs = true, n.host.ID(), n.Addrs()
	r.Port = listensOn(n.host.Network().ListenAddresses())
	r.Connected = len(n.host.Network().Peers())
	r.Sync = n.syncReport(r.Followed)
	r.Reach = n.reachReport()
	if g := n.gossip.Load(); g != nil {
		c := &g.count
		r.Gossip = GossipReport{
			c.received.Load(), c.rejected.Load(), c.ignored.Load(), c.duplicates.Load(), c.sent.Load(), c.dropped.Load(),
			g.mesh.size(),
		}
	}
	return r, nil
}

// Store gives readers the records. They read; what is written goes through
// Accept.
func (n *Node) Store() *store.Store { return n.store }

// listensOn returns the port of the first address that has one, or 0.
func listensOn(addrs []multiaddr.Multiaddr) int {
	for _, a := range addrs {
		for _, transport := range []int{multiaddr.P_TCP, multiaddr.P_UDP} {
			if text, err := a.ValueForProtocol(transport); err == nil {
				port, _ := strconv.Atoi(text) // the multiaddress was checked
				return port
			}
		}
	}
	return 0
}
