package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/rogpeppe/go-internal/testscript"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/node/hosted"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/proof"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"essaim": func() {
		p := newProgram(os.Stdin, os.Stdout, os.Stderr)
		if at := os.Getenv("STORY_WEB"); at != "" {
			p.web = storyWeb(at)
		}
		os.Exit(command(p))
	}})
}

// Each file of testdata is a story told with the real program: its processes,
// its folders and its sockets.
func TestStories(t *testing.T) {
	dir, files := "testdata", []string(nil)
	if testing.Short() { // those in which a node serves and others speak to it
		dir = ""
		for _, name := range []string{"bundle", "http", "invite", "mirror", "network", "reach", "serve", "wallet"} {
			files = append(files, filepath.Join("testdata", name+".txt"))
		}
	}
	testscript.Run(t, testscript.Params{
		Dir: dir, Files: files,
		Setup: func(e *testscript.Env) error {
			// Nothing of who runs the tests: neither settings nor language.
			e.Setenv("XDG_CONFIG_HOME", filepath.Join(e.WorkDir, "config"))
			e.Setenv("XDG_DATA_HOME", filepath.Join(e.WorkDir, "data"))
			e.Setenv("LANG", "C.UTF-8")
			e.Setenv("TZ", "UTC")
			badges, err := filepath.Abs("../../protocol/ob/testdata/badges")
			if err != nil {
				return err
			}
			e.Setenv("BADGES", badges)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exitsWith, "keep": keep, "document": document, "waitfor": waitFor, "httpget": httpGet, "httppost": httpPost, "spoil": spoil, "cut": cutEnd, "writefile": writeFile, "lower": lower, "mode": mode, "nextsecond": nextSecond,
			"trimmed": trimmed, "freeport": freePort, "restored": restored, "website": website, "carries": carries,
		},
		RequireUniqueNames: true,
	})
}

// exitsWith is "exits STATUS PROGRAM ARGUMENT…": runs it and wants that status.
func exitsWith(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits STATUS PROGRAM ARGUMENT…")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("%v", err)
	}
	if fmt.Sprint(got) != args[0] {
		ts.Fatalf("exit status %d, want %s", got, args[0])
	}
}

// keep is "keep VARIABLE PATH": from the document a command printed, the value
// at a path such as community.did or addrs.0, in a variable of the story.
func keep(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: keep VARIABLE PATH")
	}
	var v any
	if err := json.Unmarshal([]byte(ts.ReadFile("stdout")), &v); err != nil {
		ts.Fatalf("standard output: %v", err)
	}
	for step := range strings.SplitSeq(args[1], ".") {
		switch at := v.(type) {
		case map[string]any:
			v = at[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(at) {
				ts.Fatalf("%s: %s of %d elements", args[1], step, len(at))
			}
			v = at[i]
		}
	}
	text, ok := v.(string)
	if !ok || text == "" {
		ts.Fatalf("%s is %v, not a text", args[1], v)
	}
	ts.Setenv(args[0], text)
}

// document is "document stdout|stderr SCHEMA": wants exactly one JSON document
// there, of that schema.
func document(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: document stdout|stderr SCHEMA")
	}
	text := ts.ReadFile(args[0])
	d := jsontext.NewDecoder(strings.NewReader(text))
	var v struct {
		Schema string `json:"schema"`
	}
	if err := json.UnmarshalDecode(d, &v); err != nil {
		ts.Fatalf("%s: %v", args[0], err)
	}
	if v.Schema != args[1] {
		ts.Fatalf("schema %q, want %q", v.Schema, args[1])
	}
	if _, err := d.ReadToken(); !errors.Is(err, io.EOF) {
		ts.Fatalf("%s holds more than one document", args[0])
	}
}

// patience is for a machine that is busy with other things; what is waited for
// takes milliseconds to some seconds.
const patience = 90 * time.Second

