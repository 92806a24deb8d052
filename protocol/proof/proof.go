package proof

import (
	"crypto"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/mr-tron/base58"

	"codeberg.org/essaim/essaim/protocol/did"
)

// The two cryptosuites of "Data Integrity EdDSA Cryptosuites v1.0".
const (
	JCS  = "eddsa-jcs-2022"
	RDFC = "eddsa-rdfc-2022"
)

// The two purposes Essaim knows: an author asserts, a holder authenticates
// what they accept.
const (
	Assertion      = "assertionMethod"
	Authentication = "authentication"
)

// Type is the type of every proof.
const Type = "DataIntegrityProof"

// Proof is one Data Integrity proof, as it stands in a document. Context is
// that of the document, exactly, in a jcs proof and absent in an rdfc one.
type Proof struct {
	Context            jsontext.Value `json:"@context,omitempty"`
	ID                 string         `json:"id,omitempty"`
	Type               string         `json:"type"`
	Cryptosuite        string         `json:"cryptosuite"`
	Created            string         `json:"created"`
	VerificationMethod string         `json:"verificationMethod"`
	Purpose            string         `json:"proofPurpose"`
	Previous           string         `json:"previousProof,omitempty"`
	Value              string         `json:"proofValue,omitempty"`
}

// Signature decodes Value to the 64 bytes of a signature.
func (p *Proof) Signature() ([]byte, error) {
	if len(p.Value) < 2 || len(p.Value) > 89 || p.Value[0] != 'z' {
		return nil, errors.New("proofValue is not 64 bytes in base58btc")
	}
	b, err := base58.FastBase58Decoding(p.Value[1:])
	if err != nil || len(b) != ed25519.SignatureSize {
		return nil, errors.New("proofValue is not 64 bytes in base58btc")
	}
	return b, nil
}

// HashData is the 64 bytes a proof signs: the hash of its own configuration,
// then that of the document (§3.3.4).
type HashData [2 * sha256.Size]byte

// HashJCS returns the hash data of an eddsa-jcs-2022 proof from the canonical
// JSON of its configuration and of the document, proofs left out.
func HashJCS(config, document []byte) HashData {
	var h HashData
	c, d := sha256.Sum256(config), sha256.Sum256(document)
	copy(h[:], c[:])
	copy(h[sha256.Size:], d[:])
	return h
}

// HashJCS returns the hash data of proof i, an eddsa-jcs-2022 one, by slicing
// the bytes of the document: no part of it is serialised again. With previous
// ≥ 0 the document is hashed together with that proof, which binds both into a
// chain (Verifiable Credential Data Integrity 1.0 §2.1.2); with -1 it is hashed
// without any.
//
// It panics unless i and previous are proofs of d.
func (d Document) HashJCS(i, previous int) HashData {
	var h HashData
	s := sha256.New()

	p := d.proofs[i]
	s.Write(d.raw[p.whole.from:p.value.from])
	s.Write(d.raw[p.value.to:p.whole.to])
	s.Sum(h[:0])

	s.Reset()
	m := d.members[d.proof]
	if previous >= 0 {
		w := d.proofs[previous].whole
		s.Write(d.raw[:m.value.from+1]) // up to and with the bracket
		s.Write(d.raw[w.from:w.to])
		s.Write(d.raw[m.value.to-1:])
	} else {
		from, to := m.whole.from, m.whole.to
		if d.proof > 0 {
			from-- // the comma before
		} else if len(d.members) > 1 {
			to++ // the comma after
		}
		s.Write(d.raw[:from])
		s.Write(d.raw[to:])
	}
	s.Sum(h[:sha256.Size])
	return h
}

// Sign fills in p and signs unsecured with it, where unsecured is the canonical
// JSON of a document that carries no proof, or only the one p.Previous names.
// It returns the canonical JSON of the finished proof. Of p the caller sets
// Cryptosuite, Created, Purpose, and ID and Previous where wanted; of an rdfc
// proof Context stays out of the result.
//
// Sign with Cryptosuite RDFC costs milliseconds and must never meet bytes of a
// stranger: see HashRDFC.
func Sign(p Proof, unsecured []byte, key crypto.Signer) ([]byte, error) {
	public, ok := key.Public().(ed25519.PublicKey)
	if !ok {
		return nil, fmt.Errorf("sign: key is a %T, not Ed25519", key.Public())
	}
	p.Type = Type
	p.VerificationMethod = did.FromPublicKey(public).VerificationMethod()
	p.Value = ""
	var h HashData
	switch p.Cryptosuite {
	case JCS:
		config, err := Marshal(p)
		if err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		h = HashJCS(config, unsecured)
	case RDFC:
		var err error
		if h, err = HashRDFC(p, unsecured); err != nil {
			return nil, fmt.Errorf("sign: %w", err)
		}
		p.Context = nil
	default:
		return nil, fmt.Errorf("sign: cryptosuite %q", p.Cryptosuite)
	}
	signature, err := key.Sign(zero{}, h[:], crypto.Hash(0))
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	p.Value = "z" + base58.FastBase58Encoding(signature)
	return Marshal(p)
}

// zero is the randomness pure Ed25519 does not use.
type zero struct{}

func (zero) Read(p []byte) (int, error) { clear(p); return len(p), nil }

var _ io.Reader = zero{}

// Marshal returns the canonical JSON of v (RFC 8785). What comes out passes
// Parse as far as its form goes; its limits and values are the caller's affair.
func Marshal(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return Canonicalize(b)
}

// Canonicalize returns raw, any I-JSON text, in the form of RFC 8785.
func Canonicalize(raw []byte) ([]byte, error) {
	v := jsontext.Value(append([]byte(nil), raw...))
	if err := v.Canonicalize(); err != nil {
		return nil, fmt.Errorf("canonical JSON: %w", err)
	}
	return v, nil
}

// Unmarshal decodes canonical JSON that passed Parse into v, a pointer, and
// refuses members v has no field for.
func Unmarshal(raw []byte, v any) error {
	return json.Unmarshal(raw, v, strict)
}

// strict leaves out what the gate has checked already.
var strict = json.JoinOptions(
	json.RejectUnknownMembers(true),
	jsontext.AllowDuplicateNames(true),
	jsontext.AllowInvalidUTF8(true),
)
