package node_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// seeker runs a node that looks for further peers.
func seeker(t testing.TB, change func(*node.Config), follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Seek = true
	if change != nil {
		change(&config)
	}
	return run(t, config, c, follows...)
}

// knows waits until b is connected with o and knows it in such a way.
func (b *box) knows(o *box, how node.Origin) node.Peer {
	b.t.Helper()
	var p node.Peer
	eventually(b.t, "connected, known as "+string(how), func() bool {
		p, _ = b.peer(o.PeerID())
		return p.Connected && p.How == how
	})
	return p
}

// The numbers of spec/reach.md §1 to §4 are those of the code, all of them.
func TestAcquaintingNumbersAreTheLaw(t *testing.T) {
	law := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile("../spec/reach.md"))(t))) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) >= 4 {
			law[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	for _, table := range []any{*node.CacheLimits, *node.ExchangeLimits, *node.InviteLimits} {
		v := reflect.ValueOf(table)
		for i := range v.NumField() {
			name, value := v.Type().Field(i).Name, fmt.Sprint(v.Field(i).Interface())
			if law[name] != value {
				t.Errorf("spec/reach.md says %s is %q, the code %s", name, law[name], value)
			}
		}
	}
}

// toldOf waits until two nodes are connected of which one was told of the other,
// and returns that one first: both ask, and who dials is who was told first.
func toldOf(t testing.TB, a, b *box) (told, other *box) {
	t.Helper()
	eventually(t, "one is told of the other and dials it", func() bool {
		for _, pair := range [][2]*box{{a, b}, {b, a}} {
			if p, _ := pair[0].peer(pair[1].PeerID()); p.Connected && p.How == node.Exchange {
				told, other = pair[0], pair[1]
			}
		}
		return told != nil
	})
	return told, other
}

// Brest and Caen know the hub alone, and it tells one of the other. The hub then
// goes for good, and whoever was told, started again, goes straight to the other.
func TestToldThenRemembered(t *testing.T) {
	hub := seeker(t, nil, brest)
	onDisk := func(dir string) func(*node.Config) {
		return func(c *node.Config) { c.Dir, c.InMemory = dir, false }
	}
	b, caen := seeker(t, onDisk(t.TempDir()), brest), seeker(t, onDisk(t.TempDir()), brest)
	b.join(hub)
	caen.join(hub)
	told, other := toldOf(t, b, caen)
	if p, _ := told.peer(other.PeerID()); p.By != hub.PeerID() {
		t.Errorf("told by %s, want the hub %s", p.By, hub.PeerID())
	}
	eventually(t, "the other is remembered", func() bool { return slices.Contains(told.Remembered(), other.PeerID()) })
	told.stop()
	hub.stop()

	told = seeker(t, onDisk(told.dir), brest)
	if p := told.knows(other, node.Exchange); p.By != hub.PeerID() || p.Static {
		t.Errorf("after the restart: got %+v, want it known by the hub and not static", p)
	}
	if got := told.RememberedAddrs(other.PeerID()); len(got) == 0 || got[0] != strings.Split(other.Addrs()[0], "/p2p/")[0] {
		t.Errorf("addresses of the other: got %v, want first %s", got, other.Addrs()[0])
	}
	// Who was removed or blocked is not remembered.
	if err := told.BlockPeer(other.PeerID()); err != nil {
		t.Fatal(err)
	}
	if got := told.RememberedAddrs(other.PeerID()); got != nil {
		t.Errorf("a blocked peer is remembered: %v", got)
	}
}

// Nodes of different territories are not told of each other, and who does not
// seek neither tells nor is told.
func TestToldOnlyOfNeighbours(t *testing.T) {
	hub := seeker(t, nil, brest, rennes)
	b := seeker(t, nil, brest)
	r := seeker(t, nil, rennes)
	b2 := seeker(t, nil, brest)
	b.join(hub)
	r.join(hub)
	b2.join(hub)
	toldOf(t, b, b2) // the exchange works
	for _, other := range []*box{b, b2} {
		if p, ok := r.peer(other.PeerID()); ok {
			t.Errorf("Rennes knows a node of Brest: %+v", p)
		}
	}
	quiet := start(t, brest)
	quiet.join(hub)
	if _, err := quiet.Ping(t.Context(), hub.PeerID()); err != nil {
		t.Fatal(err)
	}
	if supported := must(hub.Libp2p().Peerstore().GetProtocols(quiet.PeerID()))(t); slices.Contains(supported, node.PeersProtocol) {
		t.Error("a node that does not seek speaks the exchange")
	}
}

// stamp is a peer nobody has met, with its key.
func stamp(t testing.TB) (crypto.PrivKey, peer.ID) {
	t.Helper()
	k, _, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return k, must(peer.IDFromPrivateKey(k))(t)
}

// seal signs a record by which a peer says where another, or itself, is.
func seal(t testing.TB, k crypto.PrivKey, id peer.ID, addrs ...string) []byte {
	t.Helper()
	said := peer.PeerRecord{PeerID: id, Seq: 1}
	for _, a := range addrs {
		said.Addrs = append(said.Addrs, multiaddr.StringCast(a))
	}
	return must(must(record.Seal(&said, k))(t).Marshal())(t)
}

func TestSpans(t *testing.T) {
	const id = "12D3KooWD3eckifWpRn9wQpMG9R9hX3sD158z7EqHWmweQAJU5SA"
	for address, want := range map[string]int{
		"/ip4/127.0.0.1/tcp/4797":                                        node.SpanMachine,
		"/ip6/::1/udp/4797/quic-v1":                                      node.SpanMachine,
		"/ip4/192.168.1.20/tcp/4797":                                     node.SpanLAN,
		"/ip4/10.0.0.1/udp/4797/quic-v1":                                 node.SpanLAN,
		"/ip6/fd00::2/tcp/4797":                                          node.SpanLAN,
		"/ip4/1.2.3.4/tcp/4797":                                          node.SpanWorld,
		"/ip6/2a01:e34::1/udp/4797/quic-v1":                              node.SpanWorld,
		"/ip4/1.2.3.4/tcp/4797/p2p/" + id + "/p2p-circuit":               node.SpanWorld,
		"/ip4/192.168.1.20/tcp/4797/p2p/" + id + "/p2p-circuit":          node.SpanLAN,
		"/ip4/1.2.3.4/udp/4797/quic-v1/p2p/" + id + "/p2p-circuit":       node.SpanWorld,
		"/ip4/1.2.3.4/udp/4797":                                          node.SpanNone,
		"/ip4/0.0.0.0/tcp/4797":                                          node.SpanNone,
		"/ip4/1.2.3.4/tcp/0":                                             node.SpanNone,
		"/ip4/1.2.3.4":                                                   node.SpanNone,
		"/dns4/example.org/tcp/4797":                                     node.SpanNone,
		"/dnsaddr/example.org":                                           node.SpanNone,
		"/ip4/1.2.3.4/tcp/443/ws":                                        node.SpanNone,
		"/ip4/1.2.3.4/tcp/4797/p2p/" + id:                                node.SpanNone,
		"/unix/var%2Frun%2Fx.sock":                                       node.SpanNone,
		"/ip4/1.2.3.4/tcp/4797/p2p/" + id + "/p2p-circuit/ip4/1.2.3.4":   node.SpanNone,
		"/ip4/224.0.0.251/udp/5353/quic-v1":                              node.SpanNone,
		"/ip4/1.2.3.4/udp/4797/quic-v1/webtransport":                     node.SpanNone,
		"/ip6zone/eth0/ip6/fe80::1/tcp/4797":                             node.SpanNone,
		"/ip4/203.0.113.7/tcp/4797/p2p/" + id + "/p2p-circuit/p2p/" + id: node.SpanNone,
	} {
		m, err := multiaddr.NewMultiaddr(address)
		if err != nil {
			t.Fatalf("%s: %v", address, err)
		}
		if got := node.SpanOf(m); got != want {
			t.Errorf("span of %s: got %d, want %d", address, got, want)
		}
	}
}

// Records that nobody honest sends, each wrong in one way.
func TestJunkRecords(t *testing.T) {
	k, id := stamp(t)
	_, other := stamp(t)
	const world, lan, machine = "/ip4/1.2.3.4/tcp/4797", "/ip4/192.168.1.20/tcp/4797", "/ip4/127.0.0.1/tcp/4797"
	good := seal(t, k, id, world)
	if info, span, err := node.ReadPeerRecord(good, node.SpanWorld); err != nil || info.ID != id || span != node.SpanWorld {
		t.Fatalf("a good record: got %v, span %d, %v", info, span, err)
	}
	if _, _, err := node.ReadPeerRecord(seal(t, k, id, lan), node.SpanLAN); err != nil {
		t.Errorf("a record of the local network over it: %v", err)
	}
	changed := bytes.Clone(good)
	changed[len(changed)-1] ^= 1
	nine := slices.Repeat([]string{world}, 9)
	for what, sealed := range map[string][]byte{
		"nothing":                         {},
		"noise":                           []byte("noise that is no envelope"),
		"another byte in the signature":   changed,
		"cut short":                       good[:len(good)-5],
		"of a peer that did not sign it":  seal(t, k, other, world),
		"without addresses":               seal(t, k, id),
		"with nine addresses":             seal(t, k, id, nine...),
		"of the local network and beyond": seal(t, k, id, world, lan),
		"of the local network, from afar": seal(t, k, id, lan),
		"of this machine, from afar":      seal(t, k, id, machine),
		"of a name":                       seal(t, k, id, "/dns4/example.org/tcp/4797"),
	} {
		_, _, err := node.ReadPeerRecord(sealed, node.SpanWorld)
		wants(t, "a record "+what, err, node.ErrJunk)
	}
}

// What is read of an exchange is what was written, or refused; whatever a record
// holds, it is verified or junk.
func FuzzReadRecords(f *testing.F) {
	k, id := stamp(f)
	good := seal(f, k, id, "/ip4/1.2.3.4/tcp/4797", "/ip4/1.2.3.4/udp/4797/quic-v1")
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{17})
	f.Add(node.WriteRecords([][]byte{good, good}))
	f.Add(append([]byte{1}, bytes.Repeat([]byte{0xff}, 11)...))
	f.Add(node.WriteRecords([][]byte{seal(f, k, id), seal(f, k, id, "/ip4/127.0.0.1/tcp/1")}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		got, err := node.ReadRecords(bufio.NewReader(bytes.NewReader(raw)), node.ExchangeLimits.Records)
		if err != nil {
			return
		}
		if len(got) > node.ExchangeLimits.Records {
			t.Fatalf("read %d records", len(got))
		}
		for _, sealed := range got {
			if len(sealed) == 0 || len(sealed) > node.ExchangeLimits.RecordBytes {
				t.Errorf("read a record of %d bytes", len(sealed))
			}
			info, span, err := node.ReadPeerRecord(sealed, node.SpanLAN)
			if err == nil && (len(info.Addrs) == 0 || span < node.SpanLAN) {
				t.Errorf("took %v of span %d", info, span)
			}
		}
	})
}

