// Package ob3 verifies Open Badges 3.0 that others made.
//
// The texts it obeys are "Open Badges Specification v3.0" (1EdTech, final) over
// "Verifiable Credentials Data Model" v2.0 and v1.1, "Data Integrity EdDSA
// Cryptosuites v1.0", the community report on Ed25519Signature2020, "Bitstring
// Status List v1.0" and the report of 2021 before it. What we issue ourselves
// is narrower, and verified by package protocol (spec/import.md §4).
package ob3
