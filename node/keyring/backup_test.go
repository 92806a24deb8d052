package keyring_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"codeberg.org/essaim/essaim/node/keyring"
)

func TestBackupAndRestore(t *testing.T) {
	k, _ := create(t)
	for _, name := range []string{"Soizic Le Gall", "Erwan", "Erwan"} {
		add(t, k, name)
	}
	want, _ := k.Members()
	var backup bytes.Buffer
	if err := k.Backup(&backup, []byte("court")); !errors.Is(err, keyring.ErrPassphrase) {
		t.Errorf("Backup under a short passphrase: %v, want ErrPassphrase", err)
	}
	if err := k.Backup(&backup, another); err != nil {
		t.Fatal(err)
	}

	root := t.TempDir()
	for _, p := range []keyring.Protection{{Passphrase: passphrase}, {KeyFile: filepath.Join(root, "master.key")}} {
		dir := filepath.Join(root, "keys"+filepath.Base(p.KeyFile))
		restored, err := keyring.Restore(bytes.NewReader(backup.Bytes()), another, dir, p)
		if err != nil {
			t.Fatal(err)
		}
		signs(t, restored, k.Issuer())
		again := open(t, dir)
		if err := again.Unlock(p.Passphrase); err != nil {
			t.Fatal(err)
		}
		got, err := again.Members()
		if diff := cmp.Diff(want, got); diff != "" || err != nil || again.Issuer() != k.Issuer() {
			t.Errorf("restored: %v, issuer %s\n%s", err, again.Issuer(), diff)
		}
		for _, m := range got {
			signs(t, again, m.DID)
		}
		if _, err := keyring.Restore(bytes.NewReader(backup.Bytes()), another, dir, p); !errors.Is(err, keyring.ErrExists) {
			t.Errorf("Restore over keys: %v, want ErrExists", err)
		}
		// A backup of the restored keys is the same backup.
		var second bytes.Buffer
		if err := again.Backup(&second, another); err != nil {
			t.Fatal(err)
		}
		one, _ := keyring.DecryptUnder(another, backup.Bytes())
		two, _ := keyring.DecryptUnder(another, second.Bytes())
		if !bytes.Equal(one, two) {
			t.Error("backup, restore, backup: not the same")
		}
	}
}

func TestRestoreRefuses(t *testing.T) {
	k, _ := create(t)
	add(t, k, "Soizic")
	var b bytes.Buffer
	if err := k.Backup(&b, another); err != nil {
		t.Fatal(err)
	}
	good := b.Bytes()
	plain, err := keyring.DecryptUnder(another, good)
	if err != nil {
		t.Fatal(err)
	}
	// sealed is a well encrypted backup with from replaced by to.
	sealed := func(from, to string) []byte {
		if !bytes.Contains(plain, []byte(from)) {
			t.Fatalf("%q is not in a backup", from)
		}
		raw, err := keyring.EncryptUnder(another, bytes.ReplaceAll(plain, []byte(from), []byte(to)))
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	altered := bytes.Clone(good)
	altered[len(altered)-1] ^= 1
	keyring.SetWorkFactor(5)
	costly, _ := keyring.EncryptUnder(another, plain)
	keyring.SetWorkFactor(4)
	damaged := keyring.ErrDamaged
	for _, c := range []struct {
		why  string
		r    io.Reader
		want error
	}{
		{"empty", strings.NewReader(""), damaged},
		{"no age file", strings.NewReader(`{"keys":[]}`), damaged},
		{"cut short", bytes.NewReader(good[:len(good)-7]), damaged},
		{"cut in the header", bytes.NewReader(good[:40]), damaged},
		{"altered", bytes.NewReader(altered), damaged},
		{"longer than any", io.LimitReader(zeros{}, 20<<20), damaged},
		{"of a higher cost", bytes.NewReader(costly), damaged},
		{"of a later version", bytes.NewReader(sealed(`"version":1`, `"version":2`)), damaged},
		{"with more in it", bytes.NewReader(sealed(`"version":1`, `"version":1,"more":1`)), damaged},
		{"without the community's key", bytes.NewReader(sealed(`"role":"issuer"`, `"role":"member","name":"x"`)), damaged},
		{"with a bad name", bytes.NewReader(sealed(`"Soizic"`, `" Soizic"`)), damaged},
		{"with another's seed", bytes.NewReader(sealed(
			keyring.SeedText(k.Seed(k.Issuer())), keyring.SeedText(make([]byte, 32)))), damaged},
		{"unreadable", iotest.ErrReader(os.ErrDeadlineExceeded), os.ErrDeadlineExceeded},
	} {
		dir := filepath.Join(t.TempDir(), "keys")
		_, err := keyring.Restore(c.r, another, dir, keyring.Protection{Passphrase: passphrase})
		if !errors.Is(err, c.want) || strings.Contains(err.Error(), "Soizic") || strings.Contains(err.Error(), "z3u2") {
			t.Errorf("%s: %v, want %v and no secret", c.why, err, c.want)
		}
		if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 0 {
			t.Errorf("%s: left %v", c.why, left)
		}
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := keyring.Restore(bytes.NewReader(good), passphrase, dir, keyring.Protection{Passphrase: passphrase}); !errors.Is(err, keyring.ErrWrongPassphrase) {
		t.Errorf("another passphrase: %v, want ErrWrongPassphrase", err)
	}
	if _, err := keyring.Restore(bytes.NewReader(good), another, dir, keyring.Protection{Passphrase: []byte("court")}); !errors.Is(err, keyring.ErrPassphrase) {
		t.Errorf("a short new passphrase: %v, want ErrPassphrase", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func FuzzBackup(f *testing.F) {
	const (
		key    = `{"did":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2","seed":"z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq","role":"issuer"}`
		issuer = `"issuer":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"`
	)
	whole := []byte(`{"version":1,` + issuer + `,"keys":[` + key + `]}`)
	if _, n, err := keyring.ParseBackup(whole); n != 1 || err != nil {
		f.Fatalf("a good backup: %d keys, %v", n, err)
	}
	f.Add(whole)
	f.Add([]byte(`{"version":1,` + issuer + `,"keys":[` + key + `,` + key + `]}`))
	f.Add([]byte(`{"version":1,` + issuer + `,"keys":[]}`))
	f.Add([]byte(`{"version":1,"keys":null}`))
	sealed, err := keyring.EncryptUnder(another, []byte(`{"version":1}`))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(sealed)
	f.Add(sealed[:50])
	f.Fuzz(func(t *testing.T, raw []byte) {
		if plain, err := keyring.DecryptUnder(another, raw); err == nil {
			raw = plain
		} else if !errors.Is(err, keyring.ErrWrongPassphrase) && strings.Contains(err.Error(), string(another)) {
			t.Errorf("the error quotes the passphrase: %v", err)
		}
		issuer, n, err := keyring.ParseBackup(raw)
		if err == nil && (n < 1 || issuer == "") {
			t.Errorf("took a backup of %d keys of %q", n, issuer)
		}
		if err != nil && !errors.Is(err, keyring.ErrDamaged) {
			t.Errorf("%v, want ErrDamaged", err)
		}
	})
}
