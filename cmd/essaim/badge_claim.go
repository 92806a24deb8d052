package main

import (
	"os"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol/bake"
)

func badgeClaim(p *program) *cobra.Command {
	var r api.ClaimRequest
	var file string
	c := &cobra.Command{
		Use: "claim [CODE]", Args: cobra.MaximumNArgs(1),
		Short: p.tr("accepter un badge : il devient public dans ses territoires", "accept a badge: it becomes public in its territories"),
		Long: p.tr(`La personne qui reçoit le badge le cosigne : elle l’accepte, et accepte que ses
territoires le voient. Sans --public-name, seule sa clé y figure.`,
			`The holder co-signs the badge: they accept it, and agree that its territories
see it. Without --public-name only their key stands in it.`),
		Example: "  essaim badge claim 7KQ2-MD4X-P9TR --public-name \"Nadia B.\"",
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == (file != "") {
				return usage(p.tr("donnez le code, ou --file", "give the code, or --file"))
			}
			if file != "" {
				raw, err := p.readFile(file)
				if err != nil {
					return err
				}
				r.Document = string(raw)
			} else {
				r.Code = args[0]
			}
			return ask(c.Context(), p, post("/badges/claim", r), func(v api.Accepted) {
				p.say("✓ Badge accepté, et public dans : %s", "✓ Badge accepted, and public in: %s", joined(v.Territories))
				p.say("  code  %s", "  code  %s", v.CID)
			})
		},
	}
	c.Flags().StringVar(&r.PublicName, "public-name", "", p.tr("publier aussi ce nom, dans une fiche à soi", "publish this name too, in a profile of one’s own"))
	c.Flags().StringVar(&file, "file", "", p.tr("le badge proposé, reçu en fichier (- : entrée standard)", "the offer, received as a file (-: standard input)"))
	return c
}

// readFile reads a file, or standard input for "-".
func (p *program) readFile(name string) ([]byte, error) { return p.readUpTo(name, maxFile) }

// readBadge is readFile of what may be an image.
func (p *program) readBadge(name string) ([]byte, error) { return p.readUpTo(name, bake.MaxImage) }

func (p *program) readUpTo(name string, most int64) ([]byte, error) {
	if name == "-" {
		return readBounded(p.lines, most)
	}
	f, err := os.Open(name)
	if err != nil {
		return nil, &failure{Code: "not_found", Message: p.translated(err.Error()), exit: exitNotFound}
	}
	defer f.Close()
	return readBounded(f, most)
}
