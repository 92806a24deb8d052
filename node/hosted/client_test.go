package hosted

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log" //nolint:depguard // what net/http takes
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
)

// site is a web site on this machine with a certificate of its own, and all
// that was asked of it.
type site struct {
	*httptest.Server
	at    netip.AddrPort
	asked atomic.Int64
	mu    sync.Mutex // guards last
	last  *http.Request
}

func newSite(t *testing.T, answer http.HandlerFunc) *site {
	t.Helper()
	s := &site{}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		s.mu.Lock()
		s.last = r
		s.mu.Unlock()
		answer(w, r)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	s.at = s.Listener.Addr().(*net.TCPAddr).AddrPort()
	return s
}

// web is a client that may reach these sites, by names and nowhere else. The
// name "example.com" is in the certificate of each.
type web struct {
	names map[string]*site // host of an address → the site it leads to
	roots *x509.CertPool
}

func (w web) client(patience time.Duration) *Client {
	return New(Config{
		roots: w.roots, patience: patience,
		resolve: func(hostport string) string {
			if s := w.names[hostport]; s != nil {
				return s.at.String()
			}
			return hostport
		},
		permit: func(a netip.AddrPort) bool {
			for _, s := range w.names {
				if s.at == a {
					return true
				}
			}
			return Public(a.Addr())
		},
	})
}

func oneSite(t *testing.T, answer http.HandlerFunc) (*site, web) {
	s := newSite(t, answer)
	w := web{names: map[string]*site{"example.com:443": s}, roots: x509.NewCertPool()}
	w.roots.AddCert(s.Certificate())
	return s, w
}

const page = "https://example.com/assertions/1"

// usual is more than an answer takes on a busy machine; short is what a test of
// slowness waits for.
const (
	usual = time.Minute
	short = 300 * time.Millisecond
)

func says(media, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", media)
		_, _ = io.WriteString(w, body)
	}
}

// faulty wants one fault, and a sentence for it.
func faulty(t *testing.T, name string, err error, want Fault) {
	t.Helper()
	var e *Error
	if !errors.As(err, &e) || e.Fault != want {
		t.Errorf("%s: got %v, want %s", name, err, want)
	}
}

func TestAPageIsRead(t *testing.T) {
	s, w := oneSite(t, says("application/ld+json; charset=utf-8", `{"a":1}`))
	got, err := w.client(usual).Get(t.Context(), page+"?v=2_0#badge")
	if err != nil || string(got.Bytes) != `{"a":1}` || got.Image || len(got.Hosts) != 0 {
		t.Fatalf("got %q, image %v, hosts %v, %v", got.Bytes, got.Image, got.Hosts, err)
	}
	// What the site learns: no cookie, no key, not who asks, not from where.
	var names []string
	for name := range s.last.Header {
		names = append(names, name)
	}
	slices.Sort(names)
	if want := []string{"Accept", "Accept-Encoding", "Connection", "User-Agent"}; !slices.Equal(names, want) {
		t.Errorf("sent %v, want %v", names, want)
	}
	if s.last.Header.Get("Accept-Encoding") != "identity" || s.last.URL.String() != "/assertions/1?v=2_0" {
		t.Errorf("asked for %s with %v", s.last.URL, s.last.Header)
	}
}

func TestCookiesAreForgotten(t *testing.T) {
	s, w := oneSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.SetCookie(w, &http.Cookie{Name: "who", Value: "you"})
		if r.URL.Path == "/1" {
			http.Redirect(w, r, "/2", http.StatusFound)
			return
		}
		says("application/json", "{}")(w, r)
	})
	c := w.client(usual)
	for range 2 {
		if _, err := c.Get(t.Context(), "https://example.com/1"); err != nil {
			t.Fatal(err)
		}
		if s.last.Header.Get("Cookie") != "" || s.last.Header.Get("Referer") != "" {
			t.Errorf("sent %v", s.last.Header)
		}
	}
}

// What the environment says of proxies does not count: a proxy would dial where
// it likes.
func TestNoProxy(t *testing.T) {
	proxied := newSite(t, says("application/json", `{"proxied":true}`))
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"} {
		t.Setenv(name, proxied.URL)
	}
	_, w := oneSite(t, says("application/json", "{}"))
	if got, err := w.client(usual).Get(t.Context(), page); err != nil || string(got.Bytes) != "{}" || proxied.asked.Load() != 0 {
		t.Errorf("got %q, %v, and the proxy was asked %d times", got.Bytes, err, proxied.asked.Load())
	}
}

