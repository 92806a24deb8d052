package node_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// synchronising lets the nodes of a test compare their sets, often.
func synchronising(t testing.TB) {
	t.Helper()
	t.Cleanup(node.Synchronise())
}

// notices are records of Brest that nobody has been told of, made once.
var notices = sync.OnceValue(func() [][]byte {
	raws := make([][]byte, 3000)
	parallel(len(raws), func(i int) {
		raws[i] = notice(fatal{}, i, key(fmt.Sprint("person ", i%50)), noon.Add(-time.Duration(i)*time.Minute)).Bytes()
	})
	return raws
})

// brings puts records in a node without telling anybody.
func (b *box) brings(raws ...[]byte) {
	b.t.Helper()
	for _, a := range b.AcceptBatch(context.Background(), raws, node.Source{Via: node.Fetched, Peer: "nobody"}) {
		if a.Err != nil && !errors.Is(a.Err, node.ErrErased) {
			b.t.Fatal(a.Err)
		}
	}
}

// meets connects b to others and leaves the rest to them.
func (b *box) meets(others ...*box) {
	b.t.Helper()
	for _, o := range others {
		if _, err := b.AddPeer(o.Addrs()[0]); err != nil {
			b.t.Fatal(err)
		}
	}
}

// same waits until boxes hold the same keys of a territory, count of them.
func same(t testing.TB, id territory.ID, count int, boxes ...*box) {
	t.Helper()
	eventually(t, fmt.Sprintf("all hold the same %d of %s", count, id), func() bool {
		first := territoryOf(boxes[0], id)
		for _, b := range boxes {
			if got := territoryOf(b, id); got.Count != count || got.Root != first.Root {
				return false
			}
		}
		return true
	})
}

func territoryOf(b *box, id territory.ID) node.TerritoryReport {
	for _, r := range must(b.Report())(b.t).Sync.Territories {
		if r.ID == id {
			return r
		}
	}
	return node.TerritoryReport{}
}

// holdsWhatItSays checks that what a node believes it holds is what its store holds.
func holdsWhatItSays(t testing.TB, b *box, id territory.ID) {
	t.Helper()
	want := map[reconcile.Key]bool{}
	for d, err := range b.Store().Digests(id) {
		if err != nil {
			t.Fatal(err)
		}
		want[reconcile.NewKey(d.Created, d.Digest)] = true
	}
	got := map[reconcile.Key]bool{}
	for _, name := range []string{node.ControlName, node.BadgesName} {
		v, _ := b.View(name + string(id))
		for k := range v.Keys(0, v.Len()) {
			got[k] = true
			if !want[k] && b.Store().Has(k.Digest()) != store.Wanted {
				t.Errorf("%s: a key of nothing: %x", id, k)
			}
		}
	}
	for k := range want {
		if !got[k] {
			t.Errorf("%s: not in the set: %x", id, k)
		}
	}
}

