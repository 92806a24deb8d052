package store

import (
	"encoding/binary"
	"errors"
	"fmt"

	"codeberg.org/essaim/essaim/protocol"
)

// schema is the version of the key table below, the first. A store of a newer
// schema is refused before a file of it is touched (spec/store.md §10).
const schema = 1

// The key table: the first byte of every key. All integers in keys are
// big-endian, so that the order of keys is that of numbers. An id is the local
// number of a record, had or only named; a who is the local number of a DID and
// a where that of a territory. All begin at 1, and none is ever used twice.
//
// The examples are held against real rows by a test: a group of hexadecimal
// digits stands for that many bytes, and the rest for itself.
//
// Dates in keys are the record's created, in Unix seconds. "look" is a byte:
// kind in the low four bits, state in the high four.
const (
	// Records.
	keyLog   = 'l' // l 0000002a                              → look, id, created      arrival 42
	keyCID   = 'c' // c <32 bytes sha2-256>                   → cidRow                 any record ever named
	keyBody  = 'b' // b 0000002a                              → the bytes of record 42
	keyBare  = 'e' // e 0000002a                              → sha2-256               record 42 was erased
	keyWant  = 'm' // m 0000002a                              → sha2-256               record 42 is named and not had
	keyState = 's' // s 0000002a                              → id of the status that decides the state of 42
	// Names.
	keyIntern = 'i' // i d <32 bytes key>, i t fr:epci:242900314 → who, where
	keyNamed  = 'n' // n d 00000007, n t 00000001               → <32 bytes key>, fr:epci:242900314
	// Indexes, ordered by date.
	keyKind   = 'k' // k 03 6b02d940 0000002a                  → look                   awards
	keyWhere  = 't' // t 00000001 03 6b02d940 0000002a         → look                   awards of a territory
	keyAuthor = 'a' // a 00000007 03 6b02d940 0000002a         → look                   awards by an issuer
	keyHolder = 'h' // h 00000008 6b02d940 0000002a            → look                   awards held
	keyClass  = 'q' // q 00000011 00000001 6b02d940 0000002a   → awardRow               awards of class 17 in territory 1; 0 is all
	keyTarget = 'g' // g 00 00000011 04 6b02d940 0000002a      → look, who, until       endorsements of record 17
	//                 g 01 00000007 04 6b02d940 0000002a      →                        endorsements of identity 7
	// Work that outlives a crash.
	keyErase = 'x' // x 0000002a                               → nothing                the body of 42 is still in old files
	keyLate  = 'y' // y 00000011                               → nothing                awards of class 17 are to be compared with it
	// The node's own affairs.
	keyCursor  = 'u' // u trust                                → last arrival seen
	keyPrivate = 'p' // p peers 00 <any bytes>                 → any bytes
	keyMeta    = 'M' // M schema, tally, durable, boot, clean
)

// Second byte of keyIntern and keyNamed.
const (
	nameDID       = 'd'
	nameTerritory = 't'
)

// Second byte of keyTarget.
const (
	targetRecord   = 0
	targetIdentity = 1
)

var errShort = errors.New("value too short")

func key1(family byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 5), family), n)
}

func cidKey(digest [32]byte) []byte {
	return append(append(make([]byte, 0, 33), keyCID), digest[:]...)
}

func internKey(space byte, name []byte) []byte {
	return append(append(make([]byte, 0, 2+len(name)), keyIntern, space), name...)
}

func namedKey(space byte, n uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 6), keyNamed, space), n)
}

func metaKey(name string) []byte { return append([]byte{keyMeta}, name...) }

func cursorKey(name string) []byte { return append([]byte{keyCursor}, name...) }

// A dated key is a prefix and this tail of eight bytes.
const tail = 8

func dated(prefix []byte, created, id uint32) []byte {
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(prefix, created), id)
}

// tailOf returns the date and id at the end of a dated key.
func tailOf(key []byte) (created, id uint32, err error) {
	if len(key) < 1+tail {
		return 0, 0, errShort
	}
	t := key[len(key)-tail:]
	return binary.BigEndian.Uint32(t), binary.BigEndian.Uint32(t[4:]), nil
}

func kindPrefix(kind protocol.Kind) []byte {
	return append(make([]byte, 0, 2+tail), keyKind, byte(kind))
}

