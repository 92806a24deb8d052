package node

import "time"

// synchro is every number of synchronisation but those of package reconcile,
// mirrored in spec/sync-node.md §6. They are for a box with 512 MB behind a home
// line of 1 Mbit/s up.
var synchro = struct {
	// Asking is how many conversations this node has at once that it began,
	// Answering how many that others did; with one peer there is one at most.
	Asking, Answering int
	// Raw is the bytes of records in one data frame before compression, and
	// RawLimited over a connection that a relay limits: smaller pieces arrive
	// before the relay cuts it. Studied: 256 KiB compress 2 % worse than one
	// endless stream, 64 KiB 8 %.
	Raw, RawLimited int
	// Small is up to how many bytes before compression a data frame is
	// compressed with the dictionary: see the page for what that saves.
	Small int
	// Data is the longest data frame: what does not compress, and its head.
	Data int
	// Credit is how many bytes of data frames may be on their way at first,
	// and CreditMax at most: 30 s at 1 Mbit/s. What is on its way is lost when
	// a node is killed. Studied, 100,000 records and 30 kills: 1 MiB at first
	// sends 22 MB, 66 KiB 17, 18 KiB no less; a line that is long soon has more.
	Credit, CreditMax int
	// Idle is after what wait for a data frame the next time more may be on
	// their way.
	Idle time.Duration
	// Slowest is the bytes a second below which a frame is given up, after
	// Stall. Silence is given up after Stall alone.
	Slowest int
	// Whole is how long a conversation goes on at most. The next goes on where
	// it ended.
	Whole time.Duration
	// Many is how many records one conversation brings for one set at most, or
	// twice what this node has of it, if that is more: who has much to bring
	// does so in several.
	Many int
	// AtOnce is above how many records of a set only one peer at a time brings
	// them: from others, other sets.
	AtOnce int
	// Turn is after how long another peer may go on in the place of one that
	// brings much: one that is slow, or means to be, keeps nobody waiting.
	Turn time.Duration
	// Classes is how many sets of classes a node keeps for partial mirrors, asks
	// for in one conversation and remembers, and ClassKeys how many keys one of
	// them has at most, and all that are remembered have; ClassLife is for how
	// long they are, without being asked for.
	Classes, ClassKeys int
	ClassLife          time.Duration
	// Ahead is how many records from the future one conversation may bring.
	Ahead int
	// Hollow is how many keys without a record are kept, 120 bytes each, and
	// HollowFrom how many of them one peer brings between two starts.
	Hollow, HollowFrom int
	// Burst is how much computing one peer may cause at once before it waits,
	// and Share which part of the time it may cause for ever.
	Burst time.Duration
	Share float64
	// Audit is how often badges are compared by salted sums of all digests
	// with one peer. Statuses always are.
	Audit time.Duration
	// Peers is of how many peers the last conversation and the like are
	// remembered.
	Peers int
}{
	Asking: 2, Answering: 4,
	Raw: 256 << 10, RawLimited: 64 << 10,
	Small:  64 << 10,
	Data:   256<<10 + 1<<10,
	Credit: 66 << 10, CreditMax: 4 << 20,
	Idle:    5 * time.Millisecond,
	Slowest: 1 << 10,
	Whole:   time.Hour,
	Many:    50_000,
	AtOnce:  256,
	Turn:    time.Minute,
	Classes: 256, ClassKeys: 200_000,
	ClassLife: 10 * time.Minute,
	Ahead:     64,
	Hollow:    1 << 16, HollowFrom: 1 << 14,
	Burst: 3 * time.Second, Share: 0.03,
	Audit: 24 * time.Hour,
	Peers: 1024,
}

// rhythm is how often nodes synchronise. Tests are quicker.
type rhythm struct {
	// meet is about when after meeting a peer the two compare: at random before
	// it, the one with the smaller id; the other at random after twice as long,
	// unless they have.
	meet time.Duration
	// every is how often a random peer is asked, give or take two fifths. It
	// doubles up to most while there is no difference.
	every, most time.Duration
	// again is how long after a failure another peer is asked, and the same one
	// after rest, which doubles up to most.
	again, rest time.Duration
	// pause is how long after a comparison the same two nodes have another
	// because something came that gossip does not tell, give or take two fifths.
	pause time.Duration
	// stall is how long a peer may be silent.
	stall time.Duration
}

var usualRhythm = rhythm{
	meet: 2 * time.Second, every: 5 * time.Minute, most: 30 * time.Minute,
	again: 10 * time.Second, rest: time.Minute, pause: time.Minute, stall: 30 * time.Second,
}
