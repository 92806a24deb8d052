package node

import (
	"bufio"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// InviteProtocol links two nodes of which one has the other's invitation
// (spec/reach.md §3). Each proves to the other that it knows the code, over a
// connection on which both have proved who they are.
//
//	joiner   act (1 look, 2 join), nonce of 16 bytes
//	inviter  nonce of 16 bytes
//	joiner   proof of 32 bytes, length (uvarint), what it says of itself
//	inviter  answer; after 0 (yes): proof, length, what it says of itself
const InviteProtocol = "/essaim/invite/1"

const inviteService = "essaim.invite"

// inviteLimits are the bounds of invitations, mirrored in spec/reach.md §3.
var inviteLimits = struct {
	// Invitations is how many are open at once, and Uses how many nodes one
	// links at most.
	Invitations, Uses int
	// Life is how long one lasts when nothing is said, LifeMax at most, and
	// Kept how long an ended one is remembered, to say that it has ended.
	Life, LifeMax, Kept time.Duration
	// LinkAddrs is how many addresses a link has, or a side says of itself.
	LinkAddrs int
	// Said is how many bytes a side says of itself.
	Said int
	// Wrong is how many wrong proofs one peer makes within WrongIn before it is
	// not heard until that is over, and Guessers of how many peers they are
	// counted.
	Wrong    int
	WrongIn  time.Duration
	Guessers int
	// Asked is how many connected peers are asked for a code that does not say
	// where, and AskedAtOnce how many of them at once.
	Asked, AskedAtOnce int
	// Talk is how long one exchange lasts at most, and Search all of joining.
	Talk, Search time.Duration
}{
	Invitations: 32, Uses: 32,
	Life: 24 * time.Hour, LifeMax: 30 * 24 * time.Hour, Kept: 7 * 24 * time.Hour,
	LinkAddrs: 8,
	Said:      4 << 10,
	Wrong:     8, WrongIn: 10 * time.Minute, Guessers: 1024,
	Asked: 64, AskedAtOnce: 8,
	Talk: 10 * time.Second, Search: 30 * time.Second,
}

const (
	bucketInvitations = "invitations"   // id → invitationRow as JSON
	bucketInvited     = "invited-peers" // peer id → name it gave itself
)

// Invitation is what is told of one. Code and Link are known when it is made
// only.
type Invitation struct {
	ID      string // 8 characters
	Code    string // K7Q2-MD4X-P9TR-6HWA
	Link    string // ESSAIM:…
	Made    time.Time
	Expires time.Time
	Uses    int       // how many nodes it links
	Used    []peer.ID // whom it has linked
	// Placed says that the code tells where this node is.
	Placed bool
}

// InvitationDraft says what an invitation is to be; what is zero is as usual.
type InvitationDraft struct {
	Life time.Duration
	Uses int
	// At is an IPv4 address and TCP port where others reach this node, for the
	// code to say so. Without it the code does when the node knows one of its
	// own on the internet.
	At netip.AddrPort
}

type invitationRow struct {
	Key     []byte    `json:"key"`
	Made    time.Time `json:"made"`
	Expires time.Time `json:"expires"`
	Uses    int       `json:"uses"`
	Used    []string  `json:"used,omitempty"`
}

// Errors of joining.
var (
	ErrNoInviter         = errors.New("no node that answers here knows this invitation")
	ErrExpiredInvitation = errors.New("this invitation has expired or was ended: ask for a new one")
	ErrUsedInvitation    = errors.New("this invitation was used by others: ask for a new one")
	ErrUnknownInvitation = errors.New("is no invitation of this node")
	ErrNotReached        = errors.New("the node that invites does not answer where the invitation says it is")
)

// inviter answers joiners, one at a time where it writes.
type inviter struct {
	using sync.Mutex // held over the disk

	mu    sync.Mutex // guards wrong; never held over I/O
	wrong *lru.Cache[peer.ID, fault]
}

// Invite makes an invitation: whoever proves to know its code is linked with
// this node, and this node with them.
func (n *Node) Invite(d InvitationDraft) (Invitation, error) {
	if n.host == nil {
		return Invitation{}, ErrNoNetwork
	}
	d.Life, d.Uses = cmp.Or(d.Life, inviteLimits.Life), cmp.Or(d.Uses, 1)
	switch {
	case d.Life < time.Minute || d.Life > inviteLimits.LifeMax:
		return Invitation{}, &badge.Invalid{Member: "life", Why: "is not from a minute to 30 days"}
	case d.Uses < 1 || d.Uses > inviteLimits.Uses:
		return Invitation{}, &badge.Invalid{Member: "uses", Why: fmt.Sprintf("is not from 1 to %d", inviteLimits.Uses)}
	case d.At.IsValid() && (!d.At.Addr().Is4() || d.At.Port() == 0 || d.At.Addr().IsUnspecified()):
		return Invitation{}, &badge.Invalid{Member: "at", Why: "is not an IPv4 address and port such as 203.0.113.7:4797"}
	}
	n.invites.using.Lock()
	defer n.invites.using.Unlock()
	open, err := n.tidyInvitations()
	if err != nil {
		return Invitation{}, err
	}
	if open >= inviteLimits.Invitations {
		return Invitation{}, &badge.Invalid{Member: "invitation", Why: fmt.Sprintf("is one too many: %d are open at most, end one first", inviteLimits.Invitations)}
	}
	addrs := n.linkAddrs(spanLAN)
	if d.At.IsValid() {
		for _, form := range []string{"/ip4/%s/tcp/%d", "/ip4/%s/udp/%d/quic-v1"} {
			a, err := multiaddr.NewMultiaddr(fmt.Sprintf(form, d.At.Addr(), d.At.Port()))
			if err != nil {
				return Invitation{}, fmt.Errorf("invitation: %w", err)
			}
			if !slices.ContainsFunc(addrs, a.Equal) {
				addrs = append([]multiaddr.Multiaddr{a}, addrs...)
			}
		}
	} else {
		d.At = placeOf(addrs)
	}
	code := newInviteCode(d.At)
	clean, _, err := parseInviteCode(code)
	if err != nil {
		return Invitation{}, fmt.Errorf("invitation: %w", err)
	}
	now := n.now().UTC().Truncate(time.Second)
	row := invitationRow{Key: codeKey(clean), Made: now, Expires: now.Add(d.Life).Truncate(time.Second), Uses: d.Uses}
	id := row.id()
	if err := n.putInvitation(id, row); err != nil {
		return Invitation{}, err
	}
	v := row.told(id)
	v.Placed = d.At.IsValid()
	v.Code, v.Link = code, writeLink(clean, peer.AddrInfo{ID: n.host.ID(), Addrs: addrs})
	return v, nil
}

// linkAddrs returns where others can dial this node: on the internet, then on
// the local network; on this machine when least says so, or there is nothing else.
func (n *Node) linkAddrs(least span) []multiaddr.Multiaddr {
	addrs := append(n.ownAddrs(spanWorld), n.ownAddrs(spanLAN)...)
	if least == spanMachine || len(addrs) == 0 {
		addrs = append(addrs, n.ownAddrs(spanMachine)...)
	}
	return addrs[:min(len(addrs), inviteLimits.LinkAddrs)]
}

// placeOf returns the IPv4 address and TCP port on the internet among addresses.
func placeOf(addrs []multiaddr.Multiaddr) netip.AddrPort {
	for _, a := range addrs {
		if len(a) != 2 || a[0].Protocol().Code != multiaddr.P_IP4 || spanOf(a) != spanWorld {
			continue
		}
		if at, err := netip.ParseAddrPort(a[0].Value() + ":" + a[1].Value()); err == nil {
			return at
		}
	}
	return netip.AddrPort{}
}

func (r invitationRow) id() string {
	sum := sha256.Sum256(r.Key)
	return fmt.Sprintf("%x", sum[:4])
}

func (r invitationRow) told(id string) Invitation {
	v := Invitation{ID: id, Made: r.Made, Expires: r.Expires, Uses: r.Uses}
	for _, text := range r.Used {
		if p, err := peer.Decode(text); err == nil {
			v.Used = append(v.Used, p)
		}
	}
	return v
}

// open reports whether the invitation can still link somebody.
func (r invitationRow) open(now time.Time) bool { return now.Before(r.Expires) && len(r.Used) < r.Uses }

func (n *Node) putInvitation(id string, r invitationRow) error {
	raw, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("invitation %s: %w", id, err)
	}
	if err := n.invitations.Put([]byte(id), raw); err != nil {
		return fmt.Errorf("invitation %s: %w", id, err)
	}
	return nil
}

