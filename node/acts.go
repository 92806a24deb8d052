package node

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Skill ties a class to a skill of a framework.
type Skill struct {
	Framework string // ESCO, ROME, DigComp, CRCN or any other name
	URL       string
	Name      string // the label people read and search
	Code      string
}

// ClassDraft is what a person says of a new badge class. Name, Description and
// one of the two criteria are needed.
type ClassDraft struct {
	Name, Description string
	Criteria          string // text
	CriteriaURL       string
	Type              string // achievementType; empty is none
	Tags              []string
	Skills            []Skill
	Levels            []int // 1 to 5, rising; none is a class without levels
	Rule              *badge.Rule
	Licence           string // SPDX; empty is CC-BY-SA-4.0
	Language          string // empty is fr
	DerivedFrom       cid.Cid
	Territories       []territory.ID // empty is the home territory
	As                did.DID        // empty is the community
}

// NewClass publishes a badge class.
func (n *Node) NewClass(ctx context.Context, d ClassDraft) (protocol.Record, error) {
	who, err := n.actor(d.As)
	if err != nil {
		return protocol.Record{}, err
	}
	a := &badge.Achievement{
		Frame: who.frame(d.Territories), ID: newID(), Type: []string{"Achievement"},
		Name: d.Name, Description: d.Description,
		Criteria: badge.Criteria{ID: webAddress(d.CriteriaURL), Narrative: d.Criteria},
		Creator:  &who.ref, AchievementType: d.Type, Tag: d.Tags,
		InLanguage: or(d.Language, "fr"), Rule: d.Rule, Licence: or(d.Licence, "CC-BY-SA-4.0"),
	}
	if d.DerivedFrom.Defined() {
		a.DerivedFrom = d.DerivedFrom.String()
	}
	for _, s := range d.Skills {
		a.Alignment = append(a.Alignment, badge.Alignment{
			Type: []string{"Alignment"}, TargetName: s.Name, TargetURL: webAddress(s.URL),
			TargetFramework: s.Framework, TargetType: "ext:" + s.Framework, TargetCode: s.Code,
		})
	}
	if len(d.Levels) > 0 {
		a.ResultDescription = []badge.ResultDescription{levels(a.ID, a.InLanguage, d.Levels)}
	}
	return n.issue(ctx, a, who.ref.ID)
}

func levels(id, language string, numbers []int) badge.ResultDescription {
	word := "Niveau"
	if !strings.HasPrefix(language, "fr") {
		word = "Level"
	}
	d := badge.ResultDescription{
		ID: id + "#levels", Type: []string{"ResultDescription"}, Name: word, ResultType: "RubricCriterionLevel",
	}
	for _, i := range numbers {
		s := strconv.Itoa(i)
		d.Level = append(d.Level, badge.RubricLevel{
			ID: id + "#" + s, Type: []string{"RubricCriterionLevel"}, Name: word + " " + s, Level: s,
		})
	}
	return d
}

// EndorsementDraft is what a person says to back a record or an identity.
type EndorsementDraft struct {
	CID         cid.Cid // an award or a class; of a profile, optional
	DID         did.DID // whose profile is endorsed
	Comment     string
	Until       time.Time // zero is none: two years count for trust
	Weight      int
	Territories []territory.ID
	As          did.DID
}

// Endorse publishes an endorsement. Of a record, the record must be here: an
// endorsement names an exact version that was seen.
func (n *Node) Endorse(ctx context.Context, d EndorsementDraft) (protocol.Record, error) {
	who, err := n.actor(d.As)
	if err != nil {
		return protocol.Record{}, err
	}
	subject := badge.EndorsementSubject{Type: []string{"EndorsementSubject"}, Comment: d.Comment, Weight: d.Weight}
	if d.CID.Defined() {
		target, err := n.store.Get(d.CID)
		if err != nil {
			return protocol.Record{}, err
		}
		subject.CID = d.CID.String()
		switch t := target.Document().(type) {
		case *badge.AchievementCredential:
			subject.ID = t.ID
		case *badge.Achievement:
			subject.ID = t.ID
		case *badge.Profile:
			subject.ID = string(t.ID)
		default:
			return protocol.Record{}, &badge.Invalid{Member: d.CID.String(), Why: "is a " + target.Kind().String() + ": only awards, classes and profiles are endorsed"}
		}
		if d.Territories == nil {
			d.Territories = target.Territories()
		}
	} else {
		subject.ID = string(d.DID)
	}
	now := n.now()
	return n.issue(ctx, &badge.EndorsementCredential{
		Frame: who.frame(d.Territories), ID: newID(), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Endorsement", Issuer: who.ref, ValidFrom: badge.FormatTime(now), ValidUntil: optionalTime(d.Until),
		Subject: subject,
	}, who.ref.ID)
}

