package reconcile

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// The bounds of a session (spec/sync.md §6). A peer that passes one gets
// ErrLimit; nothing is allocated from a count before what it counts has come.
const (
	// MaxFrame is the size of the largest frame, without its length: what a
	// relayed connection passes in one piece, and half a second at 1 Mbit/s.
	MaxFrame = 64 << 10
	// MaxRanges is how many ranges one message may speak of. Their fingerprints
	// cost a message 20 ms at most.
	MaxRanges = 4096
	// MaxIDs is how many ids one message may list.
	MaxIDs = 4096
	// MaxMessages is how many messages both sides together may send. A million
	// keys take 2 to 10, and each eightfold of them one more.
	MaxMessages = 24
	// MaxFrames is how many frames each side may send: 16 MiB, the filters of
	// 20 million keys.
	MaxFrames = 256
	// MaxName is the length of the longest name of a set.
	MaxName = 200
	// MaxCells is the size of the largest sketch: 1,500 differences in half a
	// frame. More differences take more sketches.
	MaxCells = 2400
	// MaxWanted is how many ids one side may want, beside whole ranges: what
	// sketches of 20 million keys find, in 5 MB of memory.
	MaxWanted = 1 << 18
	// MaxPieces is how many ranges one sketch may be of.
	MaxPieces = 256
)

// The errors of what a peer sends. Each is wrapped with what was found, and each
// ends the session.
var (
	// ErrMalformed is the error of bytes that no correct peer sends.
	ErrMalformed = errors.New("malformed frame")
	// ErrLimit is the error of a peer that passes a bound.
	ErrLimit = errors.New("limit passed")
	// ErrVersion is the error of a peer that speaks another version.
	ErrVersion = errors.New("another version of the protocol")
	// ErrName is the error of a peer that asks for another set.
	ErrName = errors.New("another set")
	// ErrOver is the error of a session that has ended.
	ErrOver = errors.New("the session is over")
)

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

func tooMany(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrLimit}, args...)...)
}

// The types of frames: the low bits of the first byte (spec/sync.md §4).
const (
	frameHello = 1 + iota
	frameAnswer
	frameRanges
	frameSketch
	frameNeed

	// more is set in the first byte of all frames of a message but the last.
	more = 0x80
)

// mode says what is known of a range: the low three bits of its first byte.
type mode byte

const (
	modeSkip        mode = iota // nothing is open
	modeFingerprint             // count and fingerprint
	modeIDs                     // the ids of all keys
	modeWant                    // which of the ids just listed to send
	modeBloom                   // a filter of the ids of all keys
	modeAsk                     // count; the other side is to say what it has

	modeMask   = 0x07
	pushFlag   = 0x08 // a count follows: keys that will be sent
	prefixBits = 4    // the high four bits are the length of the digest prefix
	prefixLong = 15   // of which this says that a byte with the length follows
)

// ReadFrame reads one frame, without its length, into buf, which it returns
// with the length of the frame; it is allocated once if smaller than MaxFrame. A
// frame that announces more than MaxFrame is ErrLimit, and nothing of it is read.
// At the end of the stream the error is io.EOF.
func ReadFrame(r interface {
	io.Reader
	io.ByteReader
}, buf []byte,
) ([]byte, error) {
	size, err := binary.ReadUvarint(r)
	if err != nil {
		return nil, err
	}
	if size > MaxFrame {
		return nil, tooMany("a frame of %d bytes", size)
	}
	if cap(buf) < MaxFrame {
		buf = make([]byte, MaxFrame)
	}
	buf = buf[:size]
	if _, err := io.ReadFull(r, buf); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	return buf, nil
}

// reader takes a frame apart. The first fault stays in err, and after it all
// values are zero.
type reader struct {
	data []byte
	err  error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = malformed(format, args...)
	}
	r.data = nil
}

