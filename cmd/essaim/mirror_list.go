package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func mirrorList(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les copies complètes, d’après les dernières comparaisons", "the mirrors, by their last comparisons"),
		RunE: func(c *cobra.Command, _ []string) error {
			return ask(c.Context(), p, get("/mirrors"), func(v api.MirrorList) {
				for _, m := range v.Mirrors {
					p.mirror(m)
				}
				if len(v.Mirrors) == 0 {
					p.note("Aucune copie complète.", "No mirror.")
				}
			})
		},
	}
}

// mirror says how a mirror stands, never vaguely.
func (p *program) mirror(m api.Mirror) {
	name := m.Territory.Name
	if more := len(m.Territories) - 1; more > 0 {
		name += p.tr(" et ", " and ") + p.many(more, "territoire", "territoires", "territory", "territories")
	}
	if m.Partial() {
		name += p.tr(", en partie", ", in part")
	}
	records, at := p.counted(m.Records, "acte", "actes", "record", "records"), m.At.Local().Format("15:04")
	same := 0
	for _, x := range m.Neighbours {
		if x.Same && !x.Failed {
			same++
		}
	}
	switch m.Verdict {
	case "complete":
		p.say("✓ %s : complet à %s : %s, même empreinte que %s", "✓ %s: complete at %s: %s, same fingerprint as %s",
			name, at, records, p.many(same, "voisin", "voisins", "neighbour", "neighbours"))
		switch {
		case m.Alone > 0 && m.Partial():
			p.say("  aucun voisin relié ne garde %s", "  no connected neighbour keeps %s",
				fmt.Sprintf(p.tr("%d de ces modèles", "%d of these classes"), m.Alone))
		case m.Alone > 0:
			p.say("  aucun voisin relié ne garde %s", "  no connected neighbour keeps %s",
				fmt.Sprintf(p.tr("%d de ces territoires", "%d of these territories"), m.Alone))
		}
	case "differs":
		p.say("✗ %s : %s, pas la même chose chez tous les voisins à %s", "✗ %s: %s, not the same as all neighbours have at %s", name, records, at)
	case "stopped":
		p.say("– %s : %s ; le nœud est arrêté, rien n’est comparé", "– %s: %s; the node is stopped, nothing is compared", name, records)
	default:
		p.say("– %s : %s, que personne ne confirme", "– %s: %s, which nobody confirms", name, records)
		if len(m.Neighbours) == 0 {
			p.say("  aucun voisin n’est relié", "  no neighbour is connected")
		}
	}
	if m.Verdict != "complete" && m.Verdict != "stopped" {
		for _, x := range m.Neighbours {
			p.beside(x, m.Partial())
		}
	}
	if words, kept := m.Skills(); len(words) > 0 {
		p.say("  %s : %s", "  %s: %s", strings.Join(words, ", "), p.many(kept, "modèle de badge", "modèles de badge", "class", "classes"))
	}
	if m.LeftOut > 0 {
		p.say("  trop de modèles pour une copie partielle : %d ne sont pas gardés", "  too many classes for a partial mirror: %d are not kept", m.LeftOut)
	}
	switch {
	case m.Full && m.Missing > 0:
		p.say("  arrêtée à %s : il manque %s sur environ %s ; pour continuer : essaim mirror add %s --max-size", "  stopped at %s: %s of about %s are missing; to go on: essaim mirror add %s --max-size",
			p.bytes(m.MaxSize), p.counted(m.Missing, "acte", "actes", "record", "records"), p.number(m.Records+m.Missing), m.Territory.ID)
	case m.Full:
		p.say("  arrêtée à %s ; pour continuer : essaim mirror add %s --max-size", "  stopped at %s; to go on: essaim mirror add %s --max-size", p.bytes(m.MaxSize), m.Territory.ID)
	}
	if m.ReadOnly {
		p.say("  le disque est presque plein : plus rien n’est reçu", "  the disk is nearly full: nothing is received")
	}
}

// beside says what differs from one neighbour.
func (p *program) beside(x api.MirrorNeighbour, partial bool) {
	has := p.counted(x.Missing, "acte qui n’est pas ici", "actes qui ne sont pas ici", "record that is not here", "records that are not here")
	lacks := p.counted(x.Lacking, "acte d’ici", "actes d’ici", "record of ours", "records of ours")
	switch {
	case x.Failed:
		p.say("  %s : la comparaison n’a pas abouti", "  %s: the comparison failed", x.Peer)
	case x.At.IsZero():
		p.say("  %s : pas encore comparé", "  %s: not compared yet", x.Peer)
	case x.Keeps == 0 && partial:
		p.say("  %s : ne garde aucun de ces modèles", "  %s: keeps none of these classes", x.Peer)
	case x.Keeps == 0:
		p.say("  %s : ne garde pas tout ce territoire", "  %s: does not keep all of it", x.Peer)
	case x.Same:
		p.say("  %s : même empreinte", "  %s: same fingerprint", x.Peer)
	case x.Missing > 0 && x.Lacking > 0:
		p.say("  %s : il a %s, et il lui manquait %s", "  %s: it has %s, and lacked %s", x.Peer, has, lacks)
	case x.Missing > 0:
		p.say("  %s : il a %s", "  %s: it has %s", x.Peer, has)
	case x.Lacking > 0:
		p.say("  %s : il lui manquait %s", "  %s: it lacked %s", x.Peer, lacks)
	default:
		p.say("  %s : tout ce qu’il avait de plus est arrivé, et n’a pas été recomparé", "  %s: all it had more has come, and was not compared again", x.Peer)
	}
}
