package node

import (
	"bufio"
	"context"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// What tests of synchronisation reach.
const (
	FrameNone   = frameNone
	FrameFull   = frameFull
	FrameData   = frameData
	FrameEnd    = frameEnd
	FrameCredit = frameCredit
	ControlName = controlName
	BadgesName  = badgesName
	ClassName   = className
	ClassesName = classesName
)

var (
	Synchro     = &synchro
	UsualRhythm = usualRhythm // before init
	AppendFrame = appendFrame
	CreditFrame = creditFrame
	ReadCredit  = readCredit
	Remind      = &remind
)

// Synchronise sets the rhythm of nodes made from now on, and returns how to take
// that back. In tests nodes compare their sets only when told to: those of gossip
// see what gossip alone brings.
func Synchronise() (back func()) {
	before := usualRhythm
	usualRhythm = rhythm{
		meet: 20 * time.Millisecond, every: 150 * time.Millisecond, most: 600 * time.Millisecond,
		again: 30 * time.Millisecond, rest: 60 * time.Millisecond, pause: 60 * time.Millisecond,
		stall: 2 * time.Second,
	}
	return func() { usualRhythm = before }
}

const never = 1000 * time.Hour

// SynchroniseWhenMissed is Synchronise of nodes that compare only when gossip
// dropped something.
func SynchroniseWhenMissed() (back func()) {
	before := usualRhythm
	usualRhythm.again, usualRhythm.rest, usualRhythm.stall = 30*time.Millisecond, 60*time.Millisecond, 2*time.Second
	return func() { usualRhythm = before }
}

// SynchroniseByNews is Synchronise of nodes that compare only when they meet, and
// when there is news.
func SynchroniseByNews() (back func()) {
	before := usualRhythm
	usualRhythm.meet, usualRhythm.again, usualRhythm.pause = 20*time.Millisecond, 30*time.Millisecond, 60*time.Millisecond
	return func() { usualRhythm = before }
}

func init() {
	usualRhythm = rhythm{meet: never, every: never, most: never, again: never, rest: never, pause: never, stall: 30 * time.Second}
}

// UsualPeriods are those of the page.
func UsualPeriods() map[string]time.Duration {
	return map[string]time.Duration{
		"meet": UsualRhythm.meet, "every": UsualRhythm.every, "most": UsualRhythm.most,
		"again": UsualRhythm.again, "rest": UsualRhythm.rest, "pause": UsualRhythm.pause, "stall": UsualRhythm.stall,
	}
}

// Compare asks a peer at once.
func (n *Node) Compare(id peer.ID) { n.sync.met <- id }

// ReadFrame reads a frame of a conversation.
func ReadFrame(r *bufio.Reader) ([]byte, error) {
	return readFrame(r, nil, func(int) error { return nil })
}

var oneZipper = sync.OnceValue(func() *zipper {
	z, err := newZipper()
	if err != nil {
		panic(err)
	}
	return z
})

// DataFrame makes a data frame of records, and of keys alone.
func DataFrame(raws [][]byte, keys ...reconcile.Key) []byte {
	z := oneZipper()
	var b []byte
	for _, raw := range raws {
		b = appendEntry(b, entry{raw: raw})
	}
	for _, k := range keys {
		b = appendEntry(b, entry{key: k})
	}
	frame, _ := z.dataFrame(b)
	return frame
}

// ReadData takes the body of a data frame apart.
func ReadData(body []byte) (records [][]byte, keys []reconcile.Key, err error) {
	raw, err := oneZipper().expand(body)
	if err != nil {
		return nil, nil, err
	}
	entries, err := readEntries(raw)
	for _, e := range entries {
		if len(e.raw) > 0 {
			records = append(records, e.raw)
		} else {
			keys = append(keys, e.key)
		}
	}
	return records, keys, err
}

// View is a set as it is now.
func (n *Node) View(name string) (reconcile.View, bool) {
	of, ok := parseSetName(name)
	if !ok {
		return reconcile.View{}, false
	}
	v, _, ok, err := n.viewSet(of)
	return v, ok && err == nil
}

// ClassSetsKept is how many sets of classes are remembered, and with how many keys.
func (n *Node) ClassSetsKept() (sets, keys int) {
	n.classSets.mu.Lock()
	defer n.classSets.mu.Unlock()
	for _, x := range n.classSets.kept {
		keys += x.view.Len()
	}
	return len(n.classSets.kept), keys
}

// Hollows is how many hollow keys there are.
func (n *Node) Hollows() int {
	n.sets.mu.Lock()
	defer n.sets.mu.Unlock()
	return n.sets.hollows
}

// Scanned reports whether the sets of a territory would have to be read from the
// store.
func (n *Node) Scanned(ids ...territory.ID) []territory.ID { return n.recallSets(ids) }

// TakeHollows takes hollow keys as if a peer had brought them.
func (n *Node) TakeHollows(id territory.ID, from peer.ID, keys ...reconcile.Key) (int, error) {
	return n.takeHollows(id, keys, from)
}

// HangUp closes connections to a peer.
func (n *Node) HangUp(id peer.ID) { _ = n.host.Network().ClosePeer(id) }

// Redial connects to an address now.
func (n *Node) Redial(address string) error {
	info, err := parsePeer(address)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	return n.host.Connect(ctx, info)
}

// ScanSets reads sets from the store, and RecallSets from the last snapshot, in
// place of those there are.
func (n *Node) ScanSets(ids ...territory.ID) error {
	n.forgetSets(ids)
	return n.scanSets(ids)
}

func (n *Node) RecallSets(ids ...territory.ID) []territory.ID {
	n.forgetSets(ids)
	return n.recallSets(ids)
}

func (n *Node) forgetSets(ids []territory.ID) {
	for _, id := range ids {
		n.sets.drop(id)
	}
	n.sets.register(ids)
}

// SaveSets writes a snapshot.
func (n *Node) SaveSets() error { return n.saveSets() }

// Host is the libp2p host.
func (n *Node) Host() host.Host { return n.host }

// MissGossip says that gossip dropped something.
func (n *Node) MissGossip() { n.sync.miss("") }

// Charge notes that a peer has caused so much computing.
func (n *Node) Charge(ctx context.Context, id peer.ID, took time.Duration) error {
	return n.sync.charge(ctx, id, took)
}

// Turns are conversations that would each bring much of one set.
type Turns struct {
	sync *synchroniser
	all  []*conversation
}

func NewTurns(count int) (*Turns, error) {
	s, err := newSynchroniser()
	t := &Turns{sync: s}
	for range count {
		t.all = append(t.all, &conversation{})
	}
	return t, err
}

// Take reports whether one of them may.
func (t *Turns) Take(which int) bool { return t.sync.take("badges/x", t.all[which]) }

// Leave says that one of them has ended, and reports whether it had the turn.
func (t *Turns) Leave(which int) bool { return t.sync.leave("badges/x", t.all[which]) }
