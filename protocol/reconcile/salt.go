package reconcile

import (
	"crypto/sha256"
	"encoding/binary"
	"math/bits"
)

// A Nonce is 16 bytes that nobody can foresee, drawn anew for each session.
type Nonce [16]byte

// salt is the three keys of a session (spec/sync.md §3). Whoever made records
// to collide did not know them.
type salt struct {
	fingerprint, id, audit sipKey
}

// saltOf derives the keys from the nonces of who asks and who answers.
func saltOf(asks, answers Nonce) salt {
	derive := func(purpose string) sipKey {
		b := append([]byte("essaim/sync/1 "+purpose+"\x00"), asks[:]...)
		h := sha256.Sum256(append(b, answers[:]...))
		return sipKey{binary.LittleEndian.Uint64(h[:]), binary.LittleEndian.Uint64(h[8:])}
	}
	return salt{derive("fingerprint"), derive("id"), derive("audit")}
}

// idOf returns the id of a key in this session.
func (s *salt) idOf(k *Key) uint64 { return sip64(s.id, k[8:]) }

// ofSum returns the fingerprint of count keys with that sum of digests.
func (s *salt) ofSum(count int, sum Sum) uint64 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 40), uint64(count))
	return sip64(s.fingerprint, sum.appendTo(b))
}

// An auditSum is the sum modulo 2^128 of the 128-bit SipHash of each digest. It
// cannot be made to come out by who does not know the salt.
type auditSum struct{ lo, hi uint64 }

func (a *auditSum) add(s *salt, k *Key) {
	lo, hi := sip128(s.audit, k[8:])
	var c uint64
	a.lo, c = bits.Add64(a.lo, lo, 0)
	a.hi, _ = bits.Add64(a.hi, hi, c)
}

// ofAudit returns the fingerprint of count keys with that audit sum.
func (s *salt) ofAudit(count int, sum auditSum) uint64 {
	b := binary.LittleEndian.AppendUint64(make([]byte, 0, 24), uint64(count))
	b = binary.LittleEndian.AppendUint64(b, sum.lo)
	return sip64(s.fingerprint, binary.LittleEndian.AppendUint64(b, sum.hi))
}
