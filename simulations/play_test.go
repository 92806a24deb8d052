package simulations

import (
	"cmp"
	"flag"
	"runtime"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"codeberg.org/essaim/essaim/node"
)

var (
	nodes  = flag.Int("nodes", 50, "how many boxes each swarm has at the start")
	seed   = flag.Uint64("seed", 1, "of who knows whom, and who lives where")
	all    = flag.Bool("all", false, "play all scenarios, not the brief ones alone")
	report = flag.String("report", "", "folder to write the report to")
)

const (
	forming  = 20 * time.Second // until boxes have found one another
	resting  = 10 * time.Second // in which it is measured what silence costs
	prompt   = 10 * time.Second // in which gossip has reached whom it reaches
	settling = 45 * time.Minute // in which everybody asks somebody, even who has long found nothing new
	polling  = 10 * time.Second // between looks whether all hold the same
	last     = 5                // words when all is over
)

// outcome is what was measured of a play.
type outcome struct {
	scenario
	nodes, said   int
	reach         float64
	p50, p99, max time.Duration
	kept          float64       // of all there is to know, settling after all was over
	whole         time.Duration // < 0: not while it was waited for
	last          float64       // of the last words, as reach
	bytes         float64       // sent by a node for a record
	silence       float64       // sent by a node in a second in which nobody speaks
	sent, twice   float64       // gossip messages sent by a node for a record; duplicates for each that was new
	lost          float64       // gossip messages dropped for each that was sent
	rejected      uint64
	synced        float64 // records a node got by synchronisation, of those said
	held          int     // at most, at once, by all
	called        int     // on how many a stranger called
	shut          float64 // of those whom a stranger called, who cut it off
	heap          float64 // bytes a node
	goroutines    float64
	cpu           time.Duration
	course        []moment
}

// moment is what became of one record.
type moment struct {
	at            time.Duration // since the first word
	prompt, after float64       // share of all boxes that had it ten seconds later, and in the end
	p50, p99      time.Duration // to those within reach; 0 when it reached none
}

