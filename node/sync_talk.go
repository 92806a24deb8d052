package node

import (
	"bufio"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// SyncProtocol compares sets with a peer and exchanges what differs
// (spec/sync-node.md).
const SyncProtocol = "/essaim/sync/1"

const syncService = "essaim.sync"

// conversation is one stream of SyncProtocol, on either side: rounds, one for
// each set, in each of which both say all that the other lacks.
//
// Four goroutines work on it: one reads frames and reconciles, one expands and
// verifies what came, one stores it, one writes. What is read is bounded by the
// credit given, and neither verifying nor storing ever waits for reading or
// writing, so that no two sides can wait for one another.
type conversation struct {
	node    *Node
	stream  network.Stream
	peer    peer.ID
	asks    bool
	began   time.Time
	raw     int // bytes of a data frame before compression
	in      *bufio.Reader
	cancel  context.CancelFunc
	asked   map[string]bool // names of sets the peer asked for; of the reader
	classes int             // of these, of classes
	ahead   int             // records from the future; of the verifier
	short   bool            // less came than was promised; of who stores

	arrived  chan packed
	verified chan unpacked
	wake     chan struct{} // capacity 1: there may be something to write

	mu       sync.Mutex // guards the rest and the sessions of rounds; never held over I/O
	round    *round     // the last begun; nil before the first
	out      []byte     // frames to be written before data
	credit   int        // bytes of data frames that may be sent
	widest   int        // the most that was
	allowed  int        // bytes of data frames that may come
	owed     int        // of these, not yet told
	window   int        // how many may be on their way
	muted    bool       // the peer takes no data
	full     bool       // there is no room here: what comes is dropped
	capped   bool       // it is a mirror that has come to its bound
	skipped  bool       // something else was not asked for because of that
	enough   bool       // it has brought as much as one may
	busy     bool       // another peer brings much of the same set
	closing  bool       // no round will begin
	failed   error      // the first failure
	gained   int        // records that were new here
	hollowed int        // hollow keys that were
	given    int        // records sent
	bytesIn  int        // of data frames
	bytesOut int
	first    map[territory.ID]Against // what came of control sets
}

// round is the comparison of one set.
type round struct {
	setName
	name    string
	own     int // keys here when it began
	session *reconcile.Session
	done    chan struct{} // closed when both sides have sent and stored all

	// Guarded by the mutex of the conversation.
	none             bool // the peer has no such set
	endSent, endRead bool
	ended            bool // endRead, and all before it dealt with
	got              uint64
	last             reconcile.Key
	short            bool // less came than was promised
	pushed           int  // records the peer lacked
	kept             int  // of those it sent
	over             func()
}

// newConversation takes over a stream.
func (n *Node) newConversation(s network.Stream, asks bool) *conversation {
	c := &conversation{
		node: n, stream: s, peer: s.Conn().RemotePeer(), asks: asks, began: time.Now(), first: map[territory.ID]Against{}, raw: synchro.Raw, in: bufio.NewReaderSize(s, 16<<10),
		asked: map[string]bool{}, arrived: make(chan packed, 64), verified: make(chan unpacked, 1), wake: make(chan struct{}, 1),
	}
	if s.Conn().Stat().Limited {
		c.raw = synchro.RawLimited
	}
	if n.store.ReadOnly() {
		c.refuseData()
	} else {
		c.window, c.allowed, c.owed = synchro.Credit, synchro.Credit, synchro.Credit
	}
	return c
}

// run goes through the conversation to its end: that of all rounds of plan when
// this side asks, else that of the peer's. It closes the stream.
func (c *conversation) run(ctx context.Context, plan []plannedRound) error {
	// What has come is still stored when the connection is cut.
	keeping, giveUp := context.WithCancel(ctx)
	defer giveUp()
	ctx, c.cancel = context.WithTimeout(ctx, synchro.Whole)
	defer c.cancel()
	c.node.sync.live(c, true)
	defer c.node.sync.live(c, false)
	stop := context.AfterFunc(ctx, func() { _ = c.stream.Reset() })
	var all sync.WaitGroup
	for _, part := range []func(context.Context) error{c.read, c.write} {
		all.Go(func() { c.work(ctx, part) })
	}
	for _, part := range []func(context.Context) error{c.verify, c.store} {
		all.Go(func() {
			if !c.work(keeping, part) {
				giveUp()
			}
		})
	}
	if c.asks {
		c.work(ctx, func(ctx context.Context) error { return c.ask(ctx, plan) })
	}
	all.Wait()
	stop()
	if c.round != nil {
		if err := c.endTurn(c.round); err != nil {
			c.fail(err)
		}
	}
	err := c.failed
	if err == nil {
		err = ctx.Err()
	}
	if err == nil {
		return c.stream.Close()
	}
	_ = c.stream.Reset()
	for _, proof := range []error{errHostile, reconcile.ErrMalformed, reconcile.ErrLimit, reconcile.ErrName, reconcile.ErrOver} {
		if errors.Is(err, proof) {
			c.node.log.Warn("synchronisation refused", "peer", c.peer, "err", err)
			c.node.misdeed(c.peer)
			break
		}
	}
	return err
}

// work does a part, and ends the others when it fails, which it reports. A panic
// is our mistake, and ends this conversation alone.
func (c *conversation) work(ctx context.Context, part func(context.Context) error) (well bool) {
	defer func() {
		if p := recover(); p != nil {
			c.node.log.Error("synchronising panicked", "peer", c.peer, "err", p)
			c.fail(fmt.Errorf("panic: %v", p))
		}
	}()
	if err := part(ctx); err != nil {
		c.fail(err)
		return false
	}
	return true
}

func (c *conversation) fail(err error) {
	c.mu.Lock()
	if c.failed == nil {
		c.failed = err
	}
	c.mu.Unlock()
	c.cancel()
}

// plannedRound is a set to ask for.
type plannedRound struct {
	setName
	audit bool
}

// ask begins each round when the one before has ended, then closes.
func (c *conversation) ask(ctx context.Context, plan []plannedRound) error {
	refused := territory.ID("")
	for _, p := range plan {
		if p.territory == refused && !p.control {
			continue // its control set was not there either
		}
		if c.node.sync.isTaken(p.String(), c) {
			c.mu.Lock()
			c.busy = true
			c.mu.Unlock()
			continue // it comes from another
		}
		if c.passes(p.setName) {
			continue // its records would not be taken any more
		}
		r, _, err := c.begin(p.setName, p.audit)
		if err != nil {
			return err
		}
		if r == nil {
			continue // unfollowed meanwhile
		}
		c.mu.Lock()
		c.out = append(c.out, r.session.Start()...)
		c.mu.Unlock()
		c.stir()
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if r.none && r.control {
			refused = r.territory
		}
		if c.stopped() {
			break
		}
	}
	c.close()
	return nil
}

// begin makes a round the current one. It returns nil when the set is not here, and
// how long its set was in the making.
func (c *conversation) begin(of setName, audit bool) (r *round, took time.Duration, err error) {
	view, took, ok, err := c.node.viewSet(of)
	if err != nil || !ok {
		return nil, took, err
	}
	config := reconcile.Config{Name: of.String(), View: view, Audit: audit}
	if _, err := rand.Read(config.Nonce[:]); err != nil {
		return nil, took, err
	}
	r = &round{setName: of, name: config.Name, own: view.Len(), done: make(chan struct{})}
	r.over = func() { c.compared(r) }
	if r.session, err = reconcile.New(config); err != nil {
		return nil, took, err
	}
	capped := c.node.capped(of)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.round = r
	if capped {
		c.cap()
	}
	return r, took, nil
}

// passes reports whether a set is not asked for because a mirror has come to its
// bound, which is not of it.
func (c *conversation) passes(of setName) bool {
	fits := !c.node.capped(of)
	c.mu.Lock()
	defer c.mu.Unlock()
	passes := c.capped && fits
	c.skipped = c.skipped || passes
	return passes
}

// cap says that nothing more is taken because a mirror has come to its bound. It is
// called with mu held.
func (c *conversation) cap() {
	if !c.full {
		c.refuseData()
		c.capped = true
	}
}

// stopped reports whether nothing more is to be asked for in this conversation.
func (c *conversation) stopped() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.full && !c.capped || c.enough
}

