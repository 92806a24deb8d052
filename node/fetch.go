package node

import (
	"context"
	"crypto/sha256"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// Bounds of what is asked for (spec/gossip.md §7). The store remembers what
// records name and is missing, so that forgetting a want here only delays it.
const (
	// maxWanted is how many records are looked for at once, some 200 bytes
	// each, and maxWantedFrom how many of them one peer may have named.
	maxWanted, maxWantedFrom = 4096, 512
	// wantQueue is how many names wait to be looked at.
	wantQueue = 1024
	// maxAsking is how many peers are asked at once: answers of 4 MiB at most.
	maxAsking = 4
	// fetchPeers is how many peers are asked for one record in one round.
	fetchPeers = 4
	// retryMax ends the doubling of the wait between rounds, and keepFor how
	// long a record no other names is looked for.
	retryMax = time.Hour
	keepFor  = maxAhead
	// maxRecalled is how many missing records one round takes from the store.
	maxRecalled = 1024
)

// wish is a record to fetch.
type wish struct {
	digest [sha256.Size]byte
	from   peer.ID // who named it, or said it; asked first; may be empty
	// keep says that no record here names it: it was said by a peer and could
	// not be kept, for want of space or because it was from the future.
	keep bool
}

// wantNames asks fetch for what records name and the store lacks.
func (n *Node) wantNames(records []protocol.Record, from Source) {
	if n.host == nil {
		return
	}
	var last [sha256.Size]byte // a run of awards names one class
	for _, r := range records {
		for _, c := range r.Names() {
			digest, err := protocol.DigestOf(c)
			if err != nil || digest == last {
				continue
			}
			if last = digest; n.store.Has(digest) == store.Wanted {
				n.wish(wish{digest: digest, from: from.Peer})
			}
		}
	}
}

// remember asks fetch for a good record that could not be kept now.
func (n *Node) remember(digest [sha256.Size]byte, from peer.ID) {
	if n.host != nil {
		n.wish(wish{digest: digest, from: from, keep: true})
	}
}

func (n *Node) wish(w wish) {
	select {
	case n.wants <- w:
	default: // the store, or a later synchronisation, remembers
		if w.keep {
			n.log.Warn("record not remembered: too many wait", "cid", protocol.CID(w.digest))
		}
	}
}

// fetcher decides whom to ask for what. One goroutine owns it.
type fetcher struct {
	node     *Node
	wanted   map[[sha256.Size]byte]*want
	named    map[peer.ID]int       // how many of wanted a peer named
	asking   map[peer.ID]bool      // being asked now
	resting  map[peer.ID]time.Time // failed, not asked until
	answered chan answered
	next     time.Time // of the next round
	wait     time.Duration
}

// want is a record that is looked for.
type want struct {
	hints  []peer.ID // asked first, fetchPeers at most
	asked  []peer.ID // in this round
	left   int       // how many more are asked in this round
	asking bool
	by     peer.ID   // who is charged for it
	until  time.Time // zero when the store names it
}

type answered struct {
	by     peer.ID
	wanted [][sha256.Size]byte
	err    error
}

// fetch asks peers for what is wanted until ctx ends: at once when a record
// names it, when a peer comes, and in rounds further and further apart. While
// the disk is full it asks for nothing.
func (n *Node) fetch(ctx context.Context) error {
	f := &fetcher{
		node: n, wanted: map[[sha256.Size]byte]*want{}, named: map[peer.ID]int{},
		asking: map[peer.ID]bool{}, resting: map[peer.ID]time.Time{}, answered: make(chan answered),
		wait: n.pace.retry,
	}
	tick := time.NewTicker(n.pace.fetch)
	defer tick.Stop()
	if err := f.round(); err != nil {
		return err
	}
	for {
		f.schedule(ctx)
		select {
		case <-ctx.Done():
			for range f.asking {
				<-f.answered
			}
			return nil
		case w := <-n.wants:
			f.add(w)
			f.drain()
		case p := <-n.came:
			f.welcome(p)
		case a := <-f.answered:
			f.settle(a)
		case <-tick.C:
			if time.Now().Before(f.next) {
				continue
			}
			if err := f.round(); err != nil {
				return err
			}
		}
	}
}

// drain adds what else has been wished for.
func (f *fetcher) drain() {
	for range wantQueue {
		select {
		case w := <-f.node.wants:
			f.add(w)
		default:
			return
		}
	}
}

// add looks for a record from now on, or notes one more peer that may have it.
func (f *fetcher) add(w wish) {
	known := f.wanted[w.digest]
	if known == nil {
		if len(f.wanted) >= maxWanted || w.from != "" && f.named[w.from] >= maxWantedFrom {
			return
		}
		known = &want{left: fetchPeers, by: w.from}
		if w.keep {
			known.until = time.Now().Add(keepFor)
		}
		f.wanted[w.digest] = known
		if w.from != "" {
			f.named[w.from]++
		}
	}
	known.hint(w.from)
}

// hint makes p one of those asked first, and gives it a chance.
func (w *want) hint(p peer.ID) {
	if p == "" || slices.Contains(w.hints, p) {
		return
	}
	w.hints = append([]peer.ID{p}, w.hints[:min(len(w.hints), fetchPeers-1)]...)
	w.left = max(w.left, 1)
}

// welcome asks a peer that came for everything.
func (f *fetcher) welcome(p peer.ID) {
	delete(f.resting, p)
	for _, w := range f.wanted {
		w.asked = slices.DeleteFunc(w.asked, func(asked peer.ID) bool { return asked == p })
		w.left = max(w.left, 1)
	}
	f.wait = f.node.pace.retry // hope
	if soon := time.Now().Add(f.wait); soon.Before(f.next) {
		f.next = soon
	}
}

// round begins anew with everybody, for what is wanted and what the store says
// is missing.
func (f *fetcher) round() error {
	now := time.Now()
	f.next = now.Add(f.wait)
	f.wait = min(2*f.wait, retryMax)
	for p, until := range f.resting {
		if now.After(until) {
			delete(f.resting, p)
		}
	}
	for digest, w := range f.wanted {
		if !w.asking && !f.lacks(digest, w) {
			f.forget(digest, w)
			continue
		}
		w.asked, w.left = w.asked[:0], fetchPeers
	}
	missing, err := f.node.missing(maxRecalled)
	if err != nil {
		return err
	}
	for _, m := range missing {
		if digest, err := protocol.DigestOf(m.CID); err == nil {
			f.add(wish{digest: digest})
		}
	}
	return nil
}

// lacks reports whether the record is still to be had.
func (f *fetcher) lacks(digest [sha256.Size]byte, w *want) bool {
	switch f.node.store.Has(digest) {
	case store.Wanted:
		return true
	case store.Absent: // named by nobody here, or not any more
		return time.Now().Before(w.until)
	}
	return false
}

func (f *fetcher) forget(digest [sha256.Size]byte, w *want) {
	delete(f.wanted, digest)
	if w.by == "" {
		return
	}
	if f.named[w.by]--; f.named[w.by] == 0 {
		delete(f.named, w.by)
	}
}

// schedule asks as many peers as may be asked at once. Cost: a look at each want.
func (f *fetcher) schedule(ctx context.Context) {
	if len(f.wanted) == 0 || len(f.asking) >= maxAsking || f.node.store.ReadOnly() {
		return
	}
	connected := f.node.host.Network().Peers()
	free := map[peer.ID]bool{}
	for _, p := range connected {
		free[p] = !f.asking[p] && !time.Now().Before(f.resting[p])
	}
	batches := map[peer.ID][][sha256.Size]byte{}
	for digest, w := range f.wanted {
		if w.asking || w.left == 0 {
			continue
		}
		for _, p := range append(w.hints[:len(w.hints):len(w.hints)], connected...) {
			if !free[p] || slices.Contains(w.asked, p) || len(batches[p]) == maxAsked ||
				batches[p] == nil && len(f.asking)+len(batches) >= maxAsking {
				continue
			}
			if !f.lacks(digest, w) {
				f.forget(digest, w)
			} else {
				w.asking = true
				batches[p] = append(batches[p], digest)
			}
			break
		}
	}
	for p, digests := range batches {
		f.asking[p] = true
		go func() { f.answered <- answered{p, digests, f.node.ask(ctx, p, digests)} }()
	}
}

// settle notes what one peer had.
func (f *fetcher) settle(a answered) {
	delete(f.asking, a.by)
	if a.err != nil {
		f.node.log.Debug("fetch", "peer", a.by, "err", a.err)
		f.resting[a.by] = time.Now().Add(f.node.pace.rest)
	}
	for _, digest := range a.wanted {
		w := f.wanted[digest]
		if w == nil {
			continue
		}
		w.asking = false
		if !f.lacks(digest, w) {
			f.forget(digest, w)
			continue
		}
		w.asked = append(w.asked, a.by)
		w.left--
	}
}
