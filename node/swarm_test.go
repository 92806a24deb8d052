package node_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// agree waits until boxes hold the same of every territory, and returns how much.
func agree(t testing.TB, want int, boxes ...*box) {
	t.Helper()
	same := func() bool {
		total := 0
		for _, id := range []territory.ID{brest, rennes, quimper} {
			first := set(t, boxes[0].Node, id)
			total += len(first)
			for _, b := range boxes[1:] {
				if !reflect.DeepEqual(set(t, b.Node, id), first) {
					return false
				}
			}
		}
		return total == want
	}
	eventually(t, fmt.Sprintf("all hold the same %d records", want), same)
}

// Three communities of three territories, in a line: what one says, the last
// hears through the one between.
func TestThreeCommunities(t *testing.T) {
	ctx := context.Background()
	all := []territory.ID{brest, rennes, quimper}
	b, r, q := start(t, all...), start(t, all...), start(t, all...)
	b.join(r)
	r.join(q)
	b.settle("TyFab", "Brest")
	r.settle("La Fabrique", "Rennes")
	q.settle("Le Lieu", "Quimper")
	agree(t, 3, b, r, q)

	laser := must(b.NewClass(ctx, node.ClassDraft{Name: "Découpe laser", Description: "Sait couper.", Criteria: "Trois pièces.", Levels: []int{1, 2}}))(t)
	agree(t, 4, b, r, q)
	offer, code, err := b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Nadia", Level: 2})
	if err != nil {
		t.Fatal(err)
	}
	if offer.Holder == "" || len(set(t, b.Node, brest)) != 2 {
		t.Errorf("an offer is public: %d records in Brest, want 2", len(set(t, b.Node, brest)))
	}
	badge1 := must(b.Claim(ctx, code, "Nadia"))(t)
	agree(t, 6, b, r, q) // with Nadia's profile
	if got := q.NameOf(badge1.Holder()); got != "Nadia" {
		t.Errorf("name of the holder in Quimper: got %q, want Nadia", got)
	}
	r.gets(badge1)
	must(r.Endorse(ctx, node.EndorsementDraft{CID: badge1.CID(), Comment: "Vue à l'œuvre."}))(t)
	agree(t, 7, b, r, q)
	who := must(q.Who(node.WhoQuery{Skill: "decoupe laser", Near: must(must(q.Gazetteer())(t).Find("Brest"))(t)}))(t)
	if len(who.Answers) != 1 || who.Answers[0].Endorsed != 1 || who.Answers[0].HolderName != "Nadia" || who.Answers[0].Level != 2 {
		t.Fatalf("who, asked in Quimper: got %+v, want Nadia at level 2, endorsed once", who.Answers)
	}

	_, code, err = b.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Yann", Level: 1})
	if err != nil {
		t.Fatal(err)
	}
	badge2 := must(b.Claim(ctx, code, ""))(t)
	agree(t, 8, b, r, q)
	must(b.SetStatus(ctx, node.StatusDraft{Target: badge2.CID(), State: badge.Revoked, Reason: "error"}))(t)
	agree(t, 9, b, r, q)
	for _, x := range []*box{b, r, q} {
		if state := must(x.Store().State(badge2.CID()))(t); state != protocol.Revoked {
			t.Errorf("state of the revoked badge: got %s, want revoked", state)
		}
	}
	if _, err := b.SetStatus(ctx, node.StatusDraft{Target: badge2.CID(), State: badge.Revoked}); err == nil {
		t.Error("revoking twice: got no error")
	}
	var not *node.NotEntitled
	if _, err := r.SetStatus(ctx, node.StatusDraft{Target: badge1.CID(), State: badge.Revoked}); !errors.As(err, &not) {
		t.Errorf("revoking what another issued: got %v, want NotEntitled", err)
	}

	// The holder erases: the body is gone everywhere, and refused for ever.
	must(b.SetStatus(ctx, node.StatusDraft{Target: badge1.CID(), State: badge.Erased}))(t)
	agree(t, 10, b, r, q)
	for _, x := range []*box{b, r, q} {
		_, err := x.Store().Bytes(badge1.CID())
		wants(t, "bytes of an erased badge", err, store.ErrErased)
		_, err = x.Accept(ctx, badge1.Bytes(), node.Source{Via: node.Uploaded})
		wants(t, "bringing an erased badge back", err, node.ErrErased)
		if report := must(x.Report())(t); report.Gossip.Rejected != 0 || report.Gossip.Dropped != 0 {
			t.Errorf("gossip: got %+v, want none rejected or dropped", report.Gossip)
		}
	}
}

// A record of two territories reaches who follows only one of them, through a
// node that follows both and has stored it by the time it comes a second time.
func TestTwoTerritories(t *testing.T) {
	for _, second := range []territory.ID{rennes, brest} {
		from, between, to := start(t, brest, rennes), start(t, brest, rennes), start(t, second)
		from.join(between)
		between.join(to)
		var records []protocol.Record
		for i := range 5 {
			r := notice(t, i, alice, noon, brest, rennes)
			from.upload(r)
			records = append(records, r)
		}
		between.gets(records...)
		to.gets(records...)
	}
}

// What a node publishes on a topic it does not follow reaches those who do.
func TestPublishElsewhere(t *testing.T) {
	from, to := start(t, brest), start(t, rennes)
	if _, err := from.AddPeer(to.Addrs()[0]); err != nil {
		t.Fatal(err)
	}
	first, second := notice(t, 1, alice, noon, rennes), notice(t, 2, alice, noon, rennes)
	// What the other follows is told after the connection is made, and this node
	// does not ask: say it until it is heard.
	eventually(t, "heard on a topic that is not followed", func() bool {
		n := notice(t, int(time.Now().UnixNano()), alice, noon, rennes)
		from.upload(n)
		return must(to.Store().Count(store.Query{}))(t) > 0
	})
	from.upload(first, second)
	to.gets(first, second)
}

