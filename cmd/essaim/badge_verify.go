package main

import (
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeVerify(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "verify " + p.tr("FICHIER|CODE", "FILE|CID"), Args: cobra.ExactArgs(1),
		Short: p.tr("ce badge est-il bon ? question par question", "is this badge good? question by question"),
		RunE: func(c *cobra.Command, args []string) error {
			verdict := ""
			err := p.with(c.Context(), func(cl *client) error {
				raw, err := p.recordOrFile(c, cl, args[0])
				if err != nil {
					return err
				}
				v, err := tell(c.Context(), p, cl, post("/verify", raw), p.verdict)
				verdict = v.Verdict
				return err
			})
			switch {
			case err != nil:
				return err
			case verdict == "invalid", verdict == "revoked":
				return &failure{exit: exitInvalid, silent: true}
			case verdict == "incomplete":
				return &failure{exit: exitIncomplete, silent: true}
			}
			return nil
		},
	}
}

// recordOrFile returns the bytes of a record known here, or of a file.
func (p *program) recordOrFile(c *cobra.Command, cl *client, name string) ([]byte, error) {
	if strings.HasPrefix(name, "bafkrei") {
		return p.do(c.Context(), cl, get("/records/%s", name))
	}
	return p.readFile(name)
}

var (
	frenchVerdicts = map[string]string{"valid": "✓ VALIDE", "invalid": "✗ FAUX", "incomplete": "? INCOMPLET"}
	frenchChecks   = map[string]string{
		"form": "forme", "signature": "signature", "linked-data": "portefeuilles", "consent": "accord", "class": "modèle",
		"rule": "règle", "dates": "dates", "status": "état", "issuer": "émetteur",
	}
	frenchAnswers = map[string]string{"yes": "oui", "no": "non", "unknown": "on ne peut pas le savoir ici"}
)

func (p *program) verdict(v api.Verdict) {
	title := map[string]string{"valid": "✓ VALID", "invalid": "✗ INVALID", "incomplete": "? INCOMPLETE"}[v.Verdict]
	if p.french {
		title = frenchVerdicts[v.Verdict]
	}
	if v.Verdict == "revoked" { // or suspended, renounced, withdrawn …
		title = "✗ " + strings.ToUpper(p.translated(v.State))
	}
	if v.Name != "" {
		title += "  " + v.Name
	}
	p.line("%s", title)
	if v.Issuer != nil {
		p.say("  émis par     %s", "  issued by    %s", p.person(v.Issuer.Name, v.Issuer.DID))
	}
	for _, c := range v.Checks {
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
	if v.CID != "" {
		p.say("  code         %s", "  code         %s", v.CID)
	}
}

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
