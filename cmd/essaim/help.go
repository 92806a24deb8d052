package main

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// usage writes how a command is typed, as cobra does, in the reader's language.
func (p *program) usage(c *cobra.Command) error {
	out := c.OutOrStderr()
	title := func(french, english string) { fmt.Fprintf(out, "\n%s\n", p.tr(french, english)) }
	fmt.Fprintln(out, p.tr("Usage :", "Usage:"))
	options := p.tr("[options]", "[flags]")
	if c.HasAvailableSubCommands() {
		fmt.Fprintf(out, "  %s %s\n", c.CommandPath(), p.tr("COMMANDE", "COMMAND"))
	} else {
		// UseLine would end in [flags].
		fmt.Fprintf(out, "  %s%s %s\n", strings.TrimSuffix(c.CommandPath(), c.Name()), c.Use, options)
	}
	if c.HasExample() {
		title("Exemples :", "Examples:")
		fmt.Fprintln(out, c.Example)
	}
	for _, g := range c.Groups() {
		title(g.Title, g.Title)
		p.listCommands(c, g.ID)
	}
	if len(c.Groups()) == 0 && c.HasAvailableSubCommands() {
		title("Commandes :", "Commands:")
		p.listCommands(c, "")
	}
	// The root has the common flags for its own.
	if own := c.LocalNonPersistentFlags(); own.HasAvailableFlags() && c.HasParent() {
		title("Options :", "Flags:")
		p.listFlags(c, own)
	}
	title("Options communes :", "Common flags:")
	p.listFlags(c, c.Root().PersistentFlags())
	return nil
}

func (p *program) listCommands(c *cobra.Command, group string) {
	for _, sub := range c.Commands() {
		if sub.GroupID == group && sub.IsAvailableCommand() {
			fmt.Fprintf(c.OutOrStderr(), "  %s  %s\n", pad(sub.Name(), 12), sub.Short)
		}
	}
}

// listFlags lists the flags, those with a value with its kind, and what it is
// when the flag is not given.
func (p *program) listFlags(c *cobra.Command, flags *pflag.FlagSet) {
	flags.VisitAll(func(f *pflag.Flag) {
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		switch f.Value.Type() {
		case "bool":
		case "int", "uint64", "float64", "intSlice":
			name += " N"
		default:
			name += p.tr(" TEXTE", " TEXT")
		}
		usual := ""
		if f.DefValue != "" && f.DefValue != "0" && f.DefValue != "false" && f.DefValue != "[]" && f.Name != "lang" {
			usual = fmt.Sprintf(p.tr(" (%s sinon)", " (%s otherwise)"), f.DefValue)
		}
		fmt.Fprintf(c.OutOrStderr(), "  %s  %s%s\n", pad(name, 28), f.Usage, usual)
	})
}

func pad(s string, width int) string {
	return s + strings.Repeat(" ", max(0, width-utf8.RuneCountInString(s)))
}

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
		{exitInvalid, "vérifié : faux ou retiré ; access check : non", "checked: invalid or revoked; access check: no"},
		{exitIncomplete, "vérifié : incomplet, quelque chose ne peut pas se savoir ici", "checked: incomplete, something cannot be known here"},
		{exitConfig, "réglages faux, ou données d’une version plus récente", "bad settings, or data of a newer version"},
		{exitInterrupted, "interrompu", "interrupted"},
	} {
		p.line("%3d  %s", x.status, p.tr(x.french, x.english))
	}
}