func wherePrefix(where uint32, kind protocol.Kind) []byte {
	b := append(make([]byte, 0, 6+tail), keyWhere)
	return append(binary.BigEndian.AppendUint32(b, where), byte(kind))
}

func authorPrefix(who uint32, kind protocol.Kind) []byte {
	b := append(make([]byte, 0, 6+tail), keyAuthor)
	return append(binary.BigEndian.AppendUint32(b, who), byte(kind))
}

func holderPrefix(who uint32) []byte {
	return binary.BigEndian.AppendUint32(append(make([]byte, 0, 5+tail), keyHolder), who)
}

func classPrefix(class, where uint32) []byte {
	b := append(make([]byte, 0, 9+tail), keyClass)
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, class), where)
}

// subject is what a record is about: a record by id or an identity by who.
type subject struct {
	space byte
	n     uint32
}

func subjectPrefix(s subject) []byte {
	b := append(make([]byte, 0, 7+tail), keyTarget, s.space)
	return binary.BigEndian.AppendUint32(b, s.n)
}

func targetPrefix(s subject, kind protocol.Kind) []byte {
	return append(subjectPrefix(s), byte(kind))
}

// look is what every index row says of its record.
func look(kind protocol.Kind, state protocol.State) byte { return byte(kind)&15 | byte(state)<<4 }

func unlook(b byte) (protocol.Kind, protocol.State, error) {
	kind, state := protocol.Kind(b&15), protocol.State(b>>4)
	if kind < protocol.Profile || kind > protocol.Succession || state > protocol.Erased {
		return 0, 0, fmt.Errorf("no kind and state: %#x", b)
	}
	return kind, state, nil
}

// logRow is the value of keyLog.
type logRow struct {
	kind    protocol.Kind
	state   protocol.State
	id      uint32
	created uint32
}

func (r logRow) encode() []byte {
	b := append(make([]byte, 0, 9), look(r.kind, r.state))
	return binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(b, r.id), r.created)
}

func decodeLog(b []byte) (r logRow, err error) {
	if len(b) != 9 {
		return r, errShort
	}
	r.kind, r.state, err = unlook(b[0])
	r.id, r.created = binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint32(b[5:])
	return r, err
}

// cidRow is the value of keyCID: all there is to know of a record but what it
// says. Of a Wanted record only id and presence are known.
type cidRow struct {
	presence Presence
	id       uint32
	kind     protocol.Kind
	state    protocol.State
	seq      uint32
	created  uint32
	where    []uint32 // 1 to 3
}

func (r cidRow) encode() []byte {
	b := append(make([]byte, 0, 18), byte(r.presence))
	b = binary.BigEndian.AppendUint32(b, r.id)
	if r.presence == Wanted {
		return b
	}
	b = append(b, look(r.kind, r.state))
	b = binary.BigEndian.AppendUint32(b, r.created)
	// Ids run ahead of arrivals by the records only named: a small number.
	b = binary.AppendVarint(b, int64(r.seq)-int64(r.id))
	for _, w := range r.where {
		b = binary.AppendUvarint(b, uint64(w))
	}
	return b
}

func decodeCID(b []byte) (r cidRow, err error) {
	if len(b) < 5 {
		return r, errShort
	}
	r.presence, r.id = Presence(b[0]), binary.BigEndian.Uint32(b[1:])
	if r.presence == Wanted && len(b) == 5 {
		return r, nil
	}
	if r.presence != Present && r.presence != Stub {
		return r, fmt.Errorf("no presence: %d", b[0])
	}
	if len(b) < 11 {
		return r, errShort
	}
	if r.kind, r.state, err = unlook(b[5]); err != nil {
		return r, err
	}
	r.created = binary.BigEndian.Uint32(b[6:])
	b = b[10:]
	delta, n := binary.Varint(b)
	if n <= 0 {
		return r, errShort
	}
	r.seq = uint32(int64(r.id) + delta)
	for b = b[n:]; len(b) > 0; b = b[n:] {
		var w uint64
		if w, n = binary.Uvarint(b); n <= 0 || w == 0 || w > 1<<32-1 || len(r.where) == protocol.MaxTerritories {
			return r, errors.New("bad territories")
		}
		r.where = append(r.where, uint32(w))
	}
	if len(r.where) == 0 {
		return r, errors.New("no territory")
	}
	return r, nil
}

