package main

import (
	"runtime"

	"github.com/spf13/cobra"
)

func versionCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "version", Args: cobra.NoArgs,
		Short: p.tr("la version de ce programme", "the version of this program"),
		RunE: func(*cobra.Command, []string) error {
			if p.json {
				return p.document(struct {
					Schema   string `json:"schema"`
					Version  string `json:"version"`
					Go       string `json:"go"`
					Platform string `json:"platform"`
				}{"essaim.version/1", version, runtime.Version(), runtime.GOOS + "/" + runtime.GOARCH})
			}
			p.line("essaim %s (%s, %s/%s)", version, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return nil
		},
	}
}
