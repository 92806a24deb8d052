package main

import (
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func keyBackup(p *program) *cobra.Command {
	var out string
	c := &cobra.Command{
		Use: "backup --out " + p.tr("FICHIER", "FILE"), Args: cobra.NoArgs,
		Short: p.tr("toutes les clés dans un fichier age, sous une phrase de passe", "all keys in one age file, under a passphrase"),
		Long: p.tr(`Le fichier s’ouvre avec la commande age et la phrase de passe donnée ici : celle
de --passphrase-file, ou une autre que celle du nœud quand on la tape. Rangez-le
ailleurs que sur cette machine.`,
			`The file opens with the age command and the passphrase given here: that of
--passphrase-file, or another than the node's when it is typed. Keep it
elsewhere than on this machine.`),
		Example: "  essaim key backup --out cles.age",
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(cl *client) error {
				keys, err := fetch[api.Keys](c.Context(), p, cl, get("/keys"))
				if err != nil {
					return err
				}
				if keys.Locked {
					p.note("D’abord la phrase de passe du nœud, puis celle de la copie.", "First the passphrase of the node, then that of the copy.")
					mine, err := p.passphrase(c.Context(), false)
					if err != nil {
						return err
					}
					if _, err := p.do(c.Context(), cl, post("/unlock", api.UnlockRequest{Passphrase: string(mine)})); err != nil {
						return err
					}
				}
				passphrase, err := p.passphrase(c.Context(), true)
				if err != nil {
					return err
				}
				raw, err := p.do(c.Context(), cl, post("/keys/backup", api.BackupRequest{Passphrase: string(passphrase)}))
				if err != nil {
					return err
				}
				if err := renameio.WriteFile(out, raw, 0o600); err != nil {
					return err
				}
				return p.wrote(out, len(raw))
			})
		},
	}
	c.Flags().StringVarP(&out, "out", "o", "", p.tr("fichier à écrire (nécessaire)", "file to write (needed)"))
	_ = c.MarkFlagRequired("out")
	return c
}
