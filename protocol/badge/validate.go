package badge

import (
	"strconv"
	"strings"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/multiformats/go-multihash"

	"codeberg.org/essaim/essaim/protocol/did"
)

// Sizes in bytes of UTF-8 and counts, chosen so that the largest class still
// fits three times into the 64 KiB of a record (spec/records.md §4).
const (
	maxName       = 256
	maxLabel      = 512
	maxText       = 16 << 10
	maxURL        = 2048
	maxEmail      = 254
	maxAlignments = 24
	maxTags       = 32
	// maxEvidence keeps an award under 40 blank nodes as linked data.
	maxEvidence = 12
)

const (
	optional = false
	required = true
)

// validator keeps the first thing that is wrong. It writes where only then: a
// good document costs no text.
type validator struct {
	first *Invalid
	path  [6]step // where members stand, from the document inwards
	depth int
}

// step is a member that holds others, or one entry of it.
type step struct {
	member string
	index  int // -1 for the member itself
}

// enter makes member the place of what follows, until leave.
func (v *validator) enter(member string) { v.entry(member, -1) }

// entry makes entry i of member the place of what follows, until leave.
func (v *validator) entry(member string, i int) {
	v.path[v.depth] = step{member, i}
	v.depth++
}

func (v *validator) leave() { v.depth-- }

// check wants ok of member, or with "" of the place itself.
func (v *validator) check(ok bool, member, why string) {
	if ok || v.first != nil {
		return
	}
	var where []string
	for _, s := range v.path[:v.depth] {
		if s.index >= 0 {
			s.member += "[" + strconv.Itoa(s.index) + "]"
		}
		where = append(where, s.member)
	}
	if member != "" {
		where = append(where, member)
	}
	v.first = &Invalid{Member: strings.Join(where, "."), Why: why}
}

func (v *validator) result() error {
	if v.first != nil {
		return v.first
	}
	return nil
}

func (v *validator) types(member string, got []string, want ...string) {
	ok := len(got) == len(want)
	for i := 0; ok && i < len(want); i++ {
		ok = got[i] == want[i]
	}
	if !ok {
		v.check(false, member, "is not ["+strings.Join(want, ", ")+"]")
	}
}

func (v *validator) text(member, s string, must bool, limit int) {
	switch {
	case s == "" && must:
		v.check(false, member, "is missing")
	case len(s) > limit:
		v.check(false, member, "is longer than "+strconv.Itoa(limit)+" bytes")
	case s != "" && strings.Trim(s, blank) == "":
		v.check(false, member, "is blank")
	}
}

// blank is the white space of Unicode 16 that the gate lets through. It stands
// here so that a newer Unicode changes no verdict.
const blank = " \t\n\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000"

// email wants one @ between two words of printable ASCII.
func (v *validator) email(member, s string) {
	if s == "" {
		return
	}
	name, host, ok := strings.Cut(s, "@")
	v.check(ok && name != "" && host != "" && len(s) <= maxEmail && strings.Trim(name+host, mailCharacters) == "",
		member, "is not an e-mail address")
}

const (
	alphanumeric   = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	mailCharacters = alphanumeric + ".!#$%&'*+/=?^_`{|}~-" // of HTML's input type=email
	urlCharacters  = alphanumeric + "-._~:/?#@!$&'()*+,;=%"
)

func (v *validator) count(member string, n, limit int) {
	if n > limit {
		v.check(false, member, "has more than "+strconv.Itoa(limit)+" entries")
	}
}

// uuid wants the one canonical spelling, so that an id has one form on the wire.
func (v *validator) uuid(member, s string) {
	if !isUUID(s) {
		v.check(false, member, "is not urn:uuid: and 36 lower-case characters")
	}
}

func isUUID(s string) bool {
	rest, ok := strings.CutPrefix(s, "urn:uuid:")
	if !ok || len(rest) != 36 {
		return false
	}
	for i, c := range []byte(rest) {
		dash := i == 8 || i == 13 || i == 18 || i == 23
		hex := c >= '0' && c <= '9' || c >= 'a' && c <= 'f'
		if dash != (c == '-') || !dash && !hex {
			return false
		}
	}
	return true
}

