package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func dataStats(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "stats", Args: cobra.NoArgs,
		Short: p.tr("combien il y a de quoi, par territoire", "how much there is of what, by territory"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/stats"), func(v api.Stats) {
				for _, t := range v.Territories {
					p.say("%-22s %-36s %d actes, dont %d badges", "%-22s %-36s %d records, of which %d awards", t.ID, t.Name, t.Total, t.Records["award"])
				}
				p.say("En tout %d actes · %d effacés · %d attendus · %d identités · %s", "In all %d records · %d erased · %d missing · %d identities · %s",
					v.Total, v.Erased, v.Missing, v.Identities, p.bytes(v.Bytes))
			})
		},
	}
}
