package node

import (
	"fmt"
	"strings"

	"codeberg.org/essaim/essaim/protocol/badge"
)

// webAddress returns an address a person typed as records hold it, in ASCII
// (spec/records.md §4): spaces around it go, and what is not ASCII after the
// host is percent-encoded, as browsers do. A host in another script is left, and
// refused by the record, which says so.
func webAddress(typed string) string {
	s := strings.TrimSpace(typed)
	_, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	host := strings.IndexAny(rest, "/?#")
	if host < 0 {
		return s
	}
	begin := len(s) - len(rest) + host
	var b strings.Builder
	b.WriteString(s[:begin])
	for i := begin; i < len(s); i++ {
		if c := s[i]; c <= ' ' || c >= 0x7f || strings.IndexByte("\"<>\\^`{|}", c) >= 0 {
			fmt.Fprintf(&b, "%%%02X", c)
		} else {
			b.WriteByte(c)
		}
	}
	return b.String()
}

// webEvidence brings the addresses of evidence into the form of records.
func webEvidence(evidence []badge.Evidence) []badge.Evidence {
	out := make([]badge.Evidence, len(evidence))
	for i, e := range evidence {
		e.ID = webAddress(e.ID)
		out[i] = e
	}
	if len(out) == 0 {
		return nil
	}
	return out
}
