package node_test

import (
	"context"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/relay"
	"github.com/multiformats/go-multiaddr"
)

// Over a relay that passes 128 KiB and then hangs up, gossip does not run, and
// sets still end equal: each connection brings some more.
func TestLimitedRelay(t *testing.T) {
	synchronising(t)
	fast := &relay.RelayLimit{Data: 128 << 10, Duration: time.Minute}
	r := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ForceReachabilityPublic(),
		libp2p.EnableRelayService(relay.WithLimit(fast))))(t)
	defer r.Close()
	hidden := func() host.Host {
		return must(libp2p.New(libp2p.NoListenAddrs, libp2p.EnableRelay(), libp2p.ForceReachabilityPrivate()))(t)
	}
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Host = hidden()
	home := run(t, config, c, brest)
	config = configure(t.TempDir(), c)
	config.Host = hidden()
	away := run(t, config, c, brest)
	home.brings(notices()...)
	ctx := context.Background()
	info := peer.AddrInfo{ID: r.ID(), Addrs: r.Addrs()}
	for _, x := range []*box{home, away} {
		if err := x.Host().Connect(ctx, info); err != nil {
			t.Fatal(err)
		}
	}
	must(client.Reserve(ctx, home.Host(), info))(t)
	through := multiaddr.StringCast("/p2p/" + r.ID().String() + "/p2p-circuit")
	dials := 0
	eventually(t, "all came through the relay", func() bool {
		if away.Host().Network().Connectedness(home.PeerID()) == network.NotConnected {
			dials++
			dialing, cancel := context.WithTimeout(ctx, 5*time.Second)
			defer cancel()
			_ = away.Host().Connect(network.WithAllowLimitedConn(dialing, "test"), peer.AddrInfo{ID: home.PeerID(), Addrs: []multiaddr.Multiaddr{through}})
		}
		for _, conn := range away.Host().Network().ConnsToPeer(home.PeerID()) {
			if !conn.Stat().Limited {
				t.Fatal("the connection is not limited")
			}
		}
		return territoryOf(away, brest).Count == len(notices())
	})
	t.Logf("%d connections through the relay", dials)
	if dials < 2 {
		t.Errorf("%d connections: the relay limits nothing", dials)
	}
	holdsWhatItSays(t, away, brest)
	if f := away.Faults(home.PeerID()) + home.Faults(away.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
}
