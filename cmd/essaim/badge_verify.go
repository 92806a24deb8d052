package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

func badgeVerify(p *program) *cobra.Command {
	return &cobra.Command{
		Use: "verify " + p.tr("FICHIER", "FILE") + "|CID", Args: cobra.ExactArgs(1),
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
	frenchVerdicts = map[string]string{"valid": "✓ VALIDE", "invalid": "✗ FAUX", "revoked": "✗ RETIRÉ", "incomplete": "? INCOMPLET"}
	frenchChecks   = map[string]string{
		"form": "forme", "signature": "signature", "linked-data": "pour les portefeuilles", "consent": "accord", "class": "modèle",
		"rule": "règle", "dates": "dates", "status": "état", "issuer": "émetteur",
	}
	frenchAnswers = map[string]string{"yes": "oui", "no": "non", "unknown": "ne peut pas se savoir ici"}
)

func (p *program) verdict(v api.Verdict) {
	title := map[string]string{"valid": "✓ VALID", "invalid": "✗ INVALID", "revoked": "✗ REVOKED", "incomplete": "? INCOMPLETE"}[v.Verdict]
	if p.french {
		title = frenchVerdicts[v.Verdict]
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
			name, answer = frenchChecks[c.Name], frenchAnswers[c.Answer]
		}
		detail := ""
		if c.Detail != "" {
			detail = fmt.Sprintf(" (%s)", c.Detail)
		}
		p.line("  %-12s %s%s", name, answer, detail)
	}
	if v.CID != "" {
		p.say("  code         %s", "  code         %s", v.CID)
	}
}
