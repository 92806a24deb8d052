package main

import (
	"context"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

// previewFlag lets a command say what it would change instead of doing it.
func previewFlag(p *program, c *cobra.Command, preview *bool) {
	c.Flags().BoolVar(preview, "preview", false, p.tr("dire seulement ce qui changerait, vu d’ici", "only say what would change, seen from here"))
}

// preview says what would change if something were published.
func (p *program) preview(ctx context.Context, cl *client, r api.PreviewRequest) error {
	if p.french && !p.json {
		r.Lang = "fr"
	}
	_, err := tell(ctx, p, cl, post("/trust/preview", r), func(v api.TrustPreview) {
		words := 0
		for _, c := range v.Changes {
			before, after := p.effect(c.Before, c.CountsBefore), p.effect(c.After, c.CountsAfter)
			if before == after {
				continue
			}
			words++
			p.say("%s : %s → %s", "%s: %s → %s", firstSet(c.Name, short(c.Target)), before, after)
		}
		switch rest := len(v.Changes) - words; {
		case words == 0:
			p.say("Aucun niveau ne changerait, vu d’ici.", "No level would change, seen from here.")
		case rest > 0:
			p.note("%s sans changer de niveau.", "%s without changing level.",
				p.many(rest, "autre bougerait", "autres bougeraient", "other would move", "others would move"))
		}
		p.note("Rien n’a été publié.", "Nothing was published.")
	})
	return err
}

// effect is a level, or that something would not count.
func (p *program) effect(s api.Standing, counts bool) string {
	if !counts {
		return p.tr("sans objet", "of no effect")
	}
	return s.Word
}
