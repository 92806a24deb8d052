package node_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

const finistere = territory.ID("iso:FR-29")

// compared is how a mirror stands, compared now.
func compared(t testing.TB, b *box, id territory.ID) node.MirrorReport {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	return must(b.CompareMirror(ctx, id))(t)
}

// linked waits until both sides know of the connection.
func linked(t testing.TB, a *box, others ...*box) {
	t.Helper()
	a.meets(others...)
	for _, o := range others {
		eventually(t, "connected", func() bool {
			here, _ := a.peer(o.PeerID())
			there, _ := o.peer(a.PeerID())
			return here.Connected && there.Connected
		})
	}
}

// A mirror of a département has what two places of it made, and says so by their
// fingerprints. Nobody compares but by being told to.
func TestMirrorWithChildren(t *testing.T) {
	fast(t)
	home, neighbour, mirror := start(t, brest), start(t, brest, quimper), start(t)
	home.brings(notices()[:500]...)
	neighbour.brings(notices()[:500]...)
	far, elsewhere := notice(t, 1, bob, noon, quimper), notice(t, 2, bob, noon, rennes)
	neighbour.brings(far.Bytes(), elsewhere.Bytes())

	m := must(mirror.AddMirror(finistere, node.MirrorChoice{Children: true}))(t)
	if m.Territories[0] != finistere || !slices.Contains(m.Territories, brest) || !slices.Contains(m.Territories, quimper) || slices.Contains(m.Territories, rennes) {
		t.Errorf("territories: got %v, want Finistère and what is within", m.Territories)
	}
	if got := mirror.Followed(); len(got) != len(m.Territories) {
		t.Errorf("follows %v, want %v", got, m.Territories)
	}
	if r := compared(t, mirror, finistere); r.Verdict != node.MirrorUnconfirmed || r.Records != 0 {
		t.Errorf("alone: got %+v, want that nobody confirms it", r)
	}
	linked(t, mirror, home, neighbour)
	r := compared(t, mirror, finistere)
	if r.Verdict != node.MirrorComplete || r.Records != 501 || r.Received != 501 || r.BytesReceived == 0 || r.Coming != 0 {
		t.Errorf("got %s, %d records, %d received, %d bytes, %d coming; want complete, 501 twice, some, none", r.Verdict, r.Records, r.Received, r.BytesReceived, r.Coming)
	}
	keeps := map[bool]int{}
	for _, x := range r.Neighbours {
		keeps[x.Same] += x.Keeps
		if x.Err != nil || x.Missing+x.Lacking != 0 || !x.At.Equal(noon) {
			t.Errorf("neighbour: got %+v", x)
		}
	}
	if keeps[true] != 3 || keeps[false] != 0 {
		t.Errorf("the neighbours keep %v territories of it, want 3, the same", keeps)
	}
	if mirror.has(elsewhere) || !mirror.has(far) {
		t.Error("the mirror has what it does not keep, or lacks what it does")
	}
	holdsWhatItSays(t, mirror, brest)

	// A record more in one place is not there, then it is.
	more := notice(t, 3, bob, noon)
	home.brings(more.Bytes())
	if r := compared(t, mirror, finistere); r.Verdict != node.MirrorComplete || r.Records != 502 || !mirror.has(more) || !neighbour.has(more) {
		t.Errorf("one more: got %s, %d records", r.Verdict, r.Records)
	}
}

// fast lets a comparison that somebody waits for begin again soon; nothing else
// compares.
func fast(t testing.TB) {
	t.Helper()
	before := *node.Remind
	*node.Remind = 20 * time.Millisecond
	t.Cleanup(func() { *node.Remind = before })
}

// What a mirror cannot get, or cannot give, is told to the record: here what one
// clock takes for the future.
func TestMirrorTellsTheDifference(t *testing.T) {
	fast(t)
	slow, ahead := start(t), start(t)
	tomorrow := noon.Add(24 * time.Hour)
	ahead.clock.pass(25 * time.Hour)
	for _, b := range []*box{slow, ahead} {
		must(b.AddMirror(brest, node.MirrorChoice{}))(t)
	}
	slow.brings(notices()[:40]...)
	for i := range 7 {
		ahead.brings(notice(t, 5000+i, bob, tomorrow).Bytes())
	}
	linked(t, slow, ahead)
	r := compared(t, slow, brest)
	if len(r.Neighbours) != 1 || r.Verdict != node.MirrorDiffers || r.Records != 40 {
		t.Fatalf("got %+v, want that it differs from one neighbour", r)
	}
	if x := r.Neighbours[0]; x.Missing != 7 || x.Lacking != 0 || x.Same {
		t.Errorf("got %+v, want that it has 7 records that are not here", x)
	}
	r = compared(t, ahead, brest)
	if x := r.Neighbours[0]; r.Verdict != node.MirrorDiffers || r.Records != 47 || x.Missing != 0 || x.Lacking != 7 || x.Same {
		t.Errorf("got %s, %d records, %+v; want that the neighbour lacks 7 of 47", r.Verdict, r.Records, x)
	}
	// Tomorrow it is the same.
	slow.clock.pass(25 * time.Hour)
	eventually(t, "what was held is taken", func() bool { return must(slow.MirrorReport(brest))(t).Records == 47 })
	if r := compared(t, slow, brest); r.Verdict != node.MirrorComplete {
		t.Errorf("got %s %+v, want complete", r.Verdict, r.Neighbours)
	}
}

