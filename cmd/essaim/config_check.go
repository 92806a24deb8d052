package main

import "github.com/spf13/cobra"

func configCheck(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "check", Args: cobra.NoArgs,
		Short: p.tr("les réglages sont-ils bons ?", "are the settings right?"),
		RunE: func(*cobra.Command, []string) error {
			s, err := p.load() // which refuses what is wrong, with line and column
			if err != nil {
				return err
			}
			if p.json {
				return p.document(struct {
					Schema string `json:"schema"`
					Config string `json:"config"`
					OK     bool   `json:"ok"`
				}{"essaim.config-check/1", s.path, true})
			}
			p.say("%s : rien à redire", "%s: nothing wrong", s.path)
			return nil
		},
	}
}
