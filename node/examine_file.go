package node

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"time"
	"unicode"

	"codeberg.org/essaim/essaim/node/hosted"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bake"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
	"codeberg.org/essaim/essaim/protocol/ob3"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// lookPatience is how long all that one badge points at may take: half of the
// time a person waits for a page.
const lookPatience = 30 * time.Second

// BadgeInquiry asks about a badge file of any kind, made here or elsewhere.
type BadgeInquiry struct {
	// File is the badge: JSON, a token, an image, the address of one.
	File []byte
	// Address is where it stands, when there is no File. Asking so is asking
	// that it be read, and what it points at.
	Address string
	// Online reads what the badge points at, once and now. Without it nothing
	// is read but Address.
	Online bool
	// Recipient is an e-mail address or a DID, or "". It is compared, and
	// neither kept nor logged.
	Recipient string
}

// Foreign is a badge made elsewhere and what is known of it.
type Foreign struct {
	ob.Badge
	// File is what was looked at: the file as it was given or read.
	File []byte
	// Claims are its own words.
	Claims Claims
	// IssuerKnown says that this node has a profile of its issuer. That it
	// has none says nothing of the badge.
	IssuerKnown bool
	// Readings are the addresses that were asked for, in order.
	Readings []Reading
	asked    bool // for a recipient
}

// Claims are what a badge made elsewhere says of itself: a stranger's words,
// made fit to be shown and no longer than that. Any may be empty.
type Claims struct {
	Name, Description             string
	Criteria, CriteriaURL         string
	Issuer, IssuerName, IssuerURL string
	IssuedOn, Expires             time.Time
}

// Reading is one address that was asked for.
type Reading struct {
	Address string
	Hosts   []string     // other hosts it led through
	Fault   hosted.Fault // "" when it was read
	Detail  string
	Gone    bool // it says that there is nothing any more
}

// ExamineFile answers each question about a badge file without keeping it. One
// of ours is asked what Examine asks, whatever it is baked into. It fails with
// *badge.Invalid on an inquiry that is none, and when ctx ends.
func (n *Node) ExamineFile(ctx context.Context, q BadgeInquiry) (Examination, error) {
	if (q.Address == "") == (len(q.File) == 0) {
		return Examination{}, &badge.Invalid{Member: "file", Why: "or an address is needed, and not both"}
	}
	recipient, err := recipientOf(q.Recipient)
	if err != nil {
		return Examination{}, err
	}
	if q.Address != "" && !foreign.IsWeb(q.Address) {
		return Examination{}, &badge.Invalid{Member: "url", Why: "is no address of a web site (https://…)"}
	}
	r := &reader{n: n, pages: map[string]hosted.Page{}, failed: map[string]error{}}
	ctx, cancel := context.WithTimeoutCause(ctx, lookPatience, errors.New("the sites took too long"))
	defer cancel()
	r.ctx = ctx
	in := foreign.Inquiry{Now: n.now(), Recipient: recipient}
	file := q.File
	if q.Online || q.Address != "" {
		in.Fetch = r.fetch
	}
	subject := file
	if q.Address != "" {
		// A document is believed where it stands, so the address is what is
		// asked about; an image is only a carrier.
		subject = []byte(q.Address)
		if _, err := r.fetch(q.Address); err == nil {
			file = r.pages[q.Address].Bytes
			if r.pages[q.Address].Image {
				subject = file
			}
		}
	}
	if raw, ok := ours(file); ok {
		x, err := n.Examine(raw)
		if err == nil {
			x.about(recipient)
		}
		return x, err
	}
	f := &Foreign{Badge: ob.Verify(subject, in), File: file, Readings: r.readings, asked: recipient != ""}
	if errors.Is(ctx.Err(), context.Canceled) {
		return Examination{}, ctx.Err()
	}
	f.Claims = claimsOf(f.Badge)
	if d, err := did.Parse(f.Claims.Issuer); err == nil {
		f.IssuerKnown = n.NameOf(d) != ""
	}
	return Examination{Foreign: f, Verdict: f.conclude()}, nil
}

