package territory

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold reduces a name to what people type: lower-case words without accents,
// one space between them. Hyphens and apostrophes separate words, "st" and
// "ste" are spelled out, "s/" is "sur", and "3e", "1er" and "3ème" are 3 and 1.
// It is idempotent, and empty if s has no letter or digit.
func fold(s string) string {
	return string(appendFold(nil, s))
}

// appendFold appends fold(s) to b.
func appendFold(b []byte, s string) []byte {
	begin, word := len(b), len(b) // of the whole, of the current word
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z' || '0' <= c && c <= '9':
			b = append(b, c)
			i++
		case 'A' <= c && c <= 'Z':
			b = append(b, c+'a'-'A')
			i++
		case c < utf8.RuneSelf:
			b = space(endWord(b, word, c == '/'), begin)
			word = len(b)
			i++
		default:
			r, n := utf8.DecodeRuneInString(s[i:])
			if isWordRune(r) {
				b = appendBase(b, s[i:i+n], r)
			} else if !unicode.Is(unicode.Mn, r) {
				b = space(endWord(b, word, false), begin)
				word = len(b)
			}
			i += n
		}
	}
	b = endWord(b, word, false)
	if len(b) > begin && b[len(b)-1] == ' ' {
		b = b[:len(b)-1]
	}
	return b
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// space ends a word with one space, unless none has begun.
func space(b []byte, begin int) []byte {
	if len(b) == begin || b[len(b)-1] == ' ' {
		return b
	}
	return append(b, ' ')
}

// ligatures are the letters of European place names that Unicode does not
// decompose into a letter and an accent.
var ligatures = map[rune]string{
	'œ': "oe", 'æ': "ae", 'ß': "ss", 'ø': "o", 'ł': "l", 'đ': "d", 'ð': "d", 'þ': "th", 'ı': "i", 'ħ': "h", 'ə': "e",
}

// appendBase appends the letter r, written as s, without its accents.
func appendBase(b []byte, s string, r rune) []byte {
	if d := norm.NFD.PropertiesString(s).Decomposition(); d != nil {
		r, _ = utf8.DecodeRune(d)
	}
	r = unicode.ToLower(r)
	if plain, ok := ligatures[r]; ok {
		return append(b, plain...)
	}
	return utf8.AppendRune(b, r)
}

// endWord rewrites the abbreviation b[word:], if it is one. slash is true
// if one follows, as in "Châlons s/ Marne".
func endWord(b []byte, word int, slash bool) []byte {
	w := string(b[word:]) // does not escape: no allocation for short words
	switch {
	case w == "st":
		return append(b[:word], "saint"...)
	case w == "ste":
		return append(b[:word], "sainte"...)
	case slash && w == "s":
		return append(b[:word], "sur"...)
	case len(w) >= 2 && isDigit(w[0]):
		for _, end := range [...]string{"eme", "er", "e"} {
			if n, ok := strings.CutSuffix(w, end); ok && all(n, isDigit) {
				return b[:word+len(n)]
			}
		}
	}
	return b
}

// withoutArticle removes a leading "le", "la", "les" or "l" from folded text.
// People drop them: "Havre", "Mans", "Réunion".
func withoutArticle(folded string) string {
	for _, article := range [...]string{"le ", "la ", "les ", "l "} {
		if rest, ok := strings.CutPrefix(folded, article); ok {
			return rest
		}
	}
	return folded
}
