package jose

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/proof"
)

// RSA moduli in bits. Below, keys can be broken; above, verifying costs more
// than a badge is worth.
const (
	minRSA = 2048
	maxRSA = 8192
)

// jwk has the members that are looked at. D, P and K belong to secret keys.
type jwk struct {
	Type     string `json:"kty"`
	Use      string `json:"use,omitempty"`
	Curve    string `json:"crv,omitempty"`
	X        string `json:"x,omitempty"`
	Y        string `json:"y,omitempty"`
	Modulus  string `json:"n,omitempty"`
	Exponent string `json:"e,omitempty"`
	D        string `json:"d,omitempty"`
	P        string `json:"p,omitempty"`
	K        string `json:"k,omitempty"`
}

// ParseJWK returns the public key a JSON Web Key holds: RSA of 2048 to 8192
// bits, P-256 or Ed25519. A key that holds its secret, or one for encryption,
// is refused with ErrKey.
func ParseJWK(raw []byte) (crypto.PublicKey, error) {
	var k jwk
	if err := json.Unmarshal(raw, &k); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	if k.D != "" || k.P != "" || k.K != "" {
		return nil, fmt.Errorf("a secret is written in it: %w", ErrKey)
	}
	if k.Use != "" && k.Use != "sig" {
		return nil, fmt.Errorf("use %.20q: %w", k.Use, ErrKey)
	}
	switch {
	case k.Type == "RSA":
		n, errN := decode([]byte(k.Modulus))
		e, errE := decode([]byte(k.Exponent))
		if errN != nil || errE != nil || len(e) == 0 || len(e) > 4 || len(n) > maxRSA/8+1 {
			return nil, fmt.Errorf("RSA: %w", ErrKey)
		}
		return usable(&rsa.PublicKey{N: new(big.Int).SetBytes(n), E: int(new(big.Int).SetBytes(e).Int64())})
	case k.Type == "EC" && k.Curve == "P-256":
		x, errX := decode([]byte(k.X))
		y, errY := decode([]byte(k.Y))
		if errX != nil || errY != nil || len(x) != 32 || len(y) != 32 {
			return nil, fmt.Errorf("P-256: %w", ErrKey)
		}
		key, err := ecdsa.ParseUncompressedPublicKey(elliptic.P256(), append(append([]byte{4}, x...), y...))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", ErrKey, err)
		}
		return key, nil
	case k.Type == "OKP" && k.Curve == "Ed25519":
		x, err := decode([]byte(k.X))
		if err != nil {
			return nil, fmt.Errorf("Ed25519: %w", ErrKey)
		}
		return usable(ed25519.PublicKey(x))
	}
	return nil, fmt.Errorf("kind %.20q %.20q: %w", k.Type, k.Curve, ErrKey)
}

// ParsePEM returns the public key in the first block of a PEM text.
func ParsePEM(text []byte) (crypto.PublicKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, fmt.Errorf("no PEM: %w", ErrKey)
	}
	var key crypto.PublicKey
	var err error
	switch block.Type {
	case "PUBLIC KEY":
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	case "RSA PUBLIC KEY":
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	default:
		err = fmt.Errorf("a PEM block of %.40q", block.Type)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKey, err)
	}
	return usable(key)
}

func usable(key crypto.PublicKey) (crypto.PublicKey, error) {
	switch k := key.(type) {
	case *rsa.PublicKey:
		if bits := k.N.BitLen(); bits < minRSA || bits > maxRSA || k.E < 3 || k.E%2 == 0 || k.N.Bit(0) == 0 {
			return nil, fmt.Errorf("RSA of %d bits: %w", bits, ErrKey)
		}
		return key, nil
	case *ecdsa.PublicKey:
		if k.Curve == elliptic.P256() {
			return key, nil
		}
	case ed25519.PublicKey:
		if len(k) == ed25519.PublicKeySize && !proof.WeakKey(k) {
			return key, nil
		}
	}
	return nil, fmt.Errorf("%T: %w", key, ErrKey)
}
