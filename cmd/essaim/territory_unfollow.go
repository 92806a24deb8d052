package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func territoryUnfollow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "unfollow ID", Args: cobra.ExactArgs(1),
		Short: p.tr("ne plus suivre un territoire ; ce qui est reçu reste", "stop following a territory; what was received stays"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/territories/"+url.PathEscape(args[0])+"/follow"), func(v api.TerritoryDetail) {
				p.say("✓ N’est plus suivi : %s (%s)", "✓ No longer followed: %s (%s)", v.Name, v.ID)
			})
		},
	}
}
