package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func endorseAdd(p *program) *cobra.Command {
	var r api.EndorseRequest
	var preview bool
	c := &cobra.Command{
		Use: "add " + p.tr("CODE|IDENTITÉ", "CID|DID"), Args: cobra.ExactArgs(1),
		Short: p.tr("soutenir un badge, un modèle, une fiche ou une identité", "endorse an award, a class, a profile or an identity"),
		Long: p.tr(`Un soutien est public et signé : je connais, j’ai vu, c’est bien cette personne.
D’un badge ou d’un modèle il soutient cette version exacte.`,
			`An endorsement is public and signed: I know, I have seen, it is this person.
Of an award or a class it backs that exact version.`),
		RunE: func(c *cobra.Command, args []string) error {
			r.Target = args[0]
			if preview {
				return p.with(c.Context(), func(cl *client) error {
					return p.preview(c.Context(), cl, api.PreviewRequest{Act: "endorse", Target: r.Target, Weight: r.Weight, As: r.As})
				})
			}
			return ask(c.Context(), p, post("/endorsements", r), func(v api.Endorsement) {
				p.say("✓ Soutien publié pour %s", "✓ Endorsement published for %s", firstSet(v.TargetName, short(v.Target)))
				p.say("  code  %s", "  code  %s", v.CID)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&r.Comment, "comment", "", p.tr("pourquoi", "why"))
	f.StringVar(&r.Until, "until", "", p.tr("jusqu’au, AAAA-MM-JJ (deux ans comptent sinon)", "until, YYYY-MM-DD (else two years count)"))
	f.IntVar(&r.Weight, "weight", 0, p.tr("d’une identité : 25, 50, 75 ou 100", "of an identity: 25, 50, 75 or 100"))
	f.StringSliceVar(&r.Territories, "territory", nil, p.tr("territoire (ceux de la cible par défaut)", "territory (those of the target by default)"))
	f.StringVar(&r.As, "as", "", p.tr("au nom d’un membre (nom ou identité)", "in the name of a member (name or identity)"))
	previewFlag(p, c, &preview)
	return c
}
