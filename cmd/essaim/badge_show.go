package main

import (
	"context"
	"errors"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeShow(p *program) *cobra.Command {
	var original string
	c := &cobra.Command{
		Use: "show " + p.tr("CODE", "CID"), Args: cobra.ExactArgs(1),
		Short: p.tr("un badge, et pourquoi le croire", "one badge, and why to believe it"),
		Long: p.tr(`Un badge publié par son code, ou un badge fait ailleurs et gardé ici par celui de
son original, que --original écrit dans un fichier.`,
			`A published badge by its code, or a badge made elsewhere and kept here by that of
its original, which --original writes to a file.`),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(cl *client) error {
				if original != "" {
					return p.writeOriginal(c.Context(), cl, args[0], original)
				}
				_, err := tell(c.Context(), p, cl, get("/badges/%s", args[0]), p.badgeDetails)
				var f *failure
				if !errors.As(err, &f) || f.Code != "not_found" {
					return err
				}
				if _, other := tell(c.Context(), p, cl, get("/imports/%s", args[0]), p.importDetails); other == nil {
					return nil
				}
				return err
			})
		},
	}
	c.Flags().StringVar(&original, "original", "", p.tr("écrire ici le fichier d’un badge fait ailleurs, tel quel", "write the file of a badge made elsewhere here, as it is"))
	return c
}

func (p *program) writeOriginal(ctx context.Context, cl *client, code, file string) error {
	raw, err := p.do(ctx, cl, get("/imports/%s/file", code))
	if err != nil {
		return err
	}
	if file == "-" {
		_, err = p.out.Write(raw)
		return err
	}
	if err := renameio.WriteFile(file, raw, 0o600); err != nil {
		return err
	}
	return p.wrote(file, len(raw))
}

// importDetails shows a badge made elsewhere that is kept here.
func (p *program) importDetails(v api.ImportDetail) {
	p.line("%s", firstSet(v.Claims.Name, v.Kind))
	if v.Claims.Description != "" {
		p.line("  %s", v.Claims.Description)
	}
	p.say("  fait ailleurs, gardé ici en privé", "  made elsewhere, kept here privately")
	p.importLines(v)
}
