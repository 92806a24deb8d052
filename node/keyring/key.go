package keyring

import (
	"crypto/ed25519"
	"errors"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/did"
)

// role is who a key signs for. A folder holds one key of an issuer.
type role string

const (
	issuerRole role = "issuer" // the community
	memberRole role = "member" // a person whose key the community looks after
)

// key is a secret key in memory. Whoever holds the keyring's mu may read
// private; wipe needs it for writing.
type key struct {
	did     did.DID
	private ed25519.PrivateKey
	role    role
	name    string    // "" for the issuer
	created time.Time // UTC, whole seconds; zero for the issuer
}

// wipe overwrites the secret. Copies that Go's runtime, the JSON encoder or the
// system made of it, in freed memory or swap, are out of reach.
func (k *key) wipe() { clear(k.private) }

func public(private ed25519.PrivateKey) ed25519.PublicKey {
	return ed25519.PublicKey(private[ed25519.SeedSize:])
}

// keyText is a key as it stands in its encrypted file and in backups.
type keyText struct {
	DID     did.DID   `json:"did"`
	Seed    seed      `json:"seed"`
	Role    role      `json:"role"`
	Name    string    `json:"name,omitzero"`
	Created time.Time `json:"created,omitzero"`
}

func (k *key) text() keyText {
	t := keyText{DID: k.did, Role: k.role, Name: k.name, Created: k.created}
	copy(t.Seed[:], k.private)
	return t
}

// errKey says of the text of a key what does not reveal it: the JSON decoder's
// own errors quote what they read.
var errKey = errors.New("it does not hold a key this program can read")

// parseKey reads the text of a key. It takes only what text writes: the DID is
// that of the seed, and nothing is there that would be lost by writing it again.
func parseKey(plain []byte) (*key, error) {
	var t keyText
	defer clear(t.Seed[:])
	if err := json.Unmarshal(plain, &t, json.RejectUnknownMembers(true)); err != nil {
		return nil, errKey
	}
	return t.key()
}

// key checks t and returns the key it describes.
func (t *keyText) key() (*key, error) {
	private := ed25519.NewKeyFromSeed(t.Seed[:])
	k := &key{did: t.DID, private: private, role: t.Role, name: t.Name, created: t.Created.UTC()}
	switch {
	case did.FromPublicKey(public(private)) != t.DID:
	case !k.created.Equal(k.created.Truncate(time.Second)) || k.created.Year() < 0 || k.created.Year() > 9999:
	case t.Role == issuerRole && t.Name == "" && t.Created.IsZero():
		return k, nil
	case t.Role == memberRole && checkName(t.Name) == nil:
		return k, nil
	}
	k.wipe()
	return nil, errKey
}

// seed is an Ed25519 seed. Its text is the secretKeyMultibase of Controlled
// Identifiers 1.0 §2.2.2: "z" and the base58btc form of 0x80 0x26 and the seed,
// 48 characters that begin "z3u2".
type seed [ed25519.SeedSize]byte

const (
	base58   = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	seedText = 48 // characters, since 58^46 < 0x8026 << 256 < 58^47
)

// MarshalText implements encoding.TextMarshaler.
func (s seed) MarshalText() ([]byte, error) {
	number := append([]byte{0x80, 0x26}, s[:]...)
	defer clear(number)
	out := make([]byte, seedText)
	out[0] = 'z'
	for i := seedText - 1; i > 0; i-- {
		remainder := 0
		for j, b := range number {
			remainder = remainder<<8 | int(b)
			number[j], remainder = byte(remainder/58), remainder%58
		}
		out[i] = base58[remainder]
	}
	return out, nil
}

// UnmarshalText implements encoding.TextUnmarshaler. A seed has one spelling.
func (s *seed) UnmarshalText(text []byte) error {
	if len(text) != seedText || text[0] != 'z' {
		return errKey
	}
	var number [2 + ed25519.SeedSize]byte
	defer clear(number[:])
	for _, c := range text[1:] {
		carry := digit(c)
		if carry < 0 {
			return errKey
		}
		for j := len(number) - 1; j >= 0; j-- {
			carry += 58 * int(number[j])
			number[j], carry = byte(carry), carry>>8
		}
		if carry != 0 {
			return errKey
		}
	}
	if number[0] != 0x80 || number[1] != 0x26 {
		return errKey
	}
	copy(s[:], number[2:])
	return nil
}

func digit(c byte) int {
	for i := range len(base58) {
		if base58[i] == c {
			return i
		}
	}
	return -1
}
