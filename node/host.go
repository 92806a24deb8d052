package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/core/transport"
	"github.com/libp2p/go-libp2p/p2p/host/autorelay"
	basichost "github.com/libp2p/go-libp2p/p2p/host/basic"
	"github.com/libp2p/go-libp2p/p2p/host/peerstore/pstoremem"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/net/upgrader"
	circuit "github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/proto"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/libp2p/go-libp2p/p2p/protocol/holepunch"
	"github.com/libp2p/go-libp2p/p2p/protocol/identify"
	"github.com/libp2p/go-libp2p/p2p/protocol/ping"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	libp2prate "github.com/libp2p/go-libp2p/x/rate"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"go.uber.org/fx"
)

// Port is the one UDP and TCP port of every node.
const Port = 4797

// ListenAddrs returns the addresses of a node that listens on port, TCP and
// QUIC over IPv4 and IPv6: on this machine only when local, else everywhere.
// Port 0 takes any free port.
func ListenAddrs(port int, local bool) []string {
	ip4, ip6 := "0.0.0.0", "::"
	if local {
		ip4, ip6 = "127.0.0.1", "::1"
	}
	return []string{
		fmt.Sprintf("/ip4/%s/tcp/%d", ip4, port), fmt.Sprintf("/ip4/%s/udp/%d/quic-v1", ip4, port),
		fmt.Sprintf("/ip6/%s/tcp/%d", ip6, port), fmt.Sprintf("/ip6/%s/udp/%d/quic-v1", ip6, port),
	}
}

// resources bounds what all peers together may take of a box with 512 MB.
var resources = struct {
	// Memory is bytes and Files file descriptors that libp2p may hold.
	Memory int64
	Files  int
	// Low and High are connections: beyond High the least useful are closed
	// until Low remain, none within Grace of being opened.
	Low, High int
	Grace     time.Duration
	// Window is the receive window of one stream in bytes.
	Window uint32
	// RelayLow and RelayHigh are the same of a node that may relay for others.
	RelayLow, RelayHigh int
	// SameIP is connections from one IPv4 address or IPv6 /56: a school or a
	// village may share one. libp2p's default is 8. SameIPBurst is new ones at
	// once, and SameIPRate a second for ever; libp2p's are 16 and 0.2.
	SameIP, SameIPBurst int
	SameIPRate          float64
}{
	Memory: 96 << 20, Files: 256,
	Low: 24, High: 40, Grace: time.Minute,
	Window:   1 << 20,
	RelayLow: 64, RelayHigh: 96,
	SameIP: 24, SameIPBurst: 48, SameIPRate: 1,
}

