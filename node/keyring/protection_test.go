package keyring_test

import (
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/did"
)

func TestCheckPassphrase(t *testing.T) {
	for _, c := range []struct {
		passphrase string
		fit        bool
		why        string
	}{
		{"", false, "empty"},
		{"éléphan", false, "7 characters in 9 bytes"},
		{"éléphant", true, "8 characters"},
		{"aaaaaaaaaaaa", false, "one character"},
		{"éééééééééééé", false, "one character of two bytes"},
		{"latin1 \xe9t\xe9 calme", false, "not UTF-8"},
		{strings.Repeat("ab", 512), true, "the longest"},
		{strings.Repeat("ab", 513), false, "too long"},
	} {
		err := keyring.CheckPassphrase([]byte(c.passphrase))
		if (err == nil) != c.fit || err != nil && !errors.Is(err, keyring.ErrPassphrase) {
			t.Errorf("%s: %v, want fit %v", c.why, err, c.fit)
		}
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if _, _, err := keyring.Create(dir, keyring.Protection{}); !errors.Is(err, keyring.ErrPassphrase) {
		t.Errorf("Create without protection: %v, want ErrPassphrase", err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a refused Create left the folder: %v", err)
	}
}

func TestWrongPassphraseChangesNothing(t *testing.T) {
	k, dir := create(t)
	add(t, k, "Soizic")
	k = open(t, dir)
	before := files(t, dir)
	for what, err := range map[string]error{
		"Unlock":                   k.Unlock(another),
		"Unlock with nothing":      k.Unlock(nil),
		"ChangePassphrase":         k.ChangePassphrase(another, another),
		"ChangePassphrase, locked": k.ChangePassphrase(nil, another),
	} {
		if !errors.Is(err, keyring.ErrWrongPassphrase) {
			t.Errorf("%s: %v, want ErrWrongPassphrase", what, err)
		}
	}
	if err := k.ChangePassphrase(passphrase, []byte("court")); !errors.Is(err, keyring.ErrPassphrase) {
		t.Errorf("ChangePassphrase to a short one: %v, want ErrPassphrase", err)
	}
	if !k.Locked() || !maps.Equal(before, files(t, dir)) {
		t.Error("a wrong passphrase changed something")
	}
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	if err := k.Unlock(another); !errors.Is(err, keyring.ErrWrongPassphrase) || k.Locked() {
		t.Errorf("a wrong passphrase when unlocked: %v, locked %v; want ErrWrongPassphrase and unlocked", err, k.Locked())
	}
	signs(t, k, k.Issuer())
}

func TestChangePassphrase(t *testing.T) {
	k, dir := create(t)
	soizic := add(t, k, "Soizic")
	if err := k.ChangePassphrase(passphrase, another); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	if err := k.Unlock(passphrase); !errors.Is(err, keyring.ErrWrongPassphrase) {
		t.Errorf("the old passphrase: %v, want ErrWrongPassphrase", err)
	}
	if err := k.Unlock(another); err != nil {
		t.Fatal(err)
	}
	signs(t, k, soizic)
}

func TestKeyFile(t *testing.T) {
	root := t.TempDir()
	t.Chdir(root)
	dir, file := filepath.Join(root, "keys"), filepath.Join(root, "master.key")
	k, issuer, err := keyring.Create(dir, keyring.Protection{KeyFile: "master.key"}) // relative to where setup runs
	if err != nil {
		t.Fatal(err)
	}
	signs(t, k, issuer)
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatalf("the key file: %v, %v; want mode 0600", info, err)
	}
	t.Chdir("/")
	k = open(t, dir)
	if k.Locked() {
		t.Error("Open with a key file: locked")
	}
	soizic := add(t, k, "Soizic")
	k.Lock()
	if err := k.Unlock(nil); err != nil {
		t.Fatal(err)
	}
	signs(t, k, soizic)
	if err := k.ChangePassphrase(passphrase, another); !errors.Is(err, keyring.ErrPassphrase) {
		t.Errorf("ChangePassphrase: %v, want ErrPassphrase", err)
	}

	for _, mode := range []os.FileMode{0o640, 0o604, 0o620, 0o777} {
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if _, err := keyring.Open(dir); !errors.Is(err, keyring.ErrKeyFile) || !strings.Contains(err.Error(), "chmod 600 "+file) {
			t.Errorf("Open with a key file of mode %04o: %v, want ErrKeyFile and what to do", mode, err)
		}
	}
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	if _, err := keyring.Open(dir); !errors.Is(err, keyring.ErrKeyFile) || !strings.Contains(err.Error(), file) {
		t.Errorf("Open without the key file: %v, want ErrKeyFile", err)
	}
}

func TestKeyFileThere(t *testing.T) {
	root := t.TempDir()
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		why, content string
		fit          bool
	}{
		{"as age-keygen writes it", "# created: 2026-03-14\n# public key: x\n" + identity.String() + "\n", true},
		{"bare", identity.String(), true},
		{"empty", "", false},
		{"two identities", identity.String() + "\n" + identity.String() + "\n", false},
		{"cut short", identity.String()[:60], false},
		{"something else", "hunter2hunter2", false},
		{"much too long", strings.Repeat("#\n", 1<<14), false},
	} {
		file := filepath.Join(root, c.why)
		if err := os.WriteFile(file, []byte(c.content), 0o600); err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(root, "keys of "+c.why)
		_, _, err := keyring.Create(dir, keyring.Protection{KeyFile: file})
		if (err == nil) != c.fit || err != nil && !errors.Is(err, keyring.ErrKeyFile) {
			t.Errorf("%s: %v, want fit %v", c.why, err, c.fit)
		}
		if err != nil && (strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "hunter2")) {
			t.Errorf("%s: the error quotes the file: %v", c.why, err)
		}
		if raw, _ := os.ReadFile(file); string(raw) != c.content {
			t.Errorf("%s: the key file was changed", c.why)
		}
	}
	dir := filepath.Join(root, "keys")
	for _, p := range []keyring.Protection{
		{KeyFile: filepath.Join(dir, "master.key")},
		{KeyFile: filepath.Join(root, "a\nb")},
		{KeyFile: filepath.Join(root, "nowhere", "master.key")},
		{KeyFile: root},
		{KeyFile: filepath.Join(root, "bare"), Passphrase: passphrase},
	} {
		if _, _, err := keyring.Create(dir, p); !errors.Is(err, keyring.ErrKeyFile) {
			t.Errorf("Create with key file %q: %v, want ErrKeyFile", p.KeyFile, err)
		}
	}
}

