package reconcile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

const brest = "fr:epci:242900314/badges"

// side is one node of a comparison: its session, and what came of it.
type side struct {
	session *reconcile.Session
	view    reconcile.View
	pushed  []reconcile.Key // in the order in which they were given
	inOrder bool
	done    bool
}

func newSide(t fataler, c reconcile.Config) *side {
	t.Helper()
	s, err := reconcile.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return &side{session: s, view: c.View, inOrder: true}
}

// meeting is what two sides said until both had done.
type meeting struct {
	a, b            *side
	messages, bytes int
	sizes           []int
}

func nonce(seed uint64) (n reconcile.Nonce) {
	binary.LittleEndian.PutUint64(n[:], seed)
	return n
}

// meet has a and b compare; a asks.
func meet(t fataler, a, b reconcile.Config) *meeting {
	t.Helper()
	if a.Name == "" {
		a.Name, b.Name = brest, brest
	}
	if a.Nonce == b.Nonce {
		a.Nonce, b.Nonce = nonce(1), nonce(2)
	}
	m := &meeting{a: newSide(t, a), b: newSide(t, b)}
	message := m.a.session.Start()
	for to, from := m.b, m.a; len(message) > 0; to, from = from, to {
		m.messages++
		m.bytes += len(message)
		m.sizes = append(m.sizes, len(message))
		r := bytes.NewReader(message)
		message = nil
		var buf []byte
		for {
			frame, err := reconcile.ReadFrame(r, buf)
			if err == io.EOF {
				break
			}
			if err != nil {
				t.Fatal(err)
			}
			buf = frame
			if message != nil || to.done {
				t.Fatal("a reply came before the end of the message, or a frame after the end of the session")
			}
			if message, to.done, err = to.session.Receive(frame); err != nil {
				t.Fatal("message", m.messages, "of", len(m.sizes), err)
			}
		}
		to.take(7)
	}
	if !m.b.done && !m.a.done {
		t.Fatal("neither side had done after", m.sizes)
	}
	for _, s := range []*side{m.a, m.b} {
		if !s.session.Over() {
			t.Fatal("a session is not over after", m.sizes)
		}
		s.take(1 << 30)
		if n := s.session.Waiting(); n != 0 {
			t.Fatal("keys still waiting at the end:", n)
		}
	}
	return m
}

// take takes what may be sent by now, at most n keys at a time.
func (s *side) take(n int) {
	for {
		keys := s.session.Push(n)
		if len(keys) == 0 {
			return
		}
		for _, k := range keys {
			if last := len(s.pushed) - 1; last >= 0 && compareKeys(s.pushed[last], k) >= 0 {
				s.inOrder = false
			}
			s.pushed = append(s.pushed, k)
		}
	}
}

// check wants that each side sent exactly what the other lacked, in order, and
// that the other expected it.
func (m *meeting) check(t fataler) {
	t.Helper()
	m.a.check(t, m.b)
	m.b.check(t, m.a)
}

func (s *side) check(t fataler, other *side) {
	t.Helper()
	var want []reconcile.Key
	for k := range s.view.Keys(0, s.view.Len()) {
		if !other.view.Has(k) {
			want = append(want, k)
		}
	}
	if !slices.Equal(s.pushed, want) {
		t.Fatal("sent", len(s.pushed), "keys, in order:", s.inOrder, "; the other lacked", len(want))
	}
	for _, k := range s.pushed {
		if !other.session.Wants(k) {
			t.Fatal("a key was sent that the other does not want:", k)
		}
	}
	if got := other.session.Expected(); got != uint64(len(want)) {
		t.Fatal("expected", got, "records, of which came", len(want))
	}
}

// drawSets draws two sets: common keys, and on each side keys of its own, which
// are scattered, in a tail, or in gaps.
func drawSets(t *rapid.T) (a, b []reconcile.Key) {
	n := rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 2000), rapid.IntRange(0, 20_000)).Draw(t, "keys")
	random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
	same := rapid.Bool().Draw(t, "all in the same second")
	draw := func(name string) func(i int) bool {
		switch rapid.IntRange(0, 4).Draw(t, name+" lacks") {
		case 0:
			return func(int) bool { return false }
		case 1:
			return func(int) bool { return true }
		case 2:
			share := rapid.Float64Range(0, 1).Draw(t, name+" share")
			share *= share * share
			return func(int) bool { return random.Float64() < share }
		case 3:
			from := rapid.IntRange(0, n).Draw(t, name+" from")
			return func(i int) bool { return i >= from }
		}
		period := rapid.IntRange(2, 1000).Draw(t, name+" period")
		gap := rapid.IntRange(1, period).Draw(t, name+" gap")
		return func(i int) bool { return i%period < gap }
	}
	lacksA, lacksB := draw("a"), draw("b")
	for i := range n {
		k := keyOf(i)
		if same {
			k = reconcile.NewKey(time.Unix(1_800_000_000, 0), k.Digest())
		}
		if !lacksA(i) {
			a = append(a, k)
		}
		if !lacksB(i) {
			b = append(b, k)
		}
	}
	return a, b
}

// Whatever two sets are, one session tells each side exactly what the other
// lacks, in few messages and never more bytes than all ids would take.
func TestAnyTwoSetsEndEqual(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := drawSets(t)
		m := meet(t,
			reconcile.Config{View: build(t, a).View(), Audit: rapid.Bool().Draw(t, "audit")},
			reconcile.Config{View: build(t, b).View()})
		m.check(t)
		if limit := 16; m.messages > limit {
			t.Fatalf("%d messages for %d and %d keys, want at most %d", m.messages, len(a), len(b), limit)
		}
		if limit := 1500 + 9*max(len(a), len(b)); m.bytes > limit {
			t.Fatalf("%d bytes for %d and %d keys in %v, want at most %d", m.bytes, len(a), len(b), m.sizes, limit)
		}
	})
}

func TestErrors(t *testing.T) {
	_ = errors.New
}
