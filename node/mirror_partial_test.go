package node_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/network"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

func scope(classes ...protocol.Record) node.MirrorChoice {
	var c node.MirrorChoice
	for _, r := range classes {
		c.Classes = append(c.Classes, r.CID())
	}
	return c
}

func classSet(class protocol.Record, id territory.ID) string {
	return node.ClassName + class.CID().String() + "/" + string(id)
}

// ofClass checks that the set of a class is what the records of a node say, and
// returns how many there are.
func ofClass(t testing.TB, b *box, class protocol.Record, id territory.ID) int {
	t.Helper()
	want := map[reconcile.Key]bool{}
	for e, err := range b.Store().Find(store.Query{}) {
		if err != nil {
			t.Fatal(err)
		}
		r := must(e.Record())(t)
		if slices.Contains(r.Territories(), id) && (r.Class() == class.CID() || r.CID() == class.CID()) {
			want[keyOf(r)] = true
		}
	}
	v, ok := b.View(classSet(class, id))
	if !ok || v.Len() != len(want) {
		t.Errorf("the set of a class has %d keys (%v), the store %d records", v.Len(), ok, len(want))
	}
	for k := range v.Keys(0, v.Len()) {
		if !want[k] {
			t.Errorf("in the set and not of the class: %x", k)
		}
	}
	return v.Len()
}

// Of a territory a node keeps one class for others: it gets that one, what was
// revoked and erased, and nothing else, and its fingerprints say that it is whole.
func TestPartialMirror(t *testing.T) {
	fast(t)
	home, mirror := start(t, brest), start(t)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	home.brings(welding.Bytes(), sewing.Bytes())
	var welders, sewers []protocol.Record
	for i := range 40 {
		who := key(fmt.Sprint("member ", i))
		welders = append(welders, award(t, welding, bob, who, noon.Add(-time.Duration(i/3)*time.Second)))
		sewers = append(sewers, award(t, sewing, bob, who, noon.Add(-time.Duration(i/3)*time.Second)))
	}
	elsewhere := award(t, welding, bob, alice, noon, placed(rennes))
	home.brings(elsewhere.Bytes())
	for i := range welders {
		home.brings(welders[i].Bytes(), sewers[i].Bytes())
	}
	// Erased before the mirror was there, and revoked, of the other class.
	home.brings(status(t, sewers[0].CID(), badge.Revoked, bob, noon).Bytes(), status(t, sewers[1].CID(), badge.Erased, key("member 1"), noon).Bytes())

	m := must(mirror.AddMirror(brest, scope(welding, welding)))(t)
	if len(m.Classes) != 1 || len(mirror.Followed()) != 0 {
		t.Errorf("%d classes, follows %v; want 1, nothing", len(m.Classes), mirror.Followed())
	}
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorUnconfirmed || r.Records != 0 || len(r.Classes) != 1 {
		t.Errorf("alone: got %+v, want that nobody confirms it", r)
	}
	linked(t, mirror, home)
	r := compared(t, mirror, brest)
	if r.Verdict != node.MirrorComplete || r.Records != 43 || r.Received != 43 || r.Classes[0].Count != 41 || len(r.Neighbours) != 1 || r.Neighbours[0].Keeps != 1 {
		t.Fatalf("got %s, %d records, %d received, %+v; want complete, 43, 43", r.Verdict, r.Records, r.Received, r.Classes)
	}
	if n, there := ofClass(t, mirror, welding, brest), ofClass(t, home, welding, brest); n != 41 || there != 41 {
		t.Errorf("the set has %d here and %d there, want 41", n, there)
	}
	if total := must(mirror.Report())(t).Store.Total; total != 43 || mirror.has(elsewhere) || mirror.has(sewing) {
		t.Errorf("the mirror has %d records, want 43, none of another class or place", total)
	}

	// One is revoked, one erased; of those of the other class the statuses alone come.
	home.brings(status(t, welders[2].CID(), badge.Revoked, bob, noon).Bytes(), status(t, welders[3].CID(), badge.Erased, key("member 3"), noon).Bytes())
	home.brings(status(t, sewers[2].CID(), badge.Suspended, bob, noon).Bytes())
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Records != 45 || r.Classes[0].Count != 40 {
		t.Errorf("got %s, %d records, %+v; want complete, 45", r.Verdict, r.Records, r.Classes)
	}
	if s := must(mirror.Store().State(welders[2].CID()))(t); s != protocol.Revoked || mirror.has(welders[3]) {
		t.Errorf("one is %s, want revoked; the erased one is here: %v", s, mirror.has(welders[3]))
	}
	ofClass(t, mirror, welding, brest)

	// What it has goes the other way too.
	more := award(t, welding, bob, alice, noon)
	mirror.brings(more.Bytes())
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || !home.has(more) {
		t.Errorf("got %s, %+v; want that home has it now", r.Verdict, r.Neighbours)
	}

	// Another partial mirror gets all from this one; of a class that is not kept, nothing.
	other := start(t)
	must(other.AddMirror(brest, scope(welding, sewing)))(t)
	linked(t, other, mirror)
	r = compared(t, other, brest)
	if r.Verdict != node.MirrorComplete || r.Records != 46 || !other.has(more) || other.has(sewing) {
		t.Errorf("from a partial mirror: got %s, %d records, %+v", r.Verdict, r.Records, r.Classes)
	}
	for _, c := range r.Classes {
		if c.Against[0].Follows != (c.Class == welding.CID()) {
			t.Errorf("class %s: got %+v", c.Class, c.Against)
		}
	}
	// Who keeps the whole territory gets statuses from it, and says that it keeps no
	// badges.
	late := start(t)
	must(late.AddMirror(brest, node.MirrorChoice{}))(t)
	linked(t, late, mirror)
	if r := compared(t, late, brest); r.Verdict != node.MirrorUnconfirmed || r.Records != 5 || r.Neighbours[0].Keeps != 0 {
		t.Errorf("whole beside partial: got %s, %d records, %+v", r.Verdict, r.Records, r.Neighbours)
	}
	for _, b := range []*box{home, mirror, other, late} {
		for _, o := range []*box{home, mirror, other, late} {
			if f := b.Faults(o.PeerID()); f != 0 {
				t.Errorf("faults: got %v, want none", f)
			}
		}
	}
	// What only statuses name is not looked for.
	if left := must(mirror.Store().Missing(100))(t); len(left) != 3 || slices.ContainsFunc(left, func(m store.Missing) bool { return !m.Told }) {
		t.Errorf("missing: got %+v, want three that only statuses name", left)
	}
	if mirror.has(sewers[0]) || mirror.has(sewers[2]) {
		t.Error("what statuses name was fetched")
	}
}

