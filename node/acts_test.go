package node_test

import (
	"bytes"
	"context"
	"errors"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// alone is a node on a folder, without a network and not running.
func alone(t testing.TB) *box {
	t.Helper()
	c := &clock{}
	dir := t.TempDir()
	n := must(node.New(node.Config{Dir: dir, InMemory: true, Clock: c.now}))(t)
	t.Cleanup(func() { n.Close() })
	return &box{Node: n, t: t, clock: c, dir: dir, stop: func() {}}
}

// A claim code works once, until it ends, however it is typed.
func TestClaimCodes(t *testing.T) {
	ctx := context.Background()
	b := alone(t)
	b.settle("TyFab", "Brest")
	laser := must(b.NewClass(ctx, node.ClassDraft{Name: "Laser", Description: "Sait couper.", Criteria: "Trois pièces."}))(t)
	offered := func(to string) (node.Offer, string) {
		t.Helper()
		offer, code, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: to})
		if err != nil {
			t.Fatal(err)
		}
		return offer, code
	}
	offer, code := offered("Nadia")
	for _, wrong := range []string{"", "7KQ2-MD4X-P9TR", code[:13], code + "A"} {
		_, err := b.Claim(ctx, wrong, "")
		wants(t, "claim with "+wrong, err, node.ErrUnknownCode)
	}
	if got := must(b.OfferOf(strings.ToLower(code)))(t); !reflect.DeepEqual(got, offer) {
		t.Errorf("offer: got %+v, want %+v", got, offer)
	}
	typed := " " + strings.ToLower(strings.ReplaceAll(code, "-", " \u2013\u00a0")) + "\n"
	r := must(b.Claim(ctx, typed, ""))(t)
	if r.Kind() != protocol.Award || r.Holder() != offer.Holder {
		t.Errorf("claimed: got %s of %s, want the award of %s", r.Kind(), r.Holder(), offer.Holder)
	}
	_, err := b.Claim(ctx, code, "")
	wants(t, "claim twice", err, node.ErrAlreadyClaimed)
	_, err = b.ClaimFile(ctx, offer.Document, "")
	wants(t, "claim the file of what is claimed", err, node.ErrAlreadyClaimed)
	if after := must(b.Offers())(t)[0]; len(after.Document) != 0 || after.To != "" || after.Claimed != r.CID().String() {
		t.Errorf("what is kept of a claimed offer: got %+v, want no document and no name", after)
	}

	_, code = offered("Nadia")
	b.clock.pass(node.OfferLife + time.Second)
	_, err = b.Claim(ctx, code, "")
	wants(t, "claim too late", err, node.ErrExpiredCode)

	// A name gets one key, and two claims at once one badge.
	first, _ := offered("Nadia")
	if first.Holder != offer.Holder {
		t.Errorf("two keys for one name: %s and %s", first.Holder, offer.Holder)
	}
	second, code := offered("Yann")
	if second.Holder == offer.Holder {
		t.Error("two names share a key")
	}
	var wait sync.WaitGroup
	claimed := make(chan error, 4)
	for range cap(claimed) {
		wait.Go(func() {
			_, err := b.Claim(ctx, code, "Yann")
			claimed <- err
		})
	}
	wait.Wait()
	close(claimed)
	good := 0
	for err := range claimed {
		if err == nil {
			good++
		} else {
			wants(t, "claims at once", err, node.ErrAlreadyClaimed)
		}
	}
	if good != 1 || must(b.Store().Count(store.Query{Holder: second.Holder}))(t) != 1 {
		t.Errorf("claims at once: got %d that worked, want 1", good)
	}
	if got := b.NameOf(second.Holder); got != "Yann" {
		t.Errorf("name: got %q, want Yann", got)
	}
	// A file claims as a code does; a stranger's file does not.
	third, _ := offered("Maël")
	must(b.ClaimFile(ctx, third.Document, ""))(t)
	foreign, _, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: string(didOf(alice))})
	if err != nil {
		t.Fatal(err)
	}
	_, err = b.ClaimFile(ctx, foreign.Document, "")
	wants(t, "claim for somebody whose key is elsewhere", err, keyring.ErrNoKey)

	must(b.SetStatus(ctx, node.StatusDraft{Target: laser.CID(), State: badge.Retired}))(t)
	var invalid *badge.Invalid
	if _, _, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Nadia"}); !errors.As(err, &invalid) {
		t.Errorf("award of a retired class: got %v, want Invalid", err)
	}
}

