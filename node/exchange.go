package node

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/record"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// PeersProtocol asks a peer for further ones of the same territory
// (spec/reach.md §4).
//
// The asker sends a byte n from 0 to 3 and n signed peer records of its own, each
// after its length as an unsigned varint, and closes its side. The answer is a
// byte n from 0 to 16 and n records of others.
const PeersProtocol = "/essaim/peers/1"

const peersService = "essaim.peers"

// exchangeLimits are the bounds of the exchange, mirrored in spec/reach.md §4.
var exchangeLimits = struct {
	// OwnRecords is how many records a question has, Records how many an answer
	// has, and RecordBytes how long one is.
	OwnRecords, Records, RecordBytes int
	// RecordAddrs is how many addresses a record has.
	RecordAddrs int
	// Enough is how many neighbours of each territory are enough: with less a
	// node asks, and dials peers of its cache and such it was told of.
	Enough int
	// AnswerEvery is how often one peer is answered, and Askers of how many
	// peers it is remembered when.
	AnswerEvery time.Duration
	Askers      int
	// AskMax ends the doubling of the wait between two questions to one peer,
	// and TryMax that between two tries to reach one.
	AskMax, TryMax time.Duration
	// Told is how many peers this node was told of it remembers, and Tries how
	// often one of them is tried before it is forgotten.
	Told, Tries int
	// Whole is how long an exchange lasts at most.
	Whole time.Duration
}{
	OwnRecords: 3, Records: 16, RecordBytes: 1024, RecordAddrs: 8,
	Enough:      4,
	AnswerEvery: 10 * time.Second, Askers: 1024,
	AskMax: time.Hour, TryMax: time.Hour,
	Told: 256, Tries: 3,
	Whole: 20 * time.Second,
}

// span is how far an address reaches. A record has addresses of one span, and is
// told over connections of that span or a narrower one: an address of a local
// network is of no use elsewhere, and nobody's business.
type span int

const (
	spanNone    span = iota // of no use to others
	spanMachine             // loopback
	spanLAN                 // a local network
	spanWorld               // the internet
)

// spanOf returns how far an address reaches. Names are of no span: what they
// stand for can change once they are believed.
func spanOf(m multiaddr.Multiaddr) span {
	if len(m) < 2 || !dialable(m) {
		return spanNone
	}
	switch {
	case manet.IsIPUnspecified(m):
		return spanNone
	case manet.IsIPLoopback(m):
		return spanMachine
	case manet.IsPrivateAddr(m):
		return spanLAN
	case manet.IsPublicAddr(m):
		return spanWorld
	}
	return spanNone
}

// dialable reports whether an address is an IP address with TCP or QUIC on a
// port, or a relay there.
func dialable(m multiaddr.Multiaddr) bool {
	if c := m[0].Protocol().Code; c != multiaddr.P_IP4 && c != multiaddr.P_IP6 {
		return false
	}
	if m[1].Value() == "0" {
		return false
	}
	rest := m[2:]
	switch m[1].Protocol().Code {
	case multiaddr.P_TCP:
	case multiaddr.P_UDP:
		if len(rest) == 0 || rest[0].Protocol().Code != multiaddr.P_QUIC_V1 {
			return false
		}
		rest = rest[1:]
	default:
		return false
	}
	relayed := len(rest) == 2 && rest[0].Protocol().Code == multiaddr.P_P2P && rest[1].Protocol().Code == multiaddr.P_CIRCUIT
	return len(rest) == 0 || relayed
}

// spanOfConn returns the widest span of what may be told over a connection: over
// one of this machine all, over one of a local network what is of it and of the
// internet, over others what is of the internet.
func spanOfConn(c network.Conn) span {
	if m := c.RemoteMultiaddr(); len(m) > 0 && !c.Stat().Limited {
		switch {
		case manet.IsIPLoopback(m):
			return spanMachine
		case manet.IsPrivateAddr(m):
			return spanLAN
		}
	}
	return spanWorld
}

// peerRecord is what a peer says of itself, as it signed it.
type peerRecord struct {
	sealed []byte // a libp2p envelope
	info   peer.AddrInfo
	span   span
	seq    uint64
}

// errJunk is an exchange no honest peer makes.
var errJunk = errors.New("no such records are exchanged")

