package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func mirrorRemove(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "remove " + p.tr("TERRITOIRE", "TERRITORY"), Args: cobra.ExactArgs(1),
		Short: p.tr("ne plus garder tout un territoire ; ce qui a été reçu reste", "keep a whole territory no more; what was received stays"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/mirrors/"+url.PathEscape(args[0])), func(api.MirrorList) {
				p.say("✓ Retirée : %s", "✓ Removed: %s", args[0])
			})
		},
	}
}
