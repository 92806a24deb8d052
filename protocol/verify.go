package protocol

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Verify returns raw as a Record, or a *Refusal. Besides now, which only
// decides FutureDated, the answer depends on the bytes alone: it is the same on
// every node, for ever (spec/records.md §3).
//
// It checks eddsa-jcs-2022 proofs. An eddsa-rdfc-2022 proof is bound by the
// chain and checked for its form; VerifyLinkedData checks it for wallets.
//
// The Record aliases raw, which must not be changed afterwards. Cost: one pass
// over the bytes, a decode, and for each jcs proof about 1.5 hashes of the
// document and one signature; VerifyBatch halves the signatures.
func Verify(raw []byte, now time.Time) (Record, error) {
	c, err := examine(raw, now, false)
	if err != nil {
		return Record{}, err
	}
	return c.settle()
}

// Result is one answer of VerifyBatch.
type Result struct {
	Record Record
	Err    error // nil or a *Refusal
}

// VerifyBatch answers for each of raws what Verify would, in the same order,
// for less: signatures are verified together. One that is wrong costs checking
// those of the whole batch again one by one, so callers batch what comes from
// one peer, 64 to 200 records at a time.
func VerifyBatch(raws [][]byte, now time.Time) []Result {
	results := make([]Result, len(raws))
	candidates := make([]*candidate, len(raws))
	batch := proof.NewBatch(2 * len(raws))
	for i, raw := range raws {
		c, err := examine(raw, now, false)
		if err != nil {
			results[i].Err = err
			continue
		}
		candidates[i] = c
		for _, s := range c.signatures {
			batch.Add(s.key, s.data, s.value)
		}
	}
	all := batch.All()
	for i, c := range candidates {
		switch {
		case c == nil:
		case all:
			results[i].Record, results[i].Err = c.admit()
		default:
			results[i].Record, results[i].Err = c.settle()
		}
	}
	return results
}

// VerifyTopic returns a *Refusal unless r belongs on the topic of id.
func VerifyTopic(r Record, id territory.ID) error {
	if !slices.Contains(r.territories, id) {
		return refuse(WrongTopic, "record of %v on the topic of %s", r.territories, id)
	}
	return nil
}

// VerifyLinkedData checks the eddsa-rdfc-2022 proof of an award or an
// endorsement, as wallets do, and returns a *Refusal with BadSignature when it
// is wrong; other kinds have none and pass. It costs some milliseconds: use it
// at import and export, never on what gossip brings.
func VerifyLinkedData(r Record) error {
	first := r.document.Framed().Proof[0]
	if first.Cryptosuite != proof.RDFC {
		return nil
	}
	bare := freshCopy(r.kind, r.raw)
	bare.Framed().Proof = nil
	unsecured, err := proof.Marshal(bare)
	if err != nil {
		return refuse(BadSignature, "%v", err)
	}
	h, err := proof.HashRDFC(first, unsecured)
	if err != nil {
		return refuse(BadSignature, "%v", err)
	}
	value, err := first.Signature()
	if err != nil || !proof.Verify(r.Author().PublicKey(), h, value) {
		return refuse(BadSignature, "proof 0 (%s) does not verify", proof.RDFC)
	}
	return nil
}

// candidate is a record of which all is right but perhaps the signatures.
type candidate struct {
	*record
	signatures []signature
	early      error // the FutureDated refusal, kept until the signatures are known to be right
}

type signature struct {
	key   ed25519.PublicKey
	data  proof.HashData
	value []byte
	index int
}

// settle verifies the signatures one by one.
func (c *candidate) settle() (Record, error) {
	for _, s := range c.signatures {
		if proof.Verify(s.key, s.data, s.value) {
			continue
		}
		if proof.WeakKey(s.key) {
			return Record{}, refuse(WeakKey, "proof %d is by a key of small order or none", s.index)
		}
		return Record{}, refuse(BadSignature, "proof %d does not verify", s.index)
	}
	return c.admit()
}

