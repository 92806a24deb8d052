package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/api"
)

// client makes requests of a node: the running one over its socket, or one that
// works on the folder in this process.
type client struct {
	http    *http.Client
	running bool
	// empty says that there is no folder: the node is in memory and forgets.
	empty bool
	close func() error
}

// connect finds the running node, or opens the folder. The caller closes.
func (p *program) connect(ctx context.Context) (*client, error) {
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	socket := s.socket()
	dialer := net.Dialer{Timeout: 5 * time.Second}
	if conn, err := dialer.DialContext(ctx, "unix", socket); err == nil {
		conn.Close()
		dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
			return dialer.DialContext(ctx, "unix", socket)
		}
		c := &client{http: &http.Client{Transport: &http.Transport{DialContext: dial}}, running: true}
		c.close = func() error { c.http.CloseIdleConnections(); return nil }
		return c, nil
	}
	return p.openFolder(s)
}

// openFolder serves the API of a node that speaks to nobody, to this process
// alone. Without a folder the node is an empty one in memory: what it knows of
// places and how it checks badges are of use without any.
func (p *program) openFolder(s *settings) (*client, error) {
	config := node.Config{Dir: s.dir, Logger: p.logger(s), MinFree: s.Store.minFree(), Offline: s.Network.offline(), Web: p.web}
	_, err := os.Stat(filepath.Join(s.dir, "store"))
	empty := errors.Is(err, os.ErrNotExist)
	config.InMemory = empty && !s.create
	n, err := node.New(config)
	if err != nil {
		return nil, err
	}
	handler := api.New(api.Config{Node: n, Version: version, Logger: p.logger(s), PublicURL: s.HTTP.link()}).Local()
	pipes := &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(pipes) }()
	return &client{
		http:  &http.Client{Transport: &http.Transport{DialContext: pipes.dial}},
		empty: config.InMemory,
		close: func() error {
			// Shutdown waits for a request that was given up but still has
			// the store; nothing takes longer.
			patience, cancel := context.WithTimeout(context.Background(), 10*time.Second)
			defer cancel()
			err := server.Shutdown(patience)
			if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return errors.Join(err, n.Close())
		},
	}, nil
}

// pipeListener accepts connections from this process alone.
type pipeListener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

// Accept implements net.Listener.
func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

// Addr implements net.Listener.
func (l *pipeListener) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "unix"} }

func (l *pipeListener) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	select {
	case l.conns <- theirs:
		return ours, nil
	case <-l.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// request is one call of the API. body is a value to send as JSON, []byte to send
// as they are, or an *os.File to send as it is read, once.
type request struct {
	method, path string
	body         any
}

func get(path string, args ...any) request {
	return request{http.MethodGet, fmt.Sprintf(path, args...), nil}
}
func post(path string, body any) request { return request{http.MethodPost, path, body} }
func put(path string, body any) request  { return request{http.MethodPut, path, body} }
func remove(path string) request         { return request{http.MethodDelete, path, nil} }

// do makes the request and returns the answer's bytes, or a *failure. When the
// keys are locked it asks for the passphrase, once.
func (p *program) do(ctx context.Context, c *client, r request) ([]byte, error) {
	answer, err := p.once(ctx, c, r)
	var f *failure
	if !errors.As(err, &f) || f.Code != "locked" {
		return answer, err
	}
	if !p.hasPassphrase(p.settings) {
		return nil, err
	}
	passphrase, err := p.passphrase(ctx, false)
	if err != nil {
		return nil, err
	}
	if _, err := p.once(ctx, c, post("/unlock", api.UnlockRequest{Passphrase: string(passphrase)})); err != nil {
		return nil, err
	}
	return p.once(ctx, c, r)
}

func (p *program) once(ctx context.Context, c *client, r request) ([]byte, error) {
	resp, err := p.send(ctx, c, r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", r.method, r.path, err)
	}
	return answer, nil
}

// send makes the request and returns the answer, still to be read, or a *failure.
func (p *program) send(ctx context.Context, c *client, r request) (*http.Response, error) {
	if c.empty && r.method != http.MethodGet && r.path != "/badges/verify" {
		return nil, p.refusal(api.Problem{Code: "not_set_up", Detail: "no community is set up in this folder", Hint: "run: essaim setup"})
	}
	body, media := io.Reader(http.NoBody), "application/json"
	switch b := r.body.(type) {
	case nil:
	case []byte:
		body, media = bytes.NewReader(b), "application/octet-stream"
	case *os.File:
		body, media = b, "application/vnd.ipld.car"
	default:
		raw, err := json.Marshal(b)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(raw)
	}
	req, err := http.NewRequestWithContext(ctx, r.method, "http://localhost/api/v1"+r.path, body)
	if err != nil {
		return nil, err
	}
	if r.body != nil {
		req.Header.Set("Content-Type", media)
	}
	resp, err := c.http.Do(req)
	if err != nil && c.running && ctx.Err() == nil {
		return nil, &failure{
			Code: "no_answer", exit: exitNotRunning,
			Message: p.tr("le nœud n’a pas répondu ; peut-être s’est-il arrêté", "the node did not answer; perhaps it has stopped"),
			Hint:    p.tr("voir : essaim status", "see: essaim status"),
		}
	}
	if err != nil {
		return nil, err
	}
	if resp.StatusCode < 400 {
		return resp, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	var problem api.Problem
	if err := json.Unmarshal(raw, &problem); err != nil {
		return nil, fmt.Errorf("the node answered %s: %.200s", resp.Status, raw)
	}
	return nil, p.refusal(problem)
}

// ask makes one request and prints its answer: as it came with --json, by print
// otherwise. look, if given, sees it in both cases.
func ask[T any](ctx context.Context, p *program, r request, print func(T), look ...func(T)) error {
	return p.with(ctx, func(c *client) error {
		v, err := tell(ctx, p, c, r, print)
		for _, f := range look {
			if err == nil {
				f(v)
			}
		}
		return err
	})
}

// tell is ask over an open client; it returns the answer too.
func tell[T any](ctx context.Context, p *program, c *client, r request, print func(T)) (T, error) {
	var v T
	answer, err := p.do(ctx, c, r)
	if err != nil {
		return v, err
	}
	if err := json.Unmarshal(answer, &v); err != nil {
		return v, fmt.Errorf("%s %s: the node's answer does not decode: %w", r.method, r.path, err)
	}
	switch {
	case print == nil:
	case p.json:
		_, err = p.out.Write(append(bytes.TrimRight(answer, "\n"), '\n'))
	default:
		print(v)
	}
	return v, err
}

// fetch is tell without printing.
func fetch[T any](ctx context.Context, p *program, c *client, r request) (T, error) {
	return tell[T](ctx, p, c, r, nil)
}
