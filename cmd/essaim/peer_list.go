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
					p.note("Aucun nœud. Pour en relier un : essaim peer invite ici, et là-bas essaim peer join CODE", "No node. To link one: essaim peer invite here, and over there essaim peer join CODE")
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
	case x.Relayed:
		state = p.tr("relié par un relais", "connected through a relay")
	case x.Connected:
		state = p.tr("relié", "connected")
	}
	state += p.how(x)
	if x.LatencyMs > 0 {
		state += fmt.Sprintf(", %.0f ms", x.LatencyMs)
	}
	p.line("%s  %s", x.ID, state)
	for _, a := range x.Addrs {
		p.line("    %s", a)
	}
}

// how says how this node knows a peer.
func (p *program) how(x api.Peer) string {
	switch x.How {
	case "added":
		return p.tr(", ajouté", ", added")
	case "invitation":
		if x.Name != "" {
			return fmt.Sprintf(p.tr(", par invitation : %s", ", by invitation: %s"), x.Name)
		}
		return p.tr(", par invitation", ", by invitation")
	case "lan":
		return p.tr(", trouvé sur le réseau local", ", found on the local network")
	case "exchange":
		if x.ToldBy != "" {
			return p.tr(", indiqué par ", ", told of by ") + x.ToldBy
		}
		return p.tr(", indiqué par un autre nœud", ", told of by another node")
	case "dht":
		return p.tr(", trouvé par les autres nœuds", ", found through other nodes")
	case "itself":
		return p.tr(", venu de lui-même", ", came by itself")
	}
	return ""
}