func TestWhatIsNoAddress(t *testing.T) {
	s, w := oneSite(t, says("application/json", "{}"))
	for address, want := range map[string]Fault{
		"":                                  BadAddress,
		"example.com":                       BadAddress,
		"https://":                          BadAddress,
		"https:example.com":                 BadAddress,
		"https://alice:secret@example.com/": BadAddress,
		"https://exam ple.com/":             BadAddress,
		"https://example.com/" + strings.Repeat("a", maxAddress): BadAddress,
		"http://example.com/":                 NotSecure,
		"HTTP://example.com/":                 NotSecure,
		"ftp://example.com/":                  NotSecure,
		"file://example.com/etc/passwd":       NotSecure,
		"javascript://example.com/%0aalert()": NotSecure,
	} {
		_, err := w.client(usual).Get(t.Context(), address)
		faulty(t, address, err, want)
		if err != nil && len(err.Error()) > 300 {
			t.Errorf("%.40s: an error of %d bytes", address, len(err.Error()))
		}
	}
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}
}

// Whatever an address is written as, nothing inside is reached.
func TestNothingInsideIsReached(t *testing.T) {
	inside := newSite(t, says("application/json", `{"secret":1}`))
	port := fmt.Sprint(inside.at.Port())
	roots := x509.NewCertPool()
	roots.AddCert(inside.Certificate())
	c := New(Config{roots: roots, patience: usual})
	for _, host := range []string{
		"127.0.0.1", "127.1", "localhost", "LOCALHOST", "localhost.", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "0.0.0.0", "[::]",
		"2130706433", "0x7f000001", "0177.0.0.1", "127.0.0.1.", "10.0.0.1", "169.254.169.254", "[fe80::1]", "[fd00::1]", "[64:ff9b::7f00:1]",
		"[2002:7f00:1::1]", "100.64.0.1", "192.0.2.1", "[2001:db8::1]", "224.0.0.1", "[ff02::1]", "255.255.255.255",
	} {
		_, err := c.Get(t.Context(), "https://"+net.JoinHostPort(strings.Trim(host, "[]"), port)+"/")
		var e *Error
		// Some systems do not know the odd ways to write an address at all.
		if !errors.As(err, &e) || e.Fault != Inside && e.Fault != Unreachable && e.Fault != BadAddress {
			t.Errorf("%s: %v", host, err)
		}
		if strings.HasPrefix(host, "127.0.0.1") && !strings.HasSuffix(host, ".") || host == "[::1]" || host == "[fd00::1]" || host == "169.254.169.254" {
			faulty(t, host, err, Inside)
		}
	}
	if n := inside.asked.Load(); n != 0 {
		t.Errorf("the inside was asked %d times", n)
	}
}

func TestPublic(t *testing.T) {
	for text, want := range map[string]bool{
		"1.1.1.1": true, "8.8.8.8": true, "172.15.255.255": true, "172.32.0.1": true, "100.63.255.255": true, "100.128.0.1": true, "193.51.208.69": true,
		"2606:4700::1111": true, "2001:200::1": true, "2a01:e0a::1": true, "3fff:1000::1": true,
		"0.0.0.0": false, "0.1.2.3": false, "10.255.0.1": false, "100.64.0.0": false, "100.127.255.255": false, "127.255.255.254": false,
		"169.254.169.254": false, "172.16.0.1": false, "172.31.255.255": false, "192.0.0.8": false, "192.0.2.7": false, "192.88.99.1": false,
		"192.168.1.1": false, "198.18.0.1": false, "198.19.255.255": false, "198.51.100.1": false, "203.0.113.9": false, "224.0.0.251": false,
		"239.255.255.255": false, "240.0.0.1": false, "255.255.255.255": false,
		"::": false, "::1": false, "::ffff:8.8.8.8": false, "::8.8.8.8": false, "64:ff9b::808:808": false, "64:ff9b:1::1": false, "100::1": false,
		"fe80::1": false, "fe80::1%eth0": false, "fec0::1": false, "fc00::1": false, "fdff::1": false, "ff02::1": false, "ff0e::1": false,
		"2001::1": false, "2001:10::1": false, "2001:20::1": false, "2001:db8:1::1": false, "2002:808:808::1": false, "3fff::1": false,
		"3fff:fff::1": false, "5f00::1": false, "2606:4700::1111%eth0": false, "4000::1": false,
	} {
		if got := Public(netip.MustParseAddr(text)); got != want {
			t.Errorf("Public(%s) is %v", text, got)
		}
	}
	if Public(netip.Addr{}) {
		t.Error("no address is public")
	}
}

