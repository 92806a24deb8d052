package reconcile_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math/rand/v2"
	"runtime"
	"testing"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// The errors that Receive may return for bytes of others.
var faults = []error{
	reconcile.ErrMalformed, reconcile.ErrLimit, reconcile.ErrVersion, reconcile.ErrName, reconcile.ErrOver,
}

func isFault(err error) bool {
	for _, f := range faults {
		if errors.Is(err, f) {
			return true
		}
	}
	return false
}

// talking returns a session with a peer that has said hello: who asked or who
// answered, in the middle of its comparison.
func talking(t fataler, v reconcile.View, asks bool) *reconcile.Session {
	t.Helper()
	half := make([]reconcile.Key, 0, v.Len()/2)
	for k := range v.Keys(0, v.Len()/2) {
		half = append(half, k)
	}
	a := newSide(t, reconcile.Config{Name: brest, View: v, Nonce: nonce(1)})
	b := newSide(t, reconcile.Config{Name: brest, View: build(t, half).View(), Nonce: nonce(2)})
	if !asks {
		a, b = b, a
		a.session, b.session = newSide(t, reconcile.Config{Name: brest, View: a.view, Nonce: nonce(1)}).session,
			newSide(t, reconcile.Config{Name: brest, View: v, Nonce: nonce(2)}).session
	}
	answer := pass(t, b, a.session.Start())
	if !asks {
		return b.session
	}
	pass(t, a, answer)
	return a.session
}

// frames of a hostile peer, without length. The bound 0x00 is the end of all
// keys; ranges begin with 0x00 0x01, the bound before all keys.
var (
	everyKey  = []byte{0x01, 0x00, 0x01, 0x00, 0x00}
	aMillion  = []byte{0xc0, 0x84, 0x3d}
	tooMuch   = binary.AppendUvarint(nil, 1<<41)
	hugeCount = binary.AppendUvarint(nil, 1<<40)
)

func ranges(parts ...[]byte) []byte {
	return append([]byte{0x03, 0x00, 0x01}, bytes.Join(parts, nil)...)
}

func group(kind byte, parts ...[]byte) []byte {
	return append([]byte{kind}, bytes.Join(parts, nil)...)
}

