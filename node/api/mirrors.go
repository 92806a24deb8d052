package api

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Mirror is a territory of which this node keeps all, or some classes, and how that
// stands beside the neighbours connected now.
type Mirror struct {
	Territory Territory `json:"territory"`
	Children  bool      `json:"children" doc:"with all that the tables have within it"`
	Scope     []string  `json:"scope,omitempty" doc:"what alone is kept, with statuses; absent for all records" example:"skill:soudure"`
	LeftOut   int       `json:"leftOut,omitempty" doc:"classes that speak of a skill of the scope and are not kept: there are too many"`
	Since     time.Time `json:"since"`
	Verdict   string    `json:"verdict" enum:"complete,differs,unconfirmed,stopped" doc:"complete: every connected neighbour that keeps any of it had the same; unconfirmed: none keeps any, or what differed was not compared again; stopped: the node is not on the network"`
	At        time.Time `json:"at,omitzero" doc:"of the oldest comparison that the verdict is from"`
	Records   int       `json:"records" doc:"erased ones too, but of classes; one of several of the territories counts in each"`
	Received  int       `json:"received" doc:"records that synchronisation brought since the start"`
	Bytes     int       `json:"bytes" doc:"of these, compressed"`
	Coming    int       `json:"coming" doc:"records that neighbours are sending"`
	ReadOnly  bool      `json:"readOnly,omitzero" doc:"the disk is nearly full: nothing is received"`
	MaxSize   int64     `json:"maxSize,omitempty" doc:"how many bytes of records it may come to; absent without a bound"`
	Size      int64     `json:"size,omitempty" doc:"of a bounded mirror: bytes of records, statuses and successions aside"`
	Full      bool      `json:"full,omitzero" doc:"it has come to its bound: no record is taken but statuses and successions"`
	Missing   int       `json:"missing" doc:"records which the neighbour that has most had, and are not here"`
	// Alone is how many of the territories no connected neighbour keeps; in a
	// partial mirror, how many of the classes.
	Alone       int               `json:"alone"`
	Territories []Mirrored        `json:"territories"`
	Classes     []MirroredClass   `json:"classes,omitempty" doc:"what a partial mirror keeps"`
	Neighbours  []MirrorNeighbour `json:"neighbours" doc:"connected now"`
}

// Partial reports whether only some classes are kept.
func (m Mirror) Partial() bool { return len(m.Scope) > 0 }

// Skills are the words of the scope, and how many classes are kept by it.
func (m Mirror) Skills() (words []string, classes int) {
	for _, x := range m.Scope {
		if word, ok := strings.CutPrefix(x, "skill:"); ok {
			words = append(words, word)
		}
	}
	kept := map[string]bool{}
	for _, c := range m.Classes {
		if c.Class != "" {
			kept[c.Class] = true
		}
	}
	return words, len(kept)
}

// Mirrored is one territory of a mirror.
type Mirrored struct {
	Territory
	Records     int           `json:"records" doc:"erased ones too"`
	Fingerprint string        `json:"fingerprint,omitempty" doc:"for people who compare two nodes by eye; absent while the node is not on the network"`
	Against     []Comparisons `json:"against" doc:"the last comparison with each connected neighbour"`
}

// MirroredClass is one class of a partial mirror in one of its territories.
type MirroredClass struct {
	Class     string        `json:"class,omitempty" doc:"absent for the list of all classes, without awards, by which skills are found"`
	Territory string        `json:"territory"`
	Records   int           `json:"records" doc:"its own and awards; erased ones are of no class"`
	Against   []Comparisons `json:"against" doc:"the last comparison with each connected neighbour"`
}

// Comparisons is what came of comparing a territory with a neighbour.
type Comparisons struct {
	Peer    string    `json:"peer"`
	At      time.Time `json:"at"`
	Keeps   bool      `json:"keeps" doc:"the neighbour keeps the territory, or the class of it"`
	Same    bool      `json:"same" doc:"nothing differed, by the salted fingerprints of both sides"`
	Missing int       `json:"missing" doc:"records it had which are not here"`
	Lacking int       `json:"lacking" doc:"records here which it had not"`
}

// MirrorNeighbour is a connected neighbour and what differs from it in all of a
// mirror.
type MirrorNeighbour struct {
	Peer    string    `json:"peer"`
	At      time.Time `json:"at,omitzero" doc:"of the oldest comparison; absent when there was none"`
	Keeps   int       `json:"keeps" doc:"how many of the territories it keeps, or of the classes"`
	Same    bool      `json:"same"`
	Missing int       `json:"missing" doc:"records it had which are not here"`
	Lacking int       `json:"lacking" doc:"records here which it had not"`
	Failed  bool      `json:"failed,omitzero" doc:"it could not be compared with just now"`
}

// MirrorDetail is one mirror.
type MirrorDetail struct {
	Schema string `json:"schema"`
	Mirror
}

// MirrorList is all mirrors.
type MirrorList struct {
	Schema  string   `json:"schema"`
	Mirrors []Mirror `json:"mirrors"`
}

// MirrorRequest says what to mirror.
type MirrorRequest struct {
	Children bool     `json:"children,omitempty" doc:"with all that the tables have within it"`
	Scope    []string `json:"scope,omitempty" doc:"keep only these, with all statuses: class:CID or skill:WORD each; a skill stands for all classes that speak of it, as they come" example:"skill:soudure"`
	MaxSize  int64    `json:"maxSize,omitempty" minimum:"0" doc:"stop taking records at so many bytes, statuses and successions aside; absent for no bound"`
}

