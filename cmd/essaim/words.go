package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/protocol"
)

var frenchMonths = strings.Fields("janv. févr. mars avr. mai juin juil. août sept. oct. nov. déc.")

// day writes a date: "25 nov. 2026", "25 Nov 2026".
func (p *program) day(t time.Time) string {
	t = t.Local()
	if !p.french {
		return t.Format("2 Jan 2006")
	}
	n := fmt.Sprint(t.Day())
	if t.Day() == 1 {
		n = "1er"
	}
	return fmt.Sprintf("%s %s %d", n, frenchMonths[t.Month()-1], t.Year())
}

// bytes writes a size: "96 Mo", "96 MB".
func (p *program) bytes(n int64) string {
	unit := p.tr("o", "B")
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%d G%s", n>>30, unit)
	case n >= 1<<20:
		return fmt.Sprintf("%d M%s", n>>20, unit)
	case n >= 1<<10:
		return fmt.Sprintf("%d k%s", n>>10, unit)
	}
	return fmt.Sprintf("%d %s", n, p.tr("octets", "bytes"))
}

// size reads what bytes writes, and the like: "500MB", "2 Go", "1000000". Nothing is 0.
func (p *program) size(text string) (int64, error) {
	lower := strings.ToLower(text) // longer than text where that is not UTF-8
	digits := strings.TrimRight(lower, "kmgtbo ")
	unit := strings.TrimRight(strings.TrimSpace(lower[len(digits):]), "bo")
	n, err := strconv.ParseInt(digits, 10, 64)
	shift := map[string]int{"": 0, "k": 10, "m": 20, "g": 30, "t": 40}
	by, ok := shift[unit]
	switch {
	case text == "":
		return 0, nil
	case err != nil || !ok || n <= 0 || n > math.MaxInt64>>by:
		return 0, usage(fmt.Sprintf(p.tr("« %s » n’est pas une taille : 500MB, 2GB", "%q is no size: 500MB, 2GB"), text))
	}
	return n << by, nil
}

// many writes a count with its noun. French counts none as singular.
func (p *program) many(n int, french, frenches, english, englishes string) string {
	switch {
	case p.french && n < 2:
		return fmt.Sprintf("%d %s", n, french)
	case p.french:
		return fmt.Sprintf("%d %s", n, frenches)
	case n == 1:
		return fmt.Sprintf("%d %s", n, english)
	}
	return fmt.Sprintf("%d %s", n, englishes)
}

// number writes a count by thousands: "3 218", "3,218".
func (p *program) number(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + p.tr("\u202f", ",") + digits[i:]
	}
	return digits
}

// counted is many for numbers that may be large.
func (p *program) counted(n int, french, frenches, english, englishes string) string {
	_, noun, _ := strings.Cut(p.many(n, french, frenches, english, englishes), " ")
	return p.number(n) + " " + noun
}

// lasting writes how long something takes: "45 s", "12 min", "3 h 5 min".
func (p *program) lasting(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	}
	return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
}

// kinds writes how many records of a kind: "3 modèles de badge", "3 classes".
func (p *program) kinds(n int, k protocol.Kind) string {
	english, plural := k.String(), "s"
	if strings.HasSuffix(english, "s") {
		plural = "es"
	}
	french := p.translated(english)
	first, rest, _ := strings.Cut(french, " ")
	return p.many(n, french, strings.TrimSpace(first+"s "+rest), english, english+plural)
}

// short is how a code is shown to people: its first eight characters after the
// common beginning, and its last four.
func short(code string) string {
	if len(code) < 24 {
		return code
	}
	return code[:12] + "…" + code[len(code)-4:]
}

// person is a name, or the end of a key when none was published.
func (p *program) person(name, did string) string {
	if name != "" {
		return name
	}
	if len(did) < 12 {
		return did
	}
	return fmt.Sprintf(p.tr("une personne (…%s)", "somebody (…%s)"), did[len(did)-8:])
}

// frenchReasons are the public reasons of a status or a dispute.
var frenchReasons = map[string]string{
	"error": "erreur", "wrong-person": "erreur de personne", "safety": "sécurité", "fraud": "fraude", "rules": "règles",
	"outdated": "périmé", "request": "à la demande de la personne", "other": "autre",
	"never-happened": "n’a pas eu lieu", "criteria-not-met": "critères non remplis", "unsafe": "dangereux",
	"copied": "copié", "impersonation": "usurpation",
}

func (p *program) reason(s string) string {
	if w, ok := frenchReasons[s]; ok && p.french {
		return w
	}
	return s
}
