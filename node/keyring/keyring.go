// Package keyring keeps the secret keys of a community: the key it issues with
// and the keys it looks after for its members, all encrypted in one folder.
//
// The folder holds, each file with mode 0600:
//
//	issuer.did      the DID of the community, in the open
//	recipient.txt   the public half of the master key, an age X25519 recipient
//	master.age      the master key under a passphrase (age, scrypt), or else
//	keyfile.path    where the file stands that holds the master key in the open
//	z6Mk….age       one secret key, encrypted to recipient.txt; its public key is the name
//
// A secret key's file holds its name too, so names of people are readable only
// when unlocked, and a member is added without unlocking: the files are their
// own index. Who steals the folder alone learns the community's DID, how many
// keys it keeps, their public keys, and when the files were written. Who can
// write to the folder can destroy keys, and can have the keys of future members
// encrypted to himself by replacing recipient.txt; the next Unlock finds out.
//
// Everything is an ordinary age file (age-encryption.org/v1): with the
// passphrase, the age command reads it without this program.
//
// One process at a time may have a folder open; the lock of the data folder
// around it sees to that.
package keyring

import (
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"filippo.io/age"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Sentinels, matched with errors.Is. What wraps them says what to do. No error
// of this package contains a secret or the name of a person.
var (
	// ErrNone: the folder holds no keys.
	ErrNone = errors.New("no keys here yet: run essaim setup")
	// ErrExists: there are keys already, and they are never replaced.
	ErrExists = errors.New("there are keys already")
	// ErrLocked: the keys are encrypted until Unlock.
	ErrLocked = errors.New("the keys are locked")
	// ErrWrongPassphrase: the passphrase is not the one. Nothing was changed.
	ErrWrongPassphrase = errors.New("wrong passphrase")
	// ErrPassphrase: the passphrase is not fit to protect keys.
	ErrPassphrase = errors.New("unfit passphrase")
	// ErrKeyFile: the key file cannot be used.
	ErrKeyFile = errors.New("unfit key file")
	// ErrNoKey: the secret key of this DID is not here.
	ErrNoKey = errors.New("the secret key is not on this node")
	// ErrName: a member cannot be called this.
	ErrName = errors.New("unfit name")
	// ErrDamaged: a file is not what was written.
	ErrDamaged = errors.New("damaged")
)

// MaxKeys is how many keys a folder may hold. Unlocking reads them all, which
// takes about 0.2 ms and 0.3 KiB each.
const MaxKeys = 10_000

const (
	issuerFile    = "issuer.did"
	recipientFile = "recipient.txt"
	masterFile    = "master.age"
	pathFile      = "keyfile.path"
	suffix        = ".age"
	method        = "did:key:"
)

// Keyring is an open folder of keys. Its methods may be called concurrently.
type Keyring struct {
	// Set by Create, Open or Restore and never changed.
	dir       string
	issuer    did.DID
	recipient *age.X25519Recipient
	keyFile   string // "" when a passphrase protects the keys

	// write is held by whoever changes the folder, the set of keys or the lock,
	// across disk and scrypt: there is at most one scrypt at a time. It is
	// taken before mu. Signing never waits for it.
	write sync.Mutex

	// mu guards what follows, and is never held across disk or scrypt. Who
	// changes these holds write too, so the holder of write may read them.
	mu      sync.RWMutex
	present map[did.DID]bool  // the keys that have a file
	keys    map[did.DID]*key  // the keys that could be read; nil while locked
	damaged map[did.DID]error // why the others could not; empty while locked
}

// Create makes the folder dir, the community's key in it, and returns it
// unlocked. It fails with ErrExists when dir holds anything, with ErrPassphrase
// or ErrKeyFile when p is unfit. The folder appears whole or not at all.
func Create(dir string, p Protection) (*Keyring, did.DID, error) {
	issuer, err := newKey(issuerRole)
	if err != nil {
		return nil, "", err
	}
	k, err := build(dir, p, issuer.did, map[did.DID]*key{issuer.did: issuer})
	if err != nil {
		issuer.wipe()
		return nil, "", err
	}
	return k, issuer.did, nil
}

// Open returns the keys in dir: locked when a passphrase protects them, unlocked
// when a key file does. It fails with ErrNone when there are none, with
// ErrKeyFile when the key file is missing or others may read it, and with
// ErrDamaged. It deletes what an interrupted write left behind, so nobody else may
// be making or using the folder.
func Open(dir string) (*Keyring, error) {
	dir = filepath.Clean(dir)
	sweep(dir)
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && len(entries) == 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrNone)
	}
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	k := &Keyring{dir: dir, present: map[did.DID]bool{}}
	files := map[string]bool{}
	for _, e := range entries {
		files[e.Name()] = true
		if d, err := did.Parse(method + strings.TrimSuffix(e.Name(), suffix)); err == nil && strings.HasSuffix(e.Name(), suffix) {
			k.present[d] = true
		}
	}
	if len(k.present) > MaxKeys {
		return nil, fmt.Errorf("%s holds %d keys, more than the %d this program reads", dir, len(k.present), MaxKeys)
	}
	if err := k.readPublic(); err != nil {
		return nil, err
	}
	switch {
	case !k.present[k.issuer]:
		return nil, damaged(k.file(k.issuer), "the key of the community is missing")
	case files[masterFile] == files[pathFile]:
		return nil, damaged(dir, "it needs either "+masterFile+" or "+pathFile)
	case files[masterFile]:
		return k, nil
	}
	path, err := readLine(filepath.Join(dir, pathFile))
	if err != nil {
		return nil, err
	}
	if !filepath.IsAbs(path) {
		return nil, damaged(filepath.Join(dir, pathFile), "it does not hold the path of a file")
	}
	k.keyFile = path
	if err := k.Unlock(nil); err != nil {
		return nil, err
	}
	return k, nil
}

// readPublic reads what stands in the open.
func (k *Keyring) readPublic() error {
	path := filepath.Join(k.dir, issuerFile)
	line, err := readLine(path)
	if err != nil {
		return err
	}
	if k.issuer, err = did.Parse(line); err != nil {
		return damaged(path, "it does not hold a DID")
	}
	path = filepath.Join(k.dir, recipientFile)
	if line, err = readLine(path); err != nil {
		return err
	}
	if k.recipient, err = age.ParseX25519Recipient(line); err != nil {
		return damaged(path, "it does not hold an age recipient")
	}
	return nil
}

// Issuer returns the DID of the community. It is known while locked.
func (k *Keyring) Issuer() did.DID { return k.issuer }

// KeyFile returns where the key file stands that protects the keys, or "" when a
// passphrase does.
func (k *Keyring) KeyFile() string { return k.keyFile }

// Has reports whether the secret key of d is here. It is known while locked.
func (k *Keyring) Has(d did.DID) bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.present[d]
}

// Locked reports whether Unlock is needed before signing.
func (k *Keyring) Locked() bool {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.keys == nil
}

// file returns the path of the file of a key.
func (k *Keyring) file(d did.DID) string {
	return filepath.Join(k.dir, strings.TrimPrefix(string(d), method)+suffix)
}

// newKey makes a key from the system's randomness.
func newKey(r role) (*key, error) {
	var s seed
	if _, err := rand.Read(s[:]); err != nil {
		return nil, fmt.Errorf("new key: %w", err)
	}
	defer clear(s[:])
	private := ed25519.NewKeyFromSeed(s[:])
	return &key{did: did.FromPublicKey(public(private)), private: private, role: r}, nil
}
