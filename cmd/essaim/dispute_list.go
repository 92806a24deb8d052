package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func disputeList(p *program) *cobra.Command {
	var target, by string
	var withdrawn bool
	var limit int
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les contestations connues ici", "the disputes known here"),
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
			return ask(c.Context(), p, get("/disputes?%s", q.Encode()), func(v api.DisputeList) {
				for _, d := range v.Disputes {
					unheard := ""
					if d.Ignored {
						unheard = p.tr(" (non entendue ici)", " (not heard here)")
					}
					p.say("%-19s %s conteste %s, le %s : %s%s%s", "%-19s %s disputes %s, %s: %s%s%s", short(d.CID), p.person(d.By.Name, d.By.DID),
						firstSet(d.TargetName, short(d.Target)), p.day(d.Created), p.reason(d.Reason), p.quoted(d.Comment), unheard)
				}
				if len(v.Disputes) == 0 {
					p.note("Aucune contestation.", "No dispute.")
				}
			})
		},
	}
	c.Flags().StringVar(&target, "target", "", p.tr("de ce badge, ce modèle ou cette identité", "of this award, class or identity"))
	c.Flags().StringVar(&by, "by", "", p.tr("par cette identité", "by this identity"))
	c.Flags().BoolVar(&withdrawn, "withdrawn", false, p.tr("aussi celles qui ont été reprises", "withdrawn ones too"))
	c.Flags().IntVar(&limit, "limit", 100, p.tr("combien au plus (1000)", "how many at most (1000)"))
	return c
}
