package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerPing(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "ping ID", Args: cobra.ExactArgs(1),
		Short: p.tr("le temps d’un aller-retour jusqu’à un nœud", "the time to a node and back"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, post("/peers/"+args[0]+"/ping", nil), func(v api.Pong) {
				p.line("%s  %.1f ms", v.Peer, v.Ms)
			})
		},
	}
}
