package main

import (
	"github.com/spf13/cobra"
)

// helpCommand shows the help of a command, and the page on exit statuses.
func helpCommand(p *program) *cobra.Command {
	return &cobra.Command{
		Use:   "help [" + p.tr("COMMANDE", "COMMAND") + " | exit-codes]",
		Short: p.tr("l’aide d’une commande, ou les codes de sortie", "help on a command, or on exit statuses"),
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 1 && args[0] == "exit-codes" {
				p.exitCodes()
				return nil
			}
			found, rest, err := c.Root().Find(args)
			if err != nil || found == nil || len(rest) > 0 {
				return usage(p.tr("aucune commande ne s’appelle ainsi ; voir : essaim help", "no command is called this; see: essaim help"))
			}
			return found.Help()
		},
	}
}

func (p *program) exitCodes() {
	for _, x := range []struct {
		status          int
		french, english string
	}{
		{exitDone, "fait", "done"},
		{exitError, "erreur", "error"},
		{exitUsage, "commande mal écrite ou valeur refusée", "mistyped command or refused value"},
		{exitNotFound, "introuvable", "not found"},
		{exitNotAllowed, "pas le droit, ou clés verrouillées", "not allowed, or keys locked"},
		{exitNotRunning, "le nœud n’est pas en marche", "the node is not running"},
		{exitInvalid, "vérifié : faux ou retiré", "checked: invalid or revoked"},
		{exitIncomplete, "vérifié : incomplet (quelque chose ne peut pas se savoir ici)", "checked: incomplete (something cannot be known here)"},
		{exitConfig, "réglages faux, ou données d’une version plus récente", "bad settings, or data of a newer version"},
		{exitInterrupted, "interrompu", "interrupted"},
	} {
		p.line("%3d  %s", x.status, p.tr(x.french, x.english))
	}
}
