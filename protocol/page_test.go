package protocol_test

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/spec/vectors"
)

// page is spec/records.md, which is the law. These tests hold it and the code
// to one another.
func page(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../spec/records.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// rows returns the cells of every table of the page whose first column is
// headed column, without backquotes.
func rows(t *testing.T, column string) [][]string {
	t.Helper()
	var out [][]string
	inside := false
	for line := range strings.Lines(page(t)) {
		cells := strings.Split(strings.ReplaceAll(strings.TrimSpace(line), "`", ""), "|")
		if len(cells) < 3 || cells[0] != "" {
			inside = false
			continue
		}
		cells = cells[1 : len(cells)-1]
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == column:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			out = append(out, cells)
		}
	}
	if len(out) == 0 {
		t.Fatalf("spec/records.md has no table with a column %q", column)
	}
	return out
}

func TestThePageShowsARecord(t *testing.T) {
	_, rest, _ := strings.Cut(page(t), "```json\n")
	shown, rest, _ := strings.Cut(rest, "```")
	_, rest, _ = strings.Cut(rest, "```\n")
	name, _, _ := strings.Cut(rest, "\n")
	raw := must(proof.Canonicalize([]byte(shown)))(t)
	r := must(protocol.Verify(raw, noon))(t)
	if r.CID().String() != name || !strings.Contains(page(t), fmt.Sprintf("without spaces, %d bytes", len(raw))) {
		t.Errorf("the record is %s of %d bytes, the page says %s", r.CID(), len(raw), name)
	}
}

func TestThePageListsTheReasons(t *testing.T) {
	var listed []protocol.Reason
	for _, row := range rows(t, "reason") {
		reason := protocol.Reason(row[0])
		listed = append(listed, reason)
		if want := map[bool]string{true: "sender", false: "nobody"}[reason.Blame()]; row[1] != want {
			t.Errorf("%s: the page blames %s, the code %s", reason, row[1], want)
		}
	}
	if !slices.Equal(listed, protocol.Reasons) {
		t.Errorf("the page lists\n%v\nthe code\n%v", listed, protocol.Reasons)
	}
}

func TestThePageListsTheKinds(t *testing.T) {
	records := everyKind(t)
	for i, row := range rows(t, "kind") {
		if i >= len(protocol.Kinds) {
			break // the table of proofs
		}
		kind := protocol.Kinds[i]
		if row[0] != kind.String() || !strings.Contains(string(records[kind].Bytes()), `"type":`+row[1]) {
			t.Errorf("row %d of the page is %v, the kind %s", i, row, kind)
		}
	}
	for _, context := range []string{badge.CredentialContext, `"` + proof.ContextDataIntegrity + `"`} {
		if !strings.Contains(page(t), "`"+context+"`") {
			t.Errorf("the page does not show %s", context)
		}
	}
}

func TestThePageListsTheLimits(t *testing.T) {
	want := map[string]string{
		"MaxBytes":       strconv.Itoa(protocol.MaxBytes),
		"MaxDepth":       strconv.Itoa(protocol.MaxDepth),
		"MaxTerritories": strconv.Itoa(protocol.MaxTerritories),
		"Ahead":          protocol.Ahead.String(),
		"MaxNotice":      protocol.MaxNotice.String(),
		"Genesis":        badge.FormatTime(protocol.Genesis),
	}
	for _, row := range rows(t, "limit") {
		if want[row[0]] != row[1] {
			t.Errorf("%s: the page says %s, the code %q", row[0], row[1], want[row[0]])
		}
		delete(want, row[0])
	}
	for name := range want {
		t.Errorf("the page does not list %s", name)
	}
}

func TestThePageListsTheStates(t *testing.T) {
	text := page(t)
	for _, list := range [][]string{badge.States, badge.StatusReasons, badge.DisputeReasons} {
		if want := "one of (" + strings.Join(list, ", ") + ")"; !strings.Contains(text, want) {
			t.Errorf("the page does not say %s", want)
		}
	}
}

