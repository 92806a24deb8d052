package reconcile

import (
	"encoding/binary"
	"math/bits"
	"time"
)

// KeySize is the size of a Key in bytes.
const KeySize = 40

// A Key stands for one record in a set: its signed time, 8 bytes of Unix seconds
// big-endian, then its digest, 32 bytes (spec/sync.md §2). Keys are ordered as
// bytes: by time, then by digest.
type Key [KeySize]byte

// NewKey returns the key of a record with this signed time and digest. Times
// are to the second; one before 1970 is not a signed time and becomes 1970.
func NewKey(created time.Time, digest [32]byte) Key {
	var k Key
	binary.BigEndian.PutUint64(k[:], uint64(max(0, created.Unix())))
	copy(k[8:], digest[:])
	return k
}

// Created returns the signed time, in UTC.
func (k Key) Created() time.Time { return time.Unix(int64(k.seconds()), 0).UTC() }

// Digest returns the digest of the record.
func (k Key) Digest() [32]byte { return [32]byte(k[8:]) }

func (k *Key) seconds() uint64 { return binary.BigEndian.Uint64(k[:8]) }

// compare orders keys as bytes.Compare does, eight bytes at a time: the search
// in a node is most of what the tree does.
func (k *Key) compare(other *Key) int {
	for i := 0; i < KeySize; i += 8 {
		a, b := binary.BigEndian.Uint64(k[i:]), binary.BigEndian.Uint64(other[i:])
		if a != b {
			if a < b {
				return -1
			}
			return 1
		}
	}
	return 0
}

// beyond is the bound after every key: it is no key of a record, whose time has
// an end.
var beyond = Key{
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
	255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
}

// since returns the bound before every key of that second and later.
func since(seconds uint64) Key {
	var k Key
	binary.BigEndian.PutUint64(k[:], seconds)
	return k
}

// between returns the shortest bound that is after a and not after b, for a < b:
// a time alone where times differ, else the time and as much of the digest of b
// as tells it from a. The rest of a bound is zero.
func between(a, b Key) Key {
	n := 8
	if a.seconds() == b.seconds() {
		for a[n] == b[n] {
			n++
		}
		n++
	}
	var bound Key
	copy(bound[:n], b[:n])
	return bound
}

// A Sum is the sum of digests modulo 2^256, each read as a little-endian number;
// the first word is the lowest. It is never sent: whoever can choose the digests
// of 2,000 records can make two sets of one sum (spec/sync.md §3).
type Sum [4]uint64

func (s *Sum) add(k *Key) {
	var c uint64
	s[0], c = bits.Add64(s[0], binary.LittleEndian.Uint64(k[8:]), 0)
	s[1], c = bits.Add64(s[1], binary.LittleEndian.Uint64(k[16:]), c)
	s[2], c = bits.Add64(s[2], binary.LittleEndian.Uint64(k[24:]), c)
	s[3], _ = bits.Add64(s[3], binary.LittleEndian.Uint64(k[32:]), c)
}

func (s *Sum) plus(t Sum) {
	var c uint64
	s[0], c = bits.Add64(s[0], t[0], 0)
	s[1], c = bits.Add64(s[1], t[1], c)
	s[2], c = bits.Add64(s[2], t[2], c)
	s[3], _ = bits.Add64(s[3], t[3], c)
}

func (s *Sum) minus(t Sum) {
	var b uint64
	s[0], b = bits.Sub64(s[0], t[0], 0)
	s[1], b = bits.Sub64(s[1], t[1], b)
	s[2], b = bits.Sub64(s[2], t[2], b)
	s[3], _ = bits.Sub64(s[3], t[3], b)
}

// appendTo appends the 32 bytes of the sum, little-endian.
func (s Sum) appendTo(b []byte) []byte {
	for _, w := range s {
		b = binary.LittleEndian.AppendUint64(b, w)
	}
	return b
}
