package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeVerify(p *program) *cobra.Command {
	var f badgeFile
	c := &cobra.Command{
		Use: "verify " + p.tr("FICHIER|ADRESSE|CODE", "FILE|URL|CID"), Args: cobra.ExactArgs(1),
		Short: p.tr("ce badge est-il bon ? question par question", "is this badge good? question by question"),
		Long: p.tr(`Dit d’un badge ce qui peut en être vérifié, question par question : un badge
d’ici par son code, ou un badge de n’importe où en fichier (JSON, jeton, image
PNG ou SVG) ou par son adresse https. Rien n’en est gardé, et il n’y a pas
besoin de nœud. D’un fichier, les sites qu’il cite ne sont interrogés qu’avec
--online ; une adresse donnée ici l’est toujours.`, `Says of a badge what can be checked, question by question: a badge of this
network by its code, or one from anywhere as a file (JSON, a token, a PNG or SVG
image) or by its https address. Nothing is kept, and no node is needed. Of a
file, the sites it points at are asked only with --online; an address given here
always is.`),
		Example: `  essaim badge verify badge.png
  essaim badge verify https://exemple.fr/badges/42 --email nadia@exemple.fr`,
		RunE: func(c *cobra.Command, args []string) error {
			var v api.Verdict
			err := p.with(c.Context(), func(cl *client) error {
				r, err := f.request(c.Context(), p, cl, args[0])
				if err != nil {
					return err
				}
				v, err = tell(c.Context(), p, cl, post("/badges/verify", r), p.verdict)
				return err
			})
			if err != nil {
				return err
			}
			if v.Foreign != nil && len(v.Foreign.Wanted) > 0 && !f.online && !isAddress(args[0]) {
				p.note("Pour interroger aussi les sites que ce badge cite : --online", "To ask the sites this badge points at, too: --online")
			}
			switch v.Verdict {
			case "invalid", "revoked":
				return &failure{exit: exitInvalid, silent: true}
			case "incomplete":
				return &failure{exit: exitIncomplete, silent: true}
			}
			return nil
		},
	}
	f.flags(p, c)
	return c
}

// badgeFile is how a command is told of a badge, and whose it is to be.
type badgeFile struct {
	email, holder string
	online        bool
}

func (f *badgeFile) flags(p *program, c *cobra.Command) {
	c.Flags().StringVar(&f.email, "email", "", p.tr("est-il à cette adresse électronique ? Elle n’est ni gardée, ni envoyée", "is it for this e-mail address? It is neither kept nor sent"))
	c.Flags().StringVar(&f.holder, "holder", "", p.tr("est-il à cette identité (did:…) ?", "is it for this identity (did:…)?"))
	c.Flags().BoolVar(&f.online, "online", false, p.tr("interroger les sites que le badge cite", "ask the sites the badge points at"))
	c.MarkFlagsMutuallyExclusive("email", "holder")
}

// request returns what to ask about a badge given as a code, an address or a
// file.
func (f *badgeFile) request(ctx context.Context, p *program, cl *client, name string) (api.BadgeFile, error) {
	r := api.BadgeFile{Online: f.online, Recipient: firstSet(f.email, f.holder)}
	var err error
	switch {
	case isAddress(name):
		r.URL = name
	case strings.HasPrefix(name, "bafkrei"):
		r.File, err = p.do(ctx, cl, get("/records/%s", name))
	default:
		r.File, err = p.readBadge(name)
	}
	return r, err
}

// isAddress reports whether what was given is an address on the web.
func isAddress(s string) bool {
	scheme, _, ok := strings.Cut(strings.ToLower(s), "://")
	return ok && (scheme == "https" || scheme == "http")
}

var (
	frenchVerdicts = map[string]string{"valid": "✓ VALIDE", "invalid": "✗ FAUX", "incomplete": "? INCOMPLET"}
	frenchChecks   = map[string]string{
		"form": "forme", "signature": "signature", "linked-data": "portefeuilles", "consent": "accord", "class": "modèle",
		"rule": "règle", "dates": "dates", "status": "état", "issuer": "émetteur", "recipient": "personne", "well_formed": "lecture", "shape": "standard",
	}
	englishChecks = map[string]string{"well_formed": "readable", "shape": "standard"}
	frenchAnswers = map[string]string{"yes": "oui", "no": "non", "unknown": "on ne peut pas le savoir ici"}
)

