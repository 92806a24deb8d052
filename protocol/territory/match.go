package territory

import (
	"bytes"
	"slices"
	"strings"
)

// A tier says how well a name matches; smaller is better.
type tier uint8

const (
	tierName       tier = iota // the whole name
	tierArticle                // the whole name but its article
	tierFormer                 // the whole name of a former commune
	tierFirstWords             // the first words of the name
	tierBeginning              // the beginning of the name, within a word
	tierInside                 // the same of later words
	tierAnyOrder               // every word begins some word of the name
)

type hit struct {
	ref  int32
	tier tier
}

// firstOfEach removes later hits of a ref.
func firstOfEach(hits []hit) []hit {
	seen := make(map[int32]bool, len(hits))
	return slices.DeleteFunc(hits, func(h hit) bool {
		again := seen[h.ref]
		seen[h.ref] = true
		return again
	})
}

// The longest name of the tables has 61 bytes and 13 words. Longer queries
// match nothing, and each word would cost a search.
const (
	maxName  = 80
	maxWords = 16
)

// match returns every line in which each word of folded begins a word, in the
// order of the text. A ref may be hit by several of its names.
func (x *textIndex) match(folded string) []hit {
	if folded == "" {
		return nil
	}
	words := strings.Fields(folded)
	slices.Sort(words)
	if words = slices.Compact(words); len(words) > maxWords || len(folded) > maxName {
		return nil
	}
	rarest := words[0] // the longest word has the fewest lines to look at
	for _, w := range words {
		if len(w) > len(rarest) {
			rarest = w
		}
	}
	var hits []hit
	last := -1
	for _, before := range [...]string{"\n", " "} {
		needle := []byte(before + rarest)
		for pos := 0; ; {
			found := bytes.Index(x.text[pos:], needle)
			if found < 0 {
				break
			}
			pos += found + 1 // the separator may also end this match: keep it in sight
			line := x.line(pos)
			if line == last {
				continue
			}
			last = line
			name, ref, former := x.name(line)
			if t, ok := compare(name, folded, words); ok {
				if former {
					t = formerTier(t)
				}
				hits = append(hits, hit{ref, t})
			}
		}
	}
	return hits
}

// formerTier ranks a match with the name of a former commune under the same
// match with a present one.
func formerTier(t tier) tier {
	switch {
	case t <= tierArticle:
		return tierFormer
	case t < tierInside:
		return tierInside
	default:
		return tierAnyOrder
	}
}

// compare ranks a query against one name, both folded.
func compare(name []byte, query string, words []string) (tier, bool) {
	rest, ok := bytes.CutPrefix(name, []byte(query))
	if ok && len(rest) == 0 {
		return tierName, true
	}
	if !ok {
		short := withoutArticle(string(name))
		bare := withoutArticle(query)
		var after string
		if after, ok = strings.CutPrefix(short, bare); ok && after == "" {
			return tierArticle, true
		} else if ok {
			rest = []byte(after)
		}
	}
	switch {
	case ok && rest[0] == ' ':
		return tierFirstWords, true
	case ok:
		return tierBeginning, true
	case bytes.Contains(name, []byte(" "+query)):
		return tierInside, true
	}
	for _, w := range words {
		if !bytes.HasPrefix(name, []byte(w)) && !bytes.Contains(name, []byte(" "+w)) {
			return 0, false
		}
	}
	return tierAnyOrder, true
}
