package node

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/host"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/conngater"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	quic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
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
	// SameIP is connections from one IPv4 address or IPv6 /56: a school or a
	// village may share one. libp2p's default is 8.
	SameIP int
}{
	Memory: 96 << 20, Files: 256,
	Low: 24, High: 40, Grace: time.Minute,
	Window: 1 << 20,
	SameIP: 24,
}

// newHost builds a libp2p host: TCP and QUIC, noise and TLS, bounded, without
// relays and without telling anybody but its peers that it exists.
func newHost(key crypto.PrivKey, listen []string, gater *conngater.BasicConnectionGater) (host.Host, error) {
	if err := portsFree(listen); err != nil {
		return nil, err
	}
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
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
		))
	if err != nil {
		return nil, fmt.Errorf("resource limits: %w", err)
	}
	connections, err := connmgr.NewConnManager(resources.Low, resources.High, connmgr.WithGracePeriod(resources.Grace))
	if err != nil {
		return nil, fmt.Errorf("connection limits: %w", err)
	}
	muxer := *yamux.DefaultTransport
	muxer.MaxStreamWindowSize = resources.Window
	h, err := libp2p.New(
		libp2p.Identity(key),
		libp2p.ListenAddrStrings(listen...),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Transport(quic.NewTransport),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Muxer(yamux.ID, &muxer),
		libp2p.ResourceManager(manager),
		libp2p.ConnectionManager(connections),
		libp2p.ConnectionGater(gater),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(),
		libp2p.UserAgent("essaim"),
	)
	if err != nil {
		return nil, fmt.Errorf("listen on %v: %w", listen, err)
	}
	return h, nil
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
