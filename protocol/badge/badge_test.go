package badge_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"codeberg.org/essaim/essaim/protocol/badge"
)

// addressOf returns the CID of bytes, in any form.
func addressOf(t testing.TB, version, codec, code uint64) cid.Cid {
	t.Helper()
	mh, err := multihash.Sum([]byte("a record"), code, -1)
	if err != nil {
		t.Fatal(err)
	}
	if version == 0 {
		return cid.NewCidV0(mh)
	}
	return cid.NewCidV1(codec, mh)
}

func TestACIDHasOneForm(t *testing.T) {
	good := addressOf(t, 1, cid.Raw, multihash.SHA2_256)
	s := good.String()
	if got, err := badge.ParseCID(s); err != nil || got != good {
		t.Errorf("ParseCID(%q) = %s, %v, want the same", s, got, err)
	}
	last := s[:len(s)-1]
	for name, bad := range map[string]string{
		"nothing":              "",
		"the prefix":           "bafkrei",
		"one character less":   last,
		"one character more":   s + "a",
		"a path":               "/ipfs/" + s,
		"an address":           "ipfs://" + s,
		"upper case":           strings.ToUpper(s),
		"base16":               "f" + hex.EncodeToString(good.Bytes()),
		"base64":               "m" + base64.RawStdEncoding.EncodeToString(good.Bytes()),
		"version 0":            addressOf(t, 0, cid.DagProtobuf, multihash.SHA2_256).String(),
		"codec dag-pb":         addressOf(t, 1, cid.DagProtobuf, multihash.SHA2_256).String(),
		"codec dag-json":       addressOf(t, 1, cid.DagJSON, multihash.SHA2_256).String(),
		"codec json":           addressOf(t, 1, 0x0200, multihash.SHA2_256).String(),
		"sha2-512":             addressOf(t, 1, cid.Raw, multihash.SHA2_512).String(),
		"identity":             addressOf(t, 1, cid.Raw, multihash.IDENTITY).String(),
		"bits left over":       last + flipLastBit(s[len(s)-1]),
		"a character of none":  last + "1",
		"a letter beyond":      last[:len(last)-1] + "é",
		"a longer hash length": "bafkreq" + s[7:],
		"a very long one":      s + strings.Repeat("a", 1<<16),
	} {
		var invalid *badge.Invalid
		if got, err := badge.ParseCID(bad); !errors.As(err, &invalid) {
			t.Errorf("%s: ParseCID(%.80q) = %s, %v, want a refusal", name, bad, got, err)
		} else if len(err.Error()) > 1000 {
			t.Errorf("%s: an error of %d bytes", name, len(err.Error()))
		}
	}
}

// flipLastBit returns the base32 character whose last bit is another: the last
// of a CID of a record carries two bits that say nothing and are zero.
func flipLastBit(c byte) string {
	const alphabet = "abcdefghijklmnopqrstuvwxyz234567"
	return string(alphabet[strings.IndexByte(alphabet, c)^1])
}

func TestATimeHasOneForm(t *testing.T) {
	for _, s := range []string{"2026-01-01T00:00:00Z", "2026-11-22T09:30:59Z", "2028-02-29T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"} {
		got, err := badge.ParseTime(s)
		if err != nil || badge.FormatTime(got) != s {
			t.Errorf("ParseTime(%q) = %v, %v", s, got, err)
		}
	}
	for _, s := range []string{
		"", "2026", "2026-11-22", "2026-11-22T09:30Z", "2026-11-22T09:30:00", "2026-11-22 09:30:00Z", "2026-11-22t09:30:00Z",
		"2026-11-22T09:30:00z", "2026-11-22T09:30:00+00:00", "2026-11-22T10:30:00+01:00", "2026-11-22T09:30:00.0Z", "2026-11-22T09:30:00.5Z",
		"2026-11-22T09:30:00,5Z", "2026-11-22T9:30:00Z", "2026-11-22T09:30:60Z", "2026-11-22T24:00:00Z", "2026-02-29T00:00:00Z",
		"2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-1-1T00:00:00Z", "26-01-01T00:00:00Z",
		"10000-01-01T00:00:00Z", "+2026-01-01T00:00:00Z", "-2026-01-01T00:00:00Z", " 2026-01-01T00:00:00Z", "2026-01-01T00:00:00Z ",
		"2026-01-01T00:00:00ZZ", "２０２６-01-01T00:00:00Z",
	} {
		if got, err := badge.ParseTime(s); err == nil {
			t.Errorf("ParseTime(%q) = %v, want a refusal", s, got)
		}
	}
	paris := time.FixedZone("CET", 3600)
	if got, want := badge.FormatTime(time.Date(2026, 11, 22, 10, 30, 0, 999, paris)), "2026-11-22T09:30:00Z"; got != want {
		t.Errorf("FormatTime: got %s, want %s", got, want)
	}
}

// What stands inside an award is the class, without its frame.
func TestEmbedded(t *testing.T) {
	class := badge.Achievement{Frame: badge.Frame{Territory: []string{"iso:FR"}}, Name: "Soudure"}
	c := addressOf(t, 1, cid.Raw, multihash.SHA2_256).String()
	e := class.Embedded(c)
	if e.Territory != nil || e.Class != c || e.Name != class.Name || class.Territory == nil || class.Class != "" {
		t.Errorf("got %+v from %+v", e, class)
	}
}

func FuzzParseCID(f *testing.F) {
	f.Add(addressOf(f, 1, cid.Raw, multihash.SHA2_256).String())
	f.Add(addressOf(f, 1, cid.Raw, multihash.SHA2_512).String())
	f.Add(addressOf(f, 0, 0, multihash.SHA2_256).String())
	f.Fuzz(func(t *testing.T, s string) {
		c, err := badge.ParseCID(s)
		if err != nil {
			return
		}
		if c.String() != s || c.Prefix().MhLength != sha256.Size {
			t.Errorf("ParseCID(%q) = %s", s, c)
		}
	})
}

func FuzzParseTime(f *testing.F) {
	for _, s := range []string{"2026-11-22T09:30:00Z", "2026-11-22T09:30:00.5Z", "2026-11-22T9:30:00Z", "2026-02-29T00:00:00+00:00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if got, err := badge.ParseTime(s); err == nil && (badge.FormatTime(got) != s || len(s) != 20) {
			t.Errorf("ParseTime(%q) = %v", s, got)
		}
	})
}
