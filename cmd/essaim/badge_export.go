package main

import (
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

func badgeExport(p *program) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "export " + p.tr("CODE", "CID"), Args: cobra.ExactArgs(1),
		Short: p.tr("les octets exacts d’un acte, tels qu’ils ont été signés", "the exact bytes of a record, as they were signed"),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(cl *client) error {
				raw, err := p.do(c.Context(), cl, get("/records/%s", args[0]))
				if err != nil {
					return err
				}
				if out == "" || out == "-" {
					_, err = p.out.Write(raw)
					return err
				}
				if err := renameio.WriteFile(out, raw, 0o644); err != nil {
					return err
				}
				return p.wrote(out, len(raw))
			})
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", p.tr("fichier (sortie standard sinon)", "file (else standard output)"))
	return c
}

// wrote says which file holds the result.
func (p *program) wrote(file string, n int) error {
	if p.json {
		return p.document(struct {
			Schema string `json:"schema"`
			File   string `json:"file"`
			Bytes  int    `json:"bytes"`
		}{"essaim.file/1", file, n})
	}
	p.say("✓ %s, %s", "✓ %s, %s", file, p.bytes(int64(n)))
	return nil
}
