package node

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/config"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/conngater"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node/hosted"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// Config is what a node is made of. The zero Config but for Dir is a node that
// works on its folder and speaks to nobody.
type Config struct {
	// Dir is the data folder, made when missing: the store, the keys and the
	// peer key. One process at a time uses it.
	Dir string
	// Network puts the node on the network when it Runs.
	Network bool
	// Listen are the multiaddresses to listen on; see ListenAddrs.
	Listen []string
	// MDNS finds peers on the local network, and is found.
	MDNS bool
	// Seek looks for further peers: it dials those it reached before, asks
	// peers for others, and tells them of others.
	Seek bool
	// Reach is how nodes elsewhere reach this one.
	Reach Reach
	// Options are given to the libp2p host besides those of the node, for
	// simulations.
	Options []config.Option
	// Host replaces the libp2p host, for simulations. The node closes it.
	Host host.Host
	// Offline asks the web nothing, whatever a person asks for.
	Offline bool
	// Web replaces the web, for simulations: it reads an address as
	// hosted.Client.Get does.
	Web func(ctx context.Context, address string) (hosted.Page, error)
	// InMemory keeps the store in memory, for simulations.
	InMemory bool
	// Space tells the free and total bytes of the disk, for simulations; nil
	// asks the operating system.
	Space func() (free, total uint64, err error)
	// Clock tells the time; nil is time.Now.
	Clock func() time.Time
	// Logger gets structured logs; nil discards them.
	Logger *slog.Logger
	// MinFree is the free space in bytes below which the node is read-only;
	// zero is the store's default.
	MinFree uint64
}

// Node is a running peer, or one that could run. Its methods are safe for
// concurrent use unless they say otherwise.
type Node struct {
	config Config
	log    *slog.Logger
	now    func() time.Time
	store  *store.Store
	keys   atomic.Pointer[keyring.Keyring] // nil before Setup
	places func() (*territory.Gazetteer, error)
	web    func(ctx context.Context, address string) (hosted.Page, error)
	pace   pace

	// Private rows of the store, each with its own schema in the file that
	// uses it.
	peers, blocked, invited, follows, self, offers, tokens, aside, hollow, keptSets, invitations, imports, originals, mirrors, pictures store.Bucket

	// The network; nil on a node that works on its folder alone.
	host   host.Host
	gater  *conngater.BasicConnectionGater
	gossip atomic.Pointer[gossiper] // nil outside Run

	arrived chan arrival  // gossip → write
	wants   chan wish     // admit → fetch
	came    chan peer.ID  // connections → fetch
	redial  chan struct{} // capacity 1
	classes classIndex
	fresh   freshRecords
	trust   *trustFollower
	sets    sets
	sync    *synchroniser
	cache   peerCache
	company *company
	invites inviter
	origins *lru.Cache[peer.ID, origin] // of peers that were found
	seen    fromOutside
	relay   relayService
	online  chan struct{} // closed when the network is at work
	meet    chan struct{} // capacity 1; connections → rendezvous
	meeting atomic.Int64  // nodes of the DHT that are known
	// hollowRows is the number of the last row of hollow.
	hollowRows atomic.Uint64
	classSets  classSets
	bounds     bounds
	// scopesDue says that there are classes which may be in the scope of a mirror.
	scopesDue atomic.Bool

	// acting is held by whoever sets up, awards or claims, so that no key, name
	// or badge is made twice. It is held over the disk, and taken before mu.
	acting sync.Mutex
	// drawing is held by whoever decodes a picture, which takes up to 60 MB, and
	// while its rows are written. It is held over the disk.
	drawing sync.Mutex

	mu      sync.Mutex // guards what follows; never held over I/O
	held    map[[32]byte]heldRecord
	faults  map[peer.ID]fault
	cut     map[peer.ID]time.Time // cut off until
	known   map[peer.ID]bool      // static peers
	shunned map[peer.ID]bool      // blocked by the admin
	dialing map[peer.ID]bool      // connections being made
	scores  map[peer.ID]float64
	running *running // nil outside Run
	ran     bool
}

// pace is how often what is periodic happens. Tests are quicker.
type pace struct {
	fetch   time.Duration // look whether it is time to ask again
	retry   time.Duration // first wait before asking again; it doubles up to retryMax
	release time.Duration // try held records, forgive peers
	inspect time.Duration // read the scores
	stall   time.Duration // silence that ends an ask
	rest    time.Duration // a peer that failed is not asked, or not tried
	lan     time.Duration // look whether addresses have changed
	company time.Duration // see whether there are enough neighbours
	soon    time.Duration // the same, after somebody came
	answer  time.Duration // one peer is told of others at most so often
	doubt   time.Duration // not reached from outside before it is believed
	direct  time.Duration // first wait before a relayed peer is dialled directly; it doubles up to redialMax
	meet    time.Duration // after a connection, before the DHT is used
}

