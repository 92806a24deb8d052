package node

import (
	"errors"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

// Finding is one thing a doctor looks at.
type Finding struct {
	Name   string // folder, clock, keys, network, peers, reach, held, missing, gossip, stop
	Result string // Healthy, Doubtful or Ill
	Detail string // what was found
	Hint   string // what to do; "" when healthy
}

// The results of a Finding.
const (
	Healthy  = "ok"
	Doubtful = "warn"
	Ill      = "fail"
)

// Diagnose looks at everything that commonly goes wrong, and says of each what
// it found and what to do. It writes one row to see that the disk takes it.
func (n *Node) Diagnose() ([]Finding, error) {
	report, err := n.Report()
	if err != nil {
		return nil, err
	}
	clock, err := n.checkClock(report.Community)
	if err != nil {
		return nil, err
	}
	findings := []Finding{n.checkFolder(report.Store), clock, n.checkKeys()}
	findings = append(findings, checkNetwork(report)...)
	if report.Held > 0 {
		findings = append(findings, Finding{
			"held", Doubtful,
			fmt.Sprintf("%d records wait for their time: they are dated in the future", report.Held),
			"check the clock of this computer; if it is right, a neighbour's is not",
		})
	} else {
		findings = append(findings, Finding{"held", Healthy, "no record waits for its time", ""})
	}
	if report.Store.Missing > 0 {
		findings = append(findings, Finding{
			"missing", Doubtful,
			fmt.Sprintf("%d records are named here and have not come", report.Store.Missing),
			"connect to the community that published them, or wait: the node asks everyone it meets",
		})
	} else {
		findings = append(findings, Finding{"missing", Healthy, "every record that is named is here", ""})
	}
	if n.store.CleanStart() {
		findings = append(findings, Finding{"stop", Healthy, "the last stop was clean", ""})
	} else {
		findings = append(findings, Finding{
			"stop", Doubtful,
			"the last stop was not clean, as after a power cut; the store checked itself and is sound",
			"nothing to do; if it comes back often, look at the power supply",
		})
	}
	return findings, nil
}

// checkFolder writes the way an accepted record is written.
func (n *Node) checkFolder(stats store.Stats) Finding {
	err := n.self.Put([]byte("doctor"), []byte(badge.FormatTime(n.now())))
	switch {
	case errors.Is(err, store.ErrReadOnly):
		return Finding{"folder", Ill, err.Error(), "free some disk space; the node goes on by itself"}
	case err != nil:
		return Finding{"folder", Ill, err.Error(), "check the disk and who owns the folder"}
	}
	return Finding{"folder", Healthy, fmt.Sprintf("the disk takes what is written; the records take %d MB", stats.Bytes>>20), ""}
}

// checkClock compares the clock with the earliest date of any record and with
// what this community signed last.
func (n *Node) checkClock(c Community) (Finding, error) {
	const hint = "set the date of this computer before signing anything"
	now := n.now()
	if now.Before(protocol.Genesis) {
		return Finding{"clock", Ill, "it says " + badge.FormatTime(now) + ", before any record was ever made", hint}, nil
	}
	if c.DID == "" {
		return Finding{"clock", Healthy, "it says " + badge.FormatTime(now), ""}, nil
	}
	for e, err := range n.store.Find(store.Query{Author: c.DID, Newest: true, Limit: 1}) {
		if err != nil {
			return Finding{}, err
		}
		if now.Before(e.Created.Add(-time.Second)) {
			return Finding{"clock", Ill, fmt.Sprintf("it says %s, but this community signed something on %s",
				badge.FormatTime(now), badge.FormatTime(e.Created)), hint}, nil
		}
	}
	return Finding{"clock", Healthy, "it says " + badge.FormatTime(now), ""}, nil
}

func (n *Node) checkKeys() Finding {
	if _, err := n.Community(); errors.Is(err, ErrNoCommunity) {
		return Finding{"keys", Doubtful, "no community is set up in this folder", "run: essaim setup"}
	} else if err != nil {
		return Finding{"keys", Ill, err.Error(), "restore the data folder from a backup"}
	}
	keys, err := n.Keys()
	if err != nil {
		return Finding{"keys", Ill, err.Error(), "restore the data folder from a backup"}
	}
	if keys.Locked() {
		return Finding{"keys", Doubtful, "the keys are locked: nothing can be signed", "give the passphrase to the next command that signs"}
	}
	members, err := keys.Members()
	if err != nil {
		return Finding{"keys", Ill, err.Error(), "put the folder of the keys back from a backup"}
	}
	return Finding{"keys", Healthy, fmt.Sprintf("open; %d members have their key here", len(members)), ""}
}

func checkNetwork(r Report) []Finding {
	if !r.Network {
		return []Finding{{"network", Doubtful, "this node is not on the network", "start it: essaim serve"}}
	}
	out := []Finding{{"network", Healthy, fmt.Sprintf("it listens on %d addresses", len(r.Addrs)), ""}}
	if len(r.Addrs) == 0 {
		out[0] = Finding{"network", Ill, "it listens on no address", "check network.port in essaim.toml, and whether another program has the port"}
	}
	if r.Connected > 0 {
		out = append(out, Finding{"peers", Healthy, fmt.Sprintf("%d peers are connected", r.Connected), ""})
	} else {
		out = append(out, Finding{"peers", Doubtful, "no peer is connected", "link one: essaim peer invite here, and over there essaim peer join CODE"})
	}
	if r.Reach.Outside != "" {
		out = append(out, checkReach(r))
	}
	if r.Gossip.Dropped > 0 {
		out = append(out, Finding{
			"gossip", Doubtful, fmt.Sprintf("%d messages were dropped since the start", r.Gossip.Dropped),
			"nothing to do unless it grows: this computer or its link is slow",
		})
	} else {
		out = append(out, Finding{"gossip", Healthy, "no message was dropped since the start", ""})
	}
	return out
}

// checkReach says whether nodes elsewhere reach this one.
func checkReach(r Report) Finding {
	switch relays := len(r.Reach.Relays); {
	case r.Reach.Outside == Public && len(r.Reach.Proven) > 0:
		return Finding{"reach", Healthy, fmt.Sprintf("nodes elsewhere reach it, at %d addresses", len(r.Reach.Proven)), ""}
	case r.Reach.Outside == Public:
		return Finding{"reach", Healthy, "nodes elsewhere reach it, as its settings say", ""}
	case relays > 0:
		return Finding{"reach", Healthy, fmt.Sprintf("nodes elsewhere reach it through %d relays", relays), ""}
	case r.Reach.Outside == Hidden:
		return Finding{
			"reach", Doubtful, "nodes elsewhere do not reach it: they hear from it only when it calls them",
			fmt.Sprintf("let TCP and UDP port %d in to this computer, in the settings of the router and of the firewall, or allow UPnP there; or add a node that is reachable, which will relay", r.Port),
		}
	}
	return Finding{"reach", Healthy, "it is not known yet whether nodes elsewhere reach it: connected nodes find out", ""}
}
