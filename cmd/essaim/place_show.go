package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func placeShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show", Args: cobra.NoArgs,
		Short: p.tr("ce que votre communauté dit d’elle", "what your community says of itself"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/community"), p.community)
		},
	}
}

func (p *program) community(v api.CommunityAnswer) {
	p.line("%s", v.Name)
	if v.Description != "" {
		p.line("  %s", v.Description)
	}
	p.say("  sorte       %s", "  kind        %s", v.Kind)
	if v.Place != "" {
		p.say("  lieu        %s (%s)", "  place       %s (%s)", v.Place, v.Point)
	}
	p.say("  territoire  %s (%s)", "  territory   %s (%s)", v.TerritoryName, v.Territory)
	if v.URL != "" {
		p.say("  site        %s", "  web site    %s", v.URL)
	}
	if v.Email != "" {
		p.say("  contact     %s", "  contact     %s", v.Email)
	}
	p.say("  identité    %s", "  identity    %s", v.DID)
}
