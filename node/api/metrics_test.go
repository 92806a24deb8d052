package api_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node/api"
)

// A monitoring program reads, with a token, how the node and its trust graph do.
func TestMetrics(t *testing.T) {
	f := tyfab(t)
	f.laser()
	f.badge("Découpe laser", "Nadia", "Nadia")
	monitor := f.with(false)
	f.remote().get("/metrics").refused(http.StatusUnauthorized, "no_token")
	same(t, "before trust was asked for", metric(t, monitor, "essaim_trust_ready"), "0")
	behind := metric(t, monitor, "essaim_trust_arrivals_behind")
	if behind == "0" || behind == "" {
		t.Errorf("behind: got %q, want some arrivals", behind)
	}
	answered[api.AnchorList](f.admin.put("/anchors/"+unheardOf, nil))
	status := answered[api.Status](monitor.get("/status"))
	for name, want := range map[string]string{
		`essaim_build_info{version="` + version + `"}`: "1",
		`essaim_records{kind="award"}`:                 "1",
		"essaim_read_only":                             "0",
		"essaim_trust_ready":                           "1",
		"essaim_trust_arrivals_behind":                 "0",
		"essaim_trust_anchors":                         "2",
		"essaim_trust_links":                           "1",
		`essaim_gossip_messages_total{outcome="sent"}`: "0",
	} {
		same(t, name, metric(t, monitor, name), want)
	}
	if status.Trust.Facts == 0 || metric(t, monitor, "essaim_trust_full_passes_total") == "0" {
		t.Errorf("trust: got no facts or no full pass, want both: %+v", status.Trust)
	}
}

var sampleLine = regexp.MustCompile(`^([a-z_]+)(\{[a-z]+="[^"]*"\})? [0-9.]+$`)

// metric scrapes, holds that all is in the format of OpenMetrics, and returns the
// value of one sample, "" for none.
func metric(t *testing.T, c client, name string) string {
	t.Helper()
	a := c.get("/metrics").is(http.StatusOK)
	if got := a.Header.Get("Content-Type"); !strings.HasPrefix(got, "application/openmetrics-text; version=1.0.0") {
		t.Errorf("media type: got %s", got)
	}
	text, ended := strings.CutSuffix(string(a.raw), "# EOF\n")
	if !ended {
		t.Errorf("got no end in %s", text)
	}
	kinds, found := map[string]string{}, ""
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			family, kind, _ := strings.Cut(rest, " ")
			if kinds[family] != "" {
				t.Errorf("%s is there twice", family)
			}
			kinds[family] = kind
			continue
		}
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		parts := sampleLine.FindStringSubmatch(line)
		if parts == nil {
			t.Errorf("got line %q", line)
			continue
		}
		family, total := strings.CutSuffix(parts[1], "_total")
		if (kinds[family] == "counter") != total || kinds[family] == "" {
			t.Errorf("%s is of a family of kind %q", parts[1], kinds[family])
		}
		if value, ok := strings.CutPrefix(line, name+" "); ok {
			found = value
		}
	}
	return found
}
