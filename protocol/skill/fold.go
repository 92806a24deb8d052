// Package skill compares the words people search with the words badge classes
// use: without regard to accents, case, order or plural.
package skill

import (
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// MaxWords bounds the words of one text or query that count.
const MaxWords = 64

// stop are French and English words that say nothing about a skill.
var stop = map[string]bool{
	"a": true, "an": true, "and": true, "au": true, "aux": true, "avec": true, "d": true, "de": true,
	"des": true, "du": true, "en": true, "et": true, "for": true, "in": true, "l": true, "la": true,
	"le": true, "les": true, "of": true, "on": true, "ou": true, "par": true, "pour": true, "sa": true,
	"ses": true, "son": true, "sur": true, "the": true, "to": true, "un": true, "une": true,
	"utiliser": true, "use": true,
}

// Words returns the words of text in search form: lower case without accents,
// cut at everything that is neither letter nor digit, plural s and x taken off
// words of four letters and more, words that say nothing left out. Order and
// repetition are kept; at most MaxWords are returned.
func Words(text string) []string {
	fold := transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC)
	folded, _, err := transform.String(fold, text)
	if err != nil {
		folded = text // invalid UTF-8 only; it matches itself
	}
	folded = ligatures.Replace(strings.ToLower(folded))
	words := strings.FieldsFunc(folded, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	kept := words[:0]
	for _, w := range words {
		if stop[w] {
			continue
		}
		if len(kept) == MaxWords {
			break
		}
		kept = append(kept, singular(w))
	}
	return kept
}

var ligatures = strings.NewReplacer("œ", "oe", "æ", "ae", "ß", "ss", "·", "")

func singular(w string) string {
	if len(w) >= 4 && (w[len(w)-1] == 's' || w[len(w)-1] == 'x') && w[len(w)-2] != 's' {
		return w[:len(w)-1]
	}
	return w
}

// Match says how well the words of a query are met by one class.
type Match uint8

// The matches, better ones larger.
const (
	None  Match = iota
	Label       // every word stands in the labels of the skills it is aligned to
	Tag         // every word stands in its tags, name and labels together
	Name        // every word stands in its name
	Exact       // the name is the query, but for order
)

// Text is what a class says about its skill, each part by Words.
type Text struct {
	Name, Tags, Labels []string
}

// Compare returns how well t meets query, both by Words. A word of the query of
// four letters and more is met by a word it begins: "soud" meets "soudure". The
// empty query is met by nothing. Cost: the product of the lengths.
func (t Text) Compare(query []string) Match {
	if len(query) == 0 {
		return None
	}
	switch {
	case meets(t.Name, query):
		if len(t.Name) == len(query) && meets(query, t.Name) {
			return Exact
		}
		return Name
	case meets(t.Tags, query):
		return Tag
	case meets(t.Labels, query):
		return Label
	case meets(append(append(append([]string(nil), t.Name...), t.Tags...), t.Labels...), query):
		return Tag
	}
	return None
}

func meets(words, query []string) bool {
	for _, q := range query {
		found := false
		for _, w := range words {
			if w == q || len(q) >= 4 && strings.HasPrefix(w, q) {
				found = true
				break
			}
		}
		if !found {
			return false
		}
	}
	return true
}
