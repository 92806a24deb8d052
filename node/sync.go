package node

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// synchroniser is what conversations of this node share.
type synchroniser struct {
	rhythm rhythm
	zip    *zipper
	ready  chan struct{} // closed once the sets are there

	met   chan peer.ID // connections → synchronise
	soon  chan peer.ID // this peer is to be compared with now
	lost  chan peer.ID // gossip dropped what this peer said or was to hear; "" for any
	news  chan peer.ID // something came from this peer that gossip does not tell; "" if not from one
	ended chan ended

	mu                sync.Mutex // guards the rest
	talks             map[peer.ID]*talk
	asking, answering int
	taking            map[string]turn       // who brings much of a set, by its name
	talked            map[peer.ID]time.Time // begin of the last conversation that went well
	audited           map[peer.ID]time.Time
	spent             map[peer.ID]meter
	last              map[territory.ID]Comparison
	whole             map[territory.ID]time.Time // the last that left nothing out
	unkept            map[territory.ID]bool      // whole of these is not in the store yet
	total             SyncTotals
	comparing
}

// talk is a conversation that goes on with a peer.
type talk struct {
	asks  bool
	since time.Time
	yield bool // it was ended for one that the peer began; guarded by mu
	stop  context.CancelFunc
	done  chan struct{}
}

// ended is what came of a conversation this node began.
type ended struct {
	with    peer.ID
	err     error
	changed bool // something was exchanged
	more    bool // there is more to be had
	busy    bool // another peer brings it
	short   bool // not all came that was promised
	yielded bool // one that the peer began goes on instead
}

func newSynchroniser() (*synchroniser, error) {
	zip, err := newZipper()
	if err != nil {
		return nil, fmt.Errorf("zstd: %w", err)
	}
	return &synchroniser{
		rhythm: usualRhythm, zip: zip, ready: make(chan struct{}),
		met: make(chan peer.ID, 64), soon: make(chan peer.ID, 64), lost: make(chan peer.ID, 64), news: make(chan peer.ID, 64), ended: make(chan ended),
		talks: map[peer.ID]*talk{}, taking: map[string]turn{}, talked: map[peer.ID]time.Time{}, audited: map[peer.ID]time.Time{},
		spent: map[peer.ID]meter{}, last: map[territory.ID]Comparison{},
		whole: map[territory.ID]time.Time{}, unkept: map[territory.ID]bool{},
		comparing: newComparing(),
	}, nil
}

// meet says that a connection was made.
func (s *synchroniser) meet(id peer.ID) { offer(s.met, id) }

// miss says that gossip dropped something. Any peer may have it.
func (s *synchroniser) miss(id peer.ID) { offer(s.lost, id) }

// tell says that something came that gossip does not tell others.
func (s *synchroniser) tell(from peer.ID) { offer(s.news, from) }

// offer forgets what finds no room: the next round makes up for it.
func offer(to chan<- peer.ID, id peer.ID) {
	select {
	case to <- id:
	default:
	}
}

// timetable says whom to ask when. One goroutine owns it.
type timetable struct {
	node  *Node
	due   map[peer.ID]time.Time
	met   map[peer.ID]time.Time // when, or since when there is news for it; until asked
	rest  map[peer.ID]time.Duration
	next  time.Time // of the next random peer
	wait  time.Duration
	after peer.ID // who failed last, and is not asked next
}

// synchronise reads the sets and then asks peers until ctx ends: each that is
// met, and now and then a random one, the seldomer the less they differ.
func (n *Node) synchronise(ctx context.Context) error {
	n.sets.register(nil) // from here on Follow sees to what it adds
	if err := n.readSets(n.Followed()...); err != nil {
		return fmt.Errorf("sets: %w", err)
	}
	if err := n.keepPartial(); err != nil {
		return fmt.Errorf("sets: %w", err)
	}
	close(n.sync.ready)
	rhythm := n.sync.rhythm
	t := &timetable{
		node: n, due: map[peer.ID]time.Time{}, met: map[peer.ID]time.Time{}, rest: map[peer.ID]time.Duration{}, wait: rhythm.every,
	}
	t.next = time.Now().Add(about(t.wait))
	for _, id := range n.host.Network().Peers() {
		t.meet(id)
	}
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			for n.sync.asks() > 0 {
				<-n.sync.ended
				n.sync.endAsk()
			}
			return nil
		case id := <-n.sync.met:
			t.meet(id)
		case id := <-n.sync.soon:
			t.soon(id)
		case id := <-n.sync.lost:
			t.miss(id)
		case id := <-n.sync.news:
			t.spread(id)
		case e := <-n.sync.ended:
			n.sync.endAsk()
			t.settle(e)
		case <-timer.C:
		}
		timer.Reset(time.Until(t.ask(ctx)))
	}
}

