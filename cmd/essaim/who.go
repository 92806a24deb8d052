package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func whoCommand(p *program) *cobra.Command {
	var near, trust string
	var radius float64
	var level, limit int
	c := &cobra.Command{
		Use: "who " + p.tr("COMPÉTENCE", "SKILL") + "…", Args: cobra.MinimumNArgs(1),
		Short:   p.tr("qui sait faire, près d’ici, et pourquoi le croire", "who can do it, near here, and why to believe it"),
		Example: "  essaim who \"découpe laser\" --near Brest --radius 20",
		RunE: func(c *cobra.Command, args []string) error {
			q := url.Values{"skill": {strings.Join(args, " ")}, "radius": {fmt.Sprint(radius)}, "limit": {fmt.Sprint(limit)}}
			if near != "" {
				q.Set("near", near)
			}
			if trust != "" {
				q.Set("trust", trust)
			}
			for name, value := range p.language() {
				q[name] = value
			}
			if level > 0 {
				q.Set("level", fmt.Sprint(level))
			}
			return ask(c.Context(), p, get("/who?%s", q.Encode()), p.who)
		},
	}
	f := c.Flags()
	f.StringVar(&near, "near", "", p.tr("commune, code postal ou ville (votre lieu par défaut)", "commune, postal code or city (your place by default)"))
	f.Float64Var(&radius, "radius", 50, p.tr("rayon en kilomètres", "radius in kilometres"))
	f.StringVar(&trust, "trust", "", p.tr("confiance au moins : fragile, backed (appuyé), solid (solide), very-solid (très solide)",
		"trust at least: fragile, backed, solid, very-solid"))
	f.IntVar(&level, "level", 0, p.tr("niveau au moins", "level at least"))
	f.IntVar(&limit, "limit", 20, p.tr("réponses au plus", "answers at most"))
	return c
}

var frenchBands = map[string]string{
	"same territory": "même intercommunalité", "under 20 km": "à moins de 20 km", "under 50 km": "à moins de 50 km",
	"same department": "même département", "farther": "plus loin",
}

func (p *program) who(v api.Who) {
	switch {
	case v.Classes == 0:
		p.say("Aucun modèle de badge ne parle de « %s ».", "No badge class speaks of %q.", v.Skill)
		p.note("Essayez d’autres mots, ou suivez d’autres territoires : essaim territory search NOM", "Try other words, or follow other territories: essaim territory search NAME")
		return
	case v.Found == 0:
		p.say("%[2]s et %.0[1]f km autour : personne de connu.", "Nobody known within %.0f km of %s.", v.Radius, v.Near.Label)
		p.note("Élargissez : --radius %.0f", "Look farther: --radius %.0f", 2*v.Radius)
		return
	}
	p.say("%[3]s et %.0[2]f km autour : %[1]s", "%s within %.0f km of %s", p.many(v.Found, "badge", "badges", "award", "awards"), v.Radius, v.Near.Label)
	for i, a := range v.Answers {
		level := ""
		if a.Level > 0 {
			level = fmt.Sprintf(p.tr(", niveau %d", ", level %d"), a.Level)
		}
		band := a.Band
		if p.french {
			band = frenchBands[a.Band]
		}
		p.line("%2d. %s : %s%s · %s (%s)", i+1, p.person(a.Holder.Name, a.Holder.DID), a.ClassName, level, a.Territory.Name, band)
		names := make([]string, 0, len(a.Endorsers))
		for _, e := range a.Endorsers {
			names = append(names, p.person(e.Name, e.DID))
		}
		if a.Elsewhere != "" {
			p.say("    émis ailleurs par %s le %s, vérifié par %s%s", "    issued elsewhere by %s on %s, verified by %s%s",
				a.Elsewhere, p.day(a.AwardedOn), p.person(a.Issuer.Name, a.Issuer.DID), p.endorsedBy(a.Endorsed, names))
		} else {
			p.say("    remis par %s le %s%s", "    awarded by %s on %s%s", p.person(a.Issuer.Name, a.Issuer.DID), p.day(a.AwardedOn), p.endorsedBy(a.Endorsed, names))
		}
		if a.Trust != nil {
			p.say("    confiance : %s. %s", "    trust: %s. %s", a.Trust.Word, a.Trust.Reason)
		}
		if a.OutsideRule {
			p.say("    remis hors règle : le modèle ne laisse pas cette identité le remettre", "    outside the rule: the class does not let this identity award it")
		}
		p.say("    code  %s", "    code  %s", a.Award)
	}
	if rest := v.Found - len(v.Answers); rest > 0 {
		p.note("… et %d de plus : --limit %d", "… and %d more: --limit %d", rest, min(v.Found, 200))
	}
}
