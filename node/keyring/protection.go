package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime/debug"
	"strings"
	"unicode/utf8"

	"filippo.io/age"
)

// Protection is what keeps the master key. Exactly one field is set.
type Protection struct {
	// Passphrase encrypts the master key. CheckPassphrase says which will do.
	Passphrase []byte
	// KeyFile is where the master key stands in the open, so that a node starts
	// without anybody there: a file outside the folder of the keys, best on
	// another disk, that only its owner may read. It is made unless it exists; an
	// existing one must hold one age X25519 identity, as age-keygen writes it.
	KeyFile string
}

// scryptLogN is the base-2 logarithm of scrypt's cost: 2^16 blocks of 1 KiB are
// 64 MiB and about 0.2 s. The age command's own choice, 18, takes 256 MiB, more
// than the 200 MB a node may use in all. Files of a higher cost are not read,
// so a forged backup cannot take more memory either.
const scryptLogN = 16

// workFactor is scryptLogN but in tests.
var workFactor = scryptLogN

// Bounds of a passphrase.
const (
	minPassphrase = 8    // characters
	maxPassphrase = 1024 // bytes
)

// CheckPassphrase says whether a passphrase may protect keys: UTF-8, at least 8
// characters that are not all the same, at most 1024 bytes. Its error is an
// ErrPassphrase. The bytes count as they are: spaces and case matter, and an
// accented letter in another Unicode form is another passphrase.
func CheckPassphrase(passphrase []byte) error {
	first, _ := utf8.DecodeRune(passphrase)
	switch {
	case !utf8.Valid(passphrase):
		return fmt.Errorf("%w: it is not UTF-8 text", ErrPassphrase)
	case utf8.RuneCount(passphrase) < minPassphrase:
		return fmt.Errorf("%w: it needs at least %d characters; four or five words are easy to keep in mind", ErrPassphrase, minPassphrase)
	case len(passphrase) > maxPassphrase:
		return fmt.Errorf("%w: it is longer than %d bytes", ErrPassphrase, maxPassphrase)
	case len(bytes.Trim(passphrase, string(first))) == 0:
		return fmt.Errorf("%w: it is one character over and over", ErrPassphrase)
	}
	return nil
}

// check refuses a protection unfit for the folder dir.
func (p *Protection) check(dir string) error {
	if p.KeyFile == "" {
		return CheckPassphrase(p.Passphrase)
	}
	if len(p.Passphrase) > 0 {
		return fmt.Errorf("%w: give a passphrase or a key file, not both", ErrKeyFile)
	}
	path, err := filepath.Abs(p.KeyFile)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if strings.ContainsAny(path, "\r\n") {
		return fmt.Errorf("%w: its path has a line break", ErrKeyFile)
	}
	if dir, err = filepath.Abs(dir); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	if inside, err := filepath.Rel(dir, path); err == nil && filepath.IsLocal(inside) {
		return fmt.Errorf("%w: %s stands among the keys it opens: choose a place outside %s", ErrKeyFile, path, dir)
	}
	p.KeyFile = path
	return nil
}

// install puts the master key in place for the folder dir, and returns its
// public half. undo removes a key file that was made.
func (p *Protection) install(dir string) (recipient *age.X25519Recipient, undo func(), err error) {
	undo = func() {}
	if p.KeyFile != "" {
		if err := writeFile(filepath.Join(dir, pathFile), []byte(p.KeyFile+"\n")); err != nil {
			return nil, nil, err
		}
		master, err := readKeyFile(p.KeyFile)
		if err == nil {
			return master.Recipient(), undo, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return nil, nil, err
		}
		undo = func() { _ = os.Remove(p.KeyFile) }
	}
	master, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, nil, fmt.Errorf("master key: %w", err)
	}
	if p.KeyFile != "" {
		err = writeKeyFile(p.KeyFile, master)
	} else {
		err = writeMaster(filepath.Join(dir, masterFile), master, p.Passphrase)
	}
	return master.Recipient(), undo, err
}