var hostileFrames = []struct {
	name  string
	frame []byte
	want  error // nil where an odd peer is put up with
}{
	{"an empty frame", nil, reconcile.ErrMalformed},
	{"a frame of no type", []byte{0x00}, reconcile.ErrMalformed},
	{"a frame of a type unknown", []byte{0x06}, reconcile.ErrMalformed},
	{"a second hello", []byte{0x01, 0x01}, reconcile.ErrMalformed},
	{"a second answer", make([]byte, 40), reconcile.ErrMalformed},
	{"a frame too large", make([]byte, reconcile.MaxFrame+1), reconcile.ErrLimit},
	{"ranges of nothing", []byte{0x03}, nil},
	{"a start alone", ranges(), nil},
	{"a start cut short", []byte{0x03, 0x00}, reconcile.ErrMalformed},
	{"a start with low bits", []byte{0x03, 0x01, 0x01}, reconcile.ErrMalformed},
	{"a range of a mode unknown", ranges([]byte{0x06, 0x00}), reconcile.ErrMalformed},
	{"a range cut short", ranges([]byte{0x01, 0x00, 0x05}), reconcile.ErrMalformed},
	{"a padded number", ranges([]byte{0x01, 0x00, 0x85, 0x00}, make([]byte, 8)), reconcile.ErrMalformed},
	{"a number of 70 bits", ranges([]byte{0x00}, bytes.Repeat([]byte{0xff}, 10)), reconcile.ErrMalformed},
	{"a range of nothing", ranges([]byte{0x00, 0x01}), reconcile.ErrMalformed},
	{"a range after the last", ranges([]byte{0x00, 0x00, 0x00, 0x00}), reconcile.ErrMalformed},
	{"the end with a digest", ranges([]byte{0x20, 0x00, 0x01, 0x02}), reconcile.ErrMalformed},
	{"a digest of 33 bytes", ranges([]byte{0xf0, 0x21, 0x05}, make([]byte, 33)), reconcile.ErrMalformed},
	{"a long digest that is short", ranges([]byte{0xf0, 0x03, 0x05}, make([]byte, 3)), reconcile.ErrMalformed},
	{"a time beyond time", ranges([]byte{0x00}, binary.AppendUvarint(nil, 1<<63+1), []byte{0x00}, binary.AppendUvarint(nil, 1<<63+1)), reconcile.ErrMalformed},
	{"a count of 2^41", ranges([]byte{0x01, 0x00}, tooMuch, make([]byte, 8)), reconcile.ErrMalformed},
	{"a fingerprint of 2^40 keys", ranges([]byte{0x01, 0x00}, hugeCount, make([]byte, 8)), nil},
	{"2^40 keys to come", ranges([]byte{0x08, 0x00}, hugeCount), nil},
	{"4,097 ids", ranges([]byte{0x02, 0x00, 0x81, 0x20}), reconcile.ErrLimit},
	{"2^40 ids", ranges([]byte{0x02, 0x00}, hugeCount), reconcile.ErrLimit},
	{"4,096 ids that do not come", ranges([]byte{0x02, 0x00, 0x80, 0x20}), reconcile.ErrMalformed},
	{"one id twice", ranges([]byte{0x02, 0x00, 0x02}, make([]byte, 16)), nil},
	{"more wanted than listed", ranges([]byte{0x03, 0x00, 0x02, 0xff, 0xff}), nil},
	{"2^40 bytes of bits", ranges([]byte{0x03, 0x00}, hugeCount), reconcile.ErrLimit},
	{"a filter of no hash", ranges([]byte{0x04, 0x00, 0x05, 0x00, 0x01, 0xff}), reconcile.ErrMalformed},
	{"a filter of 13 hashes", ranges([]byte{0x04, 0x00, 0x05, 0x0d, 0x01, 0xff}), reconcile.ErrMalformed},
	{"a filter of no byte", ranges([]byte{0x04, 0x00, 0x05, 0x01, 0x00}), reconcile.ErrMalformed},
	{"a filter of 2^40 bytes", ranges([]byte{0x04, 0x00, 0x05, 0x01}, hugeCount), reconcile.ErrMalformed},
	{"a filter of one byte for a million keys", ranges([]byte{0x04, 0x00}, aMillion, []byte{0x01, 0x01, 0x0f}), nil},
	{"asked, by who has 2^40 keys", ranges([]byte{0x05, 0x00}, hugeCount), nil},
	{"a sketch of no range", group(0x04, []byte{0x00}), reconcile.ErrMalformed},
	{"a sketch of 257 ranges", group(0x04, []byte{0x81, 0x02}), reconcile.ErrMalformed},
	{"a sketch of 2^40 ranges", group(0x04, hugeCount), reconcile.ErrMalformed},
	{"a sketch of no cell", group(0x04, everyKey), reconcile.ErrMalformed},
	{"a sketch of 5 cells", group(0x04, everyKey, make([]byte, 65)), reconcile.ErrMalformed},
	{"a sketch of 4 cells and a byte", group(0x04, everyKey, make([]byte, 53)), reconcile.ErrMalformed},
	{"a sketch of 2,404 cells", group(0x04, everyKey, make([]byte, 2404*13)), reconcile.ErrLimit},
	{"a sketch of ones", group(0x04, everyKey, bytes.Repeat([]byte{1}, 2400*13)), nil},
	{"a sketch of a range that is none", group(0x04, []byte{0x01, 0x00, 0x05, 0x00, 0x01}, make([]byte, 52)), reconcile.ErrMalformed},
	{"needs that are no ids", group(0x05, everyKey, []byte{0x00, 0x07}), reconcile.ErrMalformed},
	{"2,401 needs of one sketch", group(0x05, everyKey, []byte{0x00}, make([]byte, 2401*8)), reconcile.ErrLimit},
	{"a need of what nobody has", group(0x05, everyKey, []byte{0x00}, make([]byte, 8)), nil},
	{"needs, and 2^40 keys to come", group(0x05, everyKey, hugeCount), nil},
}

func TestHostileFrames(t *testing.T) {
	v := build(t, numbered(5000)).View()
	for _, tt := range hostileFrames {
		for _, asks := range []bool{true, false} {
			s := talking(t, v, asks)
			_, _, err := s.Receive(tt.frame)
			if tt.want == nil && err != nil || tt.want != nil && !errors.Is(err, tt.want) {
				t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
			}
			if err != nil && !s.Over() {
				t.Errorf("%s: the session goes on after %v", tt.name, err)
			}
		}
	}
}

