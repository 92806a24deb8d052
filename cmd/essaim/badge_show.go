package main

import (
	"github.com/spf13/cobra"
)

func badgeShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show " + p.tr("CODE", "CID"), Args: cobra.ExactArgs(1),
		Short: p.tr("un badge, et pourquoi le croire", "one badge, and why to believe it"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, get("/badges/%s", args[0]), p.badgeDetails)
		},
	}
}
