package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// gossiper speaks and listens on the topics of territories. It knows nothing of
// storing: what passed validation goes to arrived.
type gossiper struct {
	node   *Node
	ctx    context.Context // of Run
	pubsub *pubsub.PubSub
	self   peer.ID
	count  gossipCounters
	mesh   meshes

	// relayed remembers on which topics a record was accepted lately. With
	// freshRecords it lets a record of several territories pass once on each.
	relayed *lru.Cache[relayKey, struct{}]

	// changing is held by who joins, follows or unfollows, over calls to the
	// pubsub loop, which waits for nothing.
	changing sync.Mutex
	topics   map[territory.ID]*pubsub.Topic
	subs     map[territory.ID]*subscription
	hushed   map[territory.ID]struct{}  // followed, and not listened to for now
	hushedAt map[territory.ID]time.Time // the last time
}

type subscription struct {
	*pubsub.Subscription
	cancel context.CancelFunc
}

type relayKey struct {
	digest [sha256.Size]byte
	topic  string
}

// Sizes of the two memories, in entries of some 60 bytes. A record has three
// topics at most, so relayed forgets it after freshRecords has: what is
// forgotten is never relayed a second time.
const (
	freshSize   = 2048
	relayedSize = 4 * freshSize
)

// freshRecords remembers which records were new here lately, whatever way they
// came.
type freshRecords struct {
	cache *lru.Cache[[sha256.Size]byte, struct{}]
}

func newFreshRecords() freshRecords {
	cache, err := lru.New[[sha256.Size]byte, struct{}](freshSize)
	if err != nil {
		panic(err) // only for a size below one
	}
	return freshRecords{cache}
}

// add notes a record that is new, once: asking does not make it newer.
func (f freshRecords) add(digest [sha256.Size]byte) { f.cache.ContainsOrAdd(digest, struct{}{}) }

func (f freshRecords) has(digest [sha256.Size]byte) bool { return f.cache.Contains(digest) }

// gossipCounters are what `essaim status` shows of gossip, since start.
type gossipCounters struct {
	received, rejected, ignored, duplicates, sent, dropped atomic.Uint64
}

func newGossiper(ctx context.Context, n *Node, h host.Host) (*gossiper, error) {
	g := &gossiper{
		node: n, ctx: ctx, self: h.ID(), mesh: meshes{peers: map[relayPeer]struct{}{}},
		topics: map[territory.ID]*pubsub.Topic{}, subs: map[territory.ID]*subscription{}, hushed: map[territory.ID]struct{}{}, hushedAt: map[territory.ID]time.Time{},
	}
	var err error
	if g.relayed, err = lru.New[relayKey, struct{}](relayedSize); err != nil {
		return nil, err
	}
	params, thresholds := peerScore(n.appScore)
	g.pubsub, err = pubsub.NewGossipSub(ctx, h,
		gossipProtocols(),
		pubsub.WithGossipSubParams(gossipSubParams()),
		pubsub.WithFloodPublish(true),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign),
		pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(messageID),
		pubsub.WithMaxMessageSize(gossip.Message),
		pubsub.WithSeenMessagesTTL(gossip.SeenTTL),
		pubsub.WithValidateQueueSize(gossip.ValidateQueue),
		pubsub.WithPeerOutboundQueueSize(gossip.OutboundQueue),
		pubsub.WithPeerScore(params, thresholds),
		pubsub.WithPeerScoreInspect(n.inspectScores, n.pace.inspect),
		pubsub.WithSubscriptionFilter(ourTopics{}),
		pubsub.WithRawTracer(&tracer{node: n, count: &g.count, mesh: &g.mesh}),
		pubsub.WithLogger(n.log.With("part", "pubsub")),
	)
	if err != nil {
		return nil, fmt.Errorf("gossip: %w", err)
	}
	return g, nil
}

// messageID is the sha2-256 of the bytes and the topic: the CID's digest alone
// would make a record of two territories a duplicate on its second topic
// (decision 0006).
func messageID(m *pb.Message) string {
	h := sha256.Sum256(m.GetData())
	return string(h[:]) + m.GetTopic()
}

// follow joins the topic of id and reads from it until Run ends or unfollow.
// Following twice is following once. While id is hushed it waits for listen.
func (g *gossiper) follow(id territory.ID) error {
	g.changing.Lock()
	defer g.changing.Unlock()
	if _, hushed := g.hushed[id]; hushed || g.subs[id] != nil {
		return nil
	}
	return g.subscribe(id)
}

// subscribe is called with changing held.
func (g *gossiper) subscribe(id territory.ID) error {
	topic, err := g.join(id)
	if err != nil {
		return err
	}
	sub, err := topic.Subscribe(pubsub.WithBufferSize(gossip.SubscriptionBuffer))
	if err != nil {
		return fmt.Errorf("follow %s: %w", id, err)
	}
	ctx, cancel := context.WithCancel(g.ctx)
	s := &subscription{sub, cancel}
	if !g.node.spawn(func(context.Context) { g.read(ctx, s) }) {
		cancel()
		sub.Cancel()
		return nil // Run is ending
	}
	g.subs[id] = s
	return nil
}

