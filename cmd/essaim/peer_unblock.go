package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerUnblock(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "unblock ID", Args: cobra.ExactArgs(1),
		Short: p.tr("lever le blocage d’un nœud", "take the block of a node back"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/peers/"+args[0]+"/block"), func(v api.PeerDetail) {
				p.say("✓ N’est plus bloqué : %s", "✓ No longer blocked: %s", v.ID)
			})
		},
	}
}