// question sends bytes to the exchange of a node and returns what it answers.
func (s *stranger) question(b *box, raw []byte) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	stream, err := s.NewStream(ctx, b.PeerID(), node.PeersProtocol)
	if err != nil {
		return nil, err
	}
	defer stream.Reset()
	if _, err := stream.Write(raw); err != nil {
		return nil, err
	}
	if err := stream.CloseWrite(); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	_, err = out.ReadFrom(stream)
	return out.Bytes(), err
}

// A stranger asks wrongly: it is told of nobody, and each lie is a fault.
func TestHostilePeerQuestions(t *testing.T) {
	victim := seeker(t, nil, brest)
	k, other := stamp(t)
	for what, raw := range map[string][]byte{
		"four records":                  node.WriteRecords(slices.Repeat([][]byte{{1}}, 4)),
		"what another says of itself":   node.WriteRecords([][]byte{seal(t, k, other, "/ip4/1.2.3.4/tcp/4797")}),
		"a record that is none":         node.WriteRecords([][]byte{[]byte("noise")}),
		"a record longer than any":      append([]byte{1, 0x81, 0x08}, make([]byte, 1025)...),
		"the promise of a huge record":  append([]byte{1}, bytes.Repeat([]byte{0xff}, 9)...),
		"a question longer than itself": append([]byte{0}, make([]byte, 1<<16)...), // what follows is not read
	} {
		s := newStranger(t)
		s.meet(victim)
		got, err := s.question(victim, raw)
		if what == "a question longer than itself" {
			continue
		}
		if err == nil {
			t.Errorf("%s: got an answer %x, want none", what, got)
		}
		if what != "the promise of a huge record" {
			eventually(t, what+" is a fault", func() bool { return victim.Faults(s.ID()) > 0.9 })
		}
	}
	s := newStranger(t)
	s.meet(victim)
	if got, err := s.question(victim, []byte{0}); err != nil || !bytes.Equal(got, []byte{0}) {
		t.Errorf("a plain question: got %x and %v, want 00", got, err)
	}
	// Who asks again and again is answered once in a while.
	_, id := stamp(t)
	for i, want := range []bool{true, false, false, true} {
		if got := victim.MayAsk(id, noon.Add(time.Duration(i)*4*time.Second)); got != want {
			t.Errorf("question %d, 4 s after the last: answered %v, want %v", i, got, want)
		}
	}
}

