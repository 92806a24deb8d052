package node

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"

	"codeberg.org/essaim/essaim/store"
)

// Origin is how this node came to know of a peer.
type Origin string

// The origins (spec/reach.md §1).
const (
	Added    Origin = "added"      // by the admin
	Invited  Origin = "invitation" // one of the two invited the other
	Local    Origin = "lan"        // found on the local network
	Exchange Origin = "exchange"   // another peer told of it
	Itself   Origin = "itself"     // it dialled this node
	// Rendezvous is by the DHT of our nodes, where followers of a territory meet.
	Rendezvous Origin = "dht"
)

// cacheLimits are the bounds of the peer cache, mirrored in spec/reach.md §1.
var cacheLimits = struct {
	// CachedPeers is how many peers are remembered, some 300 bytes each, and
	// CachedAddrs how many addresses of each.
	CachedPeers, CachedAddrs int
	// SameNetwork is how many of them one network of the internet has: an IPv4
	// /24 or an IPv6 /48. SameLAN is the same of all local networks together.
	SameNetwork, SameLAN int
	// SameTeller is how many of them one peer told of.
	SameTeller int
	// Stale is after how long a peer that was not reached gives way to any
	// other, and Forgotten after how long it is forgotten.
	Stale, Forgotten time.Duration
	// First is how many are dialled at once when the node starts.
	First int
	// Renewed is how often peers that are connected are noted again.
	Renewed time.Duration
}{
	CachedPeers: 256, CachedAddrs: 8,
	SameNetwork: 8, SameLAN: 64, SameTeller: 32,
	Stale: 30 * 24 * time.Hour, Forgotten: 180 * 24 * time.Hour,
	First:   8,
	Renewed: time.Hour,
}

const bucketCache = "peer-cache" // peer id → acquaintance as JSON

// acquaintance is a peer this node has reached.
type acquaintance struct {
	// Addrs are those that worked, the last first.
	Addrs []string `json:"addrs"`
	// Last is when it was last connected, and Days on how many days of UTC it
	// was, since it was first.
	Last time.Time `json:"last"`
	Days int       `json:"days"`
	How  Origin    `json:"how"`
	By   string    `json:"by,omitempty"` // id of who told of it
}

// peerCache is every acquaintance. Rows change in memory and on disk together,
// by one caller at a time.
type peerCache struct {
	rows   store.Bucket
	saving sync.Mutex // held over the disk, and taken before mu

	mu    sync.Mutex // guards known; never held over I/O
	known map[peer.ID]acquaintance
}

// recall reads the cache, without what is forgotten by now.
func (c *peerCache) recall(now time.Time) error {
	c.known = map[peer.ID]acquaintance{}
	var gone [][]byte
	for key, value := range c.rows.Each() {
		var a acquaintance
		if err := json.Unmarshal(value, &a); err != nil {
			return fmt.Errorf("peer cache: row of %s: %w", peer.ID(key), err)
		}
		if now.Sub(a.Last) > cacheLimits.Forgotten {
			gone = append(gone, key)
			continue
		}
		c.known[peer.ID(key)] = a
	}
	for _, key := range gone {
		if err := c.rows.Delete(key); err != nil {
			return fmt.Errorf("peer cache: %w", err)
		}
	}
	return nil
}

// get returns what is known of a peer.
func (c *peerCache) get(id peer.ID) (acquaintance, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	a, ok := c.known[id]
	return a, ok
}

// all returns every acquaintance, best first: those met on most days, a month
// counting as one who was always there, then those met last.
func (c *peerCache) all() []peer.ID {
	c.mu.Lock()
	defer c.mu.Unlock()
	ids := make([]peer.ID, 0, len(c.known))
	for id := range c.known {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b peer.ID) int {
		x, y := c.known[a], c.known[b]
		return cmp.Or(cmp.Compare(min(y.Days, 30), min(x.Days, 30)), y.Last.Compare(x.Last), cmp.Compare(a, b))
	})
	return ids
}

// note keeps that a peer is connected over an address this node dialled. It
// writes when there is something new: an address, or a day.
func (c *peerCache) note(id peer.ID, address string, how Origin, by peer.ID, now time.Time) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	now = now.UTC().Truncate(time.Second)
	old, known := c.get(id)
	row := old
	switch {
	case !known:
		row = acquaintance{Days: 1, How: how}
		if how == Exchange && by != "" {
			row.By = by.String()
		}
	case day(now).After(day(old.Last)):
		row.Days++
	case len(old.Addrs) > 0 && old.Addrs[0] == address:
		return nil
	}
	row.Last = now
	row.Addrs = append([]string{address}, slices.DeleteFunc(slices.Clone(old.Addrs), func(a string) bool { return a == address })...)
	row.Addrs = row.Addrs[:min(len(row.Addrs), cacheLimits.CachedAddrs)]
	if !known {
		room, victim := c.room(row, now)
		if !room {
			return nil
		}
		if victim != "" {
			if err := c.drop(victim); err != nil {
				return err
			}
		}
	}
	raw, err := json.Marshal(row)
	if err != nil {
		return fmt.Errorf("peer cache: %w", err)
	}
	if err := c.rows.Put([]byte(id), raw); err != nil {
		return fmt.Errorf("peer cache: %w", err)
	}
	c.mu.Lock()
	c.known[id] = row
	c.mu.Unlock()
	return nil
}

