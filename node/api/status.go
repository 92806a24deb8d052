package api

import (
	"context"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
)

// Status is the state of the node.
type Status struct {
	Schema     string         `json:"schema"`
	Version    string         `json:"version"`
	Community  *Community     `json:"community,omitempty" doc:"absent before setup"`
	Locked     bool           `json:"locked" doc:"the keys need their passphrase"`
	Network    bool           `json:"network"`
	Peer       string         `json:"peer,omitempty" doc:"this node's id as a peer"`
	Addrs      []string       `json:"addrs" doc:"where others can dial"`
	Connected  int            `json:"connected" doc:"peers"`
	Followed   []Territory    `json:"followed"`
	Held       int            `json:"held" doc:"records that wait for their time"`
	Gossip     Gossip         `json:"gossip"`
	Sync       Sync           `json:"sync"`
	Reach      Reach          `json:"reach" doc:"how nodes elsewhere reach this one"`
	Records    map[string]int `json:"records" doc:"by kind"`
	Total      int            `json:"total" doc:"records of all kinds"`
	Erased     int            `json:"erased"`
	Missing    int            `json:"missing" doc:"named by records here, and not here"`
	Identities int            `json:"identities"`
	Bytes      int64          `json:"bytes" doc:"on disk"`
	ReadOnly   bool           `json:"readOnly" doc:"the disk is nearly full"`
	Trust      TrustState     `json:"trust"`
	At         time.Time      `json:"at"`
}

// Reach is how nodes elsewhere reach this one.
type Reach struct {
	Outside string    `json:"outside" enum:"public,hidden,unknown,off" doc:"whether they do; off: the node does not look"`
	Since   time.Time `json:"since"`
	Proven  []string  `json:"proven" doc:"addresses at which others reached it"`
	Relays  []string  `json:"relays" doc:"nodes that relay for it"`
	Meeting int       `json:"meeting" doc:"nodes of the DHT it knows"`
	Relay   Relay     `json:"relay" doc:"what it does for others"`
}

// Relay is what a node does for those that are not reached.
type Relay struct {
	On           bool  `json:"on"`
	Reservations int   `json:"reservations" doc:"nodes that are reached through it"`
	Connections  int   `json:"connections" doc:"that go through it"`
	Bytes        int64 `json:"bytes" doc:"passed on since the start"`
}

// Gossip counts messages since the node started.
type Gossip struct {
	Received   uint64 `json:"received"`
	Rejected   uint64 `json:"rejected"`
	Ignored    uint64 `json:"ignored"`
	Duplicates uint64 `json:"duplicates"`
	Sent       uint64 `json:"sent"`
	Dropped    uint64 `json:"dropped"`
}

// Sync is what came of comparing sets with peers since the node started.
type Sync struct {
	Conversations int       `json:"conversations"`
	Failed        int       `json:"failed" doc:"conversations that were cut short"`
	Active        int       `json:"active" doc:"conversations that go on"`
	Received      int       `json:"received" doc:"records that were new here"`
	Sent          int       `json:"sent" doc:"records"`
	BytesReceived int       `json:"bytesReceived" doc:"of records, compressed"`
	BytesSent     int       `json:"bytesSent" doc:"of records, compressed"`
	Territories   []Holding `json:"territories" doc:"those followed"`
}

// Holding is what the node holds of a territory, and the last comparison of it.
type Holding struct {
	Territory Territory `json:"territory"`
	Count     int       `json:"count" doc:"records, erased ones too"`
	Root      string    `json:"root" example:"1f0c5a9e2b7d4c38" doc:"two nodes that show the same hold the same"`
	With      string    `json:"with,omitempty" doc:"the peer; absent when there was no comparison since the start"`
	Compared  time.Time `json:"compared,omitzero"`
	Short     bool      `json:"short,omitempty" doc:"less came than was promised: other peers are asked"`
}