func (n *Node) invitationRows() (map[string]invitationRow, error) {
	all := map[string]invitationRow{}
	for key, value := range n.invitations.Each() {
		var r invitationRow
		if err := json.Unmarshal(value, &r); err != nil {
			return nil, fmt.Errorf("invitation %s: %w", key, err)
		}
		all[string(key)] = r
	}
	return all, nil
}

// tidyInvitations forgets what ended long ago, or more than are remembered, and
// returns how many are open.
func (n *Node) tidyInvitations() (open int, err error) {
	rows, err := n.invitationRows()
	if err != nil {
		return 0, err
	}
	var ended []string
	for id, r := range rows {
		if r.open(n.now()) {
			open++
		} else {
			ended = append(ended, id)
		}
	}
	slices.SortFunc(ended, func(a, b string) int { return rows[b].Expires.Compare(rows[a].Expires) })
	for i, id := range ended {
		if i >= inviteLimits.Invitations || n.now().Sub(rows[id].Expires) > inviteLimits.Kept {
			if err := n.invitations.Delete([]byte(id)); err != nil {
				return open, fmt.Errorf("invitation %s: %w", id, err)
			}
		}
	}
	return open, nil
}

// Invitations returns those that are open, the last to expire first.
func (n *Node) Invitations() ([]Invitation, error) {
	rows, err := n.invitationRows()
	if err != nil {
		return nil, err
	}
	var out []Invitation
	for id, r := range rows {
		if r.open(n.now()) {
			out = append(out, r.told(id))
		}
	}
	slices.SortFunc(out, func(a, b Invitation) int { return cmp.Or(b.Expires.Compare(a.Expires), cmp.Compare(a.ID, b.ID)) })
	return out, nil
}

