package demo

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"sync"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// workers is how many things happen at once, so how many records are under way:
// two for each node, so that one signs while another is heard.
const workers = 2 * places

// story is one telling of a plan.
type story struct {
	*Swarm
	tables
	plan
	classes []protocol.Record // as tables.classes
	awarded []protocol.Record // as plan.awards

	mu       sync.Mutex                        // guards what follows
	examples map[protocol.Kind]protocol.Record // one of each kind
}

// Play has the communities do everything the plan says, each through its own
// node, waits until all nodes hold the same records, asks the question, and
// exports. It is called once. It costs some 8 ms of CPU for each award, measured
// with 309 and with 3,000 of them, all else included.
func (s *Swarm) Play(callers context.Context) (Report, error) {
	ctx, stop := s.while(callers)
	defer stop()
	t, err := readTables()
	if err != nil {
		return Report{}, err
	}
	p := draw(t, s.config.Seed, s.config.Awards)
	st := &story{
		Swarm: s, tables: t, plan: p,
		classes: make([]protocol.Record, len(t.classes)), awarded: make([]protocol.Record, len(p.awards)),
		examples: map[protocol.Kind]protocol.Record{},
	}
	for _, chapter := range []func(context.Context) error{
		st.found, st.publish, st.enrol, st.award, st.endorse, st.change, st.settle,
	} {
		if err := chapter(ctx); err != nil {
			// What ended the chapter matters, not where it stood then.
			if ended := callers.Err(); ended != nil {
				return Report{}, ended
			}
			if failed := context.Cause(ctx); failed != nil {
				return Report{}, failed
			}
			return Report{}, err
		}
	}
	report, err := st.report(ctx)
	if err != nil {
		return report, err
	}
	return report, st.export(s.config.Export)
}

// while returns a context that ends with ctx, and when the nodes end, for the
// reason they did.
func (s *Swarm) while(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	forget := context.AfterFunc(s.running, func() { cancel(s.stopped()) })
	return ctx, func() { forget(); cancel(nil) }
}

// each calls do for 0 to n-1, some at a time and in no order.
func each(ctx context.Context, n int, do func(context.Context, int) error) error {
	group, working := errgroup.WithContext(ctx)
	group.SetLimit(workers)
	for i := range n {
		group.Go(func() error {
			if err := working.Err(); err != nil {
				return err
			}
			return do(working, i)
		})
	}
	return group.Wait()
}

// keep remembers a record to export, the first of its kind. Class, award and
// endorsement are those the question finds.
func (st *story) keep(r protocol.Record) {
	st.mu.Lock()
	defer st.mu.Unlock()
	if st.examples[r.Kind()].IsZero() {
		st.examples[r.Kind()] = r
	}
}

