package node

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/badge"
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
