// Package reconcile finds what two sets of records differ in, and obeys
// spec/sync.md.
//
// A [Set] holds the keys of one territory in memory: signed time and digest, in
// order, each range counted and summed. A [Session] is one side of one comparison
// of two sets, as a state machine: frames in, frames out. It opens no stream,
// starts no goroutine, reads no clock and draws no chance.
//
// Who drives it has two streams to one peer. On the first, talk:
//
//	asks:     write Start()
//	answers:  ReadHello on the first frame says which set is meant
//	both:     ReadFrame, Receive, write the reply, until done
//
// and on the second, records, each side at once:
//
//	Push gives the keys of records to send, in key order, as they are decided
//	Wants judges each record that comes
//
// The session ends when nothing is open; the records may still be under way.
// When they have come and were inserted, both sets are equal, unless something
// was inserted elsewhere meanwhile: then the next session finds that. A session
// that is cut anywhere is simply held again.
package reconcile
