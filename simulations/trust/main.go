// Command trust is the study of spec/trust.md §13: what attackers gain in a
// synthetic territory, by the points of this project and by three other ways of
// counting. It writes tables in Markdown, and charts as SVG to the folder of
// -charts. The same seed gives the same figures.
package main

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
)

func main() {
	charts := flag.String("charts", "", "folder for the charts; none are written without")
	draws := flag.Int("draws", 5, "how many times whoever is fooled is drawn")
	flag.Parse()
	for _, s := range studies {
		table := s.run(defaultTerritory, *draws)
		fmt.Fprint(os.Stdout, table.markdown())
		if *charts == "" {
			continue
		}
		if err := os.WriteFile(filepath.Join(*charts, s.name+".svg"), table.chart(), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
