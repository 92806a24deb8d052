package proof

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

const rdfcConfig = `{"type":"DataIntegrityProof","cryptosuite":"eddsa-rdfc-2022","proofPurpose":"assertionMethod"}`

// elsewhere returns a credential under contexts, each as JSON.
func elsewhere(members string, contexts ...string) []byte {
	return []byte(`{"@context":[` + strings.Join(contexts, ",") + `],"type":["VerifiableCredential"],` + members + `}`)
}

func TestHashForeign(t *testing.T) {
	const v1, v2, ob = `"https://www.w3.org/2018/credentials/v1"`, `"` + ContextCredentials + `"`, `"` + ContextOpenBadges + `"`
	for _, tt := range []struct {
		name     string
		document []byte
		want     error // nil is a hash
	}{
		{"of the age of VC 1.1", elsewhere(`"issuanceDate":"2024-01-01T00:00:00Z"`, v1, `"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json"`, `"https://w3id.org/security/data-integrity/v1"`), nil},
		{"of VC 2.0", elsewhere(`"name":"x"`, v2, ob), nil},
		{"with blank nodes named", elsewhere(`"issuer":{"id":"_:x","type":["Profile"]}`, v2, ob), nil},
		{"a context there is no copy of", elsewhere(`"id":"urn:x:1"`, v2, `"https://evil.example/v1"`), ErrContext},
		{"one inside", elsewhere(`"id":"urn:x:1"`, v2, `{"x":{"@id":"urn:x","@context":"https://evil.example/v1"}}`), nil},
		{"one inside that is used", elsewhere(`"x":{"y":"z"}`, v2, `{"x":{"@id":"urn:x","@context":"https://evil.example/v1"}}`), ErrContext},
		{"one that is imported", elsewhere(`"id":"urn:x:1"`, v2, `{"@import":"https://evil.example/v1"}`), ErrContext},
		{"a term without definition", elsewhere(`"unheardOf":"x"`, v2), ErrLinkedData},
		{"a relative type", elsewhere(`"credentialSubject":{"type":"Medal"}`, v2, ob), ErrLinkedData},
		{"a large one", elsewhere(`"name":"`+strings.Repeat("a", maxForeignBytes)+`"`, v2), ErrCostly},
		{"many contexts", elsewhere(`"name":"x"`, v2, strings.Repeat(ob+",", 64)+ob), ErrCostly},
		{"many objects", elsewhere(`"credentialSubject":[`+strings.Repeat(`{},`, 600)+`{}]`, v2), ErrCostly},
		{"many blank nodes", elsewhere(`"credentialSubject":[`+strings.Repeat(`{"type":"AchievementSubject"},`, 400)+`{}]`, v2, ob), ErrCostly},
		{"entangled blank nodes", under(essaim, complete(8)), ErrCostly},
		{"not JSON", []byte(`{"@context":`), ErrLinkedData},
	} {
		_, err := HashForeign([]byte(rdfcConfig), tt.document)
		if tt.want == nil && err != nil || !errors.Is(err, tt.want) {
			t.Errorf("%s: got %v, want %v", tt.name, err, tt.want)
		}
	}
}

// The copies of others are the documents their addresses had.
func TestForeignContexts(t *testing.T) {
	known, err := foreignContexts()
	if err != nil {
		t.Fatal(err)
	}
	if len(known) != len(pinned)+len(others) {
		t.Errorf("%d contexts, want %d: an address stands twice", len(known), len(pinned)+len(others))
	}
	notice, err := os.ReadFile("contexts/NOTICE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range append(pinned, others...) {
		name := strings.TrimPrefix(strings.TrimPrefix(p.file, "others/"), "ob-v3p0-context")
		if !bytes.Contains(notice, []byte(strings.TrimSuffix(name, ".json"))) {
			t.Errorf("NOTICE.md does not name %s", p.file)
		}
	}
	small, err := embeddedContexts()
	if err != nil || len(small) != len(pinned) {
		t.Errorf("records have %d contexts, %v, want %d", len(small), err, len(pinned))
	}
}

// layers is a graph of groups of blank nodes that look alike, each node linked
// to every node of the next group and, in a ring, of the first.
func layers(sizes ...int) []byte {
	var b strings.Builder
	for l, size := range sizes {
		next := (l + 1) % len(sizes)
		for i := range size {
			fmt.Fprintf(&b, `{"id":"_:l%dn%d","essaim:layer%d":[`, l, i, l)
			for j := range sizes[next] {
				fmt.Fprintf(&b, `{"id":"_:l%dn%d"},`, next, j)
			}
			b.WriteString(`"end"]},`)
		}
	}
	return under(essaim, `"type":["VerifiableCredential"],"essaim:x":[`+strings.TrimSuffix(b.String(), ",")+`]`)
}

// costly are documents made to be slow within the bounds.
func costly() map[string][]byte {
	const v2, ob = `"` + ContextCredentials + `"`, `"` + ContextOpenBadges + `"`
	var types, contexts, nested strings.Builder
	for i := range 240 {
		fmt.Fprintf(&types, `{"type":["AchievementSubject","Profile","Achievement","Alignment","Result","Address"],"name":"%d"},`, i)
	}
	for range 30 {
		contexts.WriteString(`{"@context":[` + v2 + `,` + ob + `],"type":["VerifiableCredential"],"name":"x"},`)
	}
	for range 28 {
		nested.WriteString(`"parentOrg":{"type":["Profile"],`)
	}
	return map[string][]byte{
		"types":    elsewhere(`"credentialSubject":[`+types.String()+`{"id":"urn:x:1"}]`, v2, ob),
		"contexts": elsewhere(`"credentialSubject":{"type":["AchievementSubject"],"endorsement":[`+strings.TrimSuffix(contexts.String(), ",")+`]}`, v2, ob),
		"depth":    elsewhere(`"issuer":{"type":["Profile"],`+nested.String()+`"name":"x"`+strings.Repeat("}", 29), v2, ob),
		"pairs":    layers(2, 2, 2, 2, 2, 2, 2, 2, 2),
		"triples":  layers(3, 3, 3),
		"mixed":    layers(4, 3, 2, 2),
		"fives":    layers(5, 3),
		"six":      layers(6),
		"text":     elsewhere(`"name":"`+strings.Repeat("é", 30<<10)+`"`, v2, ob),
		"members":  elsewhere(`"credentialSubject":[`+strings.Repeat(`{"id":"urn:x:1","type":["AchievementSubject"],"narrative":["a","b","c"]},`, 500)+`{"id":"urn:x:2"}]`, v2, ob),
	}
}

func TestForeignWorkIsBounded(t *testing.T) {
	for name, document := range costly() {
		begin := time.Now()
		_, err := HashForeign([]byte(rdfcConfig), document)
		spent := time.Since(begin)
		t.Logf("%s: %d bytes, %v, %v", name, len(document), spent, err)
		if spent > 5*time.Second {
			t.Errorf("%s took %v", name, spent)
		}
	}
}

func BenchmarkHashForeign(b *testing.B) {
	for name, document := range costly() {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				_, _ = HashForeign([]byte(rdfcConfig), document)
			}
		})
	}
}
