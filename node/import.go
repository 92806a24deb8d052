package node

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob2"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

const (
	bucketImports = "imports" // sha256 of the file → Import as JSON
	// bucketOriginals holds files, classes and attestations in parts:
	// sha256 of the file, one of the letters below, number of the part → bytes.
	bucketOriginals = "originals"

	partFile        = 'f'
	partClass       = 'c'
	partAttestation = 'a'
	partSize        = 60 << 10
)

// Bounds of what is kept of badges made elsewhere (spec/import.md §9).
const (
	MaxImports     = 1024
	MaxImportBytes = 256 << 20
)

// ErrUnknownImport is wrapped when no such badge was imported here.
var ErrUnknownImport = errors.New("no badge made elsewhere with this code is kept here")

// ImportDraft is what a person says to bring in a badge made elsewhere.
type ImportDraft struct {
	BadgeInquiry
	// To is whose badge it is: a DID, or the name of a member, who gets a key
	// the first time. It may be empty when the badge names a key that is here.
	To string
	// Publish offers an attestation of the badge to its holder, which is
	// public once they accept it.
	Publish     bool
	Territories []territory.ID
}

// Import is a badge made elsewhere that is kept here. It is private, and so is
// its original.
type Import struct {
	Original  string    `json:"original"` // CID of the file's bytes
	Size      int       `json:"size"`
	Media     string    `json:"media"`
	Address   string    `json:"address,omitempty"` // where it was read
	Container string    `json:"container"`
	Standard  string    `json:"standard"`
	Kind      string    `json:"kind"`
	Holder    did.DID   `json:"holder"`
	To        string    `json:"to,omitempty"` // the member's name, if one was given
	Claims    Claims    `json:"claims"`
	Verified  time.Time `json:"verified"` // when it was last looked at
	Verdict   string    `json:"verdict"`
	// Findings answer each question that was asked.
	Findings []ImportFinding `json:"findings"`
	Notes    []foreign.Note  `json:"notes,omitempty"`
	Wanted   []string        `json:"wanted,omitempty"`
	Losses   []ob2.Loss      `json:"losses,omitempty"` // of the attestation
	// Attested says that the community signed that it verified the badge.
	Attested bool   `json:"attested"`
	ClassID  string `json:"class_id,omitempty"`
	AwardID  string `json:"award_id,omitempty"` // the attestation's id
	Offered  bool   `json:"offered,omitempty"`  // its holder got a claim code

	// Award is the CID of the attestation once its holder has accepted it. It
	// is looked up and not kept.
	Award string `json:"-"`
}

// ImportFinding is the answer to one question about an import.
type ImportFinding struct {
	Question string          `json:"question"`
	Finding  foreign.Finding `json:"finding"`
}

// BadBadge is why a badge made elsewhere is not taken in, or not published: the
// answer to one question.
type BadBadge struct {
	Question foreign.Question
	Finding  foreign.Finding
	// Unverified says that nothing is wrong with it, but that it could not be
	// verified, so that nobody can attest it.
	Unverified bool
}

// Error implements error. It repeats nothing of the badge.
func (e *BadBadge) Error() string {
	f := e.Finding
	f.Detail = ""
	why := f.Sentence().English
	if e.Unverified {
		return fmt.Sprintf("it could not be verified: %s: %s", e.Question, why)
	}
	return fmt.Sprintf("the badge is refused: %s: %s", e.Question, why)
}