// EndInvitation ends one before its time. Who is linked stays so.
func (n *Node) EndInvitation(id string) error {
	n.invites.using.Lock()
	defer n.invites.using.Unlock()
	rows, err := n.invitationRows()
	if err != nil {
		return err
	}
	r, ok := rows[id]
	if !ok || !r.open(n.now()) {
		return fmt.Errorf("%q %w", id, ErrUnknownInvitation)
	}
	r.Expires = n.now().UTC().Truncate(time.Second)
	return n.putInvitation(id, r)
}

// Host is the node that invites, as it says itself.
type Host struct {
	Peer      peer.ID
	Name      string // "" when it is no community yet
	Territory territory.ID
}

// selfSaid is what a side says of itself.
type selfSaid struct {
	Name      string   `json:"name,omitempty"`
	Territory string   `json:"territory,omitempty"`
	Addrs     []string `json:"addrs,omitempty"`
}

// saySelf returns what this node says of itself over a connection.
func (n *Node) saySelf(least span) ([]byte, error) {
	var s selfSaid
	c, err := n.Community()
	switch {
	case err == nil:
		s.Name, s.Territory = c.Name, string(c.Territory)
	case !errors.Is(err, ErrNoCommunity):
		return nil, err
	}
	for _, a := range n.linkAddrs(least) {
		s.Addrs = append(s.Addrs, a.String())
	}
	return json.Marshal(s)
}

