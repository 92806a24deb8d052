package store_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

func TestARecordIsStoredOnce(t *testing.T) {
	s, dir := onDisk(t)
	r := notice(t, 1, alice, noon, "laser")
	other := notice(t, 2, alice, noon, "bois")
	got := put(t, s, r, r, other, r)
	want := []store.Outcome{{1, store.Added}, {1, store.Known}, {2, store.Added}, {1, store.Known}}
	if !slices.Equal(got, want) {
		t.Errorf("outcomes: got %v, want %v", got, want)
	}
	check := func(s *store.Store) {
		t.Helper()
		back, err := s.Get(r.CID())
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(back.Bytes(), r.Bytes()) || back.Kind() != protocol.Notice {
			t.Error("another record came back")
		}
		if p := s.Has(r.Digest()); p != store.Present {
			t.Errorf("Has: got %v", p)
		}
		if st, err := s.State(r.CID()); err != nil || st != protocol.Live {
			t.Errorf("State: got %v, %v", st, err)
		}
	}
	check(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if !s.CleanStart() {
		t.Error("CleanStart after Close: got false")
	}
	check(s)
	if out := put(t, s, r); out[0] != (store.Outcome{Seq: 1, Status: store.Known}) {
		t.Errorf("after reopening: got %v", out)
	}
	if _, err := s.Get(notice(t, 9, bob, noon, "").CID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a stranger: got %v", err)
	}
}

func TestFindWalksEveryIndex(t *testing.T) {
	s := inMemory(t)
	laser := class(t, "laser", tyfab)
	wood := class(t, "bois", tyfab)
	a1 := award(t, laser, tyfab, alice, noon.Add(1*time.Hour), in(brest, rennes))
	a2 := award(t, laser, tyfab, bob, noon.Add(2*time.Hour), in(brest))
	a3 := award(t, wood, bob, alice, noon.Add(3*time.Hour), in(rennes))
	e := endorse(t, a1, bob, noon.Add(4*time.Hour), "")
	n := notice(t, 1, alice, noon.Add(5*time.Hour), "x", rennes)
	st := status(t, a2.CID(), badge.Revoked, tyfab, noon.Add(6*time.Hour))
	all := []protocol.Record{laser, wood, a1, a2, a3, e, n, st}
	put(t, s, all...)
	names := map[string]string{}
	for i, name := range []string{"laser", "wood", "a1", "a2", "a3", "e", "n", "st"} {
		names[all[i].CID().String()] = name
	}
	kinds := func(k ...protocol.Kind) []protocol.Kind { return k }
	for _, tt := range []struct {
		name string
		q    store.Query
		want []string
	}{
		{"all", store.Query{}, []string{"laser", "wood", "a1", "a2", "a3", "e", "n", "st"}},
		{"all, newest, three", store.Query{Newest: true, Limit: 3}, []string{"st", "n", "e"}},
		{"kind", store.Query{Kinds: kinds(protocol.Award)}, []string{"a1", "a2", "a3"}},
		{"two kinds, newest", store.Query{Kinds: kinds(protocol.Award, protocol.Notice), Newest: true}, []string{"n", "a3", "a2", "a1"}},
		{"territory", store.Query{Territory: rennes}, []string{"a1", "a3", "n"}},
		{"territory and kind", store.Query{Territory: rennes, Kinds: kinds(protocol.Award), Newest: true}, []string{"a3", "a1"}},
		{"author", store.Query{Author: didOf(bob)}, []string{"a3", "e"}},
		{"author and territory", store.Query{Author: didOf(bob), Territory: rennes}, []string{"a3"}},
		{"holder", store.Query{Holder: didOf(alice)}, []string{"a1", "a3"}},
		{"holder and author", store.Query{Holder: didOf(alice), Author: didOf(tyfab)}, []string{"a1"}},
		{"holder of a notice", store.Query{Holder: didOf(alice), Kinds: kinds(protocol.Notice)}, nil},
		{"class", store.Query{Class: laser.CID()}, []string{"a1", "a2"}},
		{"class and territory", store.Query{Class: laser.CID(), Territory: rennes}, []string{"a1"}},
		{"class and holder", store.Query{Class: laser.CID(), Holder: didOf(bob)}, []string{"a2"}},
		{"target", store.Query{Target: protocol.Target{CID: a1.CID()}}, []string{"e"}},
		{"target and kind", store.Query{Target: protocol.Target{CID: a2.CID()}, Kinds: kinds(protocol.Endorsement)}, nil},
		{"since", store.Query{Since: noon.Add(5 * time.Hour)}, []string{"n", "st"}},
		{"until", store.Query{Until: noon.Add(time.Hour)}, []string{"laser", "wood"}},
		{"between, newest", store.Query{Since: noon.Add(time.Hour), Until: noon.Add(3 * time.Hour), Newest: true}, []string{"a2", "a1"}},
		{"nowhere", store.Query{Territory: "fr:com:35238"}, nil},
		{"nobody", store.Query{Author: didOf(mallory)}, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var got []string
			for e, err := range s.Find(tt.q) {
				if err != nil {
					t.Fatal(err)
				}
				r, err := e.Record()
				if err != nil {
					t.Fatal(err)
				}
				if e.Kind != r.Kind() || !e.Created.Equal(r.Created()) {
					t.Errorf("entry %v says %s, %s", r.CID(), e.Kind, e.Created)
				}
				got = append(got, names[r.CID().String()])
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
			if n, err := s.Count(tt.q); err != nil || n != len(tt.want) {
				t.Errorf("Count: got %d, %v", n, err)
			}
		})
	}
}

func TestPagesDoNotShow(t *testing.T) {
	s := inMemory(t)
	var records []protocol.Record
	for i := range 1300 {
		// Three of one second, in the order of arrival.
		records = append(records, notice(t, i, alice, noon.Add(time.Duration(i/3)*time.Second), "x"))
	}
	put(t, s, records...)
	var ids []uint32
	for e, err := range s.Find(store.Query{Territory: brest}) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, e.ID)
	}
	if len(ids) != len(records) || !slices.IsSorted(ids) {
		t.Errorf("found %d of %d, sorted: %t", len(ids), len(records), slices.IsSorted(ids))
	}
	var back []uint32
	for e := range s.Find(store.Query{Author: didOf(alice), Newest: true}) {
		back = append(back, e.ID)
	}
	slices.Reverse(back)
	if !slices.Equal(ids, back) {
		t.Error("newest first is not the reverse of oldest first")
	}
	seq := uint32(0)
	for e := range s.Each(0) {
		if seq++; e.Seq != seq {
			t.Fatalf("arrival %d, want %d", e.Seq, seq)
		}
	}
	if seq != 1300 {
		t.Errorf("Each gave %d", seq)
	}
}

