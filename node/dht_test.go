package node_test

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// meets runs a box that uses the DHT.
func meets(t *testing.T, known node.Reachability, follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Reach = node.Reach{Outside: true, Known: known, Rendezvous: true}
	return run(t, config, c, follows...)
}

// Two nodes of Brest know one of Rennes and nothing else. They find each other;
// one of Quimper finds nobody.
func TestRendezvous(t *testing.T) {
	third := meets(t, node.Public, rennes)
	one, other, elsewhere := meets(t, node.Hidden, brest), meets(t, node.Hidden, brest), meets(t, node.Hidden, quimper)
	for _, b := range []*box{one, other, elsewhere} {
		b.add(third)
	}
	eventually(t, "they found each other", func() bool {
		p, ok := one.peer(other.PeerID())
		return ok && p.Connected
	})
	one.hears(other)
	said := notice(t, 1, alice, noon)
	one.upload(said)
	other.gets(said)
	if got := must(one.Report())(t).Reach.Meeting; got != 1 {
		t.Errorf("nodes of the DHT known: got %d, want the third", got)
	}
	if got := len(elsewhere.Host().Network().Peers()); got != 1 {
		t.Errorf("who follows something else has %d peers, want 1", got)
	}
}

// What a node of the DHT keeps for others is bounded, whoever fills it, and ends.
func TestFollowingsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		was := *node.Meetings
		defer func() { *node.Meetings = was }()
		node.Meetings.Entries, node.Meetings.Each, node.Meetings.From = 100, 10, 5
		f := node.NewFollowings("self")
		var addrs []multiaddr.Multiaddr
		for i := range 50 {
			addrs = append(addrs, multiaddr.StringCast(fmt.Sprintf("/ip4/1.2.3.4/tcp/%d", 1000+i)))
		}
		add := func(key string, id int) error {
			return f.AddProvider(t.Context(), []byte(key), peer.AddrInfo{ID: peer.ID(fmt.Sprint("peer ", id)), Addrs: addrs})
		}
		who := func(key string) []peer.AddrInfo { return must(f.GetProviders(t.Context(), []byte(key)))(t) }
		for i := range 30 {
			if err := add("brest", i); err != nil {
				t.Fatal(err)
			}
		}
		if got := who("brest"); len(got) != 10 || len(got[0].Addrs) != node.Meetings.Addrs {
			t.Errorf("of one territory: got %d with %d addresses, want 10 with %d", len(got), len(got[0].Addrs), node.Meetings.Addrs)
		}
		for i := range 20 { // one node follows the world
			err := add(fmt.Sprint("territory ", i), 1000)
			if (err != nil) != (i >= 5) {
				t.Errorf("following %d: got %v", i, err)
			}
		}
		for i := range 1000 {
			if err := add(fmt.Sprint("flood ", i), 2000+i); err != nil {
				t.Fatal(err)
			}
		}
		if got := f.Size(); got != 100 {
			t.Errorf("kept: got %d, want 100", got)
		}
		time.Sleep(node.Meetings.Expire + time.Second)
		if err := add("brest", 1); err != nil {
			t.Fatal(err)
		}
		if got := f.Size(); got != 1 {
			t.Errorf("after all but one expired: got %d, want 1", got)
		}
		if got := who("brest"); len(got) != 1 {
			t.Errorf("of Brest: got %v, want one", got)
		}
	})
}
