package proof

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// under returns a credential with members under our contexts and one of its own.
func under(context, members string) []byte {
	return []byte(`{"@context":["` + ContextCredentials + `","` + ContextOpenBadges + `",` + context + `],` + members + `}`)
}

const essaim = `{"essaim":"urn:essaim:ns:"}`

// complete is a graph of n blank nodes each linked to each other, all alike.
func complete(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"_:b%d","essaim:y":[`, i)
		for j := range n {
			fmt.Fprintf(&b, `{"id":"_:b%d"},`, (i+j)%n)
		}
		b.WriteString(`"end"]},`)
	}
	return `"type":["VerifiableCredential"],"essaim:x":[` + strings.TrimSuffix(b.String(), ",") + `]`
}

// Safe mode: what another processor would drop, fetch or guess is refused, for
// a signature over it would not mean what the document shows.
func TestLinkedDataRefuses(t *testing.T) {
	for _, tt := range []struct{ name, context, members string }{
		{"a term no context defines", essaim, `"id":"urn:x:1","unheardOf":"x"`},
		{"a term inside that no context defines", essaim, `"type":["VerifiableCredential"],"credentialSubject":{"id":"urn:x:1","unheardOf":"x"}`},
		{"an address that RDF cannot say", essaim, `"id":"urn:x:1","type":["VerifiableCredential"],"credentialSubject":{"id":"urn:x:a b"}`},
		{"a member name that is no address", `{"@vocab":"vocabulary/"}`, `"id":"urn:x:1","unheardOf":"x"`},
		{"an address relative to nothing", essaim, `"id":"badge/1","type":["VerifiableCredential"]`},
		{"a type no context defines", essaim, `"id":"urn:x:1","type":["VerifiableCredential","Medal"]`},
		{"a context that is not pinned", `"https://evil.example/v1"`, `"id":"urn:x:1","type":["VerifiableCredential"]`},
		{"another version of a pinned context", `"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json"`, `"id":"urn:x:1","type":["VerifiableCredential"]`},
		{"a context inside that is not pinned", essaim, `"credentialSubject":{"@context":"https://evil.example/v1","id":"urn:x:1"}`},
		{"a protected term redefined", `{"name":"urn:essaim:ns:name"}`, `"id":"urn:x:1","type":["VerifiableCredential"]`},
		{"seven blank nodes that look alike", essaim, complete(7)},
		{"nine blank nodes that look alike", essaim, complete(9)},
		{"sixty-four blank nodes that look alike", essaim, complete(64)},
		{"more blank nodes than any record has", essaim, `"type":["VerifiableCredential"],"essaim:x":[` + strings.Repeat(`{"essaim:y":"a"},`, 64) + `{"essaim:y":"b"}]`},
		{"not JSON", essaim, `"id":`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			out, err := NQuads(under(tt.context, tt.members))
			if !errors.Is(err, ErrLinkedData) {
				t.Errorf("got %v and %q, want %v", err, out, ErrLinkedData)
			}
		})
	}
}

func TestLinkedDataAccepts(t *testing.T) {
	for _, tt := range []struct {
		name, members string
		want          []string // lines, sorted
	}{
		{"a term of ours", `"id":"urn:x:1","type":["VerifiableCredential"],"essaim:by":"anyone"`, []string{
			`<urn:x:1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <https://www.w3.org/2018/credentials#VerifiableCredential> .`,
			`<urn:x:1> <urn:essaim:ns:by> "anyone" .`,
		}},
		{"two blank nodes that look alike and are not linked", `"id":"urn:x:1","essaim:x":[{"essaim:y":"a"},{"essaim:y":"a"}]`, []string{
			`<urn:x:1> <urn:essaim:ns:x> _:c14n0 .`,
			`<urn:x:1> <urn:essaim:ns:x> _:c14n1 .`,
			`_:c14n0 <urn:essaim:ns:y> "a" .`,
			`_:c14n1 <urn:essaim:ns:y> "a" .`,
		}},
		{"text of every kind the gate lets through", `"id":"urn:x:1","essaim:y":"\"\\\n\té🐝\u2028"`, []string{
			`<urn:x:1> <urn:essaim:ns:y> "\"\\\n\té🐝` + "\u2028" + `" .`,
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := NQuads(under(essaim, tt.members))
			if err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(strings.TrimSuffix(string(got), "\n"), "\n")
			if !slices.Equal(lines, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", got, strings.Join(tt.want, "\n"))
			}
		})
	}
	if _, err := NQuads(under(essaim, complete(5))); err != nil {
		t.Errorf("five linked blank nodes: %v", err)
	}
}

// noNetwork fails the test on whatever goes out by HTTP.
type noNetwork struct{ t *testing.T }

func (n noNetwork) RoundTrip(r *http.Request) (*http.Response, error) {
	n.t.Errorf("fetched %s", r.URL)
	return nil, errors.New("no network here")
}

func TestNothingIsFetched(t *testing.T) {
	usual := http.DefaultTransport
	http.DefaultTransport = noNetwork{t}
	t.Cleanup(func() { http.DefaultTransport = usual })
	for _, context := range []string{
		essaim, `"https://evil.example/v1"`, `"http://www.w3.org/ns/credentials/v2"`, `"file:///etc/passwd"`, `"../v2"`,
		`{"@import":"https://evil.example/v1"}`, `{"@context":"https://evil.example/v1"}`,
		`{"x":{"@id":"urn:x","@context":"https://evil.example/v1"}}`,
	} {
		_, err := NQuads(under(context, `"id":"urn:x:1","type":["VerifiableCredential"],"x":{"id":"urn:x:2"}`))
		t.Logf("%s: %v", context, err)
	}
}