// readSaid decodes what the other side says of itself. A name that a terminal or
// a page could not show on one line is none, and so is an unknown territory.
func readSaid(raw []byte, least span) (selfSaid, []multiaddr.Multiaddr, error) {
	var s selfSaid
	if err := json.Unmarshal(raw, &s); err != nil {
		return s, nil, fmt.Errorf("%w: %w", errJunk, err)
	}
	if len(s.Addrs) > inviteLimits.LinkAddrs {
		return s, nil, fmt.Errorf("%w: %d addresses", errJunk, len(s.Addrs))
	}
	var addrs []multiaddr.Multiaddr
	for _, text := range s.Addrs {
		a, err := multiaddr.NewMultiaddr(text)
		if err != nil {
			return s, nil, fmt.Errorf("%w: %w", errJunk, err)
		}
		if at := spanOf(a); at == spanNone || at == spanMachine && least != spanMachine {
			continue
		}
		addrs = append(addrs, a)
	}
	if utf8.RuneCountInString(s.Name) > 100 || strings.ContainsFunc(s.Name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		s.Name = ""
	}
	if _, err := territory.Parse(s.Territory); err != nil {
		s.Territory = ""
	}
	return s, addrs, nil
}

// The acts of a joiner, and the answers of an inviter.
const (
	actLook = 1 // tell me who you are
	actJoin = 2 // let us be linked

	answerYes     = 0
	answerUnknown = 1
	answerExpired = 2
	answerUsed    = 3
	answerBusy    = 4 // too many wrong proofs, or no room for a peer
)

const nonceSize = 16

// proofOf is what a side shows to know the code: it is of this talk, between
// these two peers, and of what the side says.
func proofOf(key []byte, side byte, act byte, nonces []byte, joiner, inviter peer.ID, said []byte) []byte {
	mac := hmac.New(sha256.New, key)
	what := sha256.Sum256(said)
	for _, part := range [][]byte{[]byte(InviteProtocol), {side, act}, nonces, []byte(joiner), []byte(inviter), what[:]} {
		mac.Write(binary.AppendUvarint(nil, uint64(len(part))))
		mac.Write(part)
	}
	return mac.Sum(nil)
}

const (
	joinerSide  = 'j'
	inviterSide = 'i'
)

// serveInvite answers InviteProtocol until ctx ends.
func (n *Node) serveInvite(ctx context.Context, s network.Stream) {
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	defer func() {
		if p := recover(); p != nil {
			n.log.Error("answering an invitation panicked", "peer", s.Conn().RemotePeer(), "err", p)
			_ = s.Reset()
		}
	}()
	if err := n.welcome(s); err != nil {
		n.log.Debug("invitation", "peer", s.Conn().RemotePeer(), "err", err)
		_ = s.Reset()
		return
	}
	_ = s.Close()
}

func (n *Node) welcome(s network.Stream) error {
	if err := beginInvite(s); err != nil {
		return err
	}
	defer s.Scope().ReleaseMemory(inviteMemory())
	from := s.Conn().RemotePeer()
	r := bufio.NewReaderSize(s, 512)
	opening := make([]byte, 1+nonceSize)
	if _, err := io.ReadFull(r, opening); err != nil {
		return err
	}
	act := opening[0]
	if act != actLook && act != actJoin {
		return fmt.Errorf("%w: act %d", errJunk, act)
	}
	nonces := append(opening[1:], newNonce()...)
	if _, err := s.Write(nonces[nonceSize:]); err != nil {
		return err
	}
	proof, said, err := readProven(r)
	if err != nil {
		return err
	}
	if !n.mayGuess(from) {
		_, err := s.Write([]byte{answerBusy})
		return err
	}
	id, row, err := n.proven(proof, act, nonces, from, said)
	if err != nil {
		return err
	}
	answer := byte(answerUnknown)
	if id != "" {
		answer, err = n.useInvitation(s, id, act, said)
	} else {
		n.noteGuess(from)
	}
	if err != nil || answer != answerYes {
		_, writing := s.Write([]byte{answer})
		return errors.Join(err, writing)
	}
	own, err := n.saySelf(spanOfConn(s.Conn()))
	if err != nil {
		return err
	}
	out := append([]byte{answerYes}, proofOf(row.Key, inviterSide, act, nonces, from, n.host.ID(), own)...)
	out = binary.AppendUvarint(out, uint64(len(own)))
	_, err = s.Write(append(out, own...))
	return err
}

