package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerBlock(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "block ID", Args: cobra.ExactArgs(1),
		Short: p.tr("raccrocher, et ne plus entendre ce nœud", "hang up, and never hear this node again"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, put("/peers/"+args[0]+"/block", nil), func(v api.PeerDetail) {
				p.say("✓ Bloqué : %s", "✓ Blocked: %s", v.ID)
			})
		},
	}
}
