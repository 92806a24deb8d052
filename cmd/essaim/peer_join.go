package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func peerJoin(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "join CODE", Args: cobra.MinimumNArgs(1),
		Short: p.tr("se relier au lieu qui invite, par son code ou son lien", "link with the place that invites, by its code or link"),
		Long: p.tr(`Cherche le nœud qui a fait l’invitation, dit à qui il est, et après votre
accord relie les deux : chacun garde l’autre. Le code se tape comme on veut,
avec ou sans tirets.`,
			`Finds the node that made the invitation, says whose it is, and after your word
links the two: each keeps the other. The code is typed as you like, with dashes
or without.`),
		Example: "  essaim peer join K7Q2-MD4X-P9TR-6HWA",
		RunE: func(c *cobra.Command, args []string) error {
			r := api.JoinRequest{Invitation: strings.Join(args, " ")}
			return p.with(c.Context(), func(cl *client) error {
				who, err := fetch[api.Inviter](c.Context(), p, cl, post("/invitations/look", r))
				if err != nil {
					return err
				}
				if err := p.agree(c.Context(), "Se relier à %s ?", "Link with %s?", p.inviter(who)); err != nil {
					return err
				}
				r.Peer = who.Peer
				_, err = tell(c.Context(), p, cl, post("/invitations/join", r), func(v api.Inviter) {
					p.say("✓ Relié à %s", "✓ Linked with %s", p.inviter(v))
					if v.Territory != "" {
						p.note("Pour recevoir ses badges, suivez son territoire : essaim territory follow %s", "To get its badges, follow its territory: essaim territory follow %s", v.Territory)
					}
				})
				return err
			})
		},
	}
}

// inviter is the name of who invites, and of where it is.
func (p *program) inviter(v api.Inviter) string {
	name := v.Name
	if name == "" {
		name = p.tr("un nœud sans nom, ", "a node without a name, ") + v.Peer
	}
	if v.TerritoryName != "" {
		name += fmt.Sprintf(" (%s)", v.TerritoryName)
	}
	return name
}

// agree asks a question that is answered by yes or no.
func (p *program) agree(ctx context.Context, french, english string, args ...any) error {
	if p.yes {
		return nil
	}
	question := fmt.Sprintf(p.tr(french, english), args...)
	if !p.asks() {
		return usage(question + p.tr(" Ajoutez --yes pour accepter", " Add --yes to agree"))
	}
	fmt.Fprint(p.err, question+p.tr(" [o/N] ", " [y/N] "))
	answer, err := patiently(ctx, func() ([]byte, error) { return p.lines.ReadBytes('\n') })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	switch strings.ToLower(strings.TrimSpace(string(answer))) {
	case "o", "oui", "y", "yes":
		return nil
	}
	_ = err // the end of what is typed is a no
	return usage(p.tr("rien n’a été fait", "nothing was done"))
}
