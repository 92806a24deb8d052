package simulations

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
)

// line is how a place is connected: bits per second up and down, and how far
// away the provider is, one way.
type line struct {
	up, down int
	away     time.Duration
}

var (
	home = line{up: 2_000_000, down: 16_000_000} // each 2 to 15 ms away
	// slow is an old telephone line, or a village behind one antenna.
	slow = line{up: 128_000, down: 512_000, away: 250 * time.Millisecond}
)

// regions are four, and a packet takes so long from one to another.
var regions = [4][4]time.Duration{
	{5 * time.Millisecond, 15 * time.Millisecond, 30 * time.Millisecond, 60 * time.Millisecond},
	{15 * time.Millisecond, 5 * time.Millisecond, 20 * time.Millisecond, 45 * time.Millisecond},
	{30 * time.Millisecond, 20 * time.Millisecond, 5 * time.Millisecond, 25 * time.Millisecond},
	{60 * time.Millisecond, 45 * time.Millisecond, 25 * time.Millisecond, 5 * time.Millisecond},
}

// internet carries packets between places.
type internet struct {
	wire   *simnet.Simnet
	places []*place // of addresses 1.0.0.1 and following; all there from the start
}

// place is where a host is plugged in.
type place struct {
	internet *internet
	index    int
	line     line
	region   int
	unplug   atomic.Bool  // nothing goes in or out
	side     atomic.Int32 // of a cut: nothing goes to another side

	mu      sync.Mutex // guards sockets
	sockets []*socket
}

// newInternet has n places, all at home.
func newInternet(n int, chance *rand.Rand) *internet {
	w := &internet{wire: &simnet.Simnet{Logger: slog.New(slog.DiscardHandler)}}
	for i := range n {
		l := home
		l.away = 2*time.Millisecond + time.Duration(chance.Int64N(int64(13*time.Millisecond)))
		w.places = append(w.places, &place{internet: w, index: i, line: l, region: chance.IntN(len(regions))})
	}
	w.wire.LatencyFunc = func(p *simnet.Packet) time.Duration {
		from, to := w.at(p.From), w.at(p.To)
		if from == nil || to == nil {
			return 0 // to nobody: it is dropped
		}
		return from.line.away + regions[from.region][to.region] + to.line.away
	}
	w.wire.Start()
	return w
}

// at returns the place of an address, or nil.
func (w *internet) at(a net.Addr) *place {
	udp, ok := a.(*net.UDPAddr)
	if !ok || udp.IP.To4() == nil {
		return nil
	}
	ip := udp.IP.To4()
	i := int(ip[1])<<16 + int(ip[2])<<8 + int(ip[3]) - 1
	if i < 0 || i >= len(w.places) {
		return nil
	}
	return w.places[i]
}

// reaches reports whether packets pass from p to another place.
func (p *place) reaches(to *place) bool {
	return !p.unplug.Load() && !to.unplug.Load() && p.side.Load() == to.side.Load()
}

// sent returns the bytes of all datagrams that left.
func (p *place) sent() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	total := 0
	for _, s := range p.sockets {
		total += s.Stats().BytesSent
	}
	return total
}

// socket is a UDP socket at a place.
type socket struct {
	*simnet.SimConn
	from *place
}

// WriteTo loses what has no way.
func (s *socket) WriteTo(b []byte, addr net.Addr) (int, error) {
	if to := s.from.internet.at(addr); to == nil || !s.from.reaches(to) {
		return len(b), nil
	}
	return s.SimConn.WriteTo(b, addr)
}

// listen is called by QUIC in place of net.ListenUDP.
func (p *place) listen(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
	s := &socket{p.internet.wire.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{
		Uplink: simnet.LinkSettings{BitsPerSecond: p.line.up}, Downlink: simnet.LinkSettings{BitsPerSecond: p.line.down},
	}), p}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sockets = append(p.sockets, s)
	return s, nil
}

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (p *place) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) {
	return simnet.IntToPublicIPv4(p.index), nil
}

// plugged is a libp2p host at a place. libp2p does not close a QUIC it was given.
type plugged struct {
	host.Host
	quic io.Closer
}

// Close implements host.Host.
func (h *plugged) Close() error { return errors.Join(h.Host.Close(), h.quic.Close()) }

// newHost listens at the place: over QUIC only, the one transport that can be
// given another wire. It is what go-libp2p's x/simlibp2p makes, which cannot
// count or lose packets and links an assertion library. Identify's discovery of
// one's own address stalls a bubble.
func (p *place) newHost() (host.Host, error) {
	h := &plugged{}
	inner, err := libp2p.New(
		libp2p.ListenAddrStrings(fmt.Sprintf("/ip4/%s/udp/4797/quic-v1", simnet.IntToPublicIPv4(p.index))),
		libp2p.QUICReuse(keeping(quicreuse.NewConnManager, &h.quic),
			quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return p, nil }),
			quicreuse.OverrideListenUDP(p.listen)),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
	)
	if err != nil {
		return nil, err
	}
	h.Host = inner
	return h, nil
}

// keeping is build that also writes what was built to kept. It is generic so as
// not to name the types of QUIC's keys.
func keeping[A, B any](build func(A, B, ...quicreuse.Option) (*quicreuse.ConnManager, error), kept *io.Closer) any {
	return func(a A, b B, options ...quicreuse.Option) (*quicreuse.ConnManager, error) {
		built, err := build(a, b, options...)
		*kept = built
		return built, err
	}
}
