package node

import (
	"context"
	"errors"
	"fmt"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// Erasure is what EraseMember did.
type Erasure struct {
	Erased []cid.Cid // awards, profiles and notices, in that order
	Offers int       // badges not accepted yet that were dropped
}

// EraseMember erases what this node's records say of a member, then forgets the
// member's key. The order is what makes it safe to repeat after a failure: each
// tombstone is signed, durable and published first, since without the key nobody
// can ever sign one; then offers go, then the key.
//
// Awards go in whatever state they are, for a revoked one still tells. What the
// member signed about others, an endorsement say, holds no name and stays. What
// was kept of their badges made elsewhere goes, originals and all.
// It fails with keyring.ErrNoKey when the member is not of this node.
func (n *Node) EraseMember(ctx context.Context, d did.DID) (Erasure, error) {
	var done Erasure
	keys, err := n.Keys()
	if err != nil {
		return done, err
	}
	if d == keys.Issuer() {
		return done, &badge.Invalid{Member: "member", Why: "is the community itself, which is not erased"}
	}
	if _, err := keys.Signer(d); err != nil {
		return done, err
	}
	n.acting.Lock() // no badge is claimed meanwhile
	defer n.acting.Unlock()
	for _, q := range []store.Query{
		{Kinds: []protocol.Kind{protocol.Award}, Holder: d},
		{Kinds: []protocol.Kind{protocol.Profile}, Author: d},
		{Kinds: []protocol.Kind{protocol.Notice}, Author: d},
	} {
		if err := n.eraseFound(ctx, q, &done); err != nil {
			return done, err
		}
	}
	if done.Offers, err = n.dropOffers(d); err != nil {
		return done, err
	}
	if err := n.dropImports(d); err != nil {
		return done, err
	}
	if err := keys.Forget(d); err != nil && !errors.Is(err, keyring.ErrNoKey) {
		return done, err
	}
	return done, nil
}

func (n *Node) eraseFound(ctx context.Context, q store.Query, done *Erasure) error {
	var found []cid.Cid // first all, since erasing changes what Find walks
	for e, err := range n.store.Find(q) {
		if err != nil {
			return err
		}
		c, err := e.CID()
		if err != nil {
			return err
		}
		found = append(found, c)
	}
	for _, c := range found {
		if _, err := n.SetStatus(ctx, StatusDraft{Target: c, State: badge.Erased, Reason: "request"}); err != nil {
			return fmt.Errorf("erase %s: %w", c, err)
		}
		done.Erased = append(done.Erased, c)
	}
	return nil
}

// dropOffers deletes every offer to d, claimed or not.
func (n *Node) dropOffers(d did.DID) (int, error) {
	return n.dropOffersThat(func(o Offer) bool { return o.Holder == d })
}

// dropOffer deletes the offer of the credential with this id, if there is one.
func (n *Node) dropOffer(id string) error {
	_, err := n.dropOffersThat(func(o Offer) bool { return o.ID == id })
	return err
}

func (n *Node) dropOffersThat(drop func(Offer) bool) (int, error) {
	var keys [][]byte
	for key, raw := range n.offers.Each() {
		offer, err := readOffer(raw)
		if err != nil {
			return 0, err
		}
		if drop(offer) {
			keys = append(keys, key)
		}
	}
	for i, key := range keys {
		if err := n.offers.Delete(key); err != nil {
			return i, fmt.Errorf("offer: %w", err)
		}
	}
	return len(keys), nil
}