// A name that leads outside when it is looked at and inside when it is dialled
// is judged when it is dialled, at every connection.
func TestRebinding(t *testing.T) {
	inside := newSite(t, says("application/json", `{"secret":1}`))
	outside, w := oneSite(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, page, http.StatusFound) // to the same name, which now leads elsewhere
	})
	c := w.client(usual)
	turns := 0
	c.config.resolve = func(string) string {
		if turns++; turns == 1 {
			return outside.at.String()
		}
		return inside.at.String()
	}
	_, err := c.Get(t.Context(), page)
	faulty(t, "the second time", err, Inside)
	if turns != 2 || inside.asked.Load() != 0 || outside.asked.Load() != 1 {
		t.Errorf("looked up %d times; inside was asked %d times, outside %d", turns, inside.asked.Load(), outside.asked.Load())
	}
}

func TestRedirects(t *testing.T) {
	inside := newSite(t, says("application/json", `{"secret":1}`))
	s, w := oneSite(t, func(w http.ResponseWriter, r *http.Request) {
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, to, http.StatusFound)
			return
		}
		says("application/json", "{}")(w, r)
	})
	w.names["www.example.com:443"] = s // the same certificate has *.example.com
	step := func(to string) string { return "/?to=" + url.QueryEscape(to) }
	for _, x := range []struct {
		name, to string
		want     Fault
		hosts    []string
	}{
		{"to itself", "/other", "", nil},
		{"to another host", "https://www.example.com/x", "", []string{"www.example.com"}},
		{"there and back", "https://www.example.com" + step("https://example.com/x"), "", []string{"www.example.com", "example.com"}},
		{"three times", step(step("/x")), "", nil},
		{"four times", step(step(step("/x"))), TooManyHops, nil},
		{"round and round", "https://example.com/?to=" + url.QueryEscape("/?to=%2F%3Fto"), "", nil},
		{"inside", inside.URL, Inside, nil},
		{"inside by name", "https://localhost:" + fmt.Sprint(inside.at.Port()), Inside, nil},
		{"to http", "http://www.example.com/x", BadHop, nil},
		{"to a file", "file:///etc/passwd", BadHop, nil},
		{"with a password", "https://alice:secret@www.example.com/", BadHop, nil},
		{"to data", "data:application/json,{}", BadHop, nil},
	} {
		got, err := w.client(usual).Get(t.Context(), "https://example.com"+step(x.to))
		if x.want != "" {
			faulty(t, x.name, err, x.want)
		} else if err != nil || !slices.Equal(got.Hosts, x.hosts) {
			t.Errorf("%s: hosts %v, %v; want %v", x.name, got.Hosts, err, x.hosts)
		}
	}
	if n := inside.asked.Load(); n != 0 {
		t.Errorf("the inside was asked %d times", n)
	}
}

func TestWhatIsTaken(t *testing.T) {
	large, endless := strings.Repeat(" ", foreign.MaxBytes), strings.Repeat("\x00", bake.MaxImage)
	for name, x := range map[string]struct {
		answer http.HandlerFunc
		want   Fault
	}{
		"a PNG":                   {says("image/png", "\x89PNG"), ""},
		"a large image":           {says("image/png", endless), ""},
		"one too large":           {says("image/png", endless+"x"), TooLarge},
		"a key":                   {says("application/x-pem-file", "-----BEGIN"), ""},
		"a large document":        {says("application/json", large), ""},
		"one byte more":           {says("application/json", large+" "), TooLarge},
		"a page for people":       {says("text/html", "<html>"), WrongType},
		"HTML that says JSON too": {says("text/html; application/json", "{}"), WrongType},
		"a photo":                 {says("image/jpeg", "x"), WrongType},
		"a type of none":          {says("json", "{}"), WrongType},
		"bytes":                   {says("application/octet-stream", "{}"), WrongType},
		"compressed": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			says("application/json", "\x1f\x8b")(w, r)
		}, Compressed},
		"not found":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) }, Refused},
		"a failure":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, Refused},
		"a part":        {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPartialContent) }, Refused},
		"nothing":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNoContent) }, Refused},
		"hung up":       {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, Unreachable},
		"endless heads": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 2*maxHeaders)) }, Unreachable},
		"a body cut short": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "100")
			says("application/json", "{}")(w, r)
		}, Unreachable},
		"a length that lies": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Length", "1000000000000")
			says("application/json", "{}")(w, r)
		}, TooLarge},
		"a body without end": {func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			for {
				if _, err := io.WriteString(w, large); err != nil {
					return
				}
			}
		}, TooLarge},
	} {
		_, w := oneSite(t, x.answer)
		got, err := w.client(usual).Get(t.Context(), page)
		switch {
		case x.want != "":
			faulty(t, name, err, x.want)
			if len(got.Bytes) > 0 {
				t.Errorf("%s: %d bytes came with the fault", name, len(got.Bytes))
			}
		case err != nil:
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestGone(t *testing.T) {
	_, w := oneSite(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusGone) })
	if _, err := w.client(usual).Get(t.Context(), page); !errors.Is(err, foreign.ErrGone) {
		t.Errorf("got %v, want that it is gone", err)
	}
}

