package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	circuitpb "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/pb"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"
	"golang.org/x/time/rate"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// RelayFor is whom a node relays for.
type RelayFor string

// The choices. A friend is a peer the admin added or invited; a neighbour one
// that follows a territory this node follows.
const (
	RelayNobody     RelayFor = "off"
	RelayFriends    RelayFor = "friends"
	RelayNeighbours RelayFor = "territory"
)

// relaying is every number of relaying but those of libp2p, mirrored in
// spec/reach.md §9. They are for a box with 512 MB behind a fibre line.
var relaying = struct {
	// Reservations is how many nodes are relayed at once, and Neighbours how
	// many of these are no friends, so that friends find room.
	Reservations, Neighbours int
	// Circuits is connections to or from one node at once.
	Circuits int
	// SameIP and SameASN are reservations from one IPv4 address, and from one
	// provider: a village may sit behind one address.
	SameIP, SameASN int
	// Rate is the bytes a second that all connections to neighbours together
	// may take; to friends there is no bound. Burst is what may go at once.
	Rate, Burst int
	// Wanted is how many relays a hidden node has, Delay how long it waits for
	// a second candidate, Every how often it looks for more, and Again how long
	// one that refused is left alone, and one that is not connected is not
	// tried again.
	Wanted              int
	Delay, Every, Again time.Duration
}{
	Reservations: 64, Neighbours: 32, Circuits: 16, SameIP: 32, SameASN: 64,
	Rate: 64 << 10, Burst: 256 << 10,
	Wanted: 2, Delay: 10 * time.Second, Every: 30 * time.Second, Again: 10 * time.Minute,
}

// RelayCount is what a relay does.
type RelayCount struct {
	On           bool
	Reservations int   // nodes it relays for
	Connections  int   // that go through it
	Bytes        int64 // since the start
}

// relayService is the relay of this node, while it runs one.
type relayService struct {
	mu   sync.Mutex // guards what follows
	stop func()     // nil when there is none

	reservations, connections atomic.Int64
	bytes                     atomic.Int64
}

func (s *relayService) counts() RelayCount {
	s.mu.Lock()
	on := s.stop != nil
	s.mu.Unlock()
	return RelayCount{on, int(s.reservations.Load()), int(s.connections.Load()), s.bytes.Load()}
}

// startRelaying relays for others, unless it does or nobody is to be relayed.
// Connections through it have no limits, so that gossip runs over them: whom it
// is for is bounded instead.
func (n *Node) startRelaying(ctx context.Context) error {
	if n.config.Reach.Relay != RelayFriends && n.config.Reach.Relay != RelayNeighbours {
		return nil
	}
	n.relay.mu.Lock()
	defer n.relay.mu.Unlock()
	if n.relay.stop != nil {
		return nil
	}
	ctx, cancel := context.WithCancel(ctx)
	resources := relay.DefaultResources()
	resources.Limit = nil
	resources.MaxReservations, resources.MaxCircuits = relaying.Reservations, relaying.Circuits
	resources.MaxReservationsPerIP, resources.MaxReservationsPerASN = relaying.SameIP, relaying.SameASN
	thrifty := &thriftyHost{
		Host: n.host, ctx: ctx, bucket: rate.NewLimiter(rate.Limit(relaying.Rate), relaying.Burst), free: n.isFriend,
	}
	r, err := relay.New(thrifty, relay.WithResources(resources),
		relay.WithACL(&relayList{node: n, neighbours: map[peer.ID]time.Time{}, lasts: resources.ReservationTTL}),
		relay.WithMetricsTracer(&relayTracer{service: &n.relay}))
	if err != nil {
		cancel()
		return fmt.Errorf("relay for others: %w", err)
	}
	n.relay.stop = func() {
		cancel()
		_ = r.Close() // it has no error to give
	}
	n.log.Info("relaying for others", "for", n.config.Reach.Relay)
	return nil
}

func (n *Node) stopRelaying() {
	n.relay.mu.Lock()
	stop := n.relay.stop
	n.relay.stop = nil
	n.relay.mu.Unlock()
	if stop != nil {
		stop()
		n.relay.reservations.Store(0)
	}
}

// isFriend reports whether the admin added or invited a peer.
func (n *Node) isFriend(id peer.ID) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.known[id] && !n.shunned[id]
}

// isNeighbour reports whether a connected peer follows a territory that this node
// follows, by what the peer says.
func (n *Node) isNeighbour(id peer.ID) bool {
	g := n.gossip.Load()
	return g != nil && slices.ContainsFunc(n.Followed(), func(t territory.ID) bool { return slices.Contains(g.peersOf(t), id) })
}

// relayList says who is relayed: friends; neighbours too if this node relays for
// its territories; nobody else. Of a connection both ends are on the list.
type relayList struct {
	node  *Node
	lasts time.Duration // a reservation

	mu         sync.Mutex            // guards neighbours
	neighbours map[peer.ID]time.Time // end of their reservations
}

// AllowReserve implements relay.ACLFilter.
func (l *relayList) AllowReserve(id peer.ID, _ multiaddr.Multiaddr) bool {
	if l.node.isFriend(id) {
		return true
	}
	if !l.admits(id) {
		return false
	}
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	for other, end := range l.neighbours {
		if now.After(end) || l.node.host.Network().Connectedness(other) != network.Connected {
			delete(l.neighbours, other) // libp2p ends a reservation with the connection
		}
	}
	if _, has := l.neighbours[id]; !has && len(l.neighbours) >= relaying.Neighbours {
		return false
	}
	l.neighbours[id] = now.Add(l.lasts)
	return true
}

