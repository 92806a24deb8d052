package node

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	lru "github.com/hashicorp/golang-lru/v2"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
	"codeberg.org/essaim/essaim/store"
)

// trustCursor names the cursor of the follower. The graph is in memory: a start
// takes it back to what the file of facts covers, or to the first arrival.
const trustCursor = "trust"

// trustPage is how many arrivals are read and then told to the graph at once:
// some twenty milliseconds of reading.
const trustPage = 256

// recentClasses is how many classes are kept to compare awards with, some
// kilobytes each.
const recentClasses = 256

// trustFollower keeps the trust graph up with the store's log. It reads and
// never writes, so no record waits for it. Whoever asks first lets it catch up,
// so that an answer knows all that was stored when it was asked; beside Run it
// catches up as records come.
//
// Nothing is lost with it: what it holds follows from the log and the view.
type trustFollower struct {
	n    *Node
	rows store.Bucket // of anchors.go and access.go

	// reading is held by who moves the cursor, over the disk; before mu.
	reading sync.Mutex
	cursor  *store.Cursor // nil before the first advance
	file    factFile
	early   map[trust.Digest]bool                // classes that awards came before
	classes *lru.Cache[cid.Cid, protocol.Record] // of the awards read lately
	read    atomic.Uint32                        // the last arrival that is in the graph
	ready   atomic.Bool                          // it caught up once
	chasing atomic.Bool                          // Run is building the graph

	mu    sync.Mutex // guards what follows; never held over I/O
	graph *trust.Graph
	view  viewChoice
	lists map[did.DID][]listed // by key of whose endorsements are a list
	turn  uint64               // grows with every change of facts or view

	// What a report says: the id of the view and the turn it was counted at, how
	// long the first catching up took, and the full passes seen and when.
	id       trust.Digest
	idTurn   uint64
	built    time.Duration
	passes   uint64
	passedAt time.Time
}

func newTrustFollower(n *Node) *trustFollower {
	classes, err := lru.New[cid.Cid, protocol.Record](recentClasses)
	if err != nil {
		panic(err) // only for a size below one
	}
	return &trustFollower{
		classes: classes,
		file:    factFile{path: factPath(n.config)},
		n:       n, rows: n.store.Private(bucketTrust), early: map[trust.Digest]bool{},
		graph: trust.New(trust.View{}), lists: map[did.DID][]listed{}, turn: 1,
	}
}

// run keeps the graph up until ctx ends. It fails when the store is damaged.
func (f *trustFollower) run(ctx context.Context) error {
	f.chasing.Store(true)
	defer f.chasing.Store(false)
	for {
		if err := f.advance(ctx); err != nil {
			if ctx.Err() != nil || errors.Is(err, store.ErrClosed) {
				return nil
			}
			return fmt.Errorf("trust: %w", err)
		}
		f.chasing.Store(false)
		if err := f.n.store.Wait(ctx, f.read.Load()); err != nil {
			return nil // ctx ended, or the store closed
		}
	}
}

// advance brings the graph up to the last arrival.
func (f *trustFollower) advance(ctx context.Context) error {
	if f.ready.Load() && f.read.Load() >= f.n.store.Last() {
		return nil
	}
	f.reading.Lock()
	defer f.reading.Unlock()
	began := time.Now()
	if f.cursor == nil {
		if err := f.begin(); err != nil {
			return err
		}
	}
	for ctx.Err() == nil {
		entries, err := f.cursor.Next(trustPage)
		if err != nil {
			return err
		}
		if len(entries) == 0 {
			if !f.ready.Load() {
				if err := f.reloadLists(); err != nil {
					return err
				}
				f.mu.Lock()
				f.built = time.Since(began)
				f.mu.Unlock()
				f.ready.Store(true)
			}
			return nil
		}
		if err := f.take(entries); err != nil {
			return err
		}
	}
	return ctx.Err()
}

