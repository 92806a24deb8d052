// Package proof is canonical JSON and Data Integrity proofs.
//
// The texts it obeys are RFC 8785 (JSON Canonicalization Scheme), RFC 7493
// (I-JSON), "Verifiable Credential Data Integrity 1.0" and "Data Integrity
// EdDSA Cryptosuites v1.0" (W3C Recommendations of 15 May 2025).
//
// Parse is the gate: it lets only canonical bytes through and remembers where
// their proofs stand, so that Document.HashJCS hashes slices of what was
// received. Verify and Batch check Ed25519 signatures by one rule. HashRDFC is
// for what wallets read; it is slow and never used on what the network brings.
package proof
