package api

import (
	"context"
	"fmt"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"codeberg.org/essaim/essaim/node/wallet"
	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
)

func (s *Server) registerExports() {
	one := get("export-badge", "/badges/{cid}/export", "A badge as a file for a wallet or for people", http.StatusForbidden, http.StatusConflict)
	one.Description = "json is the bytes that were signed; png and svg carry them; ob2 is the Open Badges 2.0 assertion this node publishes, " +
		"where it has a public address; html is one page that needs nothing else; linkedin is an address to follow. Of a class, png and svg are its picture."
	one.Responses = files("application/vc", "application/ld+json", "image/png", "image/svg+xml", "text/html", "text/plain")
	register(s, read, one, s.exportBadge)
	all := get("export-portfolio", "/portfolio", "All badges of a holder in one file", http.StatusNotFound, http.StatusConflict, http.StatusLocked)
	all.Description = "html is one page that holds every signed file; zip has each badge in every form, and the records around them."
	all.Responses = files("text/html", "application/zip")
	register(s, read, all, s.exportPortfolio)
	set := put("set-class-image", "/classes/{cid}/image", "Give a class a picture in place of its drawing, on this node")
	set.Description = "The body is a PNG, JPEG or WebP file of 2 MB and 3 million pixels at most. Its pixels are kept, scaled to 512 a side; all else is not."
	set.MaxBodyBytes = art.MaxUpload + 1<<10 // what is a little too large is told so as a picture
	register(s, write, set, s.setImage)
	register(s, write, remove("remove-class-image", "/classes/{cid}/image", "Let a class be drawn again"), s.removeImage)
}

// Picture is the picture a class has on this node.
type Picture struct {
	Schema  string `json:"schema"`
	Class   string `json:"class" doc:"CID of the class"`
	Picture string `json:"picture,omitempty" doc:"CID of the picture; absent when the class is drawn"`
}

type imageInput struct {
	CID     string `path:"cid" doc:"content address of a class, bafkrei…"`
	RawBody []byte `contentType:"application/octet-stream"`
}

func (s *Server) setImage(_ context.Context, in *imageInput) (*Body[Picture], error) {
	c, err := badge.ParseCID(in.CID)
	if err != nil {
		return nil, err
	}
	picture, err := s.config.Node.SetPicture(c, in.RawBody)
	if err != nil {
		return nil, err
	}
	return body(Picture{"essaim.picture/1", in.CID, picture.String()}), nil
}

func (s *Server) removeImage(_ context.Context, in *cidParam) (*Body[Picture], error) {
	c, err := in.parse()
	if err != nil {
		return nil, err
	}
	if err := s.config.Node.RemovePicture(c); err != nil {
		return nil, err
	}
	return body(Picture{"essaim.picture/1", in.CID, ""}), nil
}

func files(media ...string) map[string]*huma.Response {
	content := map[string]*huma.MediaType{}
	for _, m := range media {
		content[m] = &huma.MediaType{}
	}
	return map[string]*huma.Response{"200": {Description: "The file", Content: content}}
}

// exported is a file that leaves. Its name is the server's to choose and holds
// letters, digits and hyphens alone.
type exported struct {
	ContentType string `header:"Content-Type"`
	Disposition string `header:"Content-Disposition"`
	Security    string `header:"Content-Security-Policy"`
	Body        []byte
}

func download(f wallet.File) *exported {
	return &exported{f.Media, fmt.Sprintf("attachment; filename=%q", f.Name), wallet.Sandbox, f.Bytes}
}

type exportedInput struct {
	CID  string `path:"cid" doc:"content address of an award or a class, bafkrei…"`
	As   string `query:"as" enum:"json,ob2,png,svg,html,linkedin" default:"json"`
	Lang string `query:"lang" enum:"fr,en" default:"fr" doc:"of a page"`
}

func (s *Server) exportBadge(_ context.Context, in *exportedInput) (*exported, error) {
	c, err := badge.ParseCID(in.CID)
	if err != nil {
		return nil, err
	}
	f, err := s.wallet.Export(c, in.As, in.Lang)
	if err != nil {
		return nil, err
	}
	return download(f), nil
}

type portfolioInput struct {
	Holder string `query:"holder" required:"true" doc:"a DID; over the unix socket also the name of a member"`
	As     string `query:"as" enum:"html,zip" default:"html"`
	Lang   string `query:"lang" enum:"fr,en" default:"fr" doc:"of the page"`
}

func (s *Server) exportPortfolio(ctx context.Context, in *portfolioInput) (*exported, error) {
	holder, err := optionalDID("holder", in.Holder)
	if isLocal(ctx) {
		holder, err = s.config.Node.FindMember(in.Holder)
	}
	if err != nil {
		return nil, err
	}
	f, err := s.wallet.Portfolio(ctx, holder, in.As, in.Lang)
	if err != nil {
		return nil, err
	}
	return download(f), nil
}
