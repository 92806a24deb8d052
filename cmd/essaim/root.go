package main

import (
	"fmt"
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
		Args: cobra.ArbitraryArgs, RunE: p.noVerb, SuggestionsMinimumDistance: 2,
		CompletionOptions: cobra.CompletionOptions{DisableDefaultCmd: true},
	}
	root.SetIn(p.in)
	root.SetOut(p.out)
	root.SetErr(p.err)
	root.SetUsageFunc(p.usage)
	root.SetHelpTemplate(`{{with (or .Long .Short)}}{{. | trimTrailingWhitespaces}}

{{end}}{{.UsageString}}`)
	f := root.PersistentFlags()
	f.BoolVar(&p.json, "json", false, p.tr("le résultat en un document JSON", "the result as one JSON document"))
	f.BoolVarP(&p.quiet, "quiet", "q", false, p.tr("le résultat seul, sans remarques", "the result alone, without notes"))
	f.BoolVarP(&p.verbose, "verbose", "v", false, p.tr("dire aussi ce qui se passe", "tell what goes on, too"))
	f.BoolVar(&p.noColor, "no-color", false, p.tr("sans couleurs", "without colours"))
	f.BoolVar(&p.noInput, "no-input", false, p.tr("ne rien demander : échouer plutôt", "ask nothing: fail instead"))
	f.BoolVar(&p.yes, "yes", false, p.tr("confirmer d’avance", "confirm beforehand"))
	f.BoolP("help", "h", false, p.tr("l’aide de cette commande", "help on this command"))
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
		inGroup("use", group(p, "class", "les modèles de badge", "badge classes", classNew, classList, classShow, classImage, classRetire)),
		inGroup("use", group(p, "badge", "les badges : remettre, accepter, vérifier, retirer", "badges: award, claim, verify, revoke",
			badgeAward, badgeClaim, badgeList, badgeShow, badgeVerify, badgeImport, badgeExport,
			badgeRevoke, badgeSuspend, badgeReinstate, badgeRenounce)),
		inGroup("use", group(p, "endorse", "les soutiens", "endorsements", endorseAdd, endorseList, endorseWithdraw)),
		inGroup("use", group(p, "trust", "la confiance, vue d’ici, et pourquoi", "trust, seen from here, and why", trustShow, trustExplain)),
		inGroup("use", group(p, "anchor", "vos références : d’où la confiance est vue", "your anchors: from where trust is seen",
			anchorList, anchorAdd, anchorRemove, anchorSubscribe, anchorUnsubscribe)),
		inGroup("use", group(p, "dispute", "les contestations", "disputes", disputeOpen, disputeWithdraw, disputeList, disputeIgnore, disputeHeed)),
		inGroup("use", group(p, "access", "qui peut se servir des machines, selon ses badges", "who may use the machines, by their badges", accessList, accessSet, accessRemove, accessCheck)),
		inGroup("use", group(p, "territory", "les territoires suivis", "territories", territoryList, territorySearch, territoryShow, territoryFollow, territoryUnfollow)),
		inGroup("run", group(p, "mirror", "copies complètes de territoires", "whole territories kept for others", mirrorAdd, mirrorList, mirrorStatus, mirrorRemove)),
		inGroup("use", group(p, "place", "votre lieu, et les lieux connus", "your place, and known places", placeShow, placeEdit, placeSearch)),
		inGroup("run", setupCommand(p)),
		inGroup("run", serveCommand(p)),
		inGroup("run", statusCommand(p)),
		inGroup("run", doctorCommand(p)),
		inGroup("run", group(p, "peer", "les autres nœuds", "other nodes", peerList, peerInvite, peerJoin, peerAdd, peerRemove, peerBlock, peerUnblock, peerPing)),
		inGroup("run", group(p, "key", "les clés de la communauté", "the keys of the community", keyShow, keyBackup)),
		inGroup("run", group(p, "token", "l’accès des programmes à l’API", "access of programs to the API", tokenCreate, tokenList, tokenRevoke)),
		inGroup("run", group(p, "data", "les données du nœud", "the data of the node", dataExport, dataStats, dataErase)),
		inGroup("run", group(p, "bundle", "emporter des actes en un fichier, par exemple sur une clé USB", "carry records in a file, on a USB stick for example", bundleWrite, bundleRead)),
		inGroup("run", group(p, "config", "les réglages", "settings", configGet, configSet, configCheck, configPath)),
		inGroup("run", demoCommand(p)),
		inGroup("run", completionCommand(p)),
		inGroup("run", versionCommand(p)),
	)
	root.SetHelpCommand(helpCommand(p))
	root.SetHelpCommandGroupID("run")
	p.markBeginnings(root)
	return root
}

// markBeginnings notes in p when a command begins: an error before is one of
// the command line.
func (p *program) markBeginnings(c *cobra.Command) {
	run := c.RunE
	c.RunE = func(c *cobra.Command, args []string) error {
		p.began = true
		return run(c, args)
	}
	for _, sub := range c.Commands() {
		p.markBeginnings(sub)
	}
}

func inGroup(id string, c *cobra.Command) *cobra.Command {
	c.GroupID = id
	return c
}

// group makes a noun with its verbs.
func group(p *program, noun, french, english string, verbs ...func(*program) *cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: noun, Short: p.tr(french, english),
		Args: cobra.ArbitraryArgs, RunE: p.noVerb, SuggestionsMinimumDistance: 2,
	}
	for _, verb := range verbs {
		c.AddCommand(verb(p))
	}
	return c
}

// noVerb is what a command does that does nothing by itself: it helps, and
// fails, lest a mistyped verb looks done.
func (p *program) noVerb(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		_ = c.Help()
		return &failure{exit: exitUsage, silent: true}
	}
	f := &failure{
		Code: "usage", exit: exitUsage,
		Message: fmt.Sprintf(p.tr("%s n’a pas de commande %s", "%s has no command %s"), c.CommandPath(), args[0]),
		Hint:    fmt.Sprintf(p.tr("voir : %s --help", "see: %s --help"), c.CommandPath()),
	}
	if near := c.SuggestionsFor(args[0]); len(near) > 0 {
		f.Hint = p.tr("vouliez-vous dire : ", "did you mean: ") + strings.Join(near, ", ")
	}
	return f
}
