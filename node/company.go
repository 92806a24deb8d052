package node

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
)

// company is what this node knows of peers it may meet: what neighbours said of
// themselves, what it was told of others, and whom it asked or tried when.
type company struct {
	met chan struct{} // capacity 1: somebody has just connected

	mu     sync.Mutex // guards what follows; never held over I/O
	self   map[peer.ID]map[span]peerRecord
	heard  map[peer.ID]hearsay
	askers *lru.Cache[peer.ID, time.Time] // when they were answered
}

// hearsay is a peer somebody told of.
type hearsay struct {
	info  peer.AddrInfo
	by    peer.ID
	tries int
}

func newCompany() (*company, error) {
	askers, err := lru.New[peer.ID, time.Time](exchangeLimits.Askers)
	return &company{met: make(chan struct{}, 1), self: map[peer.ID]map[span]peerRecord{}, heard: map[peer.ID]hearsay{}, askers: askers}, err
}

// mayAsk reports whether a peer is answered now, and notes that it was.
func (c *company) mayAsk(id peer.ID, now time.Time, every time.Duration) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if last, ok := c.askers.Get(id); ok && now.Sub(last) < every {
		return false
	}
	c.askers.Add(id, now)
	return true
}

// said keeps what a connected peer says of itself, the newest of each span.
func (c *company) said(r peerRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.self[r.info.ID] == nil {
		c.self[r.info.ID] = map[span]peerRecord{}
	}
	if old, ok := c.self[r.info.ID][r.span]; !ok || r.seq >= old.seq {
		c.self[r.info.ID][r.span] = r
	}
}

// pick returns records of some peers, as many as go into an answer: the widest
// of each that may be told, then others of theirs.
func (c *company) pick(of map[peer.ID]bool, least span) [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	var out [][]byte
	ids := shuffled(of)
	for s := least; s <= spanWorld; s++ {
		for _, id := range ids {
			if r, ok := c.self[id][s]; ok && len(out) < exchangeLimits.Records {
				out = append(out, r.sealed)
			}
		}
	}
	return out
}

// told keeps that a peer was told of. When there is no room it takes a place of
// whoever told of most, so that nobody crowds out what others tell.
func (c *company) told(r peerRecord, by peer.ID, connected func(peer.ID) bool) {
	if connected(r.info.ID) {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if old, ok := c.heard[r.info.ID]; ok { // of another span, or told again
		if old.by != by {
			return
		}
		for _, a := range r.info.Addrs {
			if !slices.ContainsFunc(old.info.Addrs, a.Equal) && len(old.info.Addrs) < int(spanWorld)*exchangeLimits.RecordAddrs {
				old.info.Addrs = append(old.info.Addrs, a)
			}
		}
		c.heard[r.info.ID] = old
		return
	}
	if len(c.heard) >= exchangeLimits.Told {
		count := map[peer.ID]int{}
		for _, h := range c.heard {
			count[h.by]++
		}
		most := by
		for teller, k := range count {
			if k > count[most] {
				most = teller
			}
		}
		for id, h := range c.heard {
			if h.by == most {
				delete(c.heard, id)
				break
			}
		}
	}
	c.heard[r.info.ID] = hearsay{info: peer.AddrInfo{ID: r.info.ID, Addrs: slices.Clone(r.info.Addrs)}, by: by}
}

// hearsays returns whom this node was told of, and counts a try of each that
// try picks; tried often enough they are forgotten.
func (c *company) hearsays(try func(hearsay) bool) {
	c.mu.Lock()
	all := make([]hearsay, 0, len(c.heard))
	for _, h := range c.heard {
		all = append(all, h)
	}
	c.mu.Unlock()
	for _, h := range all {
		if !try(h) {
			continue
		}
		c.mu.Lock()
		if h.tries++; h.tries >= exchangeLimits.Tries {
			delete(c.heard, h.info.ID)
		} else if _, ok := c.heard[h.info.ID]; ok {
			c.heard[h.info.ID] = h
		}
		c.mu.Unlock()
	}
}

// hears reports whether somebody told of a peer.
func (c *company) hears(id peer.ID) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	_, ok := c.heard[id]
	return ok
}

// tidy forgets what gone peers said of themselves, and hearsay of peers that are
// connected.
func (c *company) tidy(connected func(peer.ID) bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id := range c.self {
		if !connected(id) {
			delete(c.self, id)
		}
	}
	for id := range c.heard {
		if connected(id) {
			delete(c.heard, id)
		}
	}
}

