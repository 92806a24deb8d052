package node

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/event"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/host/eventbus"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
)

// Reach is how a node is reached by nodes that are not on its own network
// (spec/reach.md §5 to §8). The zero Reach leaves the node with the addresses it
// listens on.
type Reach struct {
	// Outside has the node find out whether others reach it from outside, be
	// relayed when they do not, and open connections through firewalls.
	Outside bool
	// Known says what the admin knows, in place of finding out; "" finds out.
	Known Reachability
	// PortMap asks the router to let others in, by UPnP or NAT-PMP.
	PortMap bool
	// Relay is whom this node relays while others reach it from outside.
	Relay RelayFor
	// Rendezvous looks for nodes of the followed territories through the DHT,
	// and is found.
	Rendezvous bool
}

// Reachability is whether others reach a node from outside its own network.
type Reachability string

// The reachabilities. Hidden is what libp2p calls private.
const (
	Unknown Reachability = "unknown"
	Public  Reachability = "public"
	Hidden  Reachability = "hidden"
)

// word is what libp2p calls it.
func (r Reachability) word() network.Reachability {
	switch r {
	case Public:
		return network.ReachabilityPublic
	case Hidden:
		return network.ReachabilityPrivate
	}
	return network.ReachabilityUnknown
}

// verdict is what is held of the reachability. It leaves Public only after what
// speaks against it has lasted: relays, reservations and the place in the DHT of
// others hang on it, and a router that restarts is away for a few minutes.
type verdict struct {
	is      Reachability
	since   time.Time
	doubt   time.Time    // since when is is not confirmed; zero while it is
	instead Reachability // what it would be
}

// hear takes what the addresses say now, and reports whether the verdict changed.
func (v *verdict) hear(says Reachability, now time.Time, patience time.Duration) bool {
	switch {
	case says == v.is, says == Unknown && v.is == Hidden:
		v.doubt = time.Time{} // nobody there to ask is no news for a hidden node
		return false
	case v.is == Public:
		if v.instead = says; v.doubt.IsZero() {
			v.doubt = now
		}
		return v.wait(now, patience)
	}
	v.is, v.since, v.doubt = says, now, time.Time{}
	return true
}

// wait ends a doubt that has lasted, and reports whether it did.
func (v *verdict) wait(now time.Time, patience time.Duration) bool {
	if v.doubt.IsZero() || now.Sub(v.doubt) < patience {
		return false
	}
	v.is, v.since, v.doubt = v.instead, now, time.Time{}
	return true
}

// say is what AutoNAT v2 knows of the addresses: one that others reached is
// enough, and none is believed unreachable before all that were tried are.
func say(e event.EvtHostReachableAddrsChanged) Reachability {
	switch {
	case len(e.Reachable) > 0:
		return Public
	case len(e.Unreachable) > 0 && len(e.Unknown) == 0:
		return Hidden
	}
	return Unknown
}

// fromOutside is what a node knows of itself as seen from outside.
type fromOutside struct {
	mu     sync.Mutex // guards the rest
	held   verdict
	proven []multiaddr.Multiaddr
}

// followReachability brings what AutoNAT v2 finds of the addresses to those who
// listen to the verdict of v1 alone, relays and the DHT, and relays for others
// while they reach this node, until ctx ends.
func (n *Node) followReachability(ctx context.Context) error {
	emitter, err := n.host.EventBus().Emitter(new(event.EvtLocalReachabilityChanged), eventbus.Stateful)
	if err != nil {
		return fmt.Errorf("reachability: %w", err)
	}
	defer emitter.Close()
	found, err := n.host.EventBus().Subscribe(new(event.EvtHostReachableAddrsChanged), eventbus.Name("essaim reachability"))
	if err != nil {
		return fmt.Errorf("reachability: %w", err)
	}
	defer found.Close()
	defer n.stopRelaying()
	tell := func(is Reachability) error {
		n.log.Info("reachability", "outside", is)
		if err := emitter.Emit(event.EvtLocalReachabilityChanged{Reachability: is.word()}); err != nil {
			return fmt.Errorf("reachability: %w", err)
		}
		if is == Public {
			return n.startRelaying(ctx)
		}
		n.stopRelaying()
		return nil
	}
	known := n.config.Reach.Known
	n.seen.hear(firstOf(known, Unknown), nil, n.pace.doubt)
	if err := tell(firstOf(known, Unknown)); err != nil {
		return err
	}
	again := time.NewTicker(max(n.pace.doubt/10, time.Millisecond))
	defer again.Stop()
	for {
		changed, is := false, Unknown
		select {
		case <-ctx.Done():
			return nil
		case e := <-found.Out():
			now := e.(event.EvtHostReachableAddrsChanged)
			says := say(now)
			if known != "" {
				says = known
			}
			changed, is = n.seen.hear(says, now.Reachable, n.pace.doubt)
		case <-again.C:
			changed, is = n.seen.wait(n.pace.doubt)
		}
		if changed {
			if err := tell(is); err != nil {
				return err
			}
		}
	}
}

// firstOf returns a, or b when a is "".
func firstOf(a, b Reachability) Reachability {
	if a == "" {
		return b
	}
	return a
}

func (o *fromOutside) hear(says Reachability, proven []multiaddr.Multiaddr, patience time.Duration) (bool, Reachability) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.proven = proven
	return o.held.hear(says, time.Now(), patience), o.held.is
}

func (o *fromOutside) wait(patience time.Duration) (bool, Reachability) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held.wait(time.Now(), patience), o.held.is
}

// is returns the verdict; "" when nobody looks.
func (o *fromOutside) is() (Reachability, time.Time, []multiaddr.Multiaddr) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.held.is, o.held.since, o.proven
}

// outwardAddrs is what a node tells others of its addresses: once there is one
// that is of use outside its own network, the others stay there, where mDNS finds
// them. A node without any tells all, so that a network cut off from the
// internet works.
func outwardAddrs(all []multiaddr.Multiaddr) []multiaddr.Multiaddr {
	outward := slices.DeleteFunc(slices.Clone(all), func(a multiaddr.Multiaddr) bool {
		return !manet.IsPublicAddr(a) && !relayed(a)
	})
	if len(outward) == 0 {
		return all
	}
	return outward
}

// relayed reports whether an address leads through a relay.
func relayed(a multiaddr.Multiaddr) bool {
	_, err := a.ValueForProtocol(multiaddr.P_CIRCUIT)
	return err == nil
}

// ReachReport is how a node is reached from outside.
type ReachReport struct {
	// Outside is "" on a node that does not look.
	Outside Reachability
	Since   time.Time
	// Proven are the addresses others reached.
	Proven []string
	// Relays are the nodes that relay for this one.
	Relays []peer.ID
	// Relaying counts what this node does for others; zero unless it relays.
	Relaying RelayCount
	// Meeting is how many nodes of the DHT are known.
	Meeting int
}

func (n *Node) reachReport() ReachReport {
	is, since, proven := n.seen.is()
	r := ReachReport{Outside: is, Since: since.UTC().Truncate(time.Second), Relaying: n.relay.counts(), Meeting: int(n.meeting.Load())}
	for _, a := range proven {
		r.Proven = append(r.Proven, a.String())
	}
	for _, a := range n.host.Addrs() {
		before, _ := multiaddr.SplitFunc(a, func(c multiaddr.Component) bool { return c.Protocol().Code == multiaddr.P_CIRCUIT })
		if !relayed(a) || before == nil {
			continue
		}
		if _, id := peer.SplitAddr(before); id != "" && !slices.Contains(r.Relays, id) {
			r.Relays = append(r.Relays, id)
		}
	}
	return r
}
