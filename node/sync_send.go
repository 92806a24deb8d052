package node

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/store"
)

// load is the data frame being made by the writer: at most one, and one record.
type load struct {
	round  *round
	keys   []reconcile.Key // whose records go next
	left   []byte          // the entry that found no room in the last frame
	raw    []byte
	in     int // entries in raw
	frame  []byte
	framed int // entries in frame
	size   int // bytes of it that credit is needed for
}

// pushed is how many keys are taken from a session at a time.
const pushed = 64

// write writes what there is: talk and credit before data, and an end when all
// data of a round is written. It returns when the conversation is closed.
func (c *conversation) write(ctx context.Context) error {
	var l load
	for {
		out, closing := c.next(&l)
		if len(out) > 0 {
			if err := c.send(out); err != nil {
				return err
			}
			continue
		}
		progress, err := c.fill(&l)
		if err != nil {
			return err
		}
		if progress {
			continue
		}
		if closing {
			return c.stream.CloseWrite()
		}
		select {
		case <-c.wake:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// next returns what is to be written now. Closing says that nothing will follow.
func (c *conversation) next(l *load) (out []byte, closing bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	out, c.out = c.out, nil
	if c.owed > 0 {
		out = append(out, creditFrame(c.owed)...)
		c.owed = 0
	}
	if len(out) > 0 {
		return out, false
	}
	if c.muted {
		l.frame, l.raw, l.left, l.keys = nil, nil, nil, nil
	}
	if len(l.frame) > 0 && l.size <= c.credit {
		out, l.frame = l.frame, nil
		c.credit -= l.size
		c.bytesOut += len(out)
		c.given += l.framed
		return out, false
	}
	return nil, c.closing
}

// send writes frames, and waits for a slow peer as long as it takes them.
func (c *conversation) send(out []byte) error {
	const piece = 32 << 10
	for len(out) > 0 {
		n := min(piece, len(out))
		if err := c.stream.SetWriteDeadline(time.Now().Add(c.patience(n))); err != nil {
			return err
		}
		if _, err := c.stream.Write(out[:n]); err != nil {
			return err
		}
		out = out[n:]
	}
	return nil
}

// fill makes the next data frame ready, if one may be made, and ends the round
// when there is nothing left. It reports whether it did anything.
func (c *conversation) fill(l *load) (progress bool, err error) {
	if len(l.frame) > 0 {
		return false, nil
	}
	if len(l.left) > 0 {
		l.raw, l.left = append(l.raw, l.left...), nil
		l.in++
	}
	if len(l.keys) == 0 && !c.push(l) {
		if l.in > 0 {
			c.pack(l)
			return true, nil
		}
		return c.endRound(), nil
	}
	for len(l.keys) > 0 {
		e, ok, err := c.entryOf(l.round, l.keys[0])
		if err != nil {
			return false, err
		}
		l.keys = l.keys[1:]
		if !ok {
			continue
		}
		if l.in > 0 && len(l.raw)+binary.MaxVarintLen32+max(len(e.raw), reconcile.KeySize) > c.most() {
			l.left = appendEntry(nil, e)
			c.pack(l)
			return true, nil
		}
		l.raw = appendEntry(l.raw, e)
		l.in++
	}
	return true, nil
}

// most returns how many bytes of entries a frame may have: no more than the peer
// will have room for once it has dealt with all before, were they not to shrink.
func (c *conversation) most() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return min(c.raw, c.widest-synchro.Data+synchro.Raw)
}

func (c *conversation) pack(l *load) {
	l.frame, l.size = c.node.sync.zip.dataFrame(l.raw)
	l.framed = l.in
	l.raw, l.in = l.raw[:0], 0
}

// push takes keys from the session, if it gives any.
func (c *conversation) push(l *load) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	l.round = c.round
	if l.round == nil || l.round.none || l.round.endSent {
		return false
	}
	if c.muted {
		for { // they stay a difference, for another day
			keys := l.round.session.Push(1 << 16)
			if len(keys) == 0 {
				return false
			}
			l.round.pushed += len(keys)
		}
	}
	l.keys = l.round.session.Push(pushed)
	l.round.pushed += len(l.keys)
	return len(l.keys) > 0
}

// endRound says that all was sent, when it was.
func (c *conversation) endRound() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.round
	if r == nil || r.none || r.endSent || !r.session.Over() || r.session.Waiting() > 0 {
		return false
	}
	c.out = appendFrame(c.out, frameEnd)
	r.endSent = true
	r.settle()
	return true
}

// entryOf reads a record that is to be sent, or its key alone if the body was
// erased or was never here. A body that came meanwhile is not sent under a key
// that others made up. Of a class nothing is sent of what was erased meanwhile.
func (c *conversation) entryOf(r *round, k reconcile.Key) (e entry, ok bool, err error) {
	if !c.node.sets.real(r.setName, k) {
		return entry{key: k}, true, nil
	}
	raw, err := c.node.store.Bytes(protocol.CID(k.Digest()))
	switch {
	case err == nil:
		return entry{raw: raw, key: k}, true, nil
	case errors.Is(err, store.ErrErased), errors.Is(err, store.ErrNotFound):
		return entry{key: k}, !r.partial(), nil
	}
	return entry{}, false, fmt.Errorf("send: %w", err)
}
