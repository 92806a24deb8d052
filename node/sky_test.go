package node_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/autonatv2"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// sky is an internet in virtual time: every house has a public address, and some
// a firewall.
type sky struct {
	t      *testing.T
	wire   *simnet.Simnet
	houses int
	wiring sync.Mutex  // held while the wire is given another end
	closes []io.Closer // in order
	ends   []func()
}

// underSky runs a test in a bubble. What it starts ends with it.
func underSky(t *testing.T, test func(t *testing.T, s *sky)) {
	// Badger makes one compressor for the process: not in a bubble, or no other
	// bubble may use it.
	outside := start(t, brest)
	outside.upload(notice(t, 1, alice, noon))
	outside.stop()
	synctest.Test(t, func(t *testing.T) {
		s := &sky{t: t, wire: &simnet.Simnet{Logger: slog.New(slog.DiscardHandler), LatencyFunc: simnet.StaticLatency(10 * time.Millisecond)}}
		s.wire.Start()
		test(t, s)
		for _, end := range s.ends {
			end()
		}
		var closing sync.WaitGroup
		for _, c := range s.closes {
			closing.Go(func() {
				if err := c.Close(); err != nil {
					t.Errorf("close: got %v, want nil", err)
				}
			})
		}
		closing.Wait()
		s.wire.Close()
		time.Sleep(10 * time.Minute) // what libp2p leaves behind ends by its timers
	})
}

// house is a place with a public address. While it is shut its firewall lets in
// only what answers.
type house struct {
	sky  *sky
	ip   net.IP
	shut atomic.Bool
	quic []io.Closer
}

func (s *sky) house() *house {
	s.houses++
	return &house{sky: s, ip: simnet.IntToPublicIPv4(s.houses)}
}

// PreferredSourceIPForDestination implements quicreuse.SourceIPSelector.
func (h *house) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return h.ip, nil }

// listen is called by QUIC in place of net.ListenUDP.
func (h *house) listen(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
	fast := simnet.LinkSettings{BitsPerSecond: 20_000_000}
	h.sky.wiring.Lock()
	defer h.sky.wiring.Unlock()
	return &firewall{
		SimConn: h.sky.wire.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{Uplink: fast, Downlink: fast}), house: h, asked: map[string]time.Time{},
	}, nil
}

// firewall drops what comes from where nothing was sent for half a minute.
type firewall struct {
	*simnet.SimConn
	house *house

	mu    sync.Mutex // guards asked
	asked map[string]time.Time
}

// WriteTo implements net.PacketConn.
func (f *firewall) WriteTo(b []byte, to net.Addr) (int, error) {
	f.mu.Lock()
	f.asked[to.String()] = time.Now()
	f.mu.Unlock()
	return f.SimConn.WriteTo(b, to)
}

// ReadFrom implements net.PacketConn.
func (f *firewall) ReadFrom(b []byte) (int, net.Addr, error) {
	for {
		n, from, err := f.SimConn.ReadFrom(b)
		if err != nil || !f.house.shut.Load() {
			return n, from, err
		}
		f.mu.Lock()
		last, asked := f.asked[from.String()]
		f.mu.Unlock()
		if asked && time.Since(last) < 30*time.Second {
			return n, from, nil
		}
	}
}

// options plug a host into the house.
func (h *house) options() []libp2p.Option {
	return []libp2p.Option{
		libp2p.QUICReuse(keeping(quicreuse.NewConnManager, &h.quic),
			quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return h, nil }),
			quicreuse.OverrideListenUDP(h.listen)),
		libp2p.DisableIdentifyAddressDiscovery(), // it stalls a bubble
	}
}

func (h *house) address(port int) string { return fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", h.ip, port) }

// keeping is build that also keeps what was built: libp2p does not close a QUIC it
// was given. It is generic so as not to name the types of QUIC's keys.
func keeping[A, B any](build func(A, B, ...quicreuse.Option) (*quicreuse.ConnManager, error), kept *[]io.Closer) any {
	return func(a A, b B, options ...quicreuse.Option) (*quicreuse.ConnManager, error) {
		built, err := build(a, b, options...)
		if err == nil {
			*kept = append(*kept, built)
		}
		return built, err
	}
}

// closer closes in order.
type closer []io.Closer

// Close implements io.Closer.
func (c closer) Close() error {
	var err error
	for _, x := range c {
		err = errors.Join(err, x.Close())
	}
	return err
}

// judge is somebody on the internet who says whether he reaches others: a server
// of AutoNAT v2.
func (s *sky) judge() peer.AddrInfo {
	s.t.Helper()
	h := s.house()
	make := func(port int) host.Host {
		key, _, err := crypto.GenerateEd25519Key(rand.Reader)
		if err != nil {
			s.t.Fatal(err)
		}
		listen := libp2p.ListenAddrStrings(h.address(port))
		if port == 0 {
			listen = libp2p.NoListenAddrs
		}
		return must(libp2p.New(append(h.options(), libp2p.Identity(key), libp2p.Transport(quic.NewTransport), listen, libp2p.DisableMetrics(),
			libp2p.DisableRelay(), libp2p.ResourceManager(&network.NullResourceManager{}))...))(s.t)
	}
	there, dialer := make(4797), make(0)
	nat := must(autonatv2.New(dialer))(s.t)
	if err := nat.Start(there); err != nil {
		s.t.Fatal(err)
	}
	s.ends = append(s.ends, nat.Close)
	s.closes = append(s.closes, closer(append([]io.Closer{there, dialer}, h.quic...)))
	return peer.AddrInfo{ID: there.ID(), Addrs: there.Addrs()}
}

// live runs a box in a house.
func (s *sky) live(h *house, reach node.Reach, follows ...territory.ID) *box {
	s.t.Helper()
	c := &clock{}
	config := configure(s.t.TempDir(), c)
	config.Listen = []string{h.address(4797)}
	config.Reach = reach
	config.Options = h.options()
	n := must(node.New(config))(s.t)
	// Its own judgements would leave the bubble.
	n.Host().RemoveStreamHandler(autonatv2.DialProtocol)
	for _, id := range follows {
		if err := n.Follow(id); err != nil {
			s.t.Fatal(err)
		}
	}
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	s.ends = append(s.ends, func() {
		stop()
		if err := <-ended; err != nil {
			s.t.Errorf("Run: got %v, want nil", err)
		}
	})
	s.closes = append(s.closes, closer(append([]io.Closer{n}, h.quic...)))
	return &box{Node: n, t: s.t, clock: c, dir: config.Dir}
}

// within waits in virtual time.
func within(t *testing.T, d time.Duration, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(d); !holds(); time.Sleep(time.Second) {
		if time.Now().After(end) {
			t.Fatalf("still not after %v: %s", d, what)
		}
	}
}
