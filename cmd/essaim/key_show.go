package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func keyShow(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "show", Args: cobra.NoArgs,
		Short: p.tr("l’identité de la communauté et ses clés", "the identity of the community and its keys"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/keys"), func(v api.Keys) {
				p.say("identité    %s", "identity    %s", v.DID)
				how := p.tr("phrase de passe", "passphrase")
				if v.KeyFile != "" {
					how = p.tr("fichier ", "file ") + v.KeyFile
				}
				p.say("protection  %s", "protection  %s", how)
				if v.Locked {
					p.say("état        verrouillées", "state       locked")
					return
				}
				p.say("état        ouvertes", "state       open")
				for _, m := range v.Members {
					p.say("membre      %-24s %s", "member      %-24s %s", m.Name, m.DID)
				}
			})
		},
	}
}
