package node

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// packed is a data frame of a round, or its end, with body nil.
type packed struct {
	round *round
	body  []byte
}

// unpacked is what was in it. A record from the future is zero.
type unpacked struct {
	round   *round
	end     bool
	entries []entry
	records []protocol.Record
	size    int
	idle    bool // nothing came for a while before it
}

// errJudged is the error of a record for which the peer has been blamed already.
var errJudged = errors.New("sent a record that is none")

// verify expands and verifies what came.
func (c *conversation) verify(ctx context.Context) error {
	defer close(c.verified)
	for waiting := time.Now(); ; waiting = time.Now() {
		p, ok := <-c.arrived
		if !ok {
			return nil
		}
		u := unpacked{round: p.round, end: p.body == nil, size: len(p.body), idle: time.Since(waiting) > synchro.Idle}
		if !u.end {
			raw, err := c.node.sync.zip.expand(p.body)
			if err != nil {
				return err
			}
			if u.entries, err = readEntries(raw); err != nil {
				return err
			}
			if u.records, err = c.verifyAll(u.entries); err != nil {
				return err
			}
		}
		select {
		case c.verified <- u:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// verifyAll returns the records of entries, zero for keys alone and for records
// from the future, which the node holds.
func (c *conversation) verifyAll(entries []entry) ([]protocol.Record, error) {
	records := make([]protocol.Record, len(entries))
	raws, at := make([][]byte, 0, maxBatch), make([]int, 0, maxBatch)
	for i, e := range entries {
		if len(e.raw) > 0 {
			raws, at = append(raws, e.raw), append(at, i)
		}
		if len(raws) < maxBatch && i+1 < len(entries) {
			continue
		}
		for j, result := range protocol.VerifyBatch(raws, c.node.now()) {
			records[at[j]] = result.Record
			if result.Err == nil {
				entries[at[j]].key = reconcile.NewKey(result.Record.Created(), result.Record.Digest())
				continue
			}
			c.node.judge(result.Err, raws[j], Source{Via: Synced, Peer: c.peer})
			var refusal *protocol.Refusal
			if !errors.As(result.Err, &refusal) || refusal.Blame() {
				return nil, fmt.Errorf("%w: %w", errJudged, result.Err)
			}
			// They come last, for records come in order of time.
			if c.ahead++; c.ahead > synchro.Ahead {
				return nil, fmt.Errorf("more than %d records from the future: check the clocks", synchro.Ahead)
			}
		}
		raws, at = raws[:0], at[:0]
	}
	return records, nil
}

// store takes what was verified through the door, and lets the peer send on.
func (c *conversation) store(ctx context.Context) error {
	for u := range c.verified {
		if u.end {
			c.mu.Lock()
			u.round.ended = true
			u.round.short = u.round.got < u.round.session.Expected() || !u.round.session.Complete()
			u.round.settle()
			short, capped := u.round.short || c.full || c.muted || c.enough, c.capped
			c.mu.Unlock()
			if err := c.endTurn(u.round); err != nil {
				return err
			}
			c.short = c.short || u.round.short && !capped
			if u.round.badges() {
				c.node.sync.note(u.round.territory, Comparison{With: c.peer, At: c.node.now().UTC().Truncate(time.Second), Short: short})
			}
			c.stir()
			continue
		}
		if err := c.wanted(u); err != nil {
			return err
		}
		if err := c.keep(ctx, u); err != nil {
			return err
		}
		turn, err := c.turn(u.round)
		if err != nil {
			return err
		}
		c.grant(u, turn)
	}
	return nil
}

// turn reports whether this conversation may go on to bring a set: if it is
// much, one does at a time, and the topic is not listened to meanwhile.
func (c *conversation) turn(r *round) (bool, error) {
	c.mu.Lock()
	much := r.session.Expected() > uint64(synchro.AtOnce)
	c.mu.Unlock()
	if !much {
		return true, nil
	}
	if !c.node.sync.take(r.name, c) {
		return false, nil
	}
	g := c.node.gossip.Load()
	switch {
	case g == nil || !r.badges():
	case g.hush(r.territory):
		c.node.log.Info("much is missing here: gossip waits", "territory", r.territory, "peer", c.peer)
	case g.overdue(r.territory):
		return true, c.listen(r.territory)
	}
	return true, nil
}

// endTurn ends the turn of this conversation, if it has it. What was said
// meanwhile is missed still.
func (c *conversation) endTurn(r *round) error {
	if !c.node.sync.leave(r.name, c) || r.partial() {
		return nil
	}
	return c.listen(r.territory)
}

// listen lets gossip go on, if it waits.
func (c *conversation) listen(id territory.ID) error {
	g := c.node.gossip.Load()
	if g == nil {
		return nil
	}
	listens, err := g.listen(id)
	if listens {
		c.node.log.Info("gossip goes on", "territory", id)
		c.node.sync.miss("")
	}
	return err
}

// wanted holds what came against what was asked for: each only once, in
// ascending order, of this set, and no more than was announced.
func (c *conversation) wanted(u unpacked) error {
	r := u.round
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, e := range u.entries {
		if r.got++; r.got > r.session.Expected() {
			return hostile("%s: more than the %d records that were announced", r.name, r.session.Expected())
		}
		rec := u.records[i]
		if rec.IsZero() && len(e.raw) > 0 {
			continue // from the future
		}
		if !r.session.Wants(e.key) {
			return hostile("%s: a record that was not asked for", r.name)
		}
		if slices.Compare(r.last[:], e.key[:]) >= 0 {
			return hostile("%s: records that do not ascend", r.name)
		}
		r.last = e.key
		switch {
		case len(e.raw) == 0 && !r.badges():
			return hostile("%s: a key without a record", r.name)
		case len(e.raw) > 0 && !r.has(rec):
			return hostile("%s: %s of %v", r.name, rec.Kind(), rec.Territories())
		}
	}
	return nil
}

// keep stores what came, unless there is no room.
func (c *conversation) keep(ctx context.Context, u unpacked) error {
	c.mu.Lock()
	full := c.full
	c.mu.Unlock()
	if full {
		return nil
	}
	var records []protocol.Record
	var hollow []reconcile.Key
	for i, e := range u.entries {
		if !u.records[i].IsZero() {
			records = append(records, u.records[i])
			continue
		}
		if len(e.raw) > 0 {
			continue
		}
		told, err := c.node.toldErased(e.key.Digest())
		if err != nil {
			return err
		}
		if told {
			hollow = append(hollow, e.key)
		}
	}
	records, capped := c.fitting(u.round, records)
	gained, kept := 0, 0
	for _, a := range c.node.admit(ctx, Source{Via: Synced, Peer: c.peer}, records...) {
		switch {
		case a.Err == nil:
			kept++
			if a.New {
				gained++
			}
		case errors.Is(a.Err, ErrErased):
			kept++
			gained++ // its key is
		case errors.Is(a.Err, store.ErrReadOnly):
			full = true
		default:
			return a.Err
		}
	}
	taken, err := c.node.takeHollows(u.round.territory, hollow, c.peer)
	if errors.Is(err, store.ErrReadOnly) {
		full, err = true, nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	u.round.kept += kept + taken
	c.node.sync.bring(u.round.territory, gained, u.size)
	c.gained += gained
	c.hollowed += taken
	if full {
		c.refuseData()
	}
	if capped {
		c.cap()
	}
	return err
}

// fitting returns those of the records of a round that a bounded mirror has room for,
// in their order, and whether that is not all.
func (c *conversation) fitting(r *round, records []protocol.Record) (fit []protocol.Record, capped bool) {
	left, bounded := c.node.roomFor(r.setName)
	if !bounded {
		return records, false
	}
	for i, rec := range records {
		if c.node.store.Has(rec.Digest()) == store.Present {
			continue // it came another way, and counts already
		}
		if left -= int64(len(rec.Bytes())); left < 0 {
			c.node.bounds.reach(r.setName)
			return records[:i], true
		}
	}
	return records, false
}

// refuseData tells the peer, once, to send no more records. It is called with mu
// held, or before the conversation runs.
func (c *conversation) refuseData() {
	if !c.full && !c.enough {
		c.out = appendFrame(c.out, frameFull)
	}
	c.full = true
}

// grant lets the peer send as much as it has sent, or more while nothing waits.
func (c *conversation) grant(u unpacked, turn bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := u.round
	much := r.got > uint64(max(synchro.Many, 2*r.own))
	if !c.full && !c.enough && (much || !turn) {
		c.enough, c.busy = true, !turn
		c.out = appendFrame(c.out, frameFull)
	}
	if !c.full && !c.enough {
		more := u.size
		if u.idle {
			grown := min(u.size, synchro.CreditMax-c.window)
			more, c.window = more+grown, c.window+grown
		}
		c.owed += more
		c.allowed += more
	}
	c.stir()
}

// isErasure reports whether a status says that its target was erased, whoever
// set it.
func isErasure(r protocol.Record) bool {
	s, ok := r.Document().(*badge.Status)
	return ok && s.State == badge.Erased
}