func TestAFollowerSeesEverythingOnce(t *testing.T) {
	s, dir := onDisk(t)
	cursor, err := s.Cursor("trust")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	done := make(chan []uint32)
	go func() {
		var seen []uint32
		for len(seen) < 50 {
			page, err := cursor.Next(7)
			if err != nil || len(page) == 0 {
				if err == nil {
					err = s.Wait(ctx, cursor.Position())
				}
				if err != nil {
					t.Error(err)
					break
				}
				continue
			}
			for _, e := range page {
				seen = append(seen, e.Seq)
			}
			if err := cursor.Commit(page[len(page)-1].Seq); err != nil {
				t.Error(err)
			}
		}
		done <- seen
	}()
	for i := range 50 {
		put(t, s, notice(t, i, alice, noon, "x"))
	}
	seen := <-done
	if len(seen) != 50 || seen[0] != 1 || seen[49] != 50 || !slices.IsSorted(seen) {
		t.Errorf("seen %v", seen)
	}
	if err := cursor.Commit(51); err == nil {
		t.Error("committed an arrival that is not there")
	}
	s.Close()
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	cursor, err = s.Cursor("trust")
	if err != nil || cursor.Position() != 50 {
		t.Fatalf("after reopening the cursor stands at %d, %v", cursor.Position(), err)
	}
	if err := cursor.Reset(); err != nil {
		t.Fatal(err)
	}
	if page, err := cursor.Next(100); err != nil || len(page) != 50 {
		t.Errorf("after a reset: %d entries, %v", len(page), err)
	}
	if _, err := s.Cursor("no such name!"); err == nil {
		t.Error("a bad name was taken")
	}
}