// A neighbour that answers with junk is at fault, and nobody is dialled for it;
// one that tells of peers that are not there is not at fault.
func TestHostilePeerAnswers(t *testing.T) {
	victim := seeker(t, nil, brest)
	liar := newStranger(t)
	k, other := stamp(t)
	met := make(chan struct{}) // whoever is at fault is not taken into the mesh
	liar.SetStreamHandler(node.PeersProtocol, func(s network.Stream) {
		defer s.Close()
		<-met
		_, _ = s.Write(node.WriteRecords([][]byte{
			seal(t, k, other, "/ip4/127.0.0.1/tcp/1"), seal(t, k, liar.ID(), "/ip4/127.0.0.1/tcp/2"),
		}))
	})
	liar.meet(victim, brest)
	close(met)
	eventually(t, "the lie is a fault", func() bool { return victim.Faults(liar.ID()) > 0.9 })
	if got := victim.ToldOf(); len(got) != 0 {
		t.Errorf("told of %v, want none of an answer that is junk", got)
	}

	ghost := newStranger(t)
	asked := make(chan struct{}, 64)
	ghost.SetStreamHandler(node.PeersProtocol, func(s network.Stream) {
		defer s.Close()
		_, _ = s.Write(node.WriteRecords([][]byte{seal(t, k, other, "/ip4/127.0.0.1/tcp/1")}))
		asked <- struct{}{}
	})
	ghost.meet(victim, brest)
	<-asked
	<-asked // it asks again, having too few
	if got := victim.Faults(ghost.ID()); got != 0 {
		t.Errorf("faults of who told of a peer that is not there: got %v, want 0", got)
	}
	if got := victim.Remembered(); slices.Contains(got, other) {
		t.Error("a peer nobody reached is remembered")
	}
}

