package main

import (
	"github.com/spf13/cobra"
)

func completionCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "completion bash|zsh|fish|powershell", Args: cobra.ExactArgs(1),
		ValidArgs: []string{"bash", "zsh", "fish", "powershell"},
		Short:     p.tr("la complétion pour un interpréteur de commandes", "completion for a shell"),
		Example:   "  essaim completion bash > /etc/bash_completion.d/essaim",
		RunE: func(c *cobra.Command, args []string) error {
			switch args[0] {
			case "bash":
				return c.Root().GenBashCompletionV2(p.out, true)
			case "zsh":
				return c.Root().GenZshCompletion(p.out)
			case "fish":
				return c.Root().GenFishCompletion(p.out, true)
			case "powershell":
				return c.Root().GenPowerShellCompletionWithDesc(p.out)
			}
			return usage(p.tr("interpréteurs connus : bash, zsh, fish, powershell", "known shells: bash, zsh, fish, powershell"))
		},
	}
}
