package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/cmd/essaim/demo"
	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol"
)

func demoCommand(p *program) *cobra.Command {
	var config demo.Config
	c := &cobra.Command{
		Use: "demo", Args: cobra.NoArgs,
		Short: p.tr("trois nœuds sur cette machine : Brest, Rennes et Caen remettent, soutiennent et trouvent des badges",
			"three nodes on this machine: Brest, Rennes and Caen award, endorse and find badges"),
		Example: "  essaim demo\n  essaim demo --once --json --export records",
		RunE: func(c *cobra.Command, _ []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			if config.Dir = p.dataDir; config.Dir != "" {
				if err := p.checkSocket((&settings{dir: filepath.Join(s.dir, "rennes")}).socket()); err != nil {
					return err
				}
			}
			config.Logger = p.logger(s)
			if !p.json && !p.quiet {
				config.Progress = p.follow()
			}
			return p.demo(c.Context(), config)
		},
	}
	c.Flags().BoolVar(&config.Once, "once", false, p.tr("finir dès que les trois nœuds ont les mêmes actes", "end when the three nodes hold the same records"))
	c.Flags().StringVar(&config.Export, "export", "", p.tr("dossier où écrire un acte de chaque sorte", "folder for one record of every kind"))
	c.Flags().IntVar(&config.Awards, "awards", demo.DefaultAwards, p.tr("nombre de badges remis", "how many badges are awarded"))
	c.Flags().Uint64Var(&config.Seed, "seed", 0, p.tr("tirage de la population", "draw of the population"))
	return c
}

// demo plays the story, tells what came of it, and unless it was to end by
// itself leaves the three nodes running with their APIs.
func (p *program) demo(ctx context.Context, config demo.Config) (err error) {
	swarm, err := demo.Start(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, swarm.Close()) }()
	report, err := swarm.Play(ctx)
	if err != nil {
		return err
	}
	if p.json {
		err = p.document(report)
	} else {
		p.demoReport(report)
	}
	if err != nil || config.Once {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	for _, place := range swarm.Places() {
		server := api.New(api.Config{Node: place.Node, Version: version, Logger: config.Logger})
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		socket, err := listenSocket((&settings{dir: place.Dir}).socket())
		if err != nil {
			return err
		}
		serveHTTP(ctx, group, listener, server.Remote())
		serveHTTP(ctx, group, socket, server.Local())
		p.note("%-7s API http://%s/api/v1 · essaim --data-dir %s status", "%-7s API http://%s/api/v1 · essaim --data-dir %s status",
			place.Name, listener.Addr(), place.Dir)
		for _, a := range place.Node.Addrs() {
			p.note("        %s", "        %s", a)
		}
	}
	p.note("Les trois nœuds restent en marche. Pour finir : Ctrl-C.", "The three nodes keep running. To end: Ctrl-C.")
	group.Go(swarm.Wait)
	return group.Wait()
}

// follow tells what happens as it happens: every start, each first record of a
// kind, and every hundredth of what neighbours heard.
func (p *program) follow() func(demo.Event) {
	seen := map[string]int{}
	return func(e demo.Event) {
		switch e.Step {
		case demo.Started:
			p.note("● %s écoute  %s", "● %s listens  %s", e.Place, e.Text)
		case demo.Joined:
			p.note("● les trois nœuds s’entendent", "● the three nodes hear each other")
		case demo.Accepted:
			if seen["accepted "+e.Kind.String()]++; seen["accepted "+e.Kind.String()] <= 2 {
				p.note("  %s publie : %s", "  %s publishes: %s", e.Place, firstSet(p.translated(e.Text), p.translated(e.Kind.String())+" "+short(e.CID)))
			}
		case demo.Heard:
			if seen["heard"]++; seen["heard"]%100 == 1 {
				p.note("    ↳ %s l’a reçu par le réseau en %d ms (%d reçus en tout)", "    ↳ %s heard it over the network in %d ms (%d heard in all)",
					e.Place, e.After.Milliseconds(), seen["heard"])
			}
		case demo.Same:
			p.note("● les trois nœuds ont les mêmes actes : %s", "● the three nodes hold the same records: %s", e.Text)
		case demo.Asked:
			p.note("● question posée à %s : %s", "● question put to %s: %s", e.Place, e.Text)
		}
	}
}

func (p *program) demoReport(r demo.Report) {
	p.line("")
	for _, n := range r.Nodes {
		p.say("%-7s %s · %d actes · empreinte %.12s", "%-7s %s · %d records · fingerprint %.12s", n.Name, n.TerritoryName, n.Records, n.Set)
	}
	kinds := ""
	for _, k := range protocol.Kinds {
		kinds += " · " + p.kinds(r.Records[k.String()], k)
	}
	same := p.tr("non", "no")
	if r.Identical {
		same = p.tr("oui", "yes")
	}
	p.say("Actes   %s", "Records %s", strings.TrimPrefix(kinds, " · "))
	p.say("Mêmes actes partout : %s · %s signés · %.0f s", "Same records everywhere: %s · %s signed · %.0f s", same, p.bytes(r.Bytes.Records), r.Seconds)
	p.line("")
	p.say("Qui sait « %s », %[3]s et %.0[2]f km autour ? (demandé à %[4]s)", "Who knows \"%s\" within %.0f km of %s? (asked at %s)",
		r.Who.Skill, r.Who.RadiusKm, r.Who.Near, r.Who.AskedAt)
	for i, a := range r.Who.Answers {
		day, err := time.Parse(time.DateOnly, a.AwardedOn)
		if err != nil {
			day = time.Time{}
		}
		p.say("%2d. %s : %s, niveau %d, à environ %.0f km (%s)", "%2d. %s: %s, level %d, about %.0f km away (%s)",
			i+1, p.person(a.HolderName, a.Holder), a.Class, a.Level, a.Km, a.TerritoryName)
		p.say("    remis par %s le %s%s", "    awarded by %s on %s%s", a.Issuer, p.day(day), p.endorsedBy(a.Endorsed, a.Endorsers))
	}
	if r.Who.Found > len(r.Who.Answers) {
		p.say("    … et %d de plus", "    … and %d more", r.Who.Found-len(r.Who.Answers))
	}
	p.line("")
}

// endorsedBy says who endorsed, after a comma: those named, and how many others.
func (p *program) endorsedBy(all int, names []string) string {
	if all == 0 || len(names) == 0 {
		return ""
	}
	for i, n := range names {
		if strings.HasPrefix(n, "did:") {
			names[i] = p.person("", n)
		}
	}
	text := p.tr(", soutenu par ", ", endorsed by ") + strings.Join(names, ", ")
	if rest := all - len(names); rest > 0 {
		text += fmt.Sprintf(p.tr(" et %d autres", " and %d more"), rest)
	}
	return text
}
