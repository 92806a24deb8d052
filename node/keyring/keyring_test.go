package keyring_test

import (
	"bytes"
	"crypto"
	"crypto/ed25519"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/did"
)

var (
	passphrase = []byte("la rade est calme ce soir")
	another    = []byte("il pleut sur Recouvrance")
	joined     = time.Date(2026, 3, 14, 15, 9, 26, 535, time.FixedZone("CET", 3600))
)

func TestMain(m *testing.M) {
	keyring.SetWorkFactor(4)
	os.Exit(m.Run())
}

func create(t *testing.T) (*keyring.Keyring, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "keys")
	k, issuer, err := keyring.Create(dir, keyring.Protection{Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	if k.Issuer() != issuer || k.Locked() {
		t.Fatalf("Create: issuer %q, want %q; locked %v, want false", k.Issuer(), issuer, k.Locked())
	}
	return k, dir
}

func add(t *testing.T, k *keyring.Keyring, name string) did.DID {
	t.Helper()
	d, err := k.AddMember(name, joined)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, dir string) *keyring.Keyring {
	t.Helper()
	k, err := keyring.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func signs(t *testing.T, k *keyring.Keyring, d did.DID) {
	t.Helper()
	s, err := k.Signer(d)
	if err != nil {
		t.Fatalf("Signer(%s): %v", d, err)
	}
	signature, err := s.Sign(nil, []byte("kenavo"), crypto.Hash(0))
	if err != nil {
		t.Fatal(err)
	}
	if !ed25519.Verify(d.PublicKey(), []byte("kenavo"), signature) || !d.PublicKey().Equal(s.Public()) {
		t.Errorf("the signer of %s signs with another key", d)
	}
}

// files returns every byte under dir.
func files(t *testing.T, dir string) map[string]string {
	t.Helper()
	all := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		all[path] = string(raw)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestLife(t *testing.T) {
	k, dir := create(t)
	signs(t, k, k.Issuer())
	soizic := add(t, k, "  Soizic Le Gall ")

	k = open(t, dir)
	if !k.Locked() || !k.Has(soizic) || !k.Has(k.Issuer()) {
		t.Fatal("Open: want it locked, with both keys known")
	}
	if _, err := k.Signer(soizic); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("Signer while locked: %v, want ErrLocked", err)
	}
	if _, err := k.Members(); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("Members while locked: %v, want ErrLocked", err)
	}
	if err := k.Backup(new(bytes.Buffer), another); !errors.Is(err, keyring.ErrLocked) {
		t.Errorf("Backup while locked: %v, want ErrLocked", err)
	}
	stranger := did.FromPublicKey(make([]byte, 32))
	if _, err := k.Signer(stranger); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Signer of a stranger while locked: %v, want ErrNoKey", err)
	}
	erwan := add(t, k, "Erwan") // needs no unlocking
	if !k.Locked() {
		t.Error("AddMember unlocked the keys")
	}
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	for _, d := range []did.DID{k.Issuer(), soizic, erwan} {
		signs(t, k, d)
	}
	later, err := k.AddMember("ERWAN", joined.Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	signs(t, k, later)
	members, err := k.Members()
	if err != nil || len(members) != 3 || members[2].DID != later {
		t.Fatalf("Members: %v, %v; want three, oldest first", members, err)
	}
	found, err := k.FindMember("soizic le gall")
	if err != nil || len(found) != 1 || found[0].DID != soizic || found[0].Name != "Soizic Le Gall" || !found[0].Created.Equal(joined.Truncate(time.Second)) {
		t.Errorf("FindMember: %v, %v", found, err)
	}
	if found, _ := k.FindMember("erwan"); len(found) != 2 || found[0].DID != erwan {
		t.Errorf("FindMember of two namesakes: %v, want both, oldest first", found)
	}
}

func TestLockStopsSigners(t *testing.T) {
	k, _ := create(t)
	soizic := add(t, k, "Soizic")
	s, _ := k.Signer(soizic)
	k.Lock()
	if _, err := s.Sign(nil, nil, crypto.Hash(0)); !errors.Is(err, keyring.ErrLocked) || !k.Locked() {
		t.Errorf("a signer after Lock: %v, want ErrLocked", err)
	}
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Sign(nil, nil, crypto.Hash(0)); err != nil {
		t.Errorf("the signer after Unlock: %v", err)
	}
}

func TestForget(t *testing.T) {
	k, dir := create(t)
	soizic, erwan := add(t, k, "Soizic"), add(t, k, "Erwan")
	s, _ := k.Signer(soizic)
	if err := k.Forget(k.Issuer()); err == nil {
		t.Error("Forget took the community's own key")
	}
	if err := k.Forget(soizic); err != nil {
		t.Fatal(err)
	}
	if err := k.Forget(soizic); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("Forget twice: %v, want ErrNoKey", err)
	}
	if _, err := s.Sign(nil, nil, crypto.Hash(0)); !errors.Is(err, keyring.ErrNoKey) {
		t.Errorf("a signer after Forget: %v, want ErrNoKey", err)
	}
	k = open(t, dir)
	if err := k.Forget(erwan); err != nil { // locked
		t.Fatal(err)
	}
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	if members, err := k.Members(); err != nil || len(members) != 0 {
		t.Errorf("Members: %v, %v; want none", members, err)
	}
	signs(t, k, k.Issuer())
}

