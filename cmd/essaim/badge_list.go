package main

import (
	"fmt"
	"net/url"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeList(p *program) *cobra.Command {
	q := map[string]*string{}
	var limit int
	var offers bool
	c := &cobra.Command{
		Use: "list", Args: cobra.NoArgs,
		Short: p.tr("les badges connus ici, ou ceux qui attendent d’être acceptés", "the badges known here, or those that wait to be claimed"),
		RunE: func(c *cobra.Command, _ []string) error {
			if offers {
				return ask(c.Context(), p, get("/offers"), p.offers)
			}
			values := url.Values{"limit": {fmt.Sprint(limit)}}
			for name, v := range q {
				if *v != "" {
					values.Set(name, *v)
				}
			}
			return ask(c.Context(), p, get("/badges?%s", values.Encode()), func(v api.BadgeList) {
				for _, b := range v.Badges {
					p.line("%-19s %-32s %-24s %-12s %s", short(b.CID), b.Name, p.person(b.Holder.Name, b.Holder.DID), p.day(b.AwardedOn), p.translated(b.State)+p.elsewhere(b.Elsewhere))
				}
				for _, i := range v.Imports {
					p.line("%-19s %-32s %-24s %-12s %s", short(i.Original), firstSet(i.Claims.Name, i.Kind), p.person(i.To, i.Holder), p.issuedDay(i.Claims), p.tr("d’ailleurs, gardé en privé", "from elsewhere, kept privately"))
				}
				if len(v.Badges)+len(v.Imports) == 0 {
					p.note("Aucun badge.", "No badge.")
				}
			})
		},
	}
	for _, x := range []struct{ name, french, english string }{
		{"holder", "de cette personne (membre ou identité)", "held by (member or identity)"},
		{"issuer", "remis par cette identité", "awarded by this identity"},
		{"class", "de ce modèle (code ou nom)", "of this class (code or name)"},
		{"territory", "de ce territoire", "of this territory"},
		{"state", "live, suspended, revoked ou renounced", "live, suspended, revoked or renounced"},
	} {
		q[x.name] = c.Flags().String(x.name, "", p.tr(x.french, x.english))
	}
	c.Flags().IntVar(&limit, "limit", 100, p.tr("combien, jusqu’à 1000", "how many, up to 1000"))
	c.Flags().BoolVar(&offers, "offers", false, p.tr("ceux qui attendent d’être acceptés", "those that wait to be claimed"))
	return c
}

func (p *program) issuedDay(c api.Claims) string {
	if c.IssuedOn.IsZero() {
		return "–"
	}
	return p.day(c.IssuedOn)
}

// elsewhere says of a badge that it was issued elsewhere, by whom.
func (p *program) elsewhere(who string) string {
	if who == "" {
		return ""
	}
	return fmt.Sprintf(p.tr(", émis ailleurs par %s", ", issued elsewhere by %s"), who)
}

func (p *program) offers(v api.OfferList) {
	for _, o := range v.Offers {
		state := p.tr("attend, jusqu’au ", "waits, until ") + p.day(o.Expires)
		if o.Claimed != "" {
			state = p.tr("accepté : ", "claimed: ") + short(o.Claimed)
		}
		p.line("%-32s %-24s %s", o.ClassName, p.person(o.To, o.Holder), state)
	}
}
