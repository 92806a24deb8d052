package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func tokenList(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les jetons en vigueur", "the tokens in force"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/tokens"), func(v api.TokenList) {
				for _, t := range v.Tokens {
					may := p.tr("lit", "reads")
					if t.Write {
						may = p.tr("lit et écrit", "reads and writes")
					}
					p.line("%s  %-14s %-16s %s", t.ID, p.day(t.Created), may, t.Name)
				}
				if len(v.Tokens) == 0 {
					p.note("Aucun jeton.", "No token.")
				}
			})
		},
	}
}
