package simulations

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// friends is how many others a box adds as peers when it comes, of those it
// reaches; so each has some twice as many connections.
const friends = 4

// digest names a record.
type digest = [sha256.Size]byte

// box is a running node, somewhere.
type box struct {
	*node.Node
	host  host.Host
	place *place
	key   ed25519.PrivateKey
	ahead atomic.Int64 // of its clock, in nanoseconds
	full  atomic.Bool  // its disk

	mu    sync.Mutex // guards heard
	heard map[digest]time.Time
}

// swarm is boxes on an internet, in a bubble. Its methods are called by the
// goroutine of the test.
type swarm struct {
	t         testing.TB
	internet  *internet
	chance    *rand.Rand
	boxes     []*box // those that came, by place
	strangers []*stranger
	dir       string
	began     time.Time
	running   *errgroup.Group
	ctx       context.Context
	stop      context.CancelFunc
	errors    *errorLog

	said  []*saying
	spoke int

	mu    sync.Mutex      // guards valid
	valid map[digest]bool // what a store may hold
}

// saying is a record, and who could hear it when it was said.
type saying struct {
	digest digest
	by     *box
	at     time.Time
	near   []*box // within reach and with room for it when it was said, without by
}

// newSwarm has room for so many boxes and two strangers.
func newSwarm(t testing.TB, seed uint64, size int) *swarm {
	s := &swarm{
		t: t, chance: rand.New(rand.NewPCG(seed, 4797)), dir: t.TempDir(), began: time.Now(),
		errors: &errorLog{}, valid: map[digest]bool{},
	}
	s.internet = newInternet(size+2, s.chance)
	ctx, stop := context.WithCancel(context.Background())
	s.stop = stop
	s.running, s.ctx = errgroup.WithContext(ctx)
	return s
}

// now is the time as everybody's clock should tell it.
func (s *swarm) now() time.Time { return noon.Add(time.Since(s.began)) }

