package reconcile

import (
	"encoding/binary"
	"math/bits"
)

// sipKey is a key of SipHash, as two little-endian words.
type sipKey [2]uint64

// sip64 returns SipHash-2-4 of data (Aumasson and Bernstein 2012): a short hash
// that nobody without the key can predict. Sixty lines are less than a
// dependency.
func sip64(key sipKey, data []byte) uint64 {
	v0, v1, v2, v3 := sipAbsorb(key, 0, data)
	v2 ^= 0xff
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return v0 ^ v1 ^ v2 ^ v3
}

// sip128 returns the 128-bit SipHash-2-4 of data, as the authors' reference code
// has it, low word first.
func sip128(key sipKey, data []byte) (lo, hi uint64) {
	v0, v1, v2, v3 := sipAbsorb(key, 0xee, data)
	v2 ^= 0xee
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	lo = v0 ^ v1 ^ v2 ^ v3
	v1 ^= 0xdd
	for range 4 {
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	}
	return lo, v0 ^ v1 ^ v2 ^ v3
}

func sipAbsorb(key sipKey, wide uint64, data []byte) (v0, v1, v2, v3 uint64) {
	v0, v1 = key[0]^0x736f6d6570736575, key[1]^0x646f72616e646f6d^wide
	v2, v3 = key[0]^0x6c7967656e657261, key[1]^0x7465646279746573
	length := uint64(len(data))
	for len(data) >= 8 {
		m := binary.LittleEndian.Uint64(data)
		data = data[8:]
		v3 ^= m
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
		v0 ^= m
	}
	m := length << 56
	for i, b := range data {
		m |= uint64(b) << (8 * i)
	}
	v3 ^= m
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	v0, v1, v2, v3 = sipRound(v0, v1, v2, v3)
	return v0 ^ m, v1, v2, v3
}

func sipRound(v0, v1, v2, v3 uint64) (uint64, uint64, uint64, uint64) {
	v0 += v1
	v1 = bits.RotateLeft64(v1, 13) ^ v0
	v2 += v3
	v3 = bits.RotateLeft64(v3, 16) ^ v2
	v0 = bits.RotateLeft64(v0, 32) + v3
	v3 = bits.RotateLeft64(v3, 21) ^ v0
	v2 += v1
	v1 = bits.RotateLeft64(v1, 17) ^ v2
	return v0, v1, bits.RotateLeft64(v2, 32), v3
}
