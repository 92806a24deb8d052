package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func tokenRevoke(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "revoke ID", Args: cobra.ExactArgs(1),
		Short: p.tr("mettre fin à un jeton", "end a token"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/tokens/"+args[0]), func(api.TokenList) {
				p.say("✓ Jeton %s sans effet désormais", "✓ Token %s is void", args[0])
			})
		},
	}
}
