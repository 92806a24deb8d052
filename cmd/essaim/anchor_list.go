package main

import (
	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func anchorList(p *program) *cobra.Command {
	var suggest bool
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("d’où la confiance est vue ici", "from where trust is seen here"),
		RunE: func(c *cobra.Command, _ []string) error {
			if suggest {
				return ask(c.Context(), p, get("/anchors/candidates"), p.candidates)
			}
			return ask(c.Context(), p, get("/anchors"), p.anchors)
		},
	}
	c.Flags().BoolVar(&suggest, "suggest", false, p.tr("plutôt les lieux et organisations des territoires suivis qui pourraient en être",
		"instead the places and organisations of the territories followed that could be one"))
	return c
}

func (p *program) candidates(v api.CandidateList) {
	for _, c := range v.Candidates {
		p.line("%s  %s (%s)", c.DID, p.person(c.Name, c.DID), c.Territory.Name)
	}
	if len(v.Candidates) == 0 {
		p.note("Aucun autre lieu n’est connu ici : reliez-vous à des voisins (essaim peer add ADRESSE), puis revenez.",
			"No other place is known here: connect to neighbours (essaim peer add ADDRESS), then come back.")
		return
	}
	p.note("Choisissez ceux que vous connaissez : essaim anchor add IDENTITÉ. Un nom ne prouve rien.", "Choose those you know: essaim anchor add DID. A name proves nothing.")
}

func (p *program) anchors(v api.AnchorList) {
	for _, a := range v.Anchors {
		how := ""
		switch {
		case a.Own:
			how = p.tr(", votre collectif", ", your community")
		case a.List != "":
			how = p.tr(", par une liste", ", by a list")
		}
		if a.Endorses > 100 {
			how += p.tr(" (soutient plus de cent identités : chacune compte autant)", " (endorses more than a hundred identities: each counts as much)")
		}
		p.line("%s  %s%s", a.DID, p.person(a.Name, a.DID), how)
	}
	for _, l := range v.Lists {
		p.say("liste suivie : %s, %s  %s", "list followed: %s, %s  %s", p.person(l.Name, l.DID), p.many(l.Size, "référence", "références", "anchor", "anchors"), l.DID)
	}
	for _, d := range v.Ignored {
		p.say("contestations non entendues : %s  %s", "disputes not heard: %s  %s", p.person(d.Name, d.DID), d.DID)
	}
	switch {
	case len(v.Anchors) == 0:
		p.note("Aucune référence : rien ne peut être situé. En choisir une : essaim anchor add IDENTITÉ", "No anchor: nothing can be placed. Choose one: essaim anchor add DID")
	case len(v.Anchors) == 1:
		p.note("Une seule référence ne voit pas loin : trois à cinq lieux que vous connaissez feront mieux (essaim anchor list --suggest).",
			"One anchor alone does not see far: three to five places you know will do better (essaim anchor list --suggest).")
	}
}

// anchorCommandOf makes a verb that acts on one identity and shows what holds
// after it.
func anchorCommandOf(verb, path string, remove bool, french, english string) func(*program) *cobra.Command {
	return func(p *program) *cobra.Command {
		return &cobra.Command{
			Use: verb + " " + p.tr("IDENTITÉ", "DID"), Args: cobra.ExactArgs(1), Short: p.tr(french, english),
			RunE: func(c *cobra.Command, args []string) error {
				return ask(c.Context(), p, onIdentity(path, args[0], remove), p.anchors)
			},
		}
	}
}