// newHost builds a libp2p host: TCP and QUIC, noise and TLS, bounded, and as far
// as the config says, ways to be reached from outside. It tells nobody but its
// peers that it exists.
func (n *Node) newHost(key crypto.PrivKey) (host.Host, error) {
	listen, reach := n.config.Listen, n.config.Reach
	if len(n.config.Options) == 0 {
		if err := portsFree(listen); err != nil {
			return nil, err
		}
	}
	limits := rcmgr.DefaultLimits
	limitServices(&limits)
	limits.AddServiceLimit(recordService,
		rcmgr.BaseLimit{StreamsInbound: 32, StreamsOutbound: 32, Streams: 64, Memory: 16 << 20}, rcmgr.BaseLimitIncrease{})
	limits.AddServicePeerLimit(recordService,
		rcmgr.BaseLimit{StreamsInbound: 4, StreamsOutbound: 4, Streams: 8, Memory: 4 << 20}, rcmgr.BaseLimitIncrease{})
	limits.AddServiceLimit(syncService,
		rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 8, Streams: 24, Memory: 32 << 20}, rcmgr.BaseLimitIncrease{})
	limits.AddServicePeerLimit(syncService,
		rcmgr.BaseLimit{StreamsInbound: 2, StreamsOutbound: 2, Streams: 4, Memory: 12 << 20}, rcmgr.BaseLimitIncrease{})
	limitAcquainting(&limits)
	manager, err := rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(limits.Scale(resources.Memory, resources.Files)),
		rcmgr.WithMetricsDisabled(),
		rcmgr.WithLimitPerSubnet(
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 32, ConnCount: resources.SameIP}},
			[]rcmgr.ConnLimitPerSubnet{{PrefixLength: 56, ConnCount: resources.SameIP}, {PrefixLength: 48, ConnCount: 3 * resources.SameIP}},
		),
		rcmgr.WithConnRateLimiters(connectionRate()))
	if err != nil {
		return nil, fmt.Errorf("resource limits: %w", err)
	}
	low, high := resources.Low, resources.High
	if reach.Outside && reach.Relay != RelayNobody {
		low, high = resources.RelayLow, resources.RelayHigh
	}
	connections, err := connmgr.NewConnManager(low, high, connmgr.WithGracePeriod(resources.Grace))
	if err != nil {
		return nil, fmt.Errorf("connection limits: %w", err)
	}
	peers, err := pstoremem.NewPeerstore()
	if err != nil {
		return nil, fmt.Errorf("addresses of peers: %w", err)
	}
	muxer := *yamux.DefaultTransport
	muxer.MaxStreamWindowSize = resources.Window
	// What libp2p.New does, without the transports it would link besides: they
	// are a tenth of the program.
	c := config.Config{
		PeerKey: key, Peerstore: peers, UserAgent: "essaim",
		ResourceManager: manager, ConnManager: connections, ConnectionGater: n.gater,
		Muxers:             []upgrader.StreamMuxer{{ID: yamux.ID, Muxer: &muxer}},
		SecurityTransports: []config.Security{{ID: noise.ID, Constructor: noise.New}, {ID: libp2ptls.ID, Constructor: libp2ptls.New}},
		Transports:         []fx.Option{transported(tcp.NewTCPTransport), transported(quic.NewTransport)},
		DisableMetrics:     true,
		// A network that carries no UDP, or no IPv6, shows by calls that fail.
		UDPBlackHoleSuccessCounter:  &swarm.BlackHoleSuccessCounter{N: 100, MinSuccesses: 5, Name: "UDP"},
		IPv6BlackHoleSuccessCounter: &swarm.BlackHoleSuccessCounter{N: 100, MinSuccesses: 5, Name: "IPv6"},
	}
	for _, text := range listen {
		addr, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return nil, fmt.Errorf("listen on %q: %w", text, err)
		}
		c.ListenAddrs = append(c.ListenAddrs, addr)
	}
	n.openWays(&c)
	if err := c.Apply(n.config.Options...); err != nil {
		return nil, fmt.Errorf("options of the host: %w", err)
	}
	h, err := c.NewNode()
	if err != nil {
		return nil, fmt.Errorf("listen on %v: %w", listen, err)
	}
	return h, nil
}

// transported gives libp2p the constructor of a transport.
func transported(constructor any) fx.Option {
	return fx.Provide(fx.Annotate(constructor, fx.ParamTags(), fx.As(new(transport.Transport)), fx.ResultTags(`group:"transport"`)))
}

// openWays sets the ways by which nodes elsewhere reach this one, or none.
func (n *Node) openWays(c *config.Config) {
	// AutoNAT v1 is silent: it says that nothing is known, once, and dials nobody.
	unknown := network.ReachabilityUnknown
	c.ForceReachability = &unknown
	if !n.config.Reach.Outside {
		c.DisableIdentifyAddressDiscovery = true
		return
	}
	c.AddrsFactory = outwardAddrs
	c.EnableAutoNATv2 = true
	c.Relay, c.EnableAutoRelay, c.EnableHolePunching = true, true, true
	c.AutoRelayOpts = []autorelay.Option{
		autorelay.WithPeerSource(n.relayCandidates()), autorelay.WithMinCandidates(1), autorelay.WithNumRelays(relaying.Wanted),
		autorelay.WithBootDelay(relaying.Delay), autorelay.WithMinInterval(relaying.Every), autorelay.WithBackoff(relaying.Again),
	}
	// In a small network few calls over UDP succeed at first, and a node that takes
	// that for a network without UDP judges others wrong.
	c.UDPBlackHoleSuccessCounter = nil
	if n.config.Reach.PortMap {
		c.NATManager = basichost.NewNATManager
	}
}

