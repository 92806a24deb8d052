package web

import (
	"bytes"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"golang.org/x/time/rate"

	"codeberg.org/essaim/essaim/node"
)

// Config is what the site is made of.
type Config struct {
	Node   *node.Node
	Logger *slog.Logger // nil discards
}

// Site answers requests for pages. The caller guards it: hosts and origins are
// checked before (api.Server.Guard).
type Site struct {
	node *node.Node
	log  *slog.Logger
	mux  *http.ServeMux
	// claims bounds guesses of claim codes, over all visitors: one a second in
	// the long run, which at 58 bits a code finds none in its two weeks.
	claims *rate.Limiter
}

// New returns the site of a node.
func New(c Config) *Site {
	s := &Site{node: c.Node, log: c.Logger, mux: http.NewServeMux(), claims: rate.NewLimiter(1, 20)}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.mux.HandleFunc("GET /reclamer/{code}", s.showClaim)
	s.mux.HandleFunc("POST /reclamer/{code}", s.claim)
	s.mux.HandleFunc("GET /s/essaim.css", style)
	return s
}

// ServeHTTP implements http.Handler.
func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

//go:embed *.html essaim.css
var files embed.FS

var pages = template.Must(template.New("").Funcs(template.FuncMap{
	"day": day, "join": strings.Join,
}).ParseFS(files, "*.html"))

// page is what every template gets: the reader's language and what it shows.
type page struct {
	Lang string // fr or en
	Body any
}

// T returns the sentence in the reader's language.
func (p page) T(french, english string) string {
	if p.Lang == "fr" {
		return french
	}
	return english
}

// language is French unless the reader prefers English.
func language(r *http.Request) string {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary {
		case "fr", "en":
			return primary
		}
	}
	return "fr"
}

// show renders a page. Nothing of it may be kept, framed, or load from outside.
func (s *Site) show(w http.ResponseWriter, r *http.Request, status int, name string, body any) {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, page{language(r), body}); err != nil {
		s.log.Error("page not rendered", "page", name, "err", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	h.Set("Referrer-Policy", "no-referrer") // the address holds a code
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Language")
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes())
}

func style(w http.ResponseWriter, _ *http.Request) {
	css, err := files.ReadFile("essaim.css")
	if err != nil {
		http.NotFound(w, nil)
		return
	}
	w.Header().Set("Content-Type", "text/css; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "public, max-age=3600")
	_, _ = w.Write(css)
}

var frenchMonths = strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")

// day writes a date in the language: "25 novembre 2026", "25 November 2026".
func day(lang string, t time.Time) string {
	if lang != "fr" {
		return t.Format("2 January 2006")
	}
	n := t.Format("2")
	if n == "1" {
		n = "1er"
	}
	return n + " " + frenchMonths[t.Month()-1] + " " + t.Format("2006")
}
