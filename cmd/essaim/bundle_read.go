package main

import (
	"maps"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func bundleRead(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "read " + p.tr("FICHIER", "FILE"), Args: cobra.ExactArgs(1),
		Short: p.tr("faire entrer les actes d’un tel fichier", "bring in the records of such a file"),
		Long: p.tr(`Chaque acte est vérifié ; ce qui a été effacé le reste. Le fichier peut être relu
sans dommage.

  essaim bundle read /media/cle/brest.car`, `Each record is verified; what was erased stays so. To read the file again does
no harm.

  essaim bundle read /media/stick/brest.car`),
		RunE: func(c *cobra.Command, args []string) error {
			f, err := os.Open(args[0])
			if err != nil {
				return &failure{Code: "not_found", Message: p.translated(err.Error()), exit: exitNotFound}
			}
			defer f.Close()
			return p.with(c.Context(), func(cl *client) error {
				v, err := tell(c.Context(), p, cl, post("/bundle", f), p.bundled)
				if err != nil || v.Problem == nil {
					return err
				}
				failed := p.refusal(*v.Problem)
				failed.silent = p.json // the document says it
				return failed
			})
		},
	}
}

// bundled says what came of reading a bundle.
func (p *program) bundled(v api.BundleRead) {
	mark := "✓"
	if v.Problem != nil {
		mark = "✗"
	}
	parts := []string{p.many(v.New, "acte nouveau", "actes nouveaux", "new record", "new records")}
	if v.Known > 0 {
		parts = append(parts, p.many(v.Known, "déjà connu", "déjà connus", "known already", "known already"))
	}
	if v.Erased > 0 {
		parts = append(parts, p.many(v.Erased, "effacé, qui le reste", "effacés, qui le restent", "erased, and stays so", "erased, and stay so"))
	}
	if v.Held > 0 {
		parts = append(parts, p.many(v.Held, "daté du futur", "datés du futur", "held for its date", "held for their date"))
	}
	p.line("%s %s", mark, strings.Join(parts, " · "))
	for _, reason := range slices.Sorted(maps.Keys(v.Refused)) {
		text := reason
		if t, ok := frenchProblems[reason]; ok && p.french {
			text = t.message
		}
		p.say("✗ %s : %s", "✗ %s: %s", p.many(v.Refused[reason], "refusé", "refusés", "refused", "refused"), text)
	}
}
