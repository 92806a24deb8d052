package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/ipfs/boxo/blockservice"
	"github.com/ipfs/boxo/ipld/merkledag"
	"github.com/ipfs/go-datastore"
	crdt "github.com/ipfs/go-ds-crdt"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"

	"codeberg.org/essaim/essaim/protocol"
)

// merkle is go-ds-crdt: a graph of changes, each naming those before it, walked
// over bitswap from its heads. It keeps everything in memory and verifies no
// signature. One writer wrote all.
type merkle struct {
	// batch is how many records one change holds. With 1, as when each comes
	// by gossip, the fresh peer walks one step for each.
	batch int
}

// replica is a store that hears what others have every second.
func replica(ctx context.Context, h host.Host, hook func(datastore.Key, []byte)) (*crdt.Datastore, error) {
	data, kept, exchanged := inMemory(ctx, h)
	gossip, err := pubsub.NewGossipSub(ctx, h)
	if err != nil {
		return nil, err
	}
	heads, err := crdt.NewPubSubBroadcaster(ctx, gossip, "compare")
	if err != nil {
		return nil, err
	}
	o := crdt.DefaultOptions()
	o.RebroadcastInterval, o.PutHook = time.Second, hook
	// Changes of 500 records are larger than the usual 1 MiB. A block of
	// bitswap may have 2 MiB.
	o.MaxBatchDeltaSize = 1900 << 10
	return crdt.New(data, datastore.NewKey("records"), merkledag.NewDAGService(blockservice.New(kept, exchanged)), heads, o)
}

func (m merkle) hold(ctx context.Context, c corpus, _ string) (string, error) {
	h, err := peerHost()
	if err != nil {
		return "", err
	}
	r, err := replica(ctx, h, nil)
	if err != nil {
		return "", err
	}
	batch, err := r.Batch(ctx)
	if err != nil {
		return "", err
	}
	count := 0
	err = c.each(func(raw []byte) error {
		key := datastore.NewKey(protocol.CID(sha256.Sum256(raw)).String())
		if m.batch == 1 {
			return r.Put(ctx, key, raw)
		}
		if err := batch.Put(ctx, key, raw); err != nil {
			return err
		}
		if count++; count%m.batch == 0 {
			return batch.Commit(ctx)
		}
		return nil
	})
	if err == nil && count%m.batch > 0 {
		err = batch.Commit(ctx)
	}
	return addressOf(h), err
}

func (m merkle) take(ctx context.Context, c corpus, _, address string, first func()) (string, error) {
	h, err := peerHost()
	if err != nil {
		return "", err
	}
	var count atomic.Int64
	all := make(chan struct{})
	r, err := replica(ctx, h, func(datastore.Key, []byte) {
		first()
		if count.Add(1) == int64(c.count) {
			close(all)
		}
	})
	if err != nil {
		return "", err
	}
	if err := meet(ctx, h, address); err != nil {
		return "", err
	}
	select {
	case <-all:
	case <-ctx.Done():
		return "", fmt.Errorf("%d of %d records came: %w", count.Load(), c.count, ctx.Err())
	}
	wanted, err := c.cids()
	if err != nil {
		return "", err
	}
	for i := range 100 {
		id := wanted[i*len(wanted)/100]
		if ok, err := r.Has(ctx, datastore.NewKey(id.String())); err != nil || !ok {
			return "", fmt.Errorf("record %s did not come (%w)", id, err)
		}
	}
	return "", nil
}
