package main

import (
	"github.com/spf13/cobra"
)

func classShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show " + p.tr("MODÈLE", "CLASS"), Args: cobra.ExactArgs(1),
		Short: p.tr("un modèle de badge", "one badge class"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.withClass(c.Context(), args[0], func(cl *client, cid string) error {
				_, err := tell(c.Context(), p, cl, get("/classes/%s", cid), p.classDetails)
				return err
			})
		},
	}
}