// come adds a box at the next place, with friends among those it reaches.
func (s *swarm) come(l line) {
	s.t.Helper()
	place := s.internet.places[len(s.boxes)]
	if l != home {
		place.line = l
	}
	b := &box{place: place, key: key(fmt.Sprint("box ", place.index)), heard: map[digest]time.Time{}}
	var err error
	if b.host, err = place.newHost(); err != nil {
		s.t.Fatal(err)
	}
	b.Node, err = node.New(node.Config{
		Dir: filepath.Join(s.dir, fmt.Sprint(place.index)), Host: b.host, InMemory: true,
		Clock: func() time.Time { return s.now().Add(time.Duration(b.ahead.Load())) },
		Space: func() (free, total uint64, err error) {
			if b.full.Load() {
				return 0, 1 << 40, nil
			}
			return 1 << 39, 1 << 40, nil
		},
		MinFree: 1 << 30, Logger: slog.New(s.errors),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	if err := b.Follow(brest); err != nil {
		s.t.Fatal(err)
	}
	added := 0
	for _, i := range s.chance.Perm(len(s.boxes)) {
		if friend := s.boxes[i]; added < friends && place.reaches(friend.place) {
			if _, err := b.AddPeer(friend.Addrs()[0]); err != nil {
				s.t.Fatal(err)
			}
			added++
		}
	}
	s.boxes = append(s.boxes, b)
	s.running.Go(func() error { return b.Run(s.ctx) })
	s.running.Go(func() error { return b.listen(s.ctx) })
}

// listen notes when each record is stored, until ctx ends.
func (b *box) listen(ctx context.Context) error {
	var seq uint32
	for b.Store().Wait(ctx, seq) == nil {
		now := time.Now()
		for e, err := range b.Store().Each(seq + 1) {
			if err != nil {
				return err
			}
			c, err := e.CID()
			if err != nil {
				return err
			}
			d, err := protocol.DigestOf(c)
			if err != nil {
				return err
			}
			b.mu.Lock()
			b.heard[d] = now
			b.mu.Unlock()
			seq = e.Seq
		}
	}
	return nil
}

// when returns how long after a saying b had it, and whether it has it.
func (b *box) when(of *saying) (time.Duration, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	at, ok := b.heard[of.digest]
	return at.Sub(of.at), ok
}

// next returns whose turn it is among those that have somebody to tell.
func (s *swarm) next() *box {
	b := s.boxes[0]
	for range s.boxes {
		b = s.boxes[s.spoke*7919%len(s.boxes)]
		s.spoke++
		if !b.place.unplug.Load() && !b.full.Load() && len(b.host.Network().Peers()) > 0 {
			break
		}
	}
	return b
}

// say has a box publish a record.
func (s *swarm) say(b *box) {
	s.t.Helper()
	r, err := notice(len(s.said), b.key, s.now().Add(time.Duration(b.ahead.Load())))
	if err != nil {
		s.t.Fatal(err)
	}
	said := &saying{digest: r.Digest(), by: b, at: time.Now()}
	for _, other := range s.boxes {
		if other != b && b.place.reaches(other.place) && !other.full.Load() {
			said.near = append(said.near, other)
		}
	}
	s.mu.Lock()
	s.valid[said.digest] = true
	s.mu.Unlock()
	s.said = append(s.said, said)
	if _, err := b.Accept(s.ctx, r.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		s.t.Fatal(err)
	}
}

// end stops everything and waits until nothing is left: a goroutine that stays
// fails the bubble.
func (s *swarm) end() {
	s.t.Helper()
	s.stop()
	if err := s.running.Wait(); err != nil {
		s.t.Errorf("Run: got %v, want nil", err)
	}
	var closing errgroup.Group
	for _, b := range s.boxes {
		closing.Go(b.Close)
	}
	for _, x := range s.strangers {
		closing.Go(x.host.Close)
	}
	if err := closing.Wait(); err != nil {
		s.t.Errorf("Close: got %v, want nil", err)
	}
	s.internet.wire.Close()
	time.Sleep(10 * time.Minute) // what libp2p leaves behind ends by its timers
	synctest.Wait()
	if err := s.errors.first(); err != nil {
		s.t.Errorf("a node logged an error: %v", err)
	}
}

// errorLog keeps the first error any node logs.
type errorLog struct {
	mu  sync.Mutex // guards err
	err error
}

func (l *errorLog) first() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.err
}

// Enabled implements slog.Handler.
func (l *errorLog) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelError }

// Handle implements slog.Handler.
func (l *errorLog) Handle(_ context.Context, r slog.Record) error {
	text := r.Message
	r.Attrs(func(a slog.Attr) bool { text += " " + a.String(); return true })
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = errors.New(text)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *errorLog) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *errorLog) WithGroup(string) slog.Handler { return l }

// Badger compresses with one encoder and one decoder for the whole process, made
// when first needed. Made in a bubble, they could not be used in the next: so a
// table is written and read before any.
func TestMain(m *testing.M) {
	if err := writeAndRead(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func writeAndRead() (err error) {
	dir, err := os.MkdirTemp("", "essaim")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	for range 2 {
		s, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
		if err != nil {
			return err
		}
		r, err := notice(0, key("first"), noon)
		if err == nil {
			_, err = s.Put(r)
		}
		if err == nil {
			_, err = s.Bytes(r.CID())
		}
		if err := errors.Join(err, s.Close()); err != nil {
			return err
		}
	}
	return nil
}

// Three nodes live, one says a thing to the others, and all are gone.
func TestThree(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newSwarm(t, 1, 3)
		for range 3 {
			s.come(home)
		}
		time.Sleep(10 * time.Second)
		s.say(s.boxes[0])
		time.Sleep(time.Second)
		for i, b := range s.boxes {
			if after, ok := b.when(s.said[0]); !ok || b != s.said[0].by && after <= 0 {
				t.Errorf("box %d: got %v after %v, want the record", i, ok, after)
			}
		}
		s.end()
	})
}
