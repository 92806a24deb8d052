package node_test

import (
	"slices"
	"testing"
	"time"

	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/node"
)

// A box behind a firewall is told so by those who fail to reach it. Its admin
// opens the port, and it relays for others; the port is shut again, and after a
// while, not at once, it ends to.
func TestFirewallOpensAndShuts(t *testing.T) {
	underSky(t, func(t *testing.T, s *sky) {
		home := s.house()
		home.shut.Store(true)
		b := s.live(home, node.Reach{Outside: true, Relay: node.RelayFriends})
		is := func() node.ReachReport { return must(b.Report())(t).Reach }
		if got := is().Outside; got != node.Unknown && got != "" {
			t.Errorf("before anybody was asked: got %s, want unknown", got)
		}
		for range 5 {
			j := s.judge()
			must(b.AddPeer(j.Addrs[0].String() + "/p2p/" + j.ID.String()))(t)
		}
		within(t, time.Hour, "it knows that it is hidden", func() bool { return is().Outside == node.Hidden })

		if is().Relaying.On {
			t.Error("a hidden node relays")
		}
		home.shut.Store(false)
		within(t, 24*time.Hour, "it knows that others reach it", func() bool { return is().Outside == node.Public })
		within(t, time.Minute, "it relays", func() bool { return is().Relaying.On })
		if r := is(); len(r.Proven) != 1 || r.Proven[0] != home.address(4797) {
			t.Errorf("a node that others reach: got %+v, want %s to be proven", r, home.address(4797))
		}
		home.shut.Store(true)
		within(t, 24*time.Hour, "it knows that it is hidden again", func() bool { return is().Outside == node.Hidden })
		within(t, time.Minute, "it relays no more", func() bool { return !is().Relaying.On })
	})
}

// Two boxes behind firewalls know nothing but a node of their territory that
// others reach. They meet in its DHT, through its relay, and open a way that needs
// neither; then the node in the middle goes away.
func TestHiddenBoxesMeet(t *testing.T) {
	synchronising(t)
	underSky(t, func(t *testing.T, s *sky) {
		middle := s.live(s.house(), node.Reach{Outside: true, Known: node.Public, Relay: node.RelayNeighbours, Rendezvous: true}, brest)
		hidden := func() *box {
			h := s.house()
			h.shut.Store(true)
			b := s.live(h, node.Reach{Outside: true, Known: node.Hidden, Rendezvous: true}, brest)
			must(b.AddPeer(middle.Addrs()[0]))(t)
			return b
		}
		home, away := hidden(), hidden()
		within(t, 5*time.Minute, "both are relayed", func() bool {
			return must(middle.Report())(t).Reach.Relaying.Reservations == 2
		})
		if r := must(home.Report())(t).Reach; len(r.Relays) != 1 || r.Relays[0] != middle.PeerID() {
			t.Errorf("who relays: got %v, want %s", r.Relays, middle.PeerID())
		}
		within(t, 2*time.Hour, "they met", func() bool { p, _ := home.peer(away.PeerID()); return p.Connected })
		within(t, 10*time.Minute, "they are connected directly", func() bool { p, _ := home.peer(away.PeerID()); return p.Connected && !p.Relayed })
		said := notice(t, 1, alice, noon)
		home.upload(said)
		within(t, time.Minute, "the other heard it", func() bool { return away.has(said) })
		if err := middle.Host().Network().ClosePeer(home.PeerID()); err != nil {
			t.Fatal(err)
		}
		more := notice(t, 2, alice, noon)
		away.upload(more)
		within(t, time.Minute, "and answered", func() bool { return home.has(more) })
	})
}

// What speaks against being reached must last: a router restarts.
func TestVerdictIsSteady(t *testing.T) {
	const patience = 10 * time.Minute
	var v node.Verdict
	for _, step := range []struct {
		at   time.Duration
		says node.Reachability // "" only looks at the time
		want node.Reachability
	}{
		{0, node.Unknown, node.Unknown},
		{1 * time.Minute, node.Hidden, node.Hidden}, // at once: nothing is lost
		{2 * time.Minute, node.Unknown, node.Hidden},
		{3 * time.Minute, node.Public, node.Public}, // somebody came through
		{4 * time.Minute, node.Hidden, node.Public}, // the router restarts
		{13 * time.Minute, "", node.Public},
		{13 * time.Minute, node.Public, node.Public}, // and is back
		{20 * time.Minute, node.Unknown, node.Public},
		{25 * time.Minute, node.Hidden, node.Public},
		{29 * time.Minute, "", node.Public},
		{30 * time.Minute, "", node.Hidden}, // what was said last
		{31 * time.Minute, node.Public, node.Public},
	} {
		before := v.Is()
		changed := v.Step(step.says, noon.Add(step.at), patience)
		if got := v.Is(); got != step.want || changed != (got != before) {
			t.Errorf("at %v, told %q: got %s, changed %t; want %s", step.at, step.says, got, changed, step.want)
		}
	}
}

// Addresses of the own network are told to others only while there is no other.
func TestAddressesToldOutside(t *testing.T) {
	lan, wide := "/ip4/192.168.1.20/tcp/4797", "/ip4/1.2.3.4/tcp/4797"
	by := "/ip4/5.6.7.8/tcp/4797/p2p/12D3KooWHmy5K5FzZWP3XPDyeDzQRMb7qpVdcoCfqRA8d8Rqb8Nk/p2p-circuit"
	for _, c := range []struct{ all, want []string }{
		{[]string{lan, "/ip4/127.0.0.1/tcp/4797"}, []string{lan, "/ip4/127.0.0.1/tcp/4797"}},
		{[]string{lan, wide}, []string{wide}},
		{[]string{lan, by}, []string{by}},
		{[]string{wide, by}, []string{wide, by}},
		{nil, nil},
	} {
		var all []multiaddr.Multiaddr
		for _, a := range c.all {
			all = append(all, multiaddr.StringCast(a))
		}
		var got []string
		for _, a := range node.OutwardAddrs(all) {
			got = append(got, a.String())
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("of %v: got %v, want %v", c.all, got, c.want)
		}
	}
}