// keepSets keeps the sets of territories that are followed from now on, once those
// before are there, and asks for them soon.
func (n *Node) keepSets(ids ...territory.ID) error {
	if !n.sets.started() {
		return nil // synchronise will
	}
	if err := n.readSets(ids...); err != nil {
		return fmt.Errorf("follow %v: %w", ids, err)
	}
	n.sync.miss("")
	return nil
}

// about returns d, give or take two fifths.
func about(d time.Duration) time.Duration {
	return d*3/5 + upTo(d*4/5)
}

// upTo returns a random time below d.
func upTo(d time.Duration) time.Duration { return time.Duration(rand.Int64N(int64(max(d, 1)))) }

// meet plans to compare with a peer that came. Both sides do; the one with the
// larger id leaves the other time to begin.
func (t *timetable) meet(id peer.ID) {
	d := t.node.sync.rhythm.meet
	now := time.Now()
	at := now.Add(upTo(d))
	if id < t.node.host.ID() {
		at = now.Add(2*d + upTo(d))
	}
	delete(t.rest, id)
	t.met[id] = now
	t.sooner(id, at)
}

// miss plans to compare soon, for gossip dropped something.
func (t *timetable) miss(id peer.ID) {
	now := time.Now()
	t.wait = t.node.sync.rhythm.every
	if id != "" {
		t.sooner(id, now.Add(about(t.node.sync.rhythm.again)))
	} else if soon := now.Add(about(t.node.sync.rhythm.again)); soon.Before(t.next) {
		t.next = soon
	}
}

// soon plans to compare with a peer now, for somebody waits for it.
func (t *timetable) soon(id peer.ID) {
	t.due[id] = time.Now()
	delete(t.met, id)
}

// spread plans to compare with all but the one it came from, for something came
// that gossip does not tell them; they go on likewise. So it reaches everybody
// within some minutes, and where nothing is new a comparison costs a hundred
// bytes.
func (t *timetable) spread(from peer.ID) {
	now, rhythm := time.Now(), t.node.sync.rhythm
	t.wait = rhythm.every
	for _, id := range t.node.host.Network().Peers() {
		if id == from || t.rest[id] > 0 {
			continue // it has it, or will be asked
		}
		at := now.Add(about(rhythm.again))
		if later := t.node.sync.lastTalk(id).Add(about(rhythm.pause)); later.After(at) {
			at = later
		}
		t.met[id] = now
		t.sooner(id, at)
	}
}

func (t *timetable) sooner(id peer.ID, at time.Time) {
	if due, ok := t.due[id]; !ok || at.Before(due) {
		t.due[id] = at
	}
}

// settle draws the consequences of a conversation.
func (t *timetable) settle(e ended) {
	now, rhythm := time.Now(), t.node.sync.rhythm
	switch {
	case e.yielded:
		if t.node.sets.anyPartial() { // which the peer does not ask for
			t.sooner(e.with, now.Add(about(rhythm.again)))
		}
		return
	case e.err != nil:
		t.node.log.Debug("synchronise", "peer", e.with, "err", e.err)
		t.after = e.with
		t.rest[e.with] = min(max(2*t.rest[e.with], rhythm.rest), rhythm.most)
		t.due[e.with] = now.Add(about(t.rest[e.with]))
		t.miss("")
		return
	case e.short && !e.more && !e.busy:
		t.after = e.with
		t.miss("")
		return
	case e.busy:
		t.due[e.with] = now.Add(about(rhythm.again))
	case e.more:
		t.due[e.with] = now
	case e.changed:
		t.wait = rhythm.every
		t.next = now.Add(about(t.wait))
	default:
		t.wait = min(2*t.wait, rhythm.most)
		t.next = now.Add(about(t.wait))
	}
	t.after = ""
	delete(t.rest, e.with)
}

// ask begins the conversations that are due and returns when to look again.
func (t *timetable) ask(ctx context.Context) (next time.Time) {
	n, now := t.node, time.Now()
	idle := now.Add(n.sync.rhythm.most)
	if n.store.ReadOnly() {
		return now.Add(n.sync.rhythm.again) // what came could not be kept
	}
	connected := n.host.Network().Peers()
	for id, at := range t.due {
		switch {
		case !slices.Contains(connected, id):
			delete(t.due, id) // it will be met again
			delete(t.met, id)
			delete(t.rest, id)
		case !now.Before(at):
			if met, ok := t.met[id]; ok && !n.sets.anyPartial() && n.sync.hasTalked(id, met) {
				delete(t.due, id)
				delete(t.met, id)
			} else if !t.begin(ctx, id) {
				t.due[id] = now.Add(n.sync.rhythm.meet + upTo(n.sync.rhythm.meet)) // busy
			}
		}
	}
	if !now.Before(t.next) {
		t.next = now.Add(about(t.wait))
		others := slices.DeleteFunc(connected, func(id peer.ID) bool {
			return t.rest[id] > 0 || id == t.after
		})
		if len(others) > 0 && !t.begin(ctx, others[rand.IntN(len(others))]) {
			t.next = now.Add(n.sync.rhythm.meet + upTo(n.sync.rhythm.meet))
		}
	}
	next = idle
	for _, at := range t.due {
		if at.Before(next) {
			next = at
		}
	}
	if t.next.Before(next) {
		next = t.next
	}
	return next
}

