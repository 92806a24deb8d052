package store

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"codeberg.org/essaim/essaim/protocol"
)

// Whatever is in a row, a decoder answers or refuses, and what it answers is
// what it would write.

// seed adds good rows, shortened and lengthened too.
func seed(f *testing.F, rows ...[]byte) {
	for _, row := range append(rows, nil) {
		f.Add(row)
		f.Add(append(bytes.Clone(row), 0xff))
		if len(row) > 0 {
			f.Add(row[:len(row)-1])
			f.Add(append([]byte{0xff}, row[1:]...))
		}
	}
}

// fuzzRow says that rows of one length and one form only are taken.
func fuzzRow[T any](f *testing.F, decode func([]byte) (T, error), encode func(T) []byte) {
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := decode(bytes.Clone(b))
		if err != nil {
			return
		}
		if again := encode(row); !bytes.Equal(again, b) {
			t.Errorf("%x reads as %+v, which writes as %x", b, row, again)
		}
	})
}

func FuzzDecodeLog(f *testing.F) {
	seed(f, logRow{protocol.Award, protocol.Revoked, 42, 0x6b02d940}.encode(), logRow{kind: protocol.Profile}.encode())
	fuzzRow(f, decodeLog, logRow.encode)
}

// The first second of 1970 is no moment, so nothing writes it; it reads as none.
var noMoment = []byte{0x0e, 0x79, 0x74, 0x7c, 0x01}

func withoutNoMoment(b []byte, offsets ...int) []byte {
	b = bytes.Clone(b)
	for _, at := range offsets {
		if bytes.Equal(b[at:at+5], noMoment) {
			clear(b[at : at+5])
		}
	}
	return b
}

func FuzzDecodeTarget(f *testing.F) {
	seed(f, targetRow{protocol.Endorsement, protocol.Live, 7, 0x6b02d940}.encode(), targetRow{kind: protocol.Dispute}.encode())
	f.Add(append([]byte{look(protocol.Dispute, protocol.Live), 0, 0, 0, 7}, noMoment...))
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := decodeTarget(b)
		if err != nil {
			return
		}
		if again := row.encode(); !bytes.Equal(again, withoutNoMoment(b, 5)) {
			t.Errorf("%x reads as %+v, which writes as %x", b, row, again)
		}
	})
}

func FuzzDecodeTally(f *testing.F) {
	seed(f, tally{nextID: 1}.encode(), tally{1, 2, 3, 4, 5, 6, [9]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}}.encode())
	fuzzRow(f, decodeTally, tally.encode)
}

// A CID row has numbers of variable length, which may be written longer than
// they need: what is read stays what it is.
func FuzzDecodeCID(f *testing.F) {
	seed(f,
		cidRow{presence: Wanted, id: 42}.encode(),
		cidRow{Present, 42, protocol.Award, protocol.Live, 40, 0x6b02d940, []uint32{1, 300, 1 << 31}}.encode(),
		cidRow{Stub, 42, protocol.Notice, protocol.Erased, 1 << 31, 0x6b02d940, []uint32{1}}.encode(),
	)
	f.Fuzz(func(t *testing.T, b []byte) {
		row, err := decodeCID(b)
		if err != nil {
			return
		}
		if n := len(row.where); (row.presence == Wanted) != (n == 0) || n > protocol.MaxTerritories {
			t.Errorf("%x has %d territories", b, n)
		}
		if again, err := decodeCID(row.encode()); err != nil || !reflect.DeepEqual(again, row) {
			t.Errorf("%x reads as %+v, and written again as %+v, %v", b, row, again, err)
		}
	})
}

func FuzzDecodeAward(f *testing.F) {
	key := dated(classPrefix(17, 1), 0x6b02d940, 42)
	for _, a := range []AwardRow{
		{ID: 42, State: protocol.Live, Endorsements: 3, Level: 5, Matches: true, Issuer: 7, Holder: 8, From: 1 << 30, Until: 1 << 31},
		{ID: 42, State: protocol.Suspended},
	} {
		value := encodeAward(a)
		f.Add(key, value)
		f.Add(key[1:], value)
		f.Add(key, value[1:])
		f.Add(key, append(value[:17:17], noMoment...))
	}
	f.Fuzz(func(t *testing.T, key, value []byte) {
		a, err := decodeAward(key, value)
		if err != nil {
			return
		}
		if again := encodeAward(a); !bytes.Equal(again, withoutNoMoment(value, 12, 17)) {
			t.Errorf("%x reads as %+v, which writes as %x", value, a, again)
		}
		if created, id, err := tailOf(key); err != nil || int64(created) != a.Created || id != a.ID {
			t.Errorf("key %x: %+v, %v", key, a, err)
		}
	})
}

func FuzzMoment(f *testing.F) {
	seed(f, noMoment, appendMoment(nil, 0), appendMoment(nil, 0x6b02d940), appendMoment(nil, beforeTime+1), bytes.Repeat([]byte{0xff}, 5))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) != 5 {
			return // rows are of one length, looked at before
		}
		m := moment(b)
		if again := appendMoment(nil, m); !bytes.Equal(again, withoutNoMoment(b, 0)) {
			t.Errorf("%x is %d, which is %x", b, m, again)
		}
	})
}

// A list is read from rows somebody may have damaged: it says so and goes no
// further.
func FuzzEntries(f *testing.F) {
	s := &Store{}
	good := logRow{protocol.Award, protocol.Live, 42, 0x6b02d940}
	f.Add(key1(keyLog, 42), good.encode())
	f.Add(dated(kindPrefix(protocol.Award), 0x6b02d940, 42), []byte{look(protocol.Award, protocol.Live)})
	f.Add([]byte{}, []byte{})
	f.Fuzz(func(t *testing.T, key, value []byte) {
		if e, err := s.logEntry(row{key, value}); err == nil && hex.EncodeToString(key1(key[0], e.Seq)) != hex.EncodeToString(key) {
			t.Errorf("row %x is arrival %d", key, e.Seq)
		}
		if e, err := s.indexEntry(row{key, value}); err == nil && (e.Kind < protocol.Profile || e.Kind > protocol.Succession) {
			t.Errorf("row %x %x is of kind %d", key, value, e.Kind)
		}
	})
}
