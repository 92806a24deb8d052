package node

import (
	"context"
	"crypto/sha256"
	"net/netip"
	"os"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/ob2"
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
	Relaying        = &relaying
	Meetings        = &meetings
	Resources       = &resources
	OutwardAddrs    = outwardAddrs
	NewFollowings   = newFollowings
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

// Verdict is what is held of the reachability.
type Verdict struct{ v verdict }

// Is returns it.
func (v *Verdict) Is() Reachability { return v.v.is }

// Step tells it what the addresses say; "" lets time pass.
func (v *Verdict) Step(says Reachability, now time.Time, patience time.Duration) bool {
	if says == "" {
		return v.v.wait(now, patience)
	}
	return v.v.hear(says, now, patience)
}

// Size is how many followings a node of the DHT keeps.
func (f *followings) Size() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Pace is what of the usual pace stands in spec/gossip.md and spec/reach.md.
type Pace struct{ Stall, Retry, Rest, Doubt, Direct time.Duration }

// UsualPace is what tests do not wait for.
func UsualPace() Pace {
	return Pace{usualPace.stall, usualPace.retry, usualPace.rest, usualPace.doubt, usualPace.direct}
}

// Quicken makes all that is periodic quick, before Run.
func (n *Node) Quicken() {
	n.pace = pace{
		fetch: 50 * time.Millisecond, retry: 100 * time.Millisecond, release: 50 * time.Millisecond,
		inspect: 100 * time.Millisecond, stall: 300 * time.Millisecond, rest: 300 * time.Millisecond,
		lan: 50 * time.Millisecond, company: 50 * time.Millisecond, soon: 10 * time.Millisecond, answer: 50 * time.Millisecond,
		doubt: 200 * time.Millisecond, direct: 100 * time.Millisecond, meet: 20 * time.Millisecond,
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

// What tests reach of the peer cache, the exchange and invitations.
var (
	CacheLimits    = &cacheLimits
	ExchangeLimits = &exchangeLimits
	InviteLimits   = &inviteLimits
	NetworkOf      = networkOf
	WriteRecords   = writeRecords
	ReadRecords    = readRecords
	ErrJunk        = errJunk
	NewInviteCode  = newInviteCode
	ParseInvite    = parseInviteCode
	WriteLink      = writeLink
)

// Spans of addresses.
const (
	SpanNone    = int(spanNone)
	SpanMachine = int(spanMachine)
	SpanLAN     = int(spanLAN)
	SpanWorld   = int(spanWorld)
)

// SpanOf returns how far an address reaches.
func SpanOf(m multiaddr.Multiaddr) int { return int(spanOf(m)) }

// ReadPeerRecord returns of whom a record is, and its span.
func ReadPeerRecord(sealed []byte, least int) (peer.AddrInfo, int, error) {
	r, err := readPeerRecord(sealed, span(least))
	return r.info, int(r.span), err
}

// ReadInvitation returns what an invitation says.
func ReadInvitation(typed string) (code string, at netip.AddrPort, info peer.AddrInfo, err error) {
	v, err := readInvitation(typed)
	return v.code, v.at, v.info, err
}

// ReadSaid returns what one side of an invitation says of itself.
func ReadSaid(raw []byte) (name string, addrs []multiaddr.Multiaddr, err error) {
	s, addrs, err := readSaid(raw, spanLAN)
	return s.Name, addrs, err
}

// ProveJoin is what a joiner shows for a code.
func ProveJoin(clean string, act byte, nonces []byte, joiner, inviter peer.ID, said []byte) []byte {
	return proofOf(codeKey(clean), joinerSide, act, nonces, joiner, inviter, said)
}

// Remember notes in the cache that a peer was reached.
func (n *Node) Remember(id peer.ID, address string, how Origin, by peer.ID, now time.Time) error {
	return n.cache.note(id, address, how, by, now)
}

// Remembered returns the peers of the cache, best first.
func (n *Node) Remembered() []peer.ID { return n.cache.all() }

// RememberedAddrs returns the addresses of a peer of the cache.
func (n *Node) RememberedAddrs(id peer.ID) []string {
	a, _ := n.cache.get(id)
	return a.Addrs
}

// Tell is a neighbour that tells of another peer.
func (n *Node) Tell(of peer.AddrInfo, by peer.ID) {
	n.company.told(peerRecord{info: of, span: spanWorld}, by, func(peer.ID) bool { return false })
}

// ToldOf returns of how many peers somebody told, by who it was.
func (n *Node) ToldOf() map[peer.ID]int {
	out := map[peer.ID]int{}
	n.company.hearsays(func(h hearsay) bool { out[h.by]++; return false })
	return out
}

// LanAddrs returns where a host listens on networks.
var LanAddrs = lanAddrs

// Libp2p returns the host of a node.
func (n *Node) Libp2p() host.Host { return n.host }

// MayAsk reports whether a peer that asks for others is answered.
func (n *Node) MayAsk(id peer.ID, now time.Time) bool {
	return n.company.mayAsk(id, now, exchangeLimits.AnswerEvery)
}

// ClaimsOf is what a badge says of itself.
var ClaimsOf = claimsOf

// MapBadge is the class of a badge made elsewhere, as creator attests it.
func MapBadge(f *Foreign, creator did.DID) (badge.Achievement, []ob2.Loss, error) {
	return mapBadge(f, badge.ProfileRef{ID: creator, Type: []string{"Profile"}}, badge.Frame{Territory: []string{"iso:FR"}})
}

// PrivateRows counts the rows of a bucket.
func (n *Node) PrivateRows(bucket string) (count int) {
	for range n.store.Private(bucket).Each() {
		count++
	}
	return count
}

// FillImports keeps so many imports that say nothing.
func (n *Node) FillImports(count int) error {
	for i := range count {
		if err := n.putImport(sha256.Sum256([]byte{byte(i), byte(i >> 8)}), Import{}); err != nil {
			return err
		}
	}
	return nil
}
