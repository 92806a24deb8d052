package wallet

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"strings"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// Sandbox is the policy of everything that leaves as a file: opened by itself,
// it runs nothing, loads nothing and is of no origin. What it holds may be
// saved by who clicks.
const Sandbox = "sandbox allow-downloads; default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// mediaLinkedDataCredential is what Open Badges 3.0 calls a credential in its
// text, and wallets of its first years ask for.
const mediaLinkedDataCredential = "application/vc+ld+json"

// answer is what an address says, and how it may be kept.
type answer struct {
	media string
	tag   string // says whether it changed; "" hashes the body
	body  func() ([]byte, error)
	gone  bool // told as such, with a body
	vary  bool
}

func whole(media string, body []byte, err error) (answer, error) {
	return answer{media: media, body: func() ([]byte, error) { return body, nil }}, err
}

func (x *Exporter) routes() *http.ServeMux {
	mux := http.NewServeMux()
	for pattern, ask := range map[string]func(*http.Request) (answer, error){
		"/ob/credentials/{cid}":        x.askCredential,
		"/ob/credentials/{cid}/status": x.askEntries,
		"/ob/images/{cid}":             x.askImage,
		"/ob/issuers/{did}":            x.askProfile,
		"/ob/2/assertions/{cid}":       x.askAssertion,
		"/ob/2/classes/{cid}":          x.askClass,
		"/ob/2/issuers/{did}": func(r *http.Request) (answer, error) {
			return x.ofIssuer(r, x.hostedIssuer)
		},
		"/ob/2/revocations/{did}": func(r *http.Request) (answer, error) {
			return x.ofIssuer(r, x.revocations)
		},
		"/ob/status/{did}/{purpose}/{list}": x.askList,
	} {
		mux.HandleFunc("GET "+pattern, func(w http.ResponseWriter, r *http.Request) { x.serve(w, r, ask) })
	}
	return mux
}

// ServeHTTP implements http.Handler: what wallets read, all of it public on the
// territory already. Any page may read it, none may act. On a node without a
// public address there is nothing here. The caller guards it: hosts are checked
// before (api.Server.Guard).
func (x *Exporter) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", Sandbox)
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Access-Control-Allow-Origin", "*")
	if x.public == "" {
		http.Error(w, ErrNotPublic.Error(), http.StatusNotFound)
		return
	}
	x.mux.ServeHTTP(w, r)
}

// maxAge is how long, in seconds, what is said here may be kept: so late does a
// wallet learn that a badge was revoked.
const maxAge = 300

func (x *Exporter) serve(w http.ResponseWriter, r *http.Request, ask func(*http.Request) (answer, error)) {
	// A picture is 20 ms of a core and a signature 2: strangers all together
	// get no more of it than a small part.
	if !x.strangers.Allow() {
		w.Header().Set("Retry-After", "2")
		http.Error(w, "too many requests: wait a moment", http.StatusTooManyRequests)
		return
	}
	a, err := ask(r)
	if err != nil {
		x.refuse(w, err)
		return
	}
	h := w.Header()
	if a.vary {
		h.Set("Vary", "Accept, Accept-Language")
	}
	var body []byte
	if a.tag == "" {
		if body, err = a.body(); err != nil {
			x.refuse(w, err)
			return
		}
		sum := sha256.Sum256(body)
		a.tag = hex.EncodeToString(sum[:16])
	}
	h.Set("ETag", `"`+a.tag+`"`)
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(maxAge))
	h.Set("Access-Control-Expose-Headers", "ETag, Link")
	if !a.gone && strings.Contains(r.Header.Get("If-None-Match"), `"`+a.tag+`"`) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	if body == nil {
		if body, err = a.body(); err != nil {
			x.refuse(w, err)
			return
		}
	}
	h.Set("Content-Type", a.media)
	h.Set("Content-Length", strconv.Itoa(len(body)))
	if a.gone {
		w.WriteHeader(http.StatusGone)
	}
	if r.Method != http.MethodHead {
		_, _ = w.Write(body) // whoever asked may have gone
	}
}

// refuse says why there is no answer, in a word and a status.
func (x *Exporter) refuse(w http.ResponseWriter, err error) {
	status := http.StatusInternalServerError
	var invalid *badge.Invalid
	switch {
	case errors.Is(err, store.ErrErased), errors.Is(err, node.ErrErased):
		status = http.StatusGone
	case errors.Is(err, store.ErrNotFound), errors.As(err, &invalid), notHosted(err):
		status = http.StatusNotFound
	case errors.Is(err, errNotAcceptable):
		status = http.StatusNotAcceptable
	case errors.Is(err, keyring.ErrLocked), errors.Is(err, store.ErrReadOnly):
		w.Header().Set("Retry-After", "300")
		status = http.StatusServiceUnavailable
	default:
		x.log.Error("wallet not answered", "err", err)
	}
	w.Header().Set("Cache-Control", "no-store")
	http.Error(w, http.StatusText(status), status)
}

// named returns the record the address names, of one of kinds.
func (x *Exporter) named(text string, kinds ...protocol.Kind) (protocol.Record, error) {
	c, err := badge.ParseCID(text)
	if err != nil {
		return protocol.Record{}, err
	}
	r, err := x.node.Record(c)
	if err != nil {
		return r, err
	}
	for _, k := range kinds {
		if r.Kind() == k {
			return r, nil
		}
	}
	return protocol.Record{}, store.ErrNotFound
}