// found makes the three communities.
func (st *story) found(ctx context.Context) error {
	return each(ctx, places, func(ctx context.Context, i int) error {
		p := st.places[i]
		profile, err := p.setup(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		st.keep(profile)
		return st.said(ctx, p, profile, p.Community)
	})
}

// publish publishes the classes. Each belongs to one community, and all three
// may award it.
func (st *story) publish(ctx context.Context) error {
	var all []did.DID
	for _, p := range st.places {
		all = append(all, p.did)
	}
	return each(ctx, len(st.classes), func(ctx context.Context, i int) error {
		p := st.places[st.creators[i]]
		draft := st.tables.classes[i].draft()
		draft.Rule = &badge.Rule{By: badge.ByListed, Listed: all}
		r, err := p.Node.NewClass(ctx, draft)
		if err != nil {
			return fmt.Errorf("%s: class %s: %w", p.Name, draft.Name, err)
		}
		st.classes[i] = r
		if i == st.awards[st.opening[0]].class {
			st.keep(r)
		}
		return st.said(ctx, p, r, draft.Name)
	})
}

// enrol gives every person a key in the keyring of their community.
func (st *story) enrol(ctx context.Context) error {
	for _, p := range st.places {
		p.members = make([]did.DID, len(st.people))
	}
	return each(ctx, len(st.people), func(_ context.Context, i int) error {
		who := st.people[i]
		p := st.places[who.home]
		keys, err := p.Node.Keys()
		if err == nil {
			p.members[i], err = keys.AddMember(who.name, time.Now())
		}
		if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		return nil
	})
}

// holder returns the community a person is of, and their key there.
func (st *story) holder(person int) (*Place, did.DID) {
	home := st.places[st.people[person].home]
	return home, home.members[person]
}

// award awards and claims. At home a person is known by name and has a claim
// code; elsewhere they show their key and bring the offer home as a file.
func (st *story) award(ctx context.Context) error {
	return each(ctx, len(st.awards), func(ctx context.Context, i int) error {
		a := st.awards[i]
		issuer := st.places[a.place]
		home, key := st.holder(a.person)
		name := st.people[a.person].name
		awarded := time.Unix(int64(a.day)*86_400, 0).Add(14 * time.Hour).UTC()
		draft := node.AwardDraft{
			Class: st.classes[a.class].CID(), To: string(key), AwardedOn: awarded,
			Evidence: []badge.Evidence{{Type: []string{"Evidence"}, Narrative: "Vu à l'atelier, le " + awarded.Format("02/01/2006") + "."}},
		}
		if home == issuer {
			draft.To = name
		}
		if a.expires {
			draft.Until = awarded.AddDate(0, 0, life)
		}
		public := ""
		if a.introduces {
			public = name
		}
		offer, code, err := issuer.Node.Award(ctx, draft)
		if err != nil {
			return fmt.Errorf("%s: award %d: %w", issuer.Name, i, err)
		}
		var r protocol.Record
		if home == issuer {
			r, err = home.Node.Claim(ctx, code, public)
		} else {
			r, err = home.Node.ClaimFile(ctx, offer.Document, public)
		}
		if err != nil {
			return fmt.Errorf("%s: claim %d: %w", home.Name, i, err)
		}
		st.awarded[i] = r
		if i == st.opening[0] {
			st.keep(r)
		}
		return st.said(ctx, home, r, offer.Name)
	})
}

// endorse has communities and people of elsewhere endorse awards they have
// heard of.
func (st *story) endorse(ctx context.Context) error {
	var acts []endorsement
	for i, a := range st.awards {
		for _, e := range a.endorsers {
			acts = append(acts, endorsement{i, e})
		}
	}
	return each(ctx, len(acts), func(ctx context.Context, i int) error {
		act := acts[i]
		target := st.awarded[act.award]
		p := st.places[act.by.place]
		draft := node.EndorsementDraft{CID: target.CID(), Comment: comments[i%len(comments)]}
		if act.by.person != community {
			_, draft.As = st.holder(act.by.person)
		}
		r, err := p.Node.Endorse(ctx, draft)
		if err != nil {
			return fmt.Errorf("%s: endorsement of %s: %w", p.Name, target.CID(), err)
		}
		if act.award == st.opening[0] {
			st.keep(r)
		}
		return st.said(ctx, p, r, target.Document().(*badge.AchievementCredential).Name)
	})
}

type endorsement struct {
	award int
	by    endorser
}

var comments = []string{
	"Du bon travail, vu pendant un atelier commun.",
	"A formé deux personnes de chez nous.",
	"Nous avons travaillé ensemble sur un projet, je confirme.",
	"Soigne la sécurité et le prend au sérieux.",
	"M'a appris le geste, patiemment.",
}

// change is what else happens to records: some awards are revoked, one is
// contested, somebody offers to teach, somebody changes keys.
func (st *story) change(ctx context.Context) error {
	acts := []func(context.Context) error{st.dispute, st.notice, st.succeed}
	for i, a := range st.awards {
		if a.revoked {
			acts = append(acts, func(ctx context.Context) error { return st.revoke(ctx, i) })
		}
	}
	return each(ctx, len(acts), func(ctx context.Context, i int) error { return acts[i](ctx) })
}

func (st *story) revoke(ctx context.Context, award int) error {
	p := st.places[st.awards[award].place]
	r, err := p.Node.SetStatus(ctx, node.StatusDraft{Target: st.awarded[award].CID(), State: badge.Revoked, Reason: "error"})
	if err != nil {
		return fmt.Errorf("%s: revocation: %w", p.Name, err)
	}
	st.keep(r)
	return st.said(ctx, p, r, badge.Revoked)
}

// dispute has the second community contest the award that opens the third.
func (st *story) dispute(ctx context.Context) error {
	p, target := st.places[1], st.awarded[st.opening[2]]
	d := &badge.Dispute{
		Frame: badge.Frame{Territory: []string{string(st.places[2].Territory)}},
		ID:    newID(), Type: []string{"essaim:Dispute"}, Author: p.did, Target: target.CID().String(),
		Reason: "criteria-not-met", Comment: "La séance a été interrompue ; les critères ne nous semblent pas remplis.",
	}
	return st.sign(ctx, p, d, p.did, d.Comment)
}

// notice has who holds the award that opens the first community offer to teach.
func (st *story) notice(ctx context.Context) error {
	a := st.awards[st.opening[0]]
	p, key := st.holder(a.person)
	c := st.tables.classes[a.class]
	d := &badge.Notice{
		Frame: badge.Frame{Territory: []string{string(p.Territory)}},
		ID:    newID(), Type: []string{"essaim:Notice"}, Author: key, Direction: badge.Offer,
		Name: "Je montre volontiers : " + c.name, Tag: []string{c.sort},
		Until: badge.FormatTime(time.Now().AddDate(0, 6, 0)),
	}
	for _, skill := range c.skills {
		d.Skill = append(d.Skill, skill.URL)
	}
	return st.sign(ctx, p, d, key, d.Name)
}

func (st *story) sign(ctx context.Context, p *Place, d badge.Document, as did.DID, text string) error {
	r, err := p.Node.Publish(ctx, d, as)
	if err != nil {
		return fmt.Errorf("%s: %s: %w", p.Name, protocol.KindOf(d), err)
	}
	st.keep(r)
	return st.said(ctx, p, r, text)
}

// succeed has the first person of the second community go over to a key of
// their own, made outside the node: on a telephone, say. Both keys sign there,
// and the node takes the record as it would any upload.
func (st *story) succeed(ctx context.Context) error {
	p, old := st.holder(st.awards[st.opening[1]].person)
	public, own, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return err
	}
	keys, err := p.Node.Keys()
	if err != nil {
		return err
	}
	from, err := keys.Signer(old)
	if err != nil {
		return err
	}
	succession, err := protocol.Succeed(&badge.Succession{
		Frame: badge.Frame{Territory: []string{string(p.Territory)}},
		ID:    newID(), Type: []string{"essaim:Succession"}, From: old, To: did.FromPublicKey(public),
	}, time.Now(), from, own)
	if err != nil {
		return fmt.Errorf("succession: %w", err)
	}
	receipt, err := p.Node.Accept(ctx, succession.Bytes(), node.Source{Via: node.Uploaded})
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	st.keep(receipt.Record)
	return st.said(ctx, p, receipt.Record, old.Short()+" → "+did.FromPublicKey(public).Short())
}

func newID() string { return "urn:uuid:" + uuid.NewString() }
