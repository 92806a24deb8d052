// Package demo plays a swarm of three nodes on this machine: three communities
// of real territories, with invented members, publish badge classes, award,
// endorse, contest and revoke, and hear each other by gossip. Nothing in it is
// staged: each node has its own folder, keys, store and libp2p host, and what
// one node knows of another came over a socket of the loopback.
//
// The keys are protected by a key file that stands beside them, so that nobody
// is asked for three passphrases and scrypt does not slow the start: whoever
// reads the demo's folder can sign in its name. That is right for a demo and for
// nothing else.
package demo

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"codeberg.org/essaim/essaim/protocol"
)

// Config says which demo to play. The zero Config plays the default one in a
// temporary folder and leaves it running.
type Config struct {
	// Dir is the folder of the demo, made when missing; it must be empty. When
	// it is "", a temporary folder is used and removed at the end.
	Dir string
	// Once ends the demo when all nodes hold the same records.
	Once bool
	// Export is a folder, made when missing, that gets one record of every
	// kind, as its exact bytes: profile.json, class.json and so on.
	Export string
	// Seed draws the population and what happens to it. The same Seed and
	// Awards give the same people, awards and endorsements; keys, ids and
	// signed times differ from run to run.
	Seed uint64
	// Awards is how many badges are awarded, from MinAwards to MaxAwards; 0 is
	// DefaultAwards.
	Awards int
	// Progress, unless nil, is told what happens as it happens, one event at a
	// time. The demo waits for it to return.
	Progress func(Event)
	// Logger gets the logs of the nodes; nil discards them.
	Logger *slog.Logger
}

// Bounds of Config.Awards. The default is three times what a community has
// awarded on average (assertions_par_communaute in data/profil.json).
const (
	MinAwards     = 10
	DefaultAwards = 309
	MaxAwards     = 10_000
)

// Step says what an Event tells.
type Step string

// The steps, in the order they are first met.
const (
	Started  Step = "started"  // a node listens; Text is its first address
	Joined   Step = "joined"   // the nodes hear each other on every territory
	Accepted Step = "accepted" // a record passed the door of the node of Place
	Heard    Step = "heard"    // the node of Place holds what another accepted, After later
	Same     Step = "same"     // all nodes hold the same records; Text says how many
	Asked    Step = "asked"    // the question was put to the node of Place; Text is the question
)

// Event is one thing that happened.
type Event struct {
	Step  Step
	Place string        // Brest, Rennes or Caen; "" when it is of all
	Kind  protocol.Kind // Accepted and Heard
	CID   string        // Accepted and Heard
	Text  string        // for a person, in French where it quotes a record
	After time.Duration // Heard
}

// Run plays the demo and returns what came of it. With Once it ends by itself;
// else it leaves the nodes running until ctx ends, and then returns no error. It
// fails when the nodes do not come to hold the same records, naming the
// difference, and with ctx's error when ctx ends before they do. The temporary
// folder is gone when it returns.
func Run(ctx context.Context, c Config) (report Report, err error) {
	s, err := Start(ctx, c)
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	report, err = s.Play(ctx)
	if err != nil || c.Once {
		return report, err
	}
	return report, s.Wait()
}

// check fills in what c leaves open.
func (c *Config) check() error {
	if c.Awards == 0 {
		c.Awards = DefaultAwards
	}
	if c.Awards < MinAwards || c.Awards > MaxAwards {
		return fmt.Errorf("%d awards: the demo makes from %d to %d", c.Awards, MinAwards, MaxAwards)
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return nil
}
