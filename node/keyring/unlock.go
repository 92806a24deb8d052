package keyring

import (
	"crypto"
	"crypto/ed25519"
	"fmt"
	"io"

	"filippo.io/age"
	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Unlock reads every key into memory, where it stays until Lock. It fails with
// ErrWrongPassphrase and changes nothing then. Where a key file protects the
// keys, the passphrase is ignored and the file read again.
//
// A damaged file of a member does not stop the community from signing: Signer
// and Members report it. A damaged file of the community's key does.
//
// Cost: 64 MiB for some 0.2 s, and 0.2 ms a key. Calls wait for each other.
func (k *Keyring) Unlock(passphrase []byte) error {
	k.write.Lock()
	defer k.write.Unlock()
	master, err := k.master(passphrase)
	if err != nil {
		return err
	}
	keys, broken := map[did.DID]*key{}, map[did.DID]error{}
	for d := range k.present {
		secret, err := k.readKey(d, master)
		if err != nil {
			broken[d] = err
			continue
		}
		keys[d] = secret
	}
	if err := broken[k.issuer]; err != nil {
		wipeAll(keys)
		return err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	wipeAll(k.keys)
	k.keys, k.damaged = keys, broken
	return nil
}

// Lock forgets the keys until Unlock. Signers handed out before fail with
// ErrLocked from now on. It waits for an Unlock under way.
func (k *Keyring) Lock() {
	k.write.Lock()
	defer k.write.Unlock()
	k.mu.Lock()
	defer k.mu.Unlock()
	wipeAll(k.keys)
	k.keys, k.damaged = nil, nil
}

func wipeAll(keys map[did.DID]*key) {
	for _, secret := range keys {
		secret.wipe()
	}
}

// Signer returns the key of d to sign with. It fails with ErrNoKey when it is
// not here, locked or not, with ErrLocked, or with ErrDamaged. The signer holds
// no secret: it asks the keyring each time, and fails after Lock or Forget as
// Signer would.
func (k *Keyring) Signer(d did.DID) (crypto.Signer, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if _, err := k.secret(d); err != nil {
		return nil, err
	}
	return &signer{k, d, d.PublicKey()}, nil
}

// secret returns the key of d. The caller holds k.mu.
func (k *Keyring) secret(d did.DID) (*key, error) {
	switch {
	case !k.present[d]:
		return nil, fmt.Errorf("%s: %w", d.Short(), ErrNoKey)
	case k.keys == nil:
		return nil, ErrLocked
	case k.damaged[d] != nil:
		return nil, k.damaged[d]
	}
	return k.keys[d], nil
}

type signer struct {
	keyring *Keyring
	did     did.DID
	public  ed25519.PublicKey
}

// Public implements crypto.Signer. It returns an ed25519.PublicKey.
func (s *signer) Public() crypto.PublicKey { return s.public }

// Sign implements crypto.Signer as ed25519.PrivateKey does, for messages, not
// digests: opts.HashFunc() is zero. Ed25519 needs no randomness.
func (s *signer) Sign(random io.Reader, message []byte, opts crypto.SignerOpts) ([]byte, error) {
	s.keyring.mu.RLock()
	defer s.keyring.mu.RUnlock()
	secret, err := s.keyring.secret(s.did)
	if err != nil {
		return nil, err
	}
	return secret.private.Sign(random, message, opts)
}

// writeKey writes the file of a key.
func (k *Keyring) writeKey(secret *key) error {
	plain, err := json.Marshal(secret.text())
	if err != nil {
		return fmt.Errorf("key %s: it cannot be written", secret.did.Short())
	}
	defer clear(plain)
	raw, err := encrypt(plain, k.recipient)
	if err != nil {
		return fmt.Errorf("key %s: %w", secret.did.Short(), err)
	}
	return writeFile(k.file(secret.did), raw)
}

// readKey reads the file of a key, and takes it only for the key it is named
// after and the role that key has here.
func (k *Keyring) readKey(d did.DID, master *age.X25519Identity) (*key, error) {
	path := k.file(d)
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	plain, err := decrypt(raw, master)
	if err != nil {
		return nil, damaged(path, errCipher.Error())
	}
	defer clear(plain)
	secret, err := parseKey(plain)
	if err != nil {
		return nil, damaged(path, err.Error())
	}
	if secret.did != d || (secret.role == issuerRole) != (d == k.issuer) {
		secret.wipe()
		return nil, damaged(path, "it holds another key than its name says")
	}
	return secret, nil
}
