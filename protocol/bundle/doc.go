// Package bundle reads and writes records in a file (spec/bundle.md): CAR
// version 1 (https://ipld.io/specs/transport/car/carv1/), which tools of IPFS read
// too, with a small table of contents in DAG-CBOR as its root.
package bundle

import "errors"

// Bounds of what is read. Writing keeps within them.
const (
	// MaxHeader is the longest header, in bytes: room for some 25 roots.
	MaxHeader = 1 << 10
	// MaxBlock is the longest block, in bytes: what IPFS passes on. A record is
	// far shorter.
	MaxBlock = 1 << 20
	// perPart is how many records one part of the contents names: 168 KB.
	perPart = 4096
	// maxParts keeps the root within MaxBlock: 100 million records.
	maxParts = 24_000
)

// What is wrong with a file. Errors of reading wrap one of them, or that of the
// reader below.
var (
	ErrNotBundle = errors.New("is no bundle")
	ErrDamaged   = errors.New("is damaged")
	ErrCut       = errors.New("ends too early")
)

const (
	codecRaw     = 0x55
	codecDAGCBOR = 0x71
	sha2256      = 0x12
)

// cidSize is the length of the only CIDs that are written: version, codec, hash
// function, length, digest.
const cidSize = 4 + 32

func appendCID(b []byte, codec byte, digest [32]byte) []byte {
	return append(append(b, 1, codec, sha2256, 32), digest[:]...)
}
