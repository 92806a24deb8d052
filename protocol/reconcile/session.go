package reconcile

import (
	"encoding/binary"
	"math"
	"slices"
	"time"
)

// version is the first number of the first frame.
const version = 1

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
	asks   bool  // this side called Start
	asked  Nonce // of who asks
	salt   salt
	base   int // the rank from which keys take part
	lowest Key // and the bound of it

	partial bool // something was left open

	messages, framesIn, framesOut int
	hashed                        int // keys, against maxHashed

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

func seconds(t time.Time) uint64 { return uint64(max(0, t.Unix())) }

// begin leaves out what is before from.
func (s *Session) begin(from uint64) {
	s.lowest = since(from)
	s.base = s.config.View.Rank(s.lowest)
	s.settled = s.base
}

// Start returns the first frame, with its length before it. Who asks calls it,
// once.
func (s *Session) Start() []byte {
	s.asks, s.state, s.asked = true, started, s.config.Nonce
	s.salt = saltOf(s.asked, Nonce{})
	count, fp, _ := s.fingerprint(s.base, s.config.View.Len()) // no error: the first look is never one too many
	flags := byte(0)
	if s.config.Audit {
		flags = auditFlag
	}
	b := []byte{frameHello, version, flags, byte(len(s.config.Name))}
	b = append(append(b, s.config.Name...), s.config.Nonce[:]...)
	b = binary.AppendUvarint(b, seconds(s.config.From))
	b = binary.AppendUvarint(b, uint64(count))
	b = binary.LittleEndian.AppendUint64(b, fp)
	var w writer
	w.frame(b)
	s.messages++
	s.framesOut++
	return w.message()
}

const auditFlag = 1

// Hello is the first frame of a session, by which who answers finds the set.
type Hello struct {
	Name  string
	Audit bool
	// From is the earliest signed time the peer keeps, and Count how many
	// records it has since.
	From  time.Time
	Count int

	nonce       Nonce
	fingerprint uint64
}

