// Package did holds the one DID method Essaim signs with, did:key for Ed25519.
//
// The text it obeys is "The did:key Method v0.7" (W3C CCG) with the Multikey
// encoding of "Controlled Identifiers 1.0" §2.2.2: "z" and the base58btc form
// of the two bytes 0xed 0x01 before the 32-byte public key.
package did

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"strings"

	"github.com/mr-tron/base58"
)

// DID names a person or a community: always a did:key of an Ed25519 key, 56
// characters long. The zero value names nobody.
type DID string

// Prefix begins every DID of an Ed25519 key.
const Prefix = "did:key:z6Mk"

const (
	method = "did:key:"
	// length is the exact length of a DID: 8 of "did:key:" and 48 of the key.
	length = 56
)

// ErrSyntax is wrapped by every error of Parse and ParseVerificationMethod.
var ErrSyntax = errors.New("not a did:key of an Ed25519 key")

// Parse returns s as a DID. It fails with ErrSyntax unless s decodes to a
// 32-byte key and is the only spelling of that key. It does not say whether
// the key is a point of the curve: verification does.
func Parse(s string) (DID, error) {
	if len(s) != length || !strings.HasPrefix(s, Prefix) {
		return "", fmt.Errorf("%q: %w", clip(s), ErrSyntax)
	}
	b, err := base58.FastBase58Decoding(s[len(method)+1:])
	if err != nil || len(b) != 34 || b[0] != 0xed || b[1] != 0x01 {
		return "", fmt.Errorf("%q: %w", clip(s), ErrSyntax)
	}
	return DID(s), nil
}

// FromPublicKey returns the DID of key, which must be 32 bytes long.
func FromPublicKey(key ed25519.PublicKey) DID {
	return DID(method + Multikey(key))
}

// Multikey returns the publicKeyMultibase of key, "z6Mk…".
func Multikey(key ed25519.PublicKey) string {
	b := make([]byte, 0, 34)
	b = append(b, 0xed, 0x01)
	return "z" + base58.FastBase58Encoding(append(b, key...))
}

// PublicKey returns the 32-byte key d stands for. It panics on a DID that did
// not come from Parse or FromPublicKey.
func (d DID) PublicKey() ed25519.PublicKey {
	b, err := base58.FastBase58Decoding(string(d[len(method)+1:]))
	if err != nil || len(b) != 34 {
		panic("did: PublicKey of an unparsed DID")
	}
	return b[2:]
}

// VerificationMethod returns the DID URL of the one key of d, "did:key:z…#z…".
func (d DID) VerificationMethod() string {
	return string(d) + "#" + string(d[len(method):])
}

// ParseVerificationMethod returns the DID whose key the DID URL s names. The
// fragment must repeat the key.
func ParseVerificationMethod(s string) (DID, error) {
	base, fragment, ok := strings.Cut(s, "#")
	d, err := Parse(base)
	if err != nil {
		return "", err
	}
	if !ok || fragment != base[len(method):] {
		return "", fmt.Errorf("verification method %q: %w", clip(s), ErrSyntax)
	}
	return d, nil
}

// Short is d for people: the first and last characters of the key, as in
// "z6Mkon3N…FbLfLX". It is no name: two DIDs may share it.
func (d DID) Short() string {
	if len(d) != length {
		return string(d)
	}
	k := string(d[len(method):])
	return k[:8] + "…" + k[len(k)-6:]
}

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
