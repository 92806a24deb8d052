package protocol_test

import (
	"crypto/ed25519"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// statusOf is a status in which k sets state on target.
func statusOf(t testing.TB, target protocol.Record, k ed25519.PrivateKey, state string, at time.Time) protocol.Record {
	t.Helper()
	return must(protocol.Issue(&badge.Status{
		Frame: badge.Frame{Territory: brest}, ID: uuid(100), Type: []string{"essaim:Status"}, Author: didOf(k),
		Target: target.CID().String(), State: state, Reason: "other",
	}, at, k))(t)
}

// Every state on every kind by everybody: the few that have an effect are those
// of the table in spec/records.md §7.
func TestEntitled(t *testing.T) {
	type may struct {
		kind  protocol.Kind
		state string
		who   string
	}
	allowed := map[may]bool{
		{protocol.Award, badge.Suspended, "author"}:       true,
		{protocol.Award, badge.Reinstated, "author"}:      true,
		{protocol.Award, badge.Revoked, "author"}:         true,
		{protocol.Award, badge.Renounced, "holder"}:       true,
		{protocol.Award, badge.Erased, "holder"}:          true,
		{protocol.Endorsement, badge.Withdrawn, "author"}: true,
		{protocol.Dispute, badge.Withdrawn, "author"}:     true,
		{protocol.Class, badge.Retired, "author"}:         true,
		{protocol.Notice, badge.Erased, "author"}:         true,
		{protocol.Profile, badge.Erased, "author"}:        true,
	}
	records := everyKind(t)
	keys := []ed25519.PrivateKey{tyfab, ubo, nadia, key("mallory")}
	n := 0
	for _, kind := range protocol.Kinds {
		target := records[kind]
		for _, state := range badge.States {
			if state == badge.Compromised {
				continue // is of a key, not of a record
			}
			for _, k := range keys {
				who := "another"
				switch didOf(k) {
				case target.Author():
					who = "author"
				case target.Holder():
					who = "holder"
				}
				status := statusOf(t, target, k, state, noon)
				got, want := protocol.Entitled(status, target), allowed[may{kind, state, who}]
				if got != want {
					t.Errorf("%s sets %s on %s: entitled %t, want %t", who, state, kind, got, want)
				}
				if got {
					n++
					if elsewhere := records[protocol.Succession]; protocol.Entitled(status, elsewhere) {
						t.Errorf("a status of %s is entitled on a succession", kind)
					}
				}
			}
		}
	}
	if n != len(allowed) {
		t.Errorf("%d combinations had an effect, want %d", n, len(allowed))
	}
	if protocol.Entitled(records[protocol.Class], records[protocol.Award]) {
		t.Error("a class is entitled as if it were a status")
	}
}

// An issuer who holds the award may do what both may.
func TestEntitledOnAnAwardToOneself(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	own := laserAward(class)
	own.Subject.ID = didOf(tyfab)
	award := must(protocol.CoSign(must(protocol.Offer(own, noon, tyfab))(t), noon, tyfab))(t)
	for _, state := range []string{badge.Suspended, badge.Revoked, badge.Renounced, badge.Erased} {
		if !protocol.Entitled(statusOf(t, award, tyfab, state, noon), award) {
			t.Errorf("%s: not entitled", state)
		}
	}
}

// A story in order: suspended, reinstated, revoked, and then nothing helps but
// erasing.
func TestStateOf(t *testing.T) {
	award := everyKind(t)[protocol.Award]
	at := func(minutes int) time.Time { return noon.Add(time.Duration(minutes) * time.Minute) }
	suspended := statusOf(t, award, tyfab, badge.Suspended, at(1))
	reinstated := statusOf(t, award, tyfab, badge.Reinstated, at(2))
	again := statusOf(t, award, tyfab, badge.Suspended, at(3))
	revoked := statusOf(t, award, tyfab, badge.Revoked, at(4))
	late := statusOf(t, award, tyfab, badge.Reinstated, at(5))
	renounced := statusOf(t, award, nadia, badge.Renounced, at(6))
	erased := statusOf(t, award, nadia, badge.Erased, at(0))
	byNobody := statusOf(t, award, ubo, badge.Erased, at(9))
	for _, tt := range []struct {
		name     string
		statuses []protocol.Record
		want     protocol.State
		by       protocol.Record
	}{
		{"nothing", nil, protocol.Live, protocol.Record{}},
		{"by nobody entitled", []protocol.Record{byNobody}, protocol.Live, protocol.Record{}},
		{"suspended", []protocol.Record{suspended}, protocol.Suspended, suspended},
		{"reinstated", []protocol.Record{suspended, reinstated}, protocol.Live, reinstated},
		{"suspended again", []protocol.Record{suspended, reinstated, again}, protocol.Suspended, again},
		{"revoked", []protocol.Record{suspended, reinstated, again, revoked}, protocol.Revoked, revoked},
		{"too late", []protocol.Record{revoked, late}, protocol.Revoked, revoked},
		{"two final ones", []protocol.Record{revoked, renounced}, protocol.Renounced, renounced},
		{"erased, however early", []protocol.Record{revoked, late, renounced, erased, byNobody}, protocol.Erased, erased},
	} {
		got, by := protocol.StateOf(award, tt.statuses)
		if got != tt.want || by.IsZero() != tt.by.IsZero() || !by.IsZero() && by.CID() != tt.by.CID() {
			t.Errorf("%s: got %s, want %s", tt.name, got, tt.want)
		}
	}
}

// The order of arrival never decides, nor hearing twice, nor reading the
// statuses one by one as a store does.
func TestStateOfIsIndependentOfOrder(t *testing.T) {
	award := everyKind(t)[protocol.Award]
	var pool []protocol.Record
	for minutes := range 3 { // each time has several, so that digests decide too
		at := noon.Add(time.Duration(minutes) * time.Minute)
		for _, state := range badge.States {
			if state == badge.Compromised {
				continue
			}
			pool = append(pool, statusOf(t, award, tyfab, state, at), statusOf(t, award, nadia, state, at), statusOf(t, award, ubo, state, at))
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		some := rapid.SliceOf(rapid.SampledFrom(pool)).Draw(t, "statuses")
		want, by := protocol.StateOf(award, some)
		shuffled := append(append([]protocol.Record(nil), some...), some...)
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "order"), 1))
		r.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		got, gotBy := protocol.StateOf(award, shuffled)
		one, oneBy := protocol.Live, protocol.Record{}
		for _, status := range shuffled {
			if oneBy.IsZero() {
				one, oneBy = protocol.StateOf(award, []protocol.Record{status})
			} else {
				one, oneBy = protocol.StateOf(award, []protocol.Record{status, oneBy})
			}
		}
		if got != want || one != want {
			t.Fatalf("got %s in another order and %s one by one, want %s", got, one, want)
		}
		for _, other := range []protocol.Record{gotBy, oneBy} {
			if by.IsZero() != other.IsZero() || !by.IsZero() && by.CID() != other.CID() {
				t.Fatal("another status decided")
			}
		}
	})
}

