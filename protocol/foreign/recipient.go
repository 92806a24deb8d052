package foreign

import (
	"crypto/sha256"
	"crypto/sha512"
	"encoding/hex"
	"strings"
)

// Identity is how a badge names its recipient: an address in the clear, or the
// hash of one with a salt that everybody can read.
type Identity struct {
	Value  string // the address, or an algorithm, $ and hexadecimal digits
	Hashed bool
	Salt   string
}

// Is answers whether the identity is that of an e-mail address. Issuers hashed
// it as typed or in lower case, so both are tried. Only sha256 and sha512 are
// answered: md5 and sha1 prove nothing.
func (i Identity) Is(mail string) (Answer, Reason) {
	if !i.Hashed {
		if strings.EqualFold(strings.TrimPrefix(i.Value, "mailto:"), mail) {
			return Yes, SameRecipient
		}
		return No, OtherRecipient
	}
	algorithm, digest, _ := strings.Cut(i.Value, "$")
	for _, m := range []string{mail, strings.ToLower(mail)} {
		var sum string
		switch algorithm {
		case "sha256":
			b := sha256.Sum256([]byte(m + i.Salt))
			sum = hex.EncodeToString(b[:])
		case "sha512":
			b := sha512.Sum512([]byte(m + i.Salt))
			sum = hex.EncodeToString(b[:])
		default:
			return Unknown, WeakHash
		}
		if strings.EqualFold(sum, digest) {
			return Yes, SameRecipient
		}
	}
	return No, OtherRecipient
}

// KnownHash reports whether a hashed value names an algorithm Open Badges ever
// had, with digits of its length.
func KnownHash(value string) bool {
	algorithm, digest, ok := strings.Cut(value, "$")
	length := map[string]int{"md5": 32, "sha1": 40, "sha256": 64, "sha512": 128}[algorithm]
	_, err := hex.DecodeString(digest)
	return ok && err == nil && length > 0 && len(digest) == length
}
