// Package hosted reads documents that others keep on the web: badges, their
// classes, issuers, keys and lists. It is the one place of a node that asks a
// web site for anything, and it asks only what a person wanted asked.
//
// The text it obeys is spec/import.md §8. An address in a badge is a stranger's:
// it may lead inside the house, never end, or change between the question and
// the answer. So the address that is dialled is what is judged, at every step.
package hosted

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/foreign"
)

// Bounds of one reading (spec/import.md §8).
const (
	// Patience is how long one address may take, redirects and all.
	Patience = 10 * time.Second
	// MaxHops is how many redirects are followed.
	MaxHops = 3
	// MaxAtOnce is how many addresses are read at one time; others wait.
	MaxAtOnce = 4

	maxAddress = 2048
	maxHeaders = 32 << 10
)

// Media types that a badge or what it points at may come as.
var (
	documents = []string{
		"application/json", "application/ld+json", "text/json", "application/vc", "application/vc+ld+json", "application/did", "application/did+json",
		"application/did+ld+json", "application/jwt", "application/vc+jwt", "application/vc-ld+jwt", "application/jose", "application/jwk+json",
		"application/jwk-set+json", "application/x-pem-file", "application/pem-certificate-chain", "text/plain",
	}
	images = []string{"image/png", "image/svg+xml"}
)

// Config says how a Client reads.
type Config struct {
	// Offline reads nothing at all: every Get fails.
	Offline bool

	// What tests replace; the zero values are what a node uses.
	roots    *x509.CertPool               // whose certificates count; nil is the system's
	permit   func(a netip.AddrPort) bool  // where may be dialled; nil is Public
	resolve  func(hostport string) string // where a name leads; nil asks the system
	patience time.Duration                // zero is Patience
}

// Client reads addresses. Its methods are safe for concurrent use.
type Client struct {
	config Config
	http   *http.Client
	slots  chan struct{}
}

// New returns a client. It starts nothing and keeps no connection.
func New(config Config) *Client {
	if config.patience == 0 {
		config.patience = Patience
	}
	if config.permit == nil {
		config.permit = func(a netip.AddrPort) bool { return Public(a.Addr()) }
	}
	c := &Client{config: config, slots: make(chan struct{}, MaxAtOnce)}
	c.http = &http.Client{
		// No jar, no proxy of the environment, no connection kept: nothing of
		// one answer reaches the next question.
		Transport: &http.Transport{
			Proxy: nil, DialContext: c.dial, DisableKeepAlives: true, DisableCompression: true, MaxResponseHeaderBytes: maxHeaders,
			TLSClientConfig: &tls.Config{RootCAs: config.roots, MinVersion: tls.VersionTLS12},
		},
		CheckRedirect: c.redirect,
	}
	return c
}

// Page is what stands at an address.
type Page struct {
	Bytes []byte
	// Image says that it came as an image, which may be larger.
	Image bool
	// Hosts are the other hosts the address led through, the last of which
	// answered. It is empty when the host of the address answered itself.
	Hosts []string
}

// Get reads an https address. It fails with foreign.ErrGone when the address
// says that its document is gone, and with *Error otherwise; the error of a ctx
// that ended comes as it is.
func (c *Client) Get(ctx context.Context, address string) (Page, error) {
	if c.config.Offline {
		return Page{}, &Error{address, Offline, ""}
	}
	if err := check(address); err != nil {
		return Page{}, err
	}
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return Page{}, ctx.Err()
	}
	within, cancel := context.WithTimeout(ctx, c.config.patience)
	defer cancel()
	page, err := c.get(within, address)
	var told *Error
	switch {
	case err == nil, errors.Is(err, foreign.ErrGone):
		return page, err
	case ctx.Err() != nil:
		return Page{}, ctx.Err()
	case errors.As(err, &told):
		return Page{}, &Error{address, told.Fault, told.Detail}
	case within.Err() != nil:
		return Page{}, &Error{address, TooSlow, ""}
	}
	return Page{}, &Error{address, Unreachable, cause(err)}
}

