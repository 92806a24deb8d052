package main

import (
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"rsc.io/qr"

	"codeberg.org/essaim/essaim/node/api"
)

func peerInvite(p *program) *cobra.Command {
	var r api.InvitationRequest
	var life time.Duration
	var list bool
	var end string
	c := &cobra.Command{
		Use: "invite", Args: cobra.NoArgs,
		Short: p.tr("inviter un autre lieu : un code à lire au téléphone, un lien et un QR code", "invite another place: a code to read out, a link and a QR code"),
		Long: p.tr(`Fait un code pour l’autre lieu, qui tape : essaim peer join CODE. Après une
seule confirmation, chacun des deux nœuds garde l’autre. Le code dure un jour
et sert une fois, sauf avis contraire.

Un code de 24 signes dit où joindre ce nœud sur internet : il marche partout si
la box laisse entrer les connexions. Un code de 16 signes ne le dit pas : il
marche sur le réseau local, et entre nœuds déjà reliés. Le lien et le QR code
disent tout ce que ce nœud sait de ses adresses.`,
			`Makes a code for the other place, which types: essaim peer join CODE. After one
confirmation each of the two nodes keeps the other. The code lasts a day and
works once, unless you say otherwise.

A code of 24 letters says where this node is on the internet: it works anywhere
if the router lets connections in. A code of 16 letters does not: it works on
the local network, and between nodes that are connected already. The link and
the QR code say all that this node knows of its addresses.`),
		Example: "  essaim peer invite\n  essaim peer invite --at 203.0.113.7:4797 --life 48h",
		RunE: func(c *cobra.Command, _ []string) error {
			switch {
			case list:
				return ask(c.Context(), p, get("/invitations"), p.invitations)
			case end != "":
				return ask(c.Context(), p, remove("/invitations/"+end), p.invitations)
			}
			if r.Minutes = int(life.Round(time.Minute) / time.Minute); r.Minutes < 1 {
				return usage(p.tr("--life va d’une minute à 30 jours (720h)", "--life is from a minute to 30 days (720h)"))
			}
			return ask(c.Context(), p, post("/invitations", r), p.invitation)
		},
	}
	f := c.Flags()
	f.DurationVar(&life, "life", 24*time.Hour, p.tr("durée, par exemple 48h", "how long it works, as in 48h"))
	f.IntVar(&r.Uses, "uses", 1, p.tr("combien de lieux peuvent s’en servir", "how many places may use it"))
	f.StringVar(&r.At, "at", "", p.tr("adresse IPv4 et port où l’on joint ce nœud, à dire dans le code : 203.0.113.7:4797",
		"IPv4 address and port where this node is reached, for the code to say: 203.0.113.7:4797"))
	f.BoolVar(&list, "list", false, p.tr("voir les invitations ouvertes", "show open invitations"))
	f.StringVar(&end, "end", "", p.tr("mettre fin à l’invitation de ce numéro", "end the invitation of this number"))
	c.MarkFlagsMutuallyExclusive("list", "end")
	return c
}

func (p *program) invitation(v api.NewInvitation) {
	p.line("%s", v.Code)
	p.line("%s", v.Link)
	if p.quiet {
		return
	}
	drawing, err := p.drawn(v.Link)
	if err == nil { // else the link is too long for one
		p.note("%s", "%s", drawing)
	}
	p.note("Là-bas, on tape : essaim peer join %s", "Over there, type: essaim peer join %s", v.Code)
	p.note("Valable jusqu’au %s à %s, pour %s.", "Works until %s, %s, for %s.", p.day(v.Expires), v.Expires.Local().Format("15:04"),
		p.many(v.Uses, "lieu", "lieux", "place", "places"))
	if v.Placed {
		p.note("Qui a le code ou le lien peut se relier à ce nœud : ne le donnez qu’au lieu invité.",
			"Whoever has the code or the link can link with this node: give it to the place you invite only.")
	} else {
		p.note("Ce code marche sur le réseau local et entre nœuds déjà reliés. Ailleurs, donnez le lien, ou faites un code avec --at.",
			"This code works on the local network and between nodes connected already. Elsewhere give the link, or make a code with --at.")
	}
}

func (p *program) invitations(v api.InvitationList) {
	for _, x := range v.Invitations {
		p.say("%s  jusqu’au %s à %s, %d sur %d", "%s  until %s, %s, %d of %d used", x.ID, p.day(x.Expires), x.Expires.Local().Format("15:04"), len(x.Used), x.Uses)
	}
	if len(v.Invitations) == 0 {
		p.note("Aucune invitation ouverte.", "No open invitation.")
	}
}

// drawn is a QR code in half blocks, two rows of squares to a line, with the
// white border that readers need. White is drawn and black is not: most terminals
// are dark. Where there are colours, both are said.
func (p *program) drawn(text string) (string, error) {
	code, err := qr.Encode(text, qr.L)
	if err != nil {
		return "", fmt.Errorf("QR code: %w", err)
	}
	const border = 2
	begin, end := "", "\n"
	if p.colours() {
		begin, end = "\x1b[97;40m", "\x1b[0m\n"
	}
	white := func(x, y int) bool { return !code.Black(x, y) }
	var b strings.Builder
	for y := -border; y < code.Size+border; y += 2 {
		b.WriteString(begin)
		for x := -border; x < code.Size+border; x++ {
			switch above, below := white(x, y), white(x, y+1); {
			case above && below:
				b.WriteString("█")
			case above:
				b.WriteString("▀")
			case below:
				b.WriteString("▄")
			default:
				b.WriteString(" ")
			}
		}
		b.WriteString(end)
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}
