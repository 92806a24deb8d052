package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func disputeOpen(p *program) *cobra.Command {
	var r api.DisputeRequest
	var preview bool
	c := &cobra.Command{
		Use: "open " + p.tr("CODE|IDENTITÉ", "CID|DID"), Args: cobra.ExactArgs(1),
		Short: p.tr("contester un badge, un modèle ou une identité, publiquement", "dispute an award, a class or an identity, in the open"),
		Long: p.tr(`Une contestation est publique et signée : elle dit ce qui ne va pas, et pèse auprès de ceux
qui vous font confiance. Elle ne retire rien à personne. Pour des données personnelles, écrivez
plutôt au collectif concerné.`,
			`A dispute is public and signed: it says what is wrong, and weighs with those who trust you.
It takes nothing from anybody. About personal data, write to the community instead.`),
		RunE: func(c *cobra.Command, args []string) error {
			r.Target = args[0]
			if preview {
				return p.with(c.Context(), func(cl *client) error {
					return p.preview(c.Context(), cl, api.PreviewRequest{Act: "dispute", Target: r.Target, As: r.As})
				})
			}
			return ask(c.Context(), p, post("/disputes", r), func(v api.DisputeDetail) {
				p.say("✓ Contestation publiée : %s", "✓ Dispute published: %s", firstSet(v.TargetName, short(v.Target)))
				p.say("  code  %s", "  code  %s", v.CID)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&r.Reason, "reason", "", p.tr(
		"motif : never-happened (n’a pas eu lieu), wrong-person, criteria-not-met, unsafe, copied, impersonation, other",
		"reason: never-happened, wrong-person, criteria-not-met, unsafe, copied, impersonation, other"))
	f.StringVar(&r.Comment, "comment", "", p.tr("ce qui ne va pas, en une phrase", "what is wrong, in a sentence"))
	f.StringVar(&r.Until, "until", "", p.tr("jusqu’au, AAAA-MM-JJ (deux ans comptent sinon)", "until, YYYY-MM-DD (else two years count)"))
	f.StringSliceVar(&r.Territories, "territory", nil, p.tr("territoire (ceux de la cible par défaut)", "territory (those of the target by default)"))
	f.StringVar(&r.As, "as", "", p.tr("au nom d’un membre (nom ou identité)", "in the name of a member (name or DID)"))
	previewFlag(p, c, &preview)
	return c
}
