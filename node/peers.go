package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/peerstore"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// ErrNoNetwork is returned by everything that needs peers on a node that works
// on its folder alone.
var ErrNoNetwork = errors.New("this node is not on the network")

// Peer is a node this one knows.
type Peer struct {
	ID        peer.ID
	Addrs     []string
	Connected bool
	Relayed   bool // connected through another node only
	Static    bool // added by the admin, redialled for ever
	Blocked   bool
	CutOff    time.Time     // until when it is, for its misdeeds; zero when not
	Since     time.Time     // of the connection
	Latency   time.Duration // smoothed; 0 when unknown
	Follows   []territory.ID
	Score     float64
	// How is how this node came to know of it, and By who told of it.
	How Origin
	By  peer.ID
	// Name is what an invited peer calls itself.
	Name string
}

// Bounds of static peers.
const (
	// redialMin and redialMax bound the wait between attempts to reach one;
	// it doubles from one to the other.
	redialMin = time.Second
	redialMax = 5 * time.Minute
	// maxStatic is how many there are, and maxAddrs how many addresses each
	// has: of more, those added last.
	maxStatic = 256
	maxAddrs  = 16
	// maxDialing is how many peers that were not added, but found, are dialled
	// at once.
	maxDialing = 16
	// maxOrigins is of how many peers it is remembered since the start how they
	// were found.
	maxOrigins = 1024
)

const (
	bucketPeers   = "peers"   // peer id → newline-separated addresses
	bucketBlocked = "blocked" // peer id → nothing
)

// Addrs returns the addresses others can dial, each ending in /p2p/ and the id.
func (n *Node) Addrs() []string {
	if n.host == nil {
		return nil
	}
	var out []string
	for _, a := range n.host.Addrs() {
		out = append(out, a.String()+"/p2p/"+n.host.ID().String())
	}
	return out
}

// ParsePeerID reads the id of a peer as Addrs end in it, 12D3Koo….
func ParsePeerID(s string) (peer.ID, error) {
	id, err := peer.Decode(s)
	if err != nil {
		return "", &badge.Invalid{Member: "peer", Why: fmt.Sprintf("%q is not the id of a node, 12D3Koo…", s)}
	}
	return id, nil
}

// Errors about peers.
var (
	// ErrUnknownPeer is wrapped when no such peer was added.
	ErrUnknownPeer = errors.New("is not a peer this node was told of")
	// ErrBlockedPeer is wrapped when a blocked peer is added.
	ErrBlockedPeer = errors.New("is blocked here: unblock it first")
)

// AddPeer remembers the node at address, a multiaddress ending in /p2p/…, and
// keeps a connection to it. It forgives what the peer did.
func (n *Node) AddPeer(address string) (peer.ID, error) {
	info, err := parsePeer(address)
	if err != nil {
		return "", err
	}
	if n.host != nil && info.ID == n.host.ID() {
		return "", &badge.Invalid{Member: fmt.Sprintf("peer address %q", address), Why: "is this node's own"}
	}
	if err := n.addPeer(info); err != nil {
		return "", err
	}
	return info.ID, nil
}