func day(t time.Time) time.Time { return t.UTC().Truncate(24 * time.Hour) }

// forget drops a peer: the admin removed or blocked it.
func (c *peerCache) forget(id peer.ID) error {
	c.saving.Lock()
	defer c.saving.Unlock()
	if _, known := c.get(id); !known {
		return nil
	}
	return c.drop(id)
}

func (c *peerCache) drop(id peer.ID) error {
	if err := c.rows.Delete([]byte(id)); err != nil {
		return fmt.Errorf("peer cache: %w", err)
	}
	c.mu.Lock()
	delete(c.known, id)
	c.mu.Unlock()
	return nil
}

// room reports whether a newcomer is kept, and instead of whom: of the group
// that is full, whoever was met on one day only or is stale, the one met longest
// ago. Nobody met on two days gives way to somebody met today, so that whoever
// brings many peers of their own within a day takes only places of such.
func (c *peerCache) room(newcomer acquaintance, now time.Time) (ok bool, victim peer.ID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	place, limit := networkOf(newcomer.Addrs[0]), cacheLimits.SameNetwork
	if place == localNetwork {
		limit = cacheLimits.SameLAN
	}
	for _, group := range []struct {
		limit int
		in    func(acquaintance) bool
	}{
		{limit, func(a acquaintance) bool { return networkOf(a.Addrs[0]) == place }},
		{cacheLimits.SameTeller, func(a acquaintance) bool { return newcomer.By != "" && a.By == newcomer.By }},
		{cacheLimits.CachedPeers, func(acquaintance) bool { return true }},
	} {
		count, worst := 0, peer.ID("")
		for id, a := range c.known {
			if !group.in(a) {
				continue
			}
			count++
			if a.Days > 1 && now.Sub(a.Last) < cacheLimits.Stale {
				continue
			}
			if worst == "" || a.Last.Before(c.known[worst].Last) || a.Last.Equal(c.known[worst].Last) && id < worst {
				worst = id
			}
		}
		if count >= group.limit {
			return worst != "", worst
		}
	}
	return true, ""
}

// localNetwork is what networkOf says of every address that is not of the internet.
const localNetwork = "local"

// networkOf returns the network an address is in: the first 24 bits of IPv4, the
// first 48 of IPv6. Of a relay address it is that of the relay.
func networkOf(address string) string {
	m, err := multiaddr.NewMultiaddr(address)
	if err != nil {
		return address
	}
	if !manet.IsPublicAddr(m) {
		return localNetwork
	}
	ip, err := manet.ToIP(m)
	if err != nil {
		return m[0].String() // a name
	}
	a, _ := netip.AddrFromSlice(ip)
	a = a.Unmap()
	bits := 48
	if a.Is4() {
		bits = 24
	}
	p, err := a.Prefix(bits)
	if err != nil {
		return address
	}
	return p.String()
}

// info returns a peer of the cache with its addresses.
func (a acquaintance) info(id peer.ID) peer.AddrInfo {
	info := peer.AddrInfo{ID: id}
	for _, text := range a.Addrs {
		if m, err := multiaddr.NewMultiaddr(text); err == nil {
			info.Addrs = append(info.Addrs, m)
		}
	}
	return info
}

// noteReached keeps that a peer was reached, if it was this node that dialled.
func (n *Node) noteReached(c network.Conn) {
	if c.Stat().Direction != network.DirOutbound {
		return
	}
	id := c.RemotePeer()
	how, by := n.originOf(id)
	if err := n.cache.note(id, strings.TrimSuffix(c.RemoteMultiaddr().String(), "/p2p/"+id.String()), how, by, n.now()); err != nil {
		n.log.Debug("peer not remembered", "peer", id, "err", err)
	}
}

// origin is how a peer became known since the start.
type origin struct {
	how Origin
	by  peer.ID // of Exchange
}

// originOf returns how this node came to know of a peer, and of an exchange by whom.
func (n *Node) originOf(id peer.ID) (Origin, peer.ID) {
	if how, ok := n.staticOrigin(id); ok {
		return how, ""
	}
	if a, ok := n.cache.get(id); ok {
		by, _ := peer.Decode(a.By)
		return a.How, by
	}
	if o, ok := n.origins.Get(id); ok {
		return o.how, o.by
	}
	return Itself, ""
}

// staticOrigin says of a static peer whether it was added or invited.
func (n *Node) staticOrigin(id peer.ID) (Origin, bool) {
	n.mu.Lock()
	static := n.known[id]
	n.mu.Unlock()
	if !static {
		return "", false
	}
	if _, err := n.invited.Get([]byte(id)); err == nil {
		return Invited, true
	}
	return Added, true
}