// take reads arrivals, tells the graph and keeps their facts.
func (f *trustFollower) take(entries []store.Entry) error {
	news, facts, err := f.news(entries)
	if err != nil {
		return err
	}
	gone, reload := f.hear(news)
	if reload {
		if err := f.reloadLists(); err != nil {
			return err
		}
	}
	last := entries[len(entries)-1]
	c, err := last.CID()
	if err != nil {
		return err
	}
	if err := f.file.add(last.Seq, digestOf(c), facts); err != nil {
		f.n.log.Warn("facts about trust not kept; the next start takes longer", "err", err)
	}
	if len(gone) > 0 {
		if err := f.file.without(gone); err != nil {
			f.n.log.Warn("facts about trust not kept; the next start takes longer", "err", err)
		}
	}
	if err := f.cursor.Commit(last.Seq); err != nil {
		return err
	}
	f.read.Store(last.Seq)
	return nil
}

// begin reads who is trusted and the facts that were kept, and puts the cursor
// behind them.
func (f *trustFollower) begin() error {
	if err := f.recallView(); err != nil {
		return err
	}
	cursor, err := f.n.store.Cursor(trustCursor)
	if err != nil {
		return err
	}
	seq, err := f.recall()
	if err != nil {
		return err
	}
	if err := cursor.Commit(seq); err != nil {
		return err
	}
	f.read.Store(seq)
	f.cursor = cursor
	return nil
}

// hear tells the graph what came. It returns which records were in it and are
// gone, and whether lists are to be read again because one of their owners has
// another key.
func (f *trustFollower) hear(news []news) (gone map[trust.Digest]bool, reload bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	follow := false
	for _, x := range news {
		switch fact := x.fact.(type) {
		case nil:
			if f.graph.Remove(x.gone) {
				if gone == nil {
					gone = map[trust.Digest]bool{}
				}
				gone[x.gone] = true
			}
		default:
			if err := f.graph.Add(fact); err != nil {
				f.n.log.Error("record says nothing about trust", "err", err)
				continue
			}
		}
		if f.ready.Load() { // before, lists are not read yet
			again, touched := f.touchesList(x.fact)
			reload, follow = reload || again, follow || touched
		}
	}
	if len(news) > 0 {
		f.turn++
	}
	if follow && !reload {
		f.see(f.graph.View().Day)
	}
	return gone, reload
}

