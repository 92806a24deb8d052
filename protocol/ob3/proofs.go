package ob3

import (
	"crypto/ed25519"
	"errors"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// maxProofs is how many proofs of one credential are checked.
const maxProofs = 4

// proofs answers Signature and Issuer from the proofs inside the credential:
// no when one that can be checked is wrong, otherwise yes when one fits. Those
// for other purposes than to assert, and of kinds not known here, do not count.
func (c *credential) proofs() {
	if len(c.List("proof")) == 0 {
		c.v.Says(foreign.Signature, foreign.No, foreign.Unsigned, "")
		c.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
		return
	}
	unsecured, err := c.Without("proof")
	if err != nil {
		c.v.Says(foreign.Signature, foreign.No, foreign.BadProof, "")
		c.v.Says(foreign.Issuer, foreign.Unknown, foreign.NobodyVouches, "")
		return
	}
	raws := c.rawProofs()
	best := checked{
		signature: foreign.Finding{Answer: foreign.No, Reason: foreign.BadProof, Detail: "proof"},
		issuer:    foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NobodyVouches},
	}
	found := false
	for i, p := range c.Objects("proof") {
		if i == maxProofs || i >= len(raws) {
			break
		}
		got := c.checkProof(p, raws[i], unsecured)
		s := got.signature
		skipped := s.Reason == foreign.UnknownSuite || s.Answer == foreign.No && s.Reason != foreign.SignatureWrong
		switch {
		case !found:
			best, found = got, true
		case s.Reason == foreign.SignatureWrong:
			best = got
		case skipped || best.signature.Reason == foreign.SignatureWrong:
		case s.Answer == foreign.Yes && best.signature.Answer != foreign.Yes,
			s.Answer == foreign.Yes && got.issuer.Answer == foreign.Yes && best.issuer.Answer != foreign.No:
			best = got
		}
	}
	c.v.Findings[foreign.Signature], c.v.Findings[foreign.Issuer] = best.signature, best.issuer
}

// rawProofs returns the proofs as they stand, whose bytes are what is hashed.
func (c *credential) rawProofs() []jsontext.Value {
	var holder struct {
		Proof jsontext.Value `json:"proof"`
	}
	if err := json.Unmarshal(c.Raw, &holder); err != nil {
		return nil
	}
	if holder.Proof.Kind() == '{' {
		return []jsontext.Value{holder.Proof}
	}
	var many []jsontext.Value
	if err := json.Unmarshal(holder.Proof, &many); err != nil {
		return nil
	}
	var objects []jsontext.Value
	for _, v := range many {
		if v.Kind() == '{' {
			objects = append(objects, v)
		}
	}
	return objects
}

// checked is what one proof gives.
type checked struct{ signature, issuer foreign.Finding }

// suites by cryptosuite, or by type of those that had none: whether it hashes
// linked data, and whether the name is one of before the standard.
var suites = map[string]struct{ linked, draft bool }{
	proof.RDFC:             {linked: true},
	proof.JCS:              {},
	"eddsa-2022":           {linked: true, draft: true},
	"eddsa-rdf-2022":       {linked: true, draft: true},
	"Ed25519Signature2020": {linked: true},
}