func TestStates(t *testing.T) {
	final := map[protocol.State]bool{
		protocol.Revoked: true, protocol.Withdrawn: true, protocol.Retired: true, protocol.Renounced: true, protocol.Erased: true,
	}
	for s := protocol.Live; s <= protocol.Erased; s++ {
		if s.Final() != final[s] {
			t.Errorf("%s: final %t, want %t", s, s.Final(), final[s])
		}
	}
}

func TestValid(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	document := laserAward(class)
	document.ValidFrom, document.ValidUntil = "2026-12-01T00:00:00Z", "2027-12-01T00:00:00Z"
	award := must(protocol.CoSign(must(protocol.Offer(document, noon, tyfab))(t), noon, nadia))(t)
	records := everyKind(t)
	day := func(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }
	for _, tt := range []struct {
		name   string
		record protocol.Record
		now    time.Time
		want   bool
	}{
		{"an award, a second before it begins", award, day(2026, 12, 1).Add(-time.Second), false},
		{"as it begins", award, day(2026, 12, 1), true},
		{"a second before it ends", award, day(2027, 12, 1).Add(-time.Second), true},
		{"as it ends", award, day(2027, 12, 1), false},
		{"an award without end, much later", records[protocol.Award], day(2126, 1, 1), true},
		{"a notice before its end", records[protocol.Notice], day(2027, 4, 30), true},
		{"a notice at its end", records[protocol.Notice], day(2027, 5, 1), false},
		{"a class", records[protocol.Class], day(2126, 1, 1), true},
		{"a dispute without end", records[protocol.Dispute], day(2126, 1, 1), true},
	} {
		if got := tt.record.Valid(tt.now); got != tt.want {
			t.Errorf("%s: got %t, want %t", tt.name, got, tt.want)
		}
	}
	if !award.Until().Equal(day(2027, 12, 1)) || !records[protocol.Class].Until().IsZero() {
		t.Errorf("until: got %v and %v", award.Until(), records[protocol.Class].Until())
	}
}

// An award that shows another class than it names does not match, whatever the
// difference.
func TestMatches(t *testing.T) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(t)
	award := func(change func(*badge.Achievement)) protocol.Record {
		document := laserAward(class)
		change(&document.Subject.Achievement)
		return must(protocol.CoSign(must(protocol.Offer(document, noon, tyfab))(t), noon, nadia))(t)
	}
	if !protocol.Matches(award(func(*badge.Achievement) {}), class) {
		t.Error("an award of the class does not match it")
	}
	for name, change := range map[string]func(*badge.Achievement){
		"another name":      func(a *badge.Achievement) { a.Name = "Soudure" },
		"easier criteria":   func(a *badge.Achievement) { a.Criteria.Narrative = "Rien." },
		"another class":     func(a *badge.Achievement) { a.Class = protocol.CID([32]byte{1}).String() },
		"no alignment":      func(a *badge.Achievement) { a.Alignment = nil },
		"another rule":      func(a *badge.Achievement) { a.Rule = &badge.Rule{By: badge.ByAnyone} },
		"one tag more":      func(a *badge.Achievement) { a.Tag = append([]string{"bois"}, a.Tag...) },
		"another creator":   func(a *badge.Achievement) { c := profileOf(ubo, "TyFab"); a.Creator = &c },
		"the licence taken": func(a *badge.Achievement) { a.Licence = "" },
	} {
		if protocol.Matches(award(change), class) {
			t.Errorf("%s: still matches", name)
		}
	}
	if records := everyKind(t); protocol.Matches(records[protocol.Notice], class) || protocol.Matches(class, class) {
		t.Error("what is no award matches a class")
	}
}
