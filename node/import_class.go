package node

import (
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob2"
)

// Why something of a badge is not in what is published of it here, beside the
// reasons of ob2.
const (
	staysInOriginal = "it stays in the original, which is kept here and not published"
	leadsToAddress  = "the address of the badge shows whom it is for, and is not published"
	notPublished    = "a hashed address can be guessed, and is never published"
	inCriteria      = "it is told in the criteria"
	badForm         = "a record does not take it in this form"
)

// maxLosses bounds what is listed as lost of one badge.
const maxLosses = 100

// mapping makes a class of ours out of an Open Badges 3.0 achievement, member
// by member: what a record does not take is listed, and nothing else is missing.
type mapping struct {
	class  badge.Achievement
	losses []ob2.Loss
}

func (m *mapping) lose(member, why string) {
	m.losses = append(m.losses, ob2.Loss{Member: member, Why: why})
}

// try sets a member if the class is then one that a record takes.
func (m *mapping) try(member string, set func(*badge.Achievement)) bool {
	next := m.class
	next.Alignment, next.Tag = slices.Clone(m.class.Alignment), slices.Clone(m.class.Tag)
	set(&next)
	if next.Validate() != nil {
		m.lose(member, badForm)
		return false
	}
	m.class = next
	return true
}

// mapClass returns the class under which creator attests a badge of this
// achievement. Its name and description are the original's; its criteria say
// first that it is issued elsewhere and only checked here. Its id follows from
// what it says and who says so, so that one class elsewhere gives one here.
func mapClass(achievement foreign.Object, c Claims, creator badge.ProfileRef, home badge.Frame) (badge.Achievement, []ob2.Loss) {
	const at = "achievement."
	name, description := textOf(achievement.Text("name"), 256), textOf(achievement.Text("description"), 16<<10)
	m := &mapping{class: badge.Achievement{
		Frame: home, ID: newID(), Type: []string{"Achievement"}, Name: or(name, "Badge"), Description: or(description, or(name, "Badge")),
		Creator: &creator, Criteria: badge.Criteria{Narrative: elsewhere(achievement, c)}, Licence: "",
	}}
	if name != achievement.Text("name") {
		m.lose(at+"name", badForm)
	}
	if description != achievement.Text("description") {
		m.lose(at+"description", badForm)
	}
	left := maps.Clone(map[string]any(achievement))
	for _, n := range []string{"type", "name", "description", "criteria", "alignment", "tag", "inLanguage", "achievementType"} {
		delete(left, n)
	}
	m.criteria(achievement)
	for i, o := range achievement.Objects("alignment") {
		m.alignment(fmt.Sprintf("%salignment[%d]", at, i), o)
	}
	for i, t := range achievement.Texts("tag") {
		if t = textOf(t, 256); t != "" {
			m.try(fmt.Sprintf("%stag[%d]", at, i), func(a *badge.Achievement) { a.Tag = append(a.Tag, t) })
		}
	}
	if v := achievement.Text("inLanguage"); v != "" {
		m.try(at+"inLanguage", func(a *badge.Achievement) { a.InLanguage = v })
	}
	if v := achievement.Text("achievementType"); v != "" {
		m.try(at+"achievementType", func(a *badge.Achievement) { a.AchievementType = v })
	}
	for _, n := range slices.Sorted(maps.Keys(left)) {
		switch {
		case left[n] == nil || left[n] == "":
		case n == "id" || n == "creator":
			m.lose(at+n, inCriteria)
		default:
			m.lose(at+Shown(n, 64), ob2.NoPlace)
		}
	}
	m.class.ID = classID(creator.ID, &m.class)
	return m.class, m.losses
}

func (m *mapping) criteria(achievement foreign.Object) {
	const at = "achievement.criteria"
	said := achievement.Object("criteria")
	if url := achievement.ID("criteria"); url != "" {
		m.try(at+".id", func(a *badge.Achievement) { a.Criteria.ID = webAddress(url) })
	}
	text := said.Text("narrative")
	if cut := textOf(text, 8<<10); cut != "" {
		if m.try(at+".narrative", func(a *badge.Achievement) { a.Criteria.Narrative += "\n\n" + cut }) && cut != text {
			m.lose(at+".narrative", badForm)
		}
	}
}

func (m *mapping) alignment(where string, o foreign.Object) {
	x := badge.Alignment{
		Type: []string{"Alignment"}, TargetName: textOf(o.Text("targetName"), 512), TargetURL: webAddress(o.Text("targetUrl")),
		TargetFramework: textOf(o.Text("targetFramework"), 256), TargetCode: textOf(o.Text("targetCode"), 256),
		TargetDescription: textOf(o.Text("targetDescription"), 2000),
	}
	if !m.try(where, func(a *badge.Achievement) { a.Alignment = append(a.Alignment, x) }) {
		return
	}
	if kind := o.Text("targetType"); kind != "" {
		m.try(where+".targetType", func(a *badge.Achievement) { a.Alignment[len(a.Alignment)-1].TargetType = kind })
	}
}

