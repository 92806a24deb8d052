package main

import (
	"io"
	"net/url"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"
)

func bundleWrite(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "write " + p.tr("FICHIER [TERRITOIRE…]", "FILE [TERRITORY…]"), Args: cobra.MinimumNArgs(1),
		Short: p.tr("écrire les actes de territoires dans un fichier à emporter", "write the records of territories to a file to carry"),
		Long: p.tr(`Sans territoire, tous les actes de ce nœud. Le fichier est un CAR : un autre nœud
le lit par essaim bundle read, et les outils d’IPFS aussi.

  essaim bundle write /media/cle/brest.car fr:epci:242900314`, `Without a territory, all records of this node. The file is a CAR: another node
reads it with essaim bundle read, and so do the tools of IPFS.

  essaim bundle write /media/stick/brest.car fr:epci:242900314`),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(cl *client) error {
				resp, err := p.send(c.Context(), cl, get("/bundle?%s", url.Values{"territory": args[1:]}.Encode()))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				f, err := renameio.TempFile("", args[0])
				if err != nil {
					return err
				}
				defer func() { _ = f.Cleanup() }()
				n, err := io.Copy(f, resp.Body)
				if err != nil {
					return err
				}
				if err := f.CloseAtomicallyReplace(); err != nil {
					return err
				}
				return p.wrote(args[0], int(n))
			})
		},
	}
}
