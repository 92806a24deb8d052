package node_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"io"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/libp2p/go-libp2p/core/network"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/store"
)

// liar is a stranger's side of a conversation.
type liar struct {
	network.Stream
	t  testing.TB
	in *bufio.Reader
}

func (s *stranger) converse(b *box) *liar {
	s.t.Helper()
	if err := s.Connect(context.Background(), info(s.t, b)); err != nil {
		s.t.Fatal(err)
	}
	var l *liar
	eventually(s.t, "the node listens", func() bool {
		stream := must(s.NewStream(context.Background(), b.PeerID(), node.SyncProtocol))(s.t)
		if err := stream.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			s.t.Fatal(err)
		}
		l = &liar{stream, s.t, bufio.NewReader(stream)}
		_, err := stream.Write(node.CreditFrame(1)) // which opens the stream
		if err == nil {
			_, err = l.in.Peek(1)
		}
		return err == nil // else it is about to ask the stranger
	})
	return l
}

// claims begins a round of a set the liar says it has.
func (l *liar) claims(name string, keys ...reconcile.Key) {
	l.t.Helper()
	session := must(reconcile.New(reconcile.Config{Name: name, View: viewOf(l.t, keys)}))(l.t)
	if _, err := l.Write(session.Start()); err != nil {
		l.t.Fatal(err)
	}
}

func viewOf(t testing.TB, keys []reconcile.Key) reconcile.View {
	t.Helper()
	keys = slices.Clone(keys)
	slices.SortFunc(keys, func(a, b reconcile.Key) int { return bytes.Compare(a[:], b[:]) })
	return must(reconcile.Build(slices.Values(keys)))(t).View()
}

// drain reads until the stream ends, and reports whether that was by a reset.
func (l *liar) drain() (reset bool) {
	_, err := io.Copy(io.Discard, l.in)
	return err != nil
}

func keyOf(r protocol.Record) reconcile.Key { return reconcile.NewKey(r.Created(), r.Digest()) }

func bomb(t testing.TB, size int) []byte {
	t.Helper()
	enc := must(zstd.NewWriter(nil))(t)
	return node.AppendFrame(nil, node.FrameData, enc.EncodeAll(make([]byte, size), nil)...)
}