// waitFor is "waitfor FOLDER running|stopped", "… connected N", "… records N", "… complete",
// "… state CID STATE", "… endorsed CID": asks the node of the folder, over its
// socket, until so.
func waitFor(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: waitfor FOLDER WHAT …")
	}
	socket := filepath.Join(ts.MkAbs(args[0]), "essaim.sock")
	c := &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		},
	}}
	ask := func(path string, v any) error {
		req, err := http.NewRequestWithContext(context.Background(), http.MethodGet, "http://localhost/api/v1"+path, nil)
		if err != nil {
			return err
		}
		resp, err := c.Do(req)
		if err != nil {
			return err
		}
		defer resp.Body.Close()
		return json.UnmarshalRead(resp.Body, v)
	}
	so := func() (bool, string) {
		switch what, rest := args[1], args[2:]; what {
		case "running", "stopped":
			err := ask("/status", &api.Status{})
			return (err == nil) == (what == "running"), fmt.Sprint(err)
		case "complete":
			v := api.Status{Missing: -1}
			err := ask("/status", &v)
			return err == nil && v.Missing == 0, fmt.Sprintf("%d missing, %v", v.Missing, err)
		case "connected", "records", "relayed":
			var v api.Status
			err := ask("/status", &v)
			n := map[string]int{"connected": v.Connected, "records": v.Total, "relayed": v.Reach.Relay.Reservations}[what]
			want, _ := strconv.Atoi(rest[0])
			return err == nil && n >= want, fmt.Sprintf("%s %d, %v", what, n, err)
		case "state", "endorsed":
			var v api.BadgeDetail
			err := ask("/badges/"+rest[0], &v)
			ok := what == "state" && v.State == rest[1] || what == "endorsed" && len(v.Endorsers) > 0
			return err == nil && ok, fmt.Sprintf("state %q, %d endorsers, %v", v.State, len(v.Endorsers), err)
		}
		return false, "no such thing to wait for"
	}
	tick, end := time.NewTicker(20*time.Millisecond), time.Now().Add(patience)
	defer tick.Stop()
	for range tick.C {
		ok, found := so()
		if ok {
			return
		}
		if time.Now().After(end) {
			ts.Fatalf("waitfor %s: %s", strings.Join(args, " "), found)
		}
	}
}

// httpGet is "httpget STATUS URL [NAME=VALUE…]": asks over TCP, as another
// program would, with these headers, and prints the answer.
func httpGet(ts *testscript.TestScript, neg bool, args []string) {
	httpAsk(ts, neg, http.MethodGet, args, "")
}

// httpPost is "httppost STATUS URL BODY [NAME=VALUE…]".
func httpPost(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 3 {
		ts.Fatalf("usage: httppost STATUS URL BODY [NAME=VALUE…]")
	}
	httpAsk(ts, neg, http.MethodPost, append(args[:2:2], args[3:]...), args[2])
}

func httpAsk(ts *testscript.TestScript, neg bool, method string, args []string, body string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: http… STATUS URL …")
	}
	req, err := http.NewRequestWithContext(context.Background(), method, args[1], strings.NewReader(body))
	ts.Check(err)
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, header := range args[2:] {
		name, value, _ := strings.Cut(header, "=")
		if name == "Host" {
			req.Host = value
		}
		req.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(req)
	ts.Check(err)
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	ts.Check(err)
	fmt.Fprintf(ts.Stdout(), "%s", raw)
	if fmt.Sprint(resp.StatusCode) != args[0] {
		ts.Fatalf("%s %s: %s, want %s\n%s", method, args[1], resp.Status, args[0], raw)
	}
}

// spoil is "spoil FILE OLD NEW": replaces OLD, which must be there, byte for
// byte; no line end is added or lost.
func spoil(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: spoil FILE OLD NEW")
	}
	raw := ts.ReadFile(args[0])
	if !strings.Contains(raw, args[1]) {
		ts.Fatalf("%s does not hold %q", args[0], args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(strings.Replace(raw, args[1], args[2], 1)), 0o600))
}

// cutEnd is "cut FILE N": takes the last N bytes away.
func cutEnd(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: cut FILE N")
	}
	raw := ts.ReadFile(args[0])
	n, err := strconv.Atoi(args[1])
	if err != nil || n > len(raw) {
		ts.Fatalf("%s bytes of %d", args[1], len(raw))
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(raw[:len(raw)-n]), 0o600))
}

// writeFile is "writefile FILE TEXT": the text alone, without a line end.
func writeFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: writefile FILE TEXT")
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(args[1]), 0o600))
}

// lower is "lower CODE": a code as somebody types it, without case and dashes.
func lower(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: lower VARIABLE")
	}
	ts.Setenv(args[0], strings.ReplaceAll(strings.ToLower(ts.Getenv(args[0])), "-", ""))
}

// mode is "mode FILE OCTAL": wants these permissions.
func mode(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: mode FILE OCTAL")
	}
	info, err := os.Stat(ts.MkAbs(args[0]))
	ts.Check(err)
	if got := fmt.Sprintf("%04o", info.Mode().Perm()); got != args[1] {
		ts.Fatalf("%s has mode %s, want %s", args[0], got, args[1])
	}
}

