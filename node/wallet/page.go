package wallet

import (
	"bytes"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/skill"
	"codeberg.org/essaim/essaim/store"
)

//go:embed *.html page.css
var files embed.FS

var pages = template.Must(template.New("").ParseFS(files, "*.html"))

// sheet is what a page gets: the reader's language, the time it was made, and
// badges whole.
type sheet struct {
	Lang   string // fr or en
	Style  template.CSS
	Now    time.Time
	Place  string // the community that made the page, "" without one
	Holder string // of a portfolio
	Badges []pageBadge
}

// pageBadge is one badge on a page. Nothing of it is looked up by who reads.
type pageBadge struct {
	Name, Description, Criteria, CriteriaURL, Narrative string
	Level                                               int
	Holder, Issuer                                      string
	HolderDID, IssuerDID, CID                           string
	On, Until                                           time.Time
	State                                               string
	Live                                                bool
	Evidence                                            []badge.Evidence
	Endorsers                                           []string
	Territories                                         []string
	Proofs                                              []pageProof
	Address                                             string // where it is published, "" for nowhere
	Picture                                             template.URL
	Credential                                          template.URL // the file, as a link that holds it
	Baked                                               template.URL // "" in a portfolio
	File                                                string       // begins the names of both
}

// pageProof is one signature, in words.
type pageProof struct {
	Suite, By, Key string
	On             string
	Consent        bool
}

// T returns the sentence in the reader's language.
func (s sheet) T(french, english string) string {
	if s.Lang == "fr" {
		return french
	}
	return english
}

// Tf is T with arguments.
func (s sheet) Tf(french, english string, args ...any) string {
	return fmt.Sprintf(s.T(french, english), args...)
}

var frenchMonths = strings.Fields("janvier février mars avril mai juin juillet août septembre octobre novembre décembre")

// Web reports whether a text is an address a page may lead to.
func (s sheet) Web(text string) bool { return foreign.IsWeb(text) }

// Day writes a date in the reader's language.
func (s sheet) Day(t time.Time) string {
	if s.Lang != "fr" {
		return t.Format("2 January 2006")
	}
	n := t.Format("2")
	if n == "1" {
		n = "1er"
	}
	return n + " " + frenchMonths[t.Month()-1] + " " + t.Format("2006")
}

// states are the states of a badge as a person reads them.
var states = map[protocol.State][2]string{
	protocol.Live:      {"en vigueur", "in force"},
	protocol.Suspended: {"suspendu", "suspended"},
	protocol.Revoked:   {"retiré", "revoked"},
	protocol.Renounced: {"abandonné par sa ou son titulaire", "renounced by its holder"},
}

// page is one badge on one page, which needs nothing else to be read or printed.
func (x *Exporter) page(award protocol.Record, lang string) ([]byte, error) {
	s := x.sheet(lang)
	b, err := x.pageBadge(award, s)
	if err != nil {
		return nil, err
	}
	png, err := x.baked(award, PNG)
	if err != nil {
		return nil, err
	}
	b.Baked = inline(mediaPNG, png)
	s.Badges = []pageBadge{b}
	return s.render("badge.html")
}

func (x *Exporter) sheet(lang string) sheet {
	css, err := files.ReadFile("page.css")
	if err != nil {
		panic("wallet: the style of pages is not embedded: " + err.Error())
	}
	if lang != "fr" {
		lang = "en"
	}
	s := sheet{Lang: lang, Style: template.CSS(css), Now: x.node.Now().UTC()}
	if c, err := x.node.Community(); err == nil {
		s.Place = c.Name
	}
	return s
}

func (s sheet) render(name string) ([]byte, error) {
	var out bytes.Buffer
	err := pages.ExecuteTemplate(&out, name, s)
	return out.Bytes(), err
}

// inline is an address that holds what it leads to.
func inline(media string, b []byte) template.URL {
	return template.URL("data:" + media + ";base64," + base64.StdEncoding.EncodeToString(b))
}

