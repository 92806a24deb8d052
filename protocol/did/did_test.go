package did_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/did"
)

// cases returns the lines of a file of testdata that are not comments.
func cases(t testing.TB, file string) []string {
	t.Helper()
	raw, err := os.ReadFile("testdata/" + file)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(raw)) {
		if line = strings.TrimSuffix(line, "\n"); line != "" && line[0] != '#' {
			lines = append(lines, strings.ReplaceAll(line, `\s`, " "))
		}
	}
	return lines
}

func TestParseAcceptsTheOneSpelling(t *testing.T) {
	for _, s := range cases(t, "did_valid.txt") {
		d, err := did.Parse(s)
		if err != nil || string(d) != s {
			t.Errorf("Parse(%q) = %q, %v, want the same", s, d, err)
			continue
		}
		if again := did.FromPublicKey(d.PublicKey()); again != d {
			t.Errorf("the key of %s has the DID %s", d, again)
		}
		method := d.VerificationMethod()
		if got, err := did.ParseVerificationMethod(method); err != nil || got != d {
			t.Errorf("ParseVerificationMethod(%q) = %q, %v, want %s", method, got, err, d)
		}
	}
}

func TestParseRefusesTheRest(t *testing.T) {
	for _, s := range append(cases(t, "did_invalid.txt"), "", "\x00", strings.Repeat("z", 1<<16)) {
		if d, err := did.Parse(s); !errors.Is(err, did.ErrSyntax) {
			t.Errorf("Parse(%.80q) = %q, %v, want %v", s, d, err, did.ErrSyntax)
		}
	}
}

func TestParseVerificationMethodWantsTheKeyTwice(t *testing.T) {
	all := cases(t, "did_valid.txt")
	d, other := all[0], all[1]
	key := strings.TrimPrefix(d, "did:key:")
	for _, s := range []string{
		"", "#", d, d + "#", "#" + key, d + "#key-0", d + "#" + key[:len(key)-1], d + "#" + key + "#" + key, d + "#" + d,
		d + "#" + strings.TrimPrefix(other, "did:key:"), d + "#" + strings.ToLower(key), d + " #" + key,
	} {
		if got, err := did.ParseVerificationMethod(s); !errors.Is(err, did.ErrSyntax) {
			t.Errorf("ParseVerificationMethod(%q) = %q, %v, want %v", s, got, err, did.ErrSyntax)
		}
	}
}

// Errors quote a piece of what was given, however long it is.
func TestErrorsAreShort(t *testing.T) {
	long := strings.Repeat("é", 1<<16)
	_, one := did.Parse(long)
	_, two := did.ParseVerificationMethod(long)
	for _, err := range []error{one, two} {
		if n := len(fmt.Sprint(err)); n > 1000 {
			t.Errorf("an error of %d bytes", n)
		}
	}
}

func TestShort(t *testing.T) {
	d := did.DID("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	if got, want := d.Short(), "z6MkiTBz…mDooWp"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	if got := did.DID("").Short(); got != "" {
		t.Errorf("the short form of nobody: got %q", got)
	}
}

func ExampleParse() {
	d, err := did.Parse("did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Printf("%x\n%s\n", d.PublicKey()[:4], d.VerificationMethod())
	// Output:
	// 3b6a27bc
	// did:key:z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp#z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp
}

func FuzzParse(f *testing.F) {
	for _, s := range append(cases(f, "did_valid.txt"), cases(f, "did_invalid.txt")...) {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := did.Parse(s)
		if err != nil {
			if !errors.Is(err, did.ErrSyntax) || d != "" {
				t.Errorf("Parse(%q) = %q, %v", s, d, err)
			}
			return
		}
		if key := d.PublicKey(); len(key) != ed25519.PublicKeySize || string(did.FromPublicKey(key)) != s {
			t.Errorf("%q is the key %x, whose DID is %s", s, key, did.FromPublicKey(key))
		}
	})
}

// Every key has one DID, from which it comes back.
func FuzzKey(f *testing.F) {
	f.Add(make([]byte, 32))
	f.Add(bytes.Repeat([]byte{0xff}, 32))
	f.Fuzz(func(t *testing.T, key []byte) {
		if len(key) != ed25519.PublicKeySize {
			return
		}
		d, err := did.Parse(string(did.FromPublicKey(key)))
		if err != nil || !bytes.Equal(d.PublicKey(), key) {
			t.Errorf("%x became %s: %v", key, d, err)
		}
	})
}

func FuzzParseVerificationMethod(f *testing.F) {
	for _, s := range append(cases(f, "did_valid.txt"), cases(f, "did_invalid.txt")...) {
		f.Add(s + "#" + strings.TrimPrefix(s, "did:key:"))
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, err := did.ParseVerificationMethod(s); err == nil && d.VerificationMethod() != s {
			t.Errorf("%q is read as %q", s, d.VerificationMethod())
		}
	})
}
