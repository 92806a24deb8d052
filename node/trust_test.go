package node_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// The neighbourhood: places of Brest and around, and who is recognised there.
var (
	cantine = key("la-cantine")
	ubo     = key("ubo-open-factory")
	atelier = key("atelier")
)

// profile says who somebody is.
func profile(t testing.TB, name string, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Profile{Frame: in(), ID: didOf(by), Type: []string{"Profile"}, Kind: badge.PlaceKind, Name: name}, at, by)
}

// vouch endorses the profile of an identity.
func vouch(t testing.TB, by, whom ed25519.PrivateKey, weight int, at time.Time, change ...func(*badge.EndorsementCredential)) protocol.Record {
	t.Helper()
	e := &badge.EndorsementCredential{
		Frame: in(), ID: uuid("vouch", didOf(by), didOf(whom), weight, at), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Soutien", Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(at),
		Subject: badge.EndorsementSubject{ID: string(didOf(whom)), Type: []string{"EndorsementSubject"}, Weight: weight},
	}
	for _, c := range change {
		c(e)
	}
	return issue(t, e, at, by)
}

func dispute(t testing.TB, target, reason, comment string, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Dispute{
		Frame: in(), ID: uuid("dispute", target, didOf(by), at), Type: []string{"essaim:Dispute"}, Author: didOf(by),
		Target: target, Reason: reason, Comment: comment,
	}, at, by)
}

func handOver(t testing.TB, from, to ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return must(protocol.Succeed(&badge.Succession{
		Frame: in(), ID: uuid("succession", didOf(from), didOf(to)), Type: []string{"essaim:Succession"}, From: didOf(from), To: didOf(to),
	}, at, from, to))(t)
}

func compromised(t testing.TB, k ed25519.PrivateKey, since, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Status{
		Frame: in(), ID: uuid("compromised", didOf(k)), Type: []string{"essaim:Status"}, Author: didOf(k),
		Target: string(didOf(k)), State: badge.Compromised, Reason: "safety", Since: badge.FormatTime(since),
	}, at, k)
}

// trusts makes these keys the anchors of a box, and nobody else.
func (b *box) trusts(anchors ...ed25519.PrivateKey) {
	b.t.Helper()
	for _, k := range anchors {
		if err := b.AddAnchor(context.Background(), didOf(k)); err != nil {
			b.t.Fatal(err)
		}
	}
}

func of(r protocol.Record) protocol.Target       { return protocol.Target{CID: r.CID()} }
func whose(k ed25519.PrivateKey) protocol.Target { return protocol.Target{DID: didOf(k)} }

// why explains a target seen from here.
func (b *box) why(t protocol.Target) node.Explanation {
	b.t.Helper()
	return must(b.Explain(context.Background(), t))(b.t)[0]
}

// level is the level of a target in English, or that it does not count.
func (b *box) level(t protocol.Target) string {
	b.t.Helper()
	e := b.why(t)
	if e.Why != trust.Counted {
		return "of no effect"
	}
	return node.Words{}.Level(e.Standing)
}

func (b *box) is(what string, t protocol.Target, want string) {
	b.t.Helper()
	if got := b.level(t); got != want {
		b.t.Errorf("%s: got %s, want %s", what, got, want)
	}
}

// says compares all sentences in a language.
func (b *box) says(t protocol.Target, french bool, want ...string) {
	b.t.Helper()
	if got := (node.Words{French: french}).Sentences(b.why(t)); !slices.Equal(got, want) {
		b.t.Errorf("got  %s\nwant %s", strings.Join(got, "\n     "), strings.Join(want, "\n     "))
	}
}