// nextSecond waits until the clock says another second: signed times have no
// finer parts, and of two states the later counts.
func nextSecond(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 0 {
		ts.Fatalf("usage: nextsecond")
	}
	tick, now := time.NewTicker(10*time.Millisecond), time.Now().Unix()
	defer tick.Stop()
	for t := range tick.C {
		if t.Unix() > now {
			return
		}
	}
}

// trimmed is "trimmed VARIABLE": what a command printed, without its line end.
func trimmed(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: trimmed VARIABLE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile("stdout")))
}

// freePort is "freeport VARIABLE": a TCP port of this machine nobody has.
func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: freeport VARIABLE")
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	ts.Check(err)
	ts.Check(l.Close())
	_, port, err := net.SplitHostPort(l.Addr().String())
	ts.Check(err)
	ts.Setenv(args[0], port)
}

// website is "website FOLDER": a web server from here to the end of the story,
// of which FOLDER/HOST/PATH is what stands at https://HOST/PATH, or once
// PATH.gone is there, stood. The essaim of the story finds nothing else on the
// web.
func website(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: website FOLDER")
	}
	folder := ts.MkAbs(args[0])
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := filepath.Join(folder, r.Host, filepath.FromSlash(r.URL.Path))
		if _, err := os.Stat(name + ".gone"); err == nil {
			w.WriteHeader(http.StatusGone)
			return
		}
		raw, err := os.ReadFile(name)
		if err != nil {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		_, _ = w.Write(raw)
	}))
	ts.Defer(server.Close)
	ts.Setenv("STORY_WEB", server.Listener.Addr().String())
}

// storyWeb reads https addresses from the server of the story.
func storyWeb(at string) func(context.Context, string) (hosted.Page, error) {
	return func(ctx context.Context, address string) (hosted.Page, error) {
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" {
			return hosted.Page{}, &hosted.Error{Address: address, Fault: hosted.NotSecure}
		}
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+at+u.Path, nil)
		if err != nil {
			return hosted.Page{}, err
		}
		request.Host = u.Host
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return hosted.Page{}, err
		}
		defer answer.Body.Close()
		raw, err := io.ReadAll(answer.Body)
		switch {
		case answer.StatusCode == http.StatusGone:
			return hosted.Page{}, foreign.ErrGone
		case answer.StatusCode != http.StatusOK:
			return hosted.Page{}, &hosted.Error{Address: address, Fault: hosted.Refused, Detail: fmt.Sprint(answer.StatusCode)}
		}
		return hosted.Page{Bytes: raw, Image: strings.HasSuffix(u.Path, ".png")}, err
	}
}

// restored is "restored BACKUP PASSPHRASEFILE DID": the backup opens and holds
// the keys of that community.
func restored(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: restored BACKUP PASSPHRASEFILE DID")
	}
	passphrase := []byte(strings.TrimSpace(ts.ReadFile(args[1])))
	keys, err := keyring.Restore(strings.NewReader(ts.ReadFile(args[0])), passphrase, ts.MkAbs("restored"),
		keyring.Protection{KeyFile: ts.MkAbs("restored.key")})
	ts.Check(err)
	if got := string(keys.Issuer()); got != args[2] {
		ts.Fatalf("the keys of %s, want those of %s", got, args[2])
	}
}

// carries is "carries IMAGE CREDENTIAL [ASSERTION]": the picture holds what is in
// these files, and nothing else.
func carries(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 || len(args) > 3 {
		ts.Fatalf("usage: carries IMAGE CREDENTIAL [ASSERTION]")
	}
	payloads, err := bake.Take([]byte(ts.ReadFile(args[0])))
	ts.Check(err)
	if len(payloads) != len(args)-1 {
		ts.Fatalf("%s carries %d badges, want %d", args[0], len(payloads), len(args)-1)
	}
	for _, p := range payloads {
		file := args[1]
		if p.Keyword == bake.Assertion {
			file = args[len(args)-1]
		}
		text, err := proof.Canonicalize(p.Text) // a drawing may have escaped some of it
		ts.Check(err)
		if want := ts.ReadFile(file); string(text) != want {
			ts.Fatalf("%s of %s is\n%s\nwant %s:\n%s", p.Keyword, args[0], text, file, want)
		}
	}
}
