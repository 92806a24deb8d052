// Package ob2 verifies Open Badges of the ages before 3.0, and says what they
// are in 3.0 and back.
//
// The texts it obeys are "Open Badges Specification v2.0" (1EdTech, 2018), of
// which v2.1 only adds an API, v1.1 and v1.0 (Mozilla and the Badge Alliance),
// and the assertions of 0.5 that came before any. The mapping follows the
// migration chapter of "Open Badges v3.0 Implementation Guide"
// (spec/import.md §5 to §7).
package ob2
