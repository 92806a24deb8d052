package node

import (
	"context"
	"os"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/trust"
)

// What tests and fuzz targets of this package reach.
var (
	GossipProtocols = gossipProtocols
	MessageID       = messageID
	ReadAsk         = readAsk
	WriteAsk        = writeAsk
	ReadAnswer      = readAnswer
	ReadOffer       = readOffer
	HashCode        = hashCode
	NewCode         = newCode
	ParsePeer       = parsePeer
	Gossip          = &gossip
	Score           = &score
	ErrNotHad       = errNotHad
)

// Bounds that tests fill or compare with spec/gossip.md.
const (
	MaxAsked      = maxAsked
	MaxHeld       = maxHeld
	MaxHeldFrom   = maxHeldFrom
	MaxWanted     = maxWanted
	MaxWantedFrom = maxWantedFrom
	MaxAsking     = maxAsking
	FetchPeers    = fetchPeers
	AskTimeout    = askTimeout
	MaxAhead      = maxAhead
	MaxFollowed   = maxFollowed
)

// Pace is what of the usual pace stands in spec/gossip.md.
type Pace struct{ Stall, Retry, Rest time.Duration }

// UsualPace is what tests do not wait for.
func UsualPace() Pace { return Pace{usualPace.stall, usualPace.retry, usualPace.rest} }

// Quicken makes all that is periodic quick, before Run.
func (n *Node) Quicken() {
	n.pace = pace{
		fetch: 50 * time.Millisecond, retry: 100 * time.Millisecond, release: 50 * time.Millisecond,
		inspect: 100 * time.Millisecond, stall: 300 * time.Millisecond, rest: 300 * time.Millisecond,
	}
}

// Faults returns the weight of what a peer did wrong.
func (n *Node) Faults(id peer.ID) float64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.faults[id].now(time.Now())
}

// OwnScore is what pubsub is told of a peer.
func (n *Node) OwnScore(id peer.ID) float64 { return n.appScore(id) }

// EndCuts lets peers come again as the clock says.
func (n *Node) EndCuts(now time.Time) { n.endCuts(now) }

// ReleaseDue tries held records again.
func (n *Node) ReleaseDue(ctx context.Context) { n.releaseDue(ctx) }

// Match compares a query with every class, as Who does.
func (n *Node) Match(words []string) (int, error) {
	found, err := n.classes.match(n, words)
	return len(found), err
}

// Following reports how many topics are read.
func (n *Node) Following() int {
	g := n.gossip.Load()
	if g == nil {
		return 0
	}
	g.changing.Lock()
	defer g.changing.Unlock()
	return len(g.subs)
}

// Meshed reports whether a peer passes on to this node what it hears of a
// territory, and this node to it.
func (n *Node) Meshed(id peer.ID, topic string) bool {
	g := n.gossip.Load()
	if g == nil {
		return false
	}
	g.mesh.mu.Lock()
	defer g.mesh.mu.Unlock()
	_, in := g.mesh.peers[relayPeer{id, topic}]
	return in
}

// AccessReasons are all there are.
var AccessReasons = append([]AccessReason{AccessNoRule, AccessCompromised, AccessOtherClass}, accessOrder...)

// WriteFacts makes the file of facts of a folder, as if all of them had been read
// in what came up to one arrival.
func WriteFacts(dir string, seq uint32, digest [32]byte, facts []trust.Fact) error {
	out := []byte(factHeader)
	for page := range slices.Chunk(facts, trustPage) {
		var raw []byte
		for _, f := range page {
			raw = appendFact(raw, f)
		}
		out = appendFactFrame(out, seq, digest, raw)
	}
	return os.WriteFile(factPath(Config{Dir: dir}), out, 0o600)
}