// Doctor is what was looked at, and what to do about it.
type Doctor struct {
	Schema string    `json:"schema"`
	Result string    `json:"result" enum:"ok,warn,fail" doc:"the worst of the checks"`
	Checks []Finding `json:"checks"`
}

// Finding is one thing the doctor looked at.
type Finding struct {
	Name   string `json:"name" example:"clock"`
	Result string `json:"result" enum:"ok,warn,fail"`
	Detail string `json:"detail"`
	Hint   string `json:"hint,omitempty" doc:"what to do"`
}

func (s *Server) registerStatus() {
	register(s, read, get("status", "/status", "The state of the node"), s.status)
	register(s, read, get("doctor", "/doctor", "Look for what commonly goes wrong"), s.doctor)
}

func (s *Server) status(context.Context, *struct{}) (*Body[Status], error) {
	r, err := s.config.Node.Report()
	if err != nil {
		return nil, err
	}
	followed, err := s.named(r.Followed)
	if err != nil {
		return nil, err
	}
	out := Status{
		Schema: "essaim.status/1", Version: s.config.Version, Locked: r.Locked, Network: r.Network,
		Addrs: append([]string{}, r.Addrs...), Connected: r.Connected, Followed: followed, Held: r.Held,
		Gossip: Gossip{
			r.Gossip.Received, r.Gossip.Rejected, r.Gossip.Ignored, r.Gossip.Duplicates, r.Gossip.Sent, r.Gossip.Dropped,
		},
		Records: byKind(r.Store.Records), Total: r.Store.Total, Erased: r.Store.Erased, Missing: r.Store.Missing,
		Identities: r.Store.Identities, Bytes: r.Store.Bytes, ReadOnly: r.Store.ReadOnly, Trust: s.trustState(), At: r.At,
	}
	out.Sync, out.Reach = syncState(r.Sync, followed), reachState(r.Reach)
	if r.Network {
		out.Peer = r.Peer.String()
	}
	if r.Community.DID != "" {
		c, err := s.community(r.Community)
		if err != nil {
			return nil, err
		}
		out.Community = &c
	}
	return body(out), nil
}

func reachState(r node.ReachReport) Reach {
	out := Reach{
		Outside: string(r.Outside), Since: r.Since, Proven: append([]string{}, r.Proven...), Relays: []string{}, Meeting: r.Meeting,
		Relay: Relay{r.Relaying.On, r.Relaying.Reservations, r.Relaying.Connections, r.Relaying.Bytes},
	}
	if r.Outside == "" {
		out.Outside = "off"
	}
	for _, id := range r.Relays {
		out.Relays = append(out.Relays, id.String())
	}
	return out
}

// syncState names the territories of a report; followed are the same, in order.
func syncState(r node.SyncReport, followed []Territory) Sync {
	out := Sync{
		Conversations: r.Conversations, Failed: r.Failed, Active: r.Active, Received: r.Received, Sent: r.Sent,
		BytesReceived: r.BytesReceived, BytesSent: r.BytesSent, Territories: []Holding{},
	}
	for i, t := range r.Territories {
		h := Holding{Territory: followed[i], Count: t.Count, Root: t.Root, Compared: t.Last.At, Short: t.Last.Short}
		if t.Last.With != "" {
			h.With = t.Last.With.String()
		}
		out.Territories = append(out.Territories, h)
	}
	return out
}

func byKind(counts map[protocol.Kind]int) map[string]int {
	out := map[string]int{}
	for k, n := range counts {
		out[k.String()] = n
	}
	return out
}

func (s *Server) doctor(context.Context, *struct{}) (*Body[Doctor], error) {
	findings, err := s.config.Node.Diagnose()
	if err != nil {
		return nil, err
	}
	out := Doctor{Schema: "essaim.doctor/1", Result: node.Healthy}
	for _, f := range findings {
		out.Checks = append(out.Checks, Finding(f))
		if f.Result == node.Ill || f.Result == node.Doubtful && out.Result == node.Healthy {
			out.Result = f.Result
		}
	}
	return body(out), nil
}
