package store_test

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

func TestStatesFollowTheEntitled(t *testing.T) {
	laser := class(t, "laser", tyfab)
	a := award(t, laser, tyfab, alice, noon.Add(time.Hour), in())
	e := endorse(t, a, bob, noon.Add(2*time.Hour), "")
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	for _, tt := range []struct {
		why      string
		of       protocol.Record
		statuses []protocol.Record
		want     protocol.State
	}{
		{"nothing said", a, nil, protocol.Live},
		{"its issuer", a, []protocol.Record{status(t, a.CID(), badge.Revoked, tyfab, at(3))}, protocol.Revoked},
		{"a stranger", a, []protocol.Record{status(t, a.CID(), badge.Revoked, mallory, at(3))}, protocol.Live},
		{"its holder cannot revoke", a, []protocol.Record{status(t, a.CID(), badge.Revoked, alice, at(3))}, protocol.Live},
		{"suspended, then not", a, []protocol.Record{
			status(t, a.CID(), badge.Suspended, tyfab, at(3)), status(t, a.CID(), badge.Reinstated, tyfab, at(4)),
		}, protocol.Live},
		{"final stays", a, []protocol.Record{
			status(t, a.CID(), badge.Renounced, alice, at(3)), status(t, a.CID(), badge.Reinstated, tyfab, at(4)),
		}, protocol.Renounced},
		{"withdrawn", e, []protocol.Record{status(t, e.CID(), badge.Withdrawn, bob, at(3))}, protocol.Withdrawn},
		{"retired", laser, []protocol.Record{status(t, laser.CID(), badge.Retired, tyfab, at(3))}, protocol.Retired},
	} {
		for _, first := range []string{"record", "statuses"} {
			t.Run(tt.why+", "+first+" first", func(t *testing.T) {
				s := inMemory(t)
				records := append([]protocol.Record{laser, a, e}, tt.statuses...)
				if first == "statuses" {
					slices.Reverse(records)
				}
				for _, r := range records { // batches of one
					put(t, s, r)
				}
				if got, err := s.State(tt.of.CID()); err != nil || got != tt.want {
					t.Errorf("got %v, %v, want %v", got, err, tt.want)
				}
				for entry := range s.Find(store.Query{Kinds: []protocol.Kind{tt.of.Kind()}}) {
					if entry.State != tt.want {
						t.Errorf("the index says %v", entry.State)
					}
				}
				if got, err := s.Statuses(tt.of.CID()); err != nil || len(got) != len(tt.statuses) {
					t.Errorf("%d statuses, %v", len(got), err)
				}
			})
		}
	}
}

// picture is all the store says that must not depend on the order of arrival.
func picture(t testing.TB, s *store.Store, records []protocol.Record) string {
	var b strings.Builder
	fail := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	for _, r := range records {
		state, err := s.State(r.CID())
		if errors.Is(err, store.ErrNotFound) {
			fail(err)
		}
		_, got := s.Get(r.CID())
		fmt.Fprintln(&b, r.CID(), r.Kind(), state, s.Has(r.Digest()), errors.Is(got, store.ErrErased))
		var about []string
		for e, err := range s.Find(store.Query{Target: protocol.Target{CID: r.CID()}}) {
			fail(err)
			c, err := e.CID()
			fail(err)
			about = append(about, fmt.Sprintln("  about it", c, e.State))
		}
		slices.Sort(about)
		fmt.Fprint(&b, about)
		if r.Kind() != protocol.Class {
			continue
		}
		n, err := s.ClassEndorsements(r.CID())
		fail(err)
		fmt.Fprintln(&b, "  endorsed", n)
		for _, where := range []string{"", brest, rennes} {
			var rows []string
			for a, err := range s.Awards(r.CID(), territoryID(where)) {
				fail(err)
				award, err := s.Record(a.ID)
				fail(err)
				issuer, err := s.DID(a.Issuer)
				fail(err)
				holder, err := s.DID(a.Holder)
				fail(err)
				a.ID, a.Issuer, a.Holder = 0, 0, 0
				rows = append(rows, fmt.Sprintf("  award %s in %q: %+v %s %s", award.CID(), where, a, issuer, holder))
			}
			slices.Sort(rows)
			fmt.Fprintln(&b, strings.Join(rows, "\n"))
		}
	}
	missing, err := s.Missing(100)
	fail(err)
	var wanted []string
	for _, m := range missing {
		wanted = append(wanted, fmt.Sprintf("missing %s %d", m.CID, m.Waiting))
	}
	slices.Sort(wanted)
	fmt.Fprintln(&b, wanted)
	for _, where := range []string{brest, rennes} {
		for d, err := range s.Digests(territoryID(where)) {
			fail(err)
			fmt.Fprintf(&b, "%s %x %v %v %v\n", where, d.Digest, d.Created, d.Kind, d.Stub)
		}
	}
	st, err := s.Stats()
	fail(err)
	st.Bytes, st.Identities = 0, 0 // the holder of what came after its erasure is nobody
	fmt.Fprintln(&b, st)
	return b.String()
}

