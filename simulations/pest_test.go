package simulations

import (
	"bufio"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	mathrand "math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// Frames of synchronisation, by spec/sync-node.md §2.
const (
	frameData   = 0x22
	frameEnd    = 0x23
	frameCredit = 0x24
	longest     = 256<<10 + 1<<10
)

// pest is a stranger that speaks synchronisation, as who asks and as who answers,
// and keeps none of its rules.
type pest struct {
	*stranger
	// claimed is what it says it has.
	claimed reconcile.View
	// brings gives the body of the next data frame; ok is false for no more.
	brings func() (body []byte, ok bool)
	// lies says that fingerprints are made up: in two of three conversations it
	// begins, for which it claims few, and in all it is asked for.
	lies bool
	few  reconcile.View
}

// claim returns as many keys of nothing, spread over a year before noon.
func claim(count int) (reconcile.View, error) {
	keys := make([]reconcile.Key, count)
	for i := range keys {
		var digest [32]byte
		if _, err := rand.Read(digest[:]); err != nil {
			return reconcile.View{}, err
		}
		keys[i] = reconcile.NewKey(noon.Add(-time.Duration(i)*365*24*time.Hour/time.Duration(count)), digest)
	}
	slices.SortFunc(keys, func(a, b reconcile.Key) int { return slices.Compare(a[:], b[:]) })
	set, err := reconcile.Build(slices.Values(keys))
	if err != nil {
		return reconcile.View{}, err
	}
	return set.View(), nil
}

// offering brings, of thousands it announces, one invalid record after the other,
// without end.
func (s *swarm) offering(x *stranger) *pest {
	s.t.Helper()
	things, err := invalid()
	if err != nil {
		s.t.Fatal(err)
	}
	view, err := claim(5000)
	if err != nil {
		s.t.Fatal(err)
	}
	var mu sync.Mutex // guards things
	return &pest{stranger: x, claimed: view, brings: func() ([]byte, bool) {
		mu.Lock()
		defer mu.Unlock()
		raw, err := things()
		return dataBody(raw), err == nil
	}}
}

// lying says that it is equal, when it is not, if it is asked; if it asks, in turn,
// that nothing is equal, ever, or that it has thousands of records, which it does
// not bring.
func (s *swarm) lying(x *stranger) *pest {
	s.t.Helper()
	view, err := claim(5000)
	if err != nil {
		s.t.Fatal(err)
	}
	few, err := claim(40)
	if err != nil {
		s.t.Fatal(err)
	}
	return &pest{stranger: x, claimed: view, few: few, lies: true, brings: func() ([]byte, bool) { return nil, false }}
}

// dataBody is a data frame of one record: an entry, in zstd that stores it as it is.
func dataBody(raw []byte) []byte {
	entry := append(binary.AppendUvarint(nil, uint64(len(raw))), raw...)
	b := append([]byte{frameData}, 0x28, 0xb5, 0x2f, 0xfd, 0xa0) // one segment, of a length in 4 bytes
	b = binary.LittleEndian.AppendUint32(b, uint32(len(entry)))
	block := uint32(len(entry))<<3 | 1 // the last one, raw
	return append(append(b, byte(block), byte(block>>8), byte(block>>16)), entry...)
}

// pester calls on all victims, each eight seconds for a time, answers when they
// ask, and hangs up.
func (s *swarm) pester(x *pest, lasts time.Duration) {
	x.host.SetStreamHandler(node.SyncProtocol, func(stream network.Stream) {
		x.converse(stream, false, x.lies)
	})
	end := time.Now().Add(lasts)
	for i := range x.victims {
		s.running.Go(func() error {
			for n := 0; time.Now().Before(end) && s.ctx.Err() == nil; n++ {
				x.ask(s.ctx, x.victims[i], x.lies && n%3 != 2)
				wait := time.NewTimer(8 * time.Second)
				select {
				case <-wait.C:
				case <-s.ctx.Done():
				}
				wait.Stop()
				_ = x.host.Network().ClosePeer(x.victims[i].PeerID()) // who meets, asks
			}
			return nil
		})
	}
}

// ask begins a conversation, if the victim lets it.
func (x *pest) ask(ctx context.Context, victim *box, lies bool) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if !x.call(ctx, victim) {
		return
	}
	stream, err := x.host.NewStream(network.WithNoDial(ctx, "pest"), victim.PeerID(), node.SyncProtocol)
	if err != nil {
		return
	}
	x.converse(stream, true, lies)
}

// converse goes on until the victim has had enough.
func (x *pest) converse(stream network.Stream, asks, lies bool) {
	defer stream.Reset() // it may have ended
	_ = stream.SetDeadline(time.Now().Add(5 * time.Second))
	config := reconcile.Config{Name: "badges/" + string(brest), View: x.claimed}
	if asks && lies {
		config.View = x.few
	}
	if _, err := rand.Read(config.Nonce[:]); err != nil {
		return
	}
	session, err := reconcile.New(config)
	if err != nil {
		return
	}
	say := func(b []byte) bool { _, err := stream.Write(b); return err == nil }
	if !say(frame([]byte{frameCredit, 1})) || asks && !say(session.Start()) {
		return
	}
	in := bufio.NewReader(stream)
	for {
		body, err := readFrame(in)
		if err != nil {
			return
		}
		if body[0]&0x7f >= 0x20 {
			continue // credit, and what it has for us
		}
		if h, err := reconcile.ReadHello(body); err == nil && h.Name != config.Name {
			// Of statuses it has none, and says so truly.
			empty, err := reconcile.New(reconcile.Config{Name: h.Name, Nonce: config.Nonce})
			if err != nil {
				return
			}
			reply, _, err := empty.Receive(body)
			if err != nil || !say(append(reply, frame([]byte{frameEnd})...)) {
				return
			}
			continue
		} else if err == nil && lies {
			if !say(frame(equal(h.Count))) {
				return
			}
			continue
		}
		if asks && lies {
			if !say(frame(different(x.few.Len()))) {
				return
			}
			continue
		}
		reply, _, err := session.Receive(body)
		if err != nil || len(reply) > 0 && !say(reply) {
			return
		}
		for len(session.Push(1)) > 0 {
			data, ok := x.brings()
			if ok && !say(frame(data)) {
				return
			}
		}
		if session.Over() {
			for data, ok := x.brings(); ok; data, ok = x.brings() {
				if !say(frame(data)) {
					return
				}
			}
			if !say(frame([]byte{frameEnd})) {
				return
			}
		}
	}
}

// equal answers that it has as many, with a fingerprint of nothing.
func equal(count int) []byte {
	b := append([]byte{2}, make([]byte, 16)...)
	b = binary.AppendUvarint(b, 0)
	b = binary.AppendUvarint(b, uint64(count))
	return binary.LittleEndian.AppendUint64(b, 42)
}

// different says, whatever the victim says, that the whole is different.
func different(count int) []byte {
	b := []byte{3, 0, 1, 1, 0} // ranges: from the first bound, by fingerprint, to the end
	b = binary.AppendUvarint(b, uint64(count))
	return append(b, fmt.Appendf(nil, "%08d", mathrand.IntN(1e8))...)
}

func frame(body []byte) []byte {
	return append(binary.AppendUvarint(nil, uint64(len(body))), body...)
}

func readFrame(in *bufio.Reader) ([]byte, error) {
	size, err := binary.ReadUvarint(in)
	if err != nil {
		return nil, err
	}
	if size == 0 || size > longest {
		return nil, fmt.Errorf("a frame of %d bytes", size)
	}
	body := make([]byte, size)
	_, err = io.ReadFull(in, body)
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return body, err
}