// ReadHello reads the first frame, without its length.
func ReadHello(frame []byte) (Hello, error) {
	if len(frame) > MaxFrame {
		return Hello{}, tooMany("a frame of %d bytes", len(frame))
	}
	r := reader{data: frame}
	if t := r.byte(); r.err == nil && t != frameHello {
		return Hello{}, malformed("a first frame of type %#02x", t)
	}
	if v := r.byte(); r.err == nil && v != version {
		return Hello{}, ErrVersion
	}
	flags := r.byte()
	if flags&^auditFlag != 0 {
		r.fail("flags %#02x", flags)
	}
	h := Hello{Audit: flags&auditFlag != 0}
	n := r.byte()
	if r.err == nil && (n == 0 || n > MaxName) {
		r.fail("a name of %d bytes", n)
	}
	h.Name = string(r.bytes(uint64(n)))
	copy(h.nonce[:], r.bytes(16))
	from := r.uvarint()
	if from > math.MaxInt64 {
		r.fail("a time of %d", from)
	}
	h.From = time.Unix(int64(from), 0).UTC()
	h.Count = r.count()
	h.fingerprint = r.word()
	if r.err == nil && len(r.data) > 0 {
		r.fail("%d bytes too many", len(r.data))
	}
	if r.err != nil {
		return Hello{}, r.err
	}
	return h, nil
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
	kind := frame[0] &^ more
	switch {
	case s.state == fresh:
		return s.answer(frame)
	case s.state == started && kind == frameAnswer:
		if err := s.answered(&r, goesOn); err != nil {
			return nil, err
		}
	case s.state == talking && kind == frameRanges:
		s.hearRanges(&r)
	case s.state == talking && kind == frameSketch:
		s.hearSketch(&r)
	case s.state == talking && kind == frameNeed:
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

// answer takes the first frame and returns the first answer: that both are
// equal, that one side has nothing, or the first ranges.
func (s *Session) answer(frame []byte) ([]byte, error) {
	h, err := ReadHello(frame)
	if err != nil {
		return nil, err
	}
	if h.Name != s.config.Name {
		return nil, ErrName
	}
	s.messages, s.config.Audit = 1, h.Audit
	ours, theirs := seconds(s.config.From), seconds(h.From)
	s.begin(max(ours, theirs))
	s.asked = h.nonce
	end := s.config.View.Len()
	// The peer's fingerprint is salted by its nonce alone, and says something
	// only if it is of the same range.
	s.salt = saltOf(s.asked, Nonce{})
	count, fp, err := s.fingerprint(s.base, end)
	if err != nil {
		return nil, err
	}
	comparable := theirs >= ours
	equal := comparable && count == h.Count && fp == h.fingerprint
	s.salt = saltOf(s.asked, s.config.Nonce)
	if _, fp, err = s.fingerprint(s.base, end); err != nil {
		return nil, err
	}
	b := append([]byte{frameAnswer}, s.config.Nonce[:]...)
	b = binary.AppendUvarint(b, ours)
	b = binary.AppendUvarint(b, uint64(count))
	b = binary.LittleEndian.AppendUint64(b, fp)
	var w writer
	w.frame(b)
	whole := span{s.lowest, beyond}
	switch {
	case equal:
		s.end()
	case h.Count == 0:
		s.promiseAll(s.base, end)
		s.end()
	case count == 0:
		s.want(whole, h.Count)
		s.normalise()
		s.end()
	default:
		s.state = talking
		it := &item{span: whole, i: s.base, j: end, own: count, kind: divide}
		if !comparable {
			it.kind, it.mode, it.body = decided, modeFingerprint, fingerprintBody(count, fp)
		} else if count <= maxListed {
			it.kind = list
		}
		if err := s.write(&w, []*item{it}); err != nil {
			return nil, err
		}
	}
	s.messages++
	s.framesOut += w.frames
	return w.message(), nil
}

// answered takes the answer to Start.
func (s *Session) answered(r *reader, goesOn bool) error {
	var nonce Nonce
	copy(nonce[:], r.bytes(16))
	theirs := r.uvarint()
	count := r.count()
	fp := r.word()
	if r.err == nil && len(r.data) > 0 {
		r.fail("%d bytes too many", len(r.data))
	}
	if r.err != nil {
		return r.err
	}
	s.begin(max(seconds(s.config.From), theirs))
	s.salt = saltOf(s.asked, nonce)
	s.state = talking
	end := s.config.View.Len()
	if goesOn {
		return nil
	}
	s.end()
	switch own := end - s.base; {
	case own > 0 && count == 0:
		s.promiseAll(s.base, end)
	case own == 0 && count > 0:
		s.want(span{s.lowest, beyond}, count)
		s.normalise()
	default:
		if n, mine, err := s.fingerprint(s.base, end); err != nil || n != count || mine != fp {
			return malformed("equal sets are said to be, and are not")
		}
	}
	return nil
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

// maxWanted is how many ranges are remembered to judge what the peer sends.
// Beyond it neighbours become one, and the judgement milder.
const maxWanted = 16 << 10

// want remembers that the peer will send n keys of a range.
func (s *Session) want(r span, n int) {
	s.expect(n)
	last := len(s.heard.wanted) - 1
	if last >= 0 && (s.heard.wanted[last].hi == r.lo || last >= maxWanted) {
		s.heard.wanted[last].hi = later(s.heard.wanted[last].hi, r.hi)
		s.heard.wanted[last].lo = sooner(s.heard.wanted[last].lo, r.lo)
		return
	}
	s.heard.wanted = append(s.heard.wanted, r)
}

func (s *Session) expect(n int) {
	s.expected += min(uint64(n), math.MaxUint64-s.expected)
}

// wantID remembers an id that the peer is asked for.
func (s *Session) wantID(id uint64) error {
	if len(s.wantedID) == MaxWanted {
		return tooMany("more than %d ids wanted", MaxWanted)
	}
	s.wantedID[id] = struct{}{}
	s.expect(1)
	return nil
}

// normalise sorts the ranges of wanted keys and joins those that touch.
func (s *Session) normalise() {
	if len(s.heard.wanted) == 0 {
		return
	}
	all := append(s.wanted, s.heard.wanted...)
	s.heard.wanted = nil
	slices.SortFunc(all, func(a, b span) int { return a.lo.compare(&b.lo) })
	joined := all[:1]
	for _, r := range all[1:] {
		last := &joined[len(joined)-1]
		if r.lo.compare(&last.hi) <= 0 || len(joined) == maxWanted {
			last.hi = later(last.hi, r.hi)
		} else {
			joined = append(joined, r)
		}
	}
	s.wanted = joined
}

func later(a, b Key) Key {
	if a.compare(&b) < 0 {
		return b
	}
	return a
}

func sooner(a, b Key) Key {
	if b.compare(&a) < 0 {
		return b
	}
	return a
}

// promise records that the key of rank i will be sent, and reports whether that
// is new.
func (s *Session) promise(i int) bool { return s.promiseAll(i, i+1) == 1 }

// promiseAll promises the keys of [i, j) and returns how many were new.
func (s *Session) promiseAll(i, j int) int {
	n := s.own(i, j)
	s.next = min(s.next, i)
	if n == j-i {
		s.promised.addAll(i, j, s.config.View.Len())
		s.waiting.addAll(i, j, s.config.View.Len())
		return n
	}
	for ; i < j; i++ {
		if !s.promised.has(i) {
			s.promiseAll(i, i+1)
		}
	}
	return n
}

// own returns how many keys of [i, j) are not promised: what is promised is as
// good as sent, and left out of all that is said later.
func (s *Session) own(i, j int) int { return j - i - s.promised.in(i, j) }

// fingerprint returns the count and the fingerprint of the keys of [i, j) that
// are not promised.
func (s *Session) fingerprint(i, j int) (int, uint64, error) {
	if s.config.Audit {
		var sum auditSum
		err := s.each(i, j, func(_ int, k *Key) { sum.add(&s.salt, k) })
		count := s.own(i, j)
		return count, s.salt.ofAudit(count, sum), err
	}
	sum := s.config.View.Sum(i, j)
	gone := s.promised.in(i, j)
	if gone > 0 {
		if err := s.charge(j - i); err != nil {
			return 0, 0, err
		}
		var promised Sum
		rank := i
		for keys := range s.config.View.runs(i, j) {
			for k := range keys {
				if s.promised.has(rank) {
					promised.add(&keys[k])
				}
				rank++
			}
		}
		sum.minus(promised)
	}
	return j - i - gone, s.salt.ofSum(j-i-gone, sum), nil
}

// charge counts n keys that are about to be hashed for the peer. Nobody needs
// more than 16 times the set: an audit looks at it 3 times, a filter, two
// sketches and their answers 6 times.
func (s *Session) charge(n int) error {
	if s.hashed += n; s.hashed > 16*s.config.View.Len()+64<<10 {
		return tooMany("%d keys hashed for one session", s.hashed)
	}
	return nil
}

// each calls do with the keys of [i, j) that are not promised when their turn
// comes.
func (s *Session) each(i, j int, do func(rank int, k *Key)) error {
	if err := s.charge(j - i); err != nil {
		return err
	}
	for keys := range s.config.View.runs(i, j) {
		for k := range keys {
			if !s.promised.has(i) {
				do(i, &keys[k])
			}
			i++
		}
	}
	return nil
}

// ranks returns the ranks of the keys of r that take part.
func (s *Session) ranks(r span) (i, j int) {
	return max(s.base, s.rank(r.lo)), max(s.base, s.rank(r.hi))
}

func (s *Session) rank(bound Key) int {
	if bound == beyond {
		return s.config.View.Len()
	}
	return s.config.View.Rank(bound)
}

func fingerprintBody(count int, fp uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(count)), fp)
}
