package main

import (
	"context"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

func badgeImport(p *program) *cobra.Command {
	var f badgeFile
	var r api.ImportRequest
	var forget string
	c := &cobra.Command{
		Use: "import " + p.tr("FICHIER|ADRESSE", "FILE|URL") + "|-", Args: cobra.MaximumNArgs(1),
		Short: p.tr("faire entrer un badge d’ailleurs, ou un acte reçu en fichier", "bring in a badge made elsewhere, or a record received as a file"),
		Long: p.tr(`Vérifie un badge fait ailleurs et le garde ici, en privé : le fichier tel quel, ce
qui a été vérifié, et une attestation que signe la communauté. --to dit à qui il
est, --email prouve que c’est à cette personne, sans que l’adresse soit gardée.
Avec --publish, la personne reçoit un code ; quand elle l’accepte, ses territoires
voient « émis ailleurs, vérifié ici », et jamais son adresse. Un badge faux est
refusé, et rien n’en est gardé.

Un acte de ce réseau, reçu en fichier, entre tel quel.`,
			`Verifies a badge made elsewhere and keeps it here, privately: the file as it is,
what was verified, and an attestation the community signs. --to says whose it is,
--email proves that it is theirs, and is not kept. With --publish the person gets
a code; once they accept, their territories see “issued elsewhere, verified here”,
and never the address. A badge that is wrong is refused, and nothing of it kept.

A record of this network, received as a file, comes in as it is.`),
		Example: `  essaim badge import badge.png --to "Nadia B." --email nadia@exemple.fr --online
  essaim badge import https://exemple.fr/badges/42 --to "Nadia B." --email nadia@exemple.fr --publish`,
		RunE: func(c *cobra.Command, args []string) error {
			if (len(args) == 1) == (forget != "") {
				return usage(p.tr("donnez un fichier ou une adresse, ou --forget", "give a file or an address, or --forget"))
			}
			if forget != "" {
				return ask(c.Context(), p, remove("/imports/"+forget), func(api.Forgotten) {
					p.say("✓ Oublié : le fichier et ce qui en était dit", "✓ Forgotten: the file and what was said of it")
				})
			}
			return p.with(c.Context(), func(cl *client) error {
				var err error
				if r.BadgeFile, err = f.request(c.Context(), p, cl, args[0]); err != nil {
					return err
				}
				if node.IsOurs(r.File) {
					return p.importRecord(c.Context(), cl, r.File)
				}
				_, err = tell(c.Context(), p, cl, post("/badges/import", r), p.imported)
				return err
			})
		},
	}
	f.flags(p, c)
	c.Flags().StringVar(&r.To, "to", "", p.tr("à qui il est : prénom d’un membre, ou did:key:…", "whose it is: name of a member, or did:key:…"))
	c.Flags().BoolVar(&r.Publish, "publish", false, p.tr("proposer l’attestation à la personne, qui la rend publique en l’acceptant", "offer the attestation to the person, who makes it public by accepting"))
	c.Flags().StringSliceVar(&r.Territories, "territory", nil, p.tr("territoire (le vôtre par défaut ; trois au plus)", "territory (yours by default; three at most)"))
	c.Flags().StringVar(&forget, "forget", "", p.tr("oublier le badge gardé sous ce code, fichier compris", "forget the badge kept under this code, file and all"))
	return c
}

func (p *program) importRecord(ctx context.Context, cl *client, raw []byte) error {
	_, err := tell(ctx, p, cl, post("/records", raw), func(v api.Accepted) {
		if v.New {
			p.say("✓ Entré : %s %s", "✓ Brought in: %s %s", p.translated(v.Kind), v.CID)
		} else {
			p.say("✓ Déjà connu : %s %s", "✓ Known already: %s %s", p.translated(v.Kind), v.CID)
		}
	})
	return err
}

// imported says what became of a badge made elsewhere.
func (p *program) imported(v api.ImportDetail) {
	p.say("✓ Gardé ici, en privé : %s", "✓ Kept here, privately: %s", firstSet(v.Claims.Name, v.Kind))
	p.importLines(v)
	switch {
	case v.Award != "":
		p.note("Il est déjà public : essaim badge show %s", "It is public already: essaim badge show %s", v.Award)
	case v.Code != "":
		p.say("  code         %s", "  claim code   %s", v.Code)
		if v.ClaimLink != "" {
			p.say("  lien         %s", "  link         %s", v.ClaimLink)
		}
		p.note("Rien n’est public avant que la personne accepte : sur ce nœud, essaim badge claim %s", "Nothing is public before the person accepts: on this node, essaim badge claim %s", v.Code)
	case v.Attested:
		p.note("Pour le proposer à la publication : la même commande avec --publish", "To offer it for publication: the same command with --publish")
	default:
		p.note("Il n’est pas attesté : tout n’a pas pu être vérifié. Essayez --online, et --email", "It is not attested: not all could be verified. Try --online, and --email")
	}
}

// importLines is what is known of a badge that is kept here.
func (p *program) importLines(v api.ImportDetail) {
	p.say("  à            %s", "  belongs to   %s", p.person(v.To, v.Holder))
	p.foreignIssuer(&api.Foreign{Claims: v.Claims, IssuerKnown: true})
	p.say("  vérifié le   %s", "  verified on  %s", p.day(v.Verified))
	for _, c := range v.Checks {
		p.foreignCheck(c)
	}
	for _, n := range v.Notes {
		p.say("  remarque     %s", "  note         %s", p.sentence(n.Sentence))
	}
	for _, l := range v.Losses {
		p.say("  non repris   %s : %s", "  not carried  %s: %s", l.Member, p.translated(l.Why))
	}
	if v.Award != "" {
		p.say("  publié       %s", "  published    %s", v.Award)
	}
	p.say("  original     %s, %s", "  original     %s, %s", v.Original, p.bytes(int64(v.Bytes)))
}