func (c *Client) get(ctx context.Context, address string) (Page, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return Page{}, &Error{Fault: BadAddress}
	}
	request.Header = http.Header{
		"Accept":     {"application/vc, application/ld+json, application/json, image/png, image/svg+xml;q=0.9, text/plain;q=0.5"},
		"User-Agent": {"essaim"}, "Accept-Encoding": {"identity"},
	}
	answer, err := c.http.Do(request)
	if err != nil {
		return Page{}, err
	}
	defer answer.Body.Close()
	switch {
	case answer.StatusCode == http.StatusGone:
		return Page{}, fmt.Errorf("%.80q: %w", address, foreign.ErrGone)
	case answer.StatusCode != http.StatusOK:
		return Page{}, &Error{Fault: Refused, Detail: fmt.Sprint(answer.StatusCode)}
	}
	if e := answer.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return Page{}, &Error{Fault: Compressed, Detail: clip(e)}
	}
	page := Page{Hosts: hostsBefore(answer.Request)}
	media, _, err := mime.ParseMediaType(answer.Header.Get("Content-Type"))
	limit := int64(foreign.MaxBytes)
	switch {
	case err == nil && slices.Contains(images, media):
		page.Image, limit = true, bake.MaxImage
	case err != nil, !slices.Contains(documents, media):
		return Page{}, &Error{Fault: WrongType, Detail: clip(answer.Header.Get("Content-Type"))}
	}
	if answer.ContentLength > limit {
		return Page{}, &Error{Fault: TooLarge, Detail: fmt.Sprint(answer.ContentLength)}
	}
	page.Bytes, err = io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err == nil {
		err = ctx.Err() // a site that notices being hung up on may end its answer in good order, cut short
	}
	if err != nil {
		return Page{}, err
	}
	if int64(len(page.Bytes)) > limit {
		return Page{}, &Error{Fault: TooLarge, Detail: fmt.Sprint(limit)}
	}
	return page, nil
}

// dial connects to what a name leads to now, whatever it led to before: the
// address is judged after it was looked up, by the system call's own argument.
func (c *Client) dial(ctx context.Context, network, hostport string) (net.Conn, error) {
	if c.config.resolve != nil {
		hostport = c.config.resolve(hostport)
	}
	d := net.Dialer{Control: func(_, address string, _ syscall.RawConn) error {
		a, err := netip.ParseAddrPort(address)
		if err != nil || !c.config.permit(a) {
			return &Error{Fault: Inside}
		}
		return nil
	}}
	return d.DialContext(ctx, network, hostport)
}

func (c *Client) redirect(next *http.Request, before []*http.Request) error {
	next.Header.Del("Referer") // which would tell the next site of this one
	if len(before) > MaxHops {
		return &Error{Fault: TooManyHops}
	}
	if check(next.URL.String()) != nil {
		return &Error{Fault: BadHop, Detail: clip(next.URL.Scheme)}
	}
	return nil
}

// check refuses what is no https address with a host alone.
func check(address string) error {
	u, err := url.Parse(address)
	switch {
	case err != nil, len(address) > maxAddress, u.Hostname() == "", u.User != nil, u.Opaque != "":
		return &Error{clip(address), BadAddress, ""}
	case u.Scheme != "https":
		return &Error{clip(address), NotSecure, clip(u.Scheme)}
	}
	return nil
}

// hostsBefore returns the hosts other than the first that requests went to,
// the last last.
func hostsBefore(last *http.Request) []string {
	var out []string
	first := last
	for r := last; r != nil; {
		out, first = append(out, strings.ToLower(r.URL.Host)), r
		if r.Response == nil {
			break
		}
		r = r.Response.Request
	}
	slices.Reverse(out)
	out = slices.Compact(out)
	if out[0] == strings.ToLower(first.URL.Host) {
		out = out[1:]
	}
	return slices.Clip(out)
}

// cause is the innermost of an error of the network, which names the system's
// reason and repeats no address.
func cause(err error) string {
	for inner := err; inner != nil; inner = errors.Unwrap(inner) {
		err = inner
	}
	return clip(err.Error())
}

func clip(s string) string {
	if len(s) > 80 {
		s = s[:80]
	}
	return strings.ToValidUTF8(s, "?")
}