// Whatever three nodes have of a class, and what was erased of it where: in the end
// all have the same, and nobody has what was erased. One of them has an older view.
func TestPartialMirrorsConverge(t *testing.T) {
	fast(t)
	random := rand.New(rand.NewPCG(1, 2))
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	home := start(t, brest)
	boxes := []*box{home, start(t), start(t)}
	for _, b := range boxes[1:] {
		must(b.AddMirror(brest, scope(welding)))(t)
	}
	linked(t, home, boxes[1:]...)
	var gone []protocol.Record
	for i := range 150 {
		who := key(fmt.Sprint("member ", i))
		of := []protocol.Record{welding, sewing}[i%2]
		r := award(t, of, bob, who, noon.Add(-time.Duration(i/4)*time.Second))
		var erased protocol.Record
		if i%5 == 0 {
			erased = status(t, r.CID(), badge.Erased, who, noon)
			gone = append(gone, r)
		}
		liar := status(t, r.CID(), badge.Erased, alice, noon) // who may not
		for _, b := range boxes {
			parts := [][]byte{r.Bytes(), liar.Bytes()}
			if !erased.IsZero() && random.IntN(2) == 0 {
				parts = append(parts, erased.Bytes())
			}
			random.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
			if b != home && of.CID() == sewing.CID() {
				continue // not kept
			}
			if n := random.IntN(3); n > 0 {
				b.brings(parts...)
			}
		}
		home.brings(r.Bytes())
		if !erased.IsZero() {
			boxes[random.IntN(3)].brings(erased.Bytes())
		}
	}
	boxes[2].brings(welding.Bytes())
	for range 2 { // what one told home, the other learns
		for i, b := range boxes[1:] {
			if r := compared(t, b, brest); r.Verdict != node.MirrorComplete {
				t.Errorf("node %d: got %s, %+v", i+1, r.Verdict, r.Neighbours)
			}
		}
	}
	count := ofClass(t, home, welding, brest)
	for i, b := range boxes {
		if n := ofClass(t, b, welding, brest); n != count {
			t.Errorf("node %d has %d of the class, home %d", i, n, count)
		}
		for _, r := range gone {
			if b.has(r) {
				t.Errorf("node %d has what was erased", i)
			}
		}
	}
	if count != 1+75-15 {
		t.Errorf("the class has %d records, want 61", count)
	}
}