func TestCreateNeverReplaces(t *testing.T) {
	_, dir := create(t)
	before := files(t, dir)
	if _, _, err := keyring.Create(dir, keyring.Protection{Passphrase: another}); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("Create over keys: %v, want ErrExists", err)
	}
	if err := os.Remove(filepath.Join(dir, "issuer.did")); err != nil {
		t.Fatal(err)
	}
	if _, _, err := keyring.Create(dir, keyring.Protection{Passphrase: another}); !errors.Is(err, keyring.ErrExists) {
		t.Errorf("Create over keys without %s: %v, want ErrExists", "issuer.did", err)
	}
	after := files(t, dir)
	after[filepath.Join(dir, "issuer.did")] = before[filepath.Join(dir, "issuer.did")]
	if !maps.Equal(before, after) {
		t.Error("Create changed the folder it refused")
	}
	if left, _ := os.ReadDir(filepath.Dir(dir)); len(left) != 1 {
		t.Errorf("Create left %v", left)
	}
}

func TestOpenNone(t *testing.T) {
	empty := t.TempDir()
	for _, dir := range []string{empty, filepath.Join(empty, "keys")} {
		if _, err := keyring.Open(dir); !errors.Is(err, keyring.ErrNone) {
			t.Errorf("Open of nothing: %v, want ErrNone", err)
		}
	}
	if _, _, err := keyring.Create(empty, keyring.Protection{Passphrase: passphrase}); err != nil {
		t.Errorf("Create in an empty folder: %v", err)
	}
}

func TestModes(t *testing.T) {
	k, dir := create(t)
	add(t, k, "Soizic")
	if info, _ := os.Stat(dir); info.Mode().Perm() != 0o700 {
		t.Errorf("the folder has mode %v, want 0700", info.Mode().Perm())
	}
	master := filepath.Join(dir, "master.age")
	if err := os.Chmod(master, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := k.ChangePassphrase(passphrase, another); err != nil {
		t.Fatal(err)
	}
	for path := range files(t, dir) {
		if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want 0600", path, info.Mode().Perm())
		}
	}
}

func TestNothingInTheOpen(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "keys")
	k, _, err := keyring.Create(dir, keyring.Protection{Passphrase: passphrase})
	if err != nil {
		t.Fatal(err)
	}
	soizic := add(t, k, "Soizic Le Gall")
	var backup bytes.Buffer
	if err := k.Backup(&backup, another); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "backup.age"), backup.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	secrets := []string{"Soizic", "Gall", "member", "AGE-SECRET-KEY", "z3u2", string(passphrase), string(another)}
	for _, d := range []did.DID{k.Issuer(), soizic} {
		secrets = append(secrets, string(k.Seed(d)), keyring.SeedText(k.Seed(d)))
	}
	for path, content := range files(t, root) {
		for _, s := range secrets {
			if strings.Contains(content, s) || strings.Contains(path, s) {
				t.Errorf("%s shows a secret or a name: %q", path, s)
			}
		}
	}
}

// What a killed write leaves is not taken for a key, and goes.
func TestKilledWhileWriting(t *testing.T) {
	k, dir := create(t)
	soizic := add(t, k, "Soizic")
	before := files(t, dir)
	name := strings.TrimPrefix(string(soizic), "did:key:")
	for _, leftover := range []string{".master.age81275", "." + name + ".age3", ".master.age"} {
		if err := os.WriteFile(filepath.Join(dir, leftover), []byte("age-encr"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	unfinished := filepath.Join(filepath.Dir(dir), ".unfinished-keys-123")
	if err := os.MkdirAll(unfinished, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(unfinished, "master.age"), []byte("age-encr"), 0o600); err != nil {
		t.Fatal(err)
	}
	k = open(t, dir)
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	signs(t, k, soizic)
	if after := files(t, filepath.Dir(dir)); !maps.Equal(before, after) {
		t.Errorf("after Open: %v, want %v", slices.Sorted(maps.Keys(after)), slices.Sorted(maps.Keys(before)))
	}
}

func TestConcurrently(t *testing.T) {
	k, dir := create(t)
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			for range 10 {
				d, err := k.AddMember("Soizic", joined)
				if err != nil {
					t.Error(err)
					return
				}
				if s, err := k.Signer(d); err == nil {
					_, _ = s.Sign(nil, nil, crypto.Hash(0))
				}
				_, _ = k.Members()
				if err := k.Forget(d); err != nil {
					t.Error(err)
				}
			}
		})
		all.Go(func() {
			for range 10 {
				k.Lock()
				if err := k.Unlock(passphrase); err != nil {
					t.Error(err)
				}
				if s, err := k.Signer(k.Issuer()); err == nil {
					_, _ = s.Sign(nil, nil, crypto.Hash(0))
				}
			}
		})
	}
	all.Wait()
	if n := len(files(t, dir)); n != 4 {
		t.Errorf("%d files at the end, want 4", n)
	}
}

// One unlocking takes 64 MiB and no more, and gives it back.
func TestScryptMemory(t *testing.T) {
	defer keyring.SetWorkFactor(keyring.SetWorkFactor(keyring.ScryptLogN))
	k, _ := create(t)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := k.Unlock(passphrase); err != nil {
		t.Fatal(err)
	}
	runtime.ReadMemStats(&after)
	if used := (after.TotalAlloc - before.TotalAlloc) >> 20; used < 32 || used > 66 {
		t.Errorf("Unlock allocated %d MiB, want 32 to 66", used)
	}
	if kept := int64(after.HeapAlloc-before.HeapAlloc) >> 20; kept > 4 {
		t.Errorf("Unlock kept %d MiB", kept)
	}
}

func BenchmarkUnlock(b *testing.B) {
	defer keyring.SetWorkFactor(keyring.SetWorkFactor(keyring.ScryptLogN))
	k, _, err := keyring.Create(filepath.Join(b.TempDir(), "keys"), keyring.Protection{Passphrase: passphrase})
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if err := k.Unlock(passphrase); err != nil {
			b.Fatal(err)
		}
	}
}
