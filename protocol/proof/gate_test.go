package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/gowebpki/jcs"
	"github.com/mr-tron/base58"
)

// recordLimits are those of records, so that every vector comes through.
var recordLimits = Limits{Bytes: 64 << 10, Depth: 16}

// seed adds the record of every vector of spec/vectors to a fuzz target.
func seed(f *testing.F, add func(record []byte)) {
	f.Helper()
	names, err := filepath.Glob("../../spec/vectors/*.txt")
	if err != nil || len(names) < 120 {
		f.Fatalf("%d vectors: %v", len(names), err)
	}
	for _, name := range names {
		raw, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		_, record, ok := bytes.Cut(raw, []byte("\n\n"))
		if !ok {
			f.Fatalf("%s: no blank line", name)
		}
		add(record)
	}
}

// Each limit holds to the byte and to the level.
func TestGateLimits(t *testing.T) {
	nested := func(levels int) string {
		return `{"a":` + strings.Repeat("[", levels-1) + "1" + strings.Repeat("]", levels-1) + "}"
	}
	sized := func(n int) string { return `{"a":"` + strings.Repeat("x", n-len(`{"a":""}`)) + `"}` }
	for _, tt := range []struct {
		name, raw string
		want      error
	}{
		{"depth, one below", nested(15), nil},
		{"depth, at the limit", nested(16), nil},
		{"depth, one above", nested(17), ErrTooDeep},
		{"depth of objects, at the limit", strings.Repeat(`{"a":`, 16) + "1" + strings.Repeat("}", 16), nil},
		{"depth of objects, one above", strings.Repeat(`{"a":`, 17) + "1" + strings.Repeat("}", 17), ErrTooDeep},
		{"size, one below", sized(64<<10 - 1), nil},
		{"size, at the limit", sized(64 << 10), nil},
		{"size, one above", sized(64<<10 + 1), ErrTooLarge},
		{"number, at the limit", `{"a":9007199254740991}`, nil},
		{"number, one above", `{"a":9007199254740992}`, ErrNumber},
		{"number, at the limit below zero", `{"a":-9007199254740991}`, nil},
		{"number, one beyond it", `{"a":-9007199254740992}`, ErrNumber},
	} {
		_, err := Parse([]byte(tt.raw), recordLimits)
		if !errors.Is(err, tt.want) || (err == nil) != (tt.want == nil) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

func TestHollow(t *testing.T) {
	for raw, want := range map[string]bool{
		`{"a":1}`: false, `{"a":"b"}`: false, `{"a":{}}`: false, `{"":1}`: false, `{"a":10}`: false,
		`{"a":0}`: true, `{"a":""}`: true, `{"a":["b",""]}`: true, `{"a":{"b":[{"c":0}]}}`: true,
	} {
		d, err := Parse([]byte(raw), recordLimits)
		if err != nil || d.Hollow() != want {
			t.Errorf("%s: got %t, %v, want %t", raw, d.Hollow(), err, want)
		}
	}
}

// Slicing gives the hashes that taking the members out and serialising gives,
// wherever the members stand.
func TestHashJCSSlices(t *testing.T) {
	for _, raw := range []string{
		`{"a":1,"proof":[{"id":"p0","proofValue":"z1"},{"previousProof":"p0","proofValue":"z2","type":"T"}],"z":2}`,
		`{"proof":[{"id":"p0","proofValue":"z1"},{"proofValue":"z2"}],"z":2}`,
		`{"a":1,"proof":[{"proofValue":"z1","type":"T"},{"a":{"proofValue":"inner"},"proofValue":"z2"}]}`,
		`{"proof":[{"proofValue":"z1"},{"type":"none"}]}`,
	} {
		d, err := Parse([]byte(raw), recordLimits)
		if err != nil {
			t.Fatal(err)
		}
		var tree map[string]any
		if err := json.Unmarshal([]byte(raw), &tree); err != nil {
			t.Fatal(err)
		}
		proofs := tree["proof"].([]any)
		for i := range proofs {
			for previous := -1; previous < i; previous++ {
				config := map[string]any{}
				for name, value := range proofs[i].(map[string]any) {
					if name != "proofValue" {
						config[name] = value
					}
				}
				delete(tree, "proof")
				if previous >= 0 {
					tree["proof"] = []any{proofs[previous]}
				}
				if got, want := d.HashJCS(i, previous), HashJCS(canonical(t, config), canonical(t, tree)); got != want {
					t.Errorf("%s: proof %d after %d:\n got %x\nwant %x", raw, i, previous, got, want)
				}
			}
		}
	}
}

func canonical(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	if raw, err = jcs.Transform(raw); err != nil {
		t.Fatal(err)
	}
	return raw
}

// The gate and an independent implementation of RFC 8785 agree: what passes is
// what the other would write, and what the other would write passes unless one
// of our own rules forbids it.
func FuzzParse(f *testing.F) {
	seed(f, func(record []byte) { f.Add(record) })
	f.Add([]byte(`{"proof":[{"proofValue":"x"}]}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		d, err := Parse(raw, recordLimits)
		if err == nil {
			if want, err := jcs.Transform(raw); err != nil || !bytes.Equal(raw, want) {
				t.Fatalf("the gate lets through\n%q\nwhich is canonically\n%q (%v)", raw, want, err)
			}
			checkSpans(t, d)
			return
		}
		faults := 0
		for _, fault := range []error{
			ErrTooLarge, ErrTooDeep, ErrMalformed, ErrNotCanonical, ErrDuplicateMember, ErrNumber, ErrNull, ErrEmptyArray,
			ErrControlCharacter, ErrSurrogate, ErrBlankNode,
		} {
			if errors.Is(err, fault) {
				faults++
			}
		}
		if faults != 1 {
			t.Errorf("%v is %d faults, want one", err, faults)
		}
		if errors.Is(err, ErrNotCanonical) || errors.Is(err, ErrMalformed) {
			if same, err := jcs.Transform(raw); err == nil && bytes.Equal(raw, same) && len(raw) > 0 && raw[0] == '{' {
				t.Errorf("the gate finds malformed or not canonical what is both:\n%q", raw)
			}
		}
	})
}

// checkSpans holds what the gate remembers against a second reading.
func checkSpans(t *testing.T, d Document) {
	t.Helper()
	var tree map[string]json.RawMessage
	if err := json.Unmarshal(d.Bytes(), &tree); err != nil {
		t.Fatalf("%q passed the gate: %v", d.Bytes(), err)
	}
	for name, value := range tree {
		if !bytes.Equal(d.Member(name), value) {
			t.Errorf("member %q: got %q, want %q", name, d.Member(name), value)
		}
	}
	var proofs []map[string]json.RawMessage
	if json.Unmarshal(tree["proof"], &proofs) != nil || len(proofs) != d.Proofs() {
		return // no array of objects: protocol refuses it
	}
	bare := bytes.Clone(tree["proof"])
	delete(tree, "proof")
	document := canonical(t, tree)
	for i, p := range proofs {
		delete(p, "proofValue")
		if got, want := d.HashJCS(i, -1), HashJCS(canonical(t, p), document); got != want {
			t.Errorf("hash data of proof %d of %q: got %x, want %x", i, bare, got, want)
		}
	}
}

// A signature has one spelling, or one record would have several names.
func FuzzSignature(f *testing.F) {
	f.Add("z" + base58.Encode(make([]byte, 64)))
	f.Add("z" + base58.Encode(bytes.Repeat([]byte{0xff}, 64)))
	f.Add("z1" + base58.Encode(bytes.Repeat([]byte{7}, 63)))
	f.Add("z3v7qCrBBo3iVLd82ZeFwb2av9hozTd8t2EZKrA8eJFVaMd7YPmkWQDySPeKwS8j3eJLvBCQ1o9F7rt8vBENDJaxe")
	f.Fuzz(func(t *testing.T, s string) {
		p := Proof{Value: s}
		b, err := p.Signature()
		if err == nil && (len(b) != 64 || "z"+base58.Encode(b) != s) {
			t.Errorf("%q decodes to %x, which is written z%s", s, b, base58.Encode(b))
		}
	})
}

// Whatever passed the gate can be canonicalised as linked data within bounds:
// the answer is an error or hash data, and it comes soon. What takes long shows
// as the fuzzer's own time limit.
func FuzzHashRDFC(f *testing.F) {
	seed(f, func(record []byte) {
		if len(record) < 8<<10 {
			f.Add(record)
		}
	})
	f.Add(under(essaim, complete(6)))
	f.Add(under(essaim, complete(7)))
	f.Fuzz(func(t *testing.T, raw []byte) {
		if _, err := Parse(raw, recordLimits); err != nil {
			return
		}
		p := Proof{Type: Type, Cryptosuite: RDFC, Created: "2026-11-22T11:00:00Z", VerificationMethod: "did:key:z6Mk#z6Mk", Purpose: Assertion}
		h, err := HashRDFC(p, raw)
		if again, err2 := HashRDFC(p, raw); h != again || fmt.Sprint(err) != fmt.Sprint(err2) && !errors.Is(err, ErrLinkedData) {
			t.Errorf("%q hashes to %x (%v), then to %x (%v)", raw, h, err, again, err2)
		}
	})
}

// Trap (d): a graph within the bounds costs little, whatever it looks like.
func BenchmarkHashRDFCWorst(b *testing.B) {
	p := Proof{Type: Type, Cryptosuite: RDFC, Created: "2026-11-22T11:00:00Z", VerificationMethod: "did:key:z6Mk#z6Mk", Purpose: Assertion}
	document := under(essaim, complete(6))
	for b.Loop() {
		if _, err := HashRDFC(p, document); err != nil {
			b.Fatal(err)
		}
	}
}

// The parts of accepting a record: what cannot be had for less.
func BenchmarkParts(b *testing.B) {
	raw, err := os.ReadFile("../../spec/vectors/award_valid.txt")
	if err != nil {
		b.Fatal(err)
	}
	_, award, _ := bytes.Cut(raw, []byte("\n\n"))
	b.Run("Parse", func(b *testing.B) {
		b.SetBytes(int64(len(award)))
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Parse(award, recordLimits); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("SHA-256", func(b *testing.B) {
		b.SetBytes(int64(len(award)))
		for b.Loop() {
			sha256.Sum256(award)
		}
	})
}
