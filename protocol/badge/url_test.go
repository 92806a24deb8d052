package badge

import (
	"net/url"
	"strings"
	"testing"
)

func TestURL(t *testing.T) {
	for _, s := range []string{
		"http://a", "https://a", "https://a/", "https://a.example", "https://a.example:8443", "https://a.example?q=1", "https://a.example#x",
		"https://xn--caf-dma.example/%C3%A9", "https://127.0.0.1:8797/x", "https://a_b.example/(x)?a=1&b=@;,*$!'+~",
		"http://data.europa.eu/esco/skill/45bef06d-dba9-4192-9805-2f7d27523638", "urn:uuid:00000000-0000-4000-8000-000000000000",
		"urn:isbn:9782070360024#p1", "urn:ab:c",
	} {
		if !isURL(s) {
			t.Errorf("%q is refused", s)
		}
	}
	for _, s := range []string{
		"", ":", "a", "https", "https:", "https:/", "https://", "https:///x", "https://:80", "https://?x", "https://#x", "https://a:", "https://a:123456",
		"https://a:x/", "https://a:1:2/", "https://a@b/", "https://a:b@c/", "https://[::1]/", "http://::1/", "https://a%20b/", "https://a/%", "https://a/%2",
		"https://a/%zz", "https://a/ ", "https://a/\n", "https://a/é", "https://é/", "https://a/<b>", "https://a/[b]", "https://a/#b#c", "HTTPS://a/",
		"Https://a/", " https://a/", "//a/", "/a", "a/b", "ftp://a/", "javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "mailto:a@b.example",
		"urn:", "urn:a:b", "urn:uuid", "urn:uuid:", "urn:uuid:#x", "urn:uuid:?x", "urn:é:x", "URN:uuid:x", "urn:" + strings.Repeat("a", 33) + ":b", "did:key:z6Mk",
	} {
		if isURL(s) {
			t.Errorf("%q is taken", s)
		}
	}
}

// What is taken, other libraries take as well, and for the same host.
func FuzzURL(f *testing.F) {
	for _, s := range []string{"https://a-1.example:8443/x/%C3%A9?a=1&b=(2)#c", "urn:uuid:x", "http://[::1]/", "https://a@b/"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !isURL(s) {
			return
		}
		u, err := url.Parse(s)
		if err != nil || !u.IsAbs() || u.User != nil {
			t.Fatalf("%q: net/url says %v, %v", s, u, err)
		}
		if u.Scheme != "urn" && (u.Hostname() == "" || !strings.HasPrefix(s, u.Scheme+"://"+u.Host)) {
			t.Errorf("%q: net/url says the host is %q", s, u.Host)
		}
	})
}
