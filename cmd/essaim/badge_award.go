package main

import (
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeAward(p *program) *cobra.Command {
	var r api.AwardRequest
	var evidence []string
	c := &cobra.Command{
		Use: "award " + p.tr("MODÈLE", "CLASS"), Args: cobra.ExactArgs(1),
		Short: p.tr("remettre un badge : la personne l’accepte ensuite avec le code", "award a badge: the person then claims it with the code"),
		Long: p.tr(`Signe un badge pour une personne et donne le code avec lequel elle l’accepte.
Rien n’est public avant qu’elle accepte. --to prend le prénom d’un membre, qui
reçoit une clé gardée ici la première fois et dont le nom ne quitte pas ce
dossier, ou l’identité (did:key:…) de quelqu’un d’ailleurs.`, `Signs a badge for a person and gives the code they claim it with. Nothing is
public before they do. --to takes the name of a member, who gets a key kept
here the first time and whose name does not leave this folder, or the identity
(did:key:…) of somebody elsewhere.`),
		Example: `  essaim badge award "Découpe laser" --to "Nadia B." --level 2 --evidence https://exemple.fr/porte-cle`,
		RunE: func(c *cobra.Command, args []string) error {
			for _, e := range evidence {
				if strings.HasPrefix(e, "http://") || strings.HasPrefix(e, "https://") {
					r.Evidence = append(r.Evidence, api.Evidence{URL: e})
				} else {
					r.Evidence = append(r.Evidence, api.Evidence{Text: e})
				}
			}
			return p.withClass(c.Context(), args[0], func(cl *client, cid string) error {
				r.Class = cid
				_, err := tell(c.Context(), p, cl, post("/badges/award", r), p.offered)
				return err
			})
		},
	}
	f := c.Flags()
	f.StringVar(&r.To, "to", "", p.tr("qui le reçoit : prénom d’un membre, ou did:key:… (nécessaire)", "who receives it: name of a member, or did:key:… (needed)"))
	f.IntVar(&r.Level, "level", 0, p.tr("niveau atteint, de 1 à 5", "level reached, 1 to 5"))
	f.StringVar(&r.Narrative, "narrative", "", p.tr("ce qui a été fait", "what was done"))
	f.StringArrayVar(&evidence, "evidence", nil, p.tr("preuve : adresse ou texte (répétable)", "evidence: address or text (repeatable)"))
	f.StringVar(&r.AwardedOn, "on", "", p.tr("jour où c’était, AAAA-MM-JJ (aujourd’hui)", "day it was, YYYY-MM-DD (today)"))
	f.StringVar(&r.Until, "until", "", p.tr("valable jusqu’au, AAAA-MM-JJ", "valid until, YYYY-MM-DD"))
	f.StringSliceVar(&r.Territories, "territory", nil, p.tr("territoire (le vôtre par défaut ; trois au plus)", "territory (yours by default; three at most)"))
	f.StringVar(&r.As, "as", "", p.tr("au nom d’un membre (nom ou identité)", "in the name of a member (name or identity)"))
	_ = c.MarkFlagRequired("to")
	return c
}

func (p *program) offered(o api.OfferDetail) {
	p.say("✓ Badge signé : %s, pour %s", "✓ Badge signed: %s, for %s", o.ClassName, p.person(o.To, o.Holder))
	p.say("  code     %s   (jusqu’au %s)", "  code     %s   (until %s)", o.Code, p.day(o.Expires))
	if o.ClaimLink != "" {
		p.say("  lien     %s", "  link     %s", o.ClaimLink)
	}
	p.note("Rien n’est public avant que la personne accepte : sur ce nœud, essaim badge claim %s", "Nothing is public before the person accepts: on this node, essaim badge claim %s", o.Code)
}
