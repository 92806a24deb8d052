package node_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p"
	pubsub "github.com/libp2p/go-libp2p-pubsub"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/spec/vectors"
)

// stranger speaks the protocols of a node and none of its rules.
type stranger struct {
	host.Host
	t      testing.TB
	pubsub *pubsub.PubSub
	topics map[territory.ID]*pubsub.Topic
}

func newStranger(t testing.TB) *stranger {
	t.Helper()
	h := must(libp2p.New(libp2p.ListenAddrStrings("/ip4/127.0.0.1/tcp/0"), libp2p.DisableRelay()))(t)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(func() { cancel(); h.Close() })
	params := pubsub.DefaultGossipSubParams()
	params.HeartbeatInterval = node.Gossip.Heartbeat
	ps := must(pubsub.NewGossipSub(ctx, h, node.GossipProtocols(),
		pubsub.WithGossipSubParams(params), pubsub.WithFloodPublish(true),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(node.MessageID), pubsub.WithMaxMessageSize(1<<20), pubsub.WithPeerOutboundQueueSize(1024)))(t)
	return &stranger{h, t, ps, map[territory.ID]*pubsub.Topic{}}
}

// meet connects to a victim and joins its topics.
func (s *stranger) meet(b *box, ids ...territory.ID) {
	s.t.Helper()
	// Where both sides dial at once, one of the two may fail: then the other
	// made the connection, or the next try does.
	eventually(s.t, "the stranger meets the node", func() bool {
		return s.Connect(context.Background(), info(s.t, b)) == nil
	})
	for _, id := range ids {
		if s.topics[id] == nil {
			s.topics[id] = must(s.pubsub.Join(protocol.Topic(id)))(s.t)
			must(s.topics[id].Subscribe())(s.t)
		}
		eventually(s.t, "the stranger knows what the node follows", func() bool {
			return len(s.topics[id].ListPeers()) > 0 && b.Meshed(s.ID(), protocol.Topic(id))
		})
	}
}

func (s *stranger) say(id territory.ID, raw []byte) {
	s.t.Helper()
	if err := s.topics[id].Publish(context.Background(), raw); err != nil {
		s.t.Fatal(err)
	}
}

func info(t testing.TB, b *box) peer.AddrInfo {
	t.Helper()
	return *must(peer.AddrInfoFromString(b.Addrs()[0]))(t)
}

// Of every invalid record there is a vector of, none is stored or passed on, and
// whoever says it is to blame, unless it is only from the future.
func TestNothingInvalidPasses(t *testing.T) {
	victim, third := start(t, brest, "fr:epci:200065597"), start(t, brest, "fr:epci:200065597")
	victim.join(third)
	mallory := newStranger(t)
	mallory.meet(victim, brest, "fr:epci:200065597")
	said, reasons := 0, map[string]int{}
	for _, v := range must(vectors.All())(t) {
		if v.Expect == "ok" || !v.Now.Equal(noon) || v.Expect == string(protocol.FutureDated) {
			continue
		}
		topic := brest
		if v.Topic != "" {
			topic = territory.ID(v.Topic)
		}
		mallory.say(topic, v.Record)
		if len(v.Record) > node.Gossip.Message {
			// The stream is cut, and nothing of it read: no fault is noted.
			continue
		}
		eventually(t, "blamed for "+v.Name, func() bool { return victim.Faults(mallory.ID()) > 0.5 })
		said++
		reasons[v.Expect]++
		// Forgiven, so that the next is not lost on a peer that is not heard.
		if err := victim.UnblockPeer(mallory.ID()); err != nil {
			t.Fatal(err)
		}
		if victim.Faults(mallory.ID()) != 0 {
			t.Error("unblocking does not forgive")
		}
	}
	for _, reason := range protocol.Reasons {
		if reason != protocol.FutureDated && reasons[string(reason)] == 0 {
			t.Errorf("nothing was said that is refused for %s", reason)
		}
	}
	if got := must(victim.Report())(t); int(got.Gossip.Rejected) != said || got.Gossip.Received != 0 || got.Store.Total != 0 || got.Store.Last != 0 {
		t.Errorf("after %d invalid messages: got %+v and %d records, want all rejected and none stored", said, got.Gossip, got.Store.Total)
	}
	// The way to the third is open: a good record takes it.
	good := notice(t, 1, alice, noon)
	victim.hears(third)
	mallory.say(brest, good.Bytes())
	third.gets(good)
	if got := must(third.Report())(t).Gossip; got.Received != 1 || got.Rejected != 0 || got.Ignored != 0 {
		t.Errorf("the third heard %+v, want the good record alone", got)
	}
}