// Members whose keys are here renounce and erase what they hold, and the state
// follows.
func TestMembersDecide(t *testing.T) {
	ctx := context.Background()
	b := alone(t)
	b.settle("TyFab", "Brest")
	laser := must(b.NewClass(ctx, node.ClassDraft{Name: "Laser", Description: "Sait couper.", Criteria: "Trois pièces."}))(t)
	claim := func() protocol.Record {
		t.Helper()
		_, code, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Nadia"})
		if err != nil {
			t.Fatal(err)
		}
		b.clock.pass(time.Second)
		return must(b.Claim(ctx, code, "Nadia"))(t)
	}
	for state, want := range map[string]protocol.State{
		badge.Suspended: protocol.Suspended, badge.Revoked: protocol.Revoked,
		badge.Renounced: protocol.Renounced, badge.Erased: protocol.Erased,
	} {
		r := claim()
		s := must(b.SetStatus(ctx, node.StatusDraft{Target: r.CID(), State: state}))(t)
		by := r.Author()
		if state == badge.Renounced || state == badge.Erased {
			by = r.Holder()
		}
		if got := must(b.Store().State(r.CID()))(t); got != want || s.Author() != by {
			t.Errorf("%s: got %s by %s, want %s by %s", state, got, s.Author(), want, by)
		}
	}
	profile := must(b.ProfileOf(claim().Holder()))(t)
	must(b.SetStatus(ctx, node.StatusDraft{Target: profile.CID(), State: badge.Erased}))(t)
	if got := b.NameOf(profile.Author()); got != "" {
		t.Errorf("name after its profile was erased: got %q", got)
	}
	_, err := b.SetStatus(ctx, node.StatusDraft{Target: profile.CID(), State: badge.Erased})
	wants(t, "erase twice", err, store.ErrErased)
	_, err = b.SetStatus(ctx, node.StatusDraft{Target: protocol.CID([32]byte{1}), State: badge.Revoked})
	wants(t, "state of what is not here", err, store.ErrNotFound)
}

// Setup may be repeated: what is the same changes nothing, and the key stays.
func TestSetupRepeats(t *testing.T) {
	ctx := context.Background()
	b := alone(t)
	if _, err := b.Community(); !errors.Is(err, node.ErrNoCommunity) {
		t.Errorf("before: got %v, want %v", err, node.ErrNoCommunity)
	}
	_, err := b.NewClass(ctx, node.ClassDraft{Name: "Laser"})
	wants(t, "a class before Setup", err, node.ErrNoCommunity)
	first := b.settle("TyFab", "Brest")
	if first.Territory != brest || first.Kind != badge.PlaceKind || first.Point == "" {
		t.Errorf("community: got %+v, want a place in Brest", first)
	}
	last := b.Store().Last()
	if again := b.settle("TyFab", "Brest"); again != first || b.Store().Last() != last {
		t.Errorf("the same again: got %+v and %d records, want nothing changed", again, b.Store().Last()-last)
	}
	b.clock.pass(time.Second)
	moved := b.settle("TyFab", "Rennes")
	if moved.DID != first.DID || moved.Territory != rennes || b.NameOf(first.DID) != "TyFab" {
		t.Errorf("moved: got %+v, want the same key in Rennes", moved)
	}
	if got := b.Followed(); !reflect.DeepEqual(got, []territory.ID{brest, rennes}) {
		t.Errorf("followed: got %v, want both", got)
	}
	for _, c := range []node.Community{{Name: "X"}, {Name: "X", Place: "Nullepart-sur-Mer"}, {Name: "X", Territory: "brest"}, {Place: "Brest"}} {
		if _, err := b.Setup(ctx, c, keyFile(t, b.dir)); err == nil {
			t.Errorf("Setup %+v: got no error", c)
		}
	}
	if got := must(b.Community())(t); got != moved {
		t.Errorf("after refusals: got %+v, want %+v", got, moved)
	}
	// Two at once make one key.
	c := alone(t)
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() { c.settle("Ensemble", "Quimper") })
	}
	wait.Wait()
	if got := c.Store().Last(); got != 1 {
		t.Errorf("Setup four times at once: got %d records, want 1", got)
	}
}