// read hands on what comes until ctx ends.
func (g *gossiper) read(ctx context.Context, s *subscription) {
	defer s.cancel()
	defer s.Cancel()
	for {
		m, err := s.Next(ctx)
		if err != nil {
			return // ctx ended, or unfollowed
		}
		r, ok := m.ValidatorData.(protocol.Record)
		if m.ReceivedFrom == g.self || !ok {
			continue
		}
		g.count.received.Add(1)
		select {
		case g.node.arrived <- arrival{record: r, from: Source{Via: Gossiped, Peer: m.ReceivedFrom}}:
		case <-ctx.Done():
			return
		}
	}
}

// unfollow stops reading the topic of id. It stays joined, to publish on.
func (g *gossiper) unfollow(id territory.ID) {
	g.changing.Lock()
	defer g.changing.Unlock()
	delete(g.hushed, id)
	delete(g.hushedAt, id)
	g.unsubscribe(id)
}

// unsubscribe is called with changing held.
func (g *gossiper) unsubscribe(id territory.ID) {
	if s := g.subs[id]; s != nil {
		delete(g.subs, id)
		s.cancel()
	}
}

// hush stops reading the topic of a territory of which much is being brought,
// until listen: what is said meanwhile would come one by one, and again in the
// end. That is done once in synchro.Whole: who announces much and brings little
// keeps nobody from listening for long (see overdue). What is not followed stays
// so. It reports whether it did anything.
func (g *gossiper) hush(id territory.ID) (hushed bool) {
	g.changing.Lock()
	defer g.changing.Unlock()
	if last, ok := g.hushedAt[id]; g.subs[id] == nil || ok && time.Since(last) < synchro.Whole {
		return false
	}
	g.hushed[id], g.hushedAt[id] = struct{}{}, time.Now()
	g.unsubscribe(id)
	return true
}

// overdue reports whether a territory has been hushed for as long as it may.
func (g *gossiper) overdue(id territory.ID) bool {
	g.changing.Lock()
	defer g.changing.Unlock()
	_, hushed := g.hushed[id]
	return hushed && time.Since(g.hushedAt[id]) >= synchro.Turn
}

// listen ends hush. It reports whether it was hushed.
func (g *gossiper) listen(id territory.ID) (hushed bool, err error) {
	g.changing.Lock()
	defer g.changing.Unlock()
	if _, hushed = g.hushed[id]; !hushed {
		return false, nil
	}
	delete(g.hushed, id)
	return true, g.subscribe(id)
}

// join returns the topic of id, with its validator, without subscribing: what
// is published there goes to all peers that do. The caller holds changing.
func (g *gossiper) join(id territory.ID) (*pubsub.Topic, error) {
	if topic := g.topics[id]; topic != nil {
		return topic, nil
	}
	name := protocol.Topic(id)
	topic, err := g.pubsub.Join(name)
	if err != nil {
		return nil, fmt.Errorf("topic %s: %w", name, err)
	}
	err = topic.SetScoreParams(topicScore())
	if err == nil {
		err = g.pubsub.RegisterTopicValidator(name, g.validator(id, name), pubsub.WithValidatorInline(true))
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("topic %s: %w", name, err), topic.Close())
	}
	g.topics[id] = topic
	return topic, nil
}

// publish says r on the topics of all its territories, followed or not.
func (g *gossiper) publish(ctx context.Context, r protocol.Record) error {
	var failed error
	for _, id := range r.Territories() {
		g.changing.Lock()
		topic, err := g.join(id)
		g.changing.Unlock()
		if err == nil {
			g.relayed.Add(relayKey{r.Digest(), topic.String()}, struct{}{})
			err = topic.Publish(ctx, r.Bytes(), pubsub.WithValidatorData(r))
		}
		if err != nil {
			failed = errors.Join(failed, fmt.Errorf("publish %s on %s: %w", r.CID(), id, err))
		}
	}
	return failed
}

// validator judges what comes on one topic before it is relayed. It only
// checks: nothing is stored here (spec/gossip.md §4). It maps a refusal to
// Reject when the sender is to blame and to Ignore when not; what is stored
// already, unless it is new and came only on another topic, is ignored, or old
// records would be flooded again for ever.
func (g *gossiper) validator(id territory.ID, topic string) pubsub.ValidatorEx {
	return func(_ context.Context, from peer.ID, m *pubsub.Message) (verdict pubsub.ValidationResult) {
		if from == g.self {
			return pubsub.ValidationAccept // it passed Accept here
		}
		defer func() {
			if p := recover(); p != nil {
				// Our mistake, not the sender's.
				g.node.log.Error("validator panicked", "peer", from, "err", p)
				verdict = pubsub.ValidationIgnore
			}
		}()
		digest := sha256.Sum256(m.GetData())
		key := relayKey{digest, topic}
		switch g.node.store.Has(digest) {
		case store.Stub:
			return pubsub.ValidationIgnore
		case store.Present:
			if g.relayed.Contains(key) || !g.node.fresh.has(digest) {
				return pubsub.ValidationIgnore
			}
		}
		r, err := protocol.Verify(m.GetData(), g.node.now())
		if err == nil {
			err = protocol.VerifyTopic(r, id)
		}
		if err != nil {
			return g.refuse(err, m.GetData(), Source{Via: Gossiped, Peer: from})
		}
		if g.node.store.ReadOnly() {
			// What cannot be kept is not relayed either: it would come back
			// as new, and be flooded again, for as long as the disk is full.
			g.node.remember(digest, from)
			g.node.sync.miss(from) // once there is room
			return pubsub.ValidationIgnore
		}
		g.relayed.Add(key, struct{}{})
		g.node.fresh.add(digest)
		m.ValidatorData = r
		return pubsub.ValidationAccept
	}
}

