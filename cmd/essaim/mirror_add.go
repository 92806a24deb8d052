package main

import (
	"context"
	"fmt"
	"io"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func mirrorAdd(p *program) *cobra.Command {
	var r api.MirrorRequest
	var most string
	c := &cobra.Command{
		Use: "add " + p.tr("TERRITOIRE", "TERRITORY"), Args: cobra.ExactArgs(1),
		Short: p.tr("garder tous les actes d’un territoire, ou certains, et recevoir ce qui manque", "keep all records of a territory, or some, and get what is missing"),
		Long: p.tr(`Le nœud suit le territoire et reçoit de ses voisins tout ce qui lui manque. La
commande montre où il en est jusqu’à ce que tout soit là ; Ctrl-C la quitte, et le
nœud continue, même après un arrêt.

  essaim mirror add iso:FR-29 --children

Avec --scope, la copie est partielle : ces modèles de badge, ou tous ceux d’une
compétence, les badges remis, et tout ce qui révoque ou efface.

  essaim mirror add iso:FR-29 --scope skill:soudure

Avec --max-size, elle s’arrête à cette taille et le dit ; rien n’est supprimé, et ce
qui révoque ou efface arrive toujours. Pour continuer, donnez-en une plus grande.

  essaim mirror add iso:FR-29 --max-size 500MB`, `The node follows the territory and gets from its neighbours all it lacks. The
command shows how far it is until all is there; Ctrl-C leaves it, and the node
goes on, even after a stop.

  essaim mirror add iso:FR-29 --children

With --scope the mirror is partial: these classes, or all of a skill, the awards of
them, and all that revokes or erases.

  essaim mirror add iso:FR-29 --scope skill:welding

With --max-size it stops at that size and says so; nothing is deleted, and what
revokes or erases still comes. To go on, give a larger one.

  essaim mirror add iso:FR-29 --max-size 500MB`),
		RunE: func(c *cobra.Command, args []string) (err error) {
			if r.MaxSize, err = p.size(most); err != nil {
				return err
			}
			return p.with(c.Context(), func(cl *client) error {
				for i, x := range r.Scope {
					if name, ok := strings.CutPrefix(x, "class:"); ok {
						class, err := p.findClass(c.Context(), cl, name)
						if err != nil {
							return err
						}
						r.Scope[i] = "class:" + class
					}
				}
				path := "/mirrors/" + url.PathEscape(args[0])
				v, err := fetch[api.MirrorDetail](c.Context(), p, cl, put(path, r))
				if err != nil {
					return err
				}
				if !cl.running {
					p.note("Le nœud est arrêté : il recevra ce qui manque dès essaim serve.", "The node is stopped: it will get what is missing once it runs, by essaim serve.")
				} else if v, err = p.watchMirror(c.Context(), cl, path, v); err != nil {
					if c.Context().Err() != nil {
						p.note("Le nœud continue. Où il en est : essaim mirror status", "The node goes on. How far it is: essaim mirror status")
					}
					return err
				}
				if p.json {
					return p.document(v)
				}
				p.mirror(v.Mirror)
				return nil
			})
		},
	}
	c.Flags().BoolVar(&r.Children, "children", false, p.tr("avec les territoires qu’il contient", "with the territories within it"))
	c.Flags().StringSliceVar(&r.Scope, "scope", nil, p.tr("seulement ceci : class:MODÈLE (code ou nom) ou skill:MOT (répétable)", "this alone: class:CLASS (CID or name) or skill:WORD (repeatable)"))
	c.Flags().StringVar(&most, "max-size", "", p.tr("taille des actes où s’arrêter, comme 500MB ou 2GB", "size of records at which to stop, such as 500MB or 2GB"))
	return c
}

// watchMirror compares, and shows what comes meanwhile.
func (p *program) watchMirror(ctx context.Context, cl *client, path string, first api.MirrorDetail) (api.MirrorDetail, error) {
	type result struct {
		v   api.MirrorDetail
		err error
	}
	compared := make(chan result, 1)
	go func() {
		v, err := fetch[api.MirrorDetail](ctx, p, cl, post(path+"/compare", nil))
		compared <- result{v, err}
	}()
	bar := newProgress(p, first.Mirror)
	tick := time.NewTicker(bar.every)
	defer tick.Stop()
	for {
		select {
		case r := <-compared:
			bar.end()
			return r.v, r.err
		case <-tick.C:
			v, err := fetch[api.MirrorDetail](ctx, p, cl, get("%s", path))
			if err != nil {
				bar.end()
				return v, err
			}
			bar.show(v.Mirror, time.Now())
		}
	}
}

// progress shows records, bytes, rate and time left: on a terminal in one line
// that is written over, else a line now and then.
type progress struct {
	p        *program
	out      io.Writer // nil shows nothing
	terminal bool
	every    time.Duration
	began    time.Time
	first    api.Mirror
	last     string
}

func newProgress(p *program, first api.Mirror) *progress {
	b := &progress{p: p, out: p.err, terminal: isTerminal(p.err), every: 10 * time.Second, began: time.Now(), first: first}
	if b.terminal {
		b.every = 200 * time.Millisecond
	}
	if p.quiet || p.json {
		b.out = nil
	}
	return b
}

// show writes how far a mirror is, if that has changed.
func (b *progress) show(v api.Mirror, now time.Time) {
	line := b.line(v, now.Sub(b.began))
	if b.out == nil || line == b.last {
		return
	}
	b.last = line
	if b.terminal {
		fmt.Fprintf(b.out, "\r\x1b[K%s", line)
	} else {
		fmt.Fprintln(b.out, line)
	}
}

// end leaves the line to what follows.
func (b *progress) end() {
	if b.out != nil && b.terminal && b.last != "" {
		fmt.Fprint(b.out, "\r\x1b[K")
	}
}

const barWidth = 20

func (b *progress) line(v api.Mirror, took time.Duration) string {
	came := v.Received - b.first.Received
	all := came + v.Coming
	if all == 0 {
		return b.p.tr("comparaison avec les voisins…", "comparing with the neighbours…")
	}
	full := barWidth * came / all
	parts := []string{
		strings.Repeat("█", full) + strings.Repeat("░", barWidth-full) + fmt.Sprintf(" %3d %%", 100*came/all),
		fmt.Sprintf(b.p.tr("%s actes sur %s", "%s of %s records"), b.p.number(came), b.p.number(all)),
		b.p.bytes(int64(v.Bytes - b.first.Bytes)),
	}
	if rate := float64(came) / max(took.Seconds(), 0.001); came > 0 {
		parts = append(parts, fmt.Sprintf(b.p.tr("%s actes/s", "%s records/s"), b.p.number(int(rate))))
		if v.Coming > 0 {
			left := time.Duration(float64(v.Coming) / rate * float64(time.Second)).Round(time.Second)
			parts = append(parts, fmt.Sprintf(b.p.tr("encore %s", "%s left"), b.p.lasting(left)))
		}
	}
	return strings.Join(parts, " · ")
}