var usualPace = pace{
	fetch: 10 * time.Second, retry: time.Minute, release: time.Minute,
	inspect: 10 * time.Second, stall: 10 * time.Second, rest: time.Minute,
	lan: 5 * time.Second, company: 10 * time.Second, soon: time.Second, answer: exchangeLimits.AnswerEvery,
	doubt: 10 * time.Minute, direct: time.Minute, meet: 5 * time.Second,
}

// running is what belongs to one Run.
type running struct {
	ctx   context.Context
	group *errgroup.Group
}

// New opens the folder and, when config says so, the network. It starts
// nothing: Run does. After Run, or instead of it, the caller calls Close.
func New(config Config) (*Node, error) {
	n := &Node{
		config: config, log: config.Logger, now: config.Clock, places: territory.Embedded, pace: usualPace,
		arrived: make(chan arrival, maxBatch), wants: make(chan wish, wantQueue),
		came: make(chan peer.ID, 64), redial: make(chan struct{}, 1),
		online: make(chan struct{}), meet: make(chan struct{}, 1), fresh: newFreshRecords(),
		held: map[[32]byte]heldRecord{}, faults: map[peer.ID]fault{}, cut: map[peer.ID]time.Time{},
		known: map[peer.ID]bool{}, shunned: map[peer.ID]bool{}, dialing: map[peer.ID]bool{},
	}
	if n.log == nil {
		n.log = slog.New(slog.DiscardHandler)
	}
	if n.now == nil {
		n.now = time.Now
	}
	if n.web = config.Web; n.web == nil || config.Offline {
		n.web = hosted.New(hosted.Config{Offline: config.Offline}).Get
	}
	var err error
	if n.sync, err = newSynchroniser(); err != nil {
		return nil, err
	}
	if n.company, err = newCompany(); err != nil {
		return nil, err
	}
	if n.origins, err = lru.New[peer.ID, origin](maxOrigins); err != nil {
		return nil, err
	}
	if n.invites.wrong, err = lru.New[peer.ID, fault](inviteLimits.Guessers); err != nil {
		return nil, err
	}
	n.store, err = store.Open(store.Config{
		Dir: filepath.Join(config.Dir, "store"), InMemory: config.InMemory, Logger: n.log.With("part", "store"),
		MinFree: config.MinFree, Space: config.Space, Now: n.now,
	})
	if err != nil {
		return nil, err
	}
	if err := n.open(); err != nil {
		return nil, errors.Join(err, n.Close())
	}
	return n, nil
}

func (n *Node) open() error {
	for name, bucket := range map[string]*store.Bucket{
		bucketPeers: &n.peers, bucketBlocked: &n.blocked, bucketFollows: &n.follows, bucketSelf: &n.self,
		bucketOffers: &n.offers, bucketTokens: &n.tokens, bucketHeld: &n.aside,
		bucketHollow: &n.hollow, bucketSets: &n.keptSets, bucketInvited: &n.invited, bucketInvitations: &n.invitations,
		bucketCache:   &n.cache.rows,
		bucketImports: &n.imports, bucketOriginals: &n.originals, bucketMirrors: &n.mirrors, bucketPictures: &n.pictures,
	} {
		*bucket = n.store.Private(name)
	}
	n.trust = newTrustFollower(n)
	n.recallHeld()
	if err := n.cache.recall(n.now()); err != nil {
		return err
	}
	if err := n.keepMirrors(); err != nil {
		return err
	}
	keys, err := keyring.Open(filepath.Join(n.config.Dir, "keys"))
	switch {
	case err == nil:
		n.keys.Store(keys)
	case !errors.Is(err, keyring.ErrNone):
		return err
	}
	if n.config.Host == nil && !n.config.Network {
		return nil
	}
	if n.gater, err = conngater.NewBasicConnectionGater(nil); err != nil {
		return err
	}
	for key := range n.blocked.Each() {
		n.shunned[peer.ID(key)] = true
		if err := n.gater.BlockPeer(peer.ID(key)); err != nil {
			return fmt.Errorf("blocked peers: %w", err)
		}
	}
	for key := range n.peers.Each() {
		n.known[peer.ID(key)] = true
	}
	n.host = n.config.Host
	if n.host == nil {
		key, err := peerKey(filepath.Join(n.config.Dir, "peer.key"))
		if err != nil {
			return err
		}
		if n.host, err = n.newHost(key); err != nil {
			return err
		}
	}
	for id := range n.known {
		n.host.ConnManager().Protect(id, "static")
	}
	return nil
}

