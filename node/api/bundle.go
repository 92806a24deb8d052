package api

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// BundleRead is what came of reading a bundle.
type BundleRead struct {
	Schema  string         `json:"schema"`
	New     int            `json:"new" doc:"records that were not here"`
	Known   int            `json:"known" doc:"records that were"`
	Erased  int            `json:"erased" doc:"records that were erased, and stay so"`
	Held    int            `json:"held" doc:"records from the future, kept aside until their time"`
	Refused map[string]int `json:"refused" doc:"blocks that are no records, by reason"`
	Others  int            `json:"others" doc:"blocks that say themselves that they are no records"`
	// Problem is why reading ended before the end of the file. What was read before
	// is kept.
	Problem *Problem `json:"problem,omitempty"`
}

// mediaCAR is the media type of a CAR file.
const mediaCAR = "application/vnd.ipld.car"

func (s *Server) registerBundle() {
	out := get("write-bundle", "/bundle", "Records as one file to carry: of territories, or all that are here", http.StatusGone)
	out.Description = "A CAR of version 1 (spec/bundle.md). An answer that breaks off is of no use."
	out.Responses = map[string]*huma.Response{"200": {
		Description: "The file", Content: map[string]*huma.MediaType{mediaCAR: {Schema: &huma.Schema{Type: "string", Format: "binary"}}},
	}}
	register(s, read, out, s.writeBundle)
	in := post("read-bundle", "/bundle", "Bring every record of such a file through the door")
	in.Description = "The body is the file. Each record is verified; what was erased stays erased. When the file turns out bad midway, what came before is kept, and the answer has a problem."
	in.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
		mediaCAR: {Schema: &huma.Schema{Type: "string", Format: "binary"}},
	}}
	register(s, write, in, s.readBundle)
}

type bundleOut struct {
	Territory []string `query:"territory,explode" maxItems:"200" doc:"id of a territory; may be repeated"`
}

func (s *Server) writeBundle(_ context.Context, in *bundleOut) (*huma.StreamResponse, error) {
	var ids []territory.ID
	for _, text := range in.Territory {
		id, err := territory.Parse(text)
		if err != nil {
			return nil, err
		}
		ids = append(ids, id)
	}
	b, err := s.config.Node.Bundle(ids...)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		ctx.SetHeader("Content-Type", mediaCAR)
		w := bufio.NewWriterSize(ctx.BodyWriter(), 64<<10)
		err := b.Write(ctx.Context(), w)
		if err == nil {
			err = w.Flush()
		}
		if err != nil {
			_ = s.told("write-bundle", err)
			panic(http.ErrAbortHandler) // whoever asked must not take it for whole
		}
	}}, nil
}

// bundleIn takes the body as it comes, and does not keep it.
type bundleIn struct{ body io.Reader }

// Resolve implements huma.Resolver.
func (in *bundleIn) Resolve(ctx huma.Context) []error {
	_ = ctx.SetReadDeadline(time.Now().Add(time.Hour)) // where there is one; a stick is slow
	in.body = ctx.BodyReader()
	return nil
}

func (s *Server) readBundle(ctx context.Context, in *bundleIn) (*Body[BundleRead], error) {
	if in.body == nil {
		return nil, newProblem(http.StatusUnprocessableEntity, "no_bundle", "there is no file", "")
	}
	r, err := s.config.Node.ReadBundle(ctx, in.body)
	out := BundleRead{
		Schema: "essaim.bundle-read/1", New: r.New, Known: r.Known, Erased: r.Erased, Held: r.Held, Others: r.Others, Refused: map[string]int{},
	}
	for reason, n := range r.Refused {
		out.Refused[string(reason)] = n
	}
	if err == nil {
		return body(out), nil
	}
	if r.Empty() {
		return nil, err
	}
	errors.As(s.told("read-bundle", err), &out.Problem)
	return body(out), nil
}