// Awards come before their class, endorsements before their award: what they
// name is asked for, from who comes later too.
func TestWhatIsNamedIsFetched(t *testing.T) {
	laser := class(t, "Laser", tyfab, noon)
	a := award(t, laser, tyfab, alice, noon)
	e := endorse(t, a, bob, noon)
	fromEnd, archive, late := start(t, brest), start(t), start(t, brest)
	archive.upload(laser, a)
	late.join(fromEnd)
	fromEnd.upload(e)
	late.gets(e)
	if late.has(a) || late.has(laser) {
		t.Fatal("the award came from nowhere")
	}
	// The archive follows nothing: it only answers.
	late.join(archive)
	late.gets(a, laser)
	fromEnd.gets() // it never met the archive
	if row := must(late.Store().State(a.CID()))(t); row != protocol.Live {
		t.Errorf("state: got %s, want live", row)
	}
	// And without a new connection, by asking again.
	second := class(t, "Bois", tyfab, noon)
	b := award(t, second, tyfab, alice, noon)
	fromEnd.upload(b)
	late.gets(b)
	archive.upload(second)
	late.gets(second)
}

// A territory is unfollowed, followed again, and followed while running.
func TestFollowing(t *testing.T) {
	from, to := start(t, brest, rennes), start(t, rennes)
	from.join(to)
	if err := to.Follow(brest); err != nil {
		t.Fatal(err)
	}
	from.hears(to)
	first := notice(t, 1, alice, noon)
	from.upload(first)
	to.gets(first)
	for range 3 { // at once: the topic is left and joined while it is read
		if err := to.Unfollow(brest); err != nil {
			t.Fatal(err)
		}
		if err := to.Follow(brest); err != nil {
			t.Fatal(err)
		}
		if err := to.Follow(brest); err != nil {
			t.Fatal(err)
		}
	}
	// The mesh forms again only after gossip's backoff of ten seconds; who
	// publishes tells everybody who follows.
	eventually(t, "heard again", func() bool {
		from.upload(notice(t, int(time.Now().UnixNano()), alice, noon))
		return must(to.Store().Count(store.Query{Territory: brest}))(t) > 1
	})
	if err := to.Unfollow(brest); err != nil {
		t.Fatal(err)
	}
	wants(t, "unfollow twice", to.Unfollow(brest), node.ErrNotFollowed)
	wants(t, "follow nonsense", to.Follow("brest"), territory.ErrSyntax)
	eventually(t, "the neighbour knows", func() bool {
		p, _ := from.peer(to.PeerID())
		return len(p.Follows) == 1
	})
	third, last := notice(t, 3, alice, noon), notice(t, 4, alice, noon, rennes)
	from.upload(third, last)
	to.gets(last)
	if to.has(third) {
		t.Error("heard on a topic that is no longer followed")
	}
}

// Nothing that Run started is left when it has returned and the node is closed.
func TestNothingIsLeft(t *testing.T) {
	warm := start(t, brest) // what libraries start once
	warm.stop()
	before := runtime.NumGoroutine()
	for range 3 {
		a, b := start(t, brest, rennes), start(t, brest)
		a.join(b)
		n := notice(t, 1, alice, noon)
		a.upload(n)
		b.gets(n)
		a.stop()
		b.stop()
	}
	eventually(t, "goroutines have ended", func() bool {
		if left := runtime.NumGoroutine(); left <= before {
			return true
		}
		return false
	})
	if err := warm.Run(context.Background()); err == nil {
		t.Error("Run twice: got no error")
	}
}

// A node that cannot listen, or whose folder is in use, says so and leaves
// nothing behind.
func TestNewFails(t *testing.T) {
	c := &clock{}
	first := configure(t.TempDir(), c)
	first.InMemory = false
	b := run(t, first, c)
	_, err := node.New(first)
	wants(t, "a second node in the folder", err, store.ErrLocked)
	other := configure(t.TempDir(), c)
	other.Listen = []string{b.Addrs()[0][:len(b.Addrs()[0])-len("/p2p/"+b.PeerID().String())]}
	if _, err := node.New(other); err == nil {
		t.Error("a port in use: got no error")
	}
	other.Listen = []string{"/ip4/127.0.0.1/tcp/0"}
	run(t, other, c)
}

// Outside Run everything that works on the folder works.
func TestWithoutRun(t *testing.T) {
	c := &clock{}
	n := must(node.New(configure(t.TempDir(), c)))(t)
	defer n.Close()
	if err := n.Follow(brest); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Accept(context.Background(), notice(t, 1, alice, noon).Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	must(n.Peers())(t)
	must(n.Report())(t)
	if err := n.Unfollow(brest); err != nil {
		t.Fatal(err)
	}
	alone := must(node.New(node.Config{Dir: t.TempDir(), InMemory: true, Clock: c.now}))(t)
	defer alone.Close()
	must(alone.Peers())(t)
	if r := must(alone.Report())(t); r.Network {
		t.Error("a node without a network says it has one")
	}
	_, err := alone.Ping(context.Background(), n.PeerID())
	wants(t, "ping", err, node.ErrNoNetwork)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := alone.Run(ctx); err != nil {
		t.Errorf("Run: got %v, want nil", err)
	}
}