func (v *validator) did(member string, d did.DID) {
	if _, err := did.Parse(string(d)); err != nil {
		v.check(false, member, "is not a did:key of an Ed25519 key")
	}
}

func (v *validator) cid(member, s string, must bool) {
	if s == "" && !must {
		return
	}
	if _, err := ParseCID(s); err != nil {
		v.check(false, member, "is not a CIDv1 of a record (bafkrei…)")
	}
}

// ParseCID parses the CID of a record: version 1, codec raw, sha2-256, in lower
// case base32, and no other spelling.
func ParseCID(s string) (cid.Cid, error) {
	if len(s) != 59 || !strings.HasPrefix(s, "bafkrei") {
		return cid.Undef, &Invalid{Member: strconv.Quote(clip(s)), Why: "is not the CID of a record (bafkrei… and 59 characters)"}
	}
	c, err := cid.Decode(s)
	if err != nil || c.Prefix() != (cid.Prefix{Version: 1, Codec: cid.Raw, MhType: multihash.SHA2_256, MhLength: 32}) || c.String() != s {
		return cid.Undef, &Invalid{Member: strconv.Quote(s), Why: "is not the CID of a record (bafkrei… and 59 characters)"}
	}
	return c, nil
}

func (v *validator) url(member, s string, must bool) {
	if s == "" && !must {
		return
	}
	if len(s) > maxURL {
		v.check(false, member, "is longer than "+strconv.Itoa(maxURL)+" bytes")
		return
	}
	v.check(isURL(s), member, "is not an absolute http, https or urn address in ASCII")
}

// isURL is a grammar of its own, within RFC 3986 and RFC 8141: what net/url
// takes changes with the version of Go, and a verdict may not (spec/records.md §4).
func isURL(s string) bool {
	scheme, rest, ok := strings.Cut(s, ":")
	if !ok || strings.Trim(s, urlCharacters) != "" || strings.Count(s, "#") > 1 || !escapesWell(s) {
		return false
	}
	switch scheme {
	case "http", "https":
		authority, ok := strings.CutPrefix(rest, "//")
		if i := strings.IndexAny(authority, "/?#"); i >= 0 {
			authority = authority[:i]
		}
		host, port, hasPort := strings.Cut(authority, ":")
		return ok && host != "" && strings.Trim(host, alphanumeric+"-._") == "" &&
			(!hasPort || len(port) >= 1 && len(port) <= 5 && strings.Trim(port, "0123456789") == "")
	case "urn":
		space, name, _ := strings.Cut(rest, ":")
		return len(space) >= 2 && len(space) <= 32 && strings.Trim(space, alphanumeric+"-") == "" && name != "" && name[0] != '#' && name[0] != '?'
	}
	return false
}

// escapesWell reports whether two hex digits follow every %.
func escapesWell(s string) bool {
	for i := range len(s) {
		if s[i] == '%' && (i+2 >= len(s) || !isHex(s[i+1]) || !isHex(s[i+2])) {
			return false
		}
	}
	return true
}

func isHex(c byte) bool {
	return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
}

func (v *validator) time(member, s string, must bool) time.Time {
	if s == "" && !must {
		return time.Time{}
	}
	t, err := ParseTime(s)
	if err != nil {
		v.check(false, member, "is not a time such as 2026-11-22T09:30:00Z")
	}
	return t
}

func (v *validator) period(from, until, awarded string) {
	f := v.time("validFrom", from, required)
	u := v.time("validUntil", until, optional)
	v.time("awardedDate", awarded, optional)
	v.check(until == "" || u.After(f), "validUntil", "is not after validFrom")
}

// language reports whether s looks like a BCP 47 tag of two or three letters
// with an optional region.
func language(s string) bool {
	primary, region, has := strings.Cut(s, "-")
	lower := func(r rune) bool { return r < 'a' || r > 'z' }
	upper := func(r rune) bool { return r < 'A' || r > 'Z' }
	return (len(primary) == 2 || len(primary) == 3) && strings.IndexFunc(primary, lower) < 0 &&
		(!has || len(region) == 2 && strings.IndexFunc(region, upper) < 0)
}

func list(s []string) string { return strings.Join(s, ", ") }

func clip(s string) string {
	if len(s) > 80 {
		return s[:80] + "…"
	}
	return s
}