func (c *credential) checkProof(p foreign.Object, raw jsontext.Value, unsecured []byte) checked {
	name := p.Text("type")
	if name == proof.Type {
		name = p.Text("cryptosuite")
	}
	unknown := func(a foreign.Answer, r foreign.Reason, detail string) checked {
		return checked{foreign.Finding{Answer: a, Reason: r, Detail: detail}, foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NobodyVouches}}
	}
	suite, ok := suites[name]
	switch {
	case !ok || p["previousProof"] != nil:
		return unknown(foreign.Unknown, foreign.UnknownSuite, name)
	case p.Text("proofPurpose") != proof.Assertion:
		return unknown(foreign.No, foreign.BadProof, "proofPurpose")
	}
	if suite.draft {
		c.v.Note(foreign.DraftSuite)
	}
	key := c.d.Key(p.Text("verificationMethod"), c.issuer())
	if key.Public == nil {
		return checked{key.Why, key.Issuer}
	}
	public, ok := key.Public.(ed25519.PublicKey)
	if !ok || proof.WeakKey(public) {
		return unknown(foreign.Unknown, foreign.UnknownKey, p.Text("verificationMethod"))
	}
	value := proof.Proof{Value: p.Text("proofValue")}
	signature, err := value.Signature()
	if err != nil {
		return unknown(foreign.No, foreign.BadProof, "proofValue")
	}
	config, err := withoutValue(raw)
	if err != nil {
		return unknown(foreign.No, foreign.BadProof, "proof")
	}
	var h proof.HashData
	if suite.linked {
		h, err = proof.HashForeign(config, unsecured)
	} else {
		h, err = c.hashJCS(p, config, unsecured)
	}
	switch {
	case errors.Is(err, proof.ErrContext):
		return unknown(foreign.Unknown, foreign.UnknownContext, err.Error())
	case errors.Is(err, proof.ErrCostly):
		return unknown(foreign.Unknown, foreign.TooCostly, "")
	case errors.Is(err, proof.ErrLinkedData):
		return unknown(foreign.No, foreign.Uncovered, err.Error())
	case err != nil:
		return unknown(foreign.No, foreign.BadProof, err.Error())
	case proof.Verify(public, h, signature):
		if _, ok := foreign.Moment(p["created"], false, c.v); p["created"] != nil && (!ok || p.Text("created") == "") {
			return unknown(foreign.No, foreign.BadProof, "created")
		}
		if ends, ok := foreign.Moment(p["expires"], false, c.v); p["expires"] != nil && (!ok || ends.Before(c.in.Now)) {
			return unknown(foreign.No, foreign.BadProof, "expires")
		}
		return checked{foreign.Finding{Answer: foreign.Yes, Reason: foreign.SignatureFits, Detail: name}, key.Issuer}
	case suite.linked && disputed(c.Object):
		return unknown(foreign.Unknown, foreign.Disputed, name)
	}
	return unknown(foreign.No, foreign.SignatureWrong, name)
}

func withoutValue(raw jsontext.Value) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(raw, &members); err != nil {
		return nil, err
	}
	delete(members, "proofValue")
	return foreign.Canonical(members)
}

var errContextDiffers = errors.New("@context of the proof is not the document's")

// hashJCS wants the context of a proof to be that of the document. The suite
// lets a document append contexts after it was signed, which changes what its
// terms mean.
func (c *credential) hashJCS(p foreign.Object, config, unsecured []byte) (proof.HashData, error) {
	if p["@context"] != nil {
		a, errA := foreign.Canonical(p["@context"])
		b, errB := foreign.Canonical(c.Object["@context"])
		if errA != nil || errB != nil || string(a) != string(b) {
			return proof.HashData{}, errContextDiffers
		}
	}
	return proof.HashJCS(config, unsecured), nil
}

func (c *credential) issuer() string { return c.ID("issuer") }

// disputed reports whether v holds what programs that canonicalise linked data
// write differently: fractions, and control characters but for three. A
// signature over such may be good although it does not fit here.
func disputed(v any) bool {
	switch v := v.(type) {
	case float64:
		return v != float64(int64(v))
	case string:
		return strings.ContainsFunc(v, func(r rune) bool { return r < ' ' && r != '\t' && r != '\n' && r != '\r' || r == 0x7f })
	case []any:
		for _, e := range v {
			if disputed(e) {
				return true
			}
		}
	case map[string]any:
		for name, e := range v {
			if disputed(name) || disputed(e) {
				return true
			}
		}
	case foreign.Object:
		return disputed(map[string]any(v))
	}
	return false
}
