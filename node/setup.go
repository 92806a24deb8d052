package node

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"path/filepath"
	"slices"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

const (
	bucketSelf    = "self"    // "community" → Community as JSON
	bucketFollows = "follows" // territory id → why (forItself, forMirror)
)

// Community is who this node belongs to. It is what the node says of itself in
// its profile.
type Community struct {
	DID         did.DID      `json:"did"`
	Name        string       `json:"name"`
	Kind        string       `json:"kind"` // badge.PlaceKind and so on
	Description string       `json:"description,omitempty"`
	URL         string       `json:"url,omitempty"`
	Email       string       `json:"email,omitempty"`
	Territory   territory.ID `json:"territory"`
	// Place is the commune or city, and Point where the place stands, for
	// answers about "here". A person or group has no Point in its profile.
	Place string `json:"place,omitempty"`
	Point string `json:"point,omitempty"`
}

// ErrNoCommunity says that Setup has not been done.
var ErrNoCommunity = errors.New("no community is set up in this folder")

// Community returns who this node belongs to, or ErrNoCommunity.
func (n *Node) Community() (Community, error) {
	var c Community
	raw, err := n.self.Get([]byte("community"))
	if n.keys.Load() == nil || errors.Is(err, store.ErrNotFound) {
		return c, ErrNoCommunity
	}
	if err != nil {
		return c, err
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return c, fmt.Errorf("community: %w", err)
	}
	return c, nil
}