// allocated returns how many bytes do allocates.
func allocated(do func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	do()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// No frame of a few bytes makes us allocate by what it claims: the worst of them
// have a small set described to them.
func TestClaimsAllocateNothing(t *testing.T) {
	v := build(t, numbered(5000)).View()
	for _, tt := range hostileFrames {
		if len(tt.frame) > 64 {
			continue
		}
		s := talking(t, v, true)
		if got := allocated(func() { s.Receive(tt.frame) }); got > 256<<10 {
			t.Errorf("%s: %d bytes made us allocate %d", tt.name, len(tt.frame), got)
		}
	}
}

// A peer that never agrees is done with after 24 messages, whoever asked, and one
// that never stops after 256 frames.
func TestNeverEnding(t *testing.T) {
	v := build(t, numbered(5000)).View()
	random := rand.New(rand.NewPCG(1, 2))
	for _, asks := range []bool{true, false} {
		s := talking(t, v, asks)
		messages := 2 // hello and answer; who asks has sent a third
		if asks {
			messages++
		}
		var done bool
		var err error
		for !done {
			lie := ranges([]byte{0x01, 0x00}, binary.AppendUvarint(nil, 5000), binary.LittleEndian.AppendUint64(nil, random.Uint64()))
			var reply []byte
			reply, done, err = s.Receive(lie)
			messages++
			if len(reply) > 0 {
				messages++
			}
		}
		// The 24th is of who answers, and must leave nothing open.
		if messages != reconcile.MaxMessages || s.Complete() || errors.Is(err, reconcile.ErrLimit) != asks {
			t.Errorf("asks %v: a peer that never agrees was heard for %d messages, complete %v, %v; want %d",
				asks, messages, s.Complete(), err, reconcile.MaxMessages)
		}
	}

	s := talking(t, v, false)
	frames := 0
	for {
		_, _, err := s.Receive([]byte{0x83})
		if err != nil {
			if !errors.Is(err, reconcile.ErrLimit) {
				t.Errorf("frame %d: got %v, want ErrLimit", frames, err)
			}
			break
		}
		frames++
	}
	if frames > reconcile.MaxFrames {
		t.Errorf("%d frames of one message were heard, want at most %d", frames, reconcile.MaxFrames)
	}
}

// What is promised in the last message is announced, though what is left of the
// range stays open: what comes unannounced would be held against us.
func TestLastMessageAnnounces(t *testing.T) {
	v := build(t, numbered(5000)).View()
	s := talking(t, v, false)
	for messages := 2; messages < reconcile.MaxMessages-2; messages += 2 {
		lie := ranges([]byte{0x01, 0x00}, binary.AppendUvarint(nil, 5000), make([]byte, 8))
		if _, done, err := s.Receive(lie); done || err != nil {
			t.Fatalf("after %d messages: done %v, %v", messages, done, err)
		}
	}
	nothing := ranges([]byte{0x04, 0x00, 0x05, 0x01, 0x01, 0x00}) // a filter of no key, for 5
	reply, done, err := s.Receive(nothing)
	want := ranges([]byte{0x08, 0x00}, binary.AppendUvarint(nil, 5000))
	if err != nil || !done || s.Complete() || !bytes.Equal(reply[1:], want) {
		t.Errorf("got %x, done %v, %v, complete %v, want %x", reply, done, err, s.Complete(), want)
	}
}

// A peer that makes us hash every key again and again is cut off.
func TestHashingIsBounded(t *testing.T) {
	v := build(t, numbered(50_000)).View()
	s := talking(t, v, true)
	junk := group(0x84, everyKey, bytes.Repeat([]byte{1}, 24*13))
	for n := 1; ; n++ {
		_, _, err := s.Receive(junk)
		if errors.Is(err, reconcile.ErrLimit) {
			break
		}
		if err != nil || n > 20 {
			t.Fatalf("sketch %d of 50,000 keys: got %v, want ErrLimit by the 18th", n, err)
		}
	}
}

// frameOf draws a frame that is well-formed, and means anything.
func frameOf(random *rand.Rand, v reconcile.View) []byte {
	count := func() []byte {
		return binary.AppendUvarint(nil, random.Uint64N(1<<random.IntN(41)))
	}
	junk := func(n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(random.Uint32())
		}
		return b
	}
	goesOn := byte(random.IntN(8)/7) << 7
	switch random.IntN(5) {
	case 0:
		return append(group(0x04|goesOn, everyKey), junk(52*(1+random.IntN(20)))...)
	case 1:
		return append(group(0x05|goesOn, everyKey, count()), junk(8*random.IntN(30))...)
	}
	b := []byte{0x03 | goesOn, 0x00, 0x01}
	at := uint64(0)
	for i, n := 0, random.IntN(200); i <= n; i++ {
		mode := byte(random.IntN(6)) | byte(random.IntN(2))<<3
		b = append(b, mode)
		if i == n {
			b = append(b, 0)
		} else {
			to := uint64(v.At(min(v.Len()-1, v.Len()*i/n+random.IntN(1+v.Len()/n))).Created().Unix())
			to = max(to, at+1)
			b = binary.AppendUvarint(b, to-at+1)
			at = to
		}
		if mode&0x08 != 0 {
			b = append(b, count()...)
		}
		switch mode & 7 {
		case 1:
			b = append(append(b, count()...), junk(8)...)
		case 2:
			n := random.IntN(20)
			b = append(append(b, byte(n)), junk(8*n)...)
		case 3:
			n := random.IntN(5)
			b = append(append(b, byte(n)), junk(n)...)
		case 4:
			n := 1 + random.IntN(100)
			b = append(append(append(b, count()...), byte(1+random.IntN(12)), byte(n)), junk(n)...)
		case 5:
			b = append(b, count()...)
		}
	}
	return b
}

