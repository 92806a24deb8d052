package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func placeSearch(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "search " + p.tr("NOM", "NAME") + "…", Args: cobra.MinimumNArgs(1),
		Short: p.tr("trouver une commune ou une ville", "find a commune or a city"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, get("/places/search?q=%s", url.QueryEscape(strings.Join(args, " "))), func(v api.PlaceList) {
				for _, x := range v.Places {
					p.line("%-36s %-22s %s", x.Label, x.Territory, x.TerritoryName)
				}
				if len(v.Places) == 0 {
					p.note("Aucun lieu de ce nom.", "No place of this name.")
				}
			})
		},
	}
}