// By a skill a mirror keeps the classes that speak of it, those that come later too,
// and as many as it may.
func TestPartialMirrorBySkill(t *testing.T) {
	fast(t)
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	home, mirror := start(t, brest), run(t, config, c)
	welding, sewing := class(t, "Soudure à l’arc", bob, noon), class(t, "Couture", bob, noon)
	tagged := class(t, "Métal", bob, noon, func(a *badge.Achievement) { a.Tag = []string{"soudure"} })
	var welder protocol.Record
	for _, k := range []protocol.Record{welding, sewing, tagged} {
		welder = award(t, k, bob, alice, noon)
		home.brings(k.Bytes(), welder.Bytes())
	}
	choice := node.MirrorChoice{Skills: []string{"soudures", "soudures"}}
	if m := must(mirror.AddMirror(brest, choice))(t); len(m.Skills) != 1 || len(m.Found) != 0 {
		t.Errorf("got %+v, want one word, that nothing is known of yet", m)
	}
	linked(t, mirror, home)
	check := func(records, found, leftOut int) {
		t.Helper()
		r := compared(t, mirror, brest)
		if r.Verdict != node.MirrorComplete || r.Records != records || len(r.Found) != found || r.LeftOut != leftOut || len(r.Classes) != 1+found {
			t.Errorf("got %s, %d records, %d found, %d left out, %d sets; want complete, %d, %d, %d", r.Verdict, r.Records, len(r.Found), r.LeftOut, len(r.Classes), records, found, leftOut)
		}
	}
	check(5, 2, 0) // three classes and two awards
	if mirror.has(award(t, sewing, bob, alice, noon)) || !mirror.has(welder) || !mirror.has(sewing) {
		t.Error("it has what it does not keep, or lacks what it does")
	}
	home.brings(class(t, "Soudure au plomb", bob, noon).Bytes())
	check(6, 3, 0)

	// It stays so after a restart; more than may be kept are left out, and told.
	mirror.stop()
	most := node.Synchro.Classes
	defer func() { node.Synchro.Classes = most }()
	node.Synchro.Classes = 4
	mirror = run(t, config, c)
	linked(t, mirror, home)
	check(6, 3, 0)
	home.brings(class(t, "Soudure sous l’eau", bob, noon).Bytes())
	check(7, 3, 1)

	var invalid *badge.Invalid
	if _, err := mirror.AddMirror(brest, node.MirrorChoice{Skills: []string{"de la"}}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want that it names nothing", err)
	}
}

// Nodes left to themselves compare classes too, whoever begins; after a restart as
// before.
func TestPartialMirrorByItself(t *testing.T) {
	synchronising(t)
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	mirror := run(t, config, c)
	home := start(t, brest)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	first, other := award(t, welding, bob, alice, noon), award(t, sewing, bob, alice, noon)
	home.brings(welding.Bytes(), sewing.Bytes(), first.Bytes(), other.Bytes())
	must(mirror.AddMirror(brest, scope(welding)))(t)
	mirror.meets(home)
	mirror.gets(welding, first)
	mirror.stop()
	second := award(t, welding, bob, key("carol"), noon)
	home.brings(second.Bytes(), status(t, first.CID(), badge.Erased, alice, noon).Bytes())

	mirror = run(t, config, c)
	if all := must(mirror.Mirrors())(t); len(all) != 1 || len(all[0].Classes) != 1 || all[0].Classes[0] != welding.CID() {
		t.Fatalf("after a restart: got %+v", all)
	}
	mirror.meets(home)
	mirror.gets(second)
	eventually(t, "the erased one goes", func() bool { return !mirror.has(first) })
	if mirror.has(other) {
		t.Error("it has what it does not keep")
	}
	ofClass(t, mirror, welding, brest)
}

