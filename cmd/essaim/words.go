package main

import (
	"fmt"
	"strings"
	"time"
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

// states in French, as the glossary has them.
var frenchStates = map[string]string{
	"live": "en vigueur", "suspended": "suspendu", "revoked": "retiré", "withdrawn": "repris",
	"retired": "hors catalogue", "renounced": "abandonné par la personne", "erased": "effacé",
}

func (p *program) state(s string) string {
	if w, ok := frenchStates[s]; ok && p.french {
		return w
	}
	return s
}