// targetRow is the value of keyTarget.
type targetRow struct {
	kind  protocol.Kind
	state protocol.State
	who   uint32 // author
	until int64  // Unix seconds, 0 for never
}

func (r targetRow) encode() []byte {
	b := append(make([]byte, 0, 10), look(r.kind, r.state))
	return appendMoment(binary.BigEndian.AppendUint32(b, r.who), r.until)
}

func decodeTarget(b []byte) (r targetRow, err error) {
	if len(b) != 10 {
		return r, errShort
	}
	r.kind, r.state, err = unlook(b[0])
	r.who, r.until = binary.BigEndian.Uint32(b[1:]), moment(b[5:])
	return r, err
}

// awardRow is the value of keyClass, all of AwardRow but what the key says.
const awardRowLen = 22

func encodeAward(a AwardRow) []byte {
	b := make([]byte, 0, awardRowLen)
	level := a.Level << 1
	if a.Matches {
		level |= 1
	}
	b = append(b, look(protocol.Award, a.State), level)
	b = binary.BigEndian.AppendUint16(b, a.Endorsements)
	b = binary.BigEndian.AppendUint32(b, a.Issuer)
	b = binary.BigEndian.AppendUint32(b, a.Holder)
	return appendMoment(appendMoment(b, a.From), a.Until)
}

func decodeAward(key, value []byte) (a AwardRow, err error) {
	created, id, err := tailOf(key)
	if err != nil || len(value) != awardRowLen || len(key) != 9+tail {
		return a, errShort
	}
	kind, state, err := unlook(value[0])
	if err != nil {
		return a, err
	}
	if kind != protocol.Award {
		return a, fmt.Errorf("%s, not award", kind)
	}
	a.State = state
	a.ID, a.Created = id, int64(created)
	a.Level, a.Matches = value[1]>>1, value[1]&1 == 1
	a.Endorsements = binary.BigEndian.Uint16(value[2:])
	a.Issuer, a.Holder = binary.BigEndian.Uint32(value[4:]), binary.BigEndian.Uint32(value[8:])
	a.From, a.Until = moment(value[12:]), moment(value[17:])
	return a, nil
}

// beforeTime is the year 0 in Unix seconds, less one: documents name years 0000
// to 9999, which take 39 bits from there.
const beforeTime = -62167219201

// appendMoment appends t, in Unix seconds, as five bytes; 0 means none and
// takes the place of the first second of 1970, when nobody signed anything.
func appendMoment(b []byte, t int64) []byte {
	n := uint64(0)
	if t != 0 {
		n = uint64(t - beforeTime)
	}
	return append(b, byte(n>>32), byte(n>>24), byte(n>>16), byte(n>>8), byte(n))
}

func moment(b []byte) int64 {
	n := uint64(b[0])<<32 | uint64(binary.BigEndian.Uint32(b[1:]))
	if n == 0 {
		return 0
	}
	return int64(n) + beforeTime
}

// tally is the value of "M tally", written with every batch: what is handed out
// next and how much there is.
type tally struct {
	nextID      uint32
	seq         uint32 // last arrival
	dids        uint32 // names handed out
	territories uint32
	wanted      uint32
	erased      uint32
	kinds       [protocol.Succession + 1]uint32 // records present; [0] unused
}

func (t tally) encode() []byte {
	b := make([]byte, 0, 4*(6+len(t.kinds)))
	for _, n := range append([]uint32{t.nextID, t.seq, t.dids, t.territories, t.wanted, t.erased}, t.kinds[:]...) {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return b
}

func decodeTally(b []byte) (t tally, err error) {
	if len(b) != 4*(6+len(t.kinds)) {
		return t, errShort
	}
	n := func(i int) uint32 { return binary.BigEndian.Uint32(b[4*i:]) }
	t.nextID, t.seq, t.dids, t.territories, t.wanted, t.erased = n(0), n(1), n(2), n(3), n(4), n(5)
	for i := range t.kinds {
		t.kinds[i] = n(6 + i)
	}
	return t, nil
}

func u32(n uint32) []byte { return binary.BigEndian.AppendUint32(make([]byte, 0, 4), n) }
