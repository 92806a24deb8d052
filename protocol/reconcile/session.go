package reconcile

import (
	"slices"
	"time"
)

// Config is what a session needs to know.
type Config struct {
	// Name is the set: both sides must name the same, 1 to MaxName bytes.
	Name string
	// View is what this side has.
	View View
	// Nonce is drawn from a source of chance for this session alone.
	Nonce Nonce
	// From leaves out records signed earlier: the oldest epoch kept. The later
	// of the two sides' holds. Zero leaves out none.
	From time.Time
	// Audit compares sums of salted hashes over all keys rather than the sums
	// in the tree: proof against records made to have equal sums, at 0.1 µs
	// for each key of the set. Who asks decides; in who answers it is ignored.
	Audit bool
}

// A Session is one side of one comparison of two sets: it takes frames and gives
// frames, and learns what to send and what to expect. It has one user at a time.
//
// One side calls Start; both call Receive with each frame that comes, until done.
type Session struct {
	config Config
	state  state
	asked  Nonce // of who asks
	salt   salt
	base   int // the rank from which keys take part
	lowest Key // and the bound of it

	partial bool // something was left open

	messages, framesIn, framesOut int
	hashed                        int // keys, as charge counts them

	// promised are the keys that will be sent, of which waiting have not been
	// handed to the caller, and will be as soon as they are below settled:
	// all below it is decided. None waits below next.
	promised, waiting bitset
	settled, next     int

	wanted   []span // ranges of which the peer will send some keys
	wantedID map[uint64]struct{}
	expected uint64

	heard message
}

type state uint8

const (
	fresh   state = iota
	started       // Start was called, no answer yet
	talking
	over
)

// message is what the frames of one message have said so far.
type message struct {
	ranges, ids int
	compared    int     // ranges whose fingerprints were compared, neither side empty
	open        []*item // what there is to say, in the order of arrival
	answers     []need
	wanted      []span // with the keys the peer will send
	awaited     bool   // the peer expects an answer
}

// item is a range of which this side has something to say.
type item struct {
	span
	i, j      int // in ranks
	mode      mode
	push      int // keys that will be sent
	own, peer int // keys that are not yet promised
	body      []byte
	hashes    int // of filters
	kind      kind
	// lack and extra estimate how many keys the peer alone has, and how many
	// this side alone.
	lack, extra float64
}

// kind is what is known of an item: at first why it is open, then how it is
// answered.
type kind uint8

const (
	decided kind = iota // mode, push and body say all

	differing // its fingerprints differ
	asking    // the same, and the peer is waiting for a description
	described // it was described, and what is left may still differ

	divide  // to be cut into ranges with fingerprints
	list    // to be listed by ids
	ask     // to be described by the peer
	filters // to be described by filters
	sketchy // to be described by a sketch, with others
)

// need is the answer to a sketch: the ids wanted of the ranges it was of.
type need struct {
	spans []span
	ids   []uint64
	push  int
}

// New returns a session. The error is of a name that is too long or empty.
func New(c Config) (*Session, error) {
	if len(c.Name) == 0 || len(c.Name) > MaxName {
		return nil, tooMany("a name of %d bytes", len(c.Name))
	}
	s := &Session{config: c, wantedID: map[uint64]struct{}{}}
	s.begin(seconds(c.From))
	return s, nil
}

// Receive takes one frame, without its length, and returns what to write to the
// peer, lengths included: nothing while the peer's message goes on. When done,
// what it returned last has still to be written. Any error is final and proves
// the peer at fault, but for ErrOver.
//
// Cost: a message costs at most 20 ms and 0.1 µs for each key of the set, a whole
// session 16 times the latter. Memory: 250 KB per million keys of the set, 24
// bytes for each id wanted, and the reply.
func (s *Session) Receive(frame []byte) (reply []byte, done bool, err error) {
	if s.state == over {
		return nil, true, ErrOver
	}
	reply, err = s.receive(frame)
	if err != nil {
		s.state, s.partial = over, true
		return nil, true, err
	}
	return reply, s.state == over, nil
}

func (s *Session) receive(frame []byte) ([]byte, error) {
	if len(frame) == 0 {
		return nil, malformed("an empty frame")
	}
	if len(frame) > MaxFrame {
		return nil, tooMany("a frame of %d bytes", len(frame))
	}
	if s.framesIn++; s.framesIn > MaxFrames {
		return nil, tooMany("more than %d frames", MaxFrames)
	}
	goesOn := frame[0]&more != 0
	r := reader{data: frame[1:]}
	what := frame[0] &^ more
	switch {
	case s.state == fresh:
		return s.answer(frame)
	case s.state == started && what == frameAnswer:
		if err := s.answered(&r, goesOn); err != nil {
			return nil, err
		}
	case s.state == talking && what == frameRanges:
		s.hearRanges(&r)
	case s.state == talking && what == frameSketch:
		s.hearSketch(&r)
	case s.state == talking && what == frameNeed:
		s.hearNeed(&r)
	default:
		return nil, malformed("a frame of type %#02x out of turn", frame[0])
	}
	if r.err != nil {
		return nil, r.err
	}
	if goesOn || s.state == over {
		return nil, nil
	}
	if s.messages++; s.messages > MaxMessages {
		return nil, tooMany("more than %d messages", MaxMessages)
	}
	return s.reply()
}

// end closes the session: all is decided.
func (s *Session) end() {
	s.state = over
	s.settled = s.config.View.Len()
}

// Push returns the next keys of records to send, at most limit, and none while
// nothing more is decided. They come in key order: what is behind has always
// been sent whole, so that a cut connection leaves the peer with a beginning,
// which the next session skips at the cost of one range.
func (s *Session) Push(limit int) []Key {
	var keys []Key
	for len(keys) < limit {
		s.next = s.waiting.next(s.next, s.settled)
		if s.next >= s.settled {
			break
		}
		s.waiting.remove(s.next)
		keys = append(keys, s.config.View.At(s.next))
	}
	return keys
}

// Waiting returns how many keys Push has yet to return, decided or not.
func (s *Session) Waiting() int { return s.waiting.count }

// Wants reports whether the peer may send the record with this key: this side
// asked for it, or the peer announced records of a range around it. Cost: 0.1 µs.
func (s *Session) Wants(k Key) bool {
	if _, ok := s.wantedID[s.salt.idOf(&k)]; ok {
		return true
	}
	i, found := slices.BinarySearchFunc(s.wanted, k, func(r span, k Key) int { return r.lo.compare(&k) })
	if found {
		return true
	}
	return i > 0 && k.compare(&s.wanted[i-1].hi) < 0
}

// Expected returns how many records the peer will send, by its own word and by
// what it was asked for. It is a claim: allocate nothing by it.
func (s *Session) Expected() uint64 { return s.expected }

// Over reports whether the session has ended, well or not.
func (s *Session) Over() bool { return s.state == over }

// Complete reports whether nothing was left open on this side, once the session
// is over. What was left, because MaxMessages or MaxFrames is reached, the next
// session finds.
func (s *Session) Complete() bool { return s.state == over && !s.partial }