// admit makes the record, once its signatures are right.
func (c *candidate) admit() (Record, error) {
	if c.early != nil {
		return Record{}, c.early
	}
	return Record{c.record}, nil
}

// examine does all of Verify but the signatures. With offer an award must lack
// its last proof, the holder's.
func examine(raw []byte, now time.Time, offer bool) (*candidate, error) {
	gated, err := proof.Parse(raw, limits)
	if err != nil {
		return nil, refuseGate(err)
	}
	kind, ok := kindOf(gated.Member("type"))
	if !ok || offer && kind != Award {
		return nil, refuse(UnknownKind, "type is %.80q", gated.Member("type"))
	}
	if string(gated.Member("@context")) != kindTable[kind].context {
		return nil, refuse(BadContext, "@context is not that of %s", kind)
	}
	document := kindTable[kind].new()
	if err := proof.Unmarshal(raw, document); err != nil {
		if errors.Is(err, json.ErrUnknownName) {
			return nil, refuse(UnknownMember, "%v", err)
		}
		return nil, refuse(BadValue, "%v", err)
	}
	if gated.Hollow() {
		return nil, refuse(BadValue, "a value is an empty string or zero: what is absent is left out")
	}
	if err := document.Validate(); err != nil {
		return nil, refuse(BadValue, "%v", err)
	}
	r := &record{raw: raw, kind: kind, document: document}
	if r.territories, err = territories(document.Framed().Territory); err != nil {
		return nil, err
	}
	rules := kindTable[kind].proofs
	if offer {
		rules = rules[:len(rules)-1]
	}
	c := &candidate{record: r}
	if err := c.checkProofs(gated, rules, offer); err != nil {
		return nil, err
	}
	if err := c.checkTimes(now); err != nil {
		return nil, err
	}
	r.digest = sha256.Sum256(raw)
	return c, nil
}

func territories(ids []string) ([]territory.ID, error) {
	if len(ids) == 0 || len(ids) > MaxTerritories {
		return nil, refuse(BadTerritory, "%d territories, 1 to %d are allowed", len(ids), MaxTerritories)
	}
	out := make([]territory.ID, 0, len(ids))
	for _, s := range ids {
		id, err := territory.Parse(s)
		if err != nil {
			return nil, refuse(BadTerritory, "%v", err)
		}
		if slices.Contains(out, id) {
			return nil, refuse(BadTerritory, "%s stands twice", id)
		}
		out = append(out, id)
	}
	return out, nil
}

// checkProofs holds the proofs against the rules of the kind and collects the
// signatures to verify. Each proof may differ from the rules in one way only:
// cryptosuite, purpose, order, context, id, previousProof, signer and created
// are all determined.
func (c *candidate) checkProofs(gated proof.Document, rules []proofRule, offer bool) error {
	proofs := c.document.Framed().Proof
	if c.kind == Award && !offer && len(proofs) == len(rules)-1 {
		return refuse(NoConsent, "the holder has not co-signed")
	}
	if len(proofs) != len(rules) || gated.Proofs() != len(proofs) {
		return refuse(BadProof, "%d proofs, %s has %d", len(proofs), c.kind, len(rules))
	}
	c.signatures = make([]signature, 0, len(rules))
	for i, rule := range rules {
		p := &proofs[i]
		switch {
		case p.Type != proof.Type || p.Cryptosuite != rule.suite:
			return refuse(BadProof, "proof %d is %.40q %.40q, not %s", i, p.Type, p.Cryptosuite, rule.suite)
		case p.Purpose != rule.purpose:
			return refuse(BadProof, "proof %d is for %.40q, not %s", i, p.Purpose, rule.purpose)
		case rule.named != (p.ID != "") || rule.named && p.ID != proofID(c.document, i):
			return refuse(BadProof, "proof %d has not the id that follows from the document's", i)
		case rule.suite == proof.JCS && !bytes.Equal(p.Context, c.document.Framed().Context):
			return refuse(BadProof, "proof %d has another @context than the document", i)
		case rule.suite == proof.RDFC && p.Context != nil:
			return refuse(BadProof, "proof %d has an @context", i)
		case !rule.chained && p.Previous != "":
			return refuse(BrokenChain, "proof %d names a previous proof", i)
		case rule.chained && p.Previous != proofs[i-1].ID:
			return refuse(BrokenChain, "proof %d does not name proof %d", i, i-1)
		}
		signer, err := did.ParseVerificationMethod(p.VerificationMethod)
		if err != nil {
			return refuse(BadProof, "proof %d: %v", i, err)
		}
		if want := rule.signer(c.document); signer != want {
			return refuse(WrongSigner, "proof %d is by %s, not by %s", i, signer, want)
		}
		value, err := p.Signature()
		if err != nil {
			return refuse(BadProof, "proof %d: %v", i, err)
		}
		if rule.suite != proof.JCS {
			continue
		}
		previous := -1
		if rule.chained {
			previous = i - 1
		}
		c.signatures = append(c.signatures, signature{signer.PublicKey(), gated.HashJCS(i, previous), value, i})
	}
	return nil
}

