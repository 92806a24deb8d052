package node

import (
	"context"
	"crypto/sha256"
	"errors"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// PreviewDraft is something that might be published.
type PreviewDraft struct {
	// Act is "endorse", "dispute", or the state a status would set:
	// badge.Revoked, Suspended, Reinstated, Withdrawn or Renounced.
	Act    string
	Target protocol.Target
	Weight int     // of the endorsement of an identity
	As     did.DID // by default whoever would sign
}

// Change is how the standing of one award, class or identity would change.
type Change struct {
	Target        protocol.Target
	Kind          protocol.Kind // Profile for an identity
	Name          string
	Before, After Standing
	// Counts says whether it counts before and after: a revoked award does not.
	CountsBefore, CountsAfter bool
}

// Preview is what would change, seen from here, if something were published.
type Preview struct {
	Changes []Change // the target first, then those near it
	// Looked is how many awards, classes and identities were looked at: what
	// hangs on the target directly, within bounds. Beyond, little changes.
	Looked int
}

// Bounds of what a preview looks at, for each identity that is touched.
const (
	maxPreviewAwards    = 100
	maxPreviewClasses   = 20
	maxPreviewEndorsees = 50
)

// previewName stands for the record that is not made.
var previewName = trust.Digest(sha256.Sum256([]byte("essaim preview")))

// Preview says what would change if a draft were published now: it tries it on
// the graph, before anybody else asks, and leaves no trace there. So whoever may
// read may preview.
func (n *Node) Preview(ctx context.Context, d PreviewDraft) (Preview, error) {
	fact, near, err := n.previewed(d)
	if err != nil {
		return Preview{}, err
	}
	type look struct {
		standing Standing
		counts   bool
	}
	before, after := make([]look, len(near)), make([]look, len(near))
	see := func(g *trust.Graph, into []look) {
		for i, s := range near {
			b, ok := g.Backing(s.of())
			into[i] = look{standing(b), ok}
		}
	}
	var failed error
	err = n.trust.ask(ctx, func(g *trust.Graph) {
		see(g, before)
		g.Try(func() {
			if failed = g.Add(fact); failed == nil {
				see(g, after)
			}
		})
	})
	if err = errors.Join(err, failed); err != nil {
		return Preview{}, err
	}
	p := Preview{Looked: len(near)}
	for i, s := range near {
		if before[i] == after[i] {
			continue
		}
		p.Changes = append(p.Changes, Change{
			Target: s.target, Kind: s.kind, Name: n.titleOf(s), Before: before[i].standing, After: after[i].standing,
			CountsBefore: before[i].counts, CountsAfter: after[i].counts,
		})
	}
	return p, nil
}

// previewed returns the fact a draft would be, and what hangs on it.
func (n *Node) previewed(d PreviewDraft) (trust.Fact, []subject, error) {
	as := d.As
	if as == "" {
		as = n.ownDID()
	}
	if d.Act == "endorse" || d.Act == "dispute" {
		s, err := n.subject(d.Target)
		if err != nil {
			return nil, nil, err
		}
		if as == "" {
			return nil, nil, ErrNoCommunity
		}
		near, err := n.hanging(s, as)
		if d.Act == "dispute" {
			return trust.Dispute{Record: previewName, By: as, Of: s.of(), From: n.now()}, near, err
		}
		e := trust.Endorsement{Record: previewName, By: as, Of: s.of(), Weight: d.Weight, From: n.now()}
		if s.kind != protocol.Profile {
			e.Weight = 0
		}
		return e, near, err
	}
	state, ok := states[d.Act]
	if !ok || state == trust.Erased {
		return nil, nil, &badge.Invalid{Member: "act", Why: "is not one that is previewed"}
	}
	if !d.Target.CID.Defined() {
		return nil, nil, &badge.Invalid{Member: "target", Why: "is not a record"}
	}
	r, err := n.store.Get(d.Target.CID)
	if err != nil {
		return nil, nil, err
	}
	if d.As == "" {
		as = r.Author()
		if state == trust.Renounced {
			as = r.Holder()
		}
	}
	of := d.Target
	if k := r.Kind(); k == protocol.Endorsement || k == protocol.Dispute {
		of = r.Target()
	}
	s, err := n.subject(of)
	if err != nil {
		return nil, nil, err
	}
	near, err := n.hanging(s, r.Author())
	return trust.Status{Record: previewName, By: as, Target: digestOf(d.Target.CID), State: state, From: n.now()}, near, err
}

// hanging returns s and what a word by somebody about s touches directly: of a
// class its awards; of an award its holder; of an identity its awards and classes,
// whom it endorses, and whom else its endorser does, who may share with it.
func (n *Node) hanging(s subject, by did.DID) ([]subject, error) {
	h := hanging{n: n, all: []subject{s}, known: map[trust.Target]bool{s.of(): true}}
	switch s.kind {
	case protocol.Award:
		h.identity(s.record.Holder())
	case protocol.Class:
		h.records(store.Query{Kinds: []protocol.Kind{protocol.Award}, Class: s.record.CID(), Newest: true}, maxPreviewAwards)
	default:
		d := s.target.DID
		h.records(store.Query{Kinds: []protocol.Kind{protocol.Award}, Author: d, Newest: true}, maxPreviewAwards)
		h.records(store.Query{Kinds: []protocol.Kind{protocol.Class}, Author: d, Newest: true}, maxPreviewClasses)
		h.endorsees(d)
		h.endorsees(by)
	}
	return h.all, h.err
}

// hanging gathers subjects until something fails.
type hanging struct {
	n     *Node
	all   []subject
	known map[trust.Target]bool
	err   error
}

func (h *hanging) add(s subject) {
	if !h.known[s.of()] {
		h.known[s.of()] = true
		h.all = append(h.all, s)
	}
}

func (h *hanging) identity(d did.DID) {
	h.add(subject{target: protocol.Target{DID: d}, kind: protocol.Profile})
}

// each calls f for the records a query finds.
func (h *hanging) each(q store.Query, most int, f func(protocol.Record)) {
	q.Limit = most
	for r, err := range h.n.store.Records(q) {
		if h.err != nil {
			return
		}
		if h.err = err; err != nil {
			return
		}
		f(r.Record)
	}
}

func (h *hanging) records(q store.Query, most int) {
	h.each(q, most, func(r protocol.Record) { h.add(subject{protocol.Target{CID: r.CID()}, r.Kind(), r}) })
}

func (h *hanging) endorsees(d did.DID) {
	q := store.Query{Kinds: []protocol.Kind{protocol.Endorsement}, Author: d, Newest: true}
	h.each(q, maxPreviewEndorsees, func(r protocol.Record) {
		if d := r.Target().DID; d != "" {
			h.identity(d)
		}
	})
}

// titleOf is the name of a subject for people, or "".
func (n *Node) titleOf(s subject) string {
	if s.record.IsZero() {
		return n.NameOf(s.target.DID)
	}
	switch d := s.record.Document().(type) {
	case *badge.AchievementCredential:
		return d.Name
	case *badge.Achievement:
		return d.Name
	}
	return ""
}
