package api_test

import (
	"bytes"
	"iter"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/danielgtaylor/huma/v2"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

// operations yields every operation of a document, by method.
func operations(doc *huma.OpenAPI) iter.Seq2[string, *huma.Operation] {
	return func(yield func(string, *huma.Operation) bool) {
		for _, item := range doc.Paths {
			for method, op := range map[string]*huma.Operation{
				"GET": item.Get, "POST": item.Post, "PUT": item.Put, "DELETE": item.Delete, "PATCH": item.Patch,
			} {
				if op != nil && !yield(method, op) {
					return
				}
			}
		}
	}
}

// contract is the document, ready to judge what is sent and answered.
type contract struct {
	mux      *http.ServeMux // to find the operation of a request
	compiler *jsonschema.Compiler
	mu       sync.Mutex // guards compiled: schemas are compiled when first met
	compiled map[string]*jsonschema.Schema
}

const documentURL = "https://essaim.example/openapi.json"

// theContract is read once, from the document a node serves.
var theContract = sync.OnceValues(func() (*contract, error) {
	n, err := node.New(node.Config{InMemory: true})
	if err != nil {
		return nil, err
	}
	defer n.Close()
	server := api.New(api.Config{Node: n, Version: version})
	w := httptest.NewRecorder()
	server.Local().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/api/openapi.json", nil))
	doc, err := jsonschema.UnmarshalJSON(w.Body)
	if err != nil {
		return nil, err
	}
	c := &contract{mux: http.NewServeMux(), compiler: jsonschema.NewCompiler(), compiled: map[string]*jsonschema.Schema{}}
	for method, op := range operations(server.OpenAPI()) {
		c.mux.HandleFunc(method+" "+op.Path, http.NotFound)
	}
	c.compiler.AssertFormat()
	return c, c.compiler.AddResource(documentURL, doc)
})

// judge checks a body against its schema in the document: the request's, or the
// answer's of a status. What is no JSON there is not judged.
func judge(t *testing.T, r *http.Request, where string, raw []byte, contentType string) {
	t.Helper()
	c, err := theContract()
	if err != nil {
		t.Fatal(err)
	}
	_, pattern := c.mux.Handler(r)
	if pattern == "" || contentType != "application/json" && contentType != "application/problem+json" {
		return
	}
	method, path, _ := strings.Cut(pattern, " ")
	escape := strings.NewReplacer("~", "~0", "/", "~1", "{", "%7B", "}", "%7D")
	pointer := documentURL + "#/paths/" + escape.Replace(path) + "/" + strings.ToLower(method) + "/" + where +
		"/content/" + escape.Replace(contentType) + "/schema"
	c.mu.Lock()
	defer c.mu.Unlock()
	schema := c.compiled[pointer]
	if schema == nil {
		if schema, err = c.compiler.Compile(pointer); err != nil {
			t.Errorf("%s: the document has no such schema: %v", pattern, err)
			return
		}
		c.compiled[pointer] = schema
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err == nil {
		err = schema.Validate(value)
	}
	if err != nil {
		t.Errorf("%s: %s is not as documented: %v", pattern, where, err)
	}
}

// The document lists every operation, says how each may fail, and calls nobody.
func TestOpenAPI(t *testing.T) {
	f := open(t)
	raw := string(f.remote().get("/api/openapi.json").is(http.StatusOK).raw)
	for _, member := range []string{`"openapi":"3.1.0"`, `"version":"` + version + `"`, `"scheme":"bearer"`, `"Problem":{`} {
		same(t, member, strings.Contains(raw, member), true)
	}
	for _, word := range []string{"$schema", "unpkg", "Request-Body", "Response\":{\"additional"} {
		same(t, word, strings.Contains(raw, word), false)
	}
	ids := map[string]bool{}
	for method, op := range operations(f.server.OpenAPI()) {
		if !strings.HasPrefix(op.Path, "/api/v1/") || op.Summary == "" || op.OperationID == "" || ids[op.OperationID] {
			t.Errorf("%s %s: got id %q and summary %q, want both, and the id once", method, op.Path, op.OperationID, op.Summary)
		}
		ids[op.OperationID] = true
		for _, status := range []string{"200", "421", "422", "500"} {
			if op.Responses[status] == nil {
				t.Errorf("%s: got no answer %s, want one", op.OperationID, status)
			}
		}
		for status, answer := range op.Responses {
			if status[0] != '2' && (answer.Content["application/problem+json"] == nil || answer.Content["application/problem+json"].Schema.Ref == "") {
				t.Errorf("%s: got answer %s %+v, want a Problem", op.OperationID, status, answer)
			}
		}
		for status := range op.Responses {
			if status == "204" {
				t.Errorf("%s: got an answer without a document", op.OperationID)
			}
		}
	}
	same(t, "docs page", f.remote().get("/api/docs").StatusCode, http.StatusNotFound)
}