// rota says when somebody is asked or tried again: after waits that double from
// first to last. One goroutine owns it.
type rota struct {
	due  map[peer.ID]time.Time
	wait map[peer.ID]time.Duration
}

func newRota() rota { return rota{map[peer.ID]time.Time{}, map[peer.ID]time.Duration{}} }

// turn reports whether it is a peer's turn, and sets the next.
func (r rota) turn(id peer.ID, now time.Time, first, last time.Duration) bool {
	if now.Before(r.due[id]) {
		return false
	}
	r.wait[id] = min(max(2*r.wait[id], first), last)
	r.due[id] = now.Add(r.wait[id])
	return true
}

// keep forgets all but whom wanted reports.
func (r rota) keep(wanted func(peer.ID) bool) {
	for id := range r.due {
		if !wanted(id) {
			delete(r.due, id)
			delete(r.wait, id)
		}
	}
}

// keepCompany dials peers of the cache at once, then sees until ctx ends that
// there are enough neighbours: it asks those there are for further ones, and
// dials whom they tell of and whom the cache has.
func (n *Node) keepCompany(ctx context.Context) error {
	asks, tries, said := newRota(), newRota(), n.whereabouts()
	for i, id := range n.cache.all() {
		if i == cacheLimits.First {
			break
		}
		n.tryCached(id, tries)
	}
	// Who has just connected says within a moment what it follows.
	look, renew := time.NewTimer(n.pace.company), time.NewTicker(cacheLimits.Renewed)
	defer look.Stop()
	defer renew.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-renew.C:
			for _, c := range n.host.Network().Conns() {
				n.noteReached(c)
			}
		case <-n.company.met:
			look.Reset(n.pace.soon)
		case <-look.C:
			look.Reset(n.pace.company)
			connected := func(id peer.ID) bool { return n.host.Network().Connectedness(id) == network.Connected }
			n.company.tidy(connected)
			asks.keep(connected)
			tries.keep(func(id peer.ID) bool {
				_, cached := n.cache.get(id)
				return (cached || n.company.hears(id)) && !connected(id)
			})
			if now := n.whereabouts(); now != said { // who can tell of this node must know
				asks, said = newRota(), now
			}
			n.seekCompany(asks, tries)
		}
	}
}

// whereabouts is every address of now, as one text.
func (n *Node) whereabouts() string {
	var all []string
	for s := spanMachine; s <= spanWorld; s++ {
		for _, a := range n.ownAddrs(s) {
			all = append(all, a.String())
		}
	}
	return strings.Join(all, " ")
}

// seekCompany does what there is to do now for more neighbours. Each peer that
// is met is asked once all the same: so it learns where this node is, and can
// tell others.
func (n *Node) seekCompany(asks, tries rota) {
	neighbours, enough := n.neighbours()
	now := time.Now()
	for id := range neighbours {
		if _, asked := asks.due[id]; (!asked || !enough) && asks.turn(id, now, 2*n.pace.answer, exchangeLimits.AskMax) {
			n.spawn(func(ctx context.Context) {
				if err := n.askPeers(ctx, id); err != nil {
					n.log.Debug("further peers not asked for", "peer", id, "err", err)
				}
			})
		}
	}
	if enough {
		return
	}
	n.company.hearsays(func(h hearsay) bool {
		return tries.turn(h.info.ID, now, n.pace.rest, exchangeLimits.TryMax) && n.connect(h.info, origin{Exchange, h.by})
	})
	for _, id := range n.cache.all() {
		n.tryCached(id, tries)
	}
}

// tryCached dials a peer of the cache when it is its turn.
func (n *Node) tryCached(id peer.ID, tries rota) {
	a, ok := n.cache.get(id)
	if !ok || n.host.Network().Connectedness(id) == network.Connected || !n.gater.InterceptPeerDial(id) {
		return
	}
	if tries.turn(id, time.Now(), n.pace.rest, exchangeLimits.TryMax) {
		n.connect(a.info(id), origin{how: a.How})
	}
}

// neighbours returns the connected peers that follow a territory this node
// follows, and whether there are enough for each of them.
func (n *Node) neighbours() (map[peer.ID]bool, bool) {
	all, enough := map[peer.ID]bool{}, true
	gossip := n.gossip.Load()
	if gossip == nil {
		return all, true
	}
	for _, id := range n.Followed() {
		of := gossip.peersOf(id)
		for _, p := range of {
			all[p] = true
		}
		enough = enough && len(of) >= exchangeLimits.Enough
	}
	return all, enough
}