// Each size of the page holds to the unit: one below and the limit pass, one
// above does not.
func TestSizes(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	many := func(n int, f func(i int) string) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = f(i)
		}
		return out
	}
	class := func(change func(c *badge.Achievement, n int)) func(n int) error {
		return func(n int) error {
			c := laserClass()
			change(c, n)
			_, err := protocol.Issue(c, noon, tyfab)
			return err
		}
	}
	award := func(change func(c *badge.AchievementCredential, n int)) func(n int) error {
		document := must(protocol.Issue(laserClass(), noon, tyfab))(t)
		return func(n int) error {
			c := laserAward(document)
			change(c, n)
			_, err := protocol.Offer(c, noon, tyfab)
			return err
		}
	}
	frame := badge.Frame{Territory: brest}
	try := map[string]func(n int) error{
		"class name":                 class(func(c *badge.Achievement, n int) { c.Name = a(n) }),
		"class description":          class(func(c *badge.Achievement, n int) { c.Description = a(n) }),
		"class criteria.narrative":   class(func(c *badge.Achievement, n int) { c.Criteria.Narrative = a(n) }),
		"class alignment":            class(func(c *badge.Achievement, n int) { c.Alignment = slices.Repeat(c.Alignment, n) }),
		"class alignment.targetName": class(func(c *badge.Achievement, n int) { c.Alignment[0].TargetName = a(n) }),
		"class alignment.targetUrl":  class(func(c *badge.Achievement, n int) { c.Alignment[0].TargetURL = "https://a/" + a(n-10) }),
		"class tag":                  class(func(c *badge.Achievement, n int) { c.Tag = many(n, strconv.Itoa) }),
		"class tag of one":           class(func(c *badge.Achievement, n int) { c.Tag = []string{a(n)} }),
		"class essaim:licence":       class(func(c *badge.Achievement, n int) { c.Licence = a(n) }),
		"class rubricCriterionLevel": class(withLevels),
		"class essaim:listed":        class(withListed),
		"class essaim:minLevel":      class(func(c *badge.Achievement, n int) { c.Rule = &badge.Rule{By: badge.ByHolders, MinLevel: n} }),
		"class essaim:territory": class(func(c *badge.Achievement, n int) {
			c.Territory = many(n, func(i int) string { return fmt.Sprintf("iso:FR-%02d", i) })
		}),
		"award evidence": award(func(c *badge.AchievementCredential, n int) { c.Evidence = slices.Repeat(c.Evidence, n) }),
		"award result":   award(func(c *badge.AchievementCredential, n int) { c.Subject.Result = slices.Repeat(c.Subject.Result, n) }),
		"profile email": func(n int) error {
			_, err := protocol.Issue(&badge.Profile{
				Frame: frame, ID: didOf(tyfab), Type: []string{"Profile"}, Kind: badge.Group, Name: "TyFab", Email: a(n-10) + "@b.example",
			}, noon, tyfab)
			return err
		},
		"notice essaim:skill": func(n int) error {
			_, err := protocol.Issue(&badge.Notice{
				Frame: frame, ID: uuid(6), Type: []string{"essaim:Notice"}, Author: didOf(nadia), Direction: badge.Request, Name: "Soudure",
				Skill: many(n, func(i int) string { return "urn:skill:" + strconv.Itoa(i) }), Until: "2027-05-01T00:00:00Z",
			}, noon, nadia)
			return err
		},
		"dispute essaim:comment": func(n int) error {
			_, err := protocol.Issue(&badge.Dispute{
				Frame: frame, ID: uuid(5), Type: []string{"essaim:Dispute"}, Author: didOf(ubo), Target: string(didOf(tyfab)),
				Reason: "other", Comment: a(n),
			}, noon, ubo)
			return err
		},
	}
	for _, row := range rows(t, "size") {
		limit, err := strconv.Atoi(row[1])
		issue := try[row[0]]
		if err != nil || issue == nil {
			t.Errorf("the page lists %v, which is not tried", row)
			continue
		}
		delete(try, row[0])
		for _, n := range []int{limit - 1, limit} {
			if err := issue(n); err != nil {
				t.Errorf("%s of %d: %v", row[0], n, err)
			}
		}
		if got := reasonOf(issue(limit + 1)); got != protocol.BadValue && got != protocol.BadTerritory {
			t.Errorf("%s of %d: got %s, want a refusal", row[0], limit+1, got)
		}
	}
	for name := range try {
		t.Errorf("%s is tried and not listed in the page", name)
	}
}

func withLevels(c *badge.Achievement, n int) {
	ladder := &c.ResultDescription[0]
	ladder.Level = nil
	for i := range n {
		ladder.Level = append(ladder.Level, badge.RubricLevel{
			ID: fmt.Sprintf("%s#l%d", c.ID, i+1), Type: []string{"RubricCriterionLevel"}, Name: "N", Level: strconv.Itoa(i + 1),
		})
	}
}

func withListed(c *badge.Achievement, n int) {
	c.Rule = &badge.Rule{By: badge.ByListed}
	for i := range n {
		c.Rule.Listed = append(c.Rule.Listed, didOf(key(strconv.Itoa(i))))
	}
}

// A record may be MaxBytes and Ahead, and no more; what is more is in the
// vectors gate_too_large, class_largest, class_ten_minutes_ahead and
// class_future.
func TestVectorsStandOnTheLimits(t *testing.T) {
	sizes := map[string]int{"class_largest": protocol.MaxBytes, "gate_too_large": protocol.MaxBytes + 1}
	for _, v := range must(vectors.All())(t) {
		if want, ok := sizes[v.Name]; ok && len(v.Record) != want {
			t.Errorf("%s: %d bytes, want %d", v.Name, len(v.Record), want)
		}
		delete(sizes, v.Name)
	}
	for name := range sizes {
		t.Errorf("there is no vector %s", name)
	}
}