func (c *conversation) close() {
	c.mu.Lock()
	c.closing = true
	c.mu.Unlock()
	c.stir()
}

// stir lets the writer look again.
func (c *conversation) stir() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// settle closes done of a round that is over on both sides. It is called with mu
// held.
func (r *round) settle() {
	select {
	case <-r.done:
	default:
		if r.none || r.endSent && r.ended {
			r.over()
			close(r.done)
		}
	}
}

// read takes frames until the peer closes.
func (c *conversation) read(ctx context.Context) error {
	defer close(c.arrived)
	arriving := func(size int) error {
		return c.stream.SetReadDeadline(time.Now().Add(c.patience(size)))
	}
	var buf []byte
	for {
		if err := arriving(0); err != nil {
			return err
		}
		frame, err := readFrame(c.in, buf, arriving)
		if errors.Is(err, io.EOF) {
			return c.hungUp(ctx)
		}
		if err != nil {
			return err
		}
		if isTalk(frame) {
			buf = frame
			if err := c.talk(ctx, frame); err != nil {
				return err
			}
			continue
		}
		if err := c.hear(ctx, frame[0], frame[1:]); err != nil {
			return err
		}
	}
}

// patience is how long so many bytes may take.
func (c *conversation) patience(size int) time.Duration {
	return c.node.sync.rhythm.stall + time.Duration(size)*time.Second/time.Duration(synchro.Slowest)
}

