package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"codeberg.org/essaim/essaim/node"
)

// essaim is what this is about: two nodes as people run them, on disk, over
// /essaim/sync/1. Every signature is verified, every record indexed, and trust
// follows; none of the others does that.
type essaim struct{}

func configure(dir string, network bool) node.Config {
	began := time.Now()
	return node.Config{
		Dir: dir, Network: network, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, MinFree: 1 << 20,
		Clock: func() time.Time { return noon.Add(time.Since(began)) },
	}
}

func (essaim) hold(ctx context.Context, c corpus, dir string) (string, error) {
	if err := fill(ctx, c, dir); err != nil {
		return "", err
	}
	n, err := start(ctx, dir)
	if err != nil {
		return "", err
	}
	return n.Addrs()[0], nil
}

// fill makes a node of the folder and brings the records through its door.
func fill(ctx context.Context, c corpus, dir string) error {
	n, err := node.New(configure(dir, false))
	if err != nil {
		return err
	}
	defer n.Close()
	var batch [][]byte
	err = c.each(func(raw []byte) error {
		if batch = append(batch, raw); len(batch) < 1000 {
			return nil
		}
		defer func() { batch = nil }()
		return accept(ctx, n, batch)
	})
	if err != nil {
		return err
	}
	if err := accept(ctx, n, batch); err != nil {
		return err
	}
	return n.Store().Sync()
}

// accept brings records through the door of a node, all or none.
func accept(ctx context.Context, n *node.Node, raws [][]byte) error {
	for _, a := range n.AcceptBatch(ctx, raws, node.Source{Via: node.Fetched, Peer: "the corpus"}) {
		if a.Err != nil {
			return a.Err
		}
	}
	return nil
}

// start runs a node that follows the place.
func start(ctx context.Context, dir string) (*node.Node, error) {
	n, err := node.New(configure(dir, true))
	if err != nil {
		return nil, err
	}
	if err := n.Follow(place); err != nil {
		return nil, err
	}
	go func() {
		if err := n.Run(ctx); err != nil {
			fmt.Fprintln(os.Stderr, "essaim:", err)
			os.Exit(1)
		}
	}()
	return n, nil
}

func (essaim) take(ctx context.Context, c corpus, dir, address string, first func()) (string, error) {
	n, err := start(ctx, dir)
	if err != nil {
		return "", err
	}
	if _, err := n.AddPeer(address); err != nil {
		return "", err
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-tick.C:
		}
		// Not Report, which walks over the files: it would be measured too.
		arrived := int(n.Store().Last())
		if arrived == 0 {
			continue
		}
		first()
		if arrived < c.count {
			continue
		}
		if err := n.Store().Sync(); err != nil {
			return "", err
		}
		r, err := n.Report()
		if err == nil && r.Store.Total != c.count {
			err = fmt.Errorf("the node holds %d records, want %d", r.Store.Total, c.count)
		}
		return "", err
	}
}