// rebuilt returns the id of the view of a node that read all records of b anew,
// in the order of their digests.
func (b *box) rebuilt() trust.Digest {
	b.t.Helper()
	n := must(node.New(node.Config{Dir: b.t.TempDir(), InMemory: true, Clock: b.clock.now}))(b.t)
	defer n.Close()
	var raws [][]byte
	for e, err := range b.Store().Each(0) {
		if err != nil {
			b.t.Fatal(err)
		}
		if e.State == protocol.Erased {
			continue
		}
		raws = append(raws, must(e.Record())(b.t).Bytes())
	}
	slices.SortFunc(raws, func(x, y []byte) int { return strings.Compare(string(x[len(x)/2:]), string(y[len(y)/2:])) })
	for _, a := range n.AcceptBatch(context.Background(), raws, node.Source{Via: node.Fetched, Peer: "p"}) {
		if a.Err != nil {
			b.t.Fatal(a.Err)
		}
	}
	ctx := context.Background()
	v := must(b.Viewpoint(ctx))(b.t)
	for _, a := range v.Anchors {
		if a.List == "" {
			if err := n.AddAnchor(ctx, a.DID); err != nil {
				b.t.Fatal(err)
			}
		}
	}
	for _, l := range v.Lists {
		if err := n.Subscribe(ctx, l.DID); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, d := range v.Ignored {
		if err := n.Ignore(ctx, d); err != nil {
			b.t.Fatal(err)
		}
	}
	must(n.Viewpoint(ctx))(b.t)
	return n.TrustReport().View
}

// same checks that what was followed step by step is what is read at once.
func (b *box) sameRebuilt(when string) {
	b.t.Helper()
	must(b.Viewpoint(context.Background()))(b.t)
	if got, want := b.TrustReport().View, b.rebuilt(); got != want {
		b.t.Errorf("%s: followed, the view is %s; read anew, %s", when, got, want)
	}
}

// One award through its life, as Brest sees it: records arrive, end, lapse and
// are erased, and each time what was followed equals what is read anew.
func TestTrustFollows(t *testing.T) {
	b := alone(t)
	at := noon.Add(-48 * time.Hour)
	b.trusts(tyfab, cantine)
	laser := class(t, "Découpe laser", ubo, at)
	badge1 := award(t, laser, ubo, alice, at)

	// An award before its class counts once the class is here.
	b.upload(badge1)
	b.is("without its class", of(badge1), "of no effect")
	b.upload(laser)
	b.is("nobody knows the issuer", of(badge1), "unknown")

	first := vouch(t, tyfab, ubo, 50, at)
	b.upload(first)
	b.is("half an endorsement", of(badge1), "fragile")
	second := vouch(t, cantine, ubo, 0, at)
	b.upload(second)
	b.is("two anchors", of(badge1), "solid")
	b.is("the issuer", whose(ubo), "solid")
	b.is("its class", of(laser), "solid")
	b.sameRebuilt("two endorsements")

	b.upload(status(t, second.CID(), badge.Withdrawn, cantine, at.Add(time.Hour)))
	b.is("one withdrew", of(badge1), "fragile")
	b.upload(vouch(t, cantine, ubo, 0, at.Add(2*time.Hour), func(e *badge.EndorsementCredential) {
		e.ValidUntil = badge.FormatTime(noon.Add(24 * time.Hour))
	}))
	b.is("and came back for a while", of(badge1), "solid")
	b.clock.pass(24 * time.Hour)
	b.is("until its day", of(badge1), "fragile")
	b.sameRebuilt("an endorsement ended")

	b.upload(status(t, badge1.CID(), badge.Suspended, ubo, noon))
	b.is("suspended", of(badge1), "of no effect")
	b.upload(status(t, badge1.CID(), badge.Reinstated, ubo, noon.Add(time.Hour)))
	b.is("reinstated", of(badge1), "fragile")
	b.sameRebuilt("suspended and reinstated")

	// Its class retires: nothing changes.
	b.upload(status(t, laser.CID(), badge.Retired, ubo, noon))
	b.is("of a retired class", of(badge1), "fragile")

	// UBO changes its key, and both are one.
	ubo2 := key("ubo-2")
	b.upload(handOver(t, ubo, ubo2, noon))
	b.upload(vouch(t, cantine, ubo2, 0, noon))
	b.is("who vouches for the new key", of(badge1), "solid")
	b.sameRebuilt("a succession")

	// The new key was stolen: what it signs since is not believed.
	stolen := award(t, laser, ubo2, bob, noon.Add(2*time.Hour))
	b.upload(stolen)
	b.is("by the new key", of(stolen), "solid")
	b.upload(compromised(t, ubo2, noon.Add(-24*time.Hour), noon.Add(3*time.Hour)))
	b.is("by the stolen key", of(stolen), "of no effect")
	b.sameRebuilt("a compromise")

	// Alice erases her badge: the graph has it no more.
	before := b.TrustReport().Size.Facts
	b.upload(status(t, badge1.CID(), badge.Erased, alice, noon.Add(4*time.Hour)))
	if _, err := b.Explain(context.Background(), of(badge1)); err == nil {
		t.Error("an erased award: got an explanation, want store.ErrErased")
	} else {
		wants(t, "an erased award", err, store.ErrErased)
	}
	b.sameRebuilt("erased")
	if got := b.TrustReport().Size.Facts; got != before { // one award less, one status more
		t.Errorf("facts: got %d, want %d", got, before)
	}

	// Two years later everything has lapsed.
	b.clock.pass(trust.Lapse * 24 * time.Hour)
	b.is("two years later", whose(ubo), "unknown")
	b.sameRebuilt("lapsed")
}

// Records come while people ask: an answer knows what was stored before it was
// asked, and at the end the view is that of all records.
func TestTrustWhileRecordsCome(t *testing.T) {
	b := start(t, brest)
	b.trusts(tyfab)
	at := noon.Add(-time.Hour)
	people := make([]ed25519.PrivateKey, 40)
	words := make([]protocol.Record, len(people))
	for i := range people {
		people[i] = key(fmt.Sprint("somebody ", i))
		words[i] = vouch(t, tyfab, people[i], 0, at.Add(time.Duration(i)*time.Second))
	}
	var group errgroup.Group
	for i := range words {
		group.Go(func() error {
			if _, err := b.Accept(context.Background(), words[i].Bytes(), node.Source{Via: node.Uploaded}); err != nil {
				return err
			}
			e, err := b.Explain(context.Background(), whose(people[i]))
			if err == nil && e[0].Level == trust.LevelUnknown {
				err = fmt.Errorf("person %d is unknown just after the endorsement was stored", i)
			}
			b.TrustReport()
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	b.sameRebuilt("at the end")
}

// What people read, in both languages.
func TestTrustInWords(t *testing.T) {
	b := alone(t)
	at := noon.Add(-48 * time.Hour)
	laser := class(t, "Découpe laser", ubo, at)
	badge1, badge2 := award(t, laser, ubo, alice, at), award(t, laser, atelier, bob, at)
	b.upload(laser, badge1, badge2, profile(t, "TyFab", tyfab, at), profile(t, "UBO Open Factory", ubo, at), profile(t, "La Cantine", cantine, at))

	b.says(of(badge1), false, "No anchor is chosen: nothing can be placed.")
	b.trusts(tyfab)
	b.says(of(badge1), false, "No chain from your anchors leads there. That says nothing against it.")
	b.says(of(badge1), true, "Aucun chemin n’y mène depuis vos références. Cela ne dit rien contre.")
	b.says(whose(tyfab), false, "TyFab is an anchor of yours.")
	b.says(whose(tyfab), true, "TyFab est une de vos références.")

	b.upload(vouch(t, tyfab, ubo, 0, at))
	b.says(of(badge1), false, "TyFab (an anchor of yours) endorses UBO Open Factory, which made this award.", "It all hangs on one chain.")
	b.says(of(badge1), true, "TyFab (une de vos références) soutient UBO Open Factory, qui a remis ce badge.", "Tout tient à un seul chemin.")
	b.says(whose(ubo), true, "TyFab (une de vos références) soutient UBO Open Factory.", "Tout tient à un seul chemin.")
	b.says(of(laser), false, "TyFab (an anchor of yours) endorses UBO Open Factory, which made this class.", "It all hangs on one chain.")

	// Who received a badge speaks very lightly.
	b.upload(vouch(t, alice, atelier, 0, at))
	b.says(of(badge2), true,
		"TyFab (une de vos références) soutient UBO Open Factory, qui a remis un badge à une identité (…"+tail(alice)+"), qui soutient une identité (…"+tail(atelier)+"), qui a remis ce badge.",
		"Seuls des badges y mènent, aucun chemin de soutiens.")

	// Bob holds the class from elsewhere, is known, and endorses Alice's badge.
	b.upload(vouch(t, tyfab, bob, 25, at), endorse(t, badge1, bob, at))
	b.says(of(badge1), false,
		"TyFab (an anchor of yours) endorses UBO Open Factory, which made this award.",
		"TyFab (an anchor of yours) endorses somebody (…"+tail(bob)+"), which endorsed this award.",
		"1 holder from another place confirms.", "Two independent chains lead there.")

	// La Cantine disputes, and is heard unless this reader does not want to.
	b.upload(vouch(t, tyfab, cantine, 0, at), dispute(t, badge1.CID().String(), "never-happened", "Personne ne l’a vue.", cantine, at))
	b.is("disputed", of(badge1), "contested")
	last := func(french bool) string {
		s := node.Words{French: french}.Sentences(b.why(of(badge1)))
		return s[len(s)-1]
	}
	if got, want := last(false), "La Cantine disputes it (it never happened): “Personne ne l’a vue.”"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := last(true), "La Cantine conteste (n’a pas eu lieu) : « Personne ne l’a vue. »"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := (node.Words{French: true}).Level(b.why(of(badge1)).Standing), "contesté"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	ctx := context.Background()
	if err := b.Ignore(ctx, didOf(cantine)); err != nil {
		t.Fatal(err)
	}
	b.is("not heard", of(badge1), "solid")
	if got := b.why(of(badge1)).Disputers; len(got) != 0 {
		t.Errorf("disputers: got %v, want none that is heard", got)
	}
	b.sameRebuilt("ignored")
	if err := b.Heed(ctx, didOf(cantine)); err != nil {
		t.Fatal(err)
	}
	b.is("heard again", of(badge1), "contested")
	wants(t, "heed again", b.Heed(ctx, didOf(cantine)), node.ErrUnknownAnchor)

	// Seen from La Cantine, side by side.
	all := must(b.Explain(ctx, of(badge1), []did.DID{didOf(cantine)}, []did.DID{didOf(cantine), didOf(ubo)}))(t)
	for i, want := range []string{
		"une identité (…" + tail(cantine) + ") conteste (n’a pas eu lieu) : « Personne ne l’a vue. »",
		"UBO Open Factory (une référence de cette vue) a remis ce badge.",
	} {
		want = strings.Replace(want, "une identité (…"+tail(cantine)+")", "La Cantine", 1)
		if got := (node.Words{French: true}).Sentences(all[i])[0]; got != want {
			t.Errorf("view %d: got %q, want %q", i, got, want)
		}
	}
	b.is("and from here as before", of(badge1), "contested")

	// Mallory and friends endorse one another.
	friend := key("friend")
	theirs := award(t, laser, mallory, friend, at)
	b.upload(theirs, vouch(t, mallory, friend, 0, at), vouch(t, friend, mallory, 0, at))
	b.says(of(theirs), true, "Se valident mutuellement : une identité (…"+tail(mallory)+"), une identité (…"+tail(friend)+"). Rien ne leur vient de vos références.")
	b.says(of(theirs), false, "Cross-validated among themselves: somebody (…"+tail(mallory)+"), somebody (…"+tail(friend)+"). Nothing from your anchors reaches them.")
	b.upload(status(t, badge1.CID(), badge.Revoked, ubo, noon))
	b.says(of(badge1), true, "Il ne compte pas : il a été retiré, suspendu, ou la personne y a renoncé.")
}

func tail(k ed25519.PrivateKey) string { d := didOf(k); return string(d[len(d)-8:]) }

// A first node sees with its own key alone, and says so.
func TestOwnKeyAsOnlyAnchor(t *testing.T) {
	b := alone(t)
	c := b.settle("Fablab de la rade", "Brest")
	ctx := context.Background()
	laser := class(t, "Découpe laser", ubo, noon.Add(-time.Hour))
	badge1 := award(t, laser, ubo, alice, noon.Add(-time.Hour))
	b.upload(laser, badge1)
	label := "Votre collectif est votre seule référence : cela dit seulement jusqu’où va ce que vous soutenez vous-mêmes."
	b.says(of(badge1), true, "Aucun chemin n’y mène depuis vos références. Cela ne dit rien contre.", label)
	must(b.Endorse(ctx, node.EndorsementDraft{DID: didOf(ubo)}))(t)
	b.says(of(badge1), true,
		"Fablab de la rade (vous) soutient une identité (…"+tail(ubo)+"), qui a remis ce badge.", "Tout tient à un seul chemin.", label)
	b.is("a direct endorsee", of(badge1), "backed")
	b.says(protocol.Target{DID: c.DID}, true, "C’est votre collectif.", label)

	v := must(b.Viewpoint(ctx))(t)
	if len(v.Anchors) != 1 || !v.Anchors[0].Own || v.Anchors[0].DID != c.DID || v.Anchors[0].Name != "Fablab de la rade" || v.Anchors[0].Endorses != 1 {
		t.Errorf("anchors: got %+v, want the community", v.Anchors)
	}
	// It may stop being one, and become one again.
	for range 2 {
		if err := b.RemoveAnchor(ctx, c.DID); err != nil {
			t.Fatal(err)
		}
	}
	b.is("without anchors", of(badge1), "unknown")
	if err := b.AddAnchor(ctx, c.DID); err != nil {
		t.Fatal(err)
	}
	b.is("with itself again", of(badge1), "backed")
	wants(t, "remove a stranger", b.RemoveAnchor(ctx, didOf(mallory)), node.ErrUnknownAnchor)
}

// A list is what its owner endorses at full weight, as that changes.
func TestSubscribedList(t *testing.T) {
	b := alone(t)
	ctx := context.Background()
	region := key("region")
	at := noon.Add(-48 * time.Hour)
	withdrawn := vouch(t, region, cantine, 100, at)
	b.upload(vouch(t, region, tyfab, 0, at), withdrawn, vouch(t, region, mallory, 75, at), vouch(t, tyfab, ubo, 0, at), vouch(t, cantine, atelier, 0, at))
	if err := b.Subscribe(ctx, didOf(region)); err != nil {
		t.Fatal(err)
	}
	anchors := func(want ...ed25519.PrivateKey) {
		t.Helper()
		var got, wanted []did.DID
		for _, a := range must(b.Viewpoint(ctx))(t).Anchors {
			got = append(got, a.DID)
			if a.List != didOf(region) {
				t.Errorf("anchor %s: got list %q, want that of the region", a.DID, a.List)
			}
		}
		for _, k := range want {
			wanted = append(wanted, didOf(k))
		}
		slices.Sort(wanted)
		if !slices.Equal(got, wanted) {
			t.Errorf("anchors: got %v, want %v", got, wanted)
		}
	}
	anchors(tyfab, cantine)
	b.is("by the list", whose(ubo), "backed")
	b.upload(status(t, withdrawn.CID(), badge.Withdrawn, region, noon))
	anchors(tyfab)
	b.is("when the list shrinks", whose(atelier), "unknown")
	b.sameRebuilt("a list shrank")
	b.upload(vouch(t, region, atelier, 100, noon))
	anchors(tyfab, atelier)
	// The owner changes its key and goes on.
	region2 := key("region-2")
	b.upload(handOver(t, region, region2, noon), vouch(t, region2, alice, 100, noon))
	anchors(tyfab, atelier, alice)
	b.sameRebuilt("its owner has another key")
	b.clock.pass(trust.Lapse*24*time.Hour - 36*time.Hour)
	anchors(atelier, alice)
	if got := must(b.Viewpoint(ctx))(t).Lists; len(got) != 1 || got[0].Size != 2 || got[0].DID != didOf(region) {
		t.Errorf("lists: got %+v, want one of two anchors", got)
	}
	if err := b.Unsubscribe(ctx, didOf(region)); err != nil {
		t.Fatal(err)
	}
	anchors()
}

// What a preview says is what happens, and asking changes nothing.
func TestPreview(t *testing.T) {
	ctx := context.Background()
	b := alone(t)
	c := b.settle("Fablab de la rade", "Brest")
	at := noon.Add(-48 * time.Hour)
	laser := class(t, "Découpe laser", ubo, at)
	first := award(t, laser, ubo, alice, at)
	b.upload(laser, first, vouch(t, ubo, atelier, 0, at), profile(t, "UBO Open Factory", ubo, at))
	own := must(b.NewClass(ctx, node.ClassDraft{Name: "Laser", Description: "Coupe.", Criteria: "Trois pièces."}))(t)
	_, code, err := b.Award(ctx, node.AwardDraft{Class: own.CID(), To: "Nadia"})
	if err != nil {
		t.Fatal(err)
	}
	mine := must(b.Claim(ctx, code, ""))(t)

	check := func(what string, d node.PreviewDraft, act func(), want string) {
		t.Helper()
		must(b.Viewpoint(ctx))(t)
		before := b.TrustReport().View
		p := must(b.Preview(ctx, d))(t)
		must(b.Viewpoint(ctx))(t)
		if got := b.TrustReport().View; got != before {
			t.Errorf("%s: asking moved the view from %s to %s", what, before, got)
		}
		var words []string
		for _, c := range p.Changes {
			words = append(words, fmt.Sprintf("%s %s>%s", c.Kind, fmt.Sprint(c.Before.Level), fmt.Sprint(c.After.Level)))
		}
		if got := strings.Join(words, ", "); got != want {
			t.Errorf("%s: got changes %s, want %s", what, got, want)
		}
		act()
		for _, c := range p.Changes {
			e := b.why(c.Target)
			if e.Standing != c.After || (e.Why == trust.Counted) != c.CountsAfter {
				t.Errorf("%s, %s: got %+v, foreseen was %+v", what, c.Kind, e.Standing, c.After)
			}
		}
	}
	check("endorse", node.PreviewDraft{Act: "endorse", Target: whose(ubo)},
		func() { must(b.Endorse(ctx, node.EndorsementDraft{DID: didOf(ubo)}))(t) },
		"profile 0>2, award 0>2, class 0>2, profile 0>1")
	check("dispute", node.PreviewDraft{Act: "dispute", Target: of(first)},
		func() {
			must(b.Dispute(ctx, node.DisputeDraft{CID: first.CID(), Reason: "copied", Comment: "Copie."}))(t)
		}, "award 2>0")
	check("suspend", node.PreviewDraft{Act: badge.Suspended, Target: of(mine)},
		func() { must(b.SetStatus(ctx, node.StatusDraft{Target: mine.CID(), State: badge.Suspended}))(t) },
		"award 4>0, profile 1>0")
	b.clock.pass(time.Hour)
	check("reinstate", node.PreviewDraft{Act: badge.Reinstated, Target: of(mine)},
		func() { must(b.SetStatus(ctx, node.StatusDraft{Target: mine.CID(), State: badge.Reinstated}))(t) },
		"award 0>4, profile 0>1")
	check("revoke", node.PreviewDraft{Act: badge.Revoked, Target: of(mine)},
		func() { must(b.SetStatus(ctx, node.StatusDraft{Target: mine.CID(), State: badge.Revoked}))(t) },
		"award 4>0, profile 1>0")
	var mineTo protocol.Record
	for e, err := range b.Store().Find(store.Query{Kinds: []protocol.Kind{protocol.Endorsement}, Author: c.DID}) {
		if err != nil {
			t.Fatal(err)
		}
		mineTo = must(e.Record())(t)
	}
	check("withdraw", node.PreviewDraft{Act: badge.Withdrawn, Target: of(mineTo)},
		func() { must(b.SetStatus(ctx, node.StatusDraft{Target: mineTo.CID(), State: badge.Withdrawn}))(t) },
		"profile 2>0, award 0>0, class 2>0, profile 1>0")
	if _, err := b.Preview(ctx, node.PreviewDraft{Act: badge.Erased, Target: of(first)}); err == nil {
		t.Error("an erasure was previewed")
	}

	// A stranger who only reads asks about many who do not exist.
	before := b.TrustReport().Size
	for i := range 50 {
		a, z := key(fmt.Sprint("nobody ", i)), key(fmt.Sprint("no one ", i))
		must(b.Preview(ctx, node.PreviewDraft{Act: "endorse", Target: whose(a), As: didOf(z)}))(t)
		must(b.Explain(ctx, whose(a), []did.DID{didOf(z)}, []did.DID{didOf(a)}))(t)
	}
	if got := b.TrustReport().Size; got != before {
		t.Errorf("previews and other views left %+v of the graph, it was %+v", got, before)
	}
}