// AllowConnect implements relay.ACLFilter. The other end has a reservation, or
// libp2p refuses.
func (l *relayList) AllowConnect(from peer.ID, _ multiaddr.Multiaddr, _ peer.ID) bool {
	return l.node.isFriend(from) || l.admits(from)
}

func (l *relayList) admits(id peer.ID) bool {
	return l.node.config.Reach.Relay == RelayNeighbours && l.node.isNeighbour(id)
}

// relayTracer counts.
type relayTracer struct{ service *relayService }

// RelayStatus implements relay.MetricsTracer, as do those that follow.
func (t *relayTracer) RelayStatus(bool) {}

// ConnectionOpened counts a connection.
func (t *relayTracer) ConnectionOpened() { t.service.connections.Add(1) }

// ConnectionClosed ends to count it.
func (t *relayTracer) ConnectionClosed(time.Duration) { t.service.connections.Add(-1) }

// ConnectionRequestHandled is of no interest.
func (t *relayTracer) ConnectionRequestHandled(circuitpb.Status) {}

// ReservationAllowed counts a node that is relayed.
func (t *relayTracer) ReservationAllowed(renewed bool) {
	if !renewed {
		t.service.reservations.Add(1)
	}
}

// ReservationClosed ends to count so many.
func (t *relayTracer) ReservationClosed(n int) { t.service.reservations.Add(int64(-n)) }

// ReservationRequestHandled is of no interest.
func (t *relayTracer) ReservationRequestHandled(circuitpb.Status) {}

// BytesTransferred adds up.
func (t *relayTracer) BytesTransferred(n int) { t.service.bytes.Add(int64(n)) }

// thriftyHost is the host as its relay sees it: streams to those relayed who are
// not free take their bytes, both ways, from one bucket. What libp2p offers
// instead, a limit of bytes for each connection, would keep gossip off them.
type thriftyHost struct {
	host.Host
	ctx    context.Context // of the relay
	bucket *rate.Limiter
	free   func(peer.ID) bool
}

// NewStream implements host.Host.
func (h *thriftyHost) NewStream(ctx context.Context, id peer.ID, protocols ...protocol.ID) (network.Stream, error) {
	s, err := h.Host.NewStream(ctx, id, protocols...)
	if err != nil || !slices.Contains(protocols, circuit.ProtoIDv2Stop) || h.free(id) {
		return s, err
	}
	return &thriftyStream{s, h}, nil
}

type thriftyStream struct {
	network.Stream
	host *thriftyHost
}

// Read implements io.Reader.
func (s *thriftyStream) Read(b []byte) (int, error) {
	n, err := s.Stream.Read(b[:min(len(b), relaying.Burst)])
	if n > 0 {
		if wait := s.host.bucket.WaitN(s.host.ctx, n); wait != nil {
			return n, wait
		}
	}
	return n, err
}

// Write implements io.Writer.
func (s *thriftyStream) Write(b []byte) (int, error) {
	done := 0
	for done < len(b) {
		part := b[done:min(len(b), done+relaying.Burst)]
		if err := s.host.bucket.WaitN(s.host.ctx, len(part)); err != nil {
			return done, err
		}
		n, err := s.Stream.Write(part)
		done += n
		if err != nil {
			return done, err
		}
	}
	return done, nil
}

// knownNodes returns the nodes this one could ask a favour of, each once: those
// connected, those added, and those met before.
func (n *Node) knownNodes() []peer.AddrInfo {
	var out []peer.AddrInfo
	has := map[peer.ID]bool{}
	add := func(info peer.AddrInfo) {
		if !has[info.ID] {
			has[info.ID] = true
			out = append(out, info)
		}
	}
	for _, id := range n.host.Network().Peers() {
		add(n.host.Peerstore().PeerInfo(id))
	}
	for _, info := range n.staticPeers() {
		add(info)
	}
	for _, id := range n.cache.all() {
		if a, ok := n.cache.get(id); ok {
			add(a.info(id))
		}
	}
	return out
}

// relayCandidates gives libp2p the nodes that could relay for this one, once it
// runs: those connected that offer it, and now and then those that are not
// connected.
func (n *Node) relayCandidates() func(ctx context.Context, most int) <-chan peer.AddrInfo {
	var mu sync.Mutex
	tried := map[peer.ID]time.Time{}
	due := func(id peer.ID) bool {
		mu.Lock()
		defer mu.Unlock()
		now := time.Now()
		if now.Sub(tried[id]) < relaying.Again {
			return false
		}
		for other, at := range tried {
			if now.Sub(at) >= relaying.Again {
				delete(tried, other)
			}
		}
		tried[id] = now
		return true
	}
	return func(ctx context.Context, most int) <-chan peer.AddrInfo {
		out := make(chan peer.AddrInfo)
		go func() {
			defer close(out)
			select {
			case <-ctx.Done():
				return
			case <-n.online:
			}
			known := n.knownNodes()
			rand.Shuffle(len(known), func(i, j int) { known[i], known[j] = known[j], known[i] })
			for _, info := range known {
				if most == 0 {
					return
				}
				if n.host.Network().Connectedness(info.ID) == network.NotConnected {
					if !due(info.ID) {
						continue
					}
				} else if spoken, err := n.host.Peerstore().SupportsProtocols(info.ID, circuit.ProtoIDv2Hop); err != nil || len(spoken) == 0 {
					continue
				}
				most--
				select {
				case out <- info:
				case <-ctx.Done():
					return
				}
			}
		}()
		return out
	}
}