// Run puts the node to work until ctx ends, then ends everything it started and
// returns nil, or the first error that stopped it. It is called once at most.
//
// Goroutines of libp2p and of its pubsub, which cannot be waited for, end when
// ctx does or with Close.
func (n *Node) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	n.mu.Lock()
	if n.ran {
		n.mu.Unlock()
		return errors.New("node: Run was called before")
	}
	n.ran, n.running = true, &running{ctx, group}
	n.mu.Unlock()
	group.Go(func() error {
		<-ctx.Done()
		n.mu.Lock()
		n.running = nil // from here on spawn adds nothing to a group about to end
		n.mu.Unlock()
		n.gossip.Store(nil)
		return nil
	})
	if !n.store.CleanStart() {
		n.log.Warn("the last stop was not clean; the store checked itself")
	}
	group.Go(func() error { return n.store.Run(ctx) })
	group.Go(func() error { return n.write(ctx) })
	group.Go(func() error { return n.release(ctx) })
	group.Go(func() error { return n.trust.run(ctx) })
	group.Go(func() error { return n.keepHeard(ctx) })
	if n.host != nil {
		if err := n.runNetwork(ctx, group); err != nil {
			group.Go(func() error { return err }) // ends the others
		}
	}
	n.log.Info("node started", "peer", n.PeerID(), "addrs", n.Addrs())
	err := group.Wait()
	n.log.Info("node stopped")
	return err
}

// spawn runs f beside the rest of Run, which waits for it. Outside Run it does
// nothing and returns false.
func (n *Node) spawn(f func(ctx context.Context)) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.running == nil {
		return false
	}
	ctx := n.running.ctx
	n.running.group.Go(func() error { f(ctx); return nil })
	return true
}

func (n *Node) runNetwork(ctx context.Context, group *errgroup.Group) error {
	gossip, err := newGossiper(ctx, n, n.host)
	if err != nil {
		return err
	}
	n.gossip.Store(gossip)
	notifiee := n.watch()
	n.host.Network().Notify(notifiee)
	n.host.SetStreamHandler(RecordProtocol, func(s network.Stream) {
		if !n.spawn(func(ctx context.Context) { n.serveRecords(ctx, s) }) {
			_ = s.Reset()
		}
	})
	n.host.SetStreamHandler(SyncProtocol, func(s network.Stream) {
		if !n.spawn(func(ctx context.Context) { n.serveSync(ctx, s) }) {
			_ = s.Reset()
		}
	})
	n.host.SetStreamHandler(InviteProtocol, func(s network.Stream) {
		if !n.spawn(func(ctx context.Context) { n.serveInvite(ctx, s) }) {
			_ = s.Reset()
		}
	})
	if n.config.Seek {
		n.host.SetStreamHandler(PeersProtocol, func(s network.Stream) {
			if !n.spawn(func(ctx context.Context) { n.servePeers(ctx, s) }) {
				_ = s.Reset()
			}
		})
	}
	group.Go(func() error {
		<-ctx.Done()
		n.host.RemoveStreamHandler(InviteProtocol)
		n.host.RemoveStreamHandler(PeersProtocol)
		n.host.RemoveStreamHandler(SyncProtocol)
		n.host.RemoveStreamHandler(RecordProtocol)
		n.host.Network().StopNotify(notifiee)
		return nil
	})
	if n.config.Seek {
		group.Go(func() error { return n.keepCompany(ctx) })
	}
	group.Go(func() error { return n.fetch(ctx) })
	group.Go(func() error { return n.synchronise(ctx) })
	group.Go(func() error { return n.dial(ctx) })
	// What is followed from now on goes through Follow, what was before here;
	// following twice is following once.
	for _, id := range n.Followed() {
		if err := gossip.follow(id); err != nil {
			return err
		}
	}
	if n.config.MDNS {
		group.Go(func() error { return n.discover(ctx) })
	}
	if n.config.Reach.Outside {
		group.Go(func() error { return n.followReachability(ctx) })
	}
	if n.config.Reach.Rendezvous {
		group.Go(func() error { return n.rendezvous(ctx) })
	}
	close(n.online)
	return nil
}

// Close ends the network and closes the store; what was accepted is on disk.
// Run must have returned.
func (n *Node) Close() error {
	var err error
	if n.host != nil {
		err = n.host.Close()
	}
	if keys := n.keys.Load(); keys != nil {
		keys.Lock()
	}
	if n.trust != nil {
		err = errors.Join(err, n.trust.close())
	}
	if err := n.saveSets(); err != nil {
		n.log.Warn("no snapshot of the sets: the next start reads the store", "err", err)
	}
	return errors.Join(err, n.store.Close())
}

// PeerID returns the id of this node as a peer, or "" without a network.
func (n *Node) PeerID() peer.ID {
	if n.host == nil {
		return ""
	}
	return n.host.ID()
}

// Gazetteer returns the tables of territories and places.
func (n *Node) Gazetteer() (*territory.Gazetteer, error) { return n.places() }