// recipientOf checks whom a badge is asked to be about. Its error does not
// repeat what was given.
func recipientOf(s string) (string, error) {
	s = strings.TrimSpace(s)
	mail := strings.Count(s, "@") == 1 && !strings.HasPrefix(s, "@") && !strings.HasSuffix(s, "@") && !strings.ContainsFunc(s, unicode.IsSpace)
	if s != "" && !mail && !strings.HasPrefix(s, "did:") || len(s) > 254 {
		return "", &badge.Invalid{Member: "recipient", Why: "is neither an e-mail address nor an identity (did:…)"}
	}
	return s, nil
}

// ours returns the record or offer in a file that is, or was baked from, one of
// this network, which its context tells. A drawing may have escaped it.
func ours(file []byte) ([]byte, bool) {
	raw := file
	payloads, err := bake.Take(file)
	for _, p := range payloads {
		if p.Keyword == bake.Credential {
			raw = p.Text
		}
	}
	trimmed := bytes.TrimSpace(raw)
	if len(trimmed) == 0 || trimmed[0] != '{' || !bytes.Contains(raw, []byte(`"urn:essaim:ns:"`)) {
		return nil, false
	}
	if err == nil {
		if canonical, err := proof.Canonicalize(raw); err == nil {
			raw = canonical
		}
	}
	return raw, true
}

// IsOurs reports whether a file is, or holds, a record or offer of this network.
func IsOurs(file []byte) bool {
	_, ok := ours(file)
	return ok
}

// about answers whether a badge of ours is about the person who was named.
func (x *Examination) about(recipient string) {
	if recipient == "" {
		return
	}
	var holder did.DID
	switch {
	case x.Offer != nil:
		holder = x.Offer.Subject.ID
	case !x.Record.IsZero() && x.Record.Kind() == protocol.Award:
		holder = x.Record.Holder()
	}
	c := Check{Name: "recipient", Answer: unknown, Detail: "it names no e-mail address"}
	switch {
	case holder == "":
		return
	case string(holder) == recipient:
		c.Answer, c.Detail = yes, ""
	case strings.HasPrefix(recipient, "did:"):
		c.Answer, c.Detail = no, "it is about another person"
	}
	x.Checks = append(x.Checks, c)
	if x.Verdict == "valid" {
		x.Verdict = conclude(*x)
	}
}

// conclude draws the verdict: what was asked and cannot be known leaves it
// incomplete, and counts neither for nor against.
func (f *Foreign) conclude() string {
	switch {
	case f.Findings[foreign.Status].Answer == foreign.No && f.others(foreign.No) == 0:
		return "revoked"
	case f.Overall() == foreign.No:
		return "invalid"
	case f.Overall() == foreign.Unknown || f.asked && f.Findings[foreign.Recipient].Answer == foreign.Unknown:
		return "incomplete"
	}
	return "valid"
}

// others counts the questions other than Status that have this answer.
func (f *Foreign) others(a foreign.Answer) (count int) {
	for q, finding := range f.Findings {
		if foreign.Question(q) != foreign.Status && finding.Answer == a {
			count++
		}
	}
	return count
}

// Asked returns the questions that were asked, in their order.
func (f *Foreign) Asked() []foreign.Question {
	var out []foreign.Question
	for q := foreign.WellFormed; q <= foreign.Recipient; q++ {
		if q != foreign.Recipient || f.asked {
			out = append(out, q)
		}
	}
	return out
}

// reader reads what one badge points at, each address once.
type reader struct {
	n        *Node
	ctx      context.Context //nolint:containedctx // one call of ExamineFile
	pages    map[string]hosted.Page
	failed   map[string]error
	readings []Reading
}