// A message longer than a record and its envelope is not even read.
func TestOversizedMessage(t *testing.T) {
	victim := start(t, brest)
	mallory := newStranger(t)
	mallory.meet(victim, brest)
	mallory.say(brest, bytes.Repeat([]byte("a"), 512<<10))
	// Whoever said it may come again and be heard.
	good := notice(t, 1, alice, noon)
	eventually(t, "heard again", func() bool {
		if victim.has(good) {
			return true
		}
		other := newStranger(t)
		other.meet(victim, brest)
		other.say(brest, good.Bytes())
		return false
	})
	if got := must(victim.Report())(t).Store.Total; got != 1 {
		t.Errorf("records: got %d, want 1", got)
	}
}

// A record from the future is nobody's fault: it is held, and comes in when its
// time does, also after a restart.
func TestFromTheFuture(t *testing.T) {
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	victim := run(t, config, c, brest)
	third := start(t, brest)
	victim.join(third)
	mallory := newStranger(t)
	mallory.meet(victim, brest)
	soon, later := noon.Add(time.Hour), noon.Add(3*time.Hour)
	first, second := notice(t, 1, alice, soon), notice(t, 2, alice, later)
	mallory.say(brest, first.Bytes())
	mallory.say(brest, second.Bytes())
	eventually(t, "both are held", func() bool { return victim.Held() == 2 })
	if f := victim.Faults(mallory.ID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
	if victim.has(first) || third.Held() != 0 {
		t.Error("a record from the future is stored or passed on")
	}
	c.pass(time.Hour)
	victim.gets(first)
	victim.stop()
	c.pass(2 * time.Hour)
	victim = run(t, config, c)
	victim.gets(second)
	eventually(t, "none is held", func() bool { return victim.Held() == 0 })
	victim.stop()
	victim = run(t, config, c)
	if victim.Held() != 0 {
		t.Errorf("held after another restart: got %d, want 0", victim.Held())
	}
}

// One peer cannot fill what is held, and what finds no room is not forgotten: it
// is asked for when its time comes.
func TestHeldIsBounded(t *testing.T) {
	victim, honest := start(t, brest), start(t)
	soon := noon.Add(2 * time.Hour)
	var all []protocol.Record
	for i := range node.MaxHeldFrom + 3 {
		all = append(all, notice(t, i, alice, soon))
	}
	mallory := newStranger(t)
	mallory.meet(victim, brest)
	for _, r := range all {
		mallory.say(brest, r.Bytes())
	}
	eventually(t, "as many are held as may be", func() bool {
		return victim.Held() == node.MaxHeldFrom && must(victim.Report())(t).Gossip.Ignored == uint64(len(all))
	})
	honest.clock.pass(3 * time.Hour)
	honest.upload(all...)
	victim.join(honest)
	victim.clock.pass(3 * time.Hour)
	victim.gets(all...)
}

// A peer that goes on is cut off, is told so by a closed connection, and comes
// back when the admin or time forgives it.
func TestCutOff(t *testing.T) {
	victim := start(t, brest)
	mallory := newStranger(t)
	mallory.meet(victim, brest)
	sayUntilCut := func() {
		t.Helper()
		i := 0
		eventually(t, "cut off", func() bool {
			i++
			_ = mallory.topics[brest].Publish(context.Background(), []byte(strings.Repeat("no json ", i)))
			p, _ := victim.peer(mallory.ID())
			return !p.CutOff.IsZero() && !p.Connected
		})
	}
	sayUntilCut()
	if f := victim.Faults(mallory.ID()); f < 3 {
		t.Errorf("cut off after %v faults, want more than three", f)
	}
	_ = mallory.Connect(context.Background(), info(t, victim))
	eventually(t, "the stranger is not let in", func() bool {
		return mallory.Network().Connectedness(victim.PeerID()) != network.Connected
	})
	if err := victim.UnblockPeer(mallory.ID()); err != nil {
		t.Fatal(err)
	}
	good := notice(t, 1, alice, noon)
	again := func() {
		t.Helper()
		eventually(t, "let in again", func() bool {
			// Not meshed, which gossip puts off for a minute: who says something
			// tells everybody.
			err := mallory.Connect(context.Background(), info(t, victim))
			p, _ := victim.peer(mallory.ID())
			return err == nil && len(p.Follows) > 0 && len(mallory.topics[brest].ListPeers()) > 0
		})
	}
	again()
	mallory.say(brest, good.Bytes())
	victim.gets(good)

	sayUntilCut()
	victim.EndCuts(time.Now().Add(node.Score.CutOff + time.Minute))
	if p, ok := victim.peer(mallory.ID()); ok && !p.CutOff.IsZero() {
		t.Errorf("after its time: got %+v, want no cut", p)
	}
	if f := victim.Faults(mallory.ID()); f < 3 {
		t.Errorf("faults after the cut: got %v, want them to remain", f)
	}
}

// The admin's own peer is not hung up on, only not heard; blocking is for ever,
// and across a restart.
func TestStaticAndBlocked(t *testing.T) {
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	victim := run(t, config, c, brest)
	mallory := newStranger(t)
	if _, err := victim.AddPeer(mallory.Addrs()[0].String() + "/p2p/" + mallory.ID().String()); err != nil {
		t.Fatal(err)
	}
	mallory.meet(victim, brest)
	for i := range 8 {
		mallory.say(brest, []byte(strings.Repeat("no json ", i+1)))
	}
	eventually(t, "no longer heard", func() bool { return victim.OwnScore(mallory.ID()) < node.Score.Graylist })
	if p, _ := victim.peer(mallory.ID()); !p.Connected || !p.Static || !p.CutOff.IsZero() {
		t.Errorf("a static peer with faults: got %+v, want it connected", p)
	}
	if err := victim.BlockPeer(mallory.ID()); err != nil {
		t.Fatal(err)
	}
	gone := func() bool {
		p, _ := victim.peer(mallory.ID())
		return p.Blocked && !p.Connected
	}
	eventually(t, "blocked", gone)
	_, err := victim.AddPeer(mallory.Addrs()[0].String() + "/p2p/" + mallory.ID().String())
	wants(t, "adding a blocked peer", err, node.ErrBlockedPeer)
	victim.stop()
	victim = run(t, config, c)
	_ = mallory.Connect(context.Background(), info(t, victim))
	eventually(t, "blocked after a restart", gone)
	if got := victim.OwnScore(mallory.ID()); got > node.Score.Blocked+node.Score.Known {
		t.Errorf("score of a blocked peer: got %v", got)
	}
	// A record it brings by other hands is no worse for that.
	victim.upload(notice(t, 1, alice, noon))
	if err := victim.UnblockPeer(mallory.ID()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "redialled", func() bool { p, _ := victim.peer(mallory.ID()); return p.Connected && !p.Blocked })
	if err := victim.RemovePeer(mallory.ID()); err != nil {
		t.Fatal(err)
	}
	wants(t, "removing twice", victim.RemovePeer(mallory.ID()), node.ErrUnknownPeer)
	eventually(t, "hung up", func() bool { _, ok := victim.peer(mallory.ID()); return !ok })
	if got := victim.OwnScore(mallory.ID()); got > 0 {
		t.Errorf("score of a removed peer: got %v, want no more than 0", got)
	}
}

// Answers that are none: the peer who gives them is to blame when it lies, and
// nobody waits long for one who is silent.
func TestHostileAnswers(t *testing.T) {
	laser := class(t, "Laser", tyfab, noon)
	a := award(t, laser, tyfab, alice, noon)
	for _, c := range []struct {
		name   string
		answer func(s network.Stream)
		blame  bool
	}{
		{"other bytes", func(s network.Stream) {
			other := notice(t, 1, alice, noon).Bytes()
			s.Write(append(binary.AppendUvarint(nil, uint64(len(other))), other...))
		}, true},
		{"longer than a record", func(s network.Stream) { s.Write(binary.AppendUvarint(nil, protocol.MaxBytes+1)) }, true},
		{"a length without end", func(s network.Stream) { s.Write(bytes.Repeat([]byte{0xff}, 16)) }, false},
		{"half a record", func(s network.Stream) {
			s.Write(append(binary.AppendUvarint(nil, uint64(len(laser.Bytes()))), laser.Bytes()[:100]...))
		}, false},
		{"nothing", func(network.Stream) {}, false},
		{"not here", func(s network.Stream) { s.Write([]byte{0}) }, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			victim, honest := start(t, brest), start(t)
			honest.upload(laser)
			mallory := newStranger(t)
			asked := make(chan struct{}, 100)
			mallory.SetStreamHandler(node.RecordProtocol, func(s network.Stream) {
				io.ReadFull(s, make([]byte, 33))
				c.answer(s)
				if c.name != "nothing" && c.name != "half a record" {
					s.Close()
				} // else silence
				asked <- struct{}{}
			})
			mallory.meet(victim, brest)
			mallory.say(brest, a.Bytes()) // so that it is asked first
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Fatal("not asked")
			}
			if c.blame {
				eventually(t, "blamed", func() bool { return victim.Faults(mallory.ID()) > 0.5 })
			}
			victim.join(honest)
			victim.gets(laser, a)
			if f := victim.Faults(mallory.ID()); !c.blame && f != 0 {
				t.Errorf("faults: got %v, want none", f)
			}
		})
	}
}