// StatusDraft changes the state of a record.
type StatusDraft struct {
	Target cid.Cid
	State  string // badge.Revoked and so on
	Reason string // one of badge.StatusReasons; empty is other
	As     did.DID
}

// NotEntitled says that nobody this node signs for may set a state.
type NotEntitled struct {
	State  string
	Target protocol.Record
}

// Error implements error.
func (e *NotEntitled) Error() string {
	return fmt.Sprintf("%s %s cannot be set to %s by a key of this node", e.Target.Kind(), e.Target.CID(), e.State)
}

// SetStatus publishes a new state of a record here, signed by whoever of this
// node's keys is entitled to it: the community, or the member who holds an
// award. It fails with *NotEntitled otherwise.
func (n *Node) SetStatus(ctx context.Context, d StatusDraft) (protocol.Record, error) {
	target, err := n.store.Get(d.Target)
	if err != nil {
		return protocol.Record{}, err
	}
	state, err := n.store.State(d.Target)
	if err != nil {
		return protocol.Record{}, err
	}
	if state.Final() && d.State != badge.Erased {
		return protocol.Record{}, &badge.Invalid{Member: d.Target.String(), Why: "is " + state.String() + " already, and that is final"}
	}
	if d.As == "" {
		d.As = target.Author()
		if target.Kind() == protocol.Award && (d.State == badge.Renounced || d.State == badge.Erased) {
			d.As = target.Holder()
		}
	}
	keys, err := n.Keys()
	if err != nil {
		return protocol.Record{}, err
	}
	key, err := keys.Signer(d.As)
	if errors.Is(err, keyring.ErrNoKey) {
		return protocol.Record{}, fmt.Errorf("%w: %w", &NotEntitled{d.State, target}, err)
	}
	if err != nil {
		return protocol.Record{}, err // locked: entitled, were it open
	}
	frame := badge.Frame{}
	for _, id := range target.Territories() {
		frame.Territory = append(frame.Territory, string(id))
	}
	at := n.now()
	earlier, err := n.store.Statuses(d.Target)
	if err != nil {
		return protocol.Record{}, err
	}
	for _, s := range earlier {
		if s.Author() == d.As {
			at = following(at, s)
		}
	}
	status, err := protocol.Issue(&badge.Status{
		Frame: frame, ID: newID(), Type: []string{"essaim:Status"}, Author: d.As,
		Target: d.Target.String(), State: d.State, Reason: or(d.Reason, "other"),
	}, at, key)
	if err != nil {
		return protocol.Record{}, err
	}
	if !protocol.Entitled(status, target) {
		return protocol.Record{}, &NotEntitled{d.State, target}
	}
	receipt, err := n.Accept(ctx, status.Bytes(), Source{Via: Issued})
	return receipt.Record, err
}

// following returns when to sign what is to count after earlier: now, or a
// second later than earlier, since signed times are whole seconds and two people
// may be quick.
func following(now time.Time, earlier protocol.Record) time.Time {
	if !earlier.IsZero() && !now.Truncate(time.Second).After(earlier.Created()) {
		return earlier.Created().Add(time.Second)
	}
	return now
}

// Publish signs any document but an award or a succession in the name of as,
// which must be its author and a key of this node, and takes it through the door.
func (n *Node) Publish(ctx context.Context, document badge.Document, as did.DID) (protocol.Record, error) {
	return n.issue(ctx, document, as)
}

// actor is in whose name something is done.
type actor struct {
	ref  badge.ProfileRef
	home territory.ID
}

// actor returns the community, or the member whose DID as is.
func (n *Node) actor(as did.DID) (actor, error) {
	c, err := n.Community()
	if err != nil {
		return actor{}, err
	}
	if as == "" || as == c.DID {
		return actor{badge.ProfileRef{ID: c.DID, Type: []string{"Profile"}, Name: c.Name, URL: c.URL}, c.Territory}, nil
	}
	// A member's name is theirs to publish, in a profile, not ours.
	return actor{badge.ProfileRef{ID: as, Type: []string{"Profile"}}, c.Territory}, nil
}

// frame places a document in the given territories, or at home.
func (a actor) frame(ids []territory.ID) badge.Frame {
	if len(ids) == 0 {
		ids = []territory.ID{a.home}
	}
	f := badge.Frame{}
	for _, id := range ids {
		f.Territory = append(f.Territory, string(id))
	}
	return f
}

func newID() string { return "urn:uuid:" + uuid.NewString() }

func or(s, fallback string) string {
	if s == "" {
		return fallback
	}
	return s
}

func optionalTime(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return badge.FormatTime(t)
}