func writeKeyFile(path string, master *age.X25519Identity) error {
	text := []byte("# Whoever reads this file can sign as the community. Keep it apart from the backups.\n" +
		"# public key: " + master.Recipient().String() + "\n" + master.String() + "\n")
	defer clear(text)
	if err := writeFile(path, text); err != nil {
		return fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	return nil
}

// readKeyFile returns the master key of a key file that its owner alone may read.
func readKeyFile(path string) (*age.X25519Identity, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return nil, fmt.Errorf("%w: %s is not a file", ErrKeyFile, path)
	case mode.Perm()&0o077 != 0:
		return nil, fmt.Errorf("%w: others may read or write %s (mode %04o): run chmod 600 %s", ErrKeyFile, path, mode.Perm(), path)
	case info.Size() > maxFile:
		return nil, fmt.Errorf("%w: %s is longer than %d bytes", ErrKeyFile, path, maxFile)
	}
	raw := make([]byte, info.Size())
	defer clear(raw)
	n, err := f.ReadAt(raw, 0)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrKeyFile, err)
	}
	// What age says of a bad file may quote it.
	found, err := age.ParseIdentities(bytes.NewReader(raw[:n]))
	if err == nil && len(found) == 1 {
		if master, ok := found[0].(*age.X25519Identity); ok {
			return master, nil
		}
	}
	return nil, fmt.Errorf("%w: %s does not hold exactly one age X25519 identity", ErrKeyFile, path)
}

func writeMaster(path string, master *age.X25519Identity, passphrase []byte) error {
	text := []byte(master.String())
	defer clear(text)
	raw, err := encryptUnder(passphrase, text)
	if err != nil {
		return err
	}
	return writeFile(path, raw)
}

// master returns the master key. The passphrase counts only where one protects
// it. The caller holds k.write.
func (k *Keyring) master(passphrase []byte) (*age.X25519Identity, error) {
	var (
		master *age.X25519Identity
		err    error
	)
	if k.keyFile != "" {
		master, err = readKeyFile(k.keyFile)
	} else {
		master, err = readMaster(filepath.Join(k.dir, masterFile), passphrase)
	}
	if err != nil {
		return nil, err
	}
	if master.Recipient().String() != k.recipient.String() {
		return nil, damaged(filepath.Join(k.dir, recipientFile), "it does not belong to the master key")
	}
	return master, nil
}

func readMaster(path string, passphrase []byte) (*age.X25519Identity, error) {
	raw, err := readFile(path)
	if err != nil {
		return nil, err
	}
	text, err := decryptUnder(passphrase, raw)
	if errors.Is(err, errCipher) {
		return nil, damaged(path, errCipher.Error())
	}
	if err != nil {
		return nil, err
	}
	defer clear(text)
	master, err := age.ParseX25519Identity(string(text))
	if err != nil {
		return nil, damaged(path, "it does not hold a master key")
	}
	return master, nil
}

// ChangePassphrase protects the keys by another passphrase, with the old one as
// proof. It fails with ErrWrongPassphrase or ErrPassphrase, and changes nothing
// then. Keys stay locked or unlocked as they were. An older copy of the folder
// still opens with the old passphrase: when that one is known to somebody who
// may have a copy, the keys must be replaced, not the passphrase.
func (k *Keyring) ChangePassphrase(old, next []byte) error {
	if k.keyFile != "" {
		return fmt.Errorf("a key file protects these keys, not a passphrase: %w", ErrPassphrase)
	}
	if err := CheckPassphrase(next); err != nil {
		return err
	}
	k.write.Lock()
	defer k.write.Unlock()
	master, err := k.master(old)
	if err != nil {
		return err
	}
	return writeMaster(filepath.Join(k.dir, masterFile), master, next)
}

// encryptUnder encrypts under a passphrase, with 64 MiB of memory that it gives
// back to the system.
func encryptUnder(passphrase, plain []byte) ([]byte, error) {
	defer debug.FreeOSMemory() // or two in a row would hold twice as much
	to, err := age.NewScryptRecipient(string(passphrase))
	if err != nil {
		return nil, fmt.Errorf("%w: it is empty", ErrPassphrase)
	}
	to.SetWorkFactor(workFactor)
	return encrypt(plain, to)
}

// decryptUnder is the inverse of encryptUnder, with the errors of decrypt.
func decryptUnder(passphrase, raw []byte) ([]byte, error) {
	defer debug.FreeOSMemory()
	with, err := age.NewScryptIdentity(string(passphrase))
	if err != nil {
		return nil, ErrWrongPassphrase
	}
	with.SetMaxWorkFactor(workFactor)
	return decrypt(raw, with)
}
