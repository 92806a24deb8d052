package keyring

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Member is a person whose key the community looks after.
type Member struct {
	DID     did.DID
	Name    string
	Created time.Time // UTC, whole seconds
}

const maxName = 200 // bytes

// checkName refuses, with ErrName, what is no name to show in a list.
func checkName(name string) error {
	switch {
	case name == "":
		return fmt.Errorf("%w: it is empty", ErrName)
	case len(name) > maxName:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrName, maxName)
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		return fmt.Errorf("%w: it is not one line of UTF-8 text", ErrName)
	case strings.TrimSpace(name) != name:
		return fmt.Errorf("%w: it has spaces around it", ErrName)
	}
	return nil
}

// AddMember makes a key for a person of this name, without the spaces around
// it, and returns its DID once it is out of reach of a power cut. It works while
// locked, and so cannot know names: two members may share one. now is when the
// member joined.
func (k *Keyring) AddMember(name string, now time.Time) (did.DID, error) {
	name = strings.TrimSpace(name)
	if err := checkName(name); err != nil {
		return "", err
	}
	secret, err := newKey(memberRole)
	if err != nil {
		return "", err
	}
	secret.name, secret.created = name, now.UTC().Truncate(time.Second)
	k.write.Lock()
	defer k.write.Unlock()
	if len(k.present) >= MaxKeys {
		return "", fmt.Errorf("%s holds %d keys already, and cannot hold more", k.dir, MaxKeys)
	}
	if err := k.writeKey(secret); err != nil {
		secret.wipe()
		_ = os.Remove(k.file(secret.did)) // there when only making it durable failed
		return "", err
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	k.present[secret.did] = true
	if k.keys == nil {
		secret.wipe()
		return secret.did, nil
	}
	k.keys[secret.did] = secret
	return secret.did, nil
}

// Members returns the members, oldest first. It fails with ErrLocked, and with
// ErrDamaged when a member cannot be read: a list without him would have him
// added again under another DID.
func (k *Keyring) Members() ([]Member, error) {
	k.mu.RLock()
	defer k.mu.RUnlock()
	if k.keys == nil {
		return nil, ErrLocked
	}
	if err := k.anyDamage(); err != nil {
		return nil, err
	}
	var members []Member
	for _, secret := range k.keys {
		if secret.role == memberRole {
			members = append(members, Member{secret.did, secret.name, secret.created})
		}
	}
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.DID, b.DID))
	})
	return members, nil
}

// anyDamage returns what is wrong with every file that could not be read. The
// caller holds k.mu or k.write.
func (k *Keyring) anyDamage() error {
	var all []error
	for _, d := range slices.Sorted(maps.Keys(k.damaged)) {
		all = append(all, k.damaged[d])
	}
	return errors.Join(all...)
}

// FindMember returns the members of this name, oldest first, whatever its case.
// There may be none or several: asking which one is meant is the caller's part.
// It fails as Members does.
func (k *Keyring) FindMember(name string) ([]Member, error) {
	members, err := k.Members()
	name = strings.TrimSpace(name)
	return slices.DeleteFunc(members, func(m Member) bool { return !strings.EqualFold(m.Name, name) }), err
}

// Forget deletes the key of a member, locked or not, damaged or not. It fails
// with ErrNoKey when it is not here, and refuses the community's own.
//
// What this node signs with the key ends here. But a deleted file is not erased:
// nothing is overwritten, since file systems and flash disks write elsewhere
// than over the old bytes, and copies of the folder and backups made before
// still hold the key. What is left on the disk is encrypted; it is beyond
// recovery only when the master key and its passphrase are too.
func (k *Keyring) Forget(d did.DID) error {
	if d == k.issuer {
		return fmt.Errorf("%s is the community's own key, which is not deleted", d.Short())
	}
	k.write.Lock()
	defer k.write.Unlock()
	if !k.present[d] {
		return fmt.Errorf("%s: %w", d.Short(), ErrNoKey)
	}
	path := k.file(d)
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("forget: %w", err)
	}
	k.mu.Lock()
	if secret := k.keys[d]; secret != nil {
		secret.wipe()
	}
	delete(k.present, d)
	delete(k.keys, d)
	delete(k.damaged, d)
	k.mu.Unlock()
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("forget: %w", err)
	}
	return nil
}
