package api_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

const (
	brest   = "fr:epci:242900314"
	quimper = "fr:epci:200068120"
	version = "0.1.0-test"
)

// noon is when the stories begin.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// fablab is a node in Brest with its API, at virtual time.
type fablab struct {
	t      *testing.T
	node   *node.Node
	server *api.Server
	admin  client // the unix socket
	log    *lockedBuffer
	later  atomic.Int64 // nanoseconds after noon
	dir    string
	closed bool // by the test
}

// open returns a node without a community, with its API.
func open(t *testing.T, change ...func(*node.Config, *api.Config)) *fablab {
	t.Helper()
	f := &fablab{t: t, log: &lockedBuffer{}, dir: t.TempDir()}
	logger := slog.New(slog.NewJSONHandler(f.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	nodeConfig := node.Config{
		Dir: f.dir, InMemory: true, Logger: logger,
		Clock: func() time.Time { return noon.Add(time.Duration(f.later.Load())) },
	}
	apiConfig := api.Config{Version: version, Logger: logger, PublicURL: "http://192.168.1.20:8797"}
	for _, c := range change {
		c(&nodeConfig, &apiConfig)
	}
	n, err := node.New(nodeConfig)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil && !f.closed {
			t.Errorf("close: %v", err)
		}
	})
	apiConfig.Node = n
	f.node, f.server = n, api.New(apiConfig)
	f.admin = client{t: t, handler: f.server.Local()}
	return f
}

// tyfab returns the node of TyFab in Brest, set up with a key file.
func tyfab(t *testing.T, change ...func(*node.Config, *api.Config)) *fablab {
	t.Helper()
	f := open(t, change...)
	f.admin.post("/setup", api.SetupRequest{
		Name: "TyFab", Place: "Brest", Protection: &api.Protection{KeyFile: filepath.Join(t.TempDir(), "master.key")},
	}).is(http.StatusOK)
	return f
}

// after lets time pass.
func (f *fablab) after(d time.Duration) { f.later.Add(int64(d)) }

// remote returns a client over TCP without a token.
func (f *fablab) remote() client {
	return client{t: f.t, handler: f.server.Remote(), host: "localhost:8797"}
}

// with returns a client over TCP with a new token.
func (f *fablab) with(write bool) client {
	c := f.remote()
	c.token = answered[api.TokenSecret](f.admin.post("/tokens", api.TokenRequest{Name: "test", Write: write})).Secret
	return c
}

// laser publishes a class and returns it.
func (f *fablab) laser() api.Class {
	f.t.Helper()
	return answered[api.Class](f.admin.post("/classes", api.ClassRequest{
		Name: "Découpe laser", Description: "Sait régler et utiliser la découpeuse.", Criteria: "Trois pièces.",
		Tags: []string{"laser"}, Levels: []int{1, 2}, Rule: &api.Rule{By: "creator"},
		Skills: []api.Skill{{Framework: "ESCO", URL: "http://data.europa.eu/esco/skill/1", Name: "utiliser une machine de découpe laser"}},
	}))
}

// award offers the class of this name.
func (f *fablab) award(class, to string) api.OfferDetail {
	f.t.Helper()
	return answered[api.OfferDetail](f.admin.post("/badges/award", api.AwardRequest{Class: class, To: to, Level: 1, Narrative: "Une boîte."}))
}

// badge awards and claims.
func (f *fablab) badge(class, to, publicName string) api.BadgeDetail {
	f.t.Helper()
	offer := f.award(class, to)
	return answered[api.BadgeDetail](f.admin.post("/badges/claim", api.ClaimRequest{Code: offer.Code, PublicName: publicName}))
}

// client asks one door.
type client struct {
	t       *testing.T
	handler http.Handler
	host    string
	token   string
	header  map[string]string
}

func (c client) do(method, path string, body io.Reader, contentType string) answer {
	c.t.Helper()
	if !strings.HasPrefix(path, "/api/") {
		path = "/api/v1" + path
	}
	r := httptest.NewRequestWithContext(context.Background(), method, path, body)
	r.Host = c.host
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	for name, value := range c.header {
		r.Header.Set(name, value)
	}
	var sent bytes.Buffer
	if body != nil {
		r.Body = io.NopCloser(io.TeeReader(body, &sent))
	}
	w := httptest.NewRecorder()
	c.handler.ServeHTTP(w, r)
	a := answer{c.t, method + " " + path, w.Result(), w.Body.Bytes()}
	judge(c.t, r, "responses/"+strconv.Itoa(w.Code), a.raw, a.Header.Get("Content-Type"))
	if w.Code == http.StatusOK && contentType == "application/json" && !strings.HasSuffix(path, "/verify") {
		judge(c.t, r, "requestBody", sent.Bytes(), contentType)
	}
	return a
}

func (c client) get(path string) answer { c.t.Helper(); return c.do("GET", path, nil, "") }

func (c client) remove(path string) answer { c.t.Helper(); return c.do("DELETE", path, nil, "") }

func (c client) send(method, path string, body any) answer {
	c.t.Helper()
	if body == nil {
		return c.do(method, path, nil, "")
	}
	raw, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	return c.do(method, path, bytes.NewReader(raw), "application/json")
}

func (c client) post(path string, body any) answer { c.t.Helper(); return c.send("POST", path, body) }

func (c client) put(path string, body any) answer { c.t.Helper(); return c.send("PUT", path, body) }

// upload posts bytes as they are.
func (c client) upload(path, raw string) answer {
	c.t.Helper()
	return c.do("POST", path, strings.NewReader(raw), "application/octet-stream")
}

// answer is what came back.
type answer struct {
	t    *testing.T
	what string
	*http.Response
	raw []byte
}

// is checks the status.
func (a answer) is(status int) answer {
	a.t.Helper()
	if a.StatusCode != status {
		a.t.Fatalf("%s: got %d %s, want %d", a.what, a.StatusCode, a.raw, status)
	}
	return a
}

// refused checks that the answer is a problem with this code.
func (a answer) refused(status int, code string) api.Problem {
	a.t.Helper()
	a.is(status)
	if got, want := a.Header.Get("Content-Type"), "application/problem+json"; got != want {
		a.t.Errorf("%s: got content type %q, want %q", a.what, got, want)
	}
	p := decode[api.Problem](a)
	if p.Code != code || p.Status != status || p.Title == "" {
		a.t.Fatalf("%s: got problem %+v, want status %d, code %s and a title", a.what, p, status, code)
	}
	return p
}

// answered decodes a success, and checks that the document names its schema.
func answered[T any](a answer) T {
	a.t.Helper()
	a.is(http.StatusOK)
	var named struct {
		Schema string `json:"schema"`
	}
	if err := json.Unmarshal(a.raw, &named); err != nil || !strings.HasPrefix(named.Schema, "essaim.") || !strings.HasSuffix(named.Schema, "/1") {
		a.t.Errorf("%s: got schema %q (%v), want essaim.…/1", a.what, named.Schema, err)
	}
	return decode[T](a)
}

// decode reads an answer as a client does, and takes no member the type has not.
func decode[T any](a answer) T {
	a.t.Helper()
	var v T
	if err := json.Unmarshal(a.raw, &v, json.RejectUnknownMembers(true)); err != nil {
		a.t.Fatalf("%s: %v in %s", a.what, err, a.raw)
	}
	return v
}

// lockedBuffer takes the log of a node.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func same[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
