package main

import (
	"net/url"
	"time"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func accessCheck(p *program) *cobra.Command {
	var class, skill, rule string
	c := &cobra.Command{
		Use: "check " + p.tr("IDENTITÉ|MEMBRE", "DID|MEMBER"), Args: cobra.ExactArgs(1),
		Short: p.tr("cette personne peut-elle se servir de la machine ? oui ou non", "may this person use the machine? yes or no"),
		Long: p.tr(`Pour le lecteur de badges d’une machine. Le code de sortie est 0 pour oui, 6 pour non, 7 quand ce
nœud ne s’est pas comparé à un voisin depuis assez peu de temps, 3 quand la règle ou le modèle n’existe
pas ; tout autre code veut dire non aussi. Que la personne soit bien celle du badge, c’est à la machine
de le vérifier.

  essaim access check did:key:z6Mk… --rule laser --quiet && ouvrir`,
			`For the badge reader of a machine. The exit status is 0 for yes, 6 for no, 7 when this node has not
compared with a neighbour recently enough, 3 when there is no such rule or class; any other means no,
too. That the person is the one of the badge is for the machine to check.

  essaim access check did:key:z6Mk… --rule laser --quiet && open`),
		RunE: func(c *cobra.Command, args []string) error {
			q := url.Values{"holder": {args[0]}}
			if rule != "" {
				q.Set("rule", rule)
			}
			if class != "" {
				q.Set("class", class)
			}
			if skill != "" {
				q.Set("skill", skill)
			}
			var reason string
			if err := ask(c.Context(), p, get("/access?%s", q.Encode()), p.accessAnswer, func(v api.Access) { reason = v.Reason }); err != nil {
				return err
			}
			switch reason {
			case "allowed":
				return nil
			case "stale":
				return &failure{exit: exitIncomplete, silent: true}
			case "no_rule":
				return &failure{exit: exitNotFound, silent: true}
			}
			return &failure{exit: exitInvalid, silent: true}
		},
	}
	f := c.Flags()
	f.StringVar(&class, "class", "", p.tr("modèle de badge (code ou nom) ; sinon ceux de la règle", "badge class (CID or name); else those of the rule"))
	f.StringVar(&skill, "skill", "", p.tr("ou une compétence, en quelques mots", "or a skill, in a few words"))
	f.StringVar(&rule, "rule", "", p.tr("par quelle règle (sans : celle nommée « default »)", "by which rule (without: the one called default)"))
	return c
}

// accessReasons says the reasons of spec/trust.md §12, French then English.
var accessReasons = map[string][2]string{
	"allowed":       {"le badge convient", "the badge will do"},
	"no_rule":       {"aucune règle ne porte ce nom", "no rule is called so"},
	"compromised":   {"cette personne a déclaré que sa clé n’est plus sûre", "this person declared the key compromised"},
	"other_class":   {"la règle ne cite pas ce modèle de badge", "the rule does not name this badge class"},
	"not_held":      {"aucun badge de ce modèle n’est connu ici pour cette personne", "no badge of this class is known here for this person"},
	"not_in_force":  {"le badge est suspendu ou retiré, ou la personne y a renoncé", "the badge is suspended, revoked or renounced"},
	"expired":       {"le badge a expiré, ou ne vaut pas encore", "the badge has expired, or has not begun"},
	"outside_rule":  {"le badge a été remis par quelqu’un que le modèle ne permet pas", "the badge was awarded by somebody its class does not let"},
	"level_too_low": {"le niveau du badge est trop bas", "the level of the badge is too low"},
	"too_old":       {"le badge a été remis il y a trop longtemps", "the badge was awarded too long ago"},
	"not_endorsed":  {"aucune des identités que cite la règle ne l’a remis ni soutenu", "none of those the rule names awarded or endorsed it"},
	"not_trusted":   {"la confiance est en dessous de ce que demande la règle", "trust is below what the rule asks for"},
	"stale":         {"ce que ce nœud sait date de trop longtemps pour dire oui", "what this node knows is too old to say yes"},
}

func (p *program) accessAnswer(v api.Access) {
	answer := p.tr("non", "no")
	if v.Access {
		answer = p.tr("oui", "yes")
	}
	why := accessReasons[v.Reason]
	p.say("%s : %s", "%s: %s", answer, p.tr(why[0], why[1]))
	switch {
	case v.Reason == "no_rule":
		p.note("les voir : essaim access list", "see: essaim access list")
	case v.Reason == "stale":
		p.note("se relier à un voisin : essaim peer list", "connect to a neighbour: essaim peer list")
	case v.Award != "":
		p.note("pourquoi ce badge : essaim trust explain %s", "why this badge: essaim trust explain %s", v.Award)
	}
	if v.Heard.IsZero() {
		p.note("ce nœud ne s’est encore comparé à aucun voisin", "this node has not compared with any neighbour yet")
	} else {
		p.note("comparé à un voisin le %s", "compared with a neighbour on %s", p.translated(v.Heard.Format(time.RFC3339)))
	}
}