func TestTheOrderOfArrivalDoesNotMatter(t *testing.T) {
	at := func(h int) time.Time { return noon.Add(time.Duration(h) * time.Hour) }
	laser, wood := class(t, "laser", tyfab), class(t, "bois", tyfab)
	never := class(t, "jamais", tyfab) // not here
	a := award(t, laser, tyfab, alice, at(1), in(brest, rennes))
	b := award(t, laser, bob, bob, at(2), in())
	c := award(t, never, tyfab, alice, at(3), in(rennes))
	d := award(t, wood, tyfab, bob, at(4), in())
	lone := award(t, class(t, "seul", tyfab), tyfab, bob, at(4), in()) // the only one to name its class
	n := notice(t, 1, alice, at(5), "secret")
	e1, e2, e3 := endorse(t, a, bob, at(6), ""), endorse(t, a, tyfab, at(7), ""), endorse(t, a, bob, at(8), "")
	old := endorse(t, a, mallory, at(6), badge.FormatTime(at(20))) // over when the rows are written
	onClass := endorse(t, laser, bob, at(9), "")
	onGone := endorse(t, d, alice, at(9), "")
	onNobody := endorse(t, class(t, "inconnu", bob), alice, at(9), "")
	page, newer := profile(t, tyfab, at(1)), profile(t, tyfab, at(2))
	records := []protocol.Record{
		laser, wood, a, b, c, d, lone, n, e1, e2, e3, old, onClass, onGone, onNobody,
		status(t, b.CID(), badge.Suspended, bob, at(10)), status(t, b.CID(), badge.Reinstated, bob, at(11)),
		status(t, b.CID(), badge.Suspended, bob, at(12)),
		status(t, e2.CID(), badge.Withdrawn, tyfab, at(10)),
		status(t, d.CID(), badge.Erased, bob, at(10)), status(t, d.CID(), badge.Revoked, tyfab, at(11)),
		status(t, lone.CID(), badge.Erased, bob, at(10)),
		status(t, n.CID(), badge.Erased, alice, at(10)), status(t, a.CID(), badge.Erased, mallory, at(10)),
		status(t, laser.CID(), badge.Retired, tyfab, at(10)),
		derived(t, wood, bob), derived(t, class(t, "perdu", bob), bob),
		dispute(t, b.CID().String(), alice, at(9)), dispute(t, string(didOf(mallory)), bob, at(9)),
		dispute(t, c.CID().String(), mallory, at(9)), succession(t, bob, mallory, at(9)), page, newer,
		endorseProfile(t, tyfab, alice, page.CID().String(), at(10)), endorseProfile(t, tyfab, bob, "", at(10)),
		status(t, page.CID(), badge.Erased, tyfab, at(11)),
	}
	kinds := map[protocol.Kind]bool{}
	for _, r := range records {
		kinds[r.Kind()] = true
	}
	if len(kinds) != len(protocol.Kinds) {
		t.Fatalf("only the kinds %v", kinds)
	}
	first := inMemory(t)
	put(t, first, records...)
	if err := first.AuditError(); err != nil {
		t.Fatal(err)
	}
	want := picture(t, first, records)
	for _, line := range []string{"Endorsements:1 Level:0 Matches:true", "State:suspended", "endorsed 1", "State:live"} {
		if !strings.Contains(want, line) {
			t.Fatalf("no %q in\n%s", line, want)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		s, err := store.Open(store.Config{InMemory: true, Now: func() time.Time { return noon.AddDate(0, 1, 0) }})
		if err != nil {
			rt.Fatal(err)
		}
		defer s.Close()
		order := rapid.Permutation(records).Draw(rt, "order")
		for rest := order; len(rest) > 0; {
			k := rapid.IntRange(1, len(rest)).Draw(rt, "batch")
			if _, err := s.Put(rest[:k]...); err != nil {
				rt.Fatal(err)
			}
			rest = rest[k:]
		}
		if err := s.AuditError(); err != nil {
			rt.Fatal(err)
		}
		if got := picture(t, s, records); got != want {
			rt.Fatalf("another order gives another store (got, want):\n%s", cmp.Diff(strings.Split(got, "\n"), strings.Split(want, "\n")))
		}
	})
}

