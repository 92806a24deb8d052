package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"
	"github.com/google/renameio/v2"

	"codeberg.org/essaim/essaim/protocol/did"
)

// maxFile bounds what is read of any one file of the folder, in bytes. A key of
// the longest name takes less than 1 KiB.
const maxFile = 16 << 10

// staging is what the name of a folder in the making begins with, beside the
// folder it will become.
const staging = ".unfinished-"

// damaged is an ErrDamaged that names the file. The decoders' own errors stay
// out of it, since they quote what they read.
func damaged(path, why string) error {
	return fmt.Errorf("%s is %w: %s: put back an older copy of it, or restore a backup of the keys", path, ErrDamaged, why)
}

// build makes the folder dir of these keys, protected by p, and takes the keys
// over when it succeeds. Everything is written beside dir and appears there by
// one rename, so a crash leaves either no keys or all of them.
func build(dir string, p Protection, issuer did.DID, keys map[did.DID]*key) (*Keyring, error) {
	dir = filepath.Clean(dir)
	if entries, err := os.ReadDir(dir); err == nil && len(entries) > 0 {
		return nil, fmt.Errorf("%s: %w", dir, ErrExists)
	}
	if err := p.check(dir); err != nil {
		return nil, err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	stage, err := os.MkdirTemp(parent, staging+filepath.Base(dir)+"-") // mode 0700
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer func() { _ = os.RemoveAll(stage) }() // gone when all went well
	recipient, undo, err := p.install(stage)
	if err != nil {
		return nil, err
	}
	k := &Keyring{dir: stage, issuer: issuer, recipient: recipient, keyFile: p.KeyFile, present: map[did.DID]bool{}, keys: keys}
	if err := k.publish(dir); err != nil {
		undo()
		return nil, err
	}
	k.dir = dir
	if err := syncDir(parent); err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	return k, nil
}

// publish writes everything but the master key to k.dir and renames it to dir.
func (k *Keyring) publish(dir string) error {
	for d, secret := range k.keys {
		if err := k.writeKey(secret); err != nil {
			return err
		}
		k.present[d] = true
	}
	if err := writeFile(filepath.Join(k.dir, recipientFile), []byte(k.recipient.String()+"\n")); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(k.dir, issuerFile), []byte(string(k.issuer)+"\n")); err != nil {
		return err
	}
	// os.Rename refuses to replace even an empty folder.
	if info, err := os.Lstat(dir); err == nil && info.IsDir() {
		_ = os.Remove(dir)
	}
	if err := os.Rename(k.dir, dir); err != nil {
		if entries, e := os.ReadDir(dir); e == nil && len(entries) > 0 {
			return fmt.Errorf("%s: %w", dir, ErrExists)
		}
		return fmt.Errorf("keys: %w", err)
	}
	return nil
}

// sweep deletes what a crash left behind in dir and beside it: files and folders
// that were never renamed into place. It is tidiness, so what it cannot delete,
// on a read-only disk for one, stays.
func sweep(dir string) {
	unfinished, _ := os.ReadDir(filepath.Dir(dir))
	for _, e := range unfinished {
		if e.IsDir() && strings.HasPrefix(e.Name(), staging+filepath.Base(dir)+"-") {
			_ = os.RemoveAll(filepath.Join(filepath.Dir(dir), e.Name()))
		}
	}
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		// Package renameio calls them "." + name + digits.
		if base, ok := strings.CutPrefix(strings.TrimRight(e.Name(), "0123456789"), "."); ok && e.Type().IsRegular() && strings.HasSuffix(base, suffix) {
			_ = os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// writeFile replaces path by data at once and for good: when it returns nil, a
// power cut no longer undoes it, and at no time does path hold half of it.
func writeFile(path string, data []byte) error {
	// Not renameio.WriteFile, which would keep the mode of a file already there.
	f, err := renameio.NewPendingFile(path, renameio.WithTempDir(filepath.Dir(path)), renameio.WithStaticPermissions(0o600))
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	defer func() { _ = f.Cleanup() }() // nothing left to clean when all went well
	if _, err := f.Write(data); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := f.CloseAtomicallyReplace(); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := syncDir(filepath.Dir(path)); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

// syncDir makes what was renamed or removed in dir survive a power cut.
func syncDir(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// readFile returns the bytes of a file of the folder.
func readFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil, damaged(path, "it is missing")
	}
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if err != nil {
		return nil, fmt.Errorf("keys: %w", err)
	}
	if len(raw) > maxFile {
		return nil, damaged(path, "it is longer than this program writes")
	}
	return raw, nil
}

// readLine returns the one line of a file.
func readLine(path string) (string, error) {
	raw, err := readFile(path)
	return strings.TrimSuffix(string(raw), "\n"), err
}

// encrypt returns plain as an age file.
func encrypt(plain []byte, to age.Recipient) ([]byte, error) {
	var b bytes.Buffer
	w, err := age.Encrypt(&b, to)
	if err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if _, err := w.Write(plain); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	if err := w.Close(); err != nil {
		return nil, fmt.Errorf("encrypt: %w", err)
	}
	return b.Bytes(), nil
}

// errCipher says that a file is no age file, was cut short or was altered.
var errCipher = errors.New("it is cut short or altered")

// decrypt returns the plaintext of an age file. It fails with ErrWrongPassphrase
// when the file is under another passphrase, with errCipher otherwise.
func decrypt(raw []byte, with age.Identity) ([]byte, error) {
	r, err := age.Decrypt(bytes.NewReader(raw), with)
	var mismatch *age.NoIdentityMatchError
	if errors.As(err, &mismatch) && slices.Equal(mismatch.StanzaTypes, []string{"scrypt"}) {
		return nil, ErrWrongPassphrase
	}
	if err != nil {
		return nil, errCipher
	}
	// One buffer, no longer than the file, so that wiping it leaves no copies.
	plain := bytes.NewBuffer(make([]byte, 0, len(raw)+bytes.MinRead))
	if _, err := plain.ReadFrom(r); err != nil {
		clear(plain.Bytes())
		return nil, errCipher
	}
	return plain.Bytes(), nil
}
