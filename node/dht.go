package node

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"
	dht "github.com/libp2p/go-libp2p-kad-dht"
	"github.com/libp2p/go-libp2p-kad-dht/records"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// dhtPrefix makes the protocol of the DHT /essaim/kad/1.0.0: a DHT of our own, that
// nodes of other networks do not join.
const dhtPrefix = "/essaim"

// meetings is every number of the rendezvous, mirrored in spec/reach.md §9.
var meetings = struct {
	// Announce is how often a node says which territories it follows, give or
	// take two fifths, and Expire when that is forgotten.
	Announce, Expire time.Duration
	// Enough is how many connected followers of a territory make looking for
	// more needless.
	Enough int
	// Look is the first wait between two looks for one territory; it doubles
	// up to LookMax while nobody new is found.
	Look, LookMax time.Duration
	// Found is how many followers one look may bring, and Patience how long
	// one question to the DHT may take.
	Found    int
	Patience time.Duration
	// Entries is how many followings a node of the DHT keeps for others, Each
	// how many of one territory, From how many by one node, and Addrs how many
	// addresses of each.
	Entries, Each, From, Addrs int
}{
	Announce: time.Hour, Expire: 3 * time.Hour,
	Enough: 4, Look: time.Minute, LookMax: time.Hour,
	Found: 16, Patience: time.Minute,
	Entries: 8192, Each: 256, From: maxFollowed, Addrs: 8,
}

// rendezvous says in the DHT which territories this node follows, and looks there
// for others that follow those with few connected followers, until ctx ends. It
// is idle while no node of the DHT is known.
func (n *Node) rendezvous(ctx context.Context) error {
	d, err := dht.New(ctx, n.host, dht.ProtocolPrefix(dhtPrefix), dht.Mode(dht.ModeAuto), dht.DisableValues(), dht.DisableAutoRefresh(),
		dht.ProviderStore(newFollowings(n.host.ID())))
	if err != nil {
		return fmt.Errorf("rendezvous: %w", err)
	}
	defer d.Close()
	s := &searcher{node: n, dht: d, announce: map[territory.ID]time.Time{}, look: map[territory.ID]time.Time{}, wait: map[territory.ID]time.Duration{}}
	wait := n.pace.meet
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-n.meet:
			wait = n.pace.meet // the DHT first looks who came
			timer.Reset(wait)
			continue
		case <-timer.C:
		}
		known := d.RoutingTable().Size()
		n.meeting.Store(int64(known))
		if known == 0 { // nobody, or the look takes longer
			wait = min(2*wait, meetings.LookMax)
			timer.Reset(wait)
			continue
		}
		timer.Reset(time.Until(s.round(ctx)))
	}
}

// searcher says what to ask the DHT when. One goroutine owns it.
type searcher struct {
	node           *Node
	dht            *dht.IpfsDHT
	announce, look map[territory.ID]time.Time
	wait           map[territory.ID]time.Duration
}

// round does what is due and returns when to look again. It asks one question at a
// time.
func (s *searcher) round(ctx context.Context) (next time.Time) {
	n := s.node
	next = time.Now().Add(meetings.LookMax)
	g := n.gossip.Load()
	if g == nil {
		return next // the node stops
	}
	soonest := func(at time.Time) {
		if at.Before(next) {
			next = at
		}
	}
	followed := n.Followed()
	for _, id := range followed {
		if ctx.Err() != nil {
			return next
		}
		key, err := meetingPoint(id)
		if err != nil {
			n.log.Error("rendezvous", "topic", id, "err", err)
			continue
		}
		if now := time.Now(); !now.Before(s.announce[id]) {
			s.announce[id] = now.Add(about(meetings.Announce))
			asking, cancel := context.WithTimeout(ctx, meetings.Patience)
			if err := s.dht.Provide(asking, key, true); err != nil {
				n.log.Debug("announce in the DHT", "topic", id, "err", err)
				s.announce[id] = now.Add(about(meetings.Look))
			}
			cancel()
		}
		soonest(s.announce[id])
		if len(g.peersOf(id)) >= meetings.Enough {
			delete(s.wait, id)
			continue
		}
		if now := time.Now(); !now.Before(s.look[id]) {
			if s.find(ctx, key) > 0 {
				delete(s.wait, id)
			}
			s.wait[id] = min(max(2*s.wait[id], meetings.Look), meetings.LookMax)
			s.look[id] = now.Add(about(s.wait[id]))
		}
		soonest(s.look[id])
	}
	for id := range s.announce {
		if !slices.Contains(followed, id) {
			delete(s.announce, id)
			delete(s.look, id)
			delete(s.wait, id)
		}
	}
	return next
}