func TestPrivateRows(t *testing.T) {
	s, dir := onDisk(t)
	peers := s.Private("peers")
	for _, k := range []string{"b", "a", "c"} {
		if err := peers.Put([]byte(k), []byte("v"+k)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Private("peers-too").Put([]byte("z"), nil); err != nil {
		t.Fatal(err)
	}
	if err := peers.Delete([]byte("c")); err != nil {
		t.Fatal(err)
	}
	if err := s.Private("Bad Name").Put([]byte("z"), nil); err == nil {
		t.Error("a bad name was taken")
	}
	s.Close()
	peers = open(t, store.Config{Dir: dir, MinFree: 1 << 20}).Private("peers")
	var got string
	for k, v := range peers.Each() {
		got += string(k) + "=" + string(v) + " "
	}
	if got != "a=va b=vb " {
		t.Errorf("Each: got %q", got)
	}
	if _, err := peers.Get([]byte("c")); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("Get of a deleted key: got %v", err)
	}
}

// Every row of a store with some of everything is of one shape of the key
// table, and no shape is there for nothing.
func TestEveryKeyIsOfTheTable(t *testing.T) {
	s, _ := onDisk(t)
	laser := class(t, "laser", tyfab)
	a := award(t, laser, tyfab, alice, noon, in(brest, rennes))
	gone := notice(t, 1, alice, noon, "x")
	put(t, s,
		laser, a, gone, endorse(t, a, bob, noon, ""), award(t, class(t, "jamais", bob), bob, alice, noon, in()),
		status(t, a.CID(), badge.Suspended, tyfab, noon), status(t, gone.CID(), badge.Erased, alice, noon),
		dispute(t, string(didOf(mallory)), bob, noon), profile(t, bob, noon), succession(t, bob, mallory, noon),
	)
	if err := s.Private("peers").Put([]byte{0xff, 0}, []byte("x")); err != nil {
		t.Fatal(err)
	}
	cursor, err := s.Cursor("trust")
	if err != nil {
		t.Fatal(err)
	}
	if err := cursor.Commit(s.Last()); err != nil {
		t.Fatal(err)
	}
	s.Sync()
	seen := map[string]bool{
		"y 00000011": true, // there only while Put runs
		"M clean":    true, // there only when nobody is
	}
	shapes := store.KeyShapes(t)
	for _, key := range s.Keys() {
		var of []string
		for example, shape := range shapes {
			if shape.MatchString(hex.EncodeToString(key)) {
				of = append(of, example)
			}
		}
		if len(of) != 1 {
			t.Errorf("key %q is of the shapes %q", key, of)
		}
		for _, example := range of {
			seen[example] = true
		}
	}
	for example := range shapes {
		if !seen[example] {
			t.Errorf("no key is like %q", example)
		}
	}
}

// The test of the tests: what Audit must see.
func TestTheAuditSees(t *testing.T) {
	laser := class(t, "laser", tyfab)
	a := award(t, laser, tyfab, alice, noon, in(brest, rennes))
	e := endorse(t, a, bob, noon, "")
	revoked := status(t, a.CID(), badge.Revoked, tyfab, noon)
	for _, family := range "lcbmkahtqgsin" {
		t.Run(string(family), func(t *testing.T) {
			s := inMemory(t)
			put(t, s, laser, a, e, revoked, dispute(t, class(t, "x", bob).CID().String(), bob, noon))
			if err := s.AuditError(); err != nil {
				t.Fatal(err)
			}
			for _, key := range s.Keys() {
				if key[0] == byte(family) {
					if err := s.Delete(key); err != nil {
						t.Fatal(err)
					}
					break
				}
			}
			if s.AuditError() == nil {
				t.Error("a row is gone and nobody saw")
			}
		})
	}
}

func TestAFollowerIsNeverAheadOfTheRecords(t *testing.T) {
	s, dir := onDisk(t)
	put(t, s, notice(t, 1, alice, noon, "x"), notice(t, 2, alice, noon, "x"))
	if s.Durable() != 0 {
		t.Errorf("durable before Sync: %d", s.Durable())
	}
	cursor, err := s.Cursor("search")
	if err != nil {
		t.Fatal(err)
	}
	if err := cursor.Commit(2); err != nil {
		t.Fatal(err)
	}
	if slices.ContainsFunc(s.Keys(), func(k []byte) bool { return string(k) == "usearch" }) {
		t.Error("the cursor was written before what it stands on was durable")
	}
	if again, err := s.Cursor("search"); err != nil || again.Position() != 2 {
		t.Errorf("before Sync the cursor stands at %d, %v", again.Position(), err)
	}
	if err := s.Sync(); err != nil || s.Durable() != 2 {
		t.Errorf("after Sync: %d, %v", s.Durable(), err)
	}
	// A disk that lies has kept the cursor and lost what it stands on.
	s.Set([]byte("usearch"), []byte{0, 0, 0, 9})
	s.LosePower(0)
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if cursor, err = s.Cursor("search"); err != nil || cursor.Position() != 0 {
		t.Errorf("a cursor after the last record stands at %d, %v", cursor.Position(), err)
	}
}

// Run does in time what nobody asked for.
func TestRunSyncsAndWipes(t *testing.T) {
	defer store.Uncompressed()()
	s, dir := onDisk(t)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	n := notice(t, 1, alice, noon, secret)
	put(t, s, n, status(t, n.CID(), badge.Erased, alice, noon))
	for look := time.Tick(20 * time.Millisecond); s.Durable() < 2 || holds(t, dir, secret); {
		select {
		case <-look:
		case <-ctx.Done():
			t.Fatalf("durable: %d of 2, the erased is there: %t", s.Durable(), holds(t, dir, secret))
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestA32BitBuildIsRefused(t *testing.T) {
	if err := store.CheckBuild(32); err == nil || !strings.Contains(err.Error(), "amd64 or arm64") {
		t.Errorf("32 bits: got %v", err)
	}
	if err := store.CheckBuild(64); err != nil {
		t.Errorf("64 bits: got %v", err)
	}
}
