package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func trustShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show " + p.tr("CODE|IDENTITÉ", "CID|DID"), Args: cobra.ExactArgs(1),
		Short: p.tr("ce que vaut un badge, un modèle ou une identité, vu d’ici", "how well an award, a class or an identity is backed, seen from here"),
		RunE: func(c *cobra.Command, args []string) error {
			return ask(c.Context(), p, get("/trust/%s?%s", url.PathEscape(args[0]), p.language().Encode()), func(v api.Trust) {
				p.say("%s : %s", "%s: %s", firstSet(v.Name, short(v.Target)), v.Word)
				p.line("  %s", v.Reason)
				p.note("pourquoi : essaim trust explain %s", "why: essaim trust explain %s", args[0])
			})
		},
	}
}

// language asks the node for sentences in the reader's language. A document is
// in English.
func (p *program) language() url.Values {
	if p.french && !p.json {
		return url.Values{"lang": {"fr"}}
	}
	return url.Values{}
}