// A mirror changes from whole to partial and back; what is followed and answered for
// goes with it.
func TestMirrorChangesScope(t *testing.T) {
	fast(t)
	home, mirror := start(t, brest), start(t)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	home.brings(welding.Bytes(), sewing.Bytes(), award(t, welding, bob, alice, noon).Bytes(), status(t, sewing.CID(), badge.Retired, bob, noon).Bytes())
	linked(t, mirror, home)
	answers := func(control, badges, class bool) {
		t.Helper()
		for name, want := range map[string]bool{node.ControlName + string(brest): control, node.BadgesName + string(brest): badges, classSet(welding, brest): class} {
			if _, ok := mirror.View(name); ok != want {
				t.Errorf("set %s is here: %v, want %v", name, ok, want)
			}
		}
	}
	eventually(t, "the sets are there", func() bool { _, ok := home.View(node.BadgesName + string(brest)); return ok })
	must(mirror.CompareMirror(context.Background(), must(mirror.AddMirror(brest, scope(welding)))(t).ID))(t)
	answers(true, false, true)
	must(mirror.AddMirror(brest, node.MirrorChoice{}))(t)
	answers(true, true, true)
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Records != 4 || !mirror.has(sewing) {
		t.Errorf("whole: got %s, %d records", r.Verdict, r.Records)
	}
	holdsWhatItSays(t, mirror, brest)
	must(mirror.AddMirror(brest, scope(sewing)))(t)
	answers(true, false, false)
	if r := compared(t, mirror, brest); r.Verdict != node.MirrorComplete || r.Records != 2 || len(mirror.Followed()) != 0 {
		t.Errorf("partial: got %s, %d records", r.Verdict, r.Records)
	}
	if err := mirror.Follow(brest); err != nil { // for itself
		t.Fatal(err)
	}
	answers(true, true, true)
	if err := mirror.Unfollow(brest); err != nil {
		t.Fatal(err)
	}
	must(mirror.AddMirror(brest, scope(welding)))(t)
	answers(true, false, true)
	if err := mirror.RemoveMirror(brest); err != nil {
		t.Fatal(err)
	}
	answers(false, false, false)

	// More classes than are kept are refused, before anything is done.
	var many node.MirrorChoice
	for i := range node.Synchro.Classes + 1 {
		many.Classes = append(many.Classes, protocol.CID([32]byte{byte(i), byte(i >> 8)}))
	}
	var invalid *badge.Invalid
	if _, err := mirror.AddMirror(brest, many); !errors.As(err, &invalid) || len(must(mirror.Mirrors())(t)) != 0 {
		t.Errorf("got %v, want that there are too many", err)
	}
	if _, err := mirror.AddMirror(brest, node.MirrorChoice{Classes: []cid.Cid{cid.NewCidV0(must(cid.Decode("QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n"))(t).Hash())}}); !errors.As(err, &invalid) {
		t.Errorf("got %v, want that it is no record", err)
	}
}

// A set of a class holds that class alone, whoever says so; and a peer that wants
// sets without end gets so many.
func TestHostileClassSets(t *testing.T) {
	synchronising(t)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	good, bad := award(t, welding, bob, alice, noon), award(t, sewing, bob, alice, noon)
	elsewhere := award(t, welding, bob, alice, noon, placed(rennes))
	name := classSet(welding, brest)
	for _, c := range []struct {
		name string
		say  func(l *liar)
	}{
		{"an award of another class", func(l *liar) {
			l.claims(name, keyOf(bad))
			l.Write(node.DataFrame([][]byte{bad.Bytes()}))
		}},
		{"another class", func(l *liar) {
			l.claims(name, keyOf(sewing))
			l.Write(node.DataFrame([][]byte{sewing.Bytes()}))
		}},
		{"an award of another territory", func(l *liar) {
			l.claims(name, keyOf(elsewhere))
			l.Write(node.DataFrame([][]byte{elsewhere.Bytes()}))
		}},
		{"an award among classes", func(l *liar) {
			l.claims(node.ClassesName+string(brest), keyOf(good))
			l.Write(node.DataFrame([][]byte{good.Bytes()}))
		}},
		{"a status", func(l *liar) {
			s := status(l.t, good.CID(), badge.Revoked, bob, noon)
			l.claims(name, keyOf(s))
			l.Write(node.DataFrame([][]byte{s.Bytes()}))
		}},
		{"a key alone", func(l *liar) {
			l.claims(name, keyOf(good))
			l.Write(node.DataFrame(nil, keyOf(good)))
		}},
		{"ten thousand classes", func(l *liar) {
			for i := range 10_000 {
				session := must(reconcile.New(reconcile.Config{Name: node.ClassName + protocol.CID([32]byte{byte(i), byte(i >> 8)}).String() + "/" + string(brest), View: viewOf(l.t, nil)}))(l.t)
				if _, err := l.Write(append(session.Start(), node.AppendFrame(nil, node.FrameEnd)...)); err != nil {
					return
				}
			}
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			victim := start(t, brest)
			eventually(t, "the sets are there", func() bool { _, ok := victim.View(name); return ok })
			mallory := newStranger(t)
			l := mallory.converse(victim)
			c.say(l)
			if !l.drain() {
				t.Error("the stream was not reset")
			}
			eventually(t, "blamed", func() bool { return victim.Faults(mallory.ID()) > 0.9 })
			if total := must(victim.Report())(t).Store.Total; total != 0 {
				t.Errorf("%d records were left behind", total)
			}
			if sets, keys := victim.ClassSetsKept(); sets > node.Synchro.Classes || keys != 0 {
				t.Errorf("%d sets are remembered, with %d keys", sets, keys)
			}
			honest := start(t, brest)
			honest.brings(good.Bytes())
			honest.meets(victim)
			victim.gets(good)
		})
	}
	// Names that are none, and classes of what is not kept, are not here.
	b := start(t, brest)
	eventually(t, "the sets are there", func() bool { _, ok := b.View(name); return ok })
	for _, none := range []string{"class/", "class/x/" + string(brest), node.ClassName + string(brest), name + "/", classSet(welding, rennes), "class/Qm/", node.ClassName + "B" + welding.CID().String()[1:] + "/" + string(brest)} {
		if _, ok := b.View(none); ok {
			t.Errorf("there is a set called %q", none)
		}
	}
}