// Whatever a peer says that no honest one does ends the conversation, counts
// against it and leaves nothing behind.
func TestHostileConversations(t *testing.T) {
	synchronising(t)
	good, second := notice(t, 1, alice, noon), notice(t, 2, alice, noon.Add(-time.Hour))
	if k := keyOf(good); bytes.Compare(k[:], func() []byte { k := keyOf(second); return k[:] }()) > 0 {
		good, second = second, good
	}
	badges, control := node.BadgesName+string(brest), node.ControlName+string(brest)
	elsewhere := notice(t, 3, alice, noon, rennes)
	erasure := status(t, good.CID(), badge.Erased, alice, noon)
	broken := bytes.Replace(good.Bytes(), []byte("Venez."), []byte("Allez."), 1)
	soon := notice(t, 4, alice, noon.Add(time.Hour*24))
	data := func(records ...protocol.Record) []byte {
		var raws [][]byte
		for _, r := range records {
			raws = append(raws, r.Bytes())
		}
		return node.DataFrame(raws)
	}
	huge := bomb(t, 1<<30)
	for _, c := range []struct {
		name  string
		say   func(l *liar)
		blame bool
	}{
		{"junk", func(l *liar) { l.Write([]byte("\x10GET / HTTP/1.1\r\n\r\n")) }, true},
		{"nothing but zeros", func(l *liar) { l.Write(make([]byte, 100)) }, true},
		{"a frame of a terabyte", func(l *liar) { l.Write(binary.AppendUvarint(nil, 1<<40)) }, true},
		{"talk that is too long", func(l *liar) { l.Write(append(binary.AppendUvarint(nil, 70_000), 1)) }, true},
		{"an unknown type", func(l *liar) { l.Write(node.AppendFrame(nil, 0x7f)) }, true},
		{"data before anything", func(l *liar) { l.Write(data(good)) }, true},
		{"an end before anything", func(l *liar) { l.Write(node.AppendFrame(nil, node.FrameEnd)) }, true},
		{"no such set, asked for by nobody", func(l *liar) { l.Write(node.AppendFrame(nil, node.FrameNone)) }, true},
		{"full twice", func(l *liar) {
			l.Write(append(node.AppendFrame(nil, node.FrameFull), node.AppendFrame(nil, node.FrameFull)...))
		}, true},
		{"credit of nothing", func(l *liar) { l.Write(node.AppendFrame(nil, node.FrameCredit, 0)) }, true},
		{"credit without end", func(l *liar) {
			for range 1000 {
				if _, err := l.Write(node.CreditFrame(1 << 20)); err != nil {
					return
				}
			}
		}, true},
		{"the same set twice", func(l *liar) {
			l.claims(badges)
			l.Write(node.AppendFrame(nil, node.FrameEnd))
			l.claims(badges)
		}, true},
		{"talk when all is decided", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.AppendFrame(nil, 3, 0, 1, 1, 0))
		}, true},
		{"a bomb", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(huge)
		}, true},
		{"zstd that is none", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.AppendFrame(nil, node.FrameData, []byte("no zstd")...))
		}, true},
		{"data without data", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.DataFrame(nil))
		}, true},
		{"more than was allowed", func(l *liar) {
			l.claims(badges, keyOf(good))
			for range 20 {
				if _, err := l.Write(node.AppendFrame(nil, node.FrameData, make([]byte, 200_000)...)); err != nil {
					return
				}
			}
		}, true},
		{"an invalid record", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.DataFrame([][]byte{broken}))
		}, true},
		{"a record of another territory", func(l *liar) {
			l.claims(badges, keyOf(elsewhere))
			l.Write(data(elsewhere))
		}, true},
		{"a status among badges", func(l *liar) {
			l.claims(badges, keyOf(erasure))
			l.Write(data(erasure))
		}, true},
		{"a badge among statuses", func(l *liar) {
			l.claims(control, keyOf(good))
			l.Write(data(good))
		}, true},
		{"a key among statuses", func(l *liar) {
			l.claims(control, keyOf(erasure))
			l.Write(node.DataFrame(nil, keyOf(erasure)))
		}, true},
		{"more records than announced", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(data(good, second))
		}, true},
		{"the same record for ever", func(l *liar) {
			var many []reconcile.Key
			for i := range 10_000 {
				many = append(many, reconcile.NewKey(noon.Add(time.Duration(i)*time.Second), [32]byte{byte(i), byte(i >> 8)}))
			}
			l.claims(badges, many...)
			for range 1000 {
				if _, err := l.Write(data(second, second)); err != nil {
					return
				}
			}
		}, true},
		{"records that descend", func(l *liar) {
			l.claims(badges, keyOf(good), keyOf(second))
			l.Write(data(second, good))
		}, true},
		{"silence", func(*liar) {}, false},
		{"silence after a claim", func(l *liar) { l.claims(badges, keyOf(good)) }, false},
		{"less than was promised", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.AppendFrame(nil, node.FrameEnd))
			l.CloseWrite()
		}, false},
		{"a frame cut short", func(l *liar) {
			l.Write(binary.AppendUvarint(nil, 1000))
			l.CloseWrite()
		}, false},
		{"a record from the future", func(l *liar) {
			l.claims(badges, keyOf(soon))
			l.Write(data(soon))
			l.Write(node.AppendFrame(nil, node.FrameEnd))
			l.CloseWrite()
		}, false},
		{"a key of something unknown", func(l *liar) {
			l.claims(badges, keyOf(good))
			l.Write(node.DataFrame(nil, keyOf(good)))
			l.Write(node.AppendFrame(nil, node.FrameEnd))
			l.CloseWrite()
		}, false},
		{"a set that is not followed", func(l *liar) {
			l.claims(node.BadgesName + string(rennes))
			l.claims("x")
			l.CloseWrite()
		}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			victim := start(t, brest)
			eventually(t, "the sets are there", func() bool { _, ok := victim.View(badges); return ok })
			mallory := newStranger(t)
			l := mallory.converse(victim)
			l.t = t
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			began := time.Now()
			c.say(l)
			reset := l.drain()
			if took := time.Since(began); took > 10*time.Second {
				t.Errorf("it took %v to end", took)
			}
			runtime.ReadMemStats(&after)
			if more := after.TotalAlloc - before.TotalAlloc; more > 48<<20 {
				t.Errorf("%d MiB were allocated", more>>20)
			}
			if c.blame {
				if !reset {
					t.Error("the stream was not reset")
				}
				eventually(t, "blamed", func() bool { return victim.Faults(mallory.ID()) > 0.9 })
				if f := victim.Faults(mallory.ID()); f > 1 {
					t.Errorf("blamed %v times, want once", f)
				}
			} else if f := victim.Faults(mallory.ID()); f != 0 {
				t.Errorf("faults: got %v, want none", f)
			}
			r := must(victim.Report())(t)
			if c.name == "more records than announced" || c.name == "records that descend" || c.name == "the same record for ever" {
				if r.Store.Total > 1 {
					t.Errorf("records stored: got %d", r.Store.Total)
				}
			} else if r.Store.Total != 0 || r.Store.Last != 0 || victim.Hollows() != 0 {
				t.Errorf("left behind: %d records, %d hollow keys", r.Store.Total, victim.Hollows())
			}
			// Whoever is honest is served after it.
			honest := start(t, brest)
			honest.brings(second.Bytes())
			honest.meets(victim)
			victim.gets(second)
		})
	}
}

