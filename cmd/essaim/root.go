package main

import (
	"strings"

	"github.com/spf13/cobra"
)

// newRoot builds the tree of commands (spec/cli.md §2).
func newRoot(p *program) *cobra.Command {
	root := &cobra.Command{
		Use: "essaim",
		Short: p.tr("un réseau pair-à-pair de badges ouverts : reconnaître des compétences, et trouver qui les a près d’ici",
			"a peer-to-peer network of Open Badges: recognise skills, and find who has them nearby"),
		SilenceErrors: true, SilenceUsage: true,
		RunE: func(c *cobra.Command, _ []string) error {
			_ = c.Help()
			return &failure{exit: exitUsage, silent: true}
		},
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetUsageTemplate(p.usageTemplate())
	f := root.PersistentFlags()
	f.BoolVar(&p.json, "json", false, p.tr("le résultat en un document JSON", "the result as one JSON document"))
	f.BoolVarP(&p.quiet, "quiet", "q", false, p.tr("le résultat seul, sans remarques", "the result alone, without notes"))
	f.BoolVarP(&p.verbose, "verbose", "v", false, p.tr("dire aussi ce qui se passe", "tell what goes on, too"))
	f.BoolVar(&p.noColor, "no-color", false, p.tr("sans couleurs", "without colours"))
	f.BoolVar(&p.noInput, "no-input", false, p.tr("ne rien demander : échouer plutôt", "ask nothing: fail instead"))
	f.BoolVar(&p.yes, "yes", false, p.tr("confirmer d’avance", "confirm beforehand"))
	f.StringVar(&p.configPath, "config", "", p.tr("le fichier des réglages", "the settings file"))
	f.StringVar(&p.dataDir, "data-dir", "", p.tr("le dossier du nœud", "the folder of the node"))
	f.StringVar(&p.lang, "lang", p.lang, p.tr("langue : fr ou en", "language: fr or en"))
	f.StringVar(&p.passphraseFile, "passphrase-file", "", p.tr("fichier de la phrase de passe des clés, - pour l’entrée standard", "file with the passphrase of the keys, - for standard input"))
	root.AddGroup(
		&cobra.Group{ID: "use", Title: p.tr("Reconnaître et trouver :", "Recognise and find:")},
		&cobra.Group{ID: "run", Title: p.tr("Faire tourner un nœud :", "Run a node:")},
	)
	root.AddCommand(
		inGroup("use", whoCommand(p)),
		inGroup("use", group(p, "class", "les modèles de badge", "badge classes", classNew, classList, classShow, classRetire)),
		inGroup("use", group(p, "badge", "les badges : remettre, accepter, vérifier, retirer", "badges: award, claim, verify, revoke",
			badgeAward, badgeClaim, badgeList, badgeShow, badgeVerify, badgeImport, badgeExport,
			badgeRevoke, badgeSuspend, badgeReinstate, badgeRenounce)),
		inGroup("use", group(p, "endorse", "les soutiens", "endorsements", endorseAdd, endorseList, endorseWithdraw)),
		inGroup("use", group(p, "territory", "les territoires suivis", "territories", territoryList, territorySearch, territoryShow, territoryFollow, territoryUnfollow)),
		inGroup("use", group(p, "place", "votre lieu, et les lieux connus", "your place, and known places", placeShow, placeEdit, placeSearch)),
		inGroup("run", setupCommand(p)),
		inGroup("run", serveCommand(p)),
		inGroup("run", statusCommand(p)),
		inGroup("run", doctorCommand(p)),
		inGroup("run", group(p, "peer", "les autres nœuds", "other nodes", peerList, peerAdd, peerRemove, peerBlock, peerUnblock, peerPing)),
		inGroup("run", group(p, "key", "les clés de la communauté", "the keys of the community", keyShow, keyBackup)),
		inGroup("run", group(p, "token", "l’accès des programmes à l’API", "access of programs to the API", tokenCreate, tokenList, tokenRevoke)),
		inGroup("run", group(p, "data", "les données du nœud", "the data of the node", dataExport, dataStats, dataErase)),
		inGroup("run", group(p, "config", "les réglages", "settings", configGet, configSet, configCheck, configPath)),
		inGroup("run", demoCommand(p)),
		inGroup("run", completionCommand(p)),
		inGroup("run", versionCommand(p)),
	)
	root.SetHelpCommand(helpCommand(p))
	return root
}

func inGroup(id string, c *cobra.Command) *cobra.Command {
	c.GroupID = id
	return c
}

// group makes a noun with its verbs.
func group(p *program, noun, french, english string, verbs ...func(*program) *cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: noun, Short: p.tr(french, english),
		// Without this a mistyped verb would print help and succeed.
		RunE: func(c *cobra.Command, args []string) error {
			if len(args) == 0 {
				_ = c.Help()
				return &failure{exit: exitUsage, silent: true}
			}
			message := p.tr("essaim "+noun+" n’a pas de verbe ", "essaim "+noun+" has no verb ") + args[0]
			f := &failure{Code: "usage", Message: message, exit: exitUsage, Hint: p.tr("voir : essaim "+noun+" --help", "see: essaim "+noun+" --help")}
			if near := c.SuggestionsFor(args[0]); len(near) > 0 {
				f.Hint = p.tr("vouliez-vous dire : ", "did you mean: ") + strings.Join(near, ", ")
			}
			return f
		},
		SuggestionsMinimumDistance: 2,
	}
	for _, verb := range verbs {
		c.AddCommand(verb(p))
	}
	return c
}

// usageTemplate is cobra's, in the reader's language.
func (p *program) usageTemplate() string {
	return `{{if .Runnable}}` + p.tr("Usage :", "Usage:") + `
  {{.UseLine}}{{end}}{{if .HasAvailableSubCommands}}
  {{.CommandPath}} ` + p.tr("COMMANDE", "COMMAND") + `{{end}}{{if .HasExample}}

` + p.tr("Exemple :", "Example:") + `
{{.Example}}{{end}}{{if .HasAvailableSubCommands}}{{$cmds := .Commands}}{{if eq (len .Groups) 0}}

` + p.tr("Commandes :", "Commands:") + `{{range $cmds}}{{if .IsAvailableCommand}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{else}}{{range $group := .Groups}}

{{.Title}}{{range $cmds}}{{if (and (eq .GroupID $group.ID) .IsAvailableCommand)}}
  {{rpad .Name .NamePadding }} {{.Short}}{{end}}{{end}}{{end}}{{end}}{{end}}{{if .HasAvailableLocalFlags}}

` + p.tr("Options :", "Flags:") + `
{{.LocalFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}{{if .HasAvailableInheritedFlags}}

` + p.tr("Options communes :", "Common flags:") + `
{{.InheritedFlags.FlagUsages | trimTrailingWhitespaces}}{{end}}
`
}