// proven returns the invitation whose code a joiner proved to know, if there is
// one. It takes the same time whichever it is.
func (n *Node) proven(proof []byte, act byte, nonces []byte, joiner peer.ID, said []byte) (id string, row invitationRow, err error) {
	rows, err := n.invitationRows()
	if err != nil {
		return "", row, err
	}
	for k, r := range rows {
		if hmac.Equal(proof, proofOf(r.Key, joinerSide, act, nonces, joiner, n.host.ID(), said)) {
			id, row = k, r
		}
	}
	return id, row, nil
}

// useInvitation says whether the invitation is open for a joiner who knows its code, and
// if it joins, keeps it as a peer. A joiner that was linked by it already is
// told yes again: it may not have heard the first answer.
func (n *Node) useInvitation(s network.Stream, id string, act byte, raw []byte) (answer byte, err error) {
	from, least := s.Conn().RemotePeer(), spanOfConn(s.Conn())
	n.invites.using.Lock()
	defer n.invites.using.Unlock()
	rows, err := n.invitationRows()
	if err != nil {
		return answerBusy, err
	}
	r, ok := rows[id]
	switch {
	case !ok:
		return answerUnknown, nil
	case !n.now().Before(r.Expires):
		return answerExpired, nil
	case slices.Contains(r.Used, from.String()):
		return answerYes, nil
	case len(r.Used) >= r.Uses:
		return answerUsed, nil
	case act == actLook:
		return answerYes, nil
	}
	said, addrs, err := readSaid(raw, least)
	if err != nil {
		return answerUnknown, err
	}
	before := r
	r.Used = append(slices.Clone(r.Used), from.String())
	if err := n.putInvitation(id, r); err != nil {
		return answerBusy, err
	}
	if err := n.addInvited(peer.AddrInfo{ID: from, Addrs: addrs}, said.Name); err != nil {
		return answerBusy, errors.Join(err, n.putInvitation(id, before))
	}
	n.log.Info("linked by invitation", "peer", from)
	return answerYes, nil
}

// addInvited keeps a peer that invited this node, or was invited.
func (n *Node) addInvited(info peer.AddrInfo, name string) error {
	if err := n.addPeer(info); err != nil {
		return err
	}
	if err := n.invited.Put([]byte(info.ID), []byte(name)); err != nil {
		return fmt.Errorf("peer %s: %w", info.ID, err)
	}
	return nil
}

func (n *Node) nameOfInvited(id peer.ID) string {
	name, err := n.invited.Get([]byte(id))
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		n.log.Warn("name of a peer", "peer", id, "err", err)
	}
	return string(name)
}

// mayGuess reports whether a peer made few wrong proofs lately.
func (n *Node) mayGuess(id peer.ID) bool {
	n.invites.mu.Lock()
	defer n.invites.mu.Unlock()
	f, ok := n.invites.wrong.Get(id)
	return !ok || time.Since(f.at) > inviteLimits.WrongIn || f.weight < float64(inviteLimits.Wrong)
}

func (n *Node) noteGuess(id peer.ID) {
	n.invites.mu.Lock()
	defer n.invites.mu.Unlock()
	f, ok := n.invites.wrong.Get(id)
	if !ok || time.Since(f.at) > inviteLimits.WrongIn {
		f = fault{at: time.Now()}
	}
	f.weight++
	n.invites.wrong.Add(id, f)
}

func newNonce() []byte {
	nonce := make([]byte, nonceSize)
	if _, err := rand.Read(nonce); err != nil {
		panic(err) // never: crypto/rand ends the program instead
	}
	return nonce
}

// inviteMemory is what one talk takes: what both say, and a buffer.
func inviteMemory() int { return 2*inviteLimits.Said + 1<<10 }

func beginInvite(s network.Stream) error {
	if err := s.Scope().SetService(inviteService); err != nil {
		return err
	}
	if err := s.SetDeadline(time.Now().Add(inviteLimits.Talk)); err != nil {
		return err
	}
	return s.Scope().ReserveMemory(inviteMemory(), network.ReservationPriorityMedium)
}

// readProven reads a proof and what its side says.
func readProven(r *bufio.Reader) (proof, said []byte, err error) {
	proof = make([]byte, sha256.Size)
	if _, err := io.ReadFull(r, proof); err != nil {
		return nil, nil, err
	}
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, nil, err
	}
	if size > uint64(inviteLimits.Said) {
		return nil, nil, fmt.Errorf("%w: it says %d bytes of itself", errJunk, size)
	}
	said = make([]byte, size)
	_, err = io.ReadFull(r, said)
	return proof, said, err
}

