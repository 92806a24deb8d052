// Package jose verifies what others signed as compact JWS.
//
// The texts it obeys are RFC 7515 (JWS), RFC 7517 and 7518 (keys and
// algorithms), RFC 8037 (Ed25519 in JOSE), and RFC 7468 for keys in PEM. It
// knows three algorithms, each tied to one kind of key, and signs nothing: the
// document chooses neither the kind of check nor whether there is one.
package jose

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Algorithms that are verified. Ed25519 is the name RFC 9864 gives to EdDSA.
const (
	RS256   = "RS256"
	ES256   = "ES256"
	EdDSA   = "EdDSA"
	Ed25519 = "Ed25519"
)

// MaxBytes bounds a compact JWS: a payload of 256 KiB in base64, and its header.
const MaxBytes = 384 << 10

// Faults of a JWS or a key. Every error of this package wraps one of them.
var (
	ErrForm      = errors.New("not a compact JWS")
	ErrAlgorithm = errors.New("algorithm is not RS256, ES256 or EdDSA")
	ErrCritical  = errors.New("header demands an extension")
	ErrKey       = errors.New("not a public key for signatures that is known here")
	ErrMismatch  = errors.New("key is of another algorithm")
	ErrSignature = errors.New("signature does not fit")
)

// Signed is a compact JWS. Nothing in it is believed before Verify.
type Signed struct {
	Header  Header
	Payload []byte // decoded

	input     []byte // header and payload as signed
	signature []byte
}

// Header is what the protected header says, of what is looked at.
type Header struct {
	Algorithm string         `json:"alg"`
	KeyID     string         `json:"kid,omitempty"`
	Key       jsontext.Value `json:"jwk,omitempty"`
	Type      string         `json:"typ,omitempty"`
	Content   string         `json:"cty,omitempty"`
	Critical  jsontext.Value `json:"crit,omitempty"`
}

// encoding is base64url without padding and with no bits left over, so that
// one signature has one spelling.
var encoding = base64.RawURLEncoding.Strict()

// Parse takes a compact JWS apart. An algorithm that is not one of ours is
// refused here, `none` and the symmetric ones among them: no later step can be
// talked into accepting them.
func Parse(compact []byte) (*Signed, error) {
	if len(compact) > MaxBytes {
		return nil, fmt.Errorf("%d bytes: %w", len(compact), ErrForm)
	}
	parts := bytes.Split(compact, []byte("."))
	if len(parts) != 3 {
		return nil, fmt.Errorf("%d parts: %w", len(parts), ErrForm)
	}
	s := &Signed{input: compact[:len(parts[0])+1+len(parts[1])]}
	header, err := decode(parts[0])
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	// Names in any case and twice are refused: another reader may see another header.
	if err := json.Unmarshal(header, &s.Header); err != nil {
		return nil, fmt.Errorf("header: %w: %w", ErrForm, err)
	}
	switch s.Header.Algorithm {
	case RS256, ES256, EdDSA, Ed25519:
	default:
		return nil, fmt.Errorf("%.20q: %w", s.Header.Algorithm, ErrAlgorithm)
	}
	if s.Header.Critical != nil {
		return nil, ErrCritical
	}
	if s.Payload, err = decode(parts[1]); err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if s.signature, err = decode(parts[2]); err != nil {
		return nil, fmt.Errorf("signature: %w", err)
	}
	return s, nil
}

func decode(part []byte) ([]byte, error) {
	// The decoder skips line ends.
	if bytes.ContainsAny(part, "\r\n") {
		return nil, ErrForm
	}
	b, err := encoding.AppendDecode(nil, part)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForm, err)
	}
	return b, nil
}

// Verify checks the signature by key, an *rsa.PublicKey, *ecdsa.PublicKey or
// ed25519.PublicKey that this package made: under 1 ms for the largest.
func (s *Signed) Verify(key crypto.PublicKey) error {
	digest := sha256.Sum256(s.input)
	fits := false
	switch key := key.(type) {
	case *rsa.PublicKey:
		if s.Header.Algorithm != RS256 {
			return mismatch(s, "an RSA key")
		}
		fits = rsa.VerifyPKCS1v15(key, crypto.SHA256, digest[:], s.signature) == nil
	case *ecdsa.PublicKey:
		if s.Header.Algorithm != ES256 {
			return mismatch(s, "a P-256 key")
		}
		// RFC 7518 §3.4: both numbers in 32 bytes, no ASN.1.
		fits = len(s.signature) == 64 && ecdsa.Verify(key, digest[:],
			new(big.Int).SetBytes(s.signature[:32]), new(big.Int).SetBytes(s.signature[32:]))
	case ed25519.PublicKey:
		if s.Header.Algorithm != EdDSA && s.Header.Algorithm != Ed25519 {
			return mismatch(s, "an Ed25519 key")
		}
		fits = len(key) == ed25519.PublicKeySize && ed25519.Verify(key, s.input, s.signature)
	default:
		return fmt.Errorf("%T: %w", key, ErrKey)
	}
	if !fits {
		return ErrSignature
	}
	return nil
}

func mismatch(s *Signed, what string) error {
	return fmt.Errorf("%s for %s: %w", what, s.Header.Algorithm, ErrMismatch)
}
