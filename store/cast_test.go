package store_test

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// The cast: a fablab that makes classes and awards, people, and a stranger.
var (
	tyfab   = key("tyfab")
	alice   = key("alice")
	bob     = key("bob")
	mallory = key("mallory")
	noon    = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
)

const (
	brest  = "fr:epci:242900314"
	rennes = "fr:epci:243500139"
)

func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("essaim store test " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func didOf(k ed25519.PrivateKey) did.DID { return did.FromPublicKey(k.Public().(ed25519.PublicKey)) }

// uuid returns an id that depends on its arguments only.
func uuid(parts ...any) string {
	h := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func in(territories ...string) badge.Frame {
	if len(territories) == 0 {
		territories = []string{brest}
	}
	return badge.Frame{Territory: territories}
}

func issue(t testing.TB, d badge.Document, at time.Time, k ed25519.PrivateKey) protocol.Record {
	t.Helper()
	r, err := protocol.Issue(d, at, k)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func class(t testing.TB, name string, by ed25519.PrivateKey) protocol.Record {
	t.Helper()
	return issue(t, &badge.Achievement{
		Frame: in(), ID: uuid("class", name), Type: []string{"Achievement"}, Name: name, Description: "Sait " + name,
		Criteria: badge.Criteria{Narrative: "Trois pièces."},
		Creator:  &badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}, Name: "TyFab"},
	}, noon, by)
}

func award(t testing.TB, class protocol.Record, by, to ed25519.PrivateKey, at time.Time, frame badge.Frame) protocol.Record {
	t.Helper()
	a := class.Document().(*badge.Achievement).Embedded(class.CID().String())
	offer, err := protocol.Offer(&badge.AchievementCredential{
		Frame: frame, ID: uuid("award", class.CID(), didOf(by), didOf(to), at), Type: []string{"VerifiableCredential", "OpenBadgeCredential"},
		Name: a.Name, Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}, Name: "TyFab"},
		ValidFrom: badge.FormatTime(at), ValidUntil: badge.FormatTime(at.AddDate(3, 0, 0)),
		Subject: badge.AchievementSubject{ID: didOf(to), Type: []string{"AchievementSubject"}, Achievement: a, Narrative: "secretstory"},
	}, at, by)
	if err != nil {
		t.Fatal(err)
	}
	r, err := protocol.CoSign(offer, at, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func endorse(t testing.TB, target protocol.Record, by ed25519.PrivateKey, at time.Time, until string) protocol.Record {
	t.Helper()
	return issue(t, &badge.EndorsementCredential{
		Frame: in(), ID: uuid("endorse", target.CID(), didOf(by), at), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Soutien", Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(at), ValidUntil: until,
		Subject: badge.EndorsementSubject{ID: uuid("x"), Type: []string{"EndorsementSubject"}, CID: target.CID().String()},
	}, at, by)
}

func status(t testing.TB, target cid.Cid, state string, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Status{
		Frame: in(), ID: uuid("status", target, state, at), Type: []string{"essaim:Status"}, Author: didOf(by),
		Target: target.String(), State: state, Reason: "request",
	}, at, by)
}

func notice(t testing.TB, n int, by ed25519.PrivateKey, at time.Time, text string, territories ...string) protocol.Record {
	t.Helper()
	return issue(t, &badge.Notice{
		Frame: in(territories...), ID: uuid("notice", n, didOf(by)), Type: []string{"essaim:Notice"}, Author: didOf(by), Direction: badge.Offer,
		Name: fmt.Sprint("Annonce ", n), Description: text, Tag: []string{"laser"}, Until: badge.FormatTime(at.AddDate(0, 6, 0)),
	}, at, by)
}

func profile(t testing.TB, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Profile{
		Frame: in(), ID: didOf(by), Type: []string{"Profile"}, Kind: badge.Group, Name: fmt.Sprint("Atelier ", at.Unix()),
	}, at, by)
}

func endorseProfile(t testing.TB, of, by ed25519.PrivateKey, read string, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.EndorsementCredential{
		Frame: in(), ID: uuid("endorse", didOf(of), didOf(by), at), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Soutien", Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(at),
		Subject: badge.EndorsementSubject{ID: string(didOf(of)), Type: []string{"EndorsementSubject"}, CID: read},
	}, at, by)
}

func dispute(t testing.TB, target string, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.Dispute{
		Frame: in(), ID: uuid("dispute", target, at), Type: []string{"essaim:Dispute"}, Author: didOf(by),
		Target: target, Reason: "never-happened", Comment: "Je n'y étais pas.", Until: badge.FormatTime(at.AddDate(1, 0, 0)),
	}, at, by)
}

func succession(t testing.TB, from, to ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	r, err := protocol.Succeed(&badge.Succession{
		Frame: in(), ID: uuid("succession", didOf(from), didOf(to)), Type: []string{"essaim:Succession"}, From: didOf(from), To: didOf(to),
	}, at, from, to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func derived(t testing.TB, from protocol.Record, by ed25519.PrivateKey) protocol.Record {
	t.Helper()
	d := *from.Document().(*badge.Achievement)
	return issue(t, &badge.Achievement{
		Frame: in(rennes), ID: uuid("derived", from.CID()), Type: d.Type, Name: d.Name + ", deux", Description: d.Description, Criteria: d.Criteria,
		Creator: &badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}}, DerivedFrom: from.CID().String(),
	}, noon, by)
}

func open(t testing.TB, cfg store.Config) *store.Store {
	t.Helper()
	if cfg.Now == nil {
		cfg.Now = func() time.Time { return noon.AddDate(0, 1, 0) }
	}
	s, err := store.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func onDisk(t testing.TB) (*store.Store, string) {
	t.Helper()
	dir := t.TempDir()
	return open(t, store.Config{Dir: dir, MinFree: 1 << 20}), dir
}

func inMemory(t testing.TB) *store.Store {
	t.Helper()
	return open(t, store.Config{InMemory: true})
}

func put(t testing.TB, s *store.Store, records ...protocol.Record) []store.Outcome {
	t.Helper()
	out, err := s.Put(records...)
	if err != nil {
		t.Fatal(err)
	}
	return out
}