// Whatever a peer says that can be read, the session ends, and neither memory
// nor answers grow with what it claims.
func TestHostilePeer(t *testing.T) {
	v := build(t, numbered(5000)).View()
	random := rand.New(rand.NewPCG(7, 9))
	for range 300 {
		s := talking(t, v, random.IntN(2) == 0)
		heard, said, n := 0, 0, 0
		spent := allocated(func() {
			for done := false; !done; n++ {
				frame := frameOf(random, v)
				heard += len(frame)
				var reply []byte
				var err error
				if reply, done, err = s.Receive(frame); err != nil && !isFault(err) {
					t.Fatal(err)
				}
				said += len(reply)
				for len(s.Push(100)) > 0 {
				}
			}
		})
		// Each message may be answered by all ids of 5,000 keys twice over.
		if limit := reconcile.MaxMessages * 2 * 8 * 5000; said > limit || n > reconcile.MaxFrames {
			t.Fatalf("%d bytes in %d frames were answered by %d, want at most %d", heard, n, said, limit)
		}
		if limit := uint64(64<<20 + 64*heard); spent > limit {
			t.Fatalf("%d bytes in %d frames made us allocate %d in all, want at most %d", heard, n, spent, limit)
		}
	}
}

// Sketches full of ids that nobody has, 8 MB of them: what a session keeps stays
// within bounds.
func TestJunkIsNotKept(t *testing.T) {
	s := talking(t, build(t, numbered(5000)).View(), true)
	before := heap()
	id := uint64(0)
	last := reconcile.NewKey(keyOf(1<<30).Created(), [32]byte{})
	for n := 0; ; n++ {
		// Four parts of 600 cells; of each id all four cells are the same as
		// those of nothing else, if ids are found by counting up.
		frame := append([]byte{0x84, 0x01, 0x00}, binary.AppendUvarint(nil, uint64(last.Created().Unix())+1)...)
		frame = append(frame, 0x00, 0x00)
		frame = append(frame, sketchOf(400, &id)...)
		if _, _, err := s.Receive(frame); err != nil {
			if !errors.Is(err, reconcile.ErrLimit) {
				t.Errorf("after %d sketches: got %v, want ErrLimit", n, err)
			}
			break
		}
	}
	if kept := heap() - before; int64(kept) > 16<<20 {
		t.Errorf("100,000 ids that nobody has are kept in %d bytes", kept)
	}
	runtime.KeepAlive(s)
}

