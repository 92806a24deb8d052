package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol"
)

// maxFile bounds what is read from a file to be sent: a record has 64 KiB at
// most, and what is larger is told to be so by the node. An image with a badge
// in it may be larger.
const maxFile = 1 << 20

func readBounded(r io.Reader, most int64) ([]byte, error) {
	var raw bytes.Buffer
	n, err := raw.ReadFrom(io.LimitReader(r, most+1))
	if err == nil && n > most {
		err = &protocol.Refusal{Reason: protocol.TooLarge, Detail: fmt.Sprintf("more than %d bytes", most)}
	}
	return raw.Bytes(), err
}

func joined(s []string) string { return strings.Join(s, ", ") }

func (p *program) badgeDetails(b api.BadgeDetail) {
	level := ""
	if b.Level > 0 {
		level = fmt.Sprintf(p.tr(", niveau %d", ", level %d"), b.Level)
	}
	p.line("%s%s", b.Name, level)
	if b.Description != "" {
		p.line("  %s", b.Description)
	}
	p.say("  titulaire    %s", "  holder       %s", p.person(b.Holder.Name, b.Holder.DID))
	if b.Origin != nil {
		p.origin(b.Origin, b.Issuer)
	} else {
		p.say("  remis par    %s, le %s", "  awarded by   %s, %s", p.person(b.Issuer.Name, b.Issuer.DID), p.day(b.AwardedOn))
	}
	if !b.Until.IsZero() {
		p.say("  jusqu’au     %s", "  until        %s", p.day(b.Until))
	}
	p.say("  état         %s", "  state        %s", p.stateLine(b))
	if b.Narrative != "" {
		p.say("  ce qui a été fait  %s", "  narrative    %s", b.Narrative)
	}
	for _, e := range b.Evidence {
		p.say("  preuve       %s", "  evidence     %s", firstSet(e.URL, e.Text, e.Name))
	}
	switch {
	case !b.ClassKnown:
		p.say("  modèle       pas encore reçu ici", "  class        not received here yet")
	case !b.ShowsClass:
		p.say("  modèle       ✗ ce badge montre un autre modèle que celui qu’il nomme", "  class        ✗ this badge shows another class than the one it names")
	case b.OutsideRule:
		p.say("  règle        remis hors règle", "  rule         awarded outside the rule")
	}
	for _, e := range b.Endorsers {
		p.say("  soutien      %s, le %s%s", "  endorsed by  %s, %s%s", p.person(e.Name, e.DID), p.day(e.On), p.quoted(e.Comment))
	}
	for _, d := range b.Disputes {
		p.say("  contesté     par %s : %s%s", "  disputed     by %s: %s%s", p.person(d.By.Name, d.By.DID), p.reason(d.Reason), p.quoted(d.Comment))
	}
	p.say("  territoires  %s", "  territories  %s", joined(b.Territories))
	p.say("  code         %s", "  code         %s", b.CID)
}

// origin says where a badge comes from that was only verified here, and what
// was found.
func (p *program) origin(o *api.Origin, by api.Actor) {
	who := firstSet(o.IssuerName, o.Issuer, "?")
	if o.Issuer != "" && o.Issuer != who {
		who += " (" + o.Issuer + ")"
	}
	if o.IssuedOn.IsZero() {
		p.say("  émis ailleurs par %s", "  issued elsewhere by %s", who)
	} else {
		p.say("  émis ailleurs par %s, le %s", "  issued elsewhere by %s, %s", who, p.day(o.IssuedOn))
	}
	if o.VerifiedOn.IsZero() {
		p.say("  vérifié par  %s, qui ne dit pas quand ni comment", "  verified by  %s, who does not say when or how", p.person(by.Name, by.DID))
		return
	}
	p.say("  vérifié par  %s, le %s", "  verified by  %s, %s", p.person(by.Name, by.DID), p.day(o.VerifiedOn))
	for _, c := range o.Checks {
		if c.Sentence != nil {
			p.foreignCheck(c)
		}
	}
}

func (p *program) quoted(s string) string {
	if s == "" {
		return ""
	}
	return fmt.Sprintf(p.tr(" « %s »", " “%s”"), s)
}

func (p *program) stateLine(b api.BadgeDetail) string {
	s := p.translated(b.State)
	if b.Status != nil {
		s += fmt.Sprintf(p.tr(" depuis le %s, par %s (motif : %s)", " since %s, by %s (reason: %s)"), p.day(b.Status.On), p.person(b.Status.By.Name, b.Status.By.DID), p.reason(b.Status.Reason))
	} else if !b.Valid {
		s = p.tr("hors de ses dates", "outside its dates")
	}
	return s
}
