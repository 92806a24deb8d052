package protocol

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/text/unicode/norm"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// Issue signs document with key, which must be its author's, and returns it as
// a Record. The document is copied: its context and proofs are set, its text
// brought into Unicode form NFC, and the rest stands as it is. What cannot
// become a record, or carries another author, is refused with a *Refusal
// naming the member.
//
// An award needs two parties (Offer, CoSign), a succession two keys (Succeed).
// The same arguments give the same bytes. With an rdfc proof it costs some
// milliseconds.
func Issue(document badge.Document, now time.Time, key crypto.Signer) (Record, error) {
	switch document.(type) {
	case *badge.AchievementCredential:
		return Record{}, errors.New("an award is issued by Offer and CoSign")
	case *badge.Succession:
		return Record{}, errors.New("a succession is issued by Succeed")
	}
	raw, err := sign(document, now, key)
	if err != nil {
		return Record{}, err
	}
	return Verify(raw, now)
}

// Offer signs an award for its holder and returns it as a private file with the
// issuer's proofs, which CoSign makes a record of. It enters no store and no
// topic.
func Offer(award *badge.AchievementCredential, now time.Time, issuer crypto.Signer) ([]byte, error) {
	raw, err := sign(award, now, issuer)
	if err != nil {
		return nil, err
	}
	if _, err := ParseOffer(raw, now); err != nil {
		return nil, err
	}
	return raw, nil
}

// ParseOffer checks an offer as Verify checks a record and returns the award,
// or a *Refusal.
func ParseOffer(raw []byte, now time.Time) (*badge.AchievementCredential, error) {
	c, err := examine(raw, now, true)
	if err != nil {
		return nil, err
	}
	if _, err := c.settle(); err != nil {
		return nil, err
	}
	return c.document.(*badge.AchievementCredential), nil
}

// CoSign adds the holder's consent to an offer: from here on the award is a
// record and may be published in its territories.
func CoSign(offer []byte, now time.Time, holder crypto.Signer) (Record, error) {
	if _, err := ParseOffer(offer, now); err != nil {
		return Record{}, err
	}
	document := freshCopy(Award, offer)
	raw, err := addProofs(document, Award, now, holder, 2, 3)
	if err != nil {
		return Record{}, err
	}
	return Verify(raw, now)
}

// Succeed signs a succession with the old key, then with the new one.
func Succeed(document *badge.Succession, now time.Time, from, to crypto.Signer) (Record, error) {
	unsigned, err := prepare(document, Succession)
	if err != nil {
		return Record{}, err
	}
	if _, err := addProofs(unsigned, Succession, now, from, 0, 1); err != nil {
		return Record{}, err
	}
	raw, err := addProofs(unsigned, Succession, now, to, 1, 2)
	if err != nil {
		return Record{}, err
	}
	return Verify(raw, now)
}

// sign makes every proof its author makes.
func sign(document badge.Document, now time.Time, key crypto.Signer) ([]byte, error) {
	kind := KindOf(document)
	unsigned, err := prepare(document, kind)
	if err != nil {
		return nil, err
	}
	rules := kindTable[kind].proofs
	if kind == Award {
		rules = rules[:2]
	}
	return addProofs(unsigned, kind, now, key, 0, len(rules))
}

// prepare copies a document, in NFC, without proofs and with its context.
func prepare(document badge.Document, kind Kind) (badge.Document, error) {
	raw, err := proof.Marshal(document)
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", kind, err)
	}
	unsigned := kindTable[kind].new()
	if raw, err = composed(raw); err == nil {
		err = proof.Unmarshal(raw, unsigned)
	}
	if err != nil {
		return nil, fmt.Errorf("issue %s: %w", kind, err)
	}
	unsigned.Framed().Context = kind.context()
	unsigned.Framed().Proof = nil
	if err := unsigned.Validate(); err != nil {
		return nil, refuse(BadValue, "%v", err)
	}
	return unsigned, nil
}

// composed returns raw, one JSON text, with every string in NFC. The text as a
// whole cannot be composed: in "\n" before a combining tilde the n would be.
func composed(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	from := jsontext.NewDecoder(bytes.NewReader(raw))
	to := jsontext.NewEncoder(&out)
	for {
		token, err := from.ReadToken()
		if errors.Is(err, io.EOF) {
			return out.Bytes(), nil
		}
		if err == nil && token.Kind() == '"' {
			token = jsontext.String(norm.NFC.String(token.String()))
		}
		if err == nil {
			err = to.WriteToken(token)
		}
		if err != nil {
			return nil, err
		}
	}
}

// addProofs makes the proofs [from, to) of the kind with one key and returns
// the document. It changes document.
func addProofs(document badge.Document, kind Kind, now time.Time, key crypto.Signer, from, to int) ([]byte, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("issue %s: the key is a %T, not Ed25519", kind, key.Public())
	}
	frame := document.Framed()
	done := frame.Proof
	for i := from; i < to; i++ {
		rule := kindTable[kind].proofs[i]
		if signer, want := did.FromPublicKey(public), rule.signer(document); signer != want {
			return nil, refuse(WrongSigner, "proof %d would be by %s, not by %s", i, signer, want)
		}
		p := proof.Proof{
			Cryptosuite: rule.suite,
			Created:     badge.FormatTime(now),
			Purpose:     rule.purpose,
		}
		if rule.suite == proof.JCS {
			p.Context = kind.context()
		}
		if rule.named {
			p.ID = proofID(document, i)
		}
		frame.Proof = nil
		if rule.chained {
			p.Previous = done[i-1].ID
			frame.Proof = done[i-1 : i]
		}
		unsecured, err := proof.Marshal(document)
		if err != nil {
			return nil, fmt.Errorf("issue %s: %w", kind, err)
		}
		signed, err := proof.Sign(p, unsecured, key)
		if err != nil {
			return nil, fmt.Errorf("issue %s: %w", kind, err)
		}
		p = proof.Proof{}
		if err := proof.Unmarshal(signed, &p); err != nil {
			return nil, fmt.Errorf("issue %s: %w", kind, err)
		}
		done = append(done[:i:i], p)
	}
	frame.Proof = done
	return proof.Marshal(document)
}

// proofID returns the id of proof i of a document: a UUID of version 8 made
// from the document's own id, so that signing needs no randomness and nobody
// can give two proofs one name.
func proofID(document badge.Document, i int) string {
	id := ""
	switch d := document.(type) {
	case *badge.AchievementCredential:
		id = d.ID
	case *badge.EndorsementCredential:
		id = d.ID
	case *badge.Succession:
		id = d.ID
	}
	h := sha256.Sum256([]byte("essaim proof " + strconv.Itoa(i) + " of " + id))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	out := make([]byte, 0, len("urn:uuid:")+36)
	out = append(out, "urn:uuid:"...)
	for _, part := range [...][]byte{h[0:4], h[4:6], h[6:8], h[8:10], h[10:16]} {
		if len(out) > len("urn:uuid:") {
			out = append(out, '-')
		}
		out = hex.AppendEncode(out, part)
	}
	return string(out)
}

// freshCopy decodes bytes that were verified before.
func freshCopy(kind Kind, raw []byte) badge.Document {
	document := kindTable[kind].new()
	if err := proof.Unmarshal(raw, document); err != nil {
		panic(fmt.Sprintf("protocol: verified %s does not decode: %v", kind, err))
	}
	return document
}