// Import verifies a badge made elsewhere and keeps it: its file byte for byte,
// what was found, and, when all that matters was verified, an attestation by
// the community. One that is wrong is refused and nothing of it is kept, but
// for one that has only ended. Importing the same file again verifies it again.
//
// With Publish it returns a claim code as Award does. It fails with *BadBadge,
// ErrNoCommunity, *badge.Invalid or an error of the keys.
func (n *Node) Import(ctx context.Context, d ImportDraft) (Import, string, error) {
	who, err := n.actor("")
	if err != nil {
		return Import{}, "", err
	}
	keys, err := n.Keys()
	if err != nil {
		return Import{}, "", err
	}
	x, err := n.ExamineFile(ctx, d.BadgeInquiry)
	if err != nil {
		return Import{}, "", err
	}
	f := x.Foreign
	if f == nil {
		return Import{}, "", &badge.Invalid{Member: "file", Why: "is a badge of this network: it is brought in as a record"}
	}
	if err := f.refusal(); err != nil {
		return Import{}, "", err
	}
	// A key the badge names needs no other proof: an attestation is nothing
	// until that key has accepted it.
	named, ok := f.subject()
	if ok && (d.Recipient == "" || d.Recipient == string(named)) {
		f.Says(foreign.Recipient, foreign.Yes, foreign.SameRecipient, "")
		f.asked = true
		d.To = or(d.To, string(named))
	}
	if ok {
		if to, err := n.FindMember(d.To); err != nil || to != named {
			return Import{}, "", &BadBadge{Question: foreign.Recipient, Finding: foreign.Finding{Answer: foreign.No, Reason: foreign.OtherRecipient}}
		}
	}
	if lacks := f.unverified(n.now()); d.Publish && lacks != nil {
		return Import{}, "", lacks
	}
	holder, name, err := n.recipient(keys, d.To)
	if err != nil {
		return Import{}, "", err
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	return n.keepImport(ctx, d, f, who, holder, name)
}

// refusal returns why a badge is not taken in: any answer that is no, but for
// one that has ended, which was a badge.
func (f *Foreign) refusal() error {
	for q, finding := range f.Findings {
		if finding.Answer == foreign.No && finding.Reason != foreign.Expired {
			return &BadBadge{Question: foreign.Question(q), Finding: finding}
		}
	}
	if f.Findings[foreign.WellFormed].Answer != foreign.Yes || f.Findings[foreign.Shape].Answer != foreign.Yes {
		q := foreign.WellFormed
		if f.Findings[q].Answer == foreign.Yes {
			q = foreign.Shape
		}
		return &BadBadge{Question: q, Finding: f.Findings[q]}
	}
	if f.Older.Assertion == nil && Credential(f.Badge) == nil {
		return &BadBadge{Question: foreign.Shape, Finding: foreign.Finding{Answer: foreign.Unknown, Reason: foreign.OtherDocument}}
	}
	return nil
}

// unverified returns what keeps a badge from being attested, or nil: nobody can
// say "verified" of what was not. A list that could not be read is told as such
// and keeps nothing back.
func (f *Foreign) unverified(now time.Time) error {
	for _, q := range []foreign.Question{foreign.Signature, foreign.Issuer, foreign.Dates, foreign.Recipient} {
		if f.Findings[q].Answer != foreign.Yes || q == foreign.Recipient && !f.asked {
			return &BadBadge{Question: q, Finding: f.Findings[q], Unverified: true}
		}
	}
	if e := f.Claims.Expires; !e.IsZero() && !e.After(now) {
		return &BadBadge{Question: foreign.Dates, Finding: foreign.Finding{Answer: foreign.No, Reason: foreign.Expired}, Unverified: true}
	}
	return nil
}

// subject returns the key an Open Badges 3.0 badge names as its holder's.
func (f *Foreign) subject() (did.DID, bool) {
	subjects := Credential(f.Badge).Objects("credentialSubject")
	if len(subjects) == 0 {
		return "", false
	}
	d, err := did.Parse(subjects[0].Text("id"))
	return d, err == nil
}

// keepImport writes an import. The caller holds acting.
func (n *Node) keepImport(ctx context.Context, d ImportDraft, f *Foreign, who actor, holder did.DID, name string) (Import, string, error) {
	digest := sha256.Sum256(f.File)
	before, err := n.importOf(digest)
	switch {
	case errors.Is(err, ErrUnknownImport):
		if err = n.roomForImport(len(f.File)); err != nil {
			return Import{}, "", err
		}
	case err != nil:
		return Import{}, "", err
	case before.Holder != holder:
		return Import{}, "", &badge.Invalid{Member: "to", Why: "is another person than the badge is kept for here"}
	}
	i := Import{
		Original: protocol.CID(digest).String(), Size: len(f.File), Media: mediaOf(f), Address: d.Address,
		Container: string(f.Container), Standard: f.Standard, Kind: Shown(f.Kind, 64), Holder: holder, To: name,
		Claims: f.Claims, Verified: n.now().UTC().Truncate(time.Second), Verdict: f.conclude(), Notes: f.Notes,
	}
	for _, w := range f.Wanted[:min(len(f.Wanted), 5)] {
		i.Wanted = append(i.Wanted, Shown(w, 512))
	}
	for _, q := range f.Asked() {
		finding := f.Findings[q]
		finding.Detail = Shown(finding.Detail, 256)
		i.Findings = append(i.Findings, ImportFinding{q.String(), finding})
	}
	var class protocol.Record
	var attestation []byte
	if before.Award != "" { // published and accepted: that one stands
		i.Attested, i.ClassID, i.AwardID, i.Offered, i.Award, i.Losses = true, before.ClassID, before.AwardID, true, before.Award, before.Losses
	} else if f.unverified(n.now()) == nil {
		class, attestation, err = n.attest(&i, f, who, d.Territories)
		var lacks *BadBadge
		if errors.As(err, &lacks) && !d.Publish {
			err = nil // it is kept all the same
		}
		if err != nil {
			return Import{}, "", err
		}
	}
	switch {
	case d.Publish && before.Award != "":
		return Import{}, "", ErrAlreadyClaimed
	case attestation != nil: // the one before it is not to be accepted any more
		if err := n.dropOffer(before.AwardID); err != nil {
			return Import{}, "", err
		}
		i.Offered = d.Publish
	case before.Award == "": // what was signed stands, with its date
		i.Attested, i.ClassID, i.AwardID, i.Offered, i.Losses = before.Attested, before.ClassID, before.AwardID, before.Offered, before.Losses
	}
	if err := n.putParts(digest, partFile, f.File); err != nil {
		return Import{}, "", err
	}
	if attestation != nil {
		err = errors.Join(n.putParts(digest, partClass, class.Bytes()), n.putParts(digest, partAttestation, attestation))
	}
	if err == nil {
		err = n.putImport(digest, i)
	}
	if err != nil || !d.Publish {
		return i, "", err
	}
	if _, err := n.Accept(ctx, class.Bytes(), Source{Via: Issued}); err != nil {
		return Import{}, "", err
	}
	code := newCode()
	return i, code, n.putOffer(code, Offer{
		ID: i.AwardID, Class: class.CID().String(), Name: class.Document().(*badge.Achievement).Name, Holder: holder, To: name,
		Expires: n.now().Add(OfferLife).UTC().Truncate(time.Second), Document: attestation,
	})
}

// attest signs, in the name of the community, that it verified the badge, and
// the class that says what for. Nothing of it is public yet.
func (n *Node) attest(i *Import, f *Foreign, who actor, territories []territory.ID) (protocol.Record, []byte, error) {
	keys, err := n.Keys()
	if err != nil {
		return protocol.Record{}, nil, err
	}
	key, err := keys.Signer(who.ref.ID)
	if err != nil {
		return protocol.Record{}, nil, err
	}
	frame := who.frame(territories)
	achievement, losses, err := mapBadge(f, who.ref, frame)
	switch {
	case errors.Is(err, ob2.ErrIncomplete), errors.Is(err, ob2.ErrUndated):
		return protocol.Record{}, nil, &BadBadge{
			Question: foreign.Shape, Finding: foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NotAtHand}, Unverified: true,
		}
	case err != nil:
		return protocol.Record{}, nil, err
	}
	class, err := n.classOnce(&achievement, who.ref.ID)
	if err != nil {
		return protocol.Record{}, nil, err
	}
	if class.IsZero() {
		if class, err = protocol.Issue(&achievement, n.now(), key); err != nil {
			return protocol.Record{}, nil, err
		}
	}
	embedded := class.Document().(*badge.Achievement).Embedded(class.CID().String())
	origin := badge.Origin{
		Original: i.Original, Standard: f.Standard, IssuerName: textOf(f.Claims.IssuerName, 256), Issuer: f.Claims.Issuer,
		IssuedOn: f.Claims.IssuedOn, VerifiedOn: i.Verified,
	}
	for _, x := range i.Findings {
		origin.Findings = append(origin.Findings, badge.OriginFinding{Question: x.Question, Answer: x.Finding.Answer.String(), Reason: string(x.Finding.Reason)})
	}
	id := newID()
	award := &badge.AchievementCredential{
		Frame: frame, ID: id, Type: []string{"VerifiableCredential", "OpenBadgeCredential"}, Name: embedded.Name,
		Issuer: who.ref, ValidFrom: badge.FormatTime(n.now()), AwardedDate: optionalTime(f.Claims.IssuedOn), ValidUntil: optionalTime(f.Claims.Expires),
		Subject:  badge.AchievementSubject{ID: i.Holder, Type: []string{"AchievementSubject"}, Achievement: embedded},
		Evidence: []badge.Evidence{origin.Evidence(originWords(origin))},
	}
	attestation, err := protocol.Offer(award, n.now(), key)
	if err != nil {
		return protocol.Record{}, nil, err
	}
	i.Attested, i.ClassID, i.AwardID, i.Losses = true, achievement.ID, id, losses
	return class, attestation, nil
}