// addPeer keeps a static peer with its addresses, which may be none.
func (n *Node) addPeer(info peer.AddrInfo) error {
	if _, err := n.blocked.Get([]byte(info.ID)); err == nil {
		return fmt.Errorf("peer %s %w", info.ID, ErrBlockedPeer)
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	addrs, err := n.addAddrs(info)
	if err != nil {
		return err
	}
	if err := n.peers.Put([]byte(info.ID), []byte(strings.Join(addrs, "\n"))); err != nil {
		return fmt.Errorf("peer %s: %w", info.ID, err)
	}
	n.mu.Lock()
	n.known[info.ID] = true
	n.mu.Unlock()
	if n.host == nil {
		return nil
	}
	n.host.Peerstore().AddAddrs(info.ID, info.Addrs, peerstore.PermanentAddrTTL)
	n.host.ConnManager().Protect(info.ID, "static")
	if err := n.forgive(info.ID); err != nil {
		return err
	}
	n.wakeDialer()
	return nil
}

// maxAddress bounds an address, in bytes.
const maxAddress = 1024

// parsePeer reads the address of a peer.
func parsePeer(address string) (peer.AddrInfo, error) {
	if len(address) > maxAddress {
		return peer.AddrInfo{}, &badge.Invalid{Member: "peer address", Why: fmt.Sprintf("has %d bytes: %d are allowed", len(address), maxAddress)}
	}
	address = strings.TrimSpace(address)
	if strings.ContainsFunc(address, unicode.IsSpace) { // addresses are kept one a line
		return peer.AddrInfo{}, fmt.Errorf("peer address %q has a space in it", address)
	}
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return peer.AddrInfo{}, &badge.Invalid{Member: fmt.Sprintf("peer address %q", address), Why: fmt.Sprintf("is none: %v (it looks like /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…)", err)}
	}
	if len(info.Addrs) == 0 {
		return peer.AddrInfo{}, &badge.Invalid{Member: fmt.Sprintf("peer address %q", address), Why: "does not say where the peer is (it looks like /ip4/192.168.1.20/tcp/4797/p2p/12D3Koo…)"}
	}
	return *info, nil
}

// addAddrs returns the addresses of a static peer with those of info.
func (n *Node) addAddrs(info peer.AddrInfo) ([]string, error) {
	known, err := n.peers.Get([]byte(info.ID))
	if errors.Is(err, store.ErrNotFound) {
		count := 0
		for range n.peers.Each() {
			count++
		}
		if count >= maxStatic {
			return nil, &badge.Invalid{Member: "peer " + info.ID.String(), Why: fmt.Sprintf("is one too many: %d are kept at most, remove one first", maxStatic)}
		}
	} else if err != nil {
		return nil, fmt.Errorf("peer %s: %w", info.ID, err)
	}
	addrs := strings.Fields(string(known))
	for _, a := range info.Addrs {
		if !slices.Contains(addrs, a.String()) {
			addrs = append(addrs, a.String())
		}
	}
	return addrs[max(0, len(addrs)-maxAddrs):], nil
}

// RemovePeer forgets a static peer and hangs up.
func (n *Node) RemovePeer(id peer.ID) error {
	if _, err := n.peers.Get([]byte(id)); errors.Is(err, store.ErrNotFound) {
		return fmt.Errorf("peer %s %w", id, ErrUnknownPeer)
	} else if err != nil {
		return fmt.Errorf("peer %s: %w", id, err)
	}
	if err := errors.Join(n.peers.Delete([]byte(id)), n.invited.Delete([]byte(id)), n.cache.forget(id)); err != nil {
		return fmt.Errorf("peer %s: %w", id, err)
	}
	n.mu.Lock()
	delete(n.known, id)
	n.mu.Unlock()
	if n.host == nil {
		return nil
	}
	n.host.ConnManager().Unprotect(id, "static")
	n.host.Peerstore().ClearAddrs(id)
	return n.host.Network().ClosePeer(id)
}

// BlockPeer hangs up and neither dials nor hears the peer again, until
// UnblockPeer. A static peer stays one, and is not dialled.
func (n *Node) BlockPeer(id peer.ID) error {
	if err := errors.Join(n.blocked.Put([]byte(id), []byte{}), n.cache.forget(id)); err != nil {
		return fmt.Errorf("block %s: %w", id, err)
	}
	n.mu.Lock()
	n.shunned[id] = true
	n.mu.Unlock()
	if n.host == nil {
		return nil
	}
	if err := n.gater.BlockPeer(id); err != nil {
		return fmt.Errorf("block %s: %w", id, err)
	}
	return n.host.Network().ClosePeer(id)
}

// UnblockPeer takes a block back and forgives what the peer did, also when it
// was this node that cut it off.
func (n *Node) UnblockPeer(id peer.ID) error {
	if err := n.blocked.Delete([]byte(id)); err != nil {
		return fmt.Errorf("unblock %s: %w", id, err)
	}
	n.mu.Lock()
	delete(n.shunned, id)
	n.mu.Unlock()
	if n.host == nil {
		return nil
	}
	if err := n.forgive(id); err != nil {
		return err
	}
	n.wakeDialer()
	return nil
}