// choice reads what of a territory is to be mirrored.
func (r MirrorRequest) choice() (c node.MirrorChoice, err error) {
	c.Children, c.MaxSize = r.Children, r.MaxSize
	for _, x := range r.Scope {
		if word, ok := strings.CutPrefix(x, "skill:"); ok {
			c.Skills = append(c.Skills, word)
			continue
		}
		name, ok := strings.CutPrefix(x, "class:")
		if !ok {
			return c, &badge.Invalid{Member: strconv.Quote(x), Why: "is no scope: it is class: and the CID of a class, or skill: and a word"}
		}
		class, err := badge.ParseCID(name)
		if err != nil {
			return c, err
		}
		c.Classes = append(c.Classes, class)
	}
	return c, nil
}

func (s *Server) registerMirrors() {
	register(s, read, get("list-mirrors", "/mirrors", "Mirrors of this node, by their last comparisons"), s.listMirrors)
	register(s, read, get("get-mirror", "/mirrors/{id}", "One mirror, by its last comparisons"), s.getMirror)
	register(s, write, put("add-mirror", "/mirrors/{id}", "Keep all records of a territory, or some classes; with its children or not"), s.addMirror)
	register(s, write, remove("remove-mirror", "/mirrors/{id}", "End a mirror; what was received stays"), s.removeMirror)
	register(s, read, post("compare-mirror", "/mirrors/{id}/compare", "Compare with every connected neighbour now, and take what is missing"), s.compareMirror)
}

func (s *Server) listMirrors(context.Context, *struct{}) (*Body[MirrorList], error) {
	all, err := s.config.Node.Mirrors()
	if err != nil {
		return nil, err
	}
	out := MirrorList{"essaim.mirrors/1", []Mirror{}}
	for _, m := range all {
		r, err := s.config.Node.MirrorReport(m.ID)
		if err != nil {
			return nil, err
		}
		v, err := s.mirror(r)
		if err != nil {
			return nil, err
		}
		out.Mirrors = append(out.Mirrors, v)
	}
	return body(out), nil
}

func (s *Server) getMirror(_ context.Context, in *territoryParam) (*Body[MirrorDetail], error) {
	return s.mirrorDetail(s.config.Node.MirrorReport(territory.ID(in.ID)))
}

type mirrorInput struct {
	ID   string `path:"id" doc:"id of a territory" example:"iso:FR-29"`
	Body MirrorRequest
}

func (s *Server) addMirror(_ context.Context, in *mirrorInput) (*Body[MirrorDetail], error) {
	id := territory.ID(in.ID)
	choice, err := in.Body.choice()
	if err != nil {
		return nil, err
	}
	if _, err := s.config.Node.AddMirror(id, choice); err != nil {
		return nil, err
	}
	return s.mirrorDetail(s.config.Node.MirrorReport(id))
}

func (s *Server) removeMirror(ctx context.Context, in *territoryParam) (*Body[MirrorList], error) {
	if err := s.config.Node.RemoveMirror(territory.ID(in.ID)); err != nil {
		return nil, err
	}
	return s.listMirrors(ctx, nil)
}

func (s *Server) compareMirror(ctx context.Context, in *territoryParam) (*Body[MirrorDetail], error) {
	return s.mirrorDetail(s.config.Node.CompareMirror(ctx, territory.ID(in.ID)))
}

func (s *Server) mirrorDetail(r node.MirrorReport, err error) (*Body[MirrorDetail], error) {
	if err != nil {
		return nil, err
	}
	m, err := s.mirror(r)
	if err != nil {
		return nil, err
	}
	return body(MirrorDetail{"essaim.mirror/1", m}), nil
}

func (s *Server) mirror(r node.MirrorReport) (Mirror, error) {
	names, err := s.named(r.Mirror.Territories)
	if err != nil {
		return Mirror{}, err
	}
	out := Mirror{
		Territory: names[0], Children: r.Children, Since: r.Since, Verdict: string(r.Verdict), At: r.At,
		Records: r.Records, Received: r.Received, Bytes: r.BytesReceived, Coming: r.Coming, ReadOnly: r.ReadOnly,
		LeftOut: r.LeftOut, MaxSize: r.MaxSize, Size: r.Size, Full: r.Full, Missing: r.Missing,
		Territories: []Mirrored{}, Neighbours: []MirrorNeighbour{},
	}
	for _, c := range r.Mirror.Classes {
		out.Scope = append(out.Scope, "class:"+c.String())
	}
	for _, word := range r.Skills {
		out.Scope = append(out.Scope, "skill:"+word)
	}
	for i, t := range r.Territories {
		v := Mirrored{Territory: names[i], Records: t.Count, Fingerprint: t.Root}
		v.Against = comparisons(t.Against)
		out.Territories = append(out.Territories, v)
		if len(out.Scope) == 0 && alone(t.Against) {
			out.Alone++
		}
	}
	for _, c := range r.Classes {
		name := ""
		if c.Class.Defined() {
			name = c.Class.String()
		}
		out.Classes = append(out.Classes, MirroredClass{name, string(c.Territory), c.Count, comparisons(c.Against)})
		if alone(c.Against) {
			out.Alone++
		}
	}
	for _, x := range r.Neighbours {
		out.Neighbours = append(out.Neighbours, MirrorNeighbour{x.Peer.String(), x.At, x.Keeps, x.Same, x.Missing, x.Lacking, x.Err != nil})
	}
	return out, nil
}

func comparisons(all []node.Against) []Comparisons {
	out := []Comparisons{}
	for _, a := range all {
		out = append(out, Comparisons{a.Peer.String(), a.At, a.Follows, a.Same, a.Missing, a.Lacking})
	}
	return out
}

// alone reports whether no connected neighbour keeps something.
func alone(all []node.Against) bool {
	return !slices.ContainsFunc(all, func(a node.Against) bool { return a.Follows })
}