// A mirror honours erasure: when it was away it deletes; when it is old it brings
// nothing back.
func TestMirrorHonoursErasure(t *testing.T) {
	fast(t)
	home, late := start(t, brest), start(t, brest)
	secret, welding := notice(t, 1, alice, noon), class(t, "Soudure", bob, noon)
	revoked := award(t, welding, bob, alice, noon)
	away := start(t)
	must(away.AddMirror(brest, node.MirrorChoice{}))(t)
	for _, b := range []*box{home, away} {
		b.brings(secret.Bytes(), welding.Bytes(), revoked.Bytes())
	}
	// While it is away, one is erased and one revoked.
	home.brings(status(t, secret.CID(), badge.Erased, alice, noon).Bytes(), status(t, revoked.CID(), badge.Revoked, bob, noon).Bytes())
	// A late one met the old mirror first, and has what was erased.
	linked(t, late, away)
	must(late.AddMirror(brest, node.MirrorChoice{}))(t)
	compared(t, late, brest)
	if !late.has(secret) {
		t.Fatal("the late node did not get what was not erased yet")
	}
	linked(t, away, home)
	if r := compared(t, away, brest); r.Verdict != node.MirrorComplete || r.Records != 5 {
		t.Errorf("got %s, %d records, %+v; want complete, 5", r.Verdict, r.Records, r.Neighbours)
	}
	for name, b := range map[string]*box{"home": home, "away": away, "late": late} {
		if b.has(secret) {
			t.Errorf("%s has what was erased", name)
		}
		if s := must(b.Store().State(revoked.CID()))(t); s != protocol.Revoked {
			t.Errorf("%s: the other is %s, want revoked", name, s)
		}
	}
}

// A mirror is a choice that survives a restart; what it follows goes with it, but
// not what somebody follows for itself.
func TestMirrorIsDurable(t *testing.T) {
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	b := run(t, config, c, rennes)
	must(b.AddMirror(finistere, node.MirrorChoice{Children: true}))(t)
	must(b.AddMirror(brest, node.MirrorChoice{}))(t)
	if err := b.Follow(quimper); err != nil { // also for itself
		t.Fatal(err)
	}
	if err := b.Unfollow(brest); !errors.Is(err, node.ErrMirrored) {
		t.Errorf("unfollow: got %v, want that it is mirrored", err)
	}
	followed := b.Followed()
	b.stop()
	b = run(t, config, c)
	if got := b.Followed(); !slices.Equal(got, followed) {
		t.Errorf("after a restart: follows %v, want %v", got, followed)
	}
	if all := must(b.Mirrors())(t); len(all) != 2 || all[0].ID != brest || all[1].ID != finistere || !all[1].Children || !all[1].Since.Equal(noon) {
		t.Errorf("mirrors: got %+v", all)
	}
	// Without children it keeps itself alone; Brest has its own mirror.
	must(b.AddMirror(finistere, node.MirrorChoice{}))(t)
	if got, want := b.Followed(), []territory.ID{quimper, brest, rennes, finistere}; !slices.Equal(got, want) {
		t.Errorf("without children: follows %v, want %v", got, want)
	}
	for _, id := range []territory.ID{brest, finistere} {
		if err := b.RemoveMirror(id); err != nil {
			t.Error(err)
		}
	}
	if got, want := b.Followed(), []territory.ID{quimper, rennes}; !slices.Equal(got, want) {
		t.Errorf("without mirrors: follows %v, want %v", got, want)
	}
	if err := b.RemoveMirror(brest); !errors.Is(err, node.ErrNotMirror) {
		t.Errorf("remove again: got %v, want that it is not mirrored", err)
	}
	if _, err := b.MirrorReport(brest); !errors.Is(err, node.ErrNotMirror) {
		t.Errorf("report: got %v, want that it is not mirrored", err)
	}
}

// More children than may be followed are refused at once, before anything is done.
func TestMirrorTooLarge(t *testing.T) {
	b := offline(t)
	var invalid *badge.Invalid
	if _, err := b.AddMirror("iso:FR", node.MirrorChoice{Children: true}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want that there are too many", err)
	}
	if _, err := b.AddMirror("Brest", node.MirrorChoice{Children: true}); !errors.Is(err, territory.ErrSyntax) {
		t.Errorf("got %v, want that it is no id", err)
	}
	if n := len(must(b.Mirrors())(t)) + len(b.Followed()); n != 0 {
		t.Errorf("%d traces were left, want none", n)
	}
	must(b.AddMirror("iso:FR", node.MirrorChoice{}))(t)
	if r := must(b.CompareMirror(context.Background(), "iso:FR"))(t); r.Verdict != node.MirrorStopped {
		t.Errorf("got %s, want that the node is not on the network", r.Verdict)
	}
}