func TestMissingSaysWhoWaits(t *testing.T) {
	s := inMemory(t)
	laser := class(t, "laser", tyfab)
	a := award(t, laser, tyfab, alice, noon.Add(time.Hour), in())
	b := award(t, laser, tyfab, bob, noon.Add(time.Hour), in())
	put(t, s, endorse(t, laser, bob, noon, ""), a, b, status(t, laser.CID(), badge.Retired, tyfab, noon))
	got, err := s.Missing(10)
	if err != nil || len(got) != 1 || got[0].CID != laser.CID() || got[0].Waiting != 4 {
		t.Errorf("got %v, %v", got, err)
	}
	if s.Has(laser.Digest()) != store.Wanted {
		t.Error("the class is not wanted")
	}
	if _, err := s.State(laser.CID()); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("state of a missing class: %v", err)
	}
	put(t, s, laser)
	if got, err := s.Missing(10); err != nil || len(got) != 0 {
		t.Errorf("after it came: %v, %v", got, err)
	}
	if st, err := s.State(laser.CID()); err != nil || st != protocol.Retired {
		t.Errorf("state: %v, %v", st, err)
	}
	for row, err := range s.Awards(laser.CID(), brest) {
		if err != nil || !row.Matches {
			t.Errorf("row %+v, %v", row, err)
		}
	}
}

