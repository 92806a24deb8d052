package proof

import (
	stded25519 "crypto/ed25519"

	"github.com/oasisprotocol/curve25519-voi/curve"
	"github.com/oasisprotocol/curve25519-voi/primitives/ed25519"
)

// rule is how every node judges a signature: ZIP-215, small-order keys refused.
// The cofactored equation makes single and batch verification agree on every
// input; the standard library's rule does not. See decision 0002.
var rule = &ed25519.Options{
	Verify: &ed25519.VerifyOptions{
		AllowSmallOrderA:   false,
		AllowSmallOrderR:   true,
		AllowNonCanonicalA: true,
		AllowNonCanonicalR: true,
	},
}

// Verify reports whether signature, 64 bytes, is key's over h by the rule of
// spec/records.md §6. About 40 µs.
func Verify(key stded25519.PublicKey, h HashData, signature []byte) bool {
	return verify(key, h[:], signature)
}

func verify(key stded25519.PublicKey, message, signature []byte) bool {
	return ed25519.VerifyWithOptions(ed25519.PublicKey(key), message, signature, rule)
}

// WeakKey reports whether key is no point of the curve or one of small order,
// under which signatures mean nothing.
func WeakKey(key stded25519.PublicKey) bool {
	var compressed curve.CompressedEdwardsY
	if _, err := compressed.SetBytes(key); err != nil {
		return true
	}
	var point curve.EdwardsPoint
	if _, err := point.SetCompressedY(&compressed); err != nil {
		return true
	}
	return point.IsSmallOrder()
}

// Batch collects signatures to verify together, at half the cost each from 64
// on. The zero value is not ready: use NewBatch. A Batch is not safe for
// concurrent use.
type Batch struct{ v *ed25519.BatchVerifier }

// NewBatch returns a Batch with room for n signatures.
func NewBatch(n int) *Batch {
	return &Batch{ed25519.NewBatchVerifierWithCapacity(n)}
}

// Add queues one signature. A malformed one makes All false.
func (b *Batch) Add(key stded25519.PublicKey, h HashData, signature []byte) {
	b.add(key, h[:], signature)
}

func (b *Batch) add(key stded25519.PublicKey, message, signature []byte) {
	b.v.AddWithOptions(ed25519.PublicKey(key), message, signature, rule)
}

// All reports whether every signature added verifies, by the same rule as
// Verify. On false the caller asks Verify for each.
func (b *Batch) All() bool { return b.v.VerifyBatchOnly(nil) }