// bytes returns the next n bytes, which belong to the frame.
func (r *reader) bytes(n uint64) []byte {
	if n > uint64(len(r.data)) {
		r.fail("%d bytes announced, %d left", n, len(r.data))
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) byte() byte {
	if b := r.bytes(1); b != nil {
		return b[0]
	}
	return 0
}

func (r *reader) word() uint64 {
	if b := r.bytes(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// uvarint reads a number, which must be written as short as it can be.
func (r *reader) uvarint() uint64 {
	v, n := binary.Uvarint(r.data)
	if n <= 0 || n > 1 && r.data[n-1] == 0 {
		r.fail("a number is cut short, longer than 64 bits or padded")
		return 0
	}
	r.data = r.data[n:]
	return v
}

// count reads a number of keys. No set has 2^40 of them.
func (r *reader) count() int {
	v := r.uvarint()
	if v > 1<<40 {
		r.fail("a count of %d", v)
		return 0
	}
	return int(v)
}

// bound reads the bound after before, whose prefix has n bytes (0 to 14) or, if
// n is prefixLong, as many as the next byte says.
func (r *reader) bound(before Key, n int) Key {
	if n == prefixLong {
		if n = int(r.byte()); n < prefixLong || n > 32 {
			r.fail("a digest prefix of %d bytes", n)
			return before
		}
	}
	seconds := r.uvarint()
	if r.err != nil {
		return before
	}
	if seconds == 0 {
		if n != 0 {
			r.fail("the last bound has a digest")
		}
		return beyond
	}
	seconds += before.seconds() - 1
	if seconds < before.seconds() {
		r.fail("a bound is beyond time")
		return before
	}
	bound := since(seconds)
	copy(bound[8:], r.bytes(uint64(n)))
	return bound
}

// spans reads the ranges of a sketch or of an answer to one: ascending, without
// overlap, none empty.
func (r *reader) spans() []span {
	n := r.uvarint()
	if n == 0 || n > MaxPieces {
		r.fail("%d ranges for one sketch", n)
		return nil
	}
	var spans []span
	var at Key
	for range n {
		lo := r.bound(at, r.prefix())
		hi := r.bound(lo, r.prefix())
		if r.err == nil && (lo.compare(&at) < 0 || hi.compare(&lo) <= 0) {
			r.fail("ranges that do not ascend")
		}
		if r.err != nil {
			return nil
		}
		spans = append(spans, span{lo, hi})
		at = hi
	}
	return spans
}

// prefix reads the length of a digest prefix that has a byte of its own.
func (r *reader) prefix() int {
	b := r.byte()
	if b&(1<<prefixBits-1) != 0 {
		r.fail("a bound that begins with %#02x", b)
	}
	return int(b >> prefixBits)
}

// span is a range of keys, lo <= key < hi.
type span struct{ lo, hi Key }

// writer makes the frames of one message, each with its length before it.
type writer struct {
	out    []byte
	frames int
	last   int    // where in out the first byte of the last frame is
	body   []byte // of the frame of ranges that is open, nil if none is
	at     Key    // the bound up to which it speaks
}

// frame appends a whole frame. The first byte of body is the type.
func (w *writer) frame(body []byte) {
	w.closeRanges()
	w.append(body)
}

func (w *writer) append(body []byte) {
	w.out = binary.AppendUvarint(w.out, uint64(len(body)))
	w.last = len(w.out)
	w.out = append(w.out, body...)
	w.out[w.last] |= more
	w.frames++
}

// entry appends a range with what is said of it: hi is its bound, push the
// number of keys that will be sent, rest what the mode wants.
func (w *writer) entry(r span, m mode, push int, rest []byte) {
	const head = 2 * (1 + 1 + 10 + 32 + 10) // of two ranges at most
	if w.body == nil || r.lo.compare(&w.at) < 0 || len(w.body)+head+len(rest) > MaxFrame {
		w.closeRanges()
		w.body = append(w.body, frameRanges)
		w.body = appendBound(w.body, 0, Key{}, r.lo)
		w.at = r.lo
	}
	if r.lo != w.at {
		w.body = appendBound(w.body, byte(modeSkip), w.at, r.lo)
		w.at = r.lo
	}
	first := byte(m)
	if push > 0 {
		first |= pushFlag
	}
	w.body = appendBound(w.body, first, w.at, r.hi)
	w.at = r.hi
	if push > 0 {
		w.body = binary.AppendUvarint(w.body, uint64(push))
	}
	w.body = append(w.body, rest...)
}

func (w *writer) closeRanges() {
	if w.body != nil {
		w.append(w.body)
		w.body = nil
	}
}

// message returns all frames; if there are none, one that says that nothing is
// open.
func (w *writer) message() []byte {
	w.closeRanges()
	if w.frames == 0 {
		w.append([]byte{frameRanges})
	}
	w.out[w.last] &^= more
	return w.out
}

// appendBound appends the bound to after before: first, whose high bits become
// the length of the digest prefix, the time, and the prefix.
func appendBound(b []byte, first byte, before, to Key) []byte {
	if to == beyond {
		return append(b, first, 0)
	}
	n := KeySize
	for n > 8 && to[n-1] == 0 {
		n--
	}
	n -= 8
	if n < prefixLong {
		b = append(b, first|byte(n)<<prefixBits)
	} else {
		b = append(b, first|prefixLong<<prefixBits, byte(n))
	}
	b = binary.AppendUvarint(b, to.seconds()-before.seconds()+1)
	return append(b, to[8:8+n]...)
}

// appendSpans appends the ranges of a sketch.
func appendSpans(b []byte, spans []span) []byte {
	b = binary.AppendUvarint(b, uint64(len(spans)))
	var at Key
	for _, s := range spans {
		b = appendBound(b, 0, at, s.lo)
		b = appendBound(b, 0, s.lo, s.hi)
		at = s.hi
	}
	return b
}
