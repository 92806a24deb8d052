// Package wallet is how a badge leaves a node: as the file that was signed, as
// a picture that carries it, as a page for people, and at addresses wallets
// read. The texts it obeys are "Open Badges Specification v3.0" and "v2.0"
// (1EdTech) and "Bitstring Status List v1.0" (W3C); what is ours stands in
// spec/export.md.
//
// Nothing here signs a badge or changes one: a badge leaves as its issuer and
// its holder signed it, byte for byte.
package wallet

import (
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/ipfs/go-cid"
	"golang.org/x/time/rate"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/store"
)

// Config is what an Exporter is made of.
type Config struct {
	Node *node.Node
	// PublicURL is the https address at which anybody reaches this node, such
	// as "https://badges.exemple.fr". Anything else is none: then a badge
	// names no address of ours, and none is served.
	PublicURL string
	Logger    *slog.Logger // nil discards
}

// Exporter makes files of badges. It is safe for concurrent use.
type Exporter struct {
	node   *node.Node
	public string // without a slash at its end; "" is none
	log    *slog.Logger
	mux    *http.ServeMux
	lists  *statusLists
	// strangers bounds what all of them together ask.
	strangers *rate.Limiter

	drawing sync.Mutex // held while a picture is drawn: 20 ms of one core
}

// New returns the exporter of a node.
func New(c Config) *Exporter {
	x := &Exporter{
		node: c.Node, public: publicURL(c.PublicURL), log: c.Logger, lists: newStatusLists(c.Node),
		strangers: rate.NewLimiter(10, 100),
	}
	if x.log == nil {
		x.log = slog.New(slog.DiscardHandler)
	}
	x.mux = x.routes()
	return x
}

func publicURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return ""
	}
	return strings.TrimRight(s, "/")
}

// Host returns the name under which others ask this node, "" without an
// address.
func (x *Exporter) Host() string {
	u, err := url.Parse(x.public)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Hostname())
}

// Forms of an export.
const (
	JSON     = "json"     // the bytes that were signed
	OB2      = "ob2"      // an Open Badges 2.0 assertion, hosted here
	PNG      = "png"      // a picture that carries both
	SVG      = "svg"      // the same
	HTML     = "html"     // a page for people
	ZIP      = "zip"      // all of it, of all badges of a holder
	LinkedIn = "linkedin" // the address that adds the badge to a profile there
)

// Media types of what is exported.
const (
	mediaCredential = "application/vc"
	mediaLinkedData = "application/ld+json"
	mediaPNG        = "image/png"
	mediaSVG        = "image/svg+xml"
	mediaHTML       = "text/html; charset=utf-8"
	mediaZIP        = "application/zip"
	mediaText       = "text/plain; charset=utf-8"
)

// File is one exported file.
type File struct {
	Name  string // "decoupe-laser-bafkreif.png"
	Media string
	Bytes []byte
}

// Faults of an export.
var (
	ErrNotPublic = errors.New("this node has no public address where the badge would be found")
	ErrNoContact = errors.New("the community has no e-mail address, which Open Badges 2.0 wants of an issuer")
)

// Export returns a badge in a form, for a reader of French ("fr") or English.
// Of a class, its picture alone is exported.
//
// It fails with ErrNotPublic, ErrNoContact or keyring.ErrNoKey when the badge
// cannot be hosted here, as store.Get does, and with *badge.Invalid when the
// record has no such form.
func (x *Exporter) Export(c cid.Cid, form, lang string) (File, error) {
	r, err := x.node.Record(c)
	if err != nil {
		return File{}, err
	}
	if class, ok := r.Document().(*badge.Achievement); ok && (form == PNG || form == SVG) {
		picture, err := x.picture(c, class, 0, form)
		return x.file(r, form, picture), err
	}
	if r.Kind() != protocol.Award && form != JSON {
		return File{}, &badge.Invalid{Member: "as", Why: form + " is for badges: a " + r.Kind().String() + " has no such form"}
	}
	var out []byte
	switch form {
	case JSON:
		out = r.Bytes()
	case OB2:
		out, err = x.hostedAssertion(r)
	case PNG, SVG:
		out, err = x.baked(r, form)
	case HTML:
		out, err = x.page(r, lang)
	case LinkedIn:
		out = []byte(x.linkedIn(r) + "\n")
	default:
		err = &badge.Invalid{Member: "as", Why: "is not json, ob2, png, svg, html or linkedin"}
	}
	if err != nil {
		return File{}, err
	}
	return x.file(r, form, out), nil
}

func (x *Exporter) file(r protocol.Record, form string, bytes []byte) File {
	media, extension := map[string]string{
		JSON: mediaLinkedData, OB2: mediaLinkedData, PNG: mediaPNG, SVG: mediaSVG, HTML: mediaHTML, LinkedIn: mediaText,
	}[form], form
	if form == JSON && (r.Kind() == protocol.Award || r.Kind() == protocol.Endorsement) {
		media = mediaCredential
	}
	switch form {
	case OB2:
		extension = "ob2.json"
	case LinkedIn:
		extension = "txt"
	}
	return File{stem(r) + "." + extension, media, bytes}
}

// stem begins the name of a file: what the record is called, in letters any
// file system takes, and the end of its CID.
func stem(r protocol.Record) string {
	name := r.Kind().String()
	switch d := r.Document().(type) {
	case *badge.AchievementCredential:
		name = d.Name
	case *badge.Achievement:
		name = d.Name
	}
	code := r.CID().String()
	return slug(name) + "-" + code[len(code)-8:]
}

// picture returns the picture of a class at a level: as PNG the one it was
// given here, if any, else its drawing.
func (x *Exporter) picture(code cid.Cid, class *badge.Achievement, level int, form string) ([]byte, error) {
	drawing := art.Draw(class, level)
	if form == SVG {
		return drawing.SVG(), nil
	}
	given, _, err := x.node.Picture(code)
	if !errors.Is(err, node.ErrNoPicture) {
		return given, err
	}
	x.drawing.Lock()
	defer x.drawing.Unlock()
	return drawing.PNG(art.MaxSide), nil
}

// pictureTag changes when a class is given another picture.
func (x *Exporter) pictureTag(code cid.Cid) string {
	if _, c, err := x.node.Picture(code); err == nil {
		return c.String()
	}
	return "drawn"
}

// baked is a picture that carries the credential and, where this node hosts
// it, the assertion older wallets look for.
func (x *Exporter) baked(award protocol.Record, form string) ([]byte, error) {
	doc := award.Document().(*badge.AchievementCredential)
	payloads := []bake.Payload{{Keyword: bake.Credential, Text: award.Bytes()}}
	switch assertion, err := x.hostedAssertion(award); {
	case err == nil:
		payloads = append(payloads, bake.Payload{Keyword: bake.Assertion, Text: assertion, URL: x.assertionURL(award)})
	case !notHosted(err):
		return nil, err
	}
	picture, err := x.picture(award.Class(), &doc.Subject.Achievement, doc.Level(), form)
	if err != nil {
		return nil, err
	}
	return bake.Put(picture, payloads...)
}

// stateOf returns the state of a record, and Erased of one that is gone.
func (x *Exporter) stateOf(c cid.Cid) (protocol.State, error) {
	state, err := x.node.Store().State(c)
	if errors.Is(err, store.ErrErased) {
		return protocol.Erased, nil
	}
	return state, err
}
