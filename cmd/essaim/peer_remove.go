package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerRemove(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "remove ID", Args: cobra.ExactArgs(1),
		Short: p.tr("oublier un nœud ajouté", "forget a node that was added"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/peers/"+args[0]), func(v api.PeerDetail) {
				p.say("✓ Oublié : %s", "✓ Forgotten: %s", v.ID)
			})
		},
	}
}