// ask runs a question on the graph as it stands today, caught up with the log.
// The question does no I/O.
func (f *trustFollower) ask(ctx context.Context, question func(g *trust.Graph)) error {
	if err := f.advance(ctx); err != nil {
		return err
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.today()
	question(f.graph)
	f.notePasses()
	return nil
}

// notePasses keeps when figures were last counted anew. It is called with mu
// held.
func (f *trustFollower) notePasses() {
	if now := f.graph.Passes(); now != f.passes {
		f.passes, f.passedAt = now, f.n.now().UTC().Truncate(time.Second)
	}
}

// today moves the view to the day it is. It is called with mu held.
func (f *trustFollower) today() {
	if day := trust.DayOf(f.n.now()); day != f.graph.View().Day {
		f.see(day)
	}
}

// building reports whether Run is still reading the log, so that who is in a
// hurry does without.
func (f *trustFollower) building() bool { return f.chasing.Load() && !f.ready.Load() }

// TrustReport is how far the trust graph is.
type TrustReport struct {
	Ready bool   // it caught up once; false also before it was needed
	Read  uint32 // the last arrival that is in it
	Last  uint32 // the last arrival there is

	// What follows is zero before Ready.

	Size    trust.Size
	Anchors int
	View    trust.Digest // names what is seen from where
	// Built is how long the first catching up of this process took.
	Built time.Duration
	// Passes counts how often all figures were counted anew, as after another
	// choice of anchors, and Passed is when that was noticed last.
	Passes uint64
	Passed time.Time
}

// TrustReport returns how far the trust graph is, without waiting for it. The
// id of a view is counted anew when something changed: half a second for a
// million records.
func (n *Node) TrustReport() TrustReport {
	f := n.trust
	f.mu.Lock()
	defer f.mu.Unlock()
	r := f.report()
	if !r.Ready {
		return r
	}
	if f.idTurn != f.turn {
		f.id, f.idTurn = f.graph.ID(), f.turn
	}
	r.View = f.id
	return r
}

// TrustFigures is TrustReport without the id of the view, which costs most.
func (n *Node) TrustFigures() TrustReport {
	f := n.trust
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.report()
}

// report is called with mu held.
func (f *trustFollower) report() TrustReport {
	r := TrustReport{Ready: f.ready.Load(), Read: f.read.Load(), Last: f.n.store.Last()}
	if !r.Ready {
		return r
	}
	f.today()
	r.Size, r.Anchors, r.Built = f.graph.Size(), len(f.graph.View().Anchors), f.built
	f.notePasses()
	r.Passes, r.Passed = f.passes, f.passedAt
	return r
}

// news is what one arrival means for trust: a fact, or a record that is gone.
type news struct {
	fact trust.Fact
	gone trust.Digest
}

// readArrival is one arrival as it was read: it may say nothing.
type readArrival struct {
	record protocol.Record
	fact   trust.Fact
	waits  trust.Digest // the class of an award that came before it
	err    error
}

// news reads what entries say, on all processors, and writes it as the file of
// facts has it. An award that came before its class is noted in early, under the
// class, and read when that comes.
func (f *trustFollower) news(entries []store.Entry) (all []news, facts []byte, err error) {
	read := make([]readArrival, len(entries))
	workers := runtime.GOMAXPROCS(0)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := w; i < len(entries); i += workers {
				read[i] = f.readOne(entries[i])
			}
		})
	}
	wait.Wait()
	for _, x := range read {
		if x.err != nil {
			return nil, nil, x.err
		}
		if !x.waits.IsZero() {
			f.early[x.waits] = true
			facts = append(append(facts, factEarly), x.waits[:]...)
		}
		if x.fact != nil {
			all = append(all, news{fact: x.fact})
		}
		if x.record.IsZero() {
			continue
		}
		more, err := f.consequences(x.record)
		if err != nil {
			return nil, nil, err
		}
		all = append(all, more...)
	}
	for _, x := range all {
		if x.fact != nil {
			facts = appendFact(facts, x.fact)
		}
	}
	return all, facts, nil
}

// readOne reads an arrival: nothing of what is erased or says nothing of trust.
func (f *trustFollower) readOne(e store.Entry) (x readArrival) {
	if e.Kind == protocol.Profile || e.Kind == protocol.Notice || e.State == protocol.Erased {
		return x
	}
	x.record, x.err = e.Record()
	if errors.Is(x.err, store.ErrErased) {
		return readArrival{}
	}
	if x.err != nil {
		return x
	}
	if x.record.Kind() != protocol.Award {
		x.fact = factOf(x.record)
		return x
	}
	class, err := f.class(x.record.Class())
	switch {
	case errors.Is(err, store.ErrNotFound):
		x.waits = digestOf(x.record.Class())
	case errors.Is(err, store.ErrErased): // it names no class, but something that was erased
	case err != nil:
		x.err = err
	case protocol.Matches(x.record, class):
		x.fact = factOf(x.record)
	}
	return x
}

// class returns the record of a class, mostly from memory.
func (f *trustFollower) class(c cid.Cid) (protocol.Record, error) {
	if r, ok := f.classes.Get(c); ok {
		return r, nil
	}
	r, err := f.n.store.Get(c)
	if err == nil {
		f.classes.Add(c, r)
	}
	return r, err
}

