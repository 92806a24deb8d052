package main

import (
	"context"
	"strings"

	"github.com/spf13/cobra"

	"codeberg.org/essaim/essaim/node/api"
)

// with connects, and closes when do has returned.
func (p *program) with(ctx context.Context, do func(*client) error) (err error) {
	c, err := p.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		if e := c.close(); err == nil {
			err = e
		}
	}()
	return do(c)
}

// final are the states that no later status changes.
var final = map[string]bool{"revoked": true, "withdrawn": true, "retired": true, "renounced": true, "erased": true}

// setStatus publishes a new state of a record, after asking when it is final.
func (p *program) setStatus(ctx context.Context, c *client, target, state, reason string) error {
	if final[state] {
		word := target[max(0, len(target)-4):]
		if err := p.confirm(ctx, word,
			"%s passera à l’état « %s », pour toujours et aux yeux de tous.",
			"%s will be %s, for ever and for all to see.", short(target), p.translated(state)); err != nil {
			return err
		}
	}
	v, err := tell(ctx, p, c, post("/statuses", api.StatusRequest{Target: target, State: state, Reason: reason}), func(v api.StatusSet) {
		p.say("✓ %s : %s", "✓ %s: %s", short(target), p.translated(v.TargetState))
		p.note("  acte  %s", "  record  %s", v.CID)
	})
	if wanted := strings.Replace(state, "reinstated", "live", 1); err == nil && v.TargetState != wanted {
		return &failure{
			Code: "overtaken", exit: exitError,
			Message: p.tr("un autre changement, signé dans la même seconde, l’emporte", "another change, signed within the same second, counts"),
			Hint:    p.tr("recommencez", "do it again"),
		}
	}
	return err
}

func reasonFlag(p *program, c *cobra.Command, reason *string) {
	c.Flags().StringVar(reason, "reason", "other", p.tr(
		"motif public : error, wrong-person (erreur de personne), safety (sécurité), fraud, rules (règles), outdated (périmé), request (à sa demande), other",
		"public reason: error, wrong-person, safety, fraud, rules, outdated, request, other"))
}

// statusCommandOf makes a verb that sets one state on one record.
func statusCommandOf(verb, state, french, english string) func(*program) *cobra.Command {
	return func(p *program) *cobra.Command {
		var reason string
		var preview bool
		c := &cobra.Command{
			Use: verb + " " + p.tr("CODE", "CID"), Args: cobra.ExactArgs(1), Short: p.tr(french, english),
			RunE: func(c *cobra.Command, args []string) error {
				return p.with(c.Context(), func(cl *client) error {
					if preview {
						return p.preview(c.Context(), cl, api.PreviewRequest{Act: state, Target: args[0]})
					}
					return p.setStatus(c.Context(), cl, args[0], state, reason)
				})
			},
		}
		reasonFlag(p, c, &reason)
		previewFlag(p, c, &preview)
		return c
	}
}
