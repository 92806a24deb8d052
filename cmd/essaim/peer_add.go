package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerAdd(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "add " + p.tr("ADRESSE", "ADDRESS"), Args: cobra.ExactArgs(1),
		Short:   p.tr("ajouter un nœud et garder le lien avec lui", "add a node and keep a connection to it"),
		Example: "  essaim peer add /ip4/192.168.1.20/tcp/4797/p2p/12D3KooW…",
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, post("/peers", api.PeerRequest{Address: args[0]}), func(v api.PeerDetail) {
				p.say("✓ Ajouté", "✓ Added")
				p.peer(v.Peer)
			})
		},
	}
}
