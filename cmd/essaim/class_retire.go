package main

import (
	"github.com/spf13/cobra"
)

func classRetire(p *program) *cobra.Command {
	var reason string
	c := &cobra.Command{
		Use: "retire " + p.tr("MODÈLE", "CLASS"), Args: cobra.ExactArgs(1),
		Short: p.tr("arrêter un modèle : il n’est plus remis, et les badges déjà remis restent valables", "retire a class; its awards stay valid"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withClass(c.Context(), args[0], func(cl *client, cid string) error {
				return p.setStatus(c.Context(), cl, cid, "retired", reason)
			})
		},
	}
	reasonFlag(p, c, &reason)
	return c
}
