package demo

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// Schema names the form of Report as JSON.
const Schema = "essaim.demo/1"

// Report is what came of a demo. It is written as one JSON document.
type Report struct {
	Schema string `json:"schema"`
	Seed   uint64 `json:"seed"`
	// People are members of the three communities, all invented.
	People int          `json:"people"`
	Nodes  []NodeReport `json:"nodes"`
	// Records counts what every node holds, by kind.
	Records   map[string]int `json:"records"`
	Identical bool           `json:"identical"`
	Who       WhoReport      `json:"who"`
	Seconds   float64        `json:"seconds"` // from Start to here
	Bytes     BytesReport    `json:"bytes"`
}

// NodeReport is one node.
type NodeReport struct {
	Name          string   `json:"name"`
	Community     string   `json:"community"`
	DID           string   `json:"did"`
	Territory     string   `json:"territory"`
	TerritoryName string   `json:"territory_name"`
	Peer          string   `json:"peer"`
	Addrs         []string `json:"addrs"`
	// Dir and KeyFile are left out of a report on folders that are removed.
	Dir     string `json:"dir,omitempty"`
	KeyFile string `json:"key_file,omitempty"` // opens its keys, and stands in the open
	Records int    `json:"records"`
	Set     string `json:"set"` // the same for the same records
	// Heard counts records that came by gossip and Said those sent to a
	// neighbour, since the start; Dropped is what queues could not take.
	Heard   uint64 `json:"heard"`
	Said    uint64 `json:"said"`
	Dropped uint64 `json:"dropped"`
	Disk    int64  `json:"disk_bytes"` // of its store
}

// BytesReport is how large it is.
type BytesReport struct {
	Records int64 `json:"records"` // as signed, each counted once
	Disk    int64 `json:"disk"`    // of the three stores together
}

// WhoReport is a question and its answer.
type WhoReport struct {
	Skill       string   `json:"skill"`
	Near        string   `json:"near"`
	RadiusKm    float64  `json:"radius_km"`
	AskedAt     string   `json:"asked_at"` // whose node
	Found       int      `json:"found"`
	Classes     int      `json:"classes"`
	Territories int      `json:"territories"`
	Answers     []Answer `json:"answers"`
}

// Answer is one holder, best first.
type Answer struct {
	Award         string   `json:"award"` // CID
	Class         string   `json:"class"`
	Level         int      `json:"level"`
	Holder        string   `json:"holder"`
	HolderName    string   `json:"holder_name,omitempty"` // of who published a profile
	Issuer        string   `json:"issuer"`
	AwardedOn     string   `json:"awarded_on"` // 2025-11-22
	Km            float64  `json:"km"`         // about, to 0.1
	Territory     string   `json:"territory"`
	TerritoryName string   `json:"territory_name"`
	Endorsed      int      `json:"endorsed"`
	Endorsers     []string `json:"endorsers"` // five at most, by name, or by key for who has none
}

// The question, and the node it is put to: one that issued nothing near Brest,
// so that all it answers it has heard.
const (
	asked       = "découpe laser"
	askedNear   = "Brest"
	askedRadius = 20 // km
	askedAt     = 2  // Caen
)

// report describes the swarm, and asks. The sets are the same by now.
func (st *story) report(ctx context.Context) (Report, error) {
	if err := ctx.Err(); err != nil {
		return Report{}, err
	}
	sets, err := st.sets()
	if err != nil {
		return Report{}, err
	}
	r := Report{
		Schema: Schema, Seed: st.config.Seed, People: len(st.people), Records: map[string]int{},
		Identical: st.difference(sets) == "",
	}
	for _, d := range sets[0] {
		r.Records[d.Kind.String()]++
		if d.Stub {
			continue
		}
		raw, err := st.places[0].Node.Store().Bytes(protocol.CID(d.Digest))
		if err != nil {
			return r, err
		}
		r.Bytes.Records += int64(len(raw))
	}
	for i, p := range st.places {
		n, err := st.describe(p, sets[i])
		if err != nil {
			return r, fmt.Errorf("%s: %w", p.Name, err)
		}
		r.Nodes = append(r.Nodes, n)
		r.Bytes.Disk += n.Disk
	}
	if r.Who, err = st.ask(); err != nil {
		return r, err
	}
	r.Seconds = time.Since(st.started).Round(time.Millisecond).Seconds()
	return r, nil
}

func (st *story) describe(p *Place, set []store.Digest) (NodeReport, error) {
	now, err := p.Node.Report()
	if err != nil {
		return NodeReport{}, err
	}
	places, err := p.Node.Gazetteer()
	if err != nil {
		return NodeReport{}, err
	}
	n := NodeReport{
		Name: p.Name, Community: p.Community, DID: string(p.did), Territory: string(p.Territory), TerritoryName: places.Name(p.Territory),
		Peer: now.Peer.String(), Addrs: now.Addrs, Records: now.Store.Total, Set: nameOf(set),
		Heard: now.Gossip.Received, Said: now.Gossip.Sent, Dropped: now.Gossip.Dropped, Disk: now.Store.Bytes,
	}
	if !st.temporary || !st.config.Once {
		n.Dir, n.KeyFile = p.Dir, p.KeyFile
	}
	return n, nil
}

// ask puts the question.
func (st *story) ask() (WhoReport, error) {
	p := st.places[askedAt]
	w := WhoReport{Skill: asked, Near: askedNear, RadiusKm: askedRadius, AskedAt: p.Name, Answers: []Answer{}}
	places, err := p.Node.Gazetteer()
	if err != nil {
		return w, err
	}
	near, err := places.Find(askedNear)
	if err != nil {
		return w, err
	}
	st.tell(Event{Step: Asked, Place: p.Name, Text: fmt.Sprintf("who %q --near %s --radius %d", asked, askedNear, askedRadius)})
	found, err := p.Node.Who(node.WhoQuery{Skill: asked, Near: near, Radius: askedRadius})
	if err != nil {
		return w, err
	}
	w.Found, w.Classes, w.Territories = found.Found, found.Classes, found.Territories
	for _, a := range found.Answers {
		answer := Answer{
			Award: a.Award.CID().String(), Class: a.ClassName, Level: a.Level,
			Holder: string(a.Holder), HolderName: a.HolderName, Issuer: a.IssuerName,
			AwardedOn: a.AwardedOn.Format(time.DateOnly), Km: math.Round(a.Km*10) / 10, Territory: string(a.Territory), TerritoryName: places.Name(a.Territory),
			Endorsed: a.Endorsed, Endorsers: []string{},
		}
		for _, e := range a.Endorsers {
			name := e.Name
			if name == "" {
				name = string(e.DID)
			}
			answer.Endorsers = append(answer.Endorsers, name)
		}
		w.Answers = append(w.Answers, answer)
	}
	return w, nil
}

// export writes the examples to dir, unless that is "".
func (st *story) export(dir string) error {
	if dir == "" {
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, kind := range protocol.Kinds {
		r, ok := st.examples[kind]
		if !ok {
			return fmt.Errorf("export: the story made no %s", kind)
		}
		if err := os.WriteFile(filepath.Join(dir, kind.String()+".json"), r.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}