// Keys need their passphrase after a restart; a wrong one changes nothing; what
// was there is there.
func TestRestart(t *testing.T) {
	ctx := context.Background()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	b := run(t, config, c)
	community, err := b.Setup(ctx, node.Community{Name: "TyFab", Place: "Brest"}, keyring.Protection{Passphrase: []byte("huit mots au hasard")})
	if err != nil {
		t.Fatal(err)
	}
	laser := must(b.NewClass(ctx, node.ClassDraft{Name: "Laser", Description: "Sait couper.", Criteria: "Trois pièces."}))(t)
	_, code, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Nadia"})
	if err != nil {
		t.Fatal(err)
	}
	_, secret, err := b.CreateToken("essai", true)
	if err != nil {
		t.Fatal(err)
	}
	id, before := b.PeerID(), set(t, b.Node, brest)
	b.stop()

	b = run(t, config, c)
	if b.PeerID() != id || must(b.Community())(t) != community || !reflect.DeepEqual(set(t, b.Node, brest), before) {
		t.Error("after a restart the node is another")
	}
	if r := must(b.Report())(t); !r.Locked || r.Community != community || len(r.Followed) != 1 {
		t.Errorf("report: got %+v, want locked keys, the community and its territory", r)
	}
	if _, err := b.CheckToken(secret); err != nil {
		t.Errorf("token: got %v, want nil", err)
	}
	_, err = b.Claim(ctx, code, "")
	wants(t, "claim while locked", err, keyring.ErrLocked)
	_, err = b.SetStatus(ctx, node.StatusDraft{Target: laser.CID(), State: badge.Retired})
	wants(t, "retire while locked", err, keyring.ErrLocked)
	wants(t, "wrong passphrase", b.Unlock([]byte("neuf mots au hasard")), keyring.ErrWrongPassphrase)
	_, err = b.Setup(ctx, node.Community{Name: "Autre", Place: "Brest"}, keyring.Protection{Passphrase: []byte("neuf mots au hasard")})
	wants(t, "Setup with a wrong passphrase", err, keyring.ErrWrongPassphrase)
	if r := must(b.Report())(t); !r.Locked || r.Community != community {
		t.Errorf("after a wrong passphrase: got %+v, want nothing changed", r.Community)
	}
	if err := b.Unlock([]byte("huit mots au hasard")); err != nil {
		t.Fatal(err)
	}
	award := must(b.Claim(ctx, code, ""))(t)
	b.stop()
	b = run(t, config, c)
	if got := must(b.Record(award.CID()))(t); !bytes.Equal(got.Bytes(), award.Bytes()) {
		t.Error("an award is not there after a restart")
	}
}

// A static peer is found again, whichever of the two was away.
func TestRedial(t *testing.T) {
	c := &clock{}
	one, two := configure(t.TempDir(), c), configure(t.TempDir(), c)
	one.InMemory, two.InMemory = false, false
	a, b := run(t, one, c), run(t, two, c)
	a.join(b)
	address := b.Addrs()[0]
	two.Listen = []string{address[:strings.Index(address, "/p2p/")]}
	connected := func(x *box, id peer.ID) func() bool {
		return func() bool { p, ok := x.peer(id); return ok && p.Connected }
	}
	b.stop()
	eventually(t, "the other is away", func() bool { p, _ := a.peer(b.PeerID()); return p.Static && !p.Connected })
	b = run(t, two, c)
	eventually(t, "redialled", connected(a, b.PeerID()))
	if rtt, err := a.Ping(context.Background(), b.PeerID()); err != nil || rtt <= 0 {
		t.Errorf("ping: got %v, %v", rtt, err)
	}
	a.stop()
	a = run(t, one, c)
	eventually(t, "dialled after a restart", connected(a, b.PeerID()))
	for _, address := range []string{"", "nonsense", "/ip4/127.0.0.1/tcp/1", "/p2p/" + b.PeerID().String(), a.Addrs()[0]} {
		if _, err := a.AddPeer(address); err == nil {
			t.Errorf("AddPeer(%q): got no error", address)
		}
	}
}