func (p *program) verdict(v api.Verdict) {
	title := map[string]string{"valid": "✓ VALID", "invalid": "✗ INVALID", "incomplete": "? INCOMPLETE"}[v.Verdict]
	if p.french {
		title = frenchVerdicts[v.Verdict]
	}
	if v.Verdict == "revoked" && v.Foreign != nil {
		title = p.tr("✗ RETIRÉ", "✗ REVOKED")
	} else if v.Verdict == "revoked" { // or suspended, renounced, withdrawn …
		title = "✗ " + strings.ToUpper(p.translated(v.State))
	}
	if v.Name != "" {
		title += "  " + v.Name
	}
	p.line("%s", title)
	if v.Issuer != nil {
		p.say("  émis par     %s", "  issued by    %s", p.person(v.Issuer.Name, v.Issuer.DID))
	}
	if v.Foreign != nil {
		p.foreignIssuer(v.Foreign)
	}
	for _, c := range v.Checks {
		if c.Sentence != nil {
			p.foreignCheck(c)
			continue
		}
		name, answer := c.Name, c.Answer
		if p.french {
			name, answer = firstSet(frenchChecks[name], name), firstSet(frenchAnswers[answer], answer)
		}
		detail := ""
		if d := p.checkDetail(c); d != "" {
			detail = " (" + d + ")"
		}
		p.line("  %s %s%s", pad(name, 12), answer, detail)
	}
	if v.Foreign != nil {
		p.foreignRest(v.Foreign)
	}
	if v.CID != "" {
		p.say("  code         %s", "  code         %s", v.CID)
	}
}

// foreignIssuer says who issued a badge, by its own word.
func (p *program) foreignIssuer(f *api.Foreign) {
	if who := firstSet(f.IssuerName, f.Issuer); who != "" {
		known := p.tr(" (pas de fiche de cet émetteur ici, ce qui ne dit rien du badge)", " (this node has no profile of them, which says nothing of the badge)")
		if f.IssuerKnown {
			known = ""
		}
		p.say("  se dit de    %s%s", "  says it is of %s%s", who, known)
	}
	if !f.IssuedOn.IsZero() {
		p.say("  daté du      %s", "  dated        %s", p.day(f.IssuedOn))
	}
}

// foreignCheck is a question about a badge made elsewhere, and its answer.
func (p *program) foreignCheck(c api.Check) {
	name, answer := firstSet(englishChecks[c.Name], c.Name), c.Answer
	if p.french {
		name, answer = firstSet(frenchChecks[c.Name], c.Name), map[string]string{"yes": "oui", "no": "non", "unknown": "?"}[c.Answer]
	} else if answer == "unknown" {
		answer = "?"
	}
	said := p.sentence(*c.Sentence)
	switch c.Reason {
	case "not_asked": // of what cannot be read, or is no badge
		return
	case "not_at_hand": // the addresses are told below, once
		said, _, _ = strings.Cut(said, p.tr(" : ", ": ")+c.Detail)
	}
	p.line("  %s %s  %s", pad(name, 12), pad(answer, 3), said)
}

// foreignRest is what was tolerated, and where answers stand.
func (p *program) foreignRest(f *api.Foreign) {
	for _, n := range f.Notes {
		p.say("  remarque     %s", "  note         %s", p.sentence(n.Sentence))
	}
	for _, r := range f.Readings {
		for _, h := range r.Hosts {
			p.say("  renvoi       %s renvoie vers %s", "  led on       %s leads to %s", r.URL, h)
		}
		if r.Sentence != nil {
			p.say("  pas lu       %s : %s", "  not read     %s: %s", r.URL, p.sentence(*r.Sentence))
		}
	}
	if len(f.Readings) == 0 {
		for _, w := range f.Wanted {
			p.say("  à lire       %s", "  would read   %s", w)
		}
	}
}

// sentence is one of both, in the reader's language.
func (p *program) sentence(s api.Sentence) string { return p.tr(s.French, s.English) }

// checkDetail is what was found, in the reader's language. Names of classes and
// people are as they are. A refusal is "reason: detail", told by its reason.
func (p *program) checkDetail(c api.Check) string {
	reason, _, _ := strings.Cut(c.Detail, ": ")
	switch {
	case c.Answer == "yes" && (c.Name == "class" || c.Name == "issuer"):
		return c.Detail
	case p.french && c.Answer == "no" && c.Name == "form":
		return firstSet(frenchProblems[reason].message, c.Detail)
	case p.french && c.Answer == "no" && c.Name == "signature":
		return frenchProblems["bad_signature"].message
	case p.french && c.Answer == "no" && c.Name == "linked-data":
		return "la signature que lisent les portefeuilles est fausse"
	}
	return p.translated(c.Detail)
}
