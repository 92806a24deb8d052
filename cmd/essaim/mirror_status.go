package main

import (
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func mirrorStatus(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "status [" + p.tr("TERRITOIRE", "TERRITORY") + "]", Args: cobra.MaximumNArgs(1),
		Short: p.tr("comparer maintenant les copies complètes avec chaque voisin", "compare the mirrors with every neighbour, now"),
		Long: p.tr(`L’état de sortie est 0 si chaque voisin relié a la même chose, et 7 sinon : ce qui
diffère est alors dit, voisin par voisin.

  essaim mirror status iso:FR-29`, `The exit status is 0 if every connected neighbour has the same, and else 7: what
differs is then told, neighbour by neighbour.

  essaim mirror status iso:FR-29`),
		RunE: func(c *cobra.Command, args []string) error {
			return p.with(c.Context(), func(cl *client) error {
				if len(args) == 0 {
					all, err := fetch[api.MirrorList](c.Context(), p, cl, get("/mirrors"))
					if err != nil {
						return err
					}
					for _, m := range all.Mirrors {
						args = append(args, m.Territory.ID)
					}
				}
				out, whole := api.MirrorList{Schema: "essaim.mirrors/1", Mirrors: []api.Mirror{}}, true
				for _, id := range args {
					v, err := fetch[api.MirrorDetail](c.Context(), p, cl, post("/mirrors/"+url.PathEscape(id)+"/compare", nil))
					if err != nil {
						return err
					}
					out.Mirrors = append(out.Mirrors, v.Mirror)
					whole = whole && v.Verdict == "complete"
				}
				if p.json {
					if err := p.document(out); err != nil {
						return err
					}
				} else {
					for _, m := range out.Mirrors {
						p.mirror(m)
					}
				}
				if len(args) == 0 {
					p.note("Aucune copie complète.", "No mirror.")
				}
				if !whole {
					return &failure{exit: exitIncomplete, silent: true}
				}
				return nil
			})
		},
	}
}