// readPeerRecord decodes and verifies a record that came over a connection of
// which only narrower spans than least may not be told.
func readPeerRecord(sealed []byte, least span) (peerRecord, error) {
	envelope, inside, err := record.ConsumeEnvelope(sealed, peer.PeerRecordEnvelopeDomain)
	if err != nil {
		return peerRecord{}, fmt.Errorf("%w: %w", errJunk, err)
	}
	said, ok := inside.(*peer.PeerRecord)
	if !ok || !said.PeerID.MatchesPublicKey(envelope.PublicKey) {
		return peerRecord{}, fmt.Errorf("%w: signed by another key than its peer's", errJunk)
	}
	if len(said.Addrs) == 0 || len(said.Addrs) > exchangeLimits.RecordAddrs {
		return peerRecord{}, fmt.Errorf("%w: %d addresses", errJunk, len(said.Addrs))
	}
	r := peerRecord{sealed: sealed, info: peer.AddrInfo{ID: said.PeerID, Addrs: said.Addrs}, seq: said.Seq, span: spanOf(said.Addrs[0])}
	for _, a := range said.Addrs {
		if spanOf(a) != r.span {
			return peerRecord{}, fmt.Errorf("%w: addresses of several spans", errJunk)
		}
	}
	if r.span == spanNone || r.span < least {
		return peerRecord{}, fmt.Errorf("%w: address %s", errJunk, said.Addrs[0])
	}
	return r, nil
}

// ownRecords signs what this node says of itself over a connection: one record
// for each span.
func (n *Node) ownRecords(least span) ([][]byte, error) {
	key := n.host.Peerstore().PrivKey(n.host.ID())
	if key == nil {
		return nil, nil // a host of a simulation
	}
	var out [][]byte
	for s := least; s <= spanWorld; s++ {
		said := peer.PeerRecord{PeerID: n.host.ID(), Seq: peer.TimestampSeq(), Addrs: n.ownAddrs(s)}
		if len(said.Addrs) == 0 {
			continue
		}
		envelope, err := record.Seal(&said, key)
		if err != nil {
			return nil, fmt.Errorf("peer record: %w", err)
		}
		sealed, err := envelope.Marshal()
		if err != nil {
			return nil, fmt.Errorf("peer record: %w", err)
		}
		if len(sealed) <= exchangeLimits.RecordBytes {
			out = append(out, sealed)
		}
	}
	return out, nil
}

// ownAddrs returns where this node can be dialled within a span, of what it
// announces and of what the interfaces have now.
func (n *Node) ownAddrs(within span) []multiaddr.Multiaddr {
	all := n.host.Addrs()
	if within != spanWorld {
		now, err := manet.ResolveUnspecifiedAddresses(n.host.Network().ListenAddresses(), nil)
		if err == nil {
			all = now
		}
	}
	var out []multiaddr.Multiaddr
	for _, a := range all {
		if spanOf(a) == within && len(out) < exchangeLimits.RecordAddrs {
			out = append(out, a)
		}
	}
	return out
}

// writeRecords encodes records after their number.
func writeRecords(records [][]byte) []byte {
	out := []byte{byte(len(records))}
	for _, r := range records {
		out = binary.AppendUvarint(out, uint64(len(r)))
		out = append(out, r...)
	}
	return out
}

// readRecords decodes up to limit records, which it does not verify. It
// allocates one record's size at a time, whatever the length says.
func readRecords(r *bufio.Reader, limit int) ([][]byte, error) {
	count, err := r.ReadByte()
	if err != nil {
		return nil, err
	}
	if int(count) > limit {
		return nil, fmt.Errorf("%w: %d records, at most %d go", errJunk, count, limit)
	}
	records := make([][]byte, count)
	for i := range records {
		size, err := binary.ReadUvarint(r)
		if err != nil {
			return nil, err
		}
		if size == 0 || size > uint64(exchangeLimits.RecordBytes) {
			return nil, fmt.Errorf("%w: a record of %d bytes", errJunk, size)
		}
		records[i] = make([]byte, size)
		if _, err := io.ReadFull(r, records[i]); err != nil {
			return nil, err
		}
	}
	return records, nil
}

