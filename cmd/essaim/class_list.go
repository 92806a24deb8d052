package main

import (
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func classList(p *program) *cobra.Command {
	var territory, creator string
	var retired bool
	var limit int
	c := &cobra.Command{
		Use:   "list [" + p.tr("MOTS", "WORDS") + "…]",
		Short: p.tr("les modèles de badge connus ici", "the badge classes known here"),
		RunE: func(c *cobra.Command, args []string) error {
			q := url.Values{"q": {strings.Join(args, " ")}, "territory": {territory}, "creator": {creator}, "limit": {fmt.Sprint(limit)}}
			if retired {
				q.Set("retired", "true")
			}
			return ask(c.Context(), p, get("/classes?%s", q.Encode()), func(v api.ClassList) {
				for _, k := range v.Classes {
					p.say("%-19s %-40s %s · %d badges", "%-19s %-40s %s · %d awards", short(k.CID), k.Name, p.person(k.Creator.Name, k.Creator.DID), k.Awards)
				}
				if len(v.Classes) == 0 {
					p.note("Aucun modèle. En publier un : essaim class new", "No class. To publish one: essaim class new")
				}
			})
		},
	}
	c.Flags().StringVar(&territory, "territory", "", p.tr("ce territoire seulement", "this territory only"))
	c.Flags().StringVar(&creator, "creator", "", p.tr("de cette identité seulement", "by this identity only"))
	c.Flags().BoolVar(&retired, "retired", false, p.tr("aussi ceux qui sont arrêtés", "retired ones too"))
	c.Flags().IntVar(&limit, "limit", 100, p.tr("combien, jusqu’à 1000", "how many, up to 1000"))
	return c
}