// elsewhere is how the criteria of every class of an attestation begin, in both
// languages of this network.
func elsewhere(achievement foreign.Object, c Claims) string {
	who := or(c.IssuerName, or(c.Issuer, "?"))
	if c.Issuer != "" && c.Issuer != who {
		who += " (" + c.Issuer + ")"
	}
	if id := Shown(achievement.Text("id"), 512); foreign.IsWeb(id) {
		who += ", " + id
	}
	return "Badge émis ailleurs, par " + who + ". Qui le publie ici l’a vérifié, et ne l’a pas remis.\n" +
		"Badge issued elsewhere, by " + who + ". Whoever publishes it here has checked it, and has not awarded it."
}

// textOf makes a stranger's text one that a record takes: lines and tabs stay,
// other control characters go, and what is longer is cut.
func textOf(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if r == '\n' || r == '\t' {
			return r
		}
		if r < ' ' || r >= 0x7f && r <= 0x9f || r == '\uFFFD' {
			return -1
		}
		return r
	}, s)
	s = strings.TrimSpace(s)
	for strings.HasPrefix(s, "_:") { // which JSON-LD takes for a blank node
		s = strings.TrimSpace(strings.TrimPrefix(s, "_:"))
	}
	if len(s) > most {
		s = strings.TrimSpace(strings.ToValidUTF8(s[:most], ""))
	}
	return s
}

// classID is made from what a class says and who says it: a UUID of version 8.
func classID(creator did.DID, a *badge.Achievement) string {
	h := sha256.New()
	fmt.Fprintf(h, "essaim import class\n%s\n%q\n%q\n%q\n%q\n%q\n%q\n%q\n", creator, a.Name, a.Description, a.Criteria.ID, a.Criteria.Narrative, a.Tag, a.InLanguage, a.AchievementType)
	for _, x := range a.Alignment {
		fmt.Fprintf(h, "%q\n", []string{x.TargetName, x.TargetURL, x.TargetFramework, x.TargetType, x.TargetCode, x.TargetDescription})
	}
	b := h.Sum(nil)
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16])
}

// mapBadge returns the class of a badge made elsewhere and all that is lost of
// the badge in an attestation of it. It fails with ob2.ErrIncomplete or
// ob2.ErrUndated.
func mapBadge(f *Foreign, creator badge.ProfileRef, home badge.Frame) (badge.Achievement, []ob2.Loss, error) {
	var losses []ob2.Loss
	credential := Credential(f.Badge)
	if f.Older.Assertion != nil {
		converted, lost, err := f.Older.Credential(map[string]any{"id": string(creator.ID), "type": []any{"Profile"}, "name": creator.Name})
		if err != nil {
			return badge.Achievement{}, nil, err
		}
		// The conversion adds where the badge stands, which shows the hash.
		if foreign.IsWeb(f.Older.Assertion.Text("id")) {
			lost = append(lost, ob2.Loss{Member: "id", Why: leadsToAddress})
		}
		if e, _ := converted["evidence"].([]any); len(e) > 0 && len(f.Older.Assertion.List("evidence")) == 0 {
			delete(converted, "evidence")
		}
		// What it holds comes back as if it had been read.
		raw, err := foreign.Canonical(converted)
		if err != nil {
			return badge.Achievement{}, nil, err
		}
		document, err := foreign.Parse(raw)
		if err != nil {
			return badge.Achievement{}, nil, err
		}
		credential, losses = document.Object, lost
	}
	subjects := credential.Objects("credentialSubject")
	if len(subjects) == 0 || subjects[0].Object("achievement") == nil {
		return badge.Achievement{}, nil, ob2.ErrIncomplete
	}
	if len(subjects) > 1 {
		losses = append(losses, ob2.Loss{Member: "credentialSubject", Why: ob2.OnlyOne})
	}
	told := []string{
		"@context", "type", "id", "name", "issuer", "validFrom", "issuanceDate", "awardedDate", "validUntil", "expirationDate", "credentialSubject",
		"proof", "credentialStatus",
	}
	losses = append(losses, left("", credential, told)...)
	losses = append(losses, left("credentialSubject.", subjects[0], []string{"type", "id", "achievement"})...)
	class, lost := mapClass(subjects[0].Object("achievement"), f.Claims, creator, home)
	losses = append(losses, lost...)
	for i := range losses {
		losses[i].Member = Shown(losses[i].Member, 128)
	}
	return class, losses[:min(len(losses), maxLosses)], nil
}

// left lists the members of o that an attestation does not tell.
func left(path string, o foreign.Object, told []string) (losses []ob2.Loss) {
	for _, n := range slices.Sorted(maps.Keys(o)) {
		switch {
		case slices.Contains(told, n) || o[n] == nil || o[n] == "":
		case n == "identifier":
			losses = append(losses, ob2.Loss{Member: path + n, Why: notPublished})
		default:
			losses = append(losses, ob2.Loss{Member: path + n, Why: staysInOriginal})
		}
	}
	return losses
}