// A peer that is asked and lies: about being equal, about what it has, without
// end, or not at all.
func TestHostileAnswersToSync(t *testing.T) {
	synchronising(t)
	honestly := notice(t, 1, alice, noon)
	for _, c := range []struct {
		name   string
		answer func(l *liar)
		blame  bool
	}{
		{"equal, which it is not", func(l *liar) {
			hello := must(reconcile.ReadHello(must(node.ReadFrame(l.in))(l.t)))(l.t)
			b := append([]byte{2}, make([]byte, 16)...)
			b = binary.AppendUvarint(b, 0)
			b = binary.AppendUvarint(b, uint64(hello.Count))
			b = binary.LittleEndian.AppendUint64(b, 42)
			l.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
		}, true},
		{"a billion records, none of which comes", func(l *liar) {
			b := append([]byte{2}, make([]byte, 16)...)
			b = binary.AppendUvarint(b, 0)
			b = binary.AppendUvarint(b, 1<<30)
			b = binary.LittleEndian.AppendUint64(b, 42)
			l.Write(append(binary.AppendUvarint(nil, uint64(len(b))), b...))
		}, false},
		{"silence", func(*liar) {}, false},
		{"it has no such set, ever", func(l *liar) {
			for {
				frame, err := node.ReadFrame(l.in)
				if err != nil {
					return
				}
				if frame[0] == 1 {
					l.Write(node.AppendFrame(nil, node.FrameNone))
				}
			}
		}, false},
		{"data in place of an answer", func(l *liar) { l.Write(node.DataFrame([][]byte{honestly.Bytes()})) }, true},
		{"it closes", func(l *liar) { l.CloseWrite() }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			victim := start(t, brest)
			mallory := newStranger(t)
			asked := make(chan struct{}, 100)
			mallory.SetStreamHandler(node.SyncProtocol, func(s network.Stream) {
				l := &liar{s, fatal{}, bufio.NewReader(s)}
				defer func() { _ = recover() }() // a stream that ended under the liar
				c.answer(l)
				_, _ = io.Copy(io.Discard, l.in)
				_ = s.Reset()
				select {
				case asked <- struct{}{}:
				default:
				}
			})
			if err := mallory.Connect(context.Background(), info(t, victim)); err != nil {
				t.Fatal(err)
			}
			select {
			case <-asked:
			case <-time.After(15 * time.Second):
				t.Fatal("the victim did not ask, or does not end")
			}
			if c.blame {
				eventually(t, "blamed", func() bool { return victim.Faults(mallory.ID()) > 0.9 })
			} else if f := victim.Faults(mallory.ID()); f != 0 {
				t.Errorf("faults: got %v, want none", f)
			}
			// Its own link suffers, no other.
			honest := start(t, brest)
			honest.brings(honestly.Bytes())
			honest.meets(victim)
			victim.gets(honestly)
		})
	}
}