// sketchOf returns the cells of n new ids in 2,400, as a peer would.
func sketchOf(n int, id *uint64) []byte {
	mix := func(x uint64) uint64 {
		x = (x ^ x>>33) * 0xff51afd7ed558ccd
		x = (x ^ x>>33) * 0xc4ceb9fe1a85ec53
		return x ^ x>>33
	}
	cells := make([]byte, 2400*13)
	for range n {
		*id++
		x := mix(*id)
		y := mix(x)
		for part, low := range []uint64{x & 0xffffffff, x >> 32, y & 0xffffffff, y >> 32} {
			c := cells[13*(uint64(part)*600+low*600>>32):]
			binary.LittleEndian.PutUint64(c, binary.LittleEndian.Uint64(c)^x)
			binary.LittleEndian.PutUint32(c[8:], binary.LittleEndian.Uint32(c[8:])^uint32(mix(x^0x9e3779b97f4a7c15)))
			c[12]++
		}
	}
	return cells
}

// FuzzReceive feeds bytes, cut into frames, to each kind of session.
func FuzzReceive(f *testing.F) {
	keys := numbered(2000)
	v := build(f, keys).View()
	for _, lacks := range []func(i int) bool{
		nobody,
		func(i int) bool { return i%300 == 0 },
		func(i int) bool { return i > 1000 },
		func(i int) bool { return i%10 == 0 },
		func(i int) bool { return i != 3 },
		func(i int) bool { return true },
	} {
		other := build(f, without(keys, lacks)).View()
		for _, views := range [][2]reconcile.View{{v, other}, {other, v}} {
			for _, audit := range []bool{false, true} {
				said := transcript(f, reconcile.Config{View: views[0], Audit: audit}, reconcile.Config{View: views[1]})
				for i, message := range said {
					f.Add(byte(i), message)
					f.Add(byte(i+1), message)
				}
			}
		}
	}
	for _, h := range hostileFrames {
		if len(h.frame) < 1000 {
			f.Add(byte(2), append(binary.AppendUvarint(nil, uint64(len(h.frame))), h.frame...))
		}
	}
	f.Fuzz(func(t *testing.T, role byte, data []byte) {
		var s *reconcile.Session
		switch c := (reconcile.Config{Name: brest, View: v, Nonce: nonce(1)}); role % 4 {
		case 0:
			s = newSide(t, c).session
		case 1:
			s = newSide(t, c).session
			s.Start()
		default:
			s = talking(t, v, role%4 == 2)
		}
		for r := bytes.NewReader(data); r.Len() > 0; {
			frame, err := reconcile.ReadFrame(r, nil)
			if err != nil {
				break
			}
			reply, done, err := s.Receive(frame)
			if err != nil && !isFault(err) || err != nil && !done {
				t.Fatalf("done %v, %v", done, err)
			}
			for replies := bytes.NewReader(reply); replies.Len() > 0; {
				if _, err := reconcile.ReadFrame(replies, nil); err != nil {
					t.Fatalf("a reply that cannot be read: %v", err)
				}
			}
			if done {
				break
			}
		}
		for keys := s.Push(50); len(keys) > 0; keys = s.Push(50) {
			for _, k := range keys {
				if !v.Has(k) {
					t.Fatalf("%x is to be sent, and not here", k)
				}
			}
		}
	})
}

// transcript returns the messages of a comparison.
func transcript(t fataler, a, b reconcile.Config) (said [][]byte) {
	t.Helper()
	a.Name, b.Name, a.Nonce, b.Nonce = brest, brest, nonce(1), nonce(2)
	from, to := newSide(t, a), newSide(t, b)
	for message := from.session.Start(); len(message) > 0; from, to = to, from {
		said = append(said, message)
		message = pass(t, to, message)
	}
	return said
}

func FuzzReadHello(f *testing.F) {
	for _, c := range []reconcile.Config{{Name: brest}, {Name: "x", Audit: true, View: build(f, numbered(300)).View()}} {
		f.Add(newSide(f, c).session.Start()[1:])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		h, err := reconcile.ReadHello(data)
		if err != nil && !isFault(err) {
			t.Fatal(err)
		}
		if err == nil && (len(h.Name) == 0 || len(h.Name) > reconcile.MaxName || h.Count < 0) {
			t.Fatalf("got %+v", h)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	f.Add([]byte{2, 7, 8})
	f.Add([]byte{0xff, 0xff, 0x03})
	f.Fuzz(func(t *testing.T, data []byte) {
		frame, err := reconcile.ReadFrame(bytes.NewReader(data), nil)
		if err == nil && !bytes.Contains(data, frame) {
			t.Fatalf("got %x of %x", frame, data)
		}
	})
}