// LookInvitation finds the node whose invitation this is, a code or a link, and
// says who it is. Nothing is kept on either side.
func (n *Node) LookInvitation(ctx context.Context, invitation string) (Host, error) {
	_, host, err := n.findInviter(ctx, invitation, "", actLook)
	return host, err
}

// JoinInvitation links this node with the one whose invitation this is, and that
// one with this; who, if given, is whom LookInvitation found.
func (n *Node) JoinInvitation(ctx context.Context, invitation string, who peer.ID) (Host, error) {
	info, host, err := n.findInviter(ctx, invitation, who, actJoin)
	if err != nil {
		return host, err
	}
	return host, n.addInvited(info, host.Name)
}

// findInviter talks to who may have made an invitation, until one proves it did.
func (n *Node) findInviter(ctx context.Context, invitation string, who peer.ID, act byte) (peer.AddrInfo, Host, error) {
	text, err := readInvitation(invitation)
	if err != nil {
		return peer.AddrInfo{}, Host{}, err
	}
	if n.host == nil {
		return peer.AddrInfo{}, Host{}, ErrNoNetwork
	}
	if text.info.ID == n.host.ID() {
		return peer.AddrInfo{}, Host{}, errMistyped("is this node's own: it is for another one")
	}
	ctx, cancel := context.WithTimeout(ctx, inviteLimits.Search)
	defer cancel()
	ask := n.host.Network().Peers()
	failure := ErrNoInviter
	switch {
	case text.info.ID != "":
		ask = []peer.ID{text.info.ID}
		if _, err := n.blocked.Get([]byte(text.info.ID)); err == nil {
			return peer.AddrInfo{}, Host{}, fmt.Errorf("peer %s %w", text.info.ID, ErrBlockedPeer)
		}
		if err := n.host.Connect(ctx, text.info); err != nil {
			n.log.Debug("invitation", "peer", text.info.ID, "err", err)
			return peer.AddrInfo{}, Host{}, ErrNotReached
		}
	case text.at.IsValid():
		id, err := n.whoIsAt(ctx, text.at)
		if err != nil { // it may be near all the same
			n.log.Debug("invitation", "err", err)
			failure = ErrNotReached
			break
		}
		ask = append([]peer.ID{id}, ask...)
	}
	if who != "" {
		ask = slices.DeleteFunc(ask, func(id peer.ID) bool { return id != who })
	}
	return n.askForInviter(ctx, ask[:min(len(ask), inviteLimits.Asked)], codeKey(text.code), act, failure)
}

// whoIsAt connects to the node at an address whose id is not known, and returns
// its id. libp2p dials nobody unnamed: so a name nobody has is asked for, and
// whoever is there says, with proof, that it is not that but another.
func (n *Node) whoIsAt(ctx context.Context, at netip.AddrPort) (peer.ID, error) {
	m, err := multiaddr.NewMultiaddr(fmt.Sprintf("/ip4/%s/tcp/%d", at.Addr(), at.Port()))
	if err != nil {
		return "", err
	}
	_, public, err := crypto.GenerateEd25519Key(rand.Reader)
	if err != nil {
		return "", err
	}
	nobody, err := peer.IDFromPublicKey(public)
	if err != nil {
		return "", err
	}
	defer n.host.Peerstore().ClearAddrs(nobody)
	err = n.host.Connect(ctx, peer.AddrInfo{ID: nobody, Addrs: []multiaddr.Multiaddr{m}})
	var other sec.ErrPeerIDMismatch
	if !errors.As(err, &other) {
		return "", fmt.Errorf("nobody at %s: %w", at, err)
	}
	return other.Actual, n.host.Connect(ctx, peer.AddrInfo{ID: other.Actual, Addrs: []multiaddr.Multiaddr{m}})
}

