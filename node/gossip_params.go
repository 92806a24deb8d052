package node

import (
	"strings"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"codeberg.org/essaim/essaim/protocol"
)

// Gossip is every number of the gossip layer, mirrored in spec/gossip.md §3.
// They are for territories of 3 to 500 boxes behind home lines of 1 Mbit/s up,
// with less than one record a second. "Studied" refers to a simulation of 100
// such nodes in the preparatory study; simulations/ measures them anew.
var gossip = struct {
	// D is the wanted number of mesh peers per topic. Studied: 4 costs a
	// quarter fewer bytes than 6 for 5 % more latency.
	D, Dlo, Dhi, Dscore, Dout, Dlazy int
	// Heartbeat is how often the mesh is mended. 1 s: meshes form on it.
	Heartbeat time.Duration
	// HistoryLength and HistoryGossip are heartbeats a message can be asked
	// for, and is advertised.
	HistoryLength, HistoryGossip int
	// SeenTTL is how long a message id is remembered. Longer than any path
	// through the mesh; older duplicates are known by the store.
	SeenTTL time.Duration
	// IDontWant is the size in bytes from which a node tells its mesh that
	// it has a message. Below, telling costs more than a duplicate.
	IDontWant int
	// Message bounds one message and one RPC: a record and its envelope.
	Message int
	// ValidateQueue, OutboundQueue and SubscriptionBuffer are messages. With
	// the defaults of 32 a starved box lost a fifth of 50 messages a second.
	ValidateQueue, OutboundQueue, SubscriptionBuffer int
	// Topics bounds the subscriptions told by one peer in one RPC.
	Topics int
}{
	D: 4, Dlo: 3, Dhi: 8, Dscore: 2, Dout: 1, Dlazy: 4,
	Heartbeat:     time.Second,
	HistoryLength: 12, HistoryGossip: 6,
	SeenTTL:       10 * time.Minute,
	IDontWant:     4096,
	Message:       protocol.MaxBytes + 4<<10,
	ValidateQueue: 1024, OutboundQueue: 256, SubscriptionBuffer: 1024,
	Topics: 256,
}

// score is every number of peer scoring (spec/gossip.md §5). Only proven faults
// lower a score: invalid messages and answers, misbehaviour in the gossip
// protocol, and this node's own lists. Quiet peers and shared addresses do not:
// a territory is small, and a village may sit behind one address.
//
// Faults are counted here and not by pubsub, which counts by topic and forgets
// nothing on demand: so a fault is a fault on any topic and outside of gossip,
// and unblocking a peer forgives it.
var score = struct {
	// Fault weighs the square of faults, which decay by Decay every
	// DecayInterval: after two the peer gets no gossip, after three no
	// messages, after four it is not heard and cut off for CutOff, in which
	// they decay to two.
	Fault         float64
	Decay         float64
	DecayInterval time.Duration
	CutOff        time.Duration
	// Behaviour weighs the square of protocol faults beyond a threshold.
	Behaviour, BehaviourThreshold float64
	// Known and Blocked are what this node's own lists give.
	Known, Blocked float64
	// Below these scores a peer gets no gossip, no own messages, no hearing.
	NoGossip, NoPublish, Graylist float64
	// Peers is of how many peers faults and cuts are remembered.
	Peers int
}{
	Fault: -100, Decay: 0.9, DecayInterval: 10 * time.Minute, CutOff: time.Hour,
	Behaviour: -1, BehaviourThreshold: 6,
	Known: 100, Blocked: -10_000,
	NoGossip: -100, NoPublish: -500, Graylist: -1000,
	Peers: 4096,
}

func gossipSubParams() pubsub.GossipSubParams {
	p := pubsub.DefaultGossipSubParams()
	p.D, p.Dlo, p.Dhi, p.Dscore, p.Dout, p.Dlazy = gossip.D, gossip.Dlo, gossip.Dhi, gossip.Dscore, gossip.Dout, gossip.Dlazy
	p.HeartbeatInterval = gossip.Heartbeat
	p.HistoryLength, p.HistoryGossip = gossip.HistoryLength, gossip.HistoryGossip
	p.IDontWantMessageThreshold = gossip.IDontWant
	p.DirectConnectTicks = 60
	return p
}

func peerScore(app func(peer.ID) float64) (*pubsub.PeerScoreParams, *pubsub.PeerScoreThresholds) {
	params := &pubsub.PeerScoreParams{
		AppSpecificScore:            app,
		AppSpecificWeight:           1,
		DecayInterval:               time.Minute,
		DecayToZero:                 0.01,
		RetainScore:                 time.Hour,
		BehaviourPenaltyWeight:      score.Behaviour,
		BehaviourPenaltyThreshold:   score.BehaviourThreshold,
		BehaviourPenaltyDecay:       pubsub.ScoreParameterDecayWithBase(score.DecayInterval, time.Minute, score.Decay),
		IPColocationFactorThreshold: 1,
		Topics:                      map[string]*pubsub.TopicScoreParams{},
	}
	thresholds := &pubsub.PeerScoreThresholds{
		GossipThreshold:             score.NoGossip,
		PublishThreshold:            score.NoPublish,
		GraylistThreshold:           score.Graylist,
		AcceptPXThreshold:           1000, // no peer exchange through gossip
		OpportunisticGraftThreshold: 1,
	}
	return params, thresholds
}

// topicScore scores nothing by topic.
func topicScore() *pubsub.TopicScoreParams {
	return &pubsub.TopicScoreParams{
		SkipAtomicValidation: true,
		TopicWeight:          1,
		// Never zero: pubsub divides by it once a peer is in the mesh.
		TimeInMeshQuantum: time.Second,
	}
}

// gossipPrefix keeps the gossip of strangers out: their protocol ids differ.
const gossipPrefix = "/essaim"

func gossipProtocols() pubsub.Option {
	ids := []libp2pprotocol.ID{gossipPrefix + pubsub.GossipSubID_v13, gossipPrefix + pubsub.GossipSubID_v12}
	return pubsub.WithGossipSubProtocols(ids, func(f pubsub.GossipSubFeature, id libp2pprotocol.ID) bool {
		return pubsub.GossipSubDefaultFeatures(f, libp2pprotocol.ID(strings.TrimPrefix(string(id), gossipPrefix)))
	})
}
