package demo

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Place is one of the three communities and its node.
type Place struct {
	Name      string // Brest, Rennes or Caen
	Territory territory.ID
	Community string // what it is called
	Dir       string // data folder of its node
	KeyFile   string // opens its keys, and stands in the open
	Node      *node.Node

	index   int
	did     did.DID // set once the community is set up
	members []did.DID
}

// cast are the three communities. Territories are those of the gazetteer; the
// communities are invented.
var cast = [places]struct {
	name, folder, community string
	territory               territory.ID
}{
	{"Brest", "brest", "Fablab de la rade", "fr:epci:242900314"},
	{"Rennes", "rennes", "Atelier de la Vilaine", "fr:epci:243500139"},
	{"Caen", "caen", "Fabrique de l'Orne", "fr:epci:200065597"},
}

// Swarm is three nodes at work. Its methods are safe for concurrent use, but
// for Play and Close.
type Swarm struct {
	config    Config
	dir       string
	temporary bool
	started   time.Time
	places    [places]*Place
	end       context.CancelFunc
	running   context.Context // until end, or a node failed
	group     *errgroup.Group

	telling sync.Mutex // one event at a time
}

// hearing is how long a record may take from one node to the others. On an idle
// machine it takes some milliseconds; it is a bound for one that is starved.
const hearing = time.Minute

// Start makes the folders and puts three nodes to work on free ports of the
// loopback, each following all three territories, and returns when they hear
// each other. They hold nothing yet: Play does the rest. They work until ctx
// ends or Close, which the caller calls in any case.
func Start(ctx context.Context, c Config) (*Swarm, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	s := &Swarm{config: c, started: time.Now()}
	if err := s.makeFolder(); err != nil {
		return nil, err
	}
	running, end := context.WithCancel(ctx)
	s.group, s.running = errgroup.WithContext(running)
	s.end = end
	if err := s.start(); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Swarm) makeFolder() (err error) {
	if s.config.Dir == "" {
		s.temporary = true
		s.dir, err = os.MkdirTemp("", "essaim-demo-")
		return err
	}
	if s.dir, err = filepath.Abs(s.config.Dir); err != nil {
		return err
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return err
	}
	entries, err := os.ReadDir(s.dir)
	if err == nil && len(entries) > 0 {
		err = fmt.Errorf("folder %s is not empty: the demo wants one of its own", s.dir)
	}
	return err
}

// start opens the nodes, runs them and introduces them to each other.
func (s *Swarm) start() error {
	for i, who := range cast {
		dir := filepath.Join(s.dir, who.folder)
		n, err := node.New(node.Config{
			Dir: dir, Network: true, Listen: node.ListenAddrs(0, true), Logger: s.config.Logger.With("node", who.folder),
		})
		if err != nil {
			return fmt.Errorf("%s: %w", who.name, err)
		}
		s.places[i] = &Place{
			Name: who.name, Territory: who.territory, Community: who.community,
			Dir: dir, KeyFile: filepath.Join(dir, "community.key"), Node: n, index: i,
		}
		for _, other := range cast {
			if err := n.Follow(other.territory); err != nil {
				return fmt.Errorf("%s: %w", who.name, err)
			}
		}
		// One of two dials, so that there are not two connections.
		for _, earlier := range s.places[:i] {
			for _, address := range earlier.Node.Addrs() {
				if _, err := n.AddPeer(address); err != nil {
					return fmt.Errorf("%s: %w", who.name, err)
				}
			}
		}
	}
	for _, p := range s.places {
		s.group.Go(func() error {
			if err := p.Node.Run(s.running); err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			return nil
		})
		s.tell(Event{Step: Started, Place: p.Name, Text: p.Node.Addrs()[0]})
	}
	return s.join()
}

