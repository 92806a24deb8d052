package node

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

const (
	// maxWeighed is for how many candidates beyond those returned trust is
	// counted: reading the digest of one and counting takes some twenty
	// microseconds to a millisecond, by the size of the graph.
	maxWeighed = 60
	// maxFiltered is that for a question that asks for a level.
	maxFiltered = 1000
)

// rank puts candidates in order, the first q.Limit with trust, and drops those
// below the level asked for. Who is near and matches best is weighed first: of
// those that share match and band, first those whose issuer has most points,
// which bounds most of what an award can have, or that are endorsed.
//
// It returns false, and an order without trust, while Run builds the graph.
func (n *Node) rank(candidates *[]whoCandidate, q WhoQuery) (weighed bool, err error) {
	best := *candidates
	if n.trust.building() {
		slices.SortFunc(best, before)
		return false, nil
	}
	if err := n.boundIssuers(best); err != nil {
		return false, err
	}
	slices.SortFunc(best, before)
	few := min(len(best), q.Limit+maxWeighed)
	if q.Trust > 0 {
		few = min(len(best), q.Limit+maxFiltered)
	} else {
		// Not beyond the tier in which the last answer is.
		for few > q.Limit && tier(best[few-1], best[q.Limit-1]) != 0 {
			few--
		}
	}
	if err := n.weigh(best[:few]); err != nil {
		return false, err
	}
	if q.Trust > 0 {
		best = slices.DeleteFunc(best[:few], func(c whoCandidate) bool { return c.weight.Level < q.Trust || c.digest.IsZero() })
		few = len(best)
		*candidates = best
	}
	slices.SortFunc(best[:few], func(a, b whoCandidate) int {
		if a.weight.Contested != b.weight.Contested {
			if a.weight.Contested {
				return 1
			}
			return -1
		}
		return cmp.Or(
			tier(a, b),
			cmp.Compare(b.weight.Level, a.weight.Level),
			cmp.Compare(b.weight.Net, a.weight.Net),
			cmp.Compare(b.row.Endorsements, a.row.Endorsements),
			cmp.Compare(b.row.Level, a.row.Level),
			cmp.Compare(b.row.Created, a.row.Created),
			a.digest.Compare(b.digest),
		)
	})
	return true, nil
}

// tier orders by what counts before trust.
func tier(a, b whoCandidate) int {
	return cmp.Or(cmp.Compare(b.match, a.match), cmp.Compare(a.band, b.band))
}

// before orders candidates that are not weighed.
func before(a, b whoCandidate) int {
	return cmp.Or(
		tier(a, b),
		cmp.Compare(b.issuer, a.issuer),
		cmp.Compare(b.row.Endorsements, a.row.Endorsements),
		cmp.Compare(b.row.Level, a.row.Level),
		cmp.Compare(b.row.Created, a.row.Created),
		cmp.Compare(a.row.ID, b.row.ID),
	)
}

// boundIssuers sets how many points each issuer has at most.
func (n *Node) boundIssuers(candidates []whoCandidate) error {
	issuers := map[uint32]did.DID{}
	for _, c := range candidates {
		if _, ok := issuers[c.row.Issuer]; ok {
			continue
		}
		d, err := n.store.DID(c.row.Issuer)
		if err != nil {
			return err
		}
		issuers[c.row.Issuer] = d
	}
	points := make(map[uint32]trust.Points, len(issuers))
	err := n.trust.ask(context.Background(), func(g *trust.Graph) {
		for number, d := range issuers {
			for _, x := range g.Layers(d) {
				points[number] += x
			}
		}
	})
	for i := range candidates {
		candidates[i].issuer = points[candidates[i].row.Issuer]
	}
	return err
}

// weigh counts the backing of candidates.
func (n *Node) weigh(candidates []whoCandidate) error {
	for i := range candidates {
		c := &candidates[i]
		digest, err := n.store.Digest(c.row.ID)
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return err
		}
		c.digest = digest
	}
	return n.trust.ask(context.Background(), func(g *trust.Graph) {
		for i := range candidates {
			if b, ok := g.Backing(trust.Target{Record: candidates[i].digest}); ok {
				candidates[i].weight = standing(b)
			}
		}
	})
}

// giveReasons says in short why to believe each answer.
func (n *Node) giveReasons(answers []Answer, names map[did.DID]string) error {
	sights := make([]sight, len(answers))
	subjects := make([]subject, len(answers))
	for i, a := range answers {
		subjects[i] = subject{protocol.Target{CID: a.Award.CID()}, protocol.Award, a.Award}
	}
	err := n.trust.ask(context.Background(), func(g *trust.Graph) {
		for i, s := range subjects {
			sights[i] = look(g, s).brief()
		}
	})
	if err != nil {
		return err
	}
	told := n.newTold()
	told.names = names
	for i, s := range subjects {
		if answers[i].Trust, err = told.explain(s, sights[i]); err != nil {
			return err
		}
		answers[i].Trust.Here = true
	}
	return nil
}

// brief is a sight with the best chain, the weightiest dispute and nothing else
// to look up.
func (v sight) brief() sight {
	v.chains = v.chains[:min(len(v.chains), 1)]
	v.backing.Disputers = v.backing.Disputers[:min(len(v.backing.Disputers), 1)]
	v.short = true
	return v
}
