package keyring_test

import (
	"bytes"
	"crypto/ed25519"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/did"
)

// The pair of keys of the test vectors of Data Integrity EdDSA Cryptosuites 1.0.
func TestSeedText(t *testing.T) {
	const (
		text   = "z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"
		public = "did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2"
	)
	seed, err := keyring.ParseSeed(text)
	if err != nil {
		t.Fatal(err)
	}
	if got := did.FromPublicKey(ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)); got != public {
		t.Errorf("the key of %s is %s, want %s", text, got, public)
	}
	if got := keyring.SeedText(seed); got != text {
		t.Errorf("written again: %s, want %s", got, text)
	}
	for _, bad := range []string{
		"", "z", text[1:], text + "1", text[:47], "u" + text[1:], public[8:],
		"z" + strings.Repeat("1", 47), "z" + strings.Repeat("z", 47), strings.Replace(text, "2", "0", 1), strings.Replace(text, "z3u2", "z3u3", 1),
	} {
		if _, err := keyring.ParseSeed(bad); err == nil {
			t.Errorf("took %q", bad)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "seed")
		text := keyring.SeedText(seed)
		got, err := keyring.ParseSeed(text)
		if err != nil || !bytes.Equal(got, seed) || !strings.HasPrefix(text, "z3u2") {
			t.Fatalf("%s: %x, %v; want %x", text, got, err, seed)
		}
	})
}

// What is taken is written as it was, but for spaces and the order of members.
func FuzzKey(f *testing.F) {
	const head = `{"did":"did:key:z6MkrJVnaZkeFzdQyMZu1cgjg7k1pZZ6pvBQ7XJPt4swbTQ2","seed":"z3u2en7t5LR2WtQH5PfFqMqwVHBeXouLzo6haApm8XHqvjxq"`
	for _, tail := range []string{
		`,"role":"issuer"}`,
		`,"role":"member","name":"Soizic","created":"2026-03-14T14:09:26Z"}`,
		`,"role":"member","name":"Soizic","created":"2026-03-14T14:09:26.5+01:00"}`,
		`,"role":"member","name":"Soizic","created":"9999-12-31T23:59:59-10:00"}`,
		`,"role":"member","name":"a\u0000"}`,
		`,"role":"member","role":"issuer"}`,
		`,"role":"issuer","more":1}`,
		`}`, ``,
	} {
		f.Add([]byte(head + tail))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		once, err := keyring.RewriteKey(raw)
		if err != nil {
			if len(err.Error()) > 100 {
				t.Errorf("an error that long may quote the key: %v", err)
			}
			return
		}
		twice, err := keyring.RewriteKey(once)
		if err != nil || !bytes.Equal(once, twice) {
			t.Errorf("%s\nwritten again is %s, %v", once, twice, err)
		}
	})
}