// find connects to who follows a territory, and returns how many it had not met.
func (s *searcher) find(ctx context.Context, key cid.Cid) (met int) {
	ctx, cancel := context.WithTimeout(ctx, meetings.Patience)
	defer cancel()
	for info := range s.dht.FindProvidersAsync(ctx, key, meetings.Found) {
		if info.ID == s.node.host.ID() || s.node.link(info.ID) != unconnected {
			continue
		}
		met++
		s.node.connect(info, origin{how: Rendezvous})
	}
	return met
}

// meetingPoint is where followers of a territory meet: the CID of its topic.
func meetingPoint(id territory.ID) (cid.Cid, error) {
	return cid.Prefix{Version: 1, Codec: cid.Raw, MhType: 0x12, MhLength: -1}.Sum([]byte(protocol.Topic(id)))
}

// followings is what a node of the DHT keeps for others: who follows what. It is
// bounded, kept in memory, and lost with the node; libp2p's own store is none of
// this.
type followings struct {
	self peer.ID

	mu   sync.Mutex // guards what follows
	by   map[string]map[peer.ID]presence
	from map[peer.ID]int
	size int
	// swept is when all that had expired was last dropped.
	swept time.Time
}

// presence is where who follows a territory is.
type presence struct {
	addrs []multiaddr.Multiaddr
	until time.Time
}

var _ records.ProviderStore = (*followings)(nil)

func newFollowings(self peer.ID) *followings {
	return &followings{self: self, by: map[string]map[peer.ID]presence{}, from: map[peer.ID]int{}}
}

// AddProvider implements records.ProviderStore. When there are too many, a random
// one gives way, so that nobody crowds others out for sure.
func (f *followings) AddProvider(_ context.Context, key []byte, info peer.AddrInfo) error {
	now := time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	k := string(key)
	if now.Sub(f.swept) >= meetings.Announce {
		f.swept = now
		for other := range f.by {
			f.forget(other, now)
		}
	}
	f.forget(k, now)
	if _, renewed := f.by[k][info.ID]; !renewed {
		if f.from[info.ID] >= meetings.From {
			return fmt.Errorf("peer %s follows too much", info.ID)
		}
		if len(f.by[k]) >= meetings.Each {
			f.drop(k, f.anyOf(k))
		}
		for f.size >= meetings.Entries {
			for other := range f.by { // of a random key
				f.drop(other, f.anyOf(other))
				break
			}
		}
		if f.by[k] == nil {
			f.by[k] = map[peer.ID]presence{}
		}
		f.from[info.ID]++
		f.size++
	}
	addrs := slices.Clone(info.Addrs)
	addrs = slices.DeleteFunc(addrs, func(a multiaddr.Multiaddr) bool { return len(a.Bytes()) > maxAddress })
	rand.Shuffle(len(addrs), func(i, j int) { addrs[i], addrs[j] = addrs[j], addrs[i] })
	f.by[k][info.ID] = presence{addrs[:min(len(addrs), meetings.Addrs)], now.Add(meetings.Expire)}
	return nil
}

// GetProviders implements records.ProviderStore.
func (f *followings) GetProviders(_ context.Context, key []byte) ([]peer.AddrInfo, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.forget(string(key), time.Now())
	var out []peer.AddrInfo
	for id, x := range f.by[string(key)] {
		if id != f.self { // who asks is connected to it
			out = append(out, peer.AddrInfo{ID: id, Addrs: x.addrs})
		}
	}
	return out, nil
}

// Close implements io.Closer.
func (f *followings) Close() error { return nil }

// forget drops what has expired under a key. It is called with mu held, like those
// that follow.
func (f *followings) forget(key string, now time.Time) {
	for id, x := range f.by[key] {
		if now.After(x.until) {
			f.drop(key, id)
		}
	}
}

func (f *followings) drop(key string, id peer.ID) {
	if _, has := f.by[key][id]; !has {
		return
	}
	delete(f.by[key], id)
	if len(f.by[key]) == 0 {
		delete(f.by, key)
	}
	if f.from[id]--; f.from[id] == 0 {
		delete(f.from, id)
	}
	f.size--
}

// anyOf returns a random one under a key.
func (f *followings) anyOf(key string) peer.ID {
	for id := range f.by[key] {
		return id
	}
	return ""
}
