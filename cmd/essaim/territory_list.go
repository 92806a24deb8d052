package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func territoryList(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les territoires que ce nœud suit", "the territories this node follows"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/territories"), p.territories)
		},
	}
}

func (p *program) territories(v api.TerritoryList) {
	for _, t := range v.Territories {
		records := ""
		if t.Records != nil {
			records = p.many(*t.Records, "acte", "actes", "record", "records")
		}
		p.line("%-22s %-44s %s", t.ID, t.Name, records)
	}
	if len(v.Territories) == 0 {
		p.note("Aucun territoire.", "No territory.")
	}
}
