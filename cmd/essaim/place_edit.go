package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func placeEdit(p *program) *cobra.Command {
	var name, kind, place, point, territory, description, address, email string
	c := &cobra.Command{
		Use: "edit", Args: cobra.NoArgs,
		Short:   p.tr("changer ce que votre communauté dit d’elle", "change what your community says of itself"),
		Example: "  essaim place edit --description \"Ouvert le mercredi\"",
		RunE: func(c *cobra.Command, _ []string) error {
			var r api.PlaceRequest
			changed := false
			for flag, field := range map[string]struct {
				value *string
				into  **string
			}{
				"name": {&name, &r.Name}, "kind": {&kind, &r.Kind}, "place": {&place, &r.Place}, "point": {&point, &r.Point},
				"territory": {&territory, &r.Territory}, "description": {&description, &r.Description}, "url": {&address, &r.URL}, "email": {&email, &r.Email},
			} {
				if c.Flags().Changed(flag) {
					*field.into, changed = field.value, true
				}
			}
			if !changed {
				return usage(p.tr("dites quoi changer ; voir : essaim place edit --help", "say what to change; see: essaim place edit --help"))
			}
			return ask(c.Context(), p, put("/places", r), p.community)
		},
	}
	f := c.Flags()
	f.StringVar(&name, "name", "", p.tr("nom", "name"))
	f.StringVar(&kind, "kind", "", p.tr("place (lieu), organisation, group ou person", "place, organisation, group or person"))
	f.StringVar(&place, "place", "", p.tr("commune, code postal ou ville", "commune, postal code or city"))
	f.StringVar(&point, "point", "", p.tr("emplacement exact : \"48.3904,-4.4861\"", "exact point: \"48.3904,-4.4861\""))
	f.StringVar(&territory, "territory", "", p.tr("territoire", "territory"))
	f.StringVar(&description, "description", "", p.tr("présentation", "description"))
	f.StringVar(&address, "url", "", p.tr("site", "web site"))
	f.StringVar(&email, "email", "", p.tr("adresse de contact, publique", "contact address, public"))
	return c
}