func (x *Exporter) askCredential(r *http.Request) (answer, error) {
	code, form := r.PathValue("cid"), ""
	for _, f := range []string{JSON, PNG, SVG, HTML} {
		if rest, ok := strings.CutSuffix(code, "."+f); ok {
			code, form = rest, f
		}
	}
	record, err := x.named(code, protocol.Award, protocol.Endorsement)
	if err != nil {
		return answer{}, err
	}
	a := answer{vary: form == ""}
	offered := []offer{{mediaCredential, JSON}, {mediaLinkedDataCredential, JSON}, {mediaLinkedData, JSON}, {"application/json", JSON}}
	if record.Kind() == protocol.Award {
		offered = append(offered, offer{"text/html", HTML}, offer{mediaPNG, PNG}, offer{mediaSVG, SVG})
	}
	if form == "" {
		o, ok := negotiate(r.Header.Get("Accept"), offered)
		if !ok {
			return a, errNotAcceptable
		}
		form, a.media = o.form, o.media
	}
	if form == JSON {
		if a.media == "" {
			a.media = mediaCredential
		}
		a.tag, a.body = code+"-"+strconv.Itoa(len(a.media)), func() ([]byte, error) { return record.Bytes(), nil }
		return a, nil
	}
	lang := languageOf(r.Header.Get("Accept-Language"))
	if form == HTML {
		f, err := x.Export(record.CID(), HTML, lang)
		a.media, a.body = mediaHTML, func() ([]byte, error) { return f.Bytes, nil }
		return a, err
	}
	// What a picture carries says whether it changed, before it is drawn.
	assertion, err := x.hostedAssertion(record)
	if err != nil && !notHosted(err) {
		return a, err
	}
	sum := sha256.Sum256(assertion)
	a.media = map[string]string{PNG: mediaPNG, SVG: mediaSVG}[form]
	a.tag = code + "-" + form + "-" + hex.EncodeToString(sum[:8]) + "-" + x.pictureTag(record.Class())
	a.body = func() ([]byte, error) { return x.baked(record, form) }
	return a, nil
}

// askImage answers the picture of a class, which says nothing of anybody.
func (x *Exporter) askImage(r *http.Request) (answer, error) {
	code, form := r.PathValue("cid"), SVG
	if rest, ok := strings.CutSuffix(code, ".png"); ok {
		code, form = rest, PNG
	} else {
		code = strings.TrimSuffix(code, ".svg")
	}
	class, err := x.named(code, protocol.Class)
	if err != nil {
		return answer{}, err
	}
	return answer{
		media: map[string]string{PNG: mediaPNG, SVG: mediaSVG}[form], tag: code + "-" + form + "-" + x.pictureTag(class.CID()),
		body: func() ([]byte, error) {
			return x.picture(class.CID(), class.Document().(*badge.Achievement), 0, form)
		},
	}, nil
}

func (x *Exporter) askAssertion(r *http.Request) (answer, error) {
	award, err := x.named(r.PathValue("cid"), protocol.Award)
	if err != nil {
		return answer{}, err
	}
	assertion, err := x.hostedAssertion(award)
	if err != nil {
		return answer{}, err
	}
	state, err := x.stateOf(award.CID())
	a, err := whole(mediaLinkedData, assertion, err)
	a.gone = state.Final()
	return a, err
}

func (x *Exporter) askClass(r *http.Request) (answer, error) {
	class, err := x.named(r.PathValue("cid"), protocol.Class)
	if err != nil {
		return answer{}, err
	}
	body, err := x.hostedClass(class)
	return whole(mediaLinkedData, body, err)
}

func (x *Exporter) ofIssuer(r *http.Request, document func(did.DID) ([]byte, error)) (answer, error) {
	d, err := did.Parse(r.PathValue("did"))
	if err != nil {
		return answer{}, store.ErrNotFound
	}
	body, err := document(d)
	return whole(mediaLinkedData, body, err)
}

func (x *Exporter) askProfile(r *http.Request) (answer, error) {
	return x.ofIssuer(r, func(d did.DID) ([]byte, error) {
		profile, err := x.profile(d)
		if err != nil {
			return nil, err
		}
		return profile.Bytes(), nil
	})
}

var errNotAcceptable = errors.New("no such form")

// offer is a media type there is, and the form it is.
type offer struct{ media, form string }

// negotiate returns the offer an Accept header likes best (RFC 9110 §12.5.1),
// the first of those it likes alike; without a header, the first there is.
func negotiate(accept string, offered []offer) (offer, bool) {
	if strings.TrimSpace(accept) == "" {
		return offered[0], true
	}
	var best offer
	most := 0
	for _, o := range offered {
		if q := quality(accept, o.media); q > most {
			best, most = o, q
		}
	}
	return best, most > 0
}

// quality returns how much an Accept header likes a media type, in thousandths:
// the most specific range that fits decides.
func quality(accept, media string) int {
	kind, _, _ := strings.Cut(media, "/")
	q, exact := 0, 0
	for part := range strings.SplitSeq(accept, ",") {
		fields := strings.Split(part, ";")
		fit := 0
		switch strings.ToLower(strings.TrimSpace(fields[0])) {
		case media:
			fit = 3
		case kind + "/*":
			fit = 2
		case "*/*":
			fit = 1
		}
		if fit <= exact {
			continue
		}
		q, exact = 1000, fit
		for _, f := range fields[1:] {
			if text, ok := strings.CutPrefix(strings.TrimSpace(f), "q="); ok {
				v, err := strconv.ParseFloat(text, 64)
				if err != nil || v < 0 || v > 1 {
					v = 0
				}
				q = int(v * 1000)
			}
		}
	}
	return q
}

// languageOf is French unless the reader prefers English.
func languageOf(accept string) string {
	for part := range strings.SplitSeq(accept, ",") {
		tag, _, _ := strings.Cut(strings.TrimSpace(part), ";")
		switch primary, _, _ := strings.Cut(strings.ToLower(tag), "-"); primary {
		case "fr", "en":
			return primary
		}
	}
	return "fr"
}