// checkTimes reads the signed time and holds it against genesis, the order of
// signing and for a notice its end; c.early says what this clock makes of it.
func (c *candidate) checkTimes(now time.Time) error {
	var last time.Time
	proofs := c.document.Framed().Proof
	for i := range proofs {
		created, err := badge.ParseTime(proofs[i].Created)
		switch {
		case err != nil:
			return refuse(BadTime, "proof %d: created: %v", i, err)
		case created.Before(last):
			return refuse(BadTime, "proof %d is older than the one before", i)
		case created.Before(Genesis):
			return refuse(BadTime, "proof %d was created before %s", i, badge.FormatTime(Genesis))
		case i == 1 && proofs[0].Cryptosuite == proof.RDFC && !created.Equal(last):
			return refuse(BadTime, "proofs 0 and 1 were created at different times")
		}
		last = created
	}
	c.created = last
	c.until = until(c.document)
	if n, ok := c.document.(*badge.Notice); ok && (!c.until.After(last) || c.until.After(last.Add(MaxNotice))) {
		return refuse(BadTime, "essaim:until %s is not within a year of %s", n.Until, badge.FormatTime(last))
	}
	if last.After(now.Add(Ahead)) {
		c.early = refuse(FutureDated, "created %s, more than %v after %s here", badge.FormatTime(last), Ahead, badge.FormatTime(now))
	}
	return nil
}

// until returns the end a validated document sets itself, or the zero time.
func until(document badge.Document) time.Time {
	s := ""
	switch d := document.(type) {
	case *badge.AchievementCredential:
		s = d.ValidUntil
	case *badge.EndorsementCredential:
		s = d.ValidUntil
	case *badge.Dispute:
		s = d.Until
	case *badge.Notice:
		s = d.Until
	}
	t, err := badge.ParseTime(s)
	if err != nil {
		return time.Time{}
	}
	return t
}

// Reread returns the record whose sha2-256 is digest from bytes a store kept.
// That a record is valid follows from its bytes alone, so a store that admits
// nothing but Records has kept the verdict with them: signatures are not
// verified again. Bytes with another digest, or that decode no more, give an
// error that says the store is corrupt. Only package store calls it; a test
// holds that.
func Reread(raw []byte, digest [sha256.Size]byte) (Record, error) {
	if sha256.Sum256(raw) != digest {
		return Record{}, fmt.Errorf("record %s: the stored bytes are damaged", CID(digest))
	}
	c, err := examine(raw, farFuture, false)
	if err != nil {
		return Record{}, fmt.Errorf("record %s: the stored bytes are damaged: %w", CID(digest), err)
	}
	return Record{c.record}, nil
}

// farFuture makes no stored record future-dated.
var farFuture = time.Date(9999, time.January, 1, 0, 0, 0, 0, time.UTC)