// originWords says an origin to whoever reads the badge elsewhere.
func originWords(o badge.Origin) string {
	who := or(o.IssuerName, or(o.Issuer, "?"))
	day := o.VerifiedOn.Format(time.DateOnly)
	return "Émis ailleurs par " + who + ", vérifié ici le " + day + ". Issued elsewhere by " + who + ", verified here on " + day + "."
}

// classOnce returns the class of this id that the community published, or that
// waits in another import, or the zero Record. A class is made once.
func (n *Node) classOnce(a *badge.Achievement, creator did.DID) (protocol.Record, error) {
	for e, err := range n.store.Find(store.Query{Kinds: []protocol.Kind{protocol.Class}, Author: creator}) {
		if err != nil {
			return protocol.Record{}, err
		}
		r, err := e.Record()
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return protocol.Record{}, err
		}
		if r.Document().(*badge.Achievement).ID == a.ID && e.State == protocol.Live {
			return r, nil
		}
	}
	for key, raw := range n.imports.Each() {
		other, err := readImport(raw)
		if err != nil {
			return protocol.Record{}, err
		}
		if other.ClassID != a.ID {
			continue
		}
		kept, err := n.parts([sha256.Size]byte(key), partClass)
		if err != nil || len(kept) == 0 {
			return protocol.Record{}, err
		}
		r, err := protocol.Verify(kept, n.now())
		if err != nil {
			return protocol.Record{}, err
		}
		// One that was published and retired is not taken up again.
		if _, err := n.store.State(r.CID()); errors.Is(err, store.ErrNotFound) {
			return r, nil
		}
	}
	return protocol.Record{}, nil
}
