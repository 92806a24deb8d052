package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"

	"github.com/mr-tron/base58"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// object is a document being built, good or bad.
type object = map[string]any

// Keys of the cast, from fixed seeds.
var (
	place   = seed("place")   // a fablab, issuer and creator
	partner = seed("partner") // another community
	person  = seed("person")  // a holder
	mallory = seed("mallory") // somebody who has no business here
)

func seed(name string) ed25519.PrivateKey {
	s := sha256.Sum256([]byte("essaim vector key " + name))
	return ed25519.NewKeyFromSeed(s[:])
}

func name(k ed25519.PrivateKey) string {
	return string(did.FromPublicKey(k.Public().(ed25519.PublicKey)))
}

func uuid(n int) string { return fmt.Sprintf("urn:uuid:7d444840-9dc0-41d1-b245-%012x", n) }

func list(v ...any) []any { return v }

// must ends the program: a generator that fails is a bug.
func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// canonical is RFC 8785 over whatever was built.
func canonical(v any) []byte { return must(proof.Canonicalize(must(json.Marshal(v)))) }

func context(credential bool) any {
	text := badge.DocumentContext
	if credential {
		text = badge.CredentialContext
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		panic(err)
	}
	return v
}

// step is one proof to make.
type step struct {
	key     ed25519.PrivateKey
	suite   string
	purpose string
	created string
	chained bool
	named   bool
	// change edits the configuration before it is signed.
	change func(p *proof.Proof)
}

// seal signs the document step by step, whatever is wrong with it, and returns
// it with its proofs in the tree.
func seal(d object, steps []step) object {
	d = maps.Clone(d)
	var done []any
	var names []string
	for i, s := range steps {
		p := proof.Proof{Cryptosuite: s.suite, Created: s.created, Purpose: s.purpose}
		if s.suite == proof.JCS {
			if c, ok := d["@context"]; ok {
				p.Context = canonical(c)
			}
		} else {
			p.Cryptosuite = proof.RDFC
		}
		if s.named {
			p.ID = proofID(fmt.Sprint(d["id"]), i)
		}
		bare := maps.Clone(d)
		delete(bare, "proof")
		if s.chained {
			p.Previous = names[i-1]
			bare["proof"] = list(done[i-1])
		}
		if s.change != nil {
			s.change(&p)
		}
		var signed object
		raw, err := proof.Sign(p, canonical(bare), s.key)
		if err != nil { // a context rdfc cannot read: the bytes of the signature do not matter then
			p.Cryptosuite = proof.JCS
			raw = must(proof.Sign(p, canonical(bare), s.key))
		}
		if err := json.Unmarshal(raw, &signed); err != nil {
			panic(err)
		}
		if err != nil {
			signed["cryptosuite"] = proof.RDFC
			delete(signed, "@context")
		}
		done = append(done, signed)
		names = append(names, p.ID)
	}
	d["proof"] = done
	return d
}

// proofID is spec/records.md §5, written from the text.
func proofID(document string, i int) string {
	h := sha256.Sum256([]byte(fmt.Sprintf("essaim proof %d of %s", i, document)))
	h[6] = h[6]&0x0f | 0x80
	h[8] = h[8]&0x3f | 0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// with returns a copy of d in which the member at path has value; a nil value
// takes it out.
func with(d object, value any, path ...string) object {
	d = maps.Clone(d)
	if len(path) == 1 {
		if value == nil {
			delete(d, path[0])
		} else {
			d[path[0]] = value
		}
		return d
	}
	inner, _ := d[path[0]].(object)
	d[path[0]] = with(inner, value, path[1:]...)
	return d
}

func encode58(b []byte) string { return "z" + base58.FastBase58Encoding(b) }