// Questions that are none get no answer, and one who stalls is cut short.
func TestHostileQuestions(t *testing.T) {
	victim := start(t, brest)
	r := notice(t, 1, alice, noon)
	victim.upload(r)
	mallory := newStranger(t)
	mallory.meet(victim, brest)
	digest, missing := r.Digest(), sha256.Sum256(nil)
	for _, c := range []struct {
		name    string
		ask     []byte
		answers bool
	}{
		{"none", []byte{0}, false},
		{"too many", append([]byte{65}, make([]byte, 65*32)...), false},
		{"half a digest", append([]byte{1}, digest[:16]...), false},
		{"silence", nil, false},
		{"one", append([]byte{1}, digest[:]...), true},
	} {
		s := must(mallory.NewStream(context.Background(), victim.PeerID(), node.RecordProtocol))(t)
		s.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := s.Write(c.ask); err != nil {
			t.Fatal(err)
		}
		raw, err := node.ReadAnswer(bufio.NewReader(s))
		if c.answers != (err == nil) || c.answers && !bytes.Equal(raw, r.Bytes()) {
			t.Errorf("%s: got %d bytes and %v", c.name, len(raw), err)
		}
		var timeout interface{ Timeout() bool }
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Errorf("%s: the stream was not closed in 10 s", c.name)
		}
		s.Reset()
	}
	// 64 at once, one of them here.
	ask := make([][sha256.Size]byte, node.MaxAsked)
	for i := range ask {
		ask[i] = missing
	}
	ask[63] = digest
	s := must(mallory.NewStream(context.Background(), victim.PeerID(), node.RecordProtocol))(t)
	defer s.Reset()
	s.SetDeadline(time.Now().Add(10 * time.Second))
	must(s.Write(node.WriteAsk(ask)))(t)
	in := bufio.NewReader(s)
	for i := range ask {
		raw, err := node.ReadAnswer(in)
		if i < 63 && !errors.Is(err, node.ErrNotHad) || i == 63 && !bytes.Equal(raw, r.Bytes()) {
			t.Fatalf("answer %d: got %d bytes and %v", i, len(raw), err)
		}
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("after the answers: got %v, want the end", err)
	}
}

