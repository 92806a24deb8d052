package foreign

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// ErrGone is what Fetch returns when an address answers that its document is
// gone (HTTP 410): the way a host takes a badge back.
var ErrGone = errors.New("gone")

// errNotAtHand is returned by Get without a document and without a fault of
// the badge.
var errNotAtHand = errors.New("not at hand")

// maxFetches bounds the documents one verdict may ask for: an assertion, its
// class, issuer, key and list, twice over; one more leads to a badge that came
// as an address.
const maxFetches = 11

// Documents hands out what badges point at, each address once.
type Documents struct {
	fetch func(string) ([]byte, error)
	got   map[string]Document
	err   map[string]error
	calls int
	v     *Verdict
}

// NewDocuments returns the documents of one inquiry. What is not at hand is
// written into v.Wanted.
func NewDocuments(in Inquiry, v *Verdict) *Documents {
	return &Documents{fetch: in.Fetch, got: map[string]Document{}, err: map[string]error{}, v: v}
}

// Get returns the JSON document at an address, its fragment left out. The
// error is ErrGone, a fault of Parse, or that the document is not at hand,
// which Absent tells.
func (d *Documents) Get(address string) (Document, error) {
	address, _, _ = strings.Cut(address, "#")
	if got, ok := d.got[address]; ok {
		return got, nil
	}
	if err, ok := d.err[address]; ok {
		return Document{}, err
	}
	got, err := d.read(address)
	if err != nil {
		d.err[address] = err
		return got, err
	}
	d.got[address] = got
	return got, nil
}

func (d *Documents) read(address string) (Document, error) {
	raw, err := d.Bytes(address)
	if err != nil {
		return Document{}, err
	}
	return Parse(raw)
}

// Bytes returns what stands at an address, whatever it is. It does not
// remember it.
func (d *Documents) Bytes(address string) ([]byte, error) {
	if !IsWeb(address) {
		return nil, fmt.Errorf("%.80q: %w", address, errNotAtHand)
	}
	if d.fetch == nil || d.calls == maxFetches {
		d.want(address)
		return nil, fmt.Errorf("%.80q: %w", address, errNotAtHand)
	}
	d.calls++
	raw, err := d.fetch(address)
	switch {
	case errors.Is(err, ErrGone):
		return nil, err
	case err != nil:
		d.want(address)
		return nil, fmt.Errorf("%.80q: %w: %w", address, errNotAtHand, err)
	case len(raw) > MaxBytes:
		return nil, fmt.Errorf("%.80q: %d bytes: %w", address, len(raw), ErrTooLarge)
	}
	return raw, nil
}

func (d *Documents) want(address string) {
	if !slices.Contains(d.v.Wanted, address) {
		d.v.Wanted = append(d.v.Wanted, address)
	}
}

// Absent reports whether err means that a document was not at hand, which says
// nothing about the badge.
func Absent(err error) bool { return errors.Is(err, errNotAtHand) }

// IsWeb reports whether s is an http or https address with a host and without
// a user.
func IsWeb(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Hostname() != "" && u.User == nil && len(s) <= 2048
}

// Origin returns the host of an address, with its port when it has one, in
// lower case, or "".
func Origin(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}
