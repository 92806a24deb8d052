package main

import (
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

func accessSet(p *program) *cobra.Command {
	var r api.AccessRule
	c := &cobra.Command{
		Use: "set " + p.tr("RÈGLE", "RULE"), Args: cobra.ExactArgs(1),
		Short: p.tr("écrire une règle d’accès, à la place de celle de ce nom", "write an access rule, in place of the one of that name"),
		Long: p.tr(`Une règle dit quel badge ouvre une machine. Ce qui n’est pas donné n’est pas demandé. La règle
« default » répond à qui n’en nomme pas.

  essaim access set poste --class Soudure --level 2 --trust solid --fresh 24`,
			`A rule says which badge opens a machine. What is left out is not asked for. The rule "default"
answers whoever names none.

  essaim access set bench --class Welding --level 2 --trust solid --fresh 24`),
		RunE: func(c *cobra.Command, args []string) error {
			if l, ok := node.ParseLevel(r.Trust); ok { // also as French readers say it
				r.Trust = strings.ReplaceAll(node.Words{}.Of(l), " ", "-")
			}
			return ask(c.Context(), p, put("/access/rules/"+url.PathEscape(args[0]), r), func(v api.RuleList) {
				for _, r := range v.Rules {
					if r.Name == args[0] {
						p.accessRule(r)
					}
				}
				p.note("L’essayer : essaim access check IDENTITÉ --rule %s", "Try it: essaim access check DID --rule %s", args[0])
			})
		},
	}
	f := c.Flags()
	f.StringArrayVar(&r.Classes, "class", nil, p.tr("modèle de badge (code ou nom) ; plusieurs fois pour l’un ou l’autre", "badge class (CID or name); several times for one or the other"))
	f.IntVar(&r.Level, "level", 0, p.tr("niveau du badge au moins, de 1 à 5", "level of the badge at least, 1 to 5"))
	f.StringVar(&r.Trust, "trust", "", p.tr("confiance au moins : fragile, backed (appuyé), solid (solide), very-solid (très solide)", "trust at least: fragile, backed, solid, very-solid"))
	f.StringArrayVar(&r.EndorsedBy, "endorsed-by", nil, p.tr("remis ou soutenu par cette identité ; plusieurs fois pour l’une ou l’autre", "awarded or endorsed by this DID; several times for one or the other"))
	f.IntVar(&r.Within, "within", 0, p.tr("remis depuis tant de jours au plus", "awarded so many days ago at most"))
	f.IntVar(&r.Fresh, "fresh", 0, p.tr("ce nœud s’est comparé à un voisin depuis tant d’heures au plus", "this node compared with a neighbour so many hours ago at most"))
	return c
}
