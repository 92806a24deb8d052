package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func endorseList(p *program) *cobra.Command {
	var target, by string
	var withdrawn bool
	var limit int
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les soutiens connus ici", "the endorsements known here"),
		RunE: func(c *cobra.Command, _ []string) error {
			q := url.Values{"limit": {fmt.Sprint(limit)}}
			if target != "" {
				q.Set("target", target)
			}
			if by != "" {
				q.Set("by", by)
			}
			if withdrawn {
				q.Set("withdrawn", "true")
			}
			return ask(c.Context(), p, get("/endorsements?%s", q.Encode()), func(v api.EndorsementList) {
				for _, e := range v.Endorsements {
					p.say("%-19s %s soutient %s, le %s%s", "%-19s %s endorses %s, %s%s",
						short(e.CID), p.person(e.By.Name, e.By.DID), firstSet(e.TargetName, short(e.Target)), p.day(e.Created), p.quoted(e.Comment))
				}
				if len(v.Endorsements) == 0 {
					p.note("Aucun soutien.", "No endorsement.")
				}
			})
		},
	}
	c.Flags().StringVar(&target, "target", "", p.tr("de ce badge, ce modèle ou cette identité", "of this award, class or identity"))
	c.Flags().StringVar(&by, "by", "", p.tr("par cette identité", "by this identity"))
	c.Flags().BoolVar(&withdrawn, "withdrawn", false, p.tr("aussi ceux qui ont été repris", "withdrawn ones too"))
	c.Flags().IntVar(&limit, "limit", 100, p.tr("combien, jusqu’à 1000", "how many, up to 1000"))
	return c
}