// A site that is slow at any point costs the time one address may take, and no
// more.
func TestSlowSites(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"says nothing": func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		"a byte at a time": func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			tick := time.NewTicker(10 * time.Millisecond)
			defer tick.Stop()
			for {
				select {
				case <-tick.C:
					_, _ = io.WriteString(w, " ")
					w.(http.Flusher).Flush()
				case <-r.Context().Done():
					return
				}
			}
		},
	} {
		_, w := oneSite(t, answer)
		_, err := w.client(short).Get(t.Context(), page)
		faulty(t, name, err, TooSlow)
	}
	// One that takes the connection and never speaks TLS.
	silent, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	_, w := oneSite(t, says("application/json", "{}"))
	w.names["example.com:443"] = &site{at: silent.Addr().(*net.TCPAddr).AddrPort()}
	_, err = w.client(short).Get(t.Context(), page)
	faulty(t, "no TLS", err, TooSlow)
}

func TestWhoeverAskedGoesAway(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	_, w := oneSite(t, func(_ http.ResponseWriter, r *http.Request) { cancel(); <-r.Context().Done() })
	if _, err := w.client(usual).Get(ctx, page); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want that it was cancelled", err)
	}
	full := w.client(usual)
	for range MaxAtOnce {
		full.slots <- struct{}{}
	}
	if _, err := full.Get(ctx, page); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting: got %v, want that it was cancelled", err)
	}
}

func TestCertificates(t *testing.T) {
	s, w := oneSite(t, says("application/json", "{}"))
	w.names["badges.example:443"] = s
	_, err := w.client(usual).Get(t.Context(), "https://badges.example/")
	faulty(t, "of another name", err, Unreachable)
	w.roots = x509.NewCertPool()
	_, err = w.client(usual).Get(t.Context(), page)
	faulty(t, "of nobody", err, Unreachable)
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}
}

func TestOffline(t *testing.T) {
	s, w := oneSite(t, says("application/json", "{}"))
	c := w.client(usual)
	c.config.Offline = true
	_, err := c.Get(t.Context(), page)
	faulty(t, "offline", err, Offline)
	if n := s.asked.Load(); n != 0 {
		t.Errorf("the site was asked %d times", n)
	}
}

// Each fault is said in both languages, and stands in spec/import.md with the
// bounds.
func TestThePage(t *testing.T) {
	raw, err := os.ReadFile("../../spec/import.md")
	if err != nil {
		t.Fatal(err)
	}
	text := string(raw)
	for _, f := range Faults() {
		s := f.Sentence()
		if len(s.English) < 10 || len(s.French) < 10 || strings.Contains(s.French, "'") {
			t.Errorf("%s: %+v", f, s)
		}
		if !strings.Contains(text, "`"+string(f)+"`") {
			t.Errorf("spec/import.md does not have %s", f)
		}
	}
	for _, row := range []string{
		fmt.Sprintf("| an address, redirects and all | %v |", Patience), fmt.Sprintf("| redirects | %d |", MaxHops),
		fmt.Sprintf("| addresses read at once | %d |", MaxAtOnce),
	} {
		if !strings.Contains(text, row) {
			t.Errorf("spec/import.md does not have %q", row)
		}
	}
	for _, block := range notPublic {
		if !regexp.MustCompile("`" + regexp.QuoteMeta(block.String()) + "`").MatchString(text) {
			t.Errorf("spec/import.md does not have %s", block)
		}
	}
}

// No address makes the checks panic, and what they let pass has a host and https.
func FuzzCheck(f *testing.F) {
	for _, s := range []string{page, "http://[::1]/", "https://a@b/", "https://[::1%25eth0]/", "https:///x", "https:x", "HTTPS://EXAMPLE.com:0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if check(s) != nil {
			return
		}
		u, err := url.Parse(s)
		if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil {
			t.Errorf("%q passes", s)
		}
	})
}
