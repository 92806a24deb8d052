package reconcile

import (
	"encoding/binary"
	"math"
	"time"
)

// version is the first number of the first frame.
const version = 1

// seconds returns t as keys have it.
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
	s.state, s.asked = started, s.config.Nonce
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

// auditFlag asks for an audit.
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

func fingerprintBody(count int, fp uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(count)), fp)
}
