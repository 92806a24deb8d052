package node

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/go-json-experiment/json"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

const (
	bucketOffers = "offers" // sha256 of the code → Offer as JSON

	// OfferLife is how long a claim code works.
	OfferLife = 14 * 24 * time.Hour
)

// AwardDraft is what a person says to award a badge.
type AwardDraft struct {
	Class cid.Cid
	// To is who receives it: a DID, or the name of a member of this
	// community, who gets a key on the first award. The name stays in this
	// folder; the badge does not hold it.
	To          string
	Level       int // 0 when the class has none, or has one only
	Narrative   string
	Evidence    []badge.Evidence
	AwardedOn   time.Time // zero is now
	Until       time.Time // zero is never
	Territories []territory.ID
	As          did.DID
}

// Offer is an award its holder has not accepted yet. It is private: a file
// between issuer and holder.
type Offer struct {
	ID      string    `json:"id"` // of the credential
	Class   string    `json:"class"`
	Name    string    `json:"name"`
	Holder  did.DID   `json:"holder"`
	To      string    `json:"to,omitempty"` // the member's name, if one was given
	Expires time.Time `json:"expires"`
	// Document is the award with the proofs of its issuer.
	Document []byte `json:"document"`
	// Claimed is the CID of the award once the holder has accepted.
	Claimed string `json:"claimed,omitempty"`
}

// Errors of claiming.
var (
	ErrUnknownCode    = errors.New("no offer has this claim code")
	ErrExpiredCode    = errors.New("this claim code has expired: ask for a new one where the badge was awarded")
	ErrAlreadyClaimed = errors.New("this badge has been claimed already")
)

// Award signs an award and returns it as an offer with the code its holder
// claims it with, "7KQ2-MD4X-P9TR". Only the hash of the code is kept. Nothing
// is public before Claim.
func (n *Node) Award(_ context.Context, d AwardDraft) (Offer, string, error) {
	who, err := n.actor(d.As)
	if err != nil {
		return Offer{}, "", err
	}
	class, err := n.store.Get(d.Class)
	if err != nil {
		return Offer{}, "", err
	}
	achievement, ok := class.Document().(*badge.Achievement)
	if !ok {
		return Offer{}, "", &badge.Invalid{Member: d.Class.String(), Why: "is a " + class.Kind().String() + ", not a badge class"}
	}
	if state, err := n.store.State(d.Class); err != nil {
		return Offer{}, "", err
	} else if state == protocol.Retired {
		return Offer{}, "", &badge.Invalid{Member: d.Class.String(), Why: "is retired: no new badge of it is awarded"}
	}
	embedded := achievement.Embedded(d.Class.String())
	results, err := achieved(&embedded, d.Level)
	if err != nil {
		return Offer{}, "", err
	}
	keys, err := n.Keys()
	if err != nil {
		return Offer{}, "", err
	}
	key, err := keys.Signer(who.ref.ID)
	if err != nil {
		return Offer{}, "", err
	}
	holder, name, err := n.recipient(keys, d.To)
	if err != nil {
		return Offer{}, "", err
	}
	now := n.now()
	awarded := badge.FormatTime(now)
	if !d.AwardedOn.IsZero() {
		awarded = badge.FormatTime(d.AwardedOn)
	}
	id := newID()
	document, err := protocol.Offer(&badge.AchievementCredential{
		Frame: who.frame(d.Territories), ID: id, Type: []string{"VerifiableCredential", "OpenBadgeCredential"},
		Name: embedded.Name, Issuer: who.ref, ValidFrom: awarded, AwardedDate: awarded, ValidUntil: optionalTime(d.Until),
		Subject: badge.AchievementSubject{
			ID: holder, Type: []string{"AchievementSubject"}, Achievement: embedded, Narrative: d.Narrative, Result: results,
		},
		Evidence: webEvidence(d.Evidence),
	}, now, key)
	if err != nil {
		return Offer{}, "", err
	}
	offer := Offer{
		ID: id, Class: d.Class.String(), Name: embedded.Name, Holder: holder, To: name,
		Expires: now.Add(OfferLife).UTC().Truncate(time.Second), Document: document,
	}
	code := newCode()
	return offer, code, n.putOffer(code, offer)
}