// Each file, cut short, altered, emptied, taken away or exchanged, is named in
// the error, and no error quotes what it found.
func TestDamage(t *testing.T) {
	k, dir := create(t)
	soizic, erwan := add(t, k, "Soizic"), add(t, k, "Erwan")
	issuer := k.Issuer()
	name := func(d did.DID) string { return strings.TrimPrefix(string(d), "did:key:") + ".age" }
	intact := files(t, dir)
	read := func(file string) string { return intact[filepath.Join(dir, file)] }
	const secret = "AGE-SECRET-KEY-1QQQQ"
	for _, c := range []struct{ why, file, content string }{
		{"cut short", "master.age", read("master.age")[:60]},
		{"last byte gone", "master.age", strings.TrimSuffix(read("master.age"), read("master.age")[len(read("master.age"))-1:])},
		{"empty", "master.age", ""},
		{"in the open", "master.age", secret},
		{"not under a passphrase", "master.age", read(name(soizic))},
		{"too long", "master.age", strings.Repeat("a", 1<<15)},
		{"missing", "master.age", "-"},
		{"empty", "recipient.txt", ""},
		{"another's", "recipient.txt", "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p\n"},
		{"a secret", "recipient.txt", secret},
		{"missing", "recipient.txt", "-"},
		{"empty", "issuer.did", ""},
		{"another's", "issuer.did", string(soizic) + "\n"},
		{"missing", "issuer.did", "-"},
		{"cut short", name(issuer), read(name(issuer))[:100]},
		{"exchanged", name(issuer), read(name(soizic))},
		{"missing", name(issuer), "-"},
		{"cut short", name(soizic), read(name(soizic))[:250]},
		{"empty", name(soizic), ""},
		{"exchanged", name(soizic), read(name(erwan))},
	} {
		t.Run(c.file[:4]+" "+c.why, func(t *testing.T) {
			path := filepath.Join(dir, c.file)
			err := os.WriteFile(path, []byte(c.content), 0o600)
			if c.content == "-" {
				err = os.Remove(path)
			}
			if err != nil {
				t.Fatal(err)
			}
			defer func() {
				if err := os.WriteFile(path, []byte(intact[path]), 0o600); err != nil {
					t.Fatal(err)
				}
			}()
			k, err := keyring.Open(dir)
			if err == nil {
				err = k.Unlock(passphrase)
			}
			if err == nil {
				signs(t, k, issuer) // only a member is hurt
				signs(t, k, erwan)
				_, err = k.Signer(soizic)
				if _, err := k.Members(); !errors.Is(err, keyring.ErrDamaged) {
					t.Errorf("Members: %v, want ErrDamaged", err)
				}
				if err := k.Backup(io.Discard, another); !errors.Is(err, keyring.ErrDamaged) {
					t.Errorf("Backup: %v, want ErrDamaged", err)
				}
			}
			where := c.file
			if c.file == "master.age" && c.content == "-" {
				where = dir // neither master.age nor keyfile.path
			}
			if c.file == "issuer.did" && c.why == "another's" {
				where = ".age" // the keys do not have the roles it says
			}
			if !errors.Is(err, keyring.ErrDamaged) || !strings.Contains(err.Error(), where) || strings.Contains(err.Error(), "SECRET") {
				t.Errorf("%v, want ErrDamaged of %s", err, where)
			}
		})
	}
	if err := os.WriteFile(filepath.Join(dir, name(soizic)), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	if err := errors.Join(k.Unlock(passphrase), k.Forget(soizic)); err != nil {
		t.Fatal(err)
	}
	if members, err := k.Members(); err != nil || len(members) != 1 {
		t.Errorf("Members after forgetting the damaged one: %v, %v", members, err)
	}
}

func TestNames(t *testing.T) {
	k, dir := create(t)
	before := files(t, dir)
	for _, name := range []string{"", " \t", "a\nb", "a\x00", "\xff", strings.Repeat("é", 101)} {
		if _, err := k.AddMember(name, joined); !errors.Is(err, keyring.ErrName) || name != "" && strings.Contains(err.Error(), name) && len(name) > 2 {
			t.Errorf("AddMember(%q): %v, want ErrName", name, err)
		}
	}
	if !maps.Equal(before, files(t, dir)) {
		t.Error("a refused name left a file")
	}
	add(t, k, strings.Repeat("é", 100))
	add(t, k, `"\u0000" <b>`)
	k.Lock()
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	if members, err := k.Members(); err != nil || len(members) != 2 {
		t.Errorf("Members: %v, %v", members, err)
	}
}