// hungUp ends a conversation that the peer has closed between rounds.
func (c *conversation) hungUp(ctx context.Context) error {
	c.mu.Lock()
	r, closing := c.round, c.closing
	midway := r != nil && !r.none && (!r.endSent || !r.endRead)
	c.mu.Unlock()
	if midway || c.asks && !closing {
		return io.ErrUnexpectedEOF
	}
	if r != nil {
		select {
		case <-r.done:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	c.close()
	return nil
}

// talk takes a frame of the reconciliation: the first of a round, or one of the
// round that goes on.
func (c *conversation) talk(ctx context.Context, frame []byte) error {
	c.mu.Lock()
	r := c.round
	over := r == nil || r.none || r.endRead
	early := over && r != nil && !r.none && !r.endSent
	c.mu.Unlock()
	if over && c.asks || early {
		return hostile("talk outside of a round")
	}
	if over {
		if r != nil {
			select { // statuses are stored before badges are compared
			case <-r.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		var err error
		if r, err = c.answer(ctx, frame); err != nil || r == nil {
			return err
		}
	}
	began := time.Now()
	c.mu.Lock()
	reply, _, err := r.session.Receive(frame)
	c.out = append(c.out, reply...)
	c.mu.Unlock()
	if err != nil {
		return fmt.Errorf("%s: %w", r.name, err)
	}
	c.stir()
	return c.node.sync.charge(ctx, c.peer, time.Since(began))
}

// answer begins the round that a first frame asks for, or says that there is no
// such set.
func (c *conversation) answer(ctx context.Context, frame []byte) (*round, error) {
	h, err := reconcile.ReadHello(frame)
	if err != nil {
		return nil, err
	}
	of, known := parseSetName(h.Name)
	if of.partial() {
		c.classes++
	}
	if c.asked[h.Name] || len(c.asked) >= 2*maxFollowed+synchro.Classes || c.classes > synchro.Classes {
		return nil, hostile("%.80q is asked for a second time, or as one set too many", h.Name)
	}
	c.asked[h.Name] = true
	if c.node.sync.isTaken(h.Name, c) {
		c.mu.Lock()
		if !c.full && !c.enough {
			c.out = appendFrame(c.out, frameFull)
			c.enough, c.busy = true, true
		}
		c.mu.Unlock()
	}
	var r *round
	if known {
		var took time.Duration
		if r, took, err = c.begin(of, false); err == nil && took > 0 {
			err = c.node.sync.charge(ctx, c.peer, took)
		}
	}
	if r == nil && err == nil {
		c.mu.Lock()
		c.round = nil
		c.out = appendFrame(c.out, frameNone)
		c.mu.Unlock()
		c.stir()
	}
	return r, err
}

// hear takes a frame that is not of the reconciliation.
func (c *conversation) hear(ctx context.Context, kind byte, body []byte) error {
	c.mu.Lock()
	p, err := c.heard(kind, body)
	c.mu.Unlock()
	c.stir()
	if err != nil || p.round == nil {
		return err
	}
	select {
	case c.arrived <- p:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// heard is called with mu held. It returns what is to be handed on.
func (c *conversation) heard(kind byte, body []byte) (p packed, err error) {
	r := c.round
	if kind != frameData && kind != frameCredit && len(body) > 0 {
		return p, hostile("a frame of type %#02x with %d bytes", kind, len(body))
	}
	goesOn := r != nil && !r.none && !r.endRead
	switch {
	case kind == frameFull && !c.muted:
		c.muted = true
	case kind == frameCredit:
		n, err := readCredit(body)
		if err != nil {
			return p, err
		}
		if c.credit += n; c.credit > synchro.CreditMax {
			return p, hostile("a credit of %d bytes", c.credit)
		}
		c.widest = max(c.widest, c.credit)
	case kind == frameNone && c.asks && goesOn && !r.endSent:
		r.none = true
		r.settle()
	case kind == frameData && goesOn:
		if c.allowed -= len(body); c.allowed < 0 {
			return p, hostile("%d bytes more than were allowed", -c.allowed)
		}
		c.bytesIn += len(body)
		return packed{r, body}, nil
	case kind == frameEnd && goesOn:
		if !r.session.Over() {
			return p, fmt.Errorf("%s: the peer ended before the comparison", r.name)
		}
		r.endRead = true
		return packed{r, nil}, nil
	default:
		return p, hostile("a frame of type %#02x out of turn", kind)
	}
	return p, nil
}
