package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func classNew(p *program) *cobra.Command {
	var k api.ClassRequest
	var skills []string
	var rule api.Rule
	c := &cobra.Command{
		Use: "new " + p.tr("NOM", "NAME"), Args: cobra.ExactArgs(1),
		Short: p.tr("publier un modèle de badge", "publish a badge class"),
		Example: `  essaim class new "Découpe laser" --description "Règle la machine et découpe en sécurité" \
    --criteria "A découpé deux pièces devant un référent" --level 1 --level 2 --tag laser \
    --skill "ESCO|utiliser une découpeuse laser|http://data.europa.eu/esco/skill/…"`,
		RunE: func(c *cobra.Command, args []string) error {
			k.Name = args[0]
			for _, s := range skills {
				part := strings.Split(s, "|")
				if len(part) < 3 || len(part) > 4 {
					return usage(fmt.Sprintf(p.tr("--skill %q : écrire RÉFÉRENTIEL|INTITULÉ|ADRESSE ou RÉFÉRENTIEL|INTITULÉ|ADRESSE|CODE", "--skill %q: write FRAMEWORK|LABEL|ADDRESS or FRAMEWORK|LABEL|ADDRESS|CODE"), s))
				}
				sk := api.Skill{Framework: part[0], Name: part[1], URL: part[2]}
				if len(part) == 4 {
					sk.Code = part[3]
				}
				k.Skills = append(k.Skills, sk)
			}
			if rule.By != "" {
				k.Rule = &rule
			}
			return ask(c.Context(), p, post("/classes", k), func(v api.Class) {
				p.say("✓ Modèle publié : %s", "✓ Class published: %s", v.Name)
				p.say("  code  %s", "  code  %s", v.CID)
				p.note("Pour le remettre : essaim badge award %q --to \"Prénom N.\"", "To award it: essaim badge award %q --to \"Name\"", v.Name)
			})
		},
	}
	f := c.Flags()
	f.StringVar(&k.Description, "description", "", p.tr("ce qui est reconnu (nécessaire)", "what is recognised (needed)"))
	f.StringVar(&k.Criteria, "criteria", "", p.tr("ce qu’il faut avoir fait", "what one must have done"))
	f.StringVar(&k.CriteriaURL, "criteria-url", "", p.tr("où lire les critères", "where the criteria are"))
	f.StringVar(&k.Type, "type", "", p.tr("sorte : ext:Savoir, ext:SavoirFaire, ext:SavoirEtre, Competency …", "type: ext:Savoir, ext:SavoirFaire, ext:SavoirEtre, Competency …"))
	f.StringSliceVar(&k.Tags, "tag", nil, p.tr("mot-clé (répétable)", "tag (repeatable)"))
	f.StringArrayVar(&skills, "skill", nil, p.tr("compétence d’un référentiel : RÉFÉRENTIEL|INTITULÉ|ADRESSE[|CODE]", "skill of a framework: FRAMEWORK|LABEL|ADDRESS[|CODE]"))
	f.IntSliceVar(&k.Levels, "level", nil, p.tr("niveau de 1 à 5 (répétable)", "level from 1 to 5 (repeatable)"))
	f.StringVar(&k.Licence, "licence", "", p.tr("licence du modèle (CC-BY-SA-4.0)", "licence of the class (CC-BY-SA-4.0)"))
	f.StringVar(&k.Language, "language", "", p.tr("langue du modèle (fr)", "language of the class (fr)"))
	f.StringVar(&k.As, "as", "", p.tr("au nom d’un membre (nom ou identité)", "in the name of a member (name or identity)"))
	f.StringVar(&k.DerivedFrom, "derived-from", "", p.tr("code du modèle dont il s’inspire", "code of the class it derives from"))
	f.StringSliceVar(&k.Territories, "territory", nil, p.tr("territoire (le vôtre par défaut ; trois au plus)", "territory (yours by default; three at most)"))
	f.StringVar(&rule.By, "by", "", p.tr("qui peut remettre : creator, listed, holders, anyone, quorum", "who may award: creator, listed, holders, anyone, quorum"))
	f.StringSliceVar(&rule.Listed, "by-did", nil, p.tr("identité qui peut remettre, ou mentor du quorum (répétable)", "identity that may award, or mentor of the quorum (repeatable)"))
	f.IntVar(&rule.MinLevel, "by-level", 0, p.tr("niveau à partir duquel un titulaire peut remettre", "level from which a holder may award"))
	f.IntVar(&rule.Holders, "by-holders", 0, p.tr("soutiens de titulaires qui suffisent au quorum", "endorsements by holders that make the quorum"))
	f.IntVar(&rule.Mentors, "by-mentors", 0, p.tr("soutiens de mentors qui suffisent au quorum", "endorsements by mentors that make the quorum"))
	_ = c.MarkFlagRequired("description")
	return c
}