// achieved returns the result that says which level was reached.
func achieved(a *badge.Achievement, level int) ([]badge.Result, error) {
	all := a.Levels()
	if level == 0 && len(all) == 1 {
		level = int(all[0].Level[0] - '0')
	}
	if level == 0 && len(all) == 0 {
		return nil, nil
	}
	for _, l := range all {
		if l.Level == fmt.Sprint(level) {
			return []badge.Result{{
				Type: []string{"Result"}, ResultDescription: a.ResultDescription[0].ID, AchievedLevel: l.ID,
			}}, nil
		}
	}
	if len(all) == 0 {
		return nil, &badge.Invalid{Member: "level", Why: "does not go with this class: it has no levels"}
	}
	var have []string
	for _, l := range all {
		have = append(have, l.Level)
	}
	return nil, &badge.Invalid{Member: "level", Why: "is missing or unknown: this class has " + strings.Join(have, ", ")}
}

// recipient finds or makes the key an award is for.
func (n *Node) recipient(keys *keyring.Keyring, to string) (did.DID, string, error) {
	if d, err := did.Parse(to); err == nil {
		return d, "", nil
	}
	to = strings.TrimSpace(to)
	if to == "" {
		return "", "", &badge.Invalid{Member: "to", Why: "is missing: give a name or a did:key"}
	}
	if strings.HasPrefix(to, "did:") {
		return "", "", &badge.Invalid{Member: to, Why: "is not a did:key of an Ed25519 key"}
	}
	n.acting.Lock()
	defer n.acting.Unlock()
	members, err := keys.Members()
	if err != nil {
		return "", "", err
	}
	for _, m := range members {
		if m.Name == to {
			return m.DID, to, nil
		}
	}
	d, err := keys.AddMember(to, n.now())
	return d, to, err
}

// Claim is the holder's co-signature: the award of the offer with this code
// becomes a record and is public in its territories. With publicName the holder
// says who they are in a profile of their own; without, they stay a key. It
// fails with ErrUnknownCode, ErrExpiredCode or ErrAlreadyClaimed.
func (n *Node) Claim(ctx context.Context, code, publicName string) (protocol.Record, error) {
	n.acting.Lock()
	defer n.acting.Unlock()
	offer, err := n.OfferOf(code)
	if err != nil {
		return protocol.Record{}, err
	}
	// An award may be there whose offer does not say so, if the last attempt
	// was cut short between the two.
	r, err := n.claimed(offer.Holder, offer.ID)
	if err != nil {
		return protocol.Record{}, err
	}
	if r.IsZero() {
		if r, err = n.accept(ctx, offer.Document, publicName); err != nil {
			return protocol.Record{}, err
		}
	}
	offer.Claimed, offer.To = r.CID().String(), ""
	offer.Document = nil
	return r, n.putOffer(code, offer)
}

// ClaimFile accepts an offer from a file, for a holder whose key is here. It
// fails with ErrAlreadyClaimed when the award is here.
func (n *Node) ClaimFile(ctx context.Context, document []byte, publicName string) (protocol.Record, error) {
	n.acting.Lock()
	defer n.acting.Unlock()
	award, err := protocol.ParseOffer(document, n.now())
	if err != nil {
		return protocol.Record{}, err
	}
	r, err := n.claimed(award.Subject.ID, award.ID)
	if err != nil {
		return protocol.Record{}, err
	}
	if !r.IsZero() {
		return protocol.Record{}, ErrAlreadyClaimed
	}
	return n.accept(ctx, document, publicName)
}

// claimed returns the award with this id that holder has accepted, or the zero
// Record. It reads all of the holder's awards.
func (n *Node) claimed(holder did.DID, id string) (protocol.Record, error) {
	for e, err := range n.store.Find(store.Query{Kinds: []protocol.Kind{protocol.Award}, Holder: holder}) {
		if err != nil {
			return protocol.Record{}, err
		}
		r, err := e.Record()
		if err != nil {
			return protocol.Record{}, err
		}
		if r.Document().(*badge.AchievementCredential).ID == id {
			return r, nil
		}
	}
	return protocol.Record{}, nil
}

