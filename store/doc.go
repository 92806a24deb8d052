// Package store keeps verified records on one machine: an arrival log with
// indexes, on Badger (spec/store.md).
//
// Only a [protocol.Record] can be stored, so nothing unverified is. Whatever is
// not the log can be rebuilt from it. The node's followers (trust, search,
// federation, exports) read the log through named cursors.
//
// # Who may call, and when
//
// A Store may be used by many goroutines at once. There is one writer at a
// time, behind a mutex no reader takes. Readers see whole batches or nothing of
// them. Iterators read in pages and hold no transaction while the caller's loop
// body runs, so a slow consumer blocks nothing; a long loop may therefore see
// records that arrived after it began, and never sees one twice.
//
// # What is durable when
//
// Put survives the death of the process at once, and the loss of power after
// the next Sync: callers call Sync before they tell a person "saved". Run syncs
// each second for everybody else.
package store