// begin asks a peer, unless as much goes on as may.
func (t *timetable) begin(ctx context.Context, id peer.ID) bool {
	n := t.node
	ctx, cancel := context.WithCancel(ctx)
	k := n.sync.claim(id, true, cancel)
	if k == nil {
		cancel()
		return false
	}
	delete(t.due, id)
	delete(t.met, id)
	go func() {
		defer cancel()
		e := n.askPeer(ctx, id)
		if n.sync.release(id, k) {
			e = ended{with: id, yielded: true}
		} else {
			n.sync.asked(id, e.err)
		}
		n.sync.ended <- e
	}()
	return true
}

// claim takes one of the places for conversations; nil if there is none, or the
// peer has one.
func (s *synchroniser) claim(id peer.ID, asks bool, stop context.CancelFunc) *talk {
	s.mu.Lock()
	defer s.mu.Unlock()
	count, most := &s.answering, synchro.Answering
	if asks {
		count, most = &s.asking, synchro.Asking
	}
	if *count >= most || s.talks[id] != nil {
		return nil
	}
	*count++
	k := &talk{asks: asks, since: time.Now(), stop: stop, done: make(chan struct{})}
	s.talks[id] = k
	return k
}

// release gives the place back; one that asked keeps it until endAsk. It reports
// whether the conversation was ended for one that the peer began.
func (s *synchroniser) release(id peer.ID, k *talk) (yielded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.talks, id)
	if !k.asks {
		s.answering--
	}
	close(k.done)
	return k.yield
}

func (s *synchroniser) endAsk() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asking--
}

func (s *synchroniser) asks() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asking
}

// hasTalked reports whether a conversation with the peer began after since, and
// goes on or has gone well.
func (s *synchroniser) hasTalked(id peer.ID, since time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.talks[id]
	return k != nil && k.since.After(since) || s.talked[id].After(since)
}

// lastTalk returns when the last conversation with the peer that went well began.
func (s *synchroniser) lastTalk(id peer.ID) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.talked[id]
}

// turn is a conversation that brings much of a set, and since when.
type turn struct {
	of    *conversation
	since time.Time
}

// take reports whether c may bring much of the set called name: one conversation
// does at a time, or all would bring the same. It may until leave, or until its
// time is over and another would.
func (s *synchroniser) take(name string, c *conversation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.taken(name, c) && s.taking[name].of != c {
		s.taking[name] = turn{c, time.Now()}
	}
	return s.taking[name].of == c
}

// taken reports whether another conversation than c brings much of a set, and its
// time is not over. It is called with mu held.
func (s *synchroniser) taken(name string, c *conversation) bool {
	now := s.taking[name]
	return now.of != nil && now.of != c && time.Since(now.since) < synchro.Turn
}

// leave ends the turn of c. It reports whether c had one, which nobody has now.
func (s *synchroniser) leave(name string, c *conversation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.taking[name].of != c {
		return false
	}
	delete(s.taking, name)
	return true
}

// isTaken is taken for who does not hold mu.
func (s *synchroniser) isTaken(name string, c *conversation) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.taken(name, c)
}

// giveWay makes room for a conversation the peer began while this node began one
// with it: that of the smaller id goes on.
func (s *synchroniser) giveWay(id, self peer.ID) {
	s.mu.Lock()
	k := s.talks[id]
	yields := k != nil && k.asks && id < self
	if yields {
		k.yield = true
	}
	s.mu.Unlock()
	if !yields {
		return
	}
	k.stop()
	<-k.done
}

// plan is what is asked of a peer: all that is followed, then what partial mirrors
// keep; last of all that of which no more is taken, since nothing is after it.
func (n *Node) plan(audit bool) (plan []plannedRound) {
	for _, t := range n.Followed() {
		plan = append(plan, plannedRound{setName{territory: t, control: true}, true}, plannedRound{setName{territory: t}, audit})
	}
	for _, of := range n.sets.partial() {
		if p := (plannedRound{of, true}); !slices.Contains(plan, p) {
			plan = append(plan, p)
		}
	}
	var last []plannedRound
	plan = slices.DeleteFunc(plan, func(p plannedRound) bool {
		capped := n.capped(p.setName)
		if capped {
			last = append(last, p)
		}
		return capped
	})
	return append(plan, last...)
}

