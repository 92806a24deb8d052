package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func territoryFollow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "follow ID", Args: cobra.ExactArgs(1),
		Short: p.tr("suivre un territoire : entendre, garder et relayer ses actes", "follow a territory: hear, keep and pass on its records"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, put("/territories/"+url.PathEscape(args[0])+"/follow", nil), func(v api.TerritoryDetail) {
				p.say("✓ Suivi : %s (%s)", "✓ Followed: %s (%s)", v.Name, v.ID)
			})
		},
	}
}
