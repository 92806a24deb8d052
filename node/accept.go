package node

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// Via is how a record came to this node.
type Via uint8

// The ways in. All end in the same door.
const (
	Issued   Via = iota // made here, by a key of this node
	Uploaded            // brought by a person: API, command line, file
	Gossiped            // said on a topic by Source.Peer
	Fetched             // asked for, and given by Source.Peer
	Synced              // what Source.Peer had more, when sets were compared
)

// String names the way in, for logs.
func (v Via) String() string {
	return [...]string{"issued", "uploaded", "gossiped", "fetched", "synchronised"}[v]
}

// Source says how a record came and, from the network, who handed it over. That
// peer is not its author.
type Source struct {
	Via  Via
	Peer peer.ID
}

// ours reports whether a person waits for the record to be saved.
func (s Source) ours() bool { return s.Via == Issued || s.Via == Uploaded }

// Receipt is the answer to a record that was accepted.
type Receipt struct {
	Record protocol.Record
	// New is false when the record was stored before.
	New bool
}

// Accepted is one answer of AcceptBatch: a receipt, or the error Accept gives.
type Accepted struct {
	Receipt
	Err error
}

// ErrErased is wrapped when a record was erased by whoever may: it is refused
// for ever, and nobody is to blame for offering it.
var ErrErased = errors.New("was erased by its holder or author")

const (
	// maxBatch bounds one transaction of what gossip brings, and what is
	// verified together.
	maxBatch = 200
	// maxPublished is how many records of one batch are published: a quarter
	// of what waits for one peer before gossip drops.
	maxPublished = 64
)

// Accept is the one door into the node: it verifies raw, stores and indexes it
// and, when it was issued or uploaded here, makes it durable before returning
// and publishes it in its territories. What it names and this node lacks is
// asked for.
//
// It returns a *protocol.Refusal for bytes that are no record, ErrErased, or
// store.ErrReadOnly when the disk is full. A refusal lowers the score of the
// peer it came from when that peer is to blame; a record from the future is
// held until its time comes.
func (n *Node) Accept(ctx context.Context, raw []byte, from Source) (Receipt, error) {
	r, err := protocol.Verify(raw, n.now())
	if err != nil {
		n.judge(err, raw, from)
		return Receipt{}, err
	}
	a := n.admit(ctx, from, r)[0]
	return a.Receipt, a.Err
}

// AcceptBatch takes each of raws through the same door and answers in their
// order, for less: signatures are verified together, and records are stored and
// made durable maxBatch at a time. A batch brought here with more than
// maxPublished new records is not published, since gossip would drop most of
// it: neighbours get it when they synchronise, which they soon do.
func (n *Node) AcceptBatch(ctx context.Context, raws [][]byte, from Source) []Accepted {
	out := make([]Accepted, 0, len(raws))
	for part := range slices.Chunk(raws, maxBatch) {
		answers := make([]Accepted, len(part))
		records, at := make([]protocol.Record, 0, len(part)), make([]int, 0, len(part))
		for i, result := range protocol.VerifyBatch(part, n.now()) {
			if result.Err != nil {
				n.judge(result.Err, part[i], from)
				answers[i].Err = result.Err
				continue
			}
			records, at = append(records, result.Record), append(at, i)
		}
		for i, a := range n.admit(ctx, from, records...) {
			answers[at[i]] = a
		}
		out = append(out, answers...)
	}
	return out
}