// Ping returns the round trip time to a peer, in at most ten seconds.
func (n *Node) Ping(ctx context.Context, id peer.ID) (time.Duration, error) {
	if n.host == nil {
		return 0, ErrNoNetwork
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	result, ok := <-ping.Ping(ctx, n.host, id)
	if !ok {
		return 0, fmt.Errorf("ping %s: %w", id, context.Cause(ctx))
	}
	if result.Error != nil {
		return 0, fmt.Errorf("ping %s: %w", id, result.Error)
	}
	return result.RTT, nil
}

// Peers returns every peer that is connected, was added, is blocked or cut off,
// connected ones first, then by id.
func (n *Node) Peers() ([]Peer, error) {
	byID := map[peer.ID]*Peer{}
	get := func(id peer.ID) *Peer {
		if byID[id] == nil {
			byID[id] = &Peer{ID: id}
		}
		return byID[id]
	}
	for key, value := range n.peers.Each() {
		p := get(peer.ID(key))
		p.Static, p.Addrs = true, strings.Fields(string(value))
	}
	for key := range n.blocked.Each() {
		get(peer.ID(key)).Blocked = true
	}
	n.mu.Lock()
	for id, until := range n.cut {
		get(id).CutOff = until
	}
	n.mu.Unlock()
	if n.host != nil {
		n.describeConnected(get)
	}
	for id, p := range byID {
		if p.Static || p.Connected {
			p.How, p.By = n.originOf(id)
		}
		if p.How == Invited {
			p.Name = n.nameOfInvited(id)
		}
	}
	out := make([]Peer, 0, len(byID))
	for _, p := range byID {
		out = append(out, *p)
	}
	slices.SortFunc(out, func(a, b Peer) int {
		if a.Connected != b.Connected {
			if a.Connected {
				return -1
			}
			return 1
		}
		return strings.Compare(string(a.ID), string(b.ID))
	})
	return out, nil
}

func (n *Node) describeConnected(get func(peer.ID) *Peer) {
	for _, c := range n.host.Network().Conns() {
		p := get(c.RemotePeer())
		p.Relayed = relayed(c.RemoteMultiaddr()) && (p.Relayed || !p.Connected)
		p.Connected = true
		p.Since = c.Stat().Opened
		p.Latency = n.host.Peerstore().LatencyEWMA(p.ID)
		if a := c.RemoteMultiaddr().String(); !slices.Contains(p.Addrs, a) {
			p.Addrs = append(p.Addrs, a)
		}
	}
	if g := n.gossip.Load(); g != nil {
		for _, id := range n.Followed() {
			for _, follower := range g.peersOf(id) {
				p := get(follower)
				p.Follows = append(p.Follows, id)
			}
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for id, s := range n.scores {
		if n.host.Network().Connectedness(id) != network.NotConnected {
			get(id).Score = s
		}
	}
}

// dial keeps connections to static peers until ctx ends. Each peer is tried at
// once when added or lost, then after waits that double. One that is connected
// through a relay alone is dialled directly now and then: all but gossip runs over
// a relay that limits, but all runs better without.
func (n *Node) dial(ctx context.Context) error {
	next := map[peer.ID]time.Time{}
	wait := map[peer.ID]time.Duration{}
	was := map[peer.ID]link{}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.redial:
		case <-timer.C:
		}
		now := time.Now()
		soonest := now.Add(redialMax)
		for _, info := range n.staticPeers() {
			l := n.link(info.ID)
			if l != was[info.ID] {
				was[info.ID] = l
				delete(next, info.ID)
				delete(wait, info.ID)
				if l == throughRelay { // the two may be opening a way
					wait[info.ID] = n.pace.direct
					next[info.ID] = now.Add(n.pace.direct)
				}
			}
			if l == direct {
				continue
			}
			if due, ok := next[info.ID]; !ok || !now.Before(due) {
				wait[info.ID] = min(max(2*wait[info.ID], redialMin), redialMax)
				next[info.ID] = now.Add(wait[info.ID])
				n.spawn(func(ctx context.Context) { n.reach(ctx, info) })
			}
			if next[info.ID].Before(soonest) {
				soonest = next[info.ID]
			}
		}
		timer.Reset(time.Until(soonest))
	}
}

// connect dials a peer that was found somehow, unless enough are being dialled;
// of these, half are left to who is found on the local network.
func (n *Node) connect(info peer.AddrInfo, how origin) bool {
	room := maxDialing
	if how.how != Local {
		room /= 2
	}
	n.mu.Lock()
	busy := n.dialing[info.ID] || len(n.dialing) >= room
	if !busy {
		n.dialing[info.ID] = true
	}
	n.mu.Unlock()
	if busy {
		return false // it will be found again
	}
	if _, known := n.origins.Get(info.ID); !known {
		n.origins.Add(info.ID, how)
	}
	if !n.spawn(func(ctx context.Context) { n.reach(ctx, info) }) {
		n.mu.Lock()
		delete(n.dialing, info.ID)
		n.mu.Unlock()
		return false
	}
	return true
}

// link is how a peer is connected.
type link int

const (
	unconnected link = iota
	throughRelay
	direct
)

func (n *Node) link(id peer.ID) link {
	best := unconnected
	for _, c := range n.host.Network().ConnsToPeer(id) {
		if !relayed(c.RemoteMultiaddr()) {
			return direct
		}
		best = throughRelay
	}
	return best
}

// reach connects to a peer, or directly to one that a relay connects.
func (n *Node) reach(ctx context.Context, info peer.AddrInfo) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	if n.link(info.ID) == throughRelay {
		ctx = network.WithForceDirectDial(ctx, "relayed")
	}
	err := n.host.Connect(ctx, info)
	n.mu.Lock()
	delete(n.dialing, info.ID)
	n.mu.Unlock()
	if err != nil {
		n.log.Debug("peer not reached", "peer", info.ID, "err", err)
	}
}

