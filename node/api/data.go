package api

import (
	"bufio"
	"context"
	"errors"
	"reflect"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// ExportLine is one line of an export: a record, or what ends it. An export
// without an end was cut short.
type ExportLine struct {
	CID string `json:"cid,omitempty"`
	// Record is the record byte for byte, when the line is read as text.
	Record  jsontext.Value `json:"record,omitempty"`
	End     *ExportEnd     `json:"end,omitempty"`
	Problem *Problem       `json:"problem,omitempty"`
}

// ExportEnd ends a whole export.
type ExportEnd struct {
	Schema  string `json:"schema"`
	Records int    `json:"records" doc:"lines before this one"`
}

// Stats is how much there is.
type Stats struct {
	Schema      string           `json:"schema"`
	Territories []TerritoryStats `json:"territories" doc:"in order of id; a record may belong to three"`
	Records     map[string]int   `json:"records" doc:"by kind"`
	Total       int              `json:"total"`
	Erased      int              `json:"erased"`
	Missing     int              `json:"missing"`
	Identities  int              `json:"identities"`
	Bytes       int64            `json:"bytes" doc:"on disk"`
}

// TerritoryStats is how much there is of one territory.
type TerritoryStats struct {
	ID       string         `json:"id"`
	Name     string         `json:"name"`
	Followed bool           `json:"followed"`
	Records  map[string]int `json:"records" doc:"by kind"`
	Total    int            `json:"total"`
}

// EraseRequest erases one record, or all of a member: one of the two.
type EraseRequest struct {
	CID    string `json:"cid,omitempty" doc:"an award, a profile or a notice whose key is here"`
	Member string `json:"member,omitempty" doc:"a DID or a name: erases the awards, profile and notices, drops offers, then forgets the key"`
}

// Erasure is what was erased, for ever.
type Erasure struct {
	Schema    string   `json:"schema"`
	Erased    []string `json:"erased" doc:"CIDs; their bodies are deleted on every node the news reaches"`
	Offers    int      `json:"offers" doc:"badges not accepted yet that were dropped"`
	Forgotten string   `json:"forgotten,omitempty" doc:"the DID whose key is gone"`
}

func (s *Server) registerData() {
	export := get("export", "/export", "Every record of a territory, one a line, in order of arrival")
	export.Description = "Newline-delimited JSON. The last line has end, with the number of records; or problem, when the export failed midway. Without either it was cut short."
	export.Responses = map[string]*huma.Response{"200": {
		Description: "Lines", Content: map[string]*huma.MediaType{"application/x-ndjson": {
			Schema: huma.SchemaFromType(s.api.OpenAPI().Components.Schemas, reflect.TypeFor[ExportLine]()),
		}},
	}}
	register(s, read, export, s.export)
	register(s, read, get("stats", "/stats", "How much there is, by territory and kind"), s.stats)
	erase := post("erase", "/data/erase", "Erase a record or all of a member, for ever and everywhere")
	register(s, admin, erase, s.erase)
}

type exportInput struct {
	Territory string `query:"territory" doc:"only of this territory"`
}

func (s *Server) export(_ context.Context, in *exportInput) (*huma.StreamResponse, error) {
	t, err := optionalTerritory(in.Territory)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", "application/x-ndjson")
		w := bufio.NewWriterSize(ctx.BodyWriter(), 32<<10)
		last := ExportLine{}
		written, err := s.exportTo(ctx.Context(), w, t)
		if err == nil {
			last.End = &ExportEnd{"essaim.export/1", written}
		} else {
			var p *Problem
			errors.As(s.told("export", err), &p)
			last.Problem = p
		}
		if err := json.MarshalWrite(w, last); err == nil {
			_ = w.WriteByte('\n')
		}
		_ = w.Flush() // whoever asked has gone, and sees no end
	}}, nil
}

// exportTo writes a line for each record and returns how many it wrote.
func (s *Server) exportTo(ctx context.Context, w *bufio.Writer, t territory.ID) (int, error) {
	written := 0
	for e, err := range s.config.Node.Store().Each(1) {
		if err != nil {
			return written, err
		}
		if err := ctx.Err(); err != nil {
			return written, err
		}
		if e.State == protocol.Erased {
			continue
		}
		r, err := e.Record()
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return written, err
		}
		if t != "" && !slices.Contains(r.Territories(), t) {
			continue
		}
		// The bytes stand in the line as they are: canonical JSON has no
		// newline outside strings, and inside it is escaped.
		for _, part := range []string{`{"cid":"`, r.CID().String(), `","record":`, string(r.Bytes()), "}\n"} {
			if _, err := w.WriteString(part); err != nil {
				return written, context.Canceled // whoever asked has gone
			}
		}
		written++
	}
	return written, nil
}

func (s *Server) stats(context.Context, *struct{}) (*Body[Stats], error) {
	n := s.config.Node
	total, err := n.Store().Stats()
	if err != nil {
		return nil, err
	}
	g, err := n.Gazetteer()
	if err != nil {
		return nil, err
	}
	ids, err := n.Store().Territories()
	if err != nil {
		return nil, err
	}
	followed := n.Followed()
	for _, id := range followed {
		if !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	out := Stats{
		Schema: "essaim.stats/1", Territories: []TerritoryStats{}, Records: byKind(total.Records), Total: total.Total,
		Erased: total.Erased, Missing: total.Missing, Identities: total.Identities, Bytes: total.Bytes,
	}
	for _, id := range ids {
		counts, sum, err := s.countKinds(id)
		if err != nil {
			return nil, err
		}
		out.Territories = append(out.Territories, TerritoryStats{
			ID: string(id), Name: g.Name(id), Followed: slices.Contains(followed, id), Records: byKind(counts), Total: sum,
		})
	}
	return body(out), nil
}

type eraseInput struct{ Body EraseRequest }

func (s *Server) erase(ctx context.Context, in *eraseInput) (*Body[Erasure], error) {
	out := Erasure{Schema: "essaim.erasure/1", Erased: []string{}}
	switch b := &in.Body; {
	case (b.CID == "") == (b.Member == ""):
		return nil, &badge.Invalid{Member: "cid", Why: "or member is needed, and not both"}
	case b.CID != "":
		target, err := badge.ParseCID(b.CID)
		if err != nil {
			return nil, err
		}
		if _, err := s.config.Node.SetStatus(ctx, node.StatusDraft{Target: target, State: badge.Erased, Reason: "request"}); err != nil {
			return nil, err
		}
		out.Erased = []string{b.CID}
	default:
		d, err := s.config.Node.FindMember(b.Member)
		if err != nil {
			return nil, err
		}
		done, err := s.config.Node.EraseMember(ctx, d)
		if err != nil {
			return nil, err
		}
		for _, c := range done.Erased {
			out.Erased = append(out.Erased, c.String())
		}
		out.Offers, out.Forgotten = done.Offers, string(d)
	}
	return body(out), nil
}