// What is stored is not passed on again when anybody says it again.
func TestOldIsNotNews(t *testing.T) {
	victim, third := start(t, brest, rennes), start(t, brest, rennes)
	old := notice(t, 1, alice, noon, brest, rennes)
	victim.upload(old)
	victim.join(third)
	mallory := newStranger(t)
	mallory.meet(victim, brest, rennes)
	mallory.say(brest, old.Bytes())
	mallory.say(rennes, old.Bytes())
	new := notice(t, 2, alice, noon)
	mallory.say(brest, new.Bytes())
	third.gets(new)
	if third.has(old) {
		t.Error("an old record was flooded again")
	}
	if got := must(victim.Report())(t).Gossip; got.Ignored+got.Duplicates < 2 || got.Rejected != 0 {
		t.Errorf("gossip: got %+v, want the old record ignored twice", got)
	}
	// Erased, it is refused without blame.
	erase := issue(t, &badge.Status{
		Frame: in(brest), ID: uuid("erase"), Type: []string{"essaim:Status"}, Author: didOf(alice),
		Target: new.CID().String(), State: badge.Erased, Reason: "request",
	}, noon.Add(time.Second), alice)
	victim.upload(erase)
	late := newStranger(t)
	late.meet(victim, brest)
	late.say(brest, new.Bytes())
	eventually(t, "ignored", func() bool { r := must(victim.Report())(t).Gossip; return r.Ignored+r.Duplicates >= 3 })
	if f := victim.Faults(late.ID()) + victim.Faults(mallory.ID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
}
