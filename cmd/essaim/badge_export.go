package main

import (
	"net/url"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

func badgeExport(p *program) *cobra.Command {
	var out, as, holder string
	var all bool
	c := &cobra.Command{
		Use: "export [" + p.tr("CODE", "CID") + "]", Args: cobra.MaximumNArgs(1),
		Short: p.tr("un badge en fichier : les octets signés, une image qui les porte, une page", "a badge as a file: the bytes that were signed, a picture that carries them, a page"),
		Example: "  essaim badge export bafkrei… --as png -o badge.png\n" +
			"  essaim badge export --all --holder 'Nadia B.' --as zip -o nadia.zip",
		RunE: func(c *cobra.Command, args []string) error {
			r, err := p.exportRequest(args, all, holder, as)
			if err != nil {
				return err
			}
			return p.with(c.Context(), func(cl *client) error {
				raw, err := p.do(c.Context(), cl, r)
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
	f := c.Flags()
	f.StringVarP(&out, "out", "o", "", p.tr("fichier (sortie standard sinon)", "file (else standard output)"))
	f.StringVar(&as, "as", "", p.tr("json, ob2, png, svg, html ou linkedin ; avec --all, html ou zip", "json, ob2, png, svg, html or linkedin; with --all, html or zip"))
	f.BoolVar(&all, "all", false, p.tr("tous les badges d’une personne, en un fichier", "all badges of somebody, in one file"))
	f.StringVar(&holder, "holder", "", p.tr("avec --all, de qui : nom de membre ou did:key", "with --all, whose: name of a member or did:key"))
	return c
}

// exportRequest is what is asked of the node: the exact bytes of any record, a
// badge in another form, or all badges of a holder.
func (p *program) exportRequest(args []string, all bool, holder, as string) (request, error) {
	q := url.Values{"lang": {p.tr("fr", "en")}}
	if as != "" {
		q.Set("as", as)
	}
	switch {
	case all && (holder == "" || len(args) > 0):
		return request{}, usage(p.tr("avec --all, donnez --holder et pas de code", "with --all, give --holder and no code"))
	case all:
		q.Set("holder", holder)
		return get("/portfolio?%s", q.Encode()), nil
	case len(args) == 0 || holder != "":
		return request{}, usage(p.tr("donnez le code d’un badge, ou --all avec --holder", "give the code of a badge, or --all with --holder"))
	case as == "" || as == "json":
		return get("/records/%s", args[0]), nil
	}
	return get("/badges/%s/export?%s", args[0], q.Encode()), nil
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
