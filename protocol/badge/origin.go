package badge

import (
	"fmt"
	"strings"
	"time"
)

// Origin is what an attestation says: that a badge was issued elsewhere, by
// whom and when by its own word, and what its importer found when it was
// verified (spec/import.md §9). It is the importer's word throughout.
type Origin struct {
	Original   string // CID of the bytes of the badge as they came
	Standard   string // "OB 2.0"
	IssuerName string // may be empty
	Issuer     string // an address or a DID, may be empty
	IssuedOn   time.Time
	VerifiedOn time.Time
	Findings   []OriginFinding
}

// OriginFinding is the answer to one of the questions of spec/import.md §2:
// words of a-z and _, which need not be known here.
type OriginFinding struct{ Question, Answer, Reason string }

// originPrefix begins the id of the evidence that makes an award an
// attestation.
const originPrefix = "urn:essaim:original:"

// maxFindings is more than the questions there are.
const maxFindings = 16

// Attests reports whether an award says that its issuer checked a badge issued
// elsewhere, rather than that it awards one.
func (c *AchievementCredential) Attests() bool {
	_, ok := c.originEvidence()
	return ok
}

// IsOrigin reports whether this is the evidence that makes an award an
// attestation.
func IsOrigin(e Evidence) bool { return strings.HasPrefix(e.ID, originPrefix) }

func (c *AchievementCredential) originEvidence() (Evidence, bool) {
	for _, e := range c.Evidence {
		if IsOrigin(e) {
			return e, true
		}
	}
	return Evidence{}, false
}

// Origin returns what an attestation says, and false of an award that is none
// or says it in another form than Evidence writes.
func (c *AchievementCredential) Origin() (Origin, bool) {
	e, ok := c.originEvidence()
	if !ok {
		return Origin{}, false
	}
	return parseOrigin(e)
}

// Evidence writes an origin into an award. Narrative is for people, and may be
// anything; the rest is read back.
func (o Origin) Evidence(narrative string) Evidence {
	var b strings.Builder
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s %s\n", name, value)
		}
	}
	line("standard", o.Standard)
	line("issued_by", o.Issuer)
	if !o.IssuedOn.IsZero() {
		line("issued_on", FormatTime(o.IssuedOn))
	}
	line("verified_on", FormatTime(o.VerifiedOn))
	for _, f := range o.Findings {
		line(f.Question, f.Answer+" "+f.Reason)
	}
	return Evidence{
		ID: originPrefix + o.Original, Type: []string{"Evidence"}, Name: o.IssuerName,
		Description: strings.TrimSuffix(b.String(), "\n"), Narrative: narrative,
	}
}

func parseOrigin(e Evidence) (Origin, bool) {
	o := Origin{Original: strings.TrimPrefix(e.ID, originPrefix), IssuerName: e.Name}
	if _, err := ParseCID(o.Original); err != nil {
		return o, false
	}
	var err error
	seen := map[string]bool{}
	for text := range strings.SplitSeq(e.Description, "\n") {
		name, value, ok := strings.Cut(text, " ")
		if !ok || value == "" || seen[name] {
			return o, false
		}
		seen[name] = true
		switch name {
		case "standard":
			o.Standard = value
		case "issued_by":
			o.Issuer = value
		case "issued_on":
			o.IssuedOn, err = ParseTime(value)
		case "verified_on":
			o.VerifiedOn, err = ParseTime(value)
		default:
			answer, reason, _ := strings.Cut(value, " ")
			if !word(name) || !word(answer) || !word(reason) || len(o.Findings) == maxFindings {
				return o, false
			}
			o.Findings = append(o.Findings, OriginFinding{name, answer, reason})
		}
		if err != nil {
			return o, false
		}
	}
	return o, !o.VerifiedOn.IsZero()
}

func word(s string) bool { return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == "" }