// What is expanded is bounded by the page, whatever a frame claims; what entries
// say, by what is there.
func FuzzDataFrame(f *testing.F) {
	r := notice(f, 1, alice, noon)
	frame := node.DataFrame([][]byte{r.Bytes()}, keyOf(r))
	f.Add(frame[3:])
	f.Add([]byte{})
	f.Add([]byte("\x28\xb5\x2f\xfd"))
	f.Fuzz(func(t *testing.T, body []byte) {
		records, keys, err := node.ReadData(body)
		if err != nil {
			return
		}
		sum := len(keys) * reconcile.KeySize
		for _, raw := range records {
			if len(raw) == 0 || len(raw) > protocol.MaxBytes {
				t.Errorf("a record of %d bytes", len(raw))
			}
			sum += len(raw)
		}
		if sum == 0 || sum > node.Synchro.Raw {
			t.Errorf("%d bytes of entries", sum)
		}
	})
}

// A peer that says it took a record back: only who holds a status about it
// believes so, and only so many.
func TestHollowKeysAreBounded(t *testing.T) {
	synchronising(t)
	victim := start(t, brest)
	eventually(t, "the sets are there", func() bool { _, ok := victim.View(node.BadgesName + string(brest)); return ok })
	gone := notice(t, 1, alice, noon)
	victim.brings(status(t, gone.CID(), badge.Erased, alice, noon).Bytes())
	most := node.Synchro.HollowFrom
	node.Synchro.HollowFrom = 2
	defer func() { node.Synchro.HollowFrom = most }()
	for i := range 5 {
		k := reconcile.NewKey(noon.Add(time.Duration(i)*time.Minute), gone.Digest())
		n, err := victim.TakeHollows(brest, "mallory", k)
		if err != nil || (n == 1) != (i < 2) {
			t.Errorf("key %d: %d taken, %v", i, n, err)
		}
	}
	if n := victim.Hollows(); n != 1 {
		t.Errorf("hollow keys of one record: got %d, want 1", n)
	}
	if victim.Store().Has(gone.Digest()) != store.Wanted {
		t.Error("the body is not looked for any more")
	}
}

// A slow peer that goes on is waited for, longer than silence would be.
func TestSlowPeer(t *testing.T) {
	synchronising(t)
	victim := start(t, brest)
	eventually(t, "the sets are there", func() bool { _, ok := victim.View(node.BadgesName + string(brest)); return ok })
	records := []protocol.Record{}
	var keys []reconcile.Key
	for i := range 5 {
		r := notice(t, i, alice, noon.Add(time.Duration(i)*time.Minute))
		records, keys = append(records, r), append(keys, keyOf(r))
	}
	mallory := newStranger(t)
	l := mallory.converse(victim)
	l.claims(node.BadgesName+string(brest), keys...)
	tick := time.NewTicker(800 * time.Millisecond)
	defer tick.Stop()
	for _, r := range records { // 4 s in all; silence ends it after 2
		<-tick.C
		if _, err := l.Write(node.DataFrame([][]byte{r.Bytes()})); err != nil {
			t.Fatal(err)
		}
	}
	l.Write(node.AppendFrame(nil, node.FrameEnd))
	l.CloseWrite()
	if l.drain() {
		t.Error("the conversation was reset")
	}
	victim.gets(records...)
}

// A peer that causes much computing waits, and others do not.
func TestComputingIsCharged(t *testing.T) {
	t.Cleanup(node.Synchronise())
	b := start(t, brest)
	ctx := t.Context()
	began := time.Now()
	for range 10 {
		if err := b.Charge(ctx, "mallory", node.Synchro.Burst/10); err != nil {
			t.Fatal(err)
		}
	}
	if took := time.Since(began); took > 500*time.Millisecond {
		t.Errorf("waited %v before the burst was used up", took)
	}
	began = time.Now()
	if err := b.Charge(ctx, "mallory", 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if took := time.Since(began); took < 500*time.Millisecond {
		t.Errorf("waited %v after it, want a second", took)
	}
	began = time.Now()
	if err := b.Charge(ctx, "alice", 100*time.Millisecond); err != nil || time.Since(began) > 500*time.Millisecond {
		t.Errorf("another waited %v: %v", time.Since(began), err)
	}
}
