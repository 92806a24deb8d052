// Package reconcile finds what two sets of records differ in (spec/sync.md).
package reconcile