// servePeers answers PeersProtocol until ctx ends.
func (n *Node) servePeers(ctx context.Context, s network.Stream) {
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("telling of peers panicked", "peer", s.Conn().RemotePeer(), "err", p)
			_ = s.Reset()
		}
	}()
	if err := n.tell(s); err != nil {
		n.log.Debug("asked for peers", "peer", s.Conn().RemotePeer(), "err", err)
		if errors.Is(err, errJunk) {
			n.misdeed(s.Conn().RemotePeer())
		}
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

func (n *Node) tell(s network.Stream) error {
	from := s.Conn().RemotePeer()
	if err := s.Scope().SetService(peersService); err != nil {
		return err
	}
	if err := s.Scope().ReserveMemory(exchangeMemory, network.ReservationPriorityLow); err != nil {
		return err
	}
	defer s.Scope().ReleaseMemory(exchangeMemory)
	if err := s.SetDeadline(time.Now().Add(exchangeLimits.Whole)); err != nil {
		return err
	}
	if !n.company.mayAsk(from, time.Now(), n.pace.answer) {
		return errors.New("it asks too often")
	}
	least := spanOfConn(s.Conn())
	raws, err := readRecords(bufio.NewReaderSize(s, 2<<10), exchangeLimits.OwnRecords)
	if err != nil {
		return err
	}
	for _, raw := range raws {
		r, err := readPeerRecord(raw, least)
		if err != nil {
			return err
		}
		if r.info.ID != from {
			return fmt.Errorf("%w: it says of itself what %s says", errJunk, r.info.ID)
		}
		n.company.said(r)
	}
	_, err = s.Write(writeRecords(n.further(from, least)))
	return err
}

// limitAcquainting bounds what invitations and exchanges of peers take.
func limitAcquainting(limits *rcmgr.ScalingLimitConfig) {
	for _, service := range []string{peersService, inviteService} {
		limits.AddServiceLimit(service,
			rcmgr.BaseLimit{StreamsInbound: 16, StreamsOutbound: 48, Streams: 64, Memory: 2 << 20}, rcmgr.BaseLimitIncrease{})
		limits.AddServicePeerLimit(service,
			rcmgr.BaseLimit{StreamsInbound: 2, StreamsOutbound: 2, Streams: 4, Memory: 128 << 10}, rcmgr.BaseLimitIncrease{})
	}
}

// exchangeMemory is what one exchange takes: an answer and a buffer.
const exchangeMemory = 32 << 10

// further returns records of connected peers that follow a territory which this
// node and the asker follow too, in no order.
func (n *Node) further(asker peer.ID, least span) [][]byte {
	gossip := n.gossip.Load()
	if gossip == nil {
		return nil
	}
	shared := map[peer.ID]bool{}
	for _, id := range n.Followed() {
		if neighbours := gossip.peersOf(id); slices.Contains(neighbours, asker) {
			for _, p := range neighbours {
				shared[p] = true
			}
		}
	}
	delete(shared, asker)
	return n.company.pick(shared, least)
}

// askPeers asks a connected peer for further ones. What no honest peer sends is
// a misdeed.
func (n *Node) askPeers(ctx context.Context, of peer.ID) error {
	ctx, cancel := context.WithTimeout(ctx, exchangeLimits.Whole)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(network.WithAllowLimitedConn(ctx, "essaim-peers"), "essaim-peers"), of, PeersProtocol)
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	if err := n.hearOf(s); err != nil {
		_ = s.Reset()
		if errors.Is(err, errJunk) {
			n.misdeed(of)
		}
		return err
	}
	return s.Close()
}

func (n *Node) hearOf(s network.Stream) error {
	if err := s.Scope().SetService(peersService); err != nil {
		return err
	}
	if err := s.Scope().ReserveMemory(exchangeMemory, network.ReservationPriorityLow); err != nil {
		return err
	}
	defer s.Scope().ReleaseMemory(exchangeMemory)
	if err := s.SetDeadline(time.Now().Add(exchangeLimits.Whole)); err != nil {
		return err
	}
	least := spanOfConn(s.Conn())
	own, err := n.ownRecords(least)
	if err != nil {
		return err
	}
	if _, err := s.Write(writeRecords(own)); err != nil {
		return err
	}
	if err := s.CloseWrite(); err != nil {
		return err
	}
	raws, err := readRecords(bufio.NewReaderSize(s, 2<<10), exchangeLimits.Records)
	if err != nil {
		return err
	}
	var all []peerRecord // all of them or none
	for _, raw := range raws {
		r, err := readPeerRecord(raw, least)
		if err != nil {
			return err
		}
		all = append(all, r)
	}
	for _, r := range all {
		if r.info.ID != n.host.ID() {
			n.company.told(r, s.Conn().RemotePeer(), func(id peer.ID) bool { return n.host.Network().Connectedness(id) == network.Connected })
		}
	}
	return nil
}

// shuffled returns ids in no order.
func shuffled(ids map[peer.ID]bool) []peer.ID {
	out := make([]peer.ID, 0, len(ids))
	for id := range ids {
		out = append(out, id)
	}
	rand.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}
