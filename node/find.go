package node

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/store"
)

// What people mean by a name: a class, a member.

// Errors of names. AmbiguousClass and AmbiguousMember say which are meant.
var (
	ErrUnknownClass  = errors.New("no badge class has this name")
	ErrUnknownMember = errors.New("nobody of this community has this name")
)

// AmbiguousClass says that several live classes have a name.
type AmbiguousClass struct {
	Query      string
	Candidates []protocol.Record
}

// Error implements error.
func (e *AmbiguousClass) Error() string {
	return fmt.Sprintf("%q may be any of %d badge classes", e.Query, len(e.Candidates))
}

// AmbiguousMember says that several members have a name.
type AmbiguousMember struct {
	Query      string
	Candidates []keyring.Member
}

// Error implements error. It does not repeat the name, which is private.
func (e *AmbiguousMember) Error() string {
	return fmt.Sprintf("%d members have this name: say which by the did:key", len(e.Candidates))
}

// FindClass returns the class text means: a CID, or the name of exactly one
// live class, whatever its case; where none has it, without regard to accents,
// plural and order of words. It fails with store.ErrNotFound, ErrUnknownClass or
// *AmbiguousClass. A name costs reading every class, about 0.2 ms each.
func (n *Node) FindClass(text string) (protocol.Record, error) {
	text = strings.TrimSpace(text)
	if c, err := badge.ParseCID(text); err == nil {
		return n.Record(c)
	}
	words := skill.Words(text)
	var whole, spelt []protocol.Record
	for e, err := range n.store.Find(store.Query{Kinds: []protocol.Kind{protocol.Class}}) {
		if err != nil {
			return protocol.Record{}, err
		}
		if e.State != protocol.Live {
			continue
		}
		r, err := e.Record()
		if err != nil {
			return protocol.Record{}, err
		}
		switch {
		case strings.EqualFold(r.Document().(*badge.Achievement).Name, text):
			whole = append(whole, r)
		case ClassText(r).Compare(words) == skill.Exact:
			spelt = append(spelt, r)
		}
	}
	for _, found := range [][]protocol.Record{whole, spelt} {
		switch len(found) {
		case 0:
		case 1:
			return found[0], nil
		default:
			return protocol.Record{}, &AmbiguousClass{text, found}
		}
	}
	return protocol.Record{}, fmt.Errorf("%q: %w", text, ErrUnknownClass)
}

// FindMember returns the identity text means: a DID, or the name of exactly one
// member. It fails with ErrUnknownMember, *AmbiguousMember or keyring.ErrLocked.
func (n *Node) FindMember(text string) (did.DID, error) {
	if d, err := did.Parse(text); err == nil {
		return d, nil
	}
	keys, err := n.Keys()
	if err != nil {
		return "", err
	}
	members, err := keys.FindMember(text)
	switch {
	case err != nil:
		return "", err
	case len(members) == 0:
		return "", ErrUnknownMember
	case len(members) > 1:
		return "", &AmbiguousMember{text, members}
	}
	return members[0].DID, nil
}

// Now returns the time by this node's clock.
func (n *Node) Now() time.Time { return n.now() }