// askForInviter asks peers, a few at once, until one proves that the invitation
// is its own.
func (n *Node) askForInviter(ctx context.Context, ask []peer.ID, key []byte, act byte, failure error) (peer.AddrInfo, Host, error) {
	type found struct {
		info peer.AddrInfo
		host Host
		err  error
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	places, answers := make(chan struct{}, inviteLimits.AskedAtOnce), make(chan found, len(ask))
	for _, id := range ask {
		go func() {
			select {
			case places <- struct{}{}:
				defer func() { <-places }()
			case <-ctx.Done():
			}
			info, host, err := n.talkInvite(ctx, id, key, act)
			answers <- found{info, host, err}
		}()
	}
	for range ask {
		a := <-answers
		switch {
		case a.err == nil:
			return a.info, a.host, nil
		case errors.Is(a.err, ErrExpiredInvitation), errors.Is(a.err, ErrUsedInvitation):
			failure = a.err
		default:
			n.log.Debug("invitation", "err", a.err)
		}
	}
	return peer.AddrInfo{}, Host{}, failure
}

// talkInvite is the joiner's side of InviteProtocol.
func (n *Node) talkInvite(ctx context.Context, with peer.ID, key []byte, act byte) (peer.AddrInfo, Host, error) {
	info, host := peer.AddrInfo{ID: with}, Host{Peer: with}
	s, err := n.host.NewStream(network.WithNoDial(network.WithAllowLimitedConn(ctx, "essaim-invite"), "essaim-invite"), with, InviteProtocol)
	if err != nil {
		return info, host, err
	}
	defer context.AfterFunc(ctx, func() { _ = s.Reset() })()
	said, addrs, err := n.converse(s, key, act)
	if err != nil {
		_ = s.Reset()
		return info, host, fmt.Errorf("peer %s: %w", with, err)
	}
	if s.Conn().Stat().Direction == network.DirOutbound { // it worked
		if a := s.Conn().RemoteMultiaddr(); spanOf(a) != spanNone && !slices.ContainsFunc(addrs, a.Equal) {
			addrs = append([]multiaddr.Multiaddr{a}, addrs...)
		}
	}
	info.Addrs = addrs
	host.Name, host.Territory = said.Name, territory.ID(said.Territory)
	_ = s.Close() // all is said; over QUIC the other side may have hung up first
	return info, host, nil
}

func (n *Node) converse(s network.Stream, key []byte, act byte) (selfSaid, []multiaddr.Multiaddr, error) {
	none := selfSaid{}
	if err := beginInvite(s); err != nil {
		return none, nil, err
	}
	defer s.Scope().ReleaseMemory(inviteMemory())
	least, inviter := spanOfConn(s.Conn()), s.Conn().RemotePeer()
	var own []byte // who only looks says nothing
	if act == actJoin {
		var err error
		if own, err = n.saySelf(least); err != nil {
			return none, nil, err
		}
	}
	nonce := newNonce()
	if _, err := s.Write(append([]byte{act}, nonce...)); err != nil {
		return none, nil, err
	}
	r := bufio.NewReaderSize(s, 512)
	theirs := make([]byte, nonceSize)
	if _, err := io.ReadFull(r, theirs); err != nil {
		return none, nil, err
	}
	nonces := append(nonce, theirs...)
	out := binary.AppendUvarint(proofOf(key, joinerSide, act, nonces, n.host.ID(), inviter, own), uint64(len(own)))
	if _, err := s.Write(append(out, own...)); err != nil {
		return none, nil, err
	}
	answer, err := r.ReadByte()
	if err != nil {
		return none, nil, err
	}
	switch answer {
	case answerYes:
	case answerExpired:
		return none, nil, ErrExpiredInvitation
	case answerUsed:
		return none, nil, ErrUsedInvitation
	default:
		return none, nil, fmt.Errorf("answer %d: %w", answer, ErrNoInviter)
	}
	proof, said, err := readProven(r)
	if err != nil {
		return none, nil, err
	}
	if !hmac.Equal(proof, proofOf(key, inviterSide, act, nonces, n.host.ID(), inviter, said)) {
		return none, nil, fmt.Errorf("it does not know the code: %w", ErrNoInviter)
	}
	return readSaid(said, least)
}
