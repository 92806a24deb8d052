package protocol

import (
	"time"

	"codeberg.org/essaim/essaim/protocol/proof"
)

// Every limit two nodes must agree on stands here, and in spec/records.md §8.
// Lengths of single members are those of package badge.
const (
	// MaxBytes is the size of the largest record. A whole class with its
	// criteria is 2 to 4 KiB; a gossip message and a sync frame hold one.
	MaxBytes = 64 << 10
	// MaxDepth is how many objects and arrays stand inside one another. An
	// award needs 8.
	MaxDepth = 16
	// MaxTerritories is how many territories a record may belong to.
	MaxTerritories = 3
	// Ahead is how far in the future a signed time may lie. A record from
	// further ahead is held, since the fault may be in this clock.
	Ahead = 10 * time.Minute
	// MaxNotice is the longest life of a notice.
	MaxNotice = 366 * 24 * time.Hour
)

// Genesis is the earliest signed time of any record.
var Genesis = time.Date(2026, time.January, 1, 0, 0, 0, 0, time.UTC)

var limits = proof.Limits{Bytes: MaxBytes, Depth: MaxDepth}
