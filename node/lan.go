package node

import (
	"context"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/discovery/mdns"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// mdnsService is how nodes call themselves on a local network.
const mdnsService = "_essaim._udp"

// discover finds peers on the local network, and is found, until ctx ends. What
// a service says of this node it says for ever, so that each change of addresses
// needs another service: a laptop moves, a router deals out other addresses.
func (n *Node) discover(ctx context.Context) error {
	tick := time.NewTicker(n.pace.lan)
	defer tick.Stop()
	var service mdns.Service
	var said []multiaddr.Multiaddr
	end := func() {
		if service == nil {
			return
		}
		if err := service.Close(); err != nil {
			n.log.Debug("local network discovery", "err", err)
		}
		service = nil
	}
	defer end()
	for {
		if now := lanAddrs(n.host); !slices.EqualFunc(said, now, multiaddr.Multiaddr.Equal) {
			end()
			service, said = n.announce(now), now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// announce says on the local network that this node has these addresses, and
// looks for others. It returns nil when there is no such network: a box without
// multicast still works.
func (n *Node) announce(addrs []multiaddr.Multiaddr) mdns.Service {
	if len(addrs) == 0 {
		n.log.Info("no local network to be found on")
		return nil
	}
	service := mdns.NewMdnsService(lanHost{n.host, addrs}, mdnsService, found(func(info peer.AddrInfo) {
		if info.ID != n.host.ID() && n.link(info.ID) != direct {
			n.connect(info, origin{how: Local})
		}
	}))
	if err := service.Start(); err != nil {
		n.log.Warn("local network discovery is off", "err", err)
		return nil
	}
	n.log.Debug("announced on the local network", "addrs", addrs)
	return service
}

type found func(peer.AddrInfo)

// HandlePeerFound implements mdns.Notifee.
func (f found) HandlePeerFound(info peer.AddrInfo) { f(info) }

// lanAddrs returns where a host listens now on networks, in order, but not on
// this machine alone. libp2p's own list may be a minute old.
func lanAddrs(h host.Host) []multiaddr.Multiaddr {
	all, err := manet.ResolveUnspecifiedAddresses(h.Network().ListenAddresses(), nil)
	if err != nil {
		return nil
	}
	all = slices.DeleteFunc(all, manet.IsIPLoopback)
	slices.SortFunc(all, multiaddr.Multiaddr.Compare)
	return all
}

// lanHost is a host that listens where it is told: on the addresses of now.
type lanHost struct {
	host.Host
	addrs []multiaddr.Multiaddr
}

// Network implements host.Host.
func (h lanHost) Network() network.Network { return lanNetwork{h.Host.Network(), h.addrs} }

type lanNetwork struct {
	network.Network
	addrs []multiaddr.Multiaddr
}

// InterfaceListenAddresses implements network.Network.
func (l lanNetwork) InterfaceListenAddresses() ([]multiaddr.Multiaddr, error) { return l.addrs, nil }
