package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func tokenCreate(p *program) *cobra.Command {
	var r api.TokenRequest
	c := &cobra.Command{
		Use: "create --name " + p.tr("NOM", "NAME"), Args: cobra.NoArgs,
		Short: p.tr("faire un jeton pour un programme ; il est montré une fois", "make a token for a program; it is shown once"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, post("/tokens", r), func(v api.TokenSecret) {
				p.line("%s", v.Secret)
				p.note("Jeton %s pour %s. Il ne sera plus montré.", "Token %s for %s. It is not shown again.", v.ID, v.Name)
			})
		},
	}
	c.Flags().StringVar(&r.Name, "name", "", p.tr("à quoi il sert (nécessaire)", "what it is for (needed)"))
	c.Flags().BoolVar(&r.Write, "write", false, p.tr("peut aussi changer des choses", "may also change things"))
	_ = c.MarkFlagRequired("name")
	return c
}
