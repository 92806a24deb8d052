package node

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"

	"github.com/libp2p/go-libp2p/core/crypto"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/sec"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/territory"
)

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