func (n *Node) wakeDialer() {
	select {
	case n.redial <- struct{}{}:
	default:
	}
}

// staticPeers returns the peers to keep connections to: those added and not
// blocked.
func (n *Node) staticPeers() []peer.AddrInfo {
	var out []peer.AddrInfo
	for key, value := range n.peers.Each() {
		info := peer.AddrInfo{ID: peer.ID(key)}
		if !n.gater.InterceptPeerDial(info.ID) {
			continue
		}
		for _, a := range strings.Fields(string(value)) {
			m, err := multiaddr.NewMultiaddr(a)
			if err != nil { // of a version that wrote others
				n.log.Warn("peer address not understood", "peer", info.ID, "err", err)
				continue
			}
			info.Addrs = append(info.Addrs, m)
		}
		out = append(out, info)
	}
	return out
}

// watch follows connections coming and going: it tells fetch who came and the
// dialer that somebody came or left.
func (n *Node) watch() network.Notifiee {
	return &network.NotifyBundle{
		ConnectedF: func(_ network.Network, c network.Conn) {
			id := c.RemotePeer()
			if !n.gater.InterceptPeerDial(id) { // blocked just now, or past Config.Host
				n.hangUp(id)
				return
			}
			n.wakeDialer()
			n.sync.meet(id)
			if n.config.Seek {
				n.spawn(func(context.Context) { n.noteReached(c) })
				select {
				case n.company.met <- struct{}{}:
				default:
				}
			}
			select {
			case n.meet <- struct{}{}:
			default:
			}
			select {
			case n.came <- id:
			default: // the next round asks it too
			}
		},
		DisconnectedF: func(network.Network, network.Conn) { n.wakeDialer() },
	}
}

// hangUp closes the connections to a peer, later: callbacks of libp2p must not.
func (n *Node) hangUp(id peer.ID) {
	n.spawn(func(context.Context) {
		if err := n.host.Network().ClosePeer(id); err != nil {
			n.log.Debug("hang up", "peer", id, "err", err)
		}
	})
}