func (x *Exporter) pageBadge(award protocol.Record, s sheet) (pageBadge, error) {
	doc := award.Document().(*badge.AchievementCredential)
	a := &doc.Subject.Achievement
	state, err := x.stateOf(award.CID())
	if err != nil {
		return pageBadge{}, err
	}
	if state == protocol.Erased {
		return pageBadge{}, store.ErrErased
	}
	b := pageBadge{
		Name: a.Name, Description: a.Description, Criteria: a.Criteria.Narrative, CriteriaURL: a.Criteria.ID,
		Narrative: doc.Subject.Narrative, Level: doc.Level(), Evidence: doc.Evidence,
		Holder: x.nameOf(badge.ProfileRef{ID: award.Holder()}), Issuer: x.nameOf(doc.Issuer),
		HolderDID: string(award.Holder()), IssuerDID: string(award.Author()), CID: award.CID().String(),
		On: awardedOn(doc), Until: award.Until(), File: stem(award),
		State: s.T(states[state][0], states[state][1]), Live: state == protocol.Live && award.Valid(x.node.Now()),
		Picture: inline(mediaSVG, art.Draw(a, doc.Level()).SVG()), Credential: inline(mediaCredential, award.Bytes()),
	}
	if state == protocol.Live && !b.Live {
		b.State = s.T("hors de ses dates", "outside its dates")
	}
	switch given, _, err := x.node.Picture(award.Class()); {
	case err == nil:
		b.Picture = inline(mediaPNG, given)
	case !errors.Is(err, node.ErrNoPicture):
		return b, err
	}
	if x.public != "" {
		b.Address = x.credentialURL(award)
	}
	endorsers, err := x.node.Endorsers(award.CID(), maxEndorsers)
	if err != nil {
		return b, err
	}
	for _, e := range endorsers {
		b.Endorsers = append(b.Endorsers, x.nameOf(badge.ProfileRef{ID: e.DID, Name: e.Name}))
	}
	places, err := x.node.Gazetteer()
	if err != nil {
		return b, err
	}
	for _, t := range award.Territories() {
		b.Territories = append(b.Territories, places.Name(t))
	}
	for _, p := range doc.Proof {
		who, _, _ := strings.Cut(p.VerificationMethod, "#")
		by := b.Issuer
		if did.DID(who) == award.Holder() {
			by = b.Holder
		}
		b.Proofs = append(b.Proofs, pageProof{Suite: p.Cryptosuite, By: by, Key: who, On: p.Created, Consent: p.Purpose == "authentication"})
	}
	return b, nil
}

// maxEndorsers bounds who is named on a page.
const maxEndorsers = 50

// nameOf is how somebody calls themself here, or as the badge has it, or the
// short form of their key.
func (x *Exporter) nameOf(p badge.ProfileRef) string {
	if name := x.node.NameOf(p.ID); name != "" {
		return name
	}
	if p.Name != "" {
		return p.Name
	}
	return p.ID.Short()
}

func awardedOn(doc *badge.AchievementCredential) time.Time {
	for _, text := range []string{doc.AwardedDate, doc.ValidFrom} {
		if t, err := badge.ParseTime(text); err == nil {
			return t
		}
	}
	return time.Time{}
}

// slug is a name in the letters every file system takes.
func slug(name string) string {
	s := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, strings.Join(skill.Words(name), "-"))
	if s = strings.Trim(s, "-"); s == "" {
		return "badge"
	}
	return s[:min(len(s), 48)]
}

// gone reports whether a record ended while it was read.
func gone(err error) bool {
	return errors.Is(err, store.ErrErased) || errors.Is(err, store.ErrNotFound)
}

// With is one badge and the sheet it stands on.
func (s sheet) With(b pageBadge) any {
	return struct {
		Sheet sheet
		Badge pageBadge
	}{s, b}
}
