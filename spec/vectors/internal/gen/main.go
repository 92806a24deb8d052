// Command gen writes the vectors of spec/vectors. Run it by go generate: the
// files it writes are the same at every run, and those it no longer writes are
// removed.
package main

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"log"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol"
)

// vector is one file to write. Empty expect is ok; empty now and topic are the
// usual clock and no topic.
type vector struct {
	name, comment, expect, now, topic string
	kind                              string
	record                            []byte
}

func main() {
	log.SetFlags(0)
	all := slices.Concat(valid(), ofEveryKind(), gate(), consent(), values(), addresses(), times(), keys())
	written := map[string]bool{}
	for _, v := range all {
		if written[v.name] {
			log.Fatalf("two vectors called %s", v.name)
		}
		written[v.name] = true
		if err := os.WriteFile(v.name+".txt", v.file(), 0o644); err != nil {
			log.Fatal(err)
		}
	}
	old, err := filepath.Glob("*.txt")
	if err != nil {
		log.Fatal(err)
	}
	for _, f := range old {
		if !written[strings.TrimSuffix(f, ".txt")] {
			if err := os.Remove(f); err != nil {
				log.Fatal(err)
			}
		}
	}
}

func (v vector) file() []byte {
	var b bytes.Buffer
	line := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s: %s\n", name, value)
		}
	}
	line("comment", v.comment)
	if v.expect == "" {
		v.expect = "ok"
	}
	line("expect", v.expect)
	if v.now == "" {
		v.now = now
	}
	line("now", v.now)
	line("topic", v.topic)
	if v.expect == "ok" {
		line("kind", v.kind)
		line("cid", cidOfBytes(v.record))
	}
	b.WriteByte('\n')
	b.Write(v.record)
	return b.Bytes()
}

// good returns the signed record of a kind.
func good(k kind) object { return seal(k.build(), k.steps()) }

// of is a vector of a kind whose document was changed and then signed rightly.
func of(k, name, comment, expect string, change func(object) object) vector {
	kind := kindNamed(k)
	return vector{
		name: k + "_" + name, comment: comment, expect: expect, kind: k,
		record: canonical(seal(change(kind.build()), kind.steps())),
	}
}

// set is a change of one member.
func set(value any, path ...string) func(object) object {
	return func(d object) object { return with(d, value, path...) }
}

// valid are records every node must take.
func valid() []vector {
	var out []vector
	for _, k := range kinds {
		out = append(out, vector{name: k.name + "_valid", comment: "a good " + k.name, kind: k.name, record: canonical(good(k))})
		out = append(out, vector{
			name: k.name + "_on_its_topic", comment: "a good " + k.name + " on the topic of its territory", kind: k.name,
			topic: brest, record: canonical(good(k)),
		})
	}
	return append(out,
		of("endorsement", "of_a_profile", "an identity is endorsed, no version named", "", func(d object) object {
			return with(with(d, name(place), "credentialSubject", "id"), nil, "credentialSubject", "essaim:cid")
		}),
		of("endorsement", "with_weight", "an identity is endorsed by half", "", func(d object) object {
			d = with(with(d, name(place), "credentialSubject", "id"), nil, "credentialSubject", "essaim:cid")
			return with(d, 50, "credentialSubject", "essaim:weight")
		}),
		of("status", "compromised", "a key declares itself compromised", "", func(d object) object {
			d = with(with(d, name(place), "essaim:target"), "compromised", "essaim:state")
			return with(d, "2026-11-01T00:00:00Z", "essaim:since")
		}),
		of("class", "without_levels", "a class need not have levels", "", set(nil, "resultDescription")),
		of("class", "three_territories", "three territories are allowed", "", set(list(brest, rennes, "iso:FR-29"), "essaim:territory")),
		of("class", "unicode", "text beyond the basic plane, combining marks, line separators", "",
			set("𝕰ssaim e\u0301 \u2028 🐝 \ufffe", "description")),
		of("class", "rule_quorum", "three holders or one mentor", "", set(object{
			"essaim:by": "quorum", "essaim:holders": 3, "essaim:mentors": 1, "essaim:listed": list(name(partner)),
		}, "essaim:rule")),
		largest(),
		of("class", "rule_listed", "people who may award are listed", "", set(object{
			"essaim:by": "listed", "essaim:listed": list(name(place), name(partner)),
		}, "essaim:rule")),
		of("award", "begins_later", "an award may begin after it was signed", "", set("2027-01-01T00:00:00Z", "validFrom")),
		of("profile", "with_email", "an organisation with an e-mail address", "", set("bonjour@fablab.example", "email")),
		statusBy("erased", "the holder erases an award", person, "erased"),
		statusBy("not_entitled", "by somebody who may not: kept, without effect", mallory, "revoked"),
		of("profile", "of_a_person", "a person has no point", "", func(d object) object {
			return with(with(d, "person", "essaim:kind"), nil, "essaim:point")
		}),
		selfIssued(),
		of("dispute", "of_an_issuer", "an identity is disputed", "", set(name(place), "essaim:target")),
	)
}

