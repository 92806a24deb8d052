package protocol

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Record is a verified record: its bytes passed Verify, or Issue made them.
// There is no other way to obtain one but the zero Record, which is none. A
// Record is immutable and may be shared between goroutines.
type Record struct{ *record }

type record struct {
	raw         []byte
	digest      [sha256.Size]byte
	kind        Kind
	created     time.Time
	document    badge.Document
	territories []territory.ID
	until       time.Time
}

// IsZero reports whether r is no record.
func (r Record) IsZero() bool { return r.record == nil }

// Bytes returns the record as it is stored, hashed, gossiped and served. The
// caller must not change it.
func (r Record) Bytes() []byte { return r.raw }

// Digest returns the sha2-256 of the bytes.
func (r Record) Digest() [sha256.Size]byte { return r.digest }

// CID returns the content address of the bytes: version 1, raw, sha2-256.
func (r Record) CID() cid.Cid { return CID(r.digest) }

// CID returns the content address of a record whose sha2-256 is digest.
func CID(digest [sha256.Size]byte) cid.Cid {
	mh, err := multihash.Encode(digest[:], multihash.SHA2_256)
	if err != nil {
		panic(fmt.Sprintf("protocol: encode multihash: %v", err)) // only for unknown codes
	}
	return cid.NewCidV1(cid.Raw, mh)
}

// DigestOf returns the sha2-256 in c, which must be the CID of a record.
func DigestOf(c cid.Cid) ([sha256.Size]byte, error) {
	if _, err := badge.ParseCID(c.String()); err != nil {
		return [sha256.Size]byte{}, err
	}
	h := c.Hash()
	return [sha256.Size]byte(h[len(h)-sha256.Size:]), nil
}

// Kind returns the kind of the record.
func (r Record) Kind() Kind { return r.kind }

// Created returns the signed time, to the second in UTC: that of the last proof.
func (r Record) Created() time.Time { return r.created }

// Until returns when the record stops counting by its own word, or the zero
// time.
func (r Record) Until() time.Time { return r.until }

// Document returns what the record says. It is shared: the caller must not
// change it.
func (r Record) Document() badge.Document { return r.document }

// Territories returns the one to three territories the record belongs to. The
// caller must not change the slice.
func (r Record) Territories() []territory.ID { return r.territories }

// Author returns who made the record: the issuer of an award, the creator of a
// class, the endorser, the old key of a succession.
func (r Record) Author() did.DID { return author(r.document) }

// Holder returns who holds an award, and "" for other kinds.
func (r Record) Holder() did.DID {
	if r.kind != Award {
		return ""
	}
	return holder(r.document)
}

// Class returns the class an award is of, and cid.Undef for other kinds.
func (r Record) Class() cid.Cid {
	if a, ok := r.document.(*badge.AchievementCredential); ok {
		return mustCID(a.Subject.Achievement.Class)
	}
	return cid.Undef
}

// Target is what an endorsement, a status or a dispute is about: a record or an
// identity. Exactly one is set, but for an endorsement of a profile, which may
// name the version that was read as well.
type Target struct {
	CID cid.Cid
	DID did.DID
}

// Target returns what the record is about, or the zero Target.
func (r Record) Target() Target {
	switch d := r.document.(type) {
	case *badge.EndorsementCredential:
		t := Target{DID: d.Subject.TargetDID()}
		if d.Subject.CID != "" {
			t.CID = mustCID(d.Subject.CID)
		}
		return t
	case *badge.Status:
		return target(d.Target)
	case *badge.Dispute:
		return target(d.Target)
	}
	return Target{}
}

// Names returns the records this one names and cannot be understood without:
// the class of an award, the target of an endorsement, a status or a dispute,
// the class a class derives from.
func (r Record) Names() []cid.Cid {
	if c := r.Class(); c.Defined() {
		return []cid.Cid{c}
	}
	if t := r.Target(); t.CID.Defined() {
		return []cid.Cid{t.CID}
	}
	if a, ok := r.document.(*badge.Achievement); ok && a.DerivedFrom != "" {
		return []cid.Cid{mustCID(a.DerivedFrom)}
	}
	return nil
}

func target(s string) Target {
	if d, err := did.Parse(s); err == nil {
		return Target{DID: d}
	}
	return Target{CID: mustCID(s)}
}

// mustCID parses a CID that Validate has accepted.
func mustCID(s string) cid.Cid {
	c, err := badge.ParseCID(s)
	if err != nil {
		panic("protocol: unvalidated CID: " + err.Error())
	}
	return c
}

// TopicPrefix begins the topic of every territory.
const TopicPrefix = "/essaim/1/"

// Topic returns the gossip topic of a territory: "fr:epci:243500139" is spoken
// of on "/essaim/1/fr/epci/243500139".
func Topic(id territory.ID) string {
	return TopicPrefix + strings.ReplaceAll(string(id), ":", "/")
}

// ParseTopic returns the territory spoken of on topic.
func ParseTopic(topic string) (territory.ID, error) {
	rest, ok := strings.CutPrefix(topic, TopicPrefix)
	if !ok {
		return "", fmt.Errorf("topic %.200q does not begin with %s", topic, TopicPrefix)
	}
	id, err := territory.Parse(strings.ReplaceAll(rest, "/", ":"))
	if err != nil {
		return "", fmt.Errorf("topic %.200q: %w", topic, err)
	}
	if Topic(id) != topic {
		return "", fmt.Errorf("topic %q is not how the topic of %s is written", topic, id)
	}
	return id, nil
}
