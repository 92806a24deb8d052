package api

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeberg.org/essaim/essaim/node"
)

const mediaMetrics = "application/openmetrics-text; version=1.0.0; charset=utf-8"

func (s *Server) registerMetrics() {
	op := get("metrics", "/metrics", "Figures of the node for a monitoring program")
	op.Description = "The text format of OpenMetrics 1.0, as Prometheus and others read it."
	op.Responses = map[string]*huma.Response{"200": {
		Description: "Metrics", Content: map[string]*huma.MediaType{mediaMetrics: {Schema: &huma.Schema{Type: huma.TypeString}}},
	}}
	register(s, read, op, s.metrics)
}

type metricsText struct {
	ContentType string `header:"Content-Type"`
	Body        []byte
}

func (s *Server) metrics(context.Context, *struct{}) (*metricsText, error) {
	r, err := s.config.Node.Report()
	if err != nil {
		return nil, err
	}
	var m metricLines
	m.gauge("essaim_build_info", "Which version runs.", 1, "version", s.config.Version)
	m.family("essaim_records", "gauge", "Records here, by kind.")
	counts := byKind(r.Store.Records)
	for _, kind := range sorted(counts) {
		m.sample("essaim_records", float64(counts[kind]), "kind", kind)
	}
	m.gauge("essaim_records_missing", "Named by records here, and not here.", float64(r.Store.Missing))
	m.gauge("essaim_records_held", "Dated in the future, they wait for their time.", float64(r.Held))
	m.gauge("essaim_store_bytes", "Size on disk.", float64(r.Store.Bytes))
	m.gauge("essaim_read_only", "1 when the disk is nearly full.", oneIf(r.Store.ReadOnly))
	m.gauge("essaim_keys_locked", "1 when nothing can be signed before the passphrase is given.", oneIf(r.Locked))
	m.gauge("essaim_peers", "Peers that are connected.", float64(r.Connected))
	m.family("essaim_gossip_messages", "counter", "Messages since the start, by what became of them.")
	for _, x := range []struct {
		outcome string
		count   uint64
	}{
		{"received", r.Gossip.Received},
		{"rejected", r.Gossip.Rejected},
		{"ignored", r.Gossip.Ignored},
		{"duplicate", r.Gossip.Duplicates},
		{"sent", r.Gossip.Sent},
		{"dropped", r.Gossip.Dropped},
	} {
		m.sample("essaim_gossip_messages_total", float64(x.count), "outcome", x.outcome)
	}
	m.counter("essaim_sync_conversations", "Comparisons with peers since the start.", float64(r.Sync.Conversations))
	m.counter("essaim_sync_failures", "Comparisons that were cut short.", float64(r.Sync.Failed))
	m.family("essaim_sync_records", "counter", "Records that synchronisation brought here or elsewhere.")
	m.sample("essaim_sync_records_total", float64(r.Sync.Received), "direction", "received")
	m.sample("essaim_sync_records_total", float64(r.Sync.Sent), "direction", "sent")
	m.family("essaim_sync_compared_timestamp_seconds", "gauge", "When a territory was last compared with a peer since the start.")
	for _, t := range r.Sync.Territories {
		if !t.Last.At.IsZero() {
			m.sample("essaim_sync_compared_timestamp_seconds", float64(t.Last.At.Unix()), "territory", string(t.ID))
		}
	}
	m.trust(s.config.Node.TrustFigures())
	return &metricsText{ContentType: mediaMetrics, Body: []byte(m.String() + "# EOF\n")}, nil
}

// trust writes how far the trust graph is, and what it costs.
func (m *metricLines) trust(t node.TrustReport) {
	m.gauge("essaim_trust_ready", "1 once all that was stored is in the trust graph.", oneIf(t.Ready))
	m.gauge("essaim_trust_arrivals_behind", "Arrivals that are not in the trust graph yet.", float64(t.Last-min(t.Read, t.Last)))
	if !t.Ready {
		return
	}
	m.gauge("essaim_trust_arrival", "The last arrival in the trust graph.", float64(t.Read))
	m.gauge("essaim_trust_facts", "What records say of trust.", float64(t.Size.Facts))
	m.gauge("essaim_trust_keys", "Identities' keys that say something or are named.", float64(t.Size.Keys))
	m.gauge("essaim_trust_links", "Endorsements and awards that count today.", float64(t.Size.Links))
	m.gauge("essaim_trust_anchors", "Anchors, those of lists included.", float64(t.Anchors))
	m.gauge("essaim_trust_build_seconds", "How long the trust graph took to be built at this start.", t.Built.Seconds())
	m.counter("essaim_trust_full_passes", "How often all figures were counted anew.", float64(t.Passes))
	if !t.Passed.IsZero() {
		m.gauge("essaim_trust_full_pass_timestamp_seconds", "When that was noticed last.", float64(t.Passed.Truncate(time.Second).Unix()))
	}
}

// metricLines writes the text format of OpenMetrics.
type metricLines struct{ strings.Builder }

func (m *metricLines) family(name, kind, help string) {
	fmt.Fprintf(m, "# TYPE %s %s\n# HELP %s %s\n", name, kind, name, help)
}

// sample writes one line; labels are names and values in turn.
func (m *metricLines) sample(name string, value float64, labels ...string) {
	var pairs []string
	for i := 0; i+1 < len(labels); i += 2 {
		quoted := strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(labels[i+1])
		pairs = append(pairs, fmt.Sprintf(`%s="%s"`, labels[i], quoted))
	}
	if len(pairs) > 0 {
		name += "{" + strings.Join(pairs, ",") + "}"
	}
	fmt.Fprintf(m, "%s %s\n", name, strconv.FormatFloat(value, 'f', -1, 64))
}

func (m *metricLines) gauge(name, help string, value float64, labels ...string) {
	m.family(name, "gauge", help)
	m.sample(name, value, labels...)
}

func (m *metricLines) counter(name, help string, value float64) {
	m.family(name, "counter", help)
	m.sample(name+"_total", value)
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

func sorted(counts map[string]int) []string {
	names := make([]string, 0, len(counts))
	for name := range counts {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