// Setup makes this folder a community's: it makes the keys under protection
// unless they exist, publishes the profile and follows the home territory. It
// may be repeated: with the same arguments it changes nothing, with others it
// changes what differs, and it never replaces a key. The DID in c is ignored.
func (n *Node) Setup(ctx context.Context, c Community, protection keyring.Protection) (Community, error) {
	if err := n.checkCommunity(&c); err != nil {
		return c, err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	keys := n.keys.Load()
	if keys == nil {
		var err error
		if keys, _, err = keyring.Create(filepath.Join(n.config.Dir, "keys"), protection); err != nil {
			return c, err
		}
		n.keys.Store(keys)
	}
	if keys.Locked() && protection.Passphrase != nil {
		if err := keys.Unlock(protection.Passphrase); err != nil {
			return c, err
		}
	}
	c.DID = keys.Issuer()
	old, err := n.Community()
	if err == nil && old == c {
		return c, nil
	}
	if err != nil && !errors.Is(err, ErrNoCommunity) {
		return c, err
	}
	// The profile first: when signing fails, nothing has changed.
	if _, err := n.issue(ctx, c.profile(), c.DID); err != nil {
		return c, err
	}
	// The community last: it says that all before it was done.
	if err := n.Follow(c.Territory); err != nil {
		return c, err
	}
	raw, err := json.Marshal(c)
	if err != nil {
		return c, fmt.Errorf("community: %w", err)
	}
	if err := n.self.Put([]byte("community"), raw); err != nil {
		return c, fmt.Errorf("community: %w", err)
	}
	return c, n.trust.chosen() // it is its own first anchor
}

func (n *Node) checkCommunity(c *Community) error {
	if c.Kind == "" {
		c.Kind = badge.PlaceKind
	}
	if c.Territory == "" && c.Place == "" {
		return &badge.Invalid{Member: "place", Why: "is missing: name the commune or city, or a territory"}
	}
	if c.Place != "" {
		g, err := n.places()
		if err != nil {
			return err
		}
		place, err := g.Find(c.Place)
		if err != nil {
			return err
		}
		c.Place = place.Name
		if c.Point == "" {
			c.Point = place.Point.String()
		}
		if c.Territory == "" {
			c.Territory = place.Territory
		}
	}
	if _, err := territory.Parse(string(c.Territory)); err != nil {
		return err
	}
	// Any identity will do to see whether the rest can be published, before
	// keys are made for it.
	c.URL = webAddress(c.URL)
	trial := *c
	trial.DID = did.FromPublicKey(make([]byte, ed25519.PublicKeySize))
	return trial.profile().Validate()
}

// profile returns what the community says of itself.
func (c Community) profile() *badge.Profile {
	p := &badge.Profile{
		Frame: badge.Frame{Territory: []string{string(c.Territory)}},
		ID:    c.DID, Type: []string{"Profile"}, Kind: c.Kind, Name: c.Name,
		Description: c.Description, URL: c.URL, Email: c.Email,
	}
	if c.Kind == badge.PlaceKind || c.Kind == badge.Organisation {
		p.Point = c.Point
	}
	return p
}

// maxFollowed bounds the territories a node follows: a mesh of peers and a
// queue of 1024 messages each, and what one peer may tell another in one message.
const maxFollowed = 200

// Follow listens on the topic of a territory from now on, and at every start.
func (n *Node) Follow(id territory.ID) error {
	if _, err := territory.Parse(string(id)); err != nil {
		return err
	}
	return n.follow(forItself, id)
}

// Why a territory is followed: the values of bucketFollows.
const (
	forItself = ""  // somebody said so
	forMirror = "m" // a mirror needs it, and nobody said so
)

// follow follows territories, in one pass over the store. Those followed for
// themselves stay so whatever becomes of mirrors.
func (n *Node) follow(why string, ids ...territory.ID) error {
	followed := n.Followed()
	for _, id := range ids {
		known := slices.Contains(followed, id)
		if !known && len(followed) >= maxFollowed {
			return &badge.Invalid{Member: "territory " + string(id), Why: fmt.Sprintf("is one too many: %d are followed at most, unfollow one first", maxFollowed)}
		}
		if !known {
			followed = append(followed, id)
		}
		if known {
			if old, err := n.follows.Get([]byte(id)); why == forMirror || err == nil && string(old) == why {
				continue // a full disk is no reason to fail
			}
		}
		if err := n.follows.Put([]byte(id), []byte(why)); err != nil {
			return fmt.Errorf("follow %s: %w", id, err)
		}
	}
	g := n.gossip.Load()
	if g == nil {
		return nil // Run will
	}
	for _, id := range ids {
		if err := g.follow(id); err != nil {
			return err
		}
	}
	return n.keepSets(ids...)
}

// ErrNotFollowed is wrapped when a territory is not followed.
var ErrNotFollowed = errors.New("is not followed")

// Unfollow stops listening. What was received stays.
func (n *Node) Unfollow(id territory.ID) error {
	if !slices.Contains(n.Followed(), id) {
		return fmt.Errorf("territory %s %w", id, ErrNotFollowed)
	}
	if of, ok := n.mirrorOf(id); ok {
		return fmt.Errorf("territory %s %w %s", id, ErrMirrored, of)
	}
	if err := n.unfollow(id); err != nil {
		return err
	}
	return n.keepPartial() // which may need its control still
}

func (n *Node) unfollow(id territory.ID) error {
	if err := n.follows.Delete([]byte(id)); err != nil {
		return fmt.Errorf("unfollow %s: %w", id, err)
	}
	if g := n.gossip.Load(); g != nil {
		g.unfollow(id)
	}
	n.sets.drop(id)
	return nil
}

// Followed returns the territories this node listens to, in order.
func (n *Node) Followed() []territory.ID {
	var out []territory.ID
	for key := range n.follows.Each() {
		out = append(out, territory.ID(key))
	}
	return out
}

// Unlock opens the keys with the passphrase until Lock or Close. A wrong one is
// keyring.ErrWrongPassphrase and changes nothing.
func (n *Node) Unlock(passphrase []byte) error {
	keys, err := n.Keys()
	if err != nil {
		return err
	}
	return keys.Unlock(passphrase)
}

// Keys returns the keys of the community, or ErrNoCommunity.
func (n *Node) Keys() (*keyring.Keyring, error) {
	keys := n.keys.Load()
	if keys == nil {
		return nil, ErrNoCommunity
	}
	return keys, nil
}

// issue signs a document with a key of this node and takes it through the door.
func (n *Node) issue(ctx context.Context, document badge.Document, as did.DID) (protocol.Record, error) {
	keys, err := n.Keys()
	if err != nil {
		return protocol.Record{}, err
	}
	key, err := keys.Signer(as)
	if err != nil {
		return protocol.Record{}, err
	}
	at := n.now()
	if _, ok := document.(*badge.Profile); ok { // the newest one counts
		earlier, err := n.ProfileOf(as)
		if err != nil {
			return protocol.Record{}, err
		}
		at = following(at, earlier)
	}
	r, err := protocol.Issue(document, at, key)
	if err != nil {
		return protocol.Record{}, err
	}
	receipt, err := n.Accept(ctx, r.Bytes(), Source{Via: Issued})
	return receipt.Record, err
}
