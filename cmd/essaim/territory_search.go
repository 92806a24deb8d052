package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"
)

func territorySearch(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "search " + p.tr("NOM", "NAME") + "…", Args: cobra.MinimumNArgs(1),
		Short: p.tr("trouver un territoire par son nom", "find a territory by name"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, get("/territories/search?q=%s", url.QueryEscape(strings.Join(args, " "))), p.territories)
		},
	}
}
