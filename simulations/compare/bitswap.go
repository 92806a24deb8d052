package main

import (
	"context"
	"crypto/sha256"
	"fmt"
	"time"

	"github.com/ipfs/boxo/bitswap"
	"github.com/ipfs/boxo/bitswap/network/bsnet"
	"github.com/ipfs/boxo/blockstore"
	"github.com/ipfs/boxo/exchange"
	blocks "github.com/ipfs/go-block-format"
	"github.com/ipfs/go-cid"
	"github.com/ipfs/go-datastore"
	dssync "github.com/ipfs/go-datastore/sync"
	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/security/noise"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
)

// blockwise is boxo's bitswap, asked for 512 blocks at a time: more than 1,024
// are dropped by who is asked. Blocks are compared with their CIDs and kept in
// memory. It is told beforehand which CIDs there are, which nobody tells it for
// nothing.
type blockwise struct {
	// door also brings what came through the door of a node, as Essaim does:
	// verified, indexed, on disk.
	door bool
}

const (
	window = 512
	// stalled is after how long without one block a new session asks again.
	stalled = 30 * time.Second
)

// peerHost is a libp2p host as the others run on, over TCP and noise like Essaim.
func peerHost() (host.Host, error) {
	return libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.Security(noise.ID, noise.New), libp2p.DisableMetrics())
}

func addressOf(h host.Host) string { return fmt.Sprintf("%s/p2p/%s", h.Addrs()[0], h.ID()) }

// meet connects to an address.
func meet(ctx context.Context, h host.Host, address string) error {
	info, err := peer.AddrInfoFromString(address)
	if err != nil {
		return err
	}
	return h.Connect(ctx, *info)
}

// inMemory is a store of blocks, and who exchanges them.
func inMemory(ctx context.Context, h host.Host) (datastore.Batching, blockstore.Blockstore, *bitswap.Bitswap) {
	data := dssync.MutexWrap(datastore.NewMapDatastore())
	kept := blockstore.NewBlockstore(data)
	return data, kept, bitswap.New(ctx, bsnet.NewFromIpfsHost(h), nil, kept)
}

func (blockwise) hold(ctx context.Context, c corpus, _ string) (string, error) {
	h, err := peerHost()
	if err != nil {
		return "", err
	}
	_, kept, _ := inMemory(ctx, h)
	err = c.each(func(raw []byte) error {
		b, err := blocks.NewBlockWithCid(raw, protocol.CID(sha256.Sum256(raw)))
		if err != nil {
			return err
		}
		return kept.Put(ctx, b)
	})
	return addressOf(h), err
}

func (s blockwise) take(ctx context.Context, c corpus, dir, address string, first func()) (string, error) {
	wanted, err := c.cids()
	if err != nil {
		return "", err
	}
	var n *node.Node
	if s.door {
		if n, err = node.New(configure(dir, false)); err != nil {
			return "", err
		}
		defer n.Close()
	}
	h, err := peerHost()
	if err != nil {
		return "", err
	}
	_, kept, exchanged := inMemory(ctx, h)
	if err := meet(ctx, h, address); err != nil {
		return "", err
	}
	session, stalls := exchanged.NewSession(ctx), 0
	for len(wanted) > 0 {
		ask := wanted[:min(window, len(wanted))]
		came, err := fetch(ctx, session, ask, first)
		if err != nil {
			return "", err
		}
		if len(came) < len(ask) {
			session, stalls = exchanged.NewSession(ctx), stalls+1
		}
		if err := kept.PutMany(ctx, came); err != nil {
			return "", err
		}
		if s.door {
			raws := make([][]byte, len(came))
			for i, b := range came {
				raws[i] = b.RawData()
			}
			if err := accept(ctx, n, raws); err != nil {
				return "", err
			}
		}
		missing := map[cid.Cid]bool{}
		for _, id := range ask {
			missing[id] = true
		}
		for _, b := range came {
			delete(missing, b.Cid())
		}
		wanted = wanted[len(ask):]
		for id := range missing {
			wanted = append(wanted, id)
		}
	}
	if s.door {
		if err := n.Store().Sync(); err != nil {
			return "", err
		}
	}
	if stalls > 0 {
		return fmt.Sprintf("stalled %d times for %v", stalls, stalled), nil
	}
	return "", nil
}

// fetch returns the blocks that came of those asked for: all, or what came
// before nothing did for a while.
func fetch(ctx context.Context, from exchange.Fetcher, ask []cid.Cid, first func()) ([]blocks.Block, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	coming, err := from.GetBlocks(ctx, ask)
	if err != nil {
		return nil, err
	}
	var came []blocks.Block
	silence := time.NewTimer(stalled)
	defer silence.Stop()
	for len(came) < len(ask) {
		select {
		case b, ok := <-coming:
			if !ok {
				return came, ctx.Err()
			}
			first()
			came = append(came, b)
			silence.Reset(stalled)
		case <-silence.C:
			return came, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return came, nil
}
