package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func trustExplain(p *program) *cobra.Command {
	var from []string
	c := &cobra.Command{
		Use: "explain " + p.tr("CODE|IDENTITÉ", "CID|DID"), Args: cobra.ExactArgs(1),
		Short: p.tr("pourquoi croire un badge, un modèle ou une identité", "why to believe an award, a class or an identity"),
		Long: p.tr(`La confiance se voit toujours de quelque part : de vos références (essaim anchor list).
Avec --seen-from on la voit aussi d’ailleurs, côte à côte ; plusieurs références se donnent
avec des virgules.`,
			`Trust is always seen from somewhere: from your anchors (essaim anchor list).
With --seen-from it is also seen from elsewhere, side by side; several anchors are given
with commas.`),
		RunE: func(c *cobra.Command, args []string) error {
			q := p.language()
			q["seenFrom"] = from
			return ask(c.Context(), p, get("/trust/%s/explain?%s", url.PathEscape(args[0]), q.Encode()), p.explanation)
		},
	}
	c.Flags().StringArrayVar(&from, "seen-from", nil, p.tr("aussi vu de ces références (identités séparées par des virgules) ; plusieurs fois possible",
		"also seen from these anchors (DIDs with commas); may be repeated"))
	return c
}

func (p *program) explanation(v api.TrustExplanation) {
	p.line("%s", firstSet(v.Name, short(v.Target)))
	for _, view := range v.Views {
		p.line("")
		p.line("%s", p.seen(view))
		for _, s := range view.Sentences {
			p.line("  · %s", s)
		}
	}
}

// seen says a level, and from where.
func (p *program) seen(v api.TrustView) string {
	word := v.Word
	if !v.Counts {
		word = p.tr("sans objet", "of no effect")
	}
	if v.Here {
		return fmt.Sprintf(p.tr("Vu d’ici : %s", "Seen from here: %s"), word)
	}
	names := ""
	for i, a := range v.Anchors {
		if i == 3 {
			names += "…"
			break
		}
		if i > 0 {
			names += ", "
		}
		names += p.person(a.Name, a.DID)
	}
	if names == "" {
		return fmt.Sprintf(p.tr("Vu sans aucune référence : %s", "Seen from nowhere: %s"), word)
	}
	return fmt.Sprintf(p.tr("Vu depuis %s : %s", "Seen from %s: %s"), names, word)
}
