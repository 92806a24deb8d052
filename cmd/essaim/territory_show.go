package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func territoryShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show ID", Args: cobra.ExactArgs(1),
		Short: p.tr("un territoire et ce qu’on en sait ici", "one territory, and what is known of it here"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, get("/territories/%s", url.PathEscape(args[0])), p.territory)
		},
	}
}

func (p *program) territory(t api.TerritoryDetail) {
	p.line("%s (%s)", t.Name, t.ID)
	var within []string
	for _, w := range t.Within {
		within = append(within, w.Name)
	}
	if len(within) > 0 {
		p.say("  dans    %s", "  in      %s", joined(within))
	}
	if t.Followed {
		p.say("  suivi   oui", "  followed yes")
	} else {
		p.say("  suivi   non (essaim territory follow %s)", "  followed no (essaim territory follow %s)", t.ID)
	}
	p.say("  actes   %d modèles, %d badges, %d soutiens", "  records %d classes, %d awards, %d endorsements",
		t.ByKind["class"], t.ByKind["award"], t.ByKind["endorsement"])
}