// Every scenario is played by a swarm, and lies within its bands.
func TestSwarm(t *testing.T) {
	if testing.Short() {
		t.Skip("50 nodes")
	}
	for _, sc := range scenarios {
		if !sc.brief && !*all {
			continue
		}
		t.Run(sc.name, func(t *testing.T) {
			began := cpu(t)
			var o outcome
			synctest.Test(t, func(t *testing.T) { o = play(t, sc) })
			o.cpu = cpu(t) - began
			t.Log(o)
			o.hold(t)
			if *report != "" {
				if err := writeReport(*report, o); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play plays a scenario in a bubble.
func play(t *testing.T, sc scenario) outcome {
	heap := heapBytes()
	s := newSwarm(t, *seed, 2**nodes)
	for i := range *nodes {
		l := home
		if int(float64(i+1)*sc.slow) > int(float64(i)*sc.slow) {
			l = slow
		}
		s.come(l)
		time.Sleep(50 * time.Millisecond)
	}
	time.Sleep(forming)
	o := outcome{scenario: sc, nodes: *nodes}
	before := s.sent()
	time.Sleep(resting)
	o.silence = float64(s.sent()-before) / resting.Seconds() / float64(len(s.boxes))

	before = s.sent()
	first := time.Now()
	s.talk(sc, &o, first)
	time.Sleep(prompt)
	o.bytes = float64(s.sent()-before) / float64(len(s.boxes)*len(s.said))
	over := first.Add(sc.lasts)
	if n := len(sc.events); n > 0 && sc.events[n-1].at > sc.lasts {
		over = first.Add(sc.events[n-1].at)
	}
	o.said = len(s.said)
	o.whole = s.wait(over, settling)
	o.kept = s.kept()
	for range last {
		s.say(s.next())
		time.Sleep(time.Second)
	}
	time.Sleep(prompt)
	words := s.said[o.said:]
	s.said = s.said[:o.said]
	o.last, _ = reached(words)
	var took []time.Duration
	o.reach, took = reached(s.said)
	o.p50, o.p99, o.max = rank(took, 0.5), rank(took, 0.99), rank(took, 1)
	for _, said := range s.said {
		o.course = append(o.course, s.moment(said, first))
	}
	s.count(&o)
	o.heap = float64(heapBytes()-heap) / float64(len(s.boxes))
	o.goroutines = float64(runtime.NumGoroutine()) / float64(len(s.boxes))
	s.inspect()
	s.end()
	return o
}

// talk lets boxes speak in turn, and happen what happens.
func (s *swarm) talk(sc scenario, o *outcome, first time.Time) {
	events := sc.events
	happens := func(until time.Duration) {
		for len(events) > 0 && events[0].at <= until {
			time.Sleep(time.Until(first.Add(events[0].at)))
			s.happen(events[0], o.nodes)
			events = events[1:]
		}
	}
	for at := time.Duration(0); at <= sc.lasts; at += sc.every {
		happens(at)
		time.Sleep(time.Until(first.Add(at)))
		s.say(s.next())
		held := 0
		for _, b := range s.boxes {
			held += b.Held()
		}
		o.held = max(o.held, held)
	}
	happens(max(sc.lasts, 24*time.Hour))
}

func (s *swarm) happen(e event, size int) {
	s.t.Helper()
	from, to := int(e.from*float64(size)), int(e.to*float64(size))
	who := s.boxes[from:to]
	switch e.what {
	case arrive:
		for range who {
			s.come(home)
		}
	case offers:
		s.pester(s.offering(s.newStranger(who)), e.by)
	case lies:
		s.pester(s.lying(s.newStranger(who)), e.by)
	case junk:
		things, err := invalid()
		if err != nil {
			s.t.Fatal(err)
		}
		s.spam(s.newStranger(who), things, 100*time.Millisecond, e.by)
	case chatter:
		s.spam(s.newStranger(who), s.idle(), time.Second/3, e.by)
	case midnight:
		for _, b := range s.boxes {
			b.ahead.Add(int64(24 * time.Hour))
		}
	default:
		for _, b := range who {
			switch e.what {
			case leave, back:
				b.place.unplug.Store(e.what == leave)
			case fill, free:
				b.full.Store(e.what == fill)
			case write:
				s.say(b)
			case cut:
				b.place.side.Store(1)
			case heal:
				b.place.side.Store(0)
			case clocks:
				b.ahead.Store(int64(e.by))
			}
		}
	}
}

// kept returns the share of all that was said that boxes have, counted one by one.
func (s *swarm) kept() float64 {
	have := 0
	for _, b := range s.boxes {
		for _, said := range s.said {
			if _, ok := b.when(said); ok {
				have++
			}
		}
	}
	return float64(have) / float64(len(s.boxes)*len(s.said))
}

// wait returns how long after over all hold the same, or -1 when it takes longer
// than most.
func (s *swarm) wait(over time.Time, most time.Duration) time.Duration {
	for time.Since(over) <= most {
		if len(s.roots()) == 1 {
			return time.Since(over)
		}
		time.Sleep(polling)
	}
	return -1
}

// roots returns how many boxes hold each set.
func (s *swarm) roots() map[string]int {
	out := map[string]int{}
	for _, b := range s.boxes {
		r := s.report(b)
		for _, t := range r.Sync.Territories {
			out[t.Root]++
		}
	}
	return out
}

func (s *swarm) report(b *box) node.Report {
	s.t.Helper()
	r, err := b.Report()
	if err != nil {
		s.t.Fatal(err)
	}
	return r
}

// reached returns the share of those near who had a saying promptly, and how long
// it took to each of these.
func reached(sayings []*saying) (share float64, took []time.Duration) {
	near := 0
	for _, said := range sayings {
		near += len(said.near)
		for _, b := range said.near {
			if d, ok := b.when(said); ok && d <= prompt {
				took = append(took, d)
			}
		}
	}
	slices.Sort(took)
	return float64(len(took)) / float64(max(near, 1)), took
}

// moment looks what became of a saying.
func (s *swarm) moment(said *saying, first time.Time) moment {
	m := moment{at: said.at.Sub(first)}
	for _, b := range s.boxes {
		d, ok := b.when(said)
		if ok {
			m.after++
		}
		if ok && d <= prompt {
			m.prompt++
		}
	}
	m.prompt /= float64(len(s.boxes))
	m.after /= float64(len(s.boxes))
	_, took := reached([]*saying{said})
	m.p50, m.p99 = rank(took, 0.5), rank(took, 0.99)
	return m
}

// rank returns the value below which a share of sorted ones lies, 0 of none.
func rank(sorted []time.Duration, share float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(int(share*float64(len(sorted))), len(sorted)-1)]
}

// sent returns the bytes all boxes have sent.
func (s *swarm) sent() int {
	total := 0
	for _, b := range s.boxes {
		total += b.place.sent()
	}
	return total
}

// count adds up what nodes counted.
func (s *swarm) count(o *outcome) {
	var sent, received, twice, dropped uint64
	synced := 0
	for _, b := range s.boxes {
		r := s.report(b)
		sent += r.Gossip.Sent
		received += r.Gossip.Received
		twice += r.Gossip.Duplicates
		dropped += r.Gossip.Dropped
		o.rejected += r.Gossip.Rejected
		synced += r.Sync.Received
	}
	o.sent = float64(sent) / float64(len(s.boxes)*o.said)
	o.lost = float64(dropped) / float64(max(sent, 1))
	o.twice = float64(twice) / float64(max(received, 1))
	o.synced = float64(synced) / float64(len(s.boxes)*o.said)
	shut := 0
	for _, x := range s.strangers {
		for _, v := range x.victims {
			o.called++
			for _, p := range s.peers(v) {
				if p.ID == x.host.ID() && !p.CutOff.IsZero() && !p.Connected {
					shut++
				}
			}
		}
	}
	o.shut = float64(shut) / float64(max(o.called, 1))
}

func (s *swarm) peers(b *box) []node.Peer {
	s.t.Helper()
	peers, err := b.Peers()
	if err != nil {
		s.t.Fatal(err)
	}
	return peers
}

// inspect fails the test when a box holds what is not valid, or blames an honest
// one.
func (s *swarm) inspect() {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, b := range s.boxes {
		b.mu.Lock()
		for d := range b.heard {
			if !s.valid[d] {
				s.t.Errorf("box %d holds %x, which nobody said", i, d)
			}
		}
		b.mu.Unlock()
		for _, p := range s.peers(b) {
			honest := !slices.ContainsFunc(s.strangers, func(x *stranger) bool { return x.host.ID() == p.ID })
			// A connected peer that was added has 100 and that only, once scores
			// are read: less is a fault.
			if honest && (!p.CutOff.IsZero() || p.Score < 0 || p.Static && p.Score != 0 && p.Score < 100) {
				s.t.Errorf("box %d blames an honest peer: score %v, cut off until %v", i, p.Score, p.CutOff)
			}
		}
	}
}

// hold compares with the bands.
func (o outcome) hold(t *testing.T) {
	w := o.want
	if o.reach < w.reach {
		t.Errorf("reach: got %.4f, want at least %.4f", o.reach, w.reach)
	}
	between(t, "p50", o.p50, w.p50)
	between(t, "p99", o.p99, w.p99)
	between(t, "bytes a node and record", o.bytes, w.bytes)
	between(t, "messages a node and record", o.sent, w.messages)
	if o.kept < 1 {
		t.Errorf("of all there is to know boxes have %.4f after %v", o.kept, settling)
	}
	if o.whole < 0 {
		t.Errorf("not all hold the same after %v", settling)
	}
	if o.last != 1 {
		t.Errorf("reach of the last words: got %.4f, want 1", o.last)
	}
	if got := o.held > 0; got != w.held {
		t.Errorf("records held for their time: got %d, want any: %v", o.held, w.held)
	}
	if o.lost > w.lost {
		t.Errorf("lost by gossip: got %.4f, want at most %.4f", o.lost, w.lost)
	}
	if o.shut != 0 && !w.shut || o.shut != 1 && w.shut {
		t.Errorf("of those a stranger called on, cut it off: got %.2f, want all: %v", o.shut, w.shut)
	}
	if got := o.rejected > 0; got != w.rejected {
		t.Errorf("rejected: got %d, want any: %v", o.rejected, w.rejected)
	}
	if o.heap > 32<<20 {
		t.Errorf("heap: got %.1f MB a node, want at most 32", o.heap/1e6)
	}
}

func between[T cmp.Ordered](t *testing.T, what string, got T, want [2]T) {
	t.Helper()
	if got < want[0] || got > want[1] {
		t.Errorf("%s: got %v, want between %v and %v", what, got, want[0], want[1])
	}
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