func (r *reader) fetch(address string) ([]byte, error) {
	if page, ok := r.pages[address]; ok {
		return page.Bytes, nil
	}
	if err, ok := r.failed[address]; ok {
		return nil, err
	}
	page, err := r.n.web(r.ctx, address)
	reading := Reading{Address: Shown(address, 2048), Hosts: page.Hosts}
	var fault *hosted.Error
	switch {
	case err == nil:
		r.pages[address] = page
	case errors.Is(err, foreign.ErrGone):
		reading.Gone = true
	case errors.As(err, &fault):
		reading.Fault, reading.Detail = fault.Fault, Shown(fault.Detail, 80)
	default:
		reading.Fault = hosted.TooSlow
	}
	if err != nil {
		r.failed[address] = err
	}
	r.readings = append(r.readings, reading)
	return page.Bytes, err
}

// claimsOf reads what a badge says of itself, in the words of its age.
func claimsOf(b ob.Badge) Claims {
	var c Claims
	var notes foreign.Verdict
	moment := func(v any, end bool) time.Time {
		t, ok := foreign.Moment(v, end, &notes)
		if !ok {
			return time.Time{}
		}
		return t.UTC().Truncate(time.Second)
	}
	class, issuer := b.Older.Class, b.Older.Issuer
	if o := b.Older.Assertion; o != nil {
		c.IssuedOn, c.Expires = moment(first(o, "issuedOn", "issued_on"), false), moment(o["expires"], true)
		c.Issuer = issuer.Text("id")
		if c.Issuer == "" {
			c.Issuer = class.ID("issuer")
		}
		if c.Issuer == "" {
			c.Issuer, _ = first(issuer, "origin", "url").(string)
		}
	} else if o := Credential(b); o != nil {
		if subjects := o.Objects("credentialSubject"); len(subjects) > 0 {
			class = subjects[0].Object("achievement")
		}
		issuer = o.Object("issuer")
		c.Issuer = o.ID("issuer")
		c.IssuedOn, c.Expires = moment(first(o, "awardedDate", "validFrom", "issuanceDate"), false), moment(first(o, "validUntil", "expirationDate"), true)
		c.Name = o.Text("name")
	}
	if class != nil {
		c.Name, c.Description = class.Text("name"), class.Text("description")
		c.Criteria, c.CriteriaURL = class.Object("criteria").Text("narrative"), class.ID("criteria")
		if !foreign.IsWeb(c.CriteriaURL) {
			c.Criteria, c.CriteriaURL = c.Criteria+c.CriteriaURL, ""
		}
	}
	if issuer != nil {
		c.IssuerName, c.IssuerURL = issuer.Text("name"), issuer.Text("url")
	}
	c.Name, c.IssuerName = Shown(c.Name, 256), Shown(c.IssuerName, 256)
	c.Issuer, c.IssuerURL, c.CriteriaURL = Shown(c.Issuer, 2048), Shown(c.IssuerURL, 2048), Shown(c.CriteriaURL, 2048)
	c.Description, c.Criteria = Shown(c.Description, 2000), Shown(c.Criteria, 2000)
	return c
}

// Credential returns the Open Badges 3.0 credential in a badge, out of its
// envelope, or nil.
func Credential(b ob.Badge) foreign.Object {
	switch {
	case b.Older.Assertion != nil, b.Document.Object == nil, b.Standard != "OB 3.0" && b.Standard != "VC":
		return nil
	case !bytes.HasPrefix(b.Payload, []byte("{")):
		return ob3.Content(b.Document.Object)
	}
	return b.Document.Object
}

func first(o foreign.Object, names ...string) any {
	for _, n := range names {
		if v := o[n]; v != nil && v != "" {
			return v
		}
	}
	return nil
}

// Shown makes a stranger's text one line that can be shown anywhere: without
// control characters, which move the cursor of a terminal, and without those
// that turn the direction of writing.
func Shown(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case unicode.IsControl(r), r == '\u2028', r == '\u2029':
			return ' '
		case unicode.Is(unicode.Cf, r), r == unicode.ReplacementChar:
			return -1
		}
		return r
	}, s)
	s = strings.Join(strings.Fields(s), " ")
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "")
	}
	return s
}
