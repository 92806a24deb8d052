package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func accessRemove(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "remove " + p.tr("RÈGLE", "RULE"), Args: cobra.ExactArgs(1),
		Short: p.tr("oublier une règle : qui la demande n’est plus admis", "forget a rule: who asks by it is let in no more"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, remove("/access/rules/"+url.PathEscape(args[0])), func(api.RuleList) {
				p.say("✓ Règle oubliée : %s", "✓ Rule forgotten: %s", args[0])
			})
		},
	}
}
