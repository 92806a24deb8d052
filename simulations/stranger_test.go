package simulations

import (
	"context"
	"crypto/sha256"
	"fmt"
	"strings"
	"time"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pprotocol "github.com/libp2p/go-libp2p/core/protocol"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/spec/vectors"
)

// stranger is a host that is no node.
type stranger struct {
	host    host.Host
	victims []*box
	topic   *pubsub.Topic // nil before gossips
	said    int
}

// newStranger takes a place of its own.
func (s *swarm) newStranger(victims []*box) *stranger {
	s.t.Helper()
	place := s.internet.places[len(s.internet.places)-1-len(s.strangers)]
	h, err := place.newHost()
	if err != nil {
		s.t.Fatal(err)
	}
	x := &stranger{host: h, victims: victims}
	s.strangers = append(s.strangers, x)
	return x
}

// gossips has x speak gossip as spec/gossip.md says, and keep none of its rules.
func (s *swarm) gossips(x *stranger) {
	s.t.Helper()
	const prefix = "/essaim"
	ids := []libp2pprotocol.ID{prefix + pubsub.GossipSubID_v13, prefix + pubsub.GossipSubID_v12}
	ps, err := pubsub.NewGossipSub(s.ctx, x.host,
		pubsub.WithGossipSubProtocols(ids, func(f pubsub.GossipSubFeature, id libp2pprotocol.ID) bool {
			return pubsub.GossipSubDefaultFeatures(f, libp2pprotocol.ID(strings.TrimPrefix(string(id), prefix)))
		}),
		pubsub.WithFloodPublish(true),
		pubsub.WithMessageSignaturePolicy(pubsub.StrictNoSign), pubsub.WithNoAuthor(),
		pubsub.WithMessageIdFn(func(m *pb.Message) string {
			d := sha256.Sum256(m.GetData())
			return string(d[:]) + m.GetTopic()
		}),
	)
	if err == nil {
		x.topic, err = ps.Join(protocol.Topic(brest))
	}
	if err == nil {
		_, err = x.topic.Subscribe()
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// call connects to a victim, and reports whether it took the call.
func (x *stranger) call(ctx context.Context, v *box) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	return x.host.Connect(ctx, peer.AddrInfo{ID: v.PeerID(), Addrs: v.host.Addrs()}) == nil
}

// meet connects to all victims that take the call.
func (x *stranger) meet(ctx context.Context) {
	for _, v := range x.victims {
		x.call(ctx, v)
	}
}

// spam says things of a kind, so many a second, for a time, and comes back each
// ten seconds to where it was thrown out.
func (s *swarm) spam(x *stranger, things func() ([]byte, error), each, lasts time.Duration) {
	s.gossips(x)
	s.running.Go(func() error {
		x.meet(s.ctx)
		tick := time.NewTicker(each)
		defer tick.Stop()
		end := time.Now().Add(lasts)
		for time.Now().Before(end) {
			select {
			case <-s.ctx.Done():
				return nil
			case <-tick.C:
			}
			raw, err := things()
			if err != nil {
				return err
			}
			if err := x.topic.Publish(s.ctx, raw); err != nil && s.ctx.Err() == nil {
				return err
			}
			x.said++
			if x.said%int(10*time.Second/each) == 0 {
				x.meet(s.ctx)
			}
		}
		return nil
	})
}

// invalid gives every record the vectors know a reason to refuse, and nonsense
// between them.
func invalid() (func() ([]byte, error), error) {
	all, err := vectors.All()
	if err != nil {
		return nil, err
	}
	var wrong [][]byte
	for _, v := range all {
		if v.Expect != "ok" && v.Expect != string(protocol.FutureDated) && v.Now.Equal(noon) &&
			v.Topic == "" && len(v.Record) < protocol.MaxBytes {
			wrong = append(wrong, v.Record)
		}
	}
	n := 0
	return func() ([]byte, error) {
		n++
		if n%2 == 0 {
			return []byte(fmt.Sprintf("nonsense %d", n)), nil
		}
		return wrong[n/2%len(wrong)], nil
	}, nil
}

// idle gives records with which nothing is wrong, each by another key, and notes
// them as valid.
func (s *swarm) idle() func() ([]byte, error) {
	n := 0
	return func() ([]byte, error) {
		n++
		r, err := notice(n, key(fmt.Sprint("spammer ", n)), s.now())
		if err != nil {
			return nil, err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.valid[r.Digest()] = true
		return r.Bytes(), nil
	}
}
