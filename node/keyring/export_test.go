package keyring

import (
	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/did"
)

// ScryptLogN is the work factor outside tests.
const ScryptLogN = scryptLogN

// SetWorkFactor makes scrypt cheap for tests and returns what it was.
func SetWorkFactor(logN int) (old int) {
	old, workFactor = workFactor, logN
	return old
}

// Seed returns the secret of d, to look for where it must not be.
func (k *Keyring) Seed(d did.DID) []byte {
	return k.keys[d].private.Seed()
}

// SeedText is the secretKeyMultibase of s.
func SeedText(s []byte) string {
	b, _ := seed(s).MarshalText()
	return string(b)
}

// ParseSeed is the inverse of SeedText.
func ParseSeed(s string) ([]byte, error) {
	var out seed
	err := out.UnmarshalText([]byte(s))
	return out[:], err
}

// RewriteKey parses the text of a key and writes it again.
func RewriteKey(plain []byte) ([]byte, error) {
	k, err := parseKey(plain)
	if err != nil {
		return nil, err
	}
	return json.Marshal(k.text())
}

// ParseBackup returns the issuer and the number of keys in a decrypted backup.
func ParseBackup(plain []byte) (did.DID, int, error) {
	issuer, keys, err := parseBackup(plain)
	return issuer, len(keys), err
}

// EncryptUnder makes a backup of any text.
func EncryptUnder(passphrase, plain []byte) ([]byte, error) { return encryptUnder(passphrase, plain) }

// DecryptUnder opens one.
func DecryptUnder(passphrase, raw []byte) ([]byte, error) { return decryptUnder(passphrase, raw) }
