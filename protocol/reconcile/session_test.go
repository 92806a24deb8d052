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
			if errors.Is(err, io.EOF) {
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

// Two sets of equal counts everywhere and no key in common are the worst for
// guesses: nothing shows how far apart they are.
func TestNothingInCommon(t *testing.T) {
	var a, b []reconcile.Key
	for i := range 30_000 {
		k := keyOf(i)
		a = append(a, k)
		b = append(b, reconcile.NewKey(k.Created(), keyOf(-i-1).Digest()))
	}
	m := meet(t, reconcile.Config{View: build(t, a).View()}, reconcile.Config{View: build(t, b).View()})
	m.check(t)
	t.Logf("%d messages of %d bytes", m.messages, m.sizes)
	if m.messages > 14 || m.bytes > 9*30_000 {
		t.Errorf("got %d messages of %d bytes, want at most 14, and less than all ids", m.messages, m.bytes)
	}
}

// Brest keeps records since 2027, Rennes since 2026: they compare what both
// keep, and nothing older is sent.
func TestEpochs(t *testing.T) {
	keys := numbered(5000)
	from := keys[2000].Created()
	missing := without(keys, func(i int) bool { return i%500 == 250 })
	for _, tt := range []struct {
		name         string
		asks, answer reconcile.Config
		want         int
	}{
		{"who asks keeps less", reconcile.Config{View: build(t, missing).View(), From: from}, reconcile.Config{View: build(t, keys).View()}, 6},
		{"who answers keeps less", reconcile.Config{View: build(t, missing).View()}, reconcile.Config{View: build(t, keys).View(), From: from}, 6},
		{"and nothing is missing", reconcile.Config{View: build(t, keys[1000:]).View()}, reconcile.Config{View: build(t, keys).View(), From: from}, 0},
		{"and has nothing", reconcile.Config{View: build(t, keys[:1000]).View()}, reconcile.Config{View: build(t, keys).View(), From: from}, 3000},
		{"and nothing is kept", reconcile.Config{View: build(t, keys).View()}, reconcile.Config{View: build(t, keys[:1000]).View(), From: from}, 0},
	} {
		m := meet(t, tt.asks, tt.answer)
		got := len(m.b.pushed)
		if got != tt.want || int(m.a.session.Expected()) != tt.want {
			t.Errorf("%s: got %d keys, %d expected, want %d", tt.name, got, m.a.session.Expected(), tt.want)
		}
		for _, k := range m.b.pushed {
			if k.Created().Before(from) || !m.a.session.Wants(k) {
				t.Errorf("%s: a key of %s was sent", tt.name, k.Created())
			}
		}
	}
}

// Records are sent while the rest is compared, and always in key order.
func TestPushBegins(t *testing.T) {
	keys := numbered(20_000)
	a := build(t, without(keys, func(i int) bool { return i < 2000 || i == 15_000 })).View()
	m := meet(t, reconcile.Config{View: a}, reconcile.Config{View: build(t, keys).View()})
	m.check(t)

	// Again, up to the message in which Rennes learns that Brest lacks the
	// beginning: what is after is still open.
	brestSide := newSide(t, reconcile.Config{Name: brest, View: a, Nonce: nonce(1)})
	rennes := newSide(t, reconcile.Config{Name: brest, View: build(t, keys).View(), Nonce: nonce(2)})
	message := pass(t, rennes, brestSide.session.Start())
	message = pass(t, brestSide, message)
	pass(t, rennes, message)
	rennes.take(100)
	if rennes.session.Over() || len(rennes.pushed) < 1500 || !slices.Equal(rennes.pushed, keys[:len(rennes.pushed)]) {
		t.Errorf("after 3 messages %d keys could be sent, in order %v; want the first 1,500 or more", len(rennes.pushed), rennes.inOrder)
	}
}

// pass hands all frames of a message to a side and returns the reply.
func pass(t fataler, to *side, message []byte) (reply []byte) {
	t.Helper()
	for r := bytes.NewReader(message); r.Len() > 0; {
		frame, err := reconcile.ReadFrame(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if reply, _, err = to.session.Receive(frame); err != nil {
			t.Fatal(err)
		}
	}
	return reply
}

// What nobody announced and nobody asked for is proof against who sends it.
func TestUnwanted(t *testing.T) {
	keys := numbered(3000)
	lacks := map[int]bool{70: true, 71: true, 2500: true}
	m := meet(t, reconcile.Config{View: build(t, without(keys, func(i int) bool { return lacks[i] })).View()},
		reconcile.Config{View: build(t, keys).View()})
	m.check(t)
	unwanted := 0
	for i, k := range keys {
		if !lacks[i] && !m.a.session.Wants(k) {
			unwanted++
		}
		if m.b.session.Wants(k) {
			t.Fatalf("who lacks nothing wants key %d", i)
		}
	}
	if unwanted < 2900 {
		t.Errorf("of 2,997 keys that are no news, only %d are unwanted", unwanted)
	}
}

func TestReadFrame(t *testing.T) {
	big := append(binary.AppendUvarint(nil, reconcile.MaxFrame), make([]byte, reconcile.MaxFrame)...)
	for _, tt := range []struct {
		name string
		data []byte
		size int
		want error
	}{
		{"nothing", nil, 0, io.EOF},
		{"an empty frame", []byte{0}, 0, nil},
		{"a frame", []byte{2, 7, 8}, 2, nil},
		{"the largest frame", big, reconcile.MaxFrame, nil},
		{"one byte more", binary.AppendUvarint(nil, reconcile.MaxFrame+1), 0, reconcile.ErrLimit},
		{"2^60 bytes", binary.AppendUvarint(nil, 1<<60), 0, reconcile.ErrLimit},
		{"a frame cut short", []byte{9, 1, 2}, 0, io.ErrUnexpectedEOF},
		{"a length cut short", []byte{0x80}, 0, io.ErrUnexpectedEOF},
	} {
		frame, err := reconcile.ReadFrame(bytes.NewReader(tt.data), nil)
		if !errors.Is(err, tt.want) || len(frame) != tt.size {
			t.Errorf("%s: got %d bytes, %v, want %d, %v", tt.name, len(frame), err, tt.size, tt.want)
		}
	}
}

func TestNames(t *testing.T) {
	for _, name := range []string{"", string(make([]byte, reconcile.MaxName+1))} {
		if _, err := reconcile.New(reconcile.Config{Name: name}); !errors.Is(err, reconcile.ErrLimit) {
			t.Errorf("a name of %d bytes: got %v, want ErrLimit", len(name), err)
		}
	}
	frame := newSide(t, reconcile.Config{Name: brest, Audit: true, From: time.Unix(1_800_000_000, 0)}).session.Start()[1:]
	h, err := reconcile.ReadHello(frame)
	if err != nil || h.Name != brest || !h.Audit || h.Count != 0 || h.From.Unix() != 1_800_000_000 {
		t.Errorf("got %+v, %v", h, err)
	}
	other := newSide(t, reconcile.Config{Name: "fr:epci:243500139/badges"})
	if _, _, err := other.session.Receive(frame); !errors.Is(err, reconcile.ErrName) {
		t.Errorf("Rennes, asked for Brest: got %v, want ErrName", err)
	}
	if _, _, err := other.session.Receive(frame); !errors.Is(err, reconcile.ErrOver) {
		t.Errorf("asked again: got %v, want ErrOver", err)
	}
	frame[1]++
	if _, err := reconcile.ReadHello(frame); !errors.Is(err, reconcile.ErrVersion) {
		t.Errorf("version 2: got %v, want ErrVersion", err)
	}
}

// A sketch too small for what differs is answered by a larger one: the same
// cells would fail for ever. Of these conversations some have such a sketch.
func TestFailedSketch(t *testing.T) {
	var keys, most []reconcile.Key
	for i := range 2000 {
		keys = append(keys, keyOf(i))
		if i%200 != 77 {
			most = append(most, keyOf(i))
		}
	}
	mine, theirs := build(t, most).View(), build(t, keys).View()
	for n := range uint64(400) {
		m := meet(t, reconcile.Config{View: mine, Nonce: nonce(2*n + 1)}, reconcile.Config{View: theirs, Nonce: nonce(2*n + 2)})
		if !m.a.session.Complete() || !m.b.session.Complete() || m.messages > 8 {
			t.Fatalf("nonce %d: complete %v and %v after %v", n, m.a.session.Complete(), m.b.session.Complete(), m.sizes)
		}
	}
}