// A node that was away gets all it missed, and says from whom. (One conversation
// may fail, when both begin one at the same moment.)
func TestAwayNodeCatchesUp(t *testing.T) {
	synchronising(t)
	home, away := start(t, brest), start(t, brest)
	home.brings(notices()...)
	away.meets(home)
	same(t, brest, len(notices()), home, away)
	holdsWhatItSays(t, away, brest)
	eventually(t, "it says so", func() bool {
		r := must(away.Report())(t)
		return r.Sync.Received == len(notices()) && territoryOf(away, brest).Last.With == home.PeerID() && !territoryOf(away, brest).Last.Short
	})
	raw := 0
	for _, r := range notices() {
		raw += len(r)
	}
	r := must(away.Report())(t).Sync
	if r.BytesReceived > raw/2 || r.Sent != 0 || r.Failed > 1 {
		t.Errorf("received %d bytes of %d, sent %d records, %d failed", r.BytesReceived, raw, r.Sent, r.Failed)
	}
	if f := away.Faults(home.PeerID()) + home.Faults(away.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
	// What is old is not passed on.
	if g := must(away.Report())(t).Gossip; g.Sent != 0 {
		t.Errorf("gossip sent %d messages of what was synchronised", g.Sent)
	}
}

// Two halves end as one whole, and a late joiner gets it; once equal, nothing
// more is sent.
func TestHalves(t *testing.T) {
	synchronising(t)
	a, b := start(t, brest, rennes), start(t, brest, rennes)
	half := len(notices()) / 2
	a.brings(notices()[:half]...)
	b.brings(notices()[half:]...)
	elsewhere := notice(t, 9999, alice, noon, brest, rennes)
	a.brings(elsewhere.Bytes())
	a.meets(b)
	same(t, brest, len(notices())+1, a, b)
	same(t, rennes, 1, a, b)
	late := start(t, brest)
	late.meets(b)
	same(t, brest, len(notices())+1, a, b, late)
	if !late.has(elsewhere) {
		t.Error("a record of two territories did not come by the one that is followed")
	}
	holdsWhatItSays(t, late, brest)
	given := len(notices()) - half + len(notices()) + 1 // to a and to the late one
	eventually(t, "the conversations end", func() bool { return must(b.Report())(t).Sync.Sent == given })
	before := must(b.Report())(t).Sync
	eventually(t, "they go on comparing", func() bool { return must(b.Report())(t).Sync.Conversations > before.Conversations+3 })
	if after := must(b.Report())(t).Sync; after.Sent != before.Sent || after.Received != before.Received {
		t.Errorf("equal nodes exchange records: %+v, then %+v", before, after)
	}
}

// Who has much to bring does so in several conversations.
func TestMuchAtOnce(t *testing.T) {
	synchronising(t)
	usual := *node.Synchro
	defer func() { *node.Synchro = usual }()
	node.Synchro.Many, node.Synchro.Raw, node.Synchro.Credit, node.Synchro.CreditMax = 500, 8<<10, 16<<10, 16<<10
	for _, asks := range []bool{true, false} {
		home, away := start(t, brest), start(t, brest)
		home.brings(notices()...)
		if asks {
			away.meets(home)
		} else {
			home.meets(away)
		}
		same(t, brest, len(notices()), home, away)
		eventually(t, "several", func() bool {
			r := must(away.Report())(t).Sync
			return r.Conversations >= 3 && r.Received == len(notices())
		})
		if r := must(away.Report())(t).Sync; r.Received != len(notices()) || r.Failed > 1 {
			t.Errorf("got %+v", r)
		}
		away.stop()
		home.stop()
	}
}

// lasting makes what is brought last: a few records are on their way at a time.
// It is called before nodes start.
func lasting(t *testing.T) {
	usual := *node.Synchro
	t.Cleanup(func() { *node.Synchro = usual }) // after theirs
	node.Synchro.Raw, node.Synchro.Credit, node.Synchro.CreditMax = 4<<10, 4<<10, 4<<10
}

// Who lacks much and meets many who have it gets it once.
func TestOnceFromMany(t *testing.T) {
	synchronising(t)
	lasting(t)
	all := notices()[:1500]
	late := start(t, brest)
	var homes []*box
	for range 3 {
		home := start(t, brest)
		home.brings(all...)
		homes = append(homes, home)
	}
	late.meets(homes...)
	same(t, brest, len(all), late, homes[0])
	sent := 0
	eventually(t, "it has compared with all", func() bool {
		sent = 0
		for _, home := range homes {
			r := must(home.Report())(t)
			sent += r.Sync.Sent
			if !territoryOf(home, brest).Last.At.IsZero() && territoryOf(home, brest).Last.With == late.PeerID() && !territoryOf(home, brest).Last.Short {
				continue
			}
			return false
		}
		return sent >= len(all)
	})
	if most := len(all) * 9 / 8; sent > most {
		t.Errorf("%d records were sent, want %d at most", sent, most)
	}
}

// Who is being brought much does not listen meanwhile, and misses nothing.
func TestGossipWaitsForMuch(t *testing.T) {
	synchronising(t)
	lasting(t)
	all := notices()[:1500]
	home := start(t, brest)
	home.brings(all...)
	c, waits := &clock{}, make(chan struct{})
	config := configure(t.TempDir(), c)
	var once sync.Once
	config.Logger = slog.New(hearing(func(message string) {
		if message == "much is missing here: gossip waits" {
			once.Do(func() { close(waits) })
		}
	}))
	late := run(t, config, c, brest)
	late.meets(home)
	<-waits
	said := notice(t, 5000, alice, noon)
	home.upload(said)
	same(t, brest, len(all)+1, home, late)
	if !late.has(said) {
		t.Error("what was said meanwhile did not come")
	}
	eventually(t, "it listens again", func() bool { return late.Following() == 1 })
	late.hears(home)
	more := notice(t, 5001, alice, noon)
	home.upload(more)
	late.gets(more)
	if err := late.Unfollow(brest); err != nil || late.Following() != 0 {
		t.Errorf("unfollow: %v, follows %d", err, late.Following())
	}
}

// Who is long in bringing much keeps a node from listening for one turn only, and
// not again for an hour.
func TestGossipDoesNotWaitLong(t *testing.T) {
	synchronising(t)
	lasting(t)
	node.Synchro.Turn, node.Synchro.Many = time.Millisecond, 400
	all := notices()[:1500]
	home := start(t, brest)
	home.brings(all...)
	c := &clock{}
	config := configure(t.TempDir(), c)
	var late *box
	began := make(chan struct{})
	var waited, went, had atomic.Int64
	config.Logger = slog.New(hearing(func(message string) {
		switch message {
		case "much is missing here: gossip waits":
			waited.Add(1)
		case "gossip goes on":
			<-began
			if went.Add(1) == 1 {
				had.Store(int64(late.Store().Last()))
			}
		}
	}))
	late = run(t, config, c, brest)
	close(began)
	late.meets(home)
	same(t, brest, len(all), home, late)
	eventually(t, "it listens", func() bool { return late.Following() == 1 })
	if waited.Load() != 1 || went.Load() != 1 || had.Load() >= 400 {
		t.Errorf("waited %d times, went on %d times, with %d records; want once, before the first conversation had brought 400",
			waited.Load(), went.Load(), had.Load())
	}
}

// hearing is a log that is heard.
type hearing func(message string)

// Enabled implements slog.Handler, and so do the others.
func (hearing) Enabled(context.Context, slog.Level) bool { return true }

func (h hearing) Handle(_ context.Context, r slog.Record) error { h(r.Message); return nil }
func (h hearing) WithAttrs([]slog.Attr) slog.Handler            { return h }
func (h hearing) WithGroup(string) slog.Handler                 { return h }

// A peer that brings much, slowly, keeps others from it for a while only.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := must(node.NewTurns(3))(t)
		for _, step := range []struct {
			which int
			want  bool
			then  time.Duration
		}{
			{0, true, 0},
			{1, false, node.Synchro.Turn - time.Second},
			{0, true, 0},
			{1, false, time.Second},
			{0, true, 0}, // nobody else would
			{1, true, 0},
			{0, false, 0},
			{2, false, 0},
		} {
			if got := turns.Take(step.which); got != step.want {
				t.Errorf("%+v: got %v", step, got)
			}
			time.Sleep(step.then)
		}
		if turns.Leave(0) || turns.Take(2) {
			t.Error("one took the place of another by leaving")
		}
		if !turns.Leave(1) || !turns.Take(2) {
			t.Error("a place that was left stays taken")
		}
	})
}