// answerWith says that a record is in every set of a class, and sends it.
func (l *liar) answerWith(r protocol.Record) {
	var session *reconcile.Session
	class := false
	for {
		frame, err := node.ReadFrame(l.in)
		if err != nil {
			return
		}
		if frame[0]&0x7f >= node.FrameNone {
			continue
		}
		if session == nil || session.Over() {
			hello := must(reconcile.ReadHello(frame))(l.t)
			var keys []reconcile.Key
			if class = strings.HasPrefix(hello.Name, node.ClassName); class {
				keys = append(keys, keyOf(r))
			}
			session = must(reconcile.New(reconcile.Config{Name: hello.Name, View: viewOf(l.t, keys)}))(l.t)
		}
		reply, _, err := session.Receive(frame)
		if err != nil {
			return
		}
		if session.Over() {
			if class {
				reply = append(reply, node.DataFrame([][]byte{r.Bytes()})...)
			}
			reply = append(reply, node.AppendFrame(nil, node.FrameEnd)...)
		}
		if _, err := l.Write(reply); err != nil {
			return
		}
	}
}

// Who answers a partial mirror with an award of another class is at fault.
func TestHostileAnswerOfAClass(t *testing.T) {
	synchronising(t)
	welding, sewing := class(t, "Soudure", bob, noon), class(t, "Couture", bob, noon)
	bad := award(t, sewing, bob, alice, noon)
	victim := start(t)
	must(victim.AddMirror(brest, scope(welding)))(t)
	mallory := newStranger(t)
	mallory.SetStreamHandler(node.SyncProtocol, func(s network.Stream) {
		l := &liar{s, fatal{}, bufio.NewReader(s)}
		defer func() { _ = recover() }() // a stream that ended under the liar
		l.answerWith(bad)
	})
	if err := mallory.Connect(context.Background(), info(t, victim)); err != nil {
		t.Fatal(err)
	}
	eventually(t, "blamed", func() bool { return victim.Faults(mallory.ID()) > 0.9 })
	if total := must(victim.Report())(t).Store.Total; total != 0 {
		t.Errorf("%d records were left behind", total)
	}
}

// What is remembered of sets is bounded, and forgotten when it changes.
func TestClassSetsAreBounded(t *testing.T) {
	b := start(t, brest)
	var classes []protocol.Record
	for i := range 6 {
		classes = append(classes, class(t, fmt.Sprint("Modèle ", i), bob, noon))
		b.brings(classes[i].Bytes())
	}
	name := classSet(classes[0], brest)
	eventually(t, "the sets are there", func() bool { _, ok := b.View(name); return ok })
	most := *node.Synchro
	defer func() { *node.Synchro = most }()
	node.Synchro.Classes = 4
	for _, c := range classes {
		ofClass(t, b, c, brest)
	}
	if sets, _ := b.ClassSetsKept(); sets != 4 {
		t.Errorf("%d sets are remembered, want 4", sets)
	}
	node.Synchro.ClassKeys = 3
	for i, c := range classes {
		for j := range i {
			b.brings(award(t, c, bob, key(fmt.Sprint("member ", j)), noon).Bytes())
		}
		if v, ok := b.View(classSet(c, brest)); ok != (i < 3) || ok && v.Len() != i+1 {
			t.Errorf("class of %d records: got %d, %v", i+1, v.Len(), ok)
		}
	}
	if _, keys := b.ClassSetsKept(); keys > 3 {
		t.Errorf("%d keys are remembered, want 3 at most", keys)
	}
}
