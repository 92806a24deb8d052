package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func dataErase(p *program) *cobra.Command {
	var member string
	c := &cobra.Command{
		Use: "erase " + p.tr("CODE | --member NOM", "CID | --member NAME"), Args: cobra.MaximumNArgs(1),
		Short: p.tr("effacer pour toujours un badge, une fiche ou tout ce qui concerne un membre", "erase for ever an award, a profile or all about a member"),
		Long: p.tr(`Publie un effacement signé par la clé de la personne : chaque nœud qu’il atteint
supprime le texte et ne le reprendra pas. Avec --member, tous ses badges, sa
fiche et ses annonces sont effacés, puis sa clé est oubliée. Une copie faite
par quelqu’un de malhonnête ne peut pas être rappelée.`,
			`Publishes an erasure signed by the person's key: every node it reaches deletes
the text and will not take it again. With --member all their awards, profile
and notices are erased, then their key is forgotten. A copy somebody dishonest
made cannot be called back.`),
		RunE: func(c *cobra.Command, args []string) error {
			r := api.EraseRequest{Member: member}
			if len(args) == 1 {
				r.CID = args[0]
			}
			if (r.CID == "") == (r.Member == "") {
				return usage(p.tr("donnez un code, ou --member", "give a CID, or --member"))
			}
			if err := p.confirm(c.Context(), firstSet(member, r.CID[max(0, len(r.CID)-4):]),
				"%s sera effacé pour toujours, sur tous les nœuds.", "%s will be erased for ever, on every node.", firstSet(member, short(r.CID))); err != nil {
				return err
			}
			return ask(c.Context(), p, post("/data/erase", r), func(v api.Erasure) {
				p.say("✓ %s", "✓ %s", p.many(len(v.Erased), "acte effacé", "actes effacés", "record erased", "records erased"))
				if v.Forgotten != "" {
					p.say("  la clé est oubliée : %s", "  the key is forgotten: %s", v.Forgotten)
				}
			})
		},
	}
	c.Flags().StringVar(&member, "member", "", p.tr("tout ce qui concerne ce membre", "all about this member"))
	return c
}
