package main

import (
	"errors"
	"io/fs"
	"os"

	"github.com/spf13/cobra"
)

func configPath(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "path", Args: cobra.NoArgs,
		Short: p.tr("où sont les réglages, les données et la prise locale", "where settings, data and the local socket are"),
		RunE: func(*cobra.Command, []string) error {
			s, err := p.load()
			if err != nil {
				return err
			}
			_, err = os.Stat(s.path)
			there := !errors.Is(err, fs.ErrNotExist)
			if p.json {
				return p.document(struct {
					Schema string `json:"schema"`
					Config string `json:"config"`
					Exists bool   `json:"exists"`
					Data   string `json:"data"`
					Socket string `json:"socket"`
				}{"essaim.paths/1", s.path, there, s.dir, s.socket()})
			}
			absent := ""
			if !there {
				absent = p.tr("  (absent : valeurs par défaut)", "  (absent: defaults)")
			}
			p.say("réglages  %s%s", "settings  %s%s", s.path, absent)
			p.say("données   %s", "data      %s", s.dir)
			p.say("prise     %s", "socket    %s", s.socket())
			return nil
		},
	}
}