// askPeer compares all that is kept with one peer.
func (n *Node) askPeer(ctx context.Context, id peer.ID) ended {
	e := ended{with: id}
	audit := n.sync.auditDue(id)
	if e.err = n.measureBounds(); e.err != nil {
		return e
	}
	plan := n.plan(audit)
	if len(plan) == 0 {
		return e
	}
	opening, cancel := context.WithTimeout(network.WithAllowLimitedConn(ctx, syncService), n.sync.rhythm.stall)
	defer cancel()
	s, err := n.host.NewStream(network.WithNoDial(opening, syncService), id, SyncProtocol)
	if err != nil {
		e.err = fmt.Errorf("ask %s: %w", id, err)
		return e
	}
	if err := reserve(s); err != nil {
		_ = s.Reset()
		e.err = err
		return e
	}
	c := n.newConversation(s, true)
	err = c.run(ctx, plan)
	if err != nil {
		e.err = fmt.Errorf("synchronise with %s: %w", id, err)
	}
	if err == nil && audit {
		n.sync.noteAudit(id)
	}
	e.changed = c.gained+c.hollowed+c.given > 0
	e.more, e.busy, e.short = c.enough || c.skipped, c.busy, c.short
	if errors.Is(err, context.DeadlineExceeded) && c.gained+c.given > 0 {
		e.err, e.more = nil, true // it took the whole time a conversation has
	}
	e.more = n.conclude(c, err) || e.more
	return e
}

// serveSync answers SyncProtocol.
func (n *Node) serveSync(ctx context.Context, s network.Stream) {
	id := s.Conn().RemotePeer()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	n.sync.giveWay(id, n.host.ID())
	k := n.sync.claim(id, false, cancel)
	if k == nil {
		_ = s.Reset() // enough goes on; it will come again
		return
	}
	defer n.sync.release(id, k)
	if err := reserve(s); err != nil {
		n.log.Debug("asked to synchronise", "peer", id, "err", err)
		_ = s.Reset()
		return
	}
	select {
	case <-n.sync.ready:
	case <-ctx.Done():
		_ = s.Reset()
		return
	}
	c := n.newConversation(s, false)
	err := c.run(ctx, nil)
	if err != nil {
		n.log.Debug("asked to synchronise", "peer", id, "err", err)
	}
	if n.conclude(c, err) {
		n.sync.miss("")
	}
	switch {
	case c.busy:
		n.sync.miss(id) // when the other has brought it
	case c.enough:
		n.sync.meet(id) // there is more to be had
	}
}

// reserve accounts for a conversation: what may wait to be verified, and a frame
// expanded, being made and being stored. The stream gives it back when it ends.
func reserve(s network.Stream) error {
	if err := s.Scope().SetService(syncService); err != nil {
		return err
	}
	return s.Scope().ReserveMemory(synchro.CreditMax+3*synchro.Raw, network.ReservationPriorityMedium)
}

func (s *synchroniser) auditDue(id peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return time.Since(s.audited[id]) >= synchro.Audit
}

func (s *synchroniser) noteAudit(id peer.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	makeRoom(s.audited)
	s.audited[id] = time.Now()
}

// makeRoom forgets the oldest of too many.
func makeRoom(of map[peer.ID]time.Time) {
	if len(of) < synchro.Peers {
		return
	}
	ids := slices.SortedFunc(maps.Keys(of), func(a, b peer.ID) int { return of[a].Compare(of[b]) })
	for _, id := range ids[:len(ids)/4] {
		delete(of, id)
	}
}

// meter is how much computing a peer has caused, above its share.
type meter struct {
	used time.Duration
	at   time.Time
}

func (m meter) now(t time.Time) time.Duration {
	return max(0, m.used-time.Duration(synchro.Share*float64(t.Sub(m.at))))
}

// charge notes that a peer has caused so much computing, and waits when it was too
// much.
func (s *synchroniser) charge(ctx context.Context, id peer.ID, took time.Duration) error {
	now := time.Now()
	s.mu.Lock()
	if len(s.spent) >= synchro.Peers {
		maps.DeleteFunc(s.spent, func(_ peer.ID, m meter) bool { return m.now(now) == 0 })
	}
	m := meter{s.spent[id].now(now) + took, now}
	if len(s.spent) < synchro.Peers {
		s.spent[id] = m
	}
	s.mu.Unlock()
	over := m.used - synchro.Burst
	if over <= 0 {
		return nil
	}
	wait := time.NewTimer(min(time.Duration(float64(over)/synchro.Share), s.rhythm.stall/2))
	defer wait.Stop()
	select {
	case <-wait.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
