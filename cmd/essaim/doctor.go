package main

import (
	"path/filepath"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/store"
)

func doctorCommand(p *program) *cobra.Command {
	var fix bool
	c := &cobra.Command{
		Use: "doctor", Args: cobra.NoArgs,
		Short: p.tr("chercher ce qui ne va pas", "look for what is wrong"),
		RunE: func(c *cobra.Command, _ []string) error {
			if fix {
				if err := p.releaseBallast(); err != nil {
					return err
				}
			}
			result := ""
			err := ask(c.Context(), p, get("/doctor"), func(v api.Doctor) {
				for _, x := range v.Checks {
					p.finding(x)
				}
			}, func(v api.Doctor) { result = v.Result })
			if err == nil && result == "fail" {
				return &failure{exit: exitError, silent: true}
			}
			return err
		},
	}
	c.Flags().BoolVar(&fix, "fix", false, p.tr("rendre au disque la réserve gardée pour ce cas", "give the disk back the reserve kept for this"))
	return c
}

// finding prints one line of what was found, and one of what to do.
func (p *program) finding(f api.Finding) {
	result, name := f.Result, f.Name
	if p.french {
		result, name = firstSet(frenchResults[result], result), firstSet(frenchFindings[name], name)
	}
	p.line("%s %s%s%s", pad(result, 5), name, p.tr(" : ", ": "), p.translated(f.Detail))
	if f.Hint != "" && f.Result != "ok" {
		p.line("      → %s", p.translated(f.Hint))
	}
}

var (
	frenchResults = map[string]string{"ok": "ok", "warn": "avis", "fail": "échec"}
	// frenchFindings names what doctor looks at.
	frenchFindings = map[string]string{
		"folder": "dossier", "clock": "horloge", "keys": "clés", "network": "réseau", "peers": "nœuds reliés", "reach": "de l’extérieur",
		"held": "en attente", "missing": "manquants", "gossip": "messages", "stop": "dernier arrêt",
	}
)

// releaseBallast works whether or not the store can be opened: a full disk may
// keep it from that.
func (p *program) releaseBallast() error {
	s, err := p.load()
	if err != nil {
		return err
	}
	n, err := store.ReleaseBallast(filepath.Join(s.dir, "store"))
	if err != nil {
		return err
	}
	if n > 0 {
		p.note("%s rendus au disque. Faites encore de la place : le nœud reprendra de lui-même.", "%s given back to the disk. Make more room: the node goes on by itself.", p.bytes(n))
	} else {
		p.note("Aucune réserve à rendre.", "There is no reserve to give back.")
	}
	return nil
}
