// Package foreign is the ground on which badges made elsewhere are read: their
// JSON, the keys and documents they point at, and the verdict on them.
//
// The text it obeys is spec/import.md. Nothing here makes a record: what others
// issued keeps its own bytes and its own signature, and what is said of it is a
// Verdict, which is our word and not theirs.
package foreign
