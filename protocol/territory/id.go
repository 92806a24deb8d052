package territory

import (
	"errors"
	"fmt"
	"strings"
)

// MaxIDLen is the greatest length of an id in bytes. An id is part of a gossip
// topic and of index keys, so it stays short; it also means that a named area
// with a 64-digit fingerprint has a slug of at most 29 characters.
const MaxIDLen = 96

// ErrSyntax is wrapped by every error of [Parse] and [ParsePoint].
var ErrSyntax = errors.New("bad syntax")

// An ID names a territory. Ids are flat: nothing in "fr:com:35238" says which
// EPCI or département holds that commune; [Gazetteer.Within] does. Two ids name
// the same territory only if they are equal bytes.
//
//	iso:FR              a country, ISO 3166-1 alpha-2
//	iso:FR-35           a subdivision, ISO 3166-2 (département, région, Land…)
//	fr:epci:243500139   an intercommunalité, by its SIREN number
//	fr:ept:200057867    a territory of the Grand Paris, by its SIREN number
//	fr:com:35238        a commune, by its INSEE code
//	fr:arm:69383        an arrondissement of Paris, Lyon or Marseille
//	gh:u15b             a geohash cell of 2 to 6 characters
//	x:<key>:<slug>      an area named by the holder of a key
type ID string

// A Kind is the sort of territory an [ID] names, as its syntax tells it.
type Kind uint8

// The kinds, in no order of size.
const (
	Unknown        Kind = iota // not an id that Parse accepts
	Country                    // iso:FR
	Subdivision                // iso:FR-35
	EPCI                       // fr:epci:243500139
	EPT                        // fr:ept:200057867
	Commune                    // fr:com:35238
	Arrondissement             // fr:arm:69383
	Cell                       // gh:u15b
	Named                      // x:0123456789abcdef:vallee-du-lot
)

var kindNames = [...]string{"unknown", "country", "subdivision", "epci", "ept", "commune", "arrondissement", "cell", "named"}

// String returns the English word for k, in lower case.
func (k Kind) String() string {
	if int(k) >= len(kindNames) {
		return kindNames[Unknown]
	}
	return kindNames[k]
}

// Parse checks that s is written as an [ID] must be, with no second way to
// write the same id. It knows the grammar only: an id of a commune that never
// existed is accepted, since tables differ from year to year and from node to
// node. Errors wrap [ErrSyntax].
func Parse(s string) (ID, error) {
	if len(s) > MaxIDLen {
		return "", fmt.Errorf("territory id of %d bytes: %w: at most %d bytes", len(s), ErrSyntax, MaxIDLen)
	}
	kind, rest := split(s)
	why := ""
	switch kind {
	case Country, Subdivision:
		country, sub, dash := strings.Cut(rest, "-")
		if len(country) != 2 || !all(country, isUpper) || dash && (len(sub) < 1 || len(sub) > 3 || !all(sub, isUpperOrDigit)) {
			why = `want an ISO 3166 code in capitals, such as "iso:FR" or "iso:FR-35"`
		}
	case EPCI, EPT:
		if len(rest) != 9 || !all(rest, isDigit) {
			why = "want the 9 digits of a SIREN number"
		}
	case Commune, Arrondissement:
		if !isINSEE(rest) {
			why = `want the 5 characters of an INSEE code, such as "35238" or "2A004"`
		}
	case Cell:
		if len(rest) < 2 || len(rest) > maxGeohash || !all(rest, isGeohash) {
			why = "want 2 to 6 characters of a geohash in lower case"
		}
	case Named:
		key, slug, _ := strings.Cut(rest, ":")
		if len(key) < 16 || len(key) > 64 || !all(key, isLowerHex) {
			why = "want the 16 to 64 lower-case hex digits of a key fingerprint"
		} else if len(slug) < 1 || len(slug) > 40 || !all(slug, isSlug) {
			why = `want a name of 1 to 40 characters a-z, 0-9 or "-"`
		}
	default:
		why = `want "iso:", "fr:epci:", "fr:ept:", "fr:com:", "fr:arm:", "gh:" or "x:" first`
	}
	if why != "" {
		return "", fmt.Errorf("territory id %q: %w: %s", s, ErrSyntax, why)
	}
	return ID(s), nil
}

// Kind returns the kind of id, or [Unknown] if [Parse] refuses it.
func (id ID) Kind() Kind {
	if _, err := Parse(string(id)); err != nil {
		return Unknown
	}
	kind, _ := split(string(id))
	return kind
}

// code returns what follows the prefix: "35238" of "fr:com:35238".
func (id ID) code() string {
	_, rest := split(string(id))
	return rest
}

// split cuts s after its prefix. It checks nothing of the rest.
func split(s string) (Kind, string) {
	for _, p := range [...]struct {
		prefix string
		kind   Kind
	}{
		{"iso:", Country},
		{"fr:epci:", EPCI},
		{"fr:ept:", EPT},
		{"fr:com:", Commune},
		{"fr:arm:", Arrondissement},
		{"gh:", Cell},
		{"x:", Named},
	} {
		if rest, ok := strings.CutPrefix(s, p.prefix); ok {
			if p.kind == Country && strings.Contains(rest, "-") {
				return Subdivision, rest
			}
			return p.kind, rest
		}
	}
	return Unknown, s
}

// isINSEE reports whether s has the form of the code of a commune. Letters
// occur only in Corsica: 2A001, 2B366.
func isINSEE(s string) bool {
	if len(s) != 5 {
		return false
	}
	if s[0] == '2' && (s[1] == 'A' || s[1] == 'B') {
		return all(s[2:], isDigit)
	}
	return all(s, isDigit)
}

func all(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

func isDigit(c byte) bool        { return '0' <= c && c <= '9' }
func isUpper(c byte) bool        { return 'A' <= c && c <= 'Z' }
func isUpperOrDigit(c byte) bool { return isUpper(c) || isDigit(c) }
func isLowerHex(c byte) bool     { return isDigit(c) || 'a' <= c && c <= 'f' }
func isSlug(c byte) bool         { return isDigit(c) || 'a' <= c && c <= 'z' || c == '-' }
func isGeohash(c byte) bool      { return strings.IndexByte(geohashAlphabet, c) >= 0 }