// refuse maps a refusal to a verdict. The tracer notes the misdeed.
func (g *gossiper) refuse(err error, raw []byte, from Source) pubsub.ValidationResult {
	var refusal *protocol.Refusal
	if !errors.As(err, &refusal) || !refusal.Blame() {
		g.node.hold(raw, from)
		return pubsub.ValidationIgnore
	}
	g.node.log.Warn("record refused", "peer", from.Peer, "reason", refusal.Reason, "via", from.Via)
	return pubsub.ValidationReject
}

// peersOf returns the connected peers that follow id, in no order.
func (g *gossiper) peersOf(id territory.ID) []peer.ID {
	return g.pubsub.ListPeers(protocol.Topic(id))
}

// ourTopics lets subscriptions to topics of territories through and drops
// others, a bounded number from each peer.
type ourTopics struct{}

func (ourTopics) CanSubscribe(topic string) bool {
	_, err := protocol.ParseTopic(topic)
	return err == nil
}

func (f ourTopics) FilterIncomingSubscriptions(from peer.ID, subs []*pb.RPC_SubOpts) ([]*pb.RPC_SubOpts, error) {
	if len(subs) > gossip.Topics {
		return nil, pubsub.ErrTooManySubscriptions
	}
	return pubsub.FilterSubscriptions(subs, f.CanSubscribe), nil
}

// tracer counts what gossip does, and notes whose messages were invalid.
type tracer struct {
	node  *Node
	count *gossipCounters
	mesh  *meshes
}

// meshes are the peers that pass on all they hear to this node, and it to them,
// by topic.
type meshes struct {
	mu    sync.Mutex // guards peers
	peers map[relayPeer]struct{}
}

type relayPeer struct {
	id    peer.ID
	topic string
}

func (m *meshes) set(id peer.ID, topic string, in bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if in {
		m.peers[relayPeer{id, topic}] = struct{}{}
	} else {
		delete(m.peers, relayPeer{id, topic})
	}
}

// leave is for a peer that is gone, of which pubsub says nothing more.
func (m *meshes) leave(gone func(relayPeer) bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p := range m.peers {
		if gone(p) {
			delete(m.peers, p)
		}
	}
}

func (m *meshes) size() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.peers)
}

func (t *tracer) RejectMessage(m *pubsub.Message, reason string) {
	switch reason {
	case pubsub.RejectValidationIgnored:
		t.count.ignored.Add(1)
	case pubsub.RejectValidationQueueFull, pubsub.RejectValidationThrottled:
		t.count.dropped.Add(1)
		t.node.sync.miss("")
	case pubsub.RejectBlacklstedPeer, pubsub.RejectBlacklistedSource:
		t.count.rejected.Add(1)
	default:
		t.count.rejected.Add(1)
		t.node.misdeed(m.ReceivedFrom)
	}
}

func (t *tracer) DropRPC(rpc *pubsub.RPC, to peer.ID) {
	if lost := len(rpc.GetPublish()); lost > 0 {
		t.count.dropped.Add(uint64(lost))
		t.node.sync.miss(to)
	}
}

func (t *tracer) SendRPC(rpc *pubsub.RPC, _ peer.ID) {
	t.count.sent.Add(uint64(len(rpc.GetPublish())))
}

func (t *tracer) UndeliverableMessage(*pubsub.Message) {
	t.count.dropped.Add(1)
	t.node.sync.miss("")
}
func (t *tracer) DuplicateMessage(*pubsub.Message)               { t.count.duplicates.Add(1) }
func (t *tracer) OnNewOutboundStream(peer.ID, libp2pprotocol.ID) {}
func (t *tracer) Graft(id peer.ID, topic string)                 { t.mesh.set(id, topic, true) }
func (t *tracer) Prune(id peer.ID, topic string)                 { t.mesh.set(id, topic, false) }
func (t *tracer) OnClosedOutboundStream(id peer.ID) {
	t.mesh.leave(func(p relayPeer) bool { return p.id == id })
}

func (t *tracer) Leave(topic string) {
	t.mesh.leave(func(p relayPeer) bool { return p.topic == topic })
}
func (t *tracer) Join(string)                     {}
func (t *tracer) ValidateMessage(*pubsub.Message) {}
func (t *tracer) DeliverMessage(*pubsub.Message)  {}
func (t *tracer) ThrottlePeer(peer.ID)            {}
func (t *tracer) RecvRPC(*pubsub.RPC)             {}