// One neighbour tells of more peers than anybody may remember: what another
// tells finds room all the same.
func TestNobodyCrowdsOutWhatOthersTell(t *testing.T) {
	b := seeker(t, func(c *node.Config) { c.Seek = false }, brest)
	_, flood := stamp(t)
	_, honest := stamp(t)
	tell := func(by peer.ID, count int) {
		for range count {
			_, id := stamp(t)
			b.Tell(peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{multiaddr.StringCast("/ip4/1.2.3.4/tcp/4797")}}, by)
		}
	}
	tell(flood, 2*node.ExchangeLimits.Told)
	tell(honest, 5)
	tell(flood, 100)
	if got := b.ToldOf(); got[flood] != node.ExchangeLimits.Told-5 || got[honest] != 5 {
		t.Errorf("told of %d by one and %d by the other, want %d and 5", got[flood], got[honest], node.ExchangeLimits.Told-5)
	}
}

// Thousands of peers of one attacker, in one network, in all networks, told of
// by one or by many: friends of two days stay in the cache.
func TestNobodyCrowdsTheCache(t *testing.T) {
	b := seeker(t, func(c *node.Config) { c.Seek = false }, brest)
	l := node.CacheLimits
	remember := func(id peer.ID, address string, by peer.ID, at time.Time) {
		t.Helper()
		if err := b.Remember(id, address, node.Exchange, by, at); err != nil {
			t.Fatal(err)
		}
	}
	known := func(ids []peer.ID) (count int) {
		all := b.Remembered()
		for _, id := range ids {
			if slices.Contains(all, id) {
				count++
			}
		}
		return count
	}
	var friends []peer.ID
	for i := range 40 {
		_, id := stamp(t)
		friends = append(friends, id)
		for d := range 2 {
			remember(id, fmt.Sprintf("/ip4/82.64.%d.7/tcp/4797", i), "", noon.AddDate(0, 0, d))
		}
	}
	var same, told, spread []peer.ID
	_, teller := stamp(t)
	for i := range 3 * l.CachedPeers {
		_, a := stamp(t)
		_, c := stamp(t)
		_, d := stamp(t)
		at := noon.AddDate(0, 0, 1).Add(time.Duration(i) * time.Second)
		remember(a, fmt.Sprintf("/ip4/93.184.216.%d/tcp/%d", i%250, 1000+i), "", at)
		remember(c, fmt.Sprintf("/ip4/%d.%d.1.1/tcp/4797", 11+i%50, i%256), teller, at)
		remember(d, fmt.Sprintf("/ip4/%d.%d.2.2/tcp/4797", 62+i%60, i%256), "", at)
		same, told, spread = append(same, a), append(told, c), append(spread, d)
	}
	if got := known(friends); got != len(friends) {
		t.Errorf("friends remembered: got %d, want all %d", got, len(friends))
	}
	if got := known(same); got == 0 || got > l.SameNetwork {
		t.Errorf("peers of one network: got %d, want 1 to %d", got, l.SameNetwork)
	}
	if got := known(told); got == 0 || got > l.SameTeller {
		t.Errorf("peers one told of: got %d, want 1 to %d", got, l.SameTeller)
	}
	if got := known(spread); got < l.CachedPeers/4 {
		t.Errorf("other peers: got %d, want at least %d", got, l.CachedPeers/4)
	}
	if got := len(b.Remembered()); got != l.CachedPeers {
		t.Errorf("remembered: got %d, want %d", got, l.CachedPeers)
	}
	if first := b.Remembered()[0]; !slices.Contains(friends, first) {
		t.Error("the best of the cache is no friend")
	}
	// A month later friends that were not met give way.
	late := noon.AddDate(0, 0, 40)
	for i := range 3 * l.CachedPeers {
		_, id := stamp(t)
		remember(id, fmt.Sprintf("/ip4/%d.%d.3.3/tcp/4797", 122+i%60, i%256), "", late.Add(time.Duration(i)*time.Second))
	}
	if got := known(friends); got != 0 {
		t.Errorf("friends not met for a month: got %d, want 0", got)
	}
}

// On one local network, too, there are only so many; one IPv6 customer has one.
func TestNetworks(t *testing.T) {
	for a, want := range map[string]string{
		"/ip4/93.184.216.34/tcp/4797":          "93.184.216.0/24",
		"/ip6/2a01:e34:ec00:1::1/tcp/4797":     "2a01:e34:ec00::/48",
		"/ip4/192.168.1.1/tcp/4797":            "local",
		"/ip4/127.0.0.1/udp/4797/quic-v1":      "local",
		"/dns4/relais.example.org/tcp/4797":    "/dns4/relais.example.org",
		"/ip4/93.184.216.34/tcp/1/p2p-circuit": "93.184.216.0/24",
	} {
		if got := node.NetworkOf(a); got != want {
			t.Errorf("network of %s: got %s, want %s", a, got, want)
		}
	}
}
