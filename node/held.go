package node

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
)

const (
	bucketHeld = "held" // sha256 of the record → length of the peer id in a byte, peer id, record

	// maxHeld bounds the records waiting for their time, 64 KiB each at most,
	// and maxHeldFrom how many of them one peer handed over.
	maxHeld, maxHeldFrom = 128, 32

	// maxAhead is how far ahead a held record may lie.
	maxAhead = 48 * time.Hour
)

// heldRecord waits for this clock to reach its signed time, less protocol.Ahead.
type heldRecord struct {
	raw  []byte
	from Source
}

// hold keeps raw, which was refused as future-dated, to try it again each
// minute, also after a restart (spec/gossip.md §8). What finds no room, or lies
// further ahead than maxAhead, is remembered by name and asked for again.
func (n *Node) hold(raw []byte, from Source) {
	digest := sha256.Sum256(raw)
	n.mu.Lock()
	_, already := n.held[digest]
	n.mu.Unlock()
	if already {
		return
	}
	if _, err := protocol.Verify(raw, n.now().Add(maxAhead)); err != nil || !n.setAside(digest, raw, from) {
		n.log.Warn("record from the future not held: check the clocks", "cid", protocol.CID(digest), "peer", from.Peer)
		n.remember(digest, from.Peer)
		return
	}
	value := append(append([]byte{byte(len(from.Peer))}, from.Peer...), raw...)
	if err := n.aside.Put(digest[:], value); err != nil {
		n.log.Warn("record held until the next stop only", "cid", protocol.CID(digest), "err", err)
	}
	n.log.Warn("record held: it is dated in the future; check the clocks", "cid", protocol.CID(digest), "peer", from.Peer)
}

// setAside reports whether there was room.
func (n *Node) setAside(digest [sha256.Size]byte, raw []byte, from Source) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	same := 0
	for _, h := range n.held {
		if h.from.Peer == from.Peer {
			same++
		}
	}
	if len(n.held) >= maxHeld || from.Peer != "" && same >= maxHeldFrom {
		return false
	}
	n.held[digest] = heldRecord{bytes.Clone(raw), from}
	return true
}

// recallHeld reads what was held when the node stopped. It goes through the door
// like anything else, when its time comes.
func (n *Node) recallHeld() {
	for key, value := range n.aside.Each() {
		if len(key) != sha256.Size || len(value) == 0 || len(value) < 1+int(value[0]) {
			continue
		}
		from := Source{Via: Gossiped, Peer: peer.ID(value[1 : 1+value[0]])}
		if from.Peer == "" {
			from.Via = Uploaded
		}
		n.held[[sha256.Size]byte(key)] = heldRecord{value[1+value[0]:], from}
	}
}

// release tries held records again, and ends cuts, each minute until ctx ends.
func (n *Node) release(ctx context.Context) error {
	tick := time.NewTicker(n.pace.release)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			n.releaseDue(ctx)
			if n.host != nil {
				n.endCuts(time.Now())
			}
		}
	}
}

func (n *Node) releaseDue(ctx context.Context) {
	n.mu.Lock()
	due := make(map[[sha256.Size]byte]heldRecord, len(n.held))
	for digest, h := range n.held {
		due[digest] = h
	}
	n.mu.Unlock()
	for digest, h := range due {
		_, err := n.Accept(ctx, h.raw, h.from)
		var refusal *protocol.Refusal
		switch {
		case errors.As(err, &refusal) && !refusal.Blame():
			continue // not yet
		case err != nil && refusal == nil && !errors.Is(err, ErrErased):
			n.log.Warn("held record not stored yet", "cid", protocol.CID(digest), "err", err)
			continue
		}
		if err == nil && n.host != nil {
			n.sync.tell("") // who did not hold it never heard of it
		}
		n.mu.Lock()
		delete(n.held, digest)
		n.mu.Unlock()
		if err := n.aside.Delete(digest[:]); err != nil {
			n.log.Warn("held record not forgotten", "cid", protocol.CID(digest), "err", err)
		}
	}
}

// Held returns how many records wait for their time.
func (n *Node) Held() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.held)
}