// accept co-signs an offer and takes it through the door. The caller holds
// acting.
func (n *Node) accept(ctx context.Context, document []byte, publicName string) (protocol.Record, error) {
	award, err := protocol.ParseOffer(document, n.now())
	if err != nil {
		return protocol.Record{}, err
	}
	keys, err := n.Keys()
	if err != nil {
		return protocol.Record{}, err
	}
	key, err := keys.Signer(award.Subject.ID)
	if err != nil {
		return protocol.Record{}, err
	}
	r, err := protocol.CoSign(document, n.now(), key)
	if err != nil {
		return protocol.Record{}, err
	}
	if publicName = strings.TrimSpace(publicName); publicName != "" && publicName != n.NameOf(award.Subject.ID) {
		profile := &badge.Profile{
			Frame: badge.Frame{Territory: award.Territory}, ID: award.Subject.ID, Type: []string{"Profile"},
			Kind: badge.Person, Name: publicName,
		}
		if _, err := n.issue(ctx, profile, award.Subject.ID); err != nil {
			return protocol.Record{}, err
		}
	}
	receipt, err := n.Accept(ctx, r.Bytes(), Source{Via: Issued})
	return receipt.Record, err
}

// OfferOf returns the offer a code stands for, when it can still be claimed.
func (n *Node) OfferOf(code string) (Offer, error) {
	key := hashCode(code)
	raw, err := n.offers.Get(key[:])
	if errors.Is(err, store.ErrNotFound) {
		return Offer{}, ErrUnknownCode
	}
	if err != nil {
		return Offer{}, err
	}
	offer, err := readOffer(raw)
	switch {
	case err != nil:
		return Offer{}, err
	case offer.Claimed != "":
		return offer, ErrAlreadyClaimed
	case n.now().After(offer.Expires):
		return offer, ErrExpiredCode
	}
	return offer, nil
}

// Offers returns every offer made here, the one that expires last first.
func (n *Node) Offers() ([]Offer, error) {
	var out []Offer
	for _, raw := range n.offers.Each() {
		offer, err := readOffer(raw)
		if err != nil {
			return nil, err
		}
		out = append(out, offer)
	}
	slices.SortFunc(out, func(a, b Offer) int {
		if c := b.Expires.Compare(a.Expires); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return out, nil
}

func (n *Node) putOffer(code string, offer Offer) error {
	raw, err := json.Marshal(offer)
	if err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	key := hashCode(code)
	if err := n.offers.Put(key[:], raw); err != nil {
		return fmt.Errorf("offer: %w", err)
	}
	return nil
}

func readOffer(raw []byte) (Offer, error) {
	var offer Offer
	if err := json.Unmarshal(raw, &offer); err != nil {
		return offer, fmt.Errorf("offer: %w", err)
	}
	return offer, nil
}

// newCode returns a claim code of twelve characters, 58 bits, without those that
// look alike on paper (0 O, 1 I L, U V). Guessing one in
// OfferLife at a thousand tries a second succeeds once in a hundred million times.
func newCode() string {
	const letters = "23456789ABCDEFGHJKMNPQRSTWXYZ" // 29
	code := make([]byte, 0, 14)
	var b [1]byte
	for len(code) < 14 {
		if len(code) == 4 || len(code) == 9 {
			code = append(code, '-')
		}
		if _, err := rand.Read(b[:]); err != nil {
			panic(err) // never: crypto/rand ends the program instead
		}
		if int(b[0]) < 8*len(letters) {
			code = append(code, letters[int(b[0])%len(letters)])
		}
	}
	return string(code)
}

// hashCode returns what is kept of a code. People type codes as they like: case,
// spaces, dashes of any kind and other marks do not matter.
func hashCode(code string) [sha256.Size]byte {
	clean := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r)) {
			return unicode.ToUpper(r)
		}
		return -1
	}, code)
	return sha256.Sum256([]byte("essaim claim " + clean))
}