// admit is the inner half of the door, for verified records of one source. It
// answers for each. Those that are stored before an error are admitted.
func (n *Node) admit(ctx context.Context, from Source, records ...protocol.Record) []Accepted {
	out := make([]Accepted, len(records))
	if len(records) == 0 {
		return out
	}
	outcomes, failed := n.store.Put(records...)
	if failed == nil && from.ours() {
		failed = n.store.Sync()
	}
	var added []protocol.Record
	for i, o := range outcomes {
		if o.Status != store.Known {
			n.sets.add(records[i])
			n.classSets.change(records[i])
		}
	}
	for i, r := range records {
		switch {
		case i >= len(outcomes) || failed != nil && from.ours():
			out[i].Err = fmt.Errorf("record %s: %w", r.CID(), failed)
		case outcomes[i].Status == store.Erased:
			out[i].Err = fmt.Errorf("record %s %w", r.CID(), ErrErased)
		default:
			out[i].Receipt = Receipt{Record: r, New: outcomes[i].Status == store.Added}
		}
		if i < len(outcomes) && outcomes[i].Status == store.Added {
			n.log.Debug("record accepted", "cid", r.CID(), "kind", r.Kind(), "via", from.Via)
			added = append(added, r)
			n.learn(r)
			n.bounds.add(r)
			if from.Via != Synced { // what is old is not passed on
				n.fresh.add(r.Digest())
			}
		}
	}
	if from.Via != Synced { // most of what it names comes too
		n.wantNames(added, from)
	}
	switch {
	case !from.ours() || failed != nil:
	case len(added) <= maxPublished:
		n.publish(ctx, added)
	default:
		n.sync.tell("")
	}
	return out
}

// publish says records on the topics of their territories. They are stored and
// durable: that nobody hears them now is no failure.
func (n *Node) publish(ctx context.Context, records []protocol.Record) {
	g := n.gossip.Load()
	if g == nil {
		return
	}
	for _, r := range records {
		if err := g.publish(ctx, r); err != nil {
			n.log.Warn("not published now", "cid", r.CID(), "err", err)
		}
	}
}

// judge draws the consequences of a refusal.
func (n *Node) judge(err error, raw []byte, from Source) {
	var refusal *protocol.Refusal
	if !errors.As(err, &refusal) {
		return
	}
	if !refusal.Blame() {
		n.hold(raw, from)
		return
	}
	n.log.Warn("record refused", "reason", refusal.Reason, "via", from.Via, "peer", from.Peer)
	if from.Peer != "" {
		n.misdeed(from.Peer)
	}
}

// arrival is one record gossip brought, verified.
type arrival struct {
	record protocol.Record
	from   Source
}

// write stores what gossip brings, as many records in one transaction as have
// come while the last one was written, until ctx ends; then what has come is
// still written. It fails when the store is damaged. What could not be stored for
// another reason, mostly for want of space, is asked for again.
func (n *Node) write(ctx context.Context) error {
	batch := make([]arrival, 0, maxBatch)
	for {
		batch = batch[:0]
		select {
		case <-ctx.Done():
		case a := <-n.arrived:
			batch = append(batch, a)
		}
		batch = n.drain(batch)
		if len(batch) == 0 {
			return nil // ctx ended
		}
		// Records of one peer go together: it is asked first for what they name.
		slices.SortStableFunc(batch, func(a, b arrival) int { return cmp.Compare(a.from.Peer, b.from.Peer) })
		for from := 0; from < len(batch); {
			to := from + 1
			for to < len(batch) && batch[to].from == batch[from].from {
				to++
			}
			if err := n.writeFrom(ctx, batch[from:to]); err != nil {
				return err
			}
			from = to
		}
	}
}

// drain fills batch with what has come.
func (n *Node) drain(batch []arrival) []arrival {
	for len(batch) < maxBatch {
		select {
		case a := <-n.arrived:
			batch = append(batch, a)
		default:
			return batch
		}
	}
	return batch
}

// writeFrom stores a batch of one source.
func (n *Node) writeFrom(ctx context.Context, batch []arrival) error {
	records := make([]protocol.Record, 0, len(batch))
	for _, a := range batch {
		records = append(records, a.record)
	}
	from := batch[0].from
	for i, a := range n.admit(ctx, from, records...) {
		switch {
		case a.Err == nil || errors.Is(a.Err, ErrErased):
		case errors.Is(a.Err, store.ErrCorrupt), errors.Is(a.Err, store.ErrClosed):
			return a.Err
		default:
			if !errors.Is(a.Err, store.ErrReadOnly) {
				n.log.Error("gossip not stored", "cid", records[i].CID(), "err", a.Err)
			}
			n.remember(records[i].Digest(), from.Peer)
			n.sync.miss(from.Peer)
		}
	}
	return nil
}

// Record returns the record c names, from the store.
func (n *Node) Record(c cid.Cid) (protocol.Record, error) { return n.store.Get(c) }