// Each follows territories of its own: those of both are compared, and nothing
// else is said.
func TestSomeTerritories(t *testing.T) {
	synchronising(t)
	a, b := start(t, brest, rennes), start(t, rennes, quimper)
	ofBrest, ofRennes, ofQuimper := notice(t, 1, alice, noon, brest), notice(t, 2, alice, noon, rennes), notice(t, 3, alice, noon, quimper)
	a.brings(ofBrest.Bytes())
	a.brings(ofRennes.Bytes())
	b.brings(ofQuimper.Bytes())
	a.meets(b)
	same(t, rennes, 1, a, b)
	if b.has(ofBrest) || a.has(ofQuimper) {
		t.Error("records of a territory that is not followed came")
	}
	// Followed later, it comes too.
	if err := b.Follow(brest); err != nil {
		t.Fatal(err)
	}
	same(t, brest, 1, a, b)
	if err := b.Unfollow(brest); err != nil {
		t.Fatal(err)
	}
	if r := must(b.Report())(t).Sync.Territories; len(r) != 2 {
		t.Errorf("territories after unfollowing: got %+v", r)
	}
}

// However often the connection is cut, it goes on where it was, and little is
// sent twice.
func TestCutConnections(t *testing.T) {
	synchronising(t)
	usual := *node.Synchro
	defer func() { *node.Synchro = usual }()
	node.Synchro.Raw, node.Synchro.Credit, node.Synchro.CreditMax = 8<<10, 16<<10, 32<<10 // so that much is cut
	home, away := start(t, brest), start(t, brest)
	defer away.stop() // before the numbers are the usual ones again
	defer home.stop()
	home.brings(notices()...)
	raw := home.Addrs()[0]
	random := rand.New(rand.NewPCG(1, 2))
	cuts := 0
	for must(away.Report())(t).Store.Total < len(notices()) && cuts < 60 {
		if err := away.Redial(raw); err != nil {
			t.Fatal(err)
		}
		before := must(away.Report())(t).Store.Total
		target := before + random.IntN(len(notices())/20)
		deadline := time.Now().Add(5 * time.Second)
		for must(away.Report())(t).Store.Total <= target && time.Now().Before(deadline) {
			if must(away.Report())(t).Store.Total >= len(notices()) {
				break
			}
		}
		away.HangUp(home.PeerID())
		eventually(t, "hung up", func() bool { p, _ := home.peer(away.PeerID()); return !p.Connected })
		cuts++
	}
	if err := away.Redial(raw); err != nil {
		t.Fatal(err)
	}
	same(t, brest, len(notices()), home, away)
	holdsWhatItSays(t, away, brest)
	sent, got := must(home.Report())(t).Sync, must(away.Report())(t).Sync
	t.Logf("%d cuts: %d records sent, %d bytes; %d came, %d bytes", cuts, sent.Sent, sent.BytesSent, got.Received, got.BytesReceived)
	if cuts < 5 {
		t.Errorf("cut %d times only", cuts)
	}
	if most := got.BytesReceived + cuts*2*node.Synchro.CreditMax; sent.BytesSent > most {
		t.Errorf("%d bytes were sent for the %d that came, want %d at most", sent.BytesSent, got.BytesReceived, most)
	}
	if f := away.Faults(home.PeerID()) + home.Faults(away.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
}

// A box that is put back to an old copy of its folder gets all it has forgotten,
// its own records too, and brings back nothing that was erased since.
func TestOldCopy(t *testing.T) {
	synchronising(t)
	c := &clock{}
	home := start(t, brest)
	config := configure(filepath.Join(t.TempDir(), "box"), c)
	config.InMemory = false
	gone := notice(t, 1, alice, noon)
	box := run(t, config, c, brest)
	peer := box.PeerID()
	box.upload(gone, notice(t, 2, bob, noon))
	box.meets(home)
	same(t, brest, 2, box, home)
	box.stop()
	old := filepath.Join(t.TempDir(), "copy")
	if err := os.CopyFS(old, os.DirFS(config.Dir)); err != nil {
		t.Fatal(err)
	}

	box = run(t, config, c, brest)
	own := notice(t, 3, bob, noon.Add(time.Minute))
	box.upload(own, status(t, gone.CID(), badge.Erased, alice, noon.Add(time.Minute)))
	box.meets(home)
	same(t, brest, 4, box, home)
	root := territoryOf(home, brest).Root
	box.stop()

	config.Dir = old
	alone := config
	alone.Network = false
	copied := must(node.New(alone))(t)
	if copied.Store().Has(gone.Digest()) != store.Present || copied.Store().Has(own.Digest()) != store.Absent {
		t.Error("the copy is not an old one")
	}
	if err := copied.Close(); err != nil {
		t.Fatal(err)
	}
	box = run(t, config, c, brest) // it goes back to home by itself
	if box.PeerID() != peer {
		t.Error("it is another box")
	}
	same(t, brest, 4, box, home)
	if box.Store().Has(gone.Digest()) != store.Stub || home.Store().Has(gone.Digest()) != store.Stub || !box.has(own) {
		t.Error("what was erased is back, or what was written is not")
	}
	if got := territoryOf(box, brest).Root; got != root {
		t.Errorf("root: got %s, want %s", got, root)
	}
	holdsWhatItSays(t, box, brest)
	if f := home.Faults(peer) + box.Faults(home.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
}

// What was erased while a node was away is erased there too, before badges are
// compared; whoever never had it becomes equal all the same.
func TestErasedMeanwhile(t *testing.T) {
	synchronising(t)
	here, away, third := start(t, brest), start(t, brest), start(t, brest)
	gone, stays := notice(t, 1, alice, noon), notice(t, 2, bob, noon)
	erase := status(t, gone.CID(), badge.Erased, alice, noon.Add(time.Minute))
	here.brings(gone.Bytes(), stays.Bytes(), erase.Bytes())
	away.brings(gone.Bytes(), stays.Bytes())
	if here.Store().Has(gone.Digest()) != store.Stub {
		t.Fatal("not erased where it was erased")
	}
	here.meets(away)
	same(t, brest, 3, here, away)
	if got := away.Store().Has(gone.Digest()); got != store.Stub {
		t.Errorf("the body is still there: presence %d", got)
	}
	third.meets(here, away)
	same(t, brest, 3, here, away, third)
	if got := third.Hollows(); got != 1 {
		t.Errorf("hollow keys: got %d, want 1", got)
	}
	if third.has(gone) {
		t.Error("an erased body came back")
	}
	holdsWhatItSays(t, third, brest)
	// The body, from an old mirror, fills the hollow key and is refused.
	third.brings(gone.Bytes())
	if got := third.Hollows(); got != 0 || third.Store().Has(gone.Digest()) != store.Stub {
		t.Errorf("after the body came: %d hollow keys, presence %d, want none and a stub", got, third.Store().Has(gone.Digest()))
	}
	same(t, brest, 3, here, away, third)
	if r := must(here.Report())(t).Sync; r.Failed > 1 {
		t.Errorf("%d conversations failed", r.Failed)
	}
}

// A node that has the status first, and the body from a peer that does not know
// it yet, ends with the same.
func TestStatusFirst(t *testing.T) {
	synchronising(t)
	a, b := start(t, brest), start(t, brest)
	gone := notice(t, 1, alice, noon)
	laser := class(t, "Laser", tyfab, noon)
	medal := award(t, laser, tyfab, bob, noon.Add(time.Minute))
	revoke := status(t, medal.CID(), badge.Revoked, tyfab, noon.Add(2*time.Minute))
	a.brings(status(t, gone.CID(), badge.Erased, alice, noon.Add(time.Minute)).Bytes(), revoke.Bytes())
	b.brings(gone.Bytes(), laser.Bytes(), medal.Bytes())
	a.meets(b)
	same(t, brest, 5, a, b)
	for _, x := range []*box{a, b} {
		if x.has(gone) {
			t.Error("an erased body is there")
		}
		if s := must(x.Store().State(medal.CID()))(t); s != protocol.Revoked {
			t.Errorf("state: got %s, want revoked", s)
		}
	}
}

// A stranger says that a record was erased, and gives its key as if it had been:
// whoever believes that for a while gets the record from who has it.
func TestFalseErasure(t *testing.T) {
	synchronising(t)
	honest, victim := start(t, brest), start(t, brest)
	live := notice(t, 1, alice, noon)
	lie := status(t, live.CID(), badge.Erased, mallory, noon.Add(time.Minute))
	honest.brings(live.Bytes())
	honest.brings(lie.Bytes())
	if !honest.has(live) {
		t.Fatal("a stranger erased a record")
	}
	victim.brings(lie.Bytes())
	if n := must(victim.TakeHollows(brest, honest.PeerID(), reconcile.NewKey(live.Created(), live.Digest())))(t); n != 1 {
		t.Fatalf("hollow keys taken: got %d, want 1", n)
	}
	// Equal, as far as keys say.
	same(t, brest, 2, honest, victim)
	victim.meets(honest)
	victim.gets(live)
	eventually(t, "no longer hollow", func() bool { return victim.Hollows() == 0 })
	same(t, brest, 2, honest, victim)
}

// A hollow key with a wrong time gives way to the true one.
func TestFalseHollow(t *testing.T) {
	synchronising(t)
	honest, victim := start(t, brest), start(t, brest)
	gone := notice(t, 1, alice, noon)
	erase := status(t, gone.CID(), badge.Erased, alice, noon.Add(time.Minute))
	honest.brings(gone.Bytes(), erase.Bytes())
	victim.brings(erase.Bytes())
	must(victim.TakeHollows(brest, "mallory", reconcile.NewKey(noon.Add(-time.Hour), gone.Digest())))(t)
	victim.meets(honest)
	same(t, brest, 2, honest, victim)
}

// Sets survive a stop: from the snapshot, and what arrived after it; hollow keys
// too. After a restart without it they are read from the store.
func TestSetsSurvive(t *testing.T) {
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	b := run(t, config, c, brest)
	eventually(t, "the sets are there", func() bool { _, ok := b.View(node.ControlName + string(brest)); return ok })
	gone := notice(t, 1_000_001, alice, noon)
	erase := status(t, gone.CID(), badge.Erased, alice, noon.Add(time.Minute))
	b.brings(notices()[:100]...)
	b.brings(erase.Bytes())
	must(b.TakeHollows(brest, "peer", reconcile.NewKey(gone.Created(), gone.Digest())))(t)
	check := func(want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d keys", want), func() bool { return territoryOf(b, brest).Count == want })
		holdsWhatItSays(t, b, brest)
		if b.Hollows() != 1 {
			t.Errorf("hollow keys: got %d, want 1", b.Hollows())
		}
	}
	check(102)
	root := territoryOf(b, brest).Root
	b.stop()
	// Something comes while the node does not run.
	n := must(node.New(config))(t)
	if scan := n.Scanned(brest); len(scan) != 0 {
		t.Errorf("the snapshot is not used: %v", scan)
	}
	n.AcceptBatch(context.Background(), notices()[100:101], node.Source{Via: node.Uploaded})
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	b = run(t, config, c)
	check(103)
	if territoryOf(b, brest).Root == root {
		t.Error("the fingerprint did not change")
	}
	b.stop()
	n = must(node.New(config))(t)
	if scan := n.Scanned(brest, rennes); len(scan) != 1 || scan[0] != rennes {
		t.Errorf("to be read from the store: got %v, want Rennes alone", scan)
	}
	n.Close()
}

// What gossip dropped comes by an early comparison.
func TestDroppedGossip(t *testing.T) {
	a := start(t, brest) // it never asks
	t.Cleanup(node.SynchroniseWhenMissed())
	b := start(t, brest)
	b.join(a)
	a.brings(notices()[0])
	b.MissGossip()
	same(t, brest, 1, a, b)
	eventually(t, "one conversation ends", func() bool { return must(b.Report())(t).Sync.Conversations == 1 })
}

// What gossip does not tell reaches who is three friends away without waiting for
// anybody's turn: a batch too long to publish, and what waited for its time.
func TestNewsSpreads(t *testing.T) {
	t.Cleanup(node.SynchroniseByNews())
	line := []*box{start(t, brest), start(t, brest), start(t, brest), start(t, brest)}
	for i, b := range line[1:] {
		b.meets(line[i])
	}
	for _, b := range line {
		eventually(t, "all who met have compared", func() bool { return !territoryOf(b, brest).Last.At.IsZero() })
	}
	batch := notices()[:100]
	line[0].AcceptBatch(context.Background(), batch, node.Source{Via: node.Uploaded})
	same(t, brest, len(batch), line...)

	soon := notice(t, 1_000_001, alice, noon.Add(time.Hour))
	if _, err := line[3].Accept(context.Background(), soon.Bytes(), node.Source{Via: node.Gossiped}); err == nil {
		t.Fatal("a record from the future was not held")
	}
	for _, b := range line {
		b.clock.pass(time.Hour)
	}
	line[3].ReleaseDue(t.Context())
	same(t, brest, len(batch)+1, line...)
}