func TestAnAwardThatShowsAnotherClassNeverMatches(t *testing.T) {
	s := inMemory(t)
	laser := class(t, "laser", tyfab)
	shown := laser.Document().(*badge.Achievement).Embedded(laser.CID().String())
	shown.Name = "Chirurgie"
	offer, err := protocol.Offer(&badge.AchievementCredential{
		Frame: in(), ID: uuid("lie"), Type: []string{"VerifiableCredential", "OpenBadgeCredential"}, Name: "Chirurgie",
		Issuer: badge.ProfileRef{ID: didOf(mallory), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(noon),
		Subject: badge.AchievementSubject{ID: didOf(mallory), Type: []string{"AchievementSubject"}, Achievement: shown},
	}, noon, mallory)
	if err != nil {
		t.Fatal(err)
	}
	lie, err := protocol.CoSign(offer, noon, mallory)
	if err != nil {
		t.Fatal(err)
	}
	put(t, s, lie)
	put(t, s, laser)
	n := 0
	for row, err := range s.Awards(laser.CID(), "") {
		if n++; err != nil || row.Matches {
			t.Errorf("row %+v, %v", row, err)
		}
	}
	if n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestErasedIsRefusedForEver(t *testing.T) {
	s, dir := onDisk(t)
	laser := class(t, "laser", tyfab)
	a := award(t, laser, tyfab, alice, noon, in())
	erased := status(t, a.CID(), badge.Erased, alice, noon.Add(time.Hour))
	put(t, s, laser, a)
	var before []store.Entry // read when the award was still there
	for e := range s.Each(2) {
		before = append(before, e)
	}
	if out := put(t, s, erased, a); out[1] != (store.Outcome{Seq: 2, Status: store.Erased}) {
		t.Errorf("outcomes %v", out)
	}
	if c, err := before[0].CID(); err != nil || c != a.CID() {
		t.Errorf("an entry from before is called %v, %v", c, err)
	}
	if _, err := before[0].Record(); !errors.Is(err, store.ErrErased) {
		t.Errorf("an entry from before: %v", err)
	}
	check := func() {
		t.Helper()
		if _, err := s.Get(a.CID()); !errors.Is(err, store.ErrErased) {
			t.Errorf("Get: %v", err)
		}
		if _, err := s.Bytes(a.CID()); !errors.Is(err, store.ErrErased) {
			t.Errorf("Bytes: %v", err)
		}
		if out := put(t, s, a); out[0] != (store.Outcome{Seq: 2, Status: store.Erased}) {
			t.Errorf("Put: %v", out)
		}
		for e := range s.Find(store.Query{Kinds: []protocol.Kind{protocol.Award}}) {
			t.Errorf("found %v", e)
		}
		n := 0
		for e, err := range s.Each(1) {
			if n++; err != nil || (e.Seq == 2) != (e.State == protocol.Erased) {
				t.Errorf("arrival %+v, %v", e, err)
			}
			if e.Seq != 2 {
				continue
			}
			if _, err := e.Record(); !errors.Is(err, store.ErrErased) {
				t.Errorf("the stub has a record: %v", err)
			}
			if c, err := e.CID(); err != nil || c != a.CID() {
				t.Errorf("the stub is called %v, %v", c, err)
			}
		}
		if n != 3 {
			t.Errorf("%d arrivals", n)
		}
		if st, _ := s.Statuses(a.CID()); len(st) != 1 || st[0].CID() != erased.CID() {
			t.Error("the status is gone")
		}
	}
	check()
	if err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	check()
	s.Close()
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	check()
	for _, key := range s.Keys() {
		if string(key) == "b\x00\x00\x00\x02" {
			t.Error("Badger still has the body")
		}
	}
	if err := s.AuditError(); err != nil {
		t.Error(err)
	}
}

func TestErasedBytesLeaveTheFiles(t *testing.T) {
	defer store.Uncompressed()()
	s, dir := onDisk(t)
	kept := notice(t, 1, bob, noon, "cesmotsrestent")
	n := notice(t, 2, alice, noon, secret)
	var other []protocol.Record
	for i := range 300 {
		other = append(other, notice(t, 10+i, bob, noon, "du bruit"))
	}
	put(t, s, n, kept)
	s.Close() // into a table
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	put(t, s, other[:150]...)
	put(t, s, notice(t, 3, alice, noon, secret+secret)) // in the log of the memtable
	second := notice(t, 3, alice, noon, secret+secret)
	put(t, s, status(t, n.CID(), badge.Erased, alice, noon), status(t, second.CID(), badge.Erased, alice, noon))
	if !holds(t, dir, secret) {
		t.Fatal("the search finds nothing before the wipe: it proves nothing")
	}
	if err := s.Wipe(); err != nil {
		t.Fatal(err)
	}
	if holds(t, dir, secret) {
		t.Error("erased bytes are in the files after Wipe")
	}
	put(t, s, other[150:]...)
	third := notice(t, 4, alice, noon, secret)
	put(t, s, third, status(t, third.CID(), badge.Erased, alice, noon))
	s.Close()
	if holds(t, dir, secret) {
		t.Error("erased bytes are in the files after Close")
	}
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if r, err := s.Get(kept.CID()); err != nil || !bytes.Equal(r.Bytes(), kept.Bytes()) {
		t.Errorf("a neighbour was lost: %v", err)
	}
	for _, r := range other {
		if _, err := s.Get(r.CID()); err != nil {
			t.Fatal(err)
		}
	}
	if !holds(t, dir, "cesmotsrestent") {
		t.Error("the search does not find what is there")
	}
	for _, r := range []protocol.Record{n, second, third} {
		if _, err := s.Bytes(r.CID()); !errors.Is(err, store.ErrErased) {
			t.Errorf("Bytes after reopening: %v", err)
		}
		if out := put(t, s, r); out[0].Status != store.Erased {
			t.Errorf("Put after reopening: %v", out)
		}
		if holds(t, dir, secret) {
			t.Error("a refused record was written")
		}
	}
	if err := s.AuditError(); err != nil { // no body without a record among others
		t.Error(err)
	}
}
