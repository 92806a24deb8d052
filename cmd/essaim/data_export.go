package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net/url"

	"github.com/go-json-experiment/json"
	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func dataExport(p *program) *cobra.Command {
	var territory, out string
	c := &cobra.Command{
		Use: "export", Args: cobra.NoArgs,
		Short: p.tr("tous les actes, un par ligne de JSON", "all records, one a line of JSON"),
		Long: p.tr(`Chaque ligne a le code et l’acte, octet pour octet. La dernière dit combien il y
en a eu : sans elle l’export est incomplet.`, `Each line has the code and the record, byte for byte. The last says how many
there were: without it the export is incomplete.`),
		RunE: func(c *cobra.Command, _ []string) error {
			return p.with(c.Context(), func(cl *client) error {
				resp, err := p.send(c.Context(), cl, get("/export?territory=%s", url.QueryEscape(territory)))
				if err != nil {
					return err
				}
				defer resp.Body.Close()
				if out == "" || out == "-" {
					_, err := copyExport(p.out, resp.Body)
					return err
				}
				f, err := renameio.TempFile("", out)
				if err != nil {
					return err
				}
				defer func() { _ = f.Cleanup() }()
				n, err := copyExport(f, resp.Body)
				if err != nil {
					return err
				}
				if err := f.CloseAtomicallyReplace(); err != nil {
					return err
				}
				return p.wrote(out, n)
			})
		},
	}
	c.Flags().StringVar(&territory, "territory", "", p.tr("de ce territoire seulement", "of this territory only"))
	c.Flags().StringVarP(&out, "out", "o", "", p.tr("fichier (sortie standard sinon)", "file (else standard output)"))
	return c
}

// copyExport copies lines and returns how many bytes they have. It fails when
// the last one does not say the end.
func copyExport(w io.Writer, r io.Reader) (int, error) {
	lines := bufio.NewReaderSize(r, 256<<10)
	var last []byte
	n := 0
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			last, n = line, n+len(line)
			if _, err := w.Write(line); err != nil {
				return n, err
			}
		}
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return n, err
		}
	}
	var end api.ExportLine
	if err := json.Unmarshal(last, &end); err != nil || end.End == nil {
		if end.Problem != nil {
			return n, fmt.Errorf("the export failed midway: %s", end.Problem.Detail)
		}
		return n, errors.New("the export was cut short")
	}
	return n, nil
}