func TestTokens(t *testing.T) {
	b := alone(t)
	reader, secret, err := b.CreateToken(" site ", false)
	if err != nil {
		t.Fatal(err)
	}
	b.clock.pass(time.Second)
	writer, _, err := b.CreateToken("script", true)
	if err != nil {
		t.Fatal(err)
	}
	if got := must(b.CheckToken(secret))(t); got != reader || got.Write || got.Name != "site" {
		t.Errorf("token: got %+v, want %+v", got, reader)
	}
	for _, wrong := range []string{"", "essaim_", secret + "a", strings.ToUpper(secret)} {
		_, err := b.CheckToken(wrong)
		wants(t, "token "+wrong, err, node.ErrUnknownToken)
	}
	if got := must(b.Tokens())(t); !reflect.DeepEqual(got, []node.Token{reader, writer}) {
		t.Errorf("tokens: got %+v, want both, oldest first", got)
	}
	if err := b.RevokeToken(reader.ID); err != nil {
		t.Fatal(err)
	}
	_, err = b.CheckToken(secret)
	wants(t, "revoked token", err, node.ErrUnknownToken)
	wants(t, "revoke twice", b.RevokeToken(reader.ID), node.ErrUnknownToken)
	if _, _, err := b.CreateToken(" ", false); err == nil {
		t.Error("a token without a name: got no error")
	}
}

// A badge that holders pass on is followed back to its creator; nobody lets
// himself in.
func TestOutsideRule(t *testing.T) {
	b := alone(t)
	by := func(r badge.Rule) func(*badge.Achievement) {
		return func(a *badge.Achievement) { a.Rule = &r }
	}
	at := func(s int) time.Time { return noon.Add(time.Duration(s-100) * time.Second) }
	passed := class(t, "Passé", tyfab, at(0), by(badge.Rule{By: badge.ByHolders}))
	quorum := class(t, "Quorum", tyfab, at(0), by(badge.Rule{By: badge.ByQuorum, Holders: 1}))
	plain := class(t, "Simple", tyfab, at(0))
	listed := class(t, "Liste", tyfab, at(0), by(badge.Rule{By: badge.ByListed, Listed: in1(alice)}))
	any := class(t, "Tous", tyfab, at(0), by(badge.Rule{By: badge.ByAnyone}))
	b.upload(passed, quorum, plain, listed, any)
	check := func(what string, r protocol.Record, want bool) {
		t.Helper()
		b.upload(r)
		if got := must(b.OutsideRule(r))(t); got != want {
			t.Errorf("%s: outside the rule is %v, want %v", what, got, want)
		}
	}
	check("by the creator", award(t, plain, tyfab, alice, at(1)), false)
	check("by another", award(t, plain, alice, bob, at(1)), true)
	check("by one of the list", award(t, listed, alice, bob, at(1)), false)
	check("by one who is not", award(t, listed, bob, alice, at(1)), true)
	check("by anyone", award(t, any, mallory, bob, at(1)), false)
	check("handed to Alice", award(t, passed, tyfab, alice, at(1)), false)
	check("by Alice to Bob", award(t, passed, alice, bob, at(2)), false)
	check("by Bob to another", award(t, passed, bob, key("carol"), at(3)), false)
	check("before Bob had it", award(t, passed, bob, key("dan"), at(1)), true)
	check("to oneself", award(t, passed, mallory, mallory, at(1)), true)
	check("by who let himself in", award(t, passed, mallory, key("eve"), at(2)), true)
	check("and back", award(t, passed, key("eve"), mallory, at(3)), true)
	check("in a circle", award(t, passed, mallory, key("eve"), at(4)), true)
	self := award(t, quorum, bob, bob, at(2))
	check("alone", self, true)
	check("a holder", award(t, quorum, tyfab, alice, at(1)), false)
	b.upload(endorse(t, self, mallory, at(5)))
	check("endorsed by no holder", self, true)
	b.upload(endorse(t, self, alice, at(6)))
	check("endorsed by a holder", self, false)
	elsewhere := class(t, "Ailleurs", tyfab, at(0))
	check("of a class not here", award(t, elsewhere, mallory, alice, at(1)), false)
}