// statusBy is a status in which key sets state on the award.
func statusBy(called, comment string, key ed25519.PrivateKey, state string) vector {
	d := with(with(status(), name(key), "essaim:author"), state, "essaim:state")
	return vector{name: "status_" + called, comment: comment, kind: "status", record: canonical(seal(d, alone(key)()))}
}

// largest is a class of 64 KiB to the byte.
func largest() vector {
	text := func(n int) string { return strings.Repeat("a", n) }
	d := with(class(), text(16<<10), "description")
	d = with(d, object{"narrative": text(16 << 10)}, "criteria")
	fill := func(n int) []byte {
		return canonical(seal(with(d, list(
			object{"type": list("Alignment"), "targetName": "x", "targetUrl": skillID, "targetDescription": text(16 << 10)},
			object{"type": list("Alignment"), "targetName": "x", "targetUrl": skillID, "targetDescription": text(n)},
		), "alignment"), alone(place)()))
	}
	n := 1
	for record := fill(n); ; record = fill(n) {
		if len(record) == protocol.MaxBytes {
			return vector{name: "class_largest", comment: "64 KiB to the byte", kind: "class", record: record}
		}
		n += protocol.MaxBytes - len(record)
	}
}

// selfIssued is an award whose issuer is its holder, as OB 3.0 allows.
func selfIssued() vector {
	steps := cosigned()
	steps[2].key = place
	return vector{
		name: "award_self_issued", comment: "the issuer is the holder", kind: "award",
		record: canonical(seal(with(award(), name(place), "credentialSubject", "id"), steps)),
	}
}

// ofEveryKind are the faults any kind can have.
func ofEveryKind() []vector {
	var out []vector
	for _, k := range kinds {
		add := func(name, comment, expect string, record []byte) {
			out = append(out, vector{name: k.name + "_" + name, comment: comment, expect: expect, record: record})
		}
		d, g := k.build, good(k)

		broken := maps.Clone(g)
		proofs := slices.Clone(broken["proof"].([]any))
		last := maps.Clone(proofs[len(proofs)-1].(object))
		last["proofValue"] = flip(last["proofValue"].(string))
		proofs[len(proofs)-1] = last
		broken["proof"] = proofs
		add("bad_signature", "one character of the last signature is another", "bad_signature", canonical(broken))

		other := maps.Clone(g)
		other["essaim:territory"] = list(rennes)
		add("moved", "the territory was changed after signing", "bad_signature", canonical(other))

		steps := k.steps()
		steps[0].key = mallory
		add("wrong_signer", "the first proof is by somebody else", "wrong_signer", canonical(seal(d(), steps)))

		add("no_proof", "no proof at all", "bad_proof", canonical(d()))
		add("unknown_member", "a member this kind does not have", "unknown_member",
			canonical(seal(with(d(), "x", "essaim:unheardOf"), k.steps())))
		add("no_territory", "no territory", "bad_territory", canonical(seal(with(d(), nil, "essaim:territory"), k.steps())))
		add("bad_context", "the contexts in another order", "bad_context", canonical(swapContext(g)))

		early := k.steps()
		for i := range early {
			early[i].created = "2025-12-31T23:59:59Z"
		}
		add("before_genesis", "signed before the first moment there can be records", "bad_time", canonical(seal(d(), early)))

		out = append(out,
			vector{
				name: k.name + "_future", comment: "signed more than ten minutes ahead of the reader's clock", expect: "future_dated",
				now: "2026-11-22T10:49:59Z", record: canonical(g),
			},
			vector{
				name: k.name + "_wrong_topic", comment: "came on the topic of a territory it does not belong to", expect: "wrong_topic",
				topic: "fr:epci:200065597", record: canonical(g),
			})
	}
	return out
}

// flip changes one base58 character for another, keeping 64 bytes.
func flip(s string) string {
	b := []byte(s)
	i := len(b) / 2
	if b[i] == 'a' {
		b[i] = 'b'
	} else {
		b[i] = 'a'
	}
	return string(b)
}

func swapContext(d object) object {
	c := slices.Clone(d["@context"].([]any))
	c[0], c[1] = c[1], c[0]
	return with(d, c, "@context")
}