// consequences returns what follows from a record for others: the awards that
// waited for a class, and what a status erased.
func (f *trustFollower) consequences(r protocol.Record) ([]news, error) {
	switch {
	case r.Kind() == protocol.Status:
		if d := r.Document().(*badge.Status); d.State != badge.Erased {
			return nil, nil
		}
		if gone := digestOf(r.Target().CID); f.n.store.Has(gone) == store.Stub {
			return []news{{gone: gone}}, nil
		}
	case r.Kind() == protocol.Class && f.early[r.Digest()]:
		delete(f.early, r.Digest())
		var all []news
		for row, err := range f.n.store.Awards(r.CID(), "") {
			if err != nil {
				return nil, err
			}
			award, err := f.n.store.Record(row.ID)
			if errors.Is(err, store.ErrErased) {
				continue
			}
			if err != nil {
				return nil, err
			}
			if fact := factOf(award); fact != nil && protocol.Matches(award, r) {
				all = append(all, news{fact: fact})
			}
		}
		return all, nil
	}
	return nil, nil
}

// listed is one endorsement of a profile at full weight by the owner of a list.
type listed struct {
	record trust.Digest
	whom   did.DID
}

// viewChoice is what this community chose; the view follows from it.
type viewChoice struct {
	anchors []did.DID // chosen one by one, the community itself included
	lists   []did.DID // whose endorsements are anchors too
	ignored []did.DID
}

// touchesList reports whether a fact may change a list, and whether its owner
// has another key now. It is called with mu held.
func (f *trustFollower) touchesList(fact trust.Fact) (reload, touched bool) {
	if len(f.view.lists) == 0 {
		return false, false
	}
	has := func(d did.DID) bool { _, ok := f.lists[d]; return ok }
	switch x := fact.(type) {
	case trust.Endorsement:
		if !has(x.By) || x.Of.Profile == "" {
			return false, false
		}
		if x.Weight == 0 || x.Weight == 100 {
			f.lists[x.By] = append(f.lists[x.By], listed{x.Record, x.Of.Profile})
		}
		return false, true
	case trust.Status:
		return false, has(x.By)
	case trust.Compromise:
		return has(x.Key), has(x.Key)
	case trust.Succession:
		return has(x.By) || has(x.To), true
	}
	return false, false
}

// see moves the view to day, with the anchors the lists have in force. It is
// called with mu held.
func (f *trustFollower) see(day trust.Day) {
	v := trust.View{Anchors: slices.Clone(f.view.anchors), Ignored: f.view.ignored, Day: day}
	now := f.graph.View()
	if len(f.view.lists) > 0 {
		// What is in force depends on the day, and not on who is trusted.
		f.graph.SetView(trust.View{Anchors: now.Anchors, Ignored: now.Ignored, Day: day})
		for _, list := range f.view.lists {
			v.Anchors = append(v.Anchors, f.onList(list)...)
		}
	}
	slices.Sort(v.Anchors)
	v.Anchors = slices.Compact(v.Anchors)
	if now.Day == day && slices.Equal(now.Anchors, v.Anchors) && slices.Equal(now.Ignored, v.Ignored) {
		return
	}
	f.graph.SetView(v)
	f.turn++
}

// onList returns whom an owner endorses at full weight today, under any of its
// keys, at most maxListed, in order. It is called with mu held.
func (f *trustFollower) onList(owner did.DID) []did.DID {
	var out []did.DID
	for _, key := range f.graph.Identity(owner).Keys {
		for _, l := range f.lists[key] {
			if f.graph.Why(l.record) == trust.Counted {
				out = append(out, l.whom)
			}
		}
	}
	slices.Sort(out)
	out = slices.Compact(out)
	return out[:min(len(out), maxListed)]
}

// digestOf returns the digest in the CID of a record; zero, which names none, for
// any other.
func digestOf(c cid.Cid) trust.Digest {
	digest, err := protocol.DigestOf(c)
	if err != nil {
		return trust.Digest{}
	}
	return digest
}

// close ends the follower after Run.
func (f *trustFollower) close() error {
	f.reading.Lock()
	defer f.reading.Unlock()
	return f.file.close()
}
