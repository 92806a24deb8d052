package node_test

import (
	"context"
	"io"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/protocol/circuitv2/client"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// relaysFor runs a box that others reach, and that relays.
func relaysFor(t *testing.T, whom node.RelayFor, follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Reach = node.Reach{Outside: true, Known: node.Public, Relay: whom}
	b := run(t, config, c, follows...)
	eventually(t, "it relays", func() bool { return must(b.Report())(t).Reach.Relaying.On })
	return b
}

// hides runs a box that nobody can dial: it listens nowhere.
func hides(t *testing.T, follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Listen = nil
	config.Reach = node.Reach{Outside: true, Known: node.Hidden}
	return run(t, config, c, follows...)
}

// listens runs a box that can be dialled, and believes that it cannot.
func listens(t *testing.T, follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Reach = node.Reach{Outside: true, Known: node.Hidden}
	return run(t, config, c, follows...)
}

// befriend has both know each other, as an invitation does; the one behind dials.
func (b *box) befriend(relay *box) {
	b.t.Helper()
	if _, err := relay.AddPeer("/ip4/127.0.0.1/tcp/1/p2p/" + b.PeerID().String()); err != nil {
		b.t.Fatal(err)
	}
	b.add(relay)
}

// add has b dial another.
func (b *box) add(other *box) {
	b.t.Helper()
	must(b.AddPeer(other.Addrs()[0]))(b.t)
	eventually(b.t, "connected", func() bool { return b.Host().Network().Connectedness(other.PeerID()) == network.Connected })
}

// through is the address of a box by way of a relay.
func through(relay, to *box) multiaddr.Multiaddr {
	return multiaddr.StringCast("/p2p/" + relay.PeerID().String() + "/p2p-circuit/p2p/" + to.PeerID().String())
}

// relays waits until a relay has so many reservations.
func (b *box) relays(n int) {
	b.t.Helper()
	eventually(b.t, "the relay has given its reservations", func() bool { return must(b.Report())(b.t).Reach.Relaying.Reservations == n })
}

// Two boxes that nobody can dial have a friend that others reach. They meet
// through it, and all runs as if they were connected: gossip and
// synchronisation. A stranger gets nothing from the relay.
func TestFriendsAreRelayed(t *testing.T) {
	synchronising(t)
	friend := relaysFor(t, node.RelayFriends) // of another territory
	home, away := hides(t, brest), hides(t, brest)
	old := notice(t, 1, alice, noon)
	home.upload(old)
	home.befriend(friend)
	away.befriend(friend)
	friend.relays(2)
	must(away.AddPeer(through(friend, home).String()))(t)
	away.gets(old) // by synchronisation
	home.hears(away)
	away.hears(home)
	said := notice(t, 2, alice, noon)
	away.upload(said)
	home.gets(said)
	if r := must(home.Report())(t).Gossip; r.Received == 0 {
		t.Error("no gossip came through the relay")
	}
	for _, c := range home.Host().Network().ConnsToPeer(away.PeerID()) {
		if c.Stat().Limited {
			t.Errorf("the connection through the friend is limited: %v", c.RemoteMultiaddr())
		}
	}
	if p, ok := home.peer(away.PeerID()); !ok || !p.Relayed || !p.Connected {
		t.Errorf("what is said of a relayed peer: got %+v", p)
	}
	if count := must(friend.Report())(t).Reach.Relaying; count.Connections != 1 || count.Bytes == 0 {
		t.Errorf("what the relay counts: got %+v, want one connection and its bytes", count)
	}

	// A stranger follows the same, and is nobody's friend here.
	stranger := hides(t, brest)
	stranger.add(friend)
	info := peer.AddrInfo{ID: friend.PeerID(), Addrs: friend.Host().Addrs()}
	if _, err := client.Reserve(t.Context(), stranger.Host(), info); err == nil {
		t.Error("a stranger was given a reservation")
	}
	dialing, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	target := peer.AddrInfo{ID: home.PeerID(), Addrs: []multiaddr.Multiaddr{through(friend, home)}}
	if err := stranger.Host().Connect(network.WithAllowLimitedConn(dialing, "test"), target); err == nil {
		t.Error("a stranger was relayed")
	}
	// The admin adds it.
	must(friend.AddPeer("/ip4/127.0.0.1/tcp/1/p2p/" + stranger.PeerID().String()))(t)
	friend.relays(3)
}

// A relay for its territory takes who follows what it follows, and nobody else.
func TestNeighboursAreRelayed(t *testing.T) {
	relay := relaysFor(t, node.RelayNeighbours, brest)
	home, away, elsewhere := hides(t, brest, rennes), hides(t, brest), hides(t, rennes)
	for _, b := range []*box{home, away, elsewhere} {
		b.add(relay)
	}
	relay.relays(2)
	must(away.AddPeer(through(relay, home).String()))(t)
	home.hears(away)
	said := notice(t, 1, alice, noon, rennes)
	home.upload(notice(t, 2, alice, noon), said)
	away.gets(notice(t, 2, alice, noon))
	info := peer.AddrInfo{ID: relay.PeerID(), Addrs: relay.Host().Addrs()}
	if _, err := client.Reserve(t.Context(), elsewhere.Host(), info); err == nil {
		t.Error("who follows another territory was given a reservation")
	}
}

// The connections of neighbours share a bucket of bytes; those of friends do not.
func TestNeighboursShareABucket(t *testing.T) {
	relay := relaysFor(t, node.RelayNeighbours, brest)
	home, away := hides(t, brest), hides(t, brest)
	home.add(relay)
	away.add(relay)
	relay.relays(2)
	must(away.AddPeer(through(relay, home).String()))(t)
	away.hears(home)
	send := func(size int) time.Duration {
		home.Host().SetStreamHandler("/test/1", func(s network.Stream) {
			_, _ = io.Copy(io.Discard, s)
			_ = s.Close()
		})
		began := time.Now()
		s := must(away.Host().NewStream(t.Context(), home.PeerID(), "/test/1"))(t)
		must(s.Write(make([]byte, size)))(t)
		if err := s.CloseWrite(); err != nil {
			t.Fatal(err)
		}
		must(io.ReadAll(s))(t)
		return time.Since(began)
	}
	size := node.Relaying.Burst + node.Relaying.Rate
	if took := send(size); took < time.Second {
		t.Errorf("%d bytes to a neighbour took %v: they are not bounded by %d a second", size, took, node.Relaying.Rate)
	}
}

// A relay of others, that limits connections, connects two boxes: what runs over
// it runs, and the dialer goes on to look for a direct way.
func TestLimitedIsNotTheEnd(t *testing.T) {
	r := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.ForceReachabilityPublic(), libp2p.EnableRelayService()))(t)
	defer r.Close()
	info := peer.AddrInfo{ID: r.ID(), Addrs: r.Addrs()}
	by := r.Addrs()[0].String() + "/p2p/" + r.ID().String() + "/p2p-circuit/p2p/"
	away := hides(t, brest)
	for _, home := range []*box{hides(t, brest), listens(t, brest)} {
		if err := home.Host().Connect(t.Context(), info); err != nil {
			t.Fatal(err)
		}
		eventually(t, "it has a place at the relay", func() bool {
			_, err := client.Reserve(t.Context(), home.Host(), info)
			return err == nil
		})
		must(away.AddPeer(by + home.PeerID().String()))(t)
		eventually(t, "connected", func() bool { p, _ := away.peer(home.PeerID()); return p.Connected })
		must(away.Ping(t.Context(), home.PeerID()))(t)
		if len(home.Host().Network().ListenAddresses()) == 1 { // the circuit alone
			if p, _ := away.peer(home.PeerID()); !p.Relayed {
				t.Errorf("who listens nowhere is connected directly: %+v", p)
			}
			continue
		}
		eventually(t, "the direct way is found", func() bool { p, _ := away.peer(home.PeerID()); return p.Connected && !p.Relayed })
		away.hears(home)
	}
}