// limitServices bounds the streams of libp2p's own protocols, which do not grow
// with the memory of the box.
func limitServices(limits *rcmgr.ScalingLimitConfig) {
	for _, service := range []struct {
		name        string
		protocols   []protocol.ID
		streams     int // of all peers, each way
		memory      int64
		streamsEach int // of one peer, each way
		memoryEach  int64
	}{
		{identify.ServiceName, []protocol.ID{identify.ID, identify.IDPush}, 64, 4 << 20, 16, 1 << 20},
		{ping.ServiceName, []protocol.ID{ping.ID}, 64, 4 << 20, 3, 1 << 20},
		{holepunch.ServiceName, []protocol.ID{holepunch.Protocol}, 32, 4 << 20, 2, 1 << 20},
		{relay.ServiceName, []protocol.ID{circuit.ProtoIDv2Hop, circuit.ProtoIDv2Stop}, 640, 16 << 20, 64, 1 << 20},
	} {
		all := rcmgr.BaseLimit{
			StreamsInbound: service.streams, StreamsOutbound: service.streams, Streams: 2 * service.streams, Memory: service.memory,
		}
		each := rcmgr.BaseLimit{
			StreamsInbound: service.streamsEach, StreamsOutbound: service.streamsEach, Streams: 2 * service.streamsEach, Memory: service.memoryEach,
		}
		limits.AddServiceLimit(service.name, all, rcmgr.BaseLimitIncrease{})
		limits.AddServicePeerLimit(service.name, each, rcmgr.BaseLimitIncrease{})
		for _, id := range service.protocols {
			limits.AddProtocolLimit(id, all, rcmgr.BaseLimitIncrease{})
		}
	}
}

// connectionRate bounds how fast connections come in from one place.
func connectionRate() *libp2prate.Limiter {
	one := libp2prate.Limit{RPS: resources.SameIPRate, Burst: resources.SameIPBurst}
	return &libp2prate.Limiter{
		NetworkPrefixLimits: []libp2prate.PrefixLimit{
			{Prefix: netip.MustParsePrefix("127.0.0.0/8")}, {Prefix: netip.MustParsePrefix("::1/128")},
		},
		SubnetRateLimiter: libp2prate.SubnetLimiter{
			IPv4SubnetLimits: []libp2prate.SubnetLimit{{PrefixLength: 32, Limit: one}},
			IPv6SubnetLimits: []libp2prate.SubnetLimit{
				{PrefixLength: 56, Limit: one},
				{PrefixLength: 48, Limit: libp2prate.Limit{RPS: 3 * one.RPS, Burst: 3 * one.Burst}},
			},
			GracePeriod: time.Minute,
		},
	}
}

// portsFree fails when another program listens on one of the addresses. libp2p
// shares TCP ports between programs of one user, which would have each node take
// some of the other's connections, and is content with one address of several.
func portsFree(listen []string) error {
	for _, text := range listen {
		addr, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return fmt.Errorf("listen on %q: %w", text, err)
		}
		network, host, err := manet.DialArgs(addr)
		if err != nil {
			continue // libp2p will say
		}
		var probe io.Closer
		if strings.HasPrefix(network, "tcp") {
			probe, err = net.Listen(network, host) //nolint:noctx // answers at once
		} else if strings.HasPrefix(network, "udp") {
			probe, err = net.ListenPacket(network, host) //nolint:noctx // answers at once
		}
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("listen on %s: %w: perhaps another node runs here; stop it, or choose another port", text, err)
		}
		if err == nil && probe != nil {
			if err := probe.Close(); err != nil {
				return fmt.Errorf("listen on %s: %w", text, err)
			}
		}
	}
	return nil
}

// peerKey reads the key of this node as a peer from path, or makes it. It is
// another key than the community's: an issuer outlives its box.
func peerKey(path string) (crypto.PrivKey, error) {
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makePeerKey(path)
	}
	if err != nil {
		return nil, fmt.Errorf("peer key: %w", err)
	}
	key, err := crypto.UnmarshalPrivateKey(raw)
	if err != nil {
		return nil, fmt.Errorf("peer key %s is damaged: move it away and a new one is made: %w", path, err)
	}
	return key, nil
}

func makePeerKey(path string) (crypto.PrivKey, error) {
	key, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("peer key: %w", err)
	}
	raw, err := crypto.MarshalPrivateKey(key)
	if err != nil {
		return nil, fmt.Errorf("peer key: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("peer key: %w", err)
	}
	if err := renameio.WriteFile(path, raw, 0o600); err != nil {
		return nil, fmt.Errorf("peer key: %w", err)
	}
	return key, nil
}
