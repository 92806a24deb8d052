package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerList(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les nœuds reliés, ajoutés ou bloqués", "nodes that are connected, were added or are blocked"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/peers"), func(v api.PeerList) {
				for _, x := range v.Peers {
					p.peer(x)
				}
				if len(v.Peers) == 0 {
					p.note("Aucun nœud. En ajouter un : essaim peer add ADRESSE", "No node. To add one: essaim peer add ADDRESS")
				}
			})
		},
	}
}

func (p *program) peer(x api.Peer) {
	state := p.tr("absent", "away")
	switch {
	case x.Blocked:
		state = p.tr("bloqué", "blocked")
	case x.Connected:
		state = p.tr("relié", "connected")
	}
	if x.Static {
		state += p.tr(", ajouté", ", added")
	}
	if x.LatencyMs > 0 {
		state += fmt.Sprintf(", %.0f ms", x.LatencyMs)
	}
	p.line("%s  %s", x.ID, state)
	for _, a := range x.Addrs {
		p.line("    %s", a)
	}
}
