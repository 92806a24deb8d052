package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeImport(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "import " + p.tr("FICHIER", "FILE") + "|-", Args: cobra.ExactArgs(1),
		Short: p.tr("faire entrer un acte reçu en fichier", "bring in a record received as a file"),
		RunE: func(c *cobra.Command, args []string) error {
			raw, err := p.readFile(args[0])
			if err != nil {
				return err
			}
			return ask(c.Context(), p, post("/records", raw), func(v api.Accepted) {
				if v.New {
					p.say("✓ Entré : %s %s", "✓ Brought in: %s %s", p.translated(v.Kind), v.CID)
				} else {
					p.say("✓ Déjà connu : %s %s", "✓ Known already: %s %s", p.translated(v.Kind), v.CID)
				}
			})
		},
	}
}
