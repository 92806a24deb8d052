package node

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

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
