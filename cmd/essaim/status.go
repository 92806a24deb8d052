package main

import (
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func statusCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "status", Args: cobra.NoArgs,
		Short: p.tr("l’état du nœud", "the state of the node"),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(cl *client) error {
				v, err := fetch[api.Status](c.Context(), p, cl, get("/status"))
				if err != nil {
					return err
				}
				if p.json {
					return p.document(struct {
						api.Status
						Running bool `json:"running"` // a node runs on the folder
					}{v, cl.running})
				}
				p.status(v, cl.running)
				return nil
			})
		},
	}
}

func (p *program) status(v api.Status, running bool) {
	who := p.tr("aucune communauté installée (essaim setup)", "no community set up (essaim setup)")
	if v.Community != nil {
		who = v.Community.Name + " (" + v.Community.TerritoryName + ")"
	}
	p.line("Essaim %s · %s", v.Version, who)
	switch {
	case running && v.ReadOnly:
		p.say("État      en marche, lecture seule : le disque est presque plein", "State     running, read-only: the disk is nearly full")
	case running:
		p.say("État      en marche", "State     running")
	default:
		p.say("État      arrêté (essaim serve)", "State     stopped (essaim serve)")
	}
	if v.Network {
		p.say("Réseau    %s", "Network   %s", p.many(v.Connected, "nœud relié", "nœuds reliés", "node connected", "nodes connected"))
		for _, a := range v.Addrs {
			p.line("          %s", a)
		}
		p.reach(v.Reach)
	}
	if v.Locked {
		p.say("Clés      verrouillées : rien n’est signé sans la phrase de passe", "Keys      locked: nothing is signed without the passphrase")
	}
	var follows []string
	for _, t := range v.Followed {
		follows = append(follows, t.Name)
	}
	if len(follows) > 0 {
		p.say("Suit      %s", "Follows   %s", strings.Join(follows, ", "))
	}
	p.say("Actes     %d : %d modèles, %d badges, %d soutiens", "Records   %d: %d classes, %d awards, %d endorsements",
		v.Total, v.Records["class"], v.Records["award"], v.Records["endorsement"])
	if v.Erased > 0 || v.Missing > 0 || v.Held > 0 {
		p.say("          %d effacés · %d attendus · %d datés du futur", "          %d erased · %d missing · %d held for their date", v.Erased, v.Missing, v.Held)
	}
	for _, h := range v.Sync.Territories {
		p.holding(h)
	}
	p.say("Disque    %s", "Disk      %s", p.bytes(v.Bytes))
}

// reach says how nodes elsewhere reach this one.
func (p *program) reach(v api.Reach) {
	switch relays := len(v.Relays); {
	case v.Outside == "public" && v.Relay.On:
		p.say("Dehors    joignable ; relaie %s", "Outside   reachable; relays %s", p.many(v.Relay.Reservations, "nœud", "nœuds", "node", "nodes"))
	case v.Outside == "public":
		p.say("Dehors    joignable", "Outside   reachable")
	case relays > 0:
		p.say("Dehors    joignable par %s", "Outside   reachable through %s", p.many(relays, "relais", "relais", "relay", "relays"))
	case v.Outside == "hidden":
		p.say("Dehors    pas joignable (essaim doctor)", "Outside   not reachable (essaim doctor)")
	case v.Outside == "unknown":
		p.say("Dehors    on ne sait pas encore", "Outside   not known yet")
	}
}

// holding says what is held of a territory and when it was last compared.
func (p *program) holding(h api.Holding) {
	p.say("Comparé   %s : %d actes, empreinte %s", "Compared  %s: %d records, fingerprint %s", h.Territory.Name, h.Count, h.Root)
	switch at := h.Compared.Local().Format("15:04"); {
	case h.With == "":
		p.say("          avec personne depuis le démarrage", "          with nobody since the start")
	case h.Short:
		p.say("          à %s avec %s, qui n’a pas tout donné", "          at %s with %s, which did not give all", at, h.With)
	default:
		p.say("          à %s avec %s", "          at %s with %s", at, h.With)
	}
}
