package keyring

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/did"
)

const (
	backupVersion = 1
	// maxBackup bounds what Restore reads, in bytes: MaxKeys of the longest
	// names, escaped, with room to spare.
	maxBackup = 16 << 20
)

// backupText is what a backup holds, encrypted.
type backupText struct {
	Version int       `json:"version"`
	Issuer  did.DID   `json:"issuer"`
	Keys    []keyText `json:"keys"` // the issuer's among them, by DID
}

func (t *backupText) wipe() {
	for i := range t.Keys {
		clear(t.Keys[i].Seed[:])
	}
}

// Backup writes every key, with names and dates, as one age file under a
// passphrase of its own, which CheckPassphrase must accept. It fails with
// ErrLocked, and with ErrDamaged when a key cannot be read, rather than leave
// it out. Nothing is written to w unless all of it could be read; when writing
// fails, w has a part, which Restore refuses.
func (k *Keyring) Backup(w io.Writer, passphrase []byte) error {
	if err := CheckPassphrase(passphrase); err != nil {
		return err
	}
	raw, err := k.sealBackup(passphrase)
	if err != nil {
		return err
	}
	if _, err := w.Write(raw); err != nil {
		return fmt.Errorf("backup: %w", err)
	}
	return nil
}

func (k *Keyring) sealBackup(passphrase []byte) ([]byte, error) {
	k.write.Lock() // keeps the keys as they are
	defer k.write.Unlock()
	if k.keys == nil {
		return nil, ErrLocked
	}
	if err := k.anyDamage(); err != nil {
		return nil, err
	}
	t := backupText{Version: backupVersion, Issuer: k.issuer}
	for _, secret := range k.keys {
		t.Keys = append(t.Keys, secret.text())
	}
	defer t.wipe()
	slices.SortFunc(t.Keys, func(a, b keyText) int { return cmp.Compare(a.DID, b.DID) })
	plain, err := json.Marshal(&t)
	if err != nil {
		return nil, errors.New("backup: the keys cannot be written")
	}
	defer clear(plain)
	return encryptUnder(passphrase, plain)
}

// Restore makes the folder dir of a backup, as Create would: the keys are the
// backup's, the master key and its protection p are new. It returns the keys
// unlocked. It fails with ErrWrongPassphrase, with ErrDamaged, and as Create
// does, and leaves no folder then.
func Restore(r io.Reader, passphrase []byte, dir string, p Protection) (*Keyring, error) {
	raw, err := io.ReadAll(io.LimitReader(r, maxBackup+1))
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	if len(raw) > maxBackup {
		return nil, badBackup(fmt.Sprintf("it is longer than %d MiB", maxBackup>>20))
	}
	plain, err := decryptUnder(passphrase, raw)
	if errors.Is(err, errCipher) {
		return nil, badBackup(errCipher.Error())
	}
	if err != nil {
		return nil, fmt.Errorf("backup: %w", err)
	}
	defer clear(plain)
	issuer, keys, err := parseBackup(plain)
	if err != nil {
		return nil, err
	}
	k, err := build(dir, p, issuer, keys)
	if err != nil {
		wipeAll(keys)
		return nil, err
	}
	return k, nil
}

func badBackup(why string) error {
	return fmt.Errorf("the backup is %w: %s: try another copy of it", ErrDamaged, why)
}

// parseBackup reads what a backup holds: keys of which each is whole, none is
// twice, and one is the issuer's.
func parseBackup(plain []byte) (did.DID, map[did.DID]*key, error) {
	var t backupText
	defer t.wipe()
	if err := json.Unmarshal(plain, &t, json.RejectUnknownMembers(true)); err != nil || t.Version != backupVersion {
		return "", nil, badBackup("it does not hold keys this program can read; a later version may have made it")
	}
	if len(t.Keys) > MaxKeys {
		return "", nil, badBackup(fmt.Sprintf("it holds more than %d keys", MaxKeys))
	}
	keys := make(map[did.DID]*key, len(t.Keys))
	for i := range t.Keys {
		secret, err := t.Keys[i].key()
		if err != nil || keys[secret.did] != nil || (secret.role == issuerRole) != (secret.did == t.Issuer) {
			wipeAll(keys)
			return "", nil, badBackup(fmt.Sprintf("key %d of %d is wrong or there twice", i+1, len(t.Keys)))
		}
		keys[secret.did] = secret
	}
	if keys[t.Issuer] == nil {
		wipeAll(keys)
		return "", nil, badBackup("the key of the community is missing")
	}
	return t.Issuer, keys, nil
}