// join returns when every node knows that the two others follow every
// territory: what is published from then on reaches them.
func (s *Swarm) join() error {
	ctx, cancel := context.WithTimeout(s.running, hearing)
	defer cancel()
	for _, p := range s.places {
		for {
			others, err := p.listeners()
			if err != nil {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			if others == places-1 {
				break
			}
			select {
			case <-time.After(20 * time.Millisecond):
			case <-ctx.Done():
				if s.running.Err() != nil {
					return s.stopped()
				}
				return fmt.Errorf("%s hears %d of %d others after %v", p.Name, others, places-1, hearing)
			}
		}
	}
	s.tell(Event{Step: Joined})
	return nil
}

// listeners returns how many peers follow all territories of the demo.
func (p *Place) listeners() (int, error) {
	peers, err := p.Node.Peers()
	if err != nil {
		return 0, err
	}
	n := 0
	for _, peer := range peers {
		if peer.Connected && len(peer.Follows) == places {
			n++
		}
	}
	return n, nil
}

// stopped returns why the nodes run no more.
func (s *Swarm) stopped() error {
	if err := s.group.Wait(); err != nil {
		return err
	}
	return s.running.Err()
}

// Places returns the three communities and their nodes.
func (s *Swarm) Places() []*Place { return s.places[:] }

// Wait returns when the nodes have ended: nil when ctx of Start did it, else the
// error of the node that failed.
func (s *Swarm) Wait() error { return s.group.Wait() }

// Close ends the nodes and removes the temporary folder.
func (s *Swarm) Close() error {
	s.end()
	_ = s.group.Wait() // the error is Wait's to tell
	var failed error
	for _, p := range s.places {
		if p == nil {
			continue
		}
		if err := p.Node.Close(); err != nil {
			failed = errors.Join(failed, fmt.Errorf("%s: %w", p.Name, err))
		}
	}
	if s.temporary {
		failed = errors.Join(failed, os.RemoveAll(s.dir))
	}
	return failed
}

// setup makes the community of p.
func (p *Place) setup(ctx context.Context) (protocol.Record, error) {
	c, err := p.Node.Setup(ctx, node.Community{
		Name: p.Community, Kind: badge.PlaceKind, Place: p.Name, Territory: p.Territory,
		Description: "Communauté inventée pour la démonstration.",
	}, keyring.Protection{KeyFile: p.KeyFile})
	if err != nil {
		return protocol.Record{}, err
	}
	p.did = c.DID
	return p.Node.ProfileOf(c.DID)
}

// said tells that the node of p accepted r, which text describes, and returns
// when the other nodes hold it. Whoever calls it says one thing after the other,
// so few records are under way at a time and no queue of gossip overflows.
func (s *Swarm) said(ctx context.Context, p *Place, r protocol.Record, text string) error {
	accepted := time.Now()
	e := Event{Step: Accepted, Place: p.Name, Kind: r.Kind(), CID: r.CID().String(), Text: text}
	s.tell(e)
	ctx, cancel := context.WithTimeout(ctx, hearing)
	defer cancel()
	for _, other := range s.places {
		if other == p {
			continue
		}
		if err := holds(ctx, other.Node.Store(), r); errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("%s lacks %s %s that %s accepted %v before", other.Name, r.Kind(), r.CID(), p.Name, hearing)
		} else if err != nil {
			return err
		}
		e.Step, e.Place, e.After = Heard, other.Name, time.Since(accepted)
		s.tell(e)
	}
	return nil
}

// holds returns when the store holds r, or with ctx's error.
func holds(ctx context.Context, in *store.Store, r protocol.Record) error {
	for {
		last := in.Last() // before looking: what comes meanwhile ends the wait
		if in.Has(r.Digest()) == store.Present {
			return nil
		}
		if err := in.Wait(ctx, last); err != nil {
			return err
		}
	}
}

func (s *Swarm) tell(e Event) {
	if s.config.Progress == nil {
		return
	}
	s.telling.Lock()
	defer s.telling.Unlock()
	s.config.Progress(e)
}
