package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

func accessList(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les règles d’accès de ce lieu", "the access rules of this place"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/access/rules"), func(v api.RuleList) {
				for _, r := range v.Rules {
					p.accessRule(r)
				}
				if len(v.Rules) == 0 {
					p.note("Aucune règle : personne n’est admis. En écrire une : essaim access set default --class MODÈLE",
						"No rule: nobody is let in. Write one: essaim access set default --class CLASS")
				}
			})
		},
	}
}

// accessRule writes a rule in one line.
func (p *program) accessRule(r api.NamedRule) {
	var asks []string
	add := func(french, english string, args ...any) {
		asks = append(asks, fmt.Sprintf(p.tr(french, english), args...))
	}
	var names []string
	for i, c := range r.Classes {
		name := ""
		if i < len(r.ClassNames) {
			name = r.ClassNames[i]
		}
		names = append(names, firstSet(name, short(c)))
	}
	if len(names) > 0 {
		add("badge %s", "badge %s", strings.Join(names, p.tr(" ou ", " or ")))
	} else {
		add("n’importe quel badge demandé", "any badge that is asked about")
	}
	if r.Level > 0 {
		add("niveau %d au moins", "level %d at least", r.Level)
	}
	if r.Trust != "" {
		add("confiance : %s au moins", "trust: %s at least", p.trustWord(r.Trust))
	}
	names = nil
	for _, a := range r.Endorsers {
		names = append(names, p.person(a.Name, a.DID))
	}
	if len(names) > 0 {
		add("remis ou soutenu par %s", "awarded or endorsed by %s", strings.Join(names, p.tr(" ou ", " or ")))
	}
	if r.Within > 0 {
		add("remis depuis %s au plus", "awarded %s ago at most", p.many(r.Within, "jour", "jours", "day", "days"))
	}
	if r.Fresh > 0 {
		add("comparé à un voisin depuis %s au plus", "compared with a neighbour %s ago at most", p.many(r.Fresh, "heure", "heures", "hour", "hours"))
	}
	p.line("%-12s %s", r.Name, strings.Join(asks, p.tr(" ; ", "; ")))
}

// trustWord is a level of trust, given as the API writes it, for people.
func (p *program) trustWord(code string) string {
	l, ok := node.ParseLevel(code)
	if !ok {
		return code
	}
	return node.Words{French: p.french}.Of(l)
}
