package node_test

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// bytesOf is how many bytes a node has of a territory, statuses aside.
func bytesOf(t testing.TB, b *box, id territory.ID) (sum int64) {
	t.Helper()
	for e, err := range b.Store().Find(store.Query{Territory: id}) {
		if err != nil {
			t.Fatal(err)
		}
		if r := must(e.Record())(t); r.Kind() != protocol.Status {
			sum += int64(len(r.Bytes()))
		}
	}
	return sum
}

// A bounded mirror stops below its bound and says what is missing; statuses still
// come, and other territories; what is erased makes room; a larger bound goes on, a
// smaller one deletes nothing.
func TestMirrorStopsAtItsSize(t *testing.T) {
	fast(t)
	home := start(t, brest, rennes)
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	mirror := run(t, config, c, rennes)
	const count = 400
	home.brings(notices()[:count]...)
	elsewhere := notice(t, 1, bob, noon, rennes)
	home.brings(elsewhere.Bytes())

	const most = 100 << 10
	bounded := node.MirrorChoice{MaxSize: most}
	must(mirror.AddMirror(brest, bounded))(t)
	stopped := func(missing int) {
		t.Helper()
		r := compared(t, mirror, brest)
		if r.Verdict != node.MirrorDiffers || !r.Full || r.MaxSize != most || r.Missing != missing || r.Records+missing < count {
			t.Errorf("got %s, full %v, %d of %d bytes, %d records, %d missing; want that it differs, full, %d missing", r.Verdict, r.Full, r.Size, r.MaxSize, r.Records, r.Missing, missing)
		}
		if have := bytesOf(t, mirror, brest); r.Size != have || have > most || have < most-3000 {
			t.Errorf("it has %d bytes and says %d, want a little below %d", have, r.Size, most)
		}
	}
	linked(t, mirror, home)
	compared(t, mirror, brest)
	held := must(mirror.MirrorReport(brest))(t).Records
	stopped(count - held)
	if !mirror.has(elsewhere) {
		t.Error("another territory did not come")
	}

	// Two are erased: one of those here makes room for another. After a restart it is
	// the same.
	var here, there protocol.Record
	for _, raw := range notices()[:count] {
		r := must(protocol.Verify(raw, noon))(t)
		if mirror.has(r) {
			here = r
		} else {
			there = r
		}
	}
	authors := map[did.DID]ed25519.PrivateKey{}
	for i := range 50 {
		k := key(fmt.Sprint("person ", i))
		authors[didOf(k)] = k
	}
	for _, r := range []protocol.Record{here, there} {
		home.brings(status(t, r.CID(), badge.Erased, authors[r.Author()], noon).Bytes())
	}
	compared(t, mirror, brest)
	if mirror.has(here) {
		t.Error("what was erased is still here")
	}
	stopped(count - 2 - held)
	mirror.stop()
	mirror = run(t, config, c)
	linked(t, mirror, home)
	stopped(count - 2 - held)

	// What is followed for itself is not bounded, nor what another mirror needs whole.
	must(mirror.AddMirror(brest, node.MirrorChoice{MaxSize: 10 << 20}))(t)
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Full || r.Missing != 0 || r.Records != count+2 {
		t.Errorf("with a larger bound: got %s, full %v, %d records, %d missing", r.Verdict, r.Full, r.Records, r.Missing)
	}
	must(mirror.AddMirror(brest, node.MirrorChoice{MaxSize: 1000}))(t)
	home.brings(notice(t, 5000, bob, noon).Bytes())
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorDiffers || !r.Full || r.Missing != 1 || r.Records != count+2 {
		t.Errorf("with a smaller bound: got %s, full %v, %d records, %d missing", r.Verdict, r.Full, r.Records, r.Missing)
	}
	if err := mirror.Follow(brest); err != nil {
		t.Fatal(err)
	}
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Records != count+3 {
		t.Errorf("followed for itself: got %s, %d records", r.Verdict, r.Records)
	}
	if f := mirror.Faults(home.PeerID()) + home.Faults(mirror.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
	var invalid *badge.Invalid
	if _, err := mirror.AddMirror(brest, node.MirrorChoice{MaxSize: -1}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want that there is no such bound", err)
	}
}

// A partial mirror is bounded alike: its own bytes alone count.
func TestPartialMirrorStopsAtItsSize(t *testing.T) {
	fast(t)
	home, mirror := start(t, brest), start(t)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	home.brings(welding.Bytes(), sewing.Bytes())
	var sum int
	for i := range 30 {
		who := key(string(rune('a' + i)))
		a := award(t, welding, bob, who, noon.Add(-time.Duration(i)*time.Minute))
		sum += len(a.Bytes())
		home.brings(a.Bytes(), award(t, sewing, bob, who, noon).Bytes())
	}
	// What is here already of the other class does not count. The class is here, or it
	// would be asked for by its name meanwhile.
	mirror.brings(welding.Bytes())
	for e := range home.Store().Find(store.Query{Class: sewing.CID()}) {
		mirror.brings(must(e.Record())(t).Bytes())
	}
	choice := scope(welding)
	choice.MaxSize = int64(sum/2 + len(welding.Bytes()))
	must(mirror.AddMirror(brest, choice))(t)
	linked(t, mirror, home)
	r := compared(t, mirror, brest)
	if r.Verdict != node.MirrorDiffers || !r.Full || r.Size > choice.MaxSize || r.Size < choice.MaxSize-6000 || r.Missing+r.Records != 31 {
		t.Errorf("got %s, full %v, %d of %d bytes, %d records, %d missing", r.Verdict, r.Full, r.Size, r.MaxSize, r.Records, r.Missing)
	}
	choice.MaxSize *= 2
	must(mirror.AddMirror(brest, choice))(t)
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Full || r.Records != 31 || r.Size != int64(sum+len(welding.Bytes())) {
		t.Errorf("with a larger bound: got %s, full %v, %d bytes of %d (%d at home), %d records", r.Verdict, r.Full, r.Size, r.MaxSize, sum, r.Records)
	}
	ofClass(t, mirror, welding, brest)
}
