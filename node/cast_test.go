package node_test

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ipfs/go-cid"
	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// The cast: a fablab, people, and a stranger. Nodes are named where they live.
var (
	tyfab   = key("tyfab")
	alice   = key("alice")
	bob     = key("bob")
	mallory = key("mallory")
	noon    = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)
)

const (
	brest   territory.ID = "fr:epci:242900314"
	rennes  territory.ID = "fr:epci:243500139"
	quimper territory.ID = "fr:epci:200068120"
)

func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("essaim node test " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

func didOf(k ed25519.PrivateKey) did.DID { return did.FromPublicKey(k.Public().(ed25519.PublicKey)) }

// uuid returns an id that depends on its arguments only.
func uuid(parts ...any) string {
	h := sha256.Sum256([]byte(fmt.Sprint(parts...)))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

func in(ids ...territory.ID) badge.Frame {
	if len(ids) == 0 {
		ids = []territory.ID{brest}
	}
	f := badge.Frame{}
	for _, id := range ids {
		f.Territory = append(f.Territory, string(id))
	}
	return f
}

func must[T any](v T, err error) func(t testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

func issue(t testing.TB, d badge.Document, at time.Time, k ed25519.PrivateKey) protocol.Record {
	t.Helper()
	return must(protocol.Issue(d, at, k))(t)
}

func class(t testing.TB, name string, by ed25519.PrivateKey, at time.Time, change ...func(*badge.Achievement)) protocol.Record {
	t.Helper()
	a := &badge.Achievement{
		Frame: in(), ID: uuid("class", name), Type: []string{"Achievement"}, Name: name, Description: "Sait " + name,
		Criteria: badge.Criteria{Narrative: "Trois pièces."},
		Creator:  &badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}, Name: "TyFab"},
	}
	for _, c := range change {
		c(a)
	}
	return issue(t, a, at, by)
}

// levels gives a class levels 1 to 3.
func levels(a *badge.Achievement) {
	d := badge.ResultDescription{ID: a.ID + "#n", Type: []string{"ResultDescription"}, Name: "Niveau", ResultType: "RubricCriterionLevel"}
	for _, l := range []string{"1", "2", "3"} {
		d.Level = append(d.Level, badge.RubricLevel{ID: a.ID + "#" + l, Type: []string{"RubricCriterionLevel"}, Name: "Niveau " + l, Level: l})
	}
	a.ResultDescription = []badge.ResultDescription{d}
}

func award(t testing.TB, class protocol.Record, by, to ed25519.PrivateKey, at time.Time, change ...func(*badge.AchievementCredential)) protocol.Record {
	t.Helper()
	a := class.Document().(*badge.Achievement).Embedded(class.CID().String())
	c := &badge.AchievementCredential{
		Frame: in(), ID: uuid("award", class.CID(), didOf(by), didOf(to), at), Type: []string{"VerifiableCredential", "OpenBadgeCredential"},
		Name: a.Name, Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}, Name: "TyFab"},
		ValidFrom: badge.FormatTime(at),
		Subject:   badge.AchievementSubject{ID: didOf(to), Type: []string{"AchievementSubject"}, Achievement: a, Narrative: "secretstory"},
	}
	for _, f := range change {
		f(c)
	}
	offer := must(protocol.Offer(c, at, by))(t)
	return must(protocol.CoSign(offer, at, to))(t)
}

// at level gives an award a level.
func level(n int) func(*badge.AchievementCredential) {
	return func(c *badge.AchievementCredential) {
		d := c.Subject.Achievement.ResultDescription[0]
		c.Subject.Result = []badge.Result{{Type: []string{"Result"}, ResultDescription: d.ID, AchievedLevel: d.Level[n-1].ID}}
	}
}

func placed(ids ...territory.ID) func(*badge.AchievementCredential) {
	return func(c *badge.AchievementCredential) { c.Frame = in(ids...) }
}

func endorse(t testing.TB, target protocol.Record, by ed25519.PrivateKey, at time.Time) protocol.Record {
	t.Helper()
	return issue(t, &badge.EndorsementCredential{
		Frame: in(), ID: uuid("endorse", target.CID(), didOf(by), at), Type: []string{"VerifiableCredential", "EndorsementCredential"},
		Name: "Soutien", Issuer: badge.ProfileRef{ID: didOf(by), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(at),
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

func notice(t testing.TB, n int, by ed25519.PrivateKey, at time.Time, ids ...territory.ID) protocol.Record {
	t.Helper()
	return issue(t, &badge.Notice{
		Frame: in(ids...), ID: uuid("notice", n, didOf(by)), Type: []string{"essaim:Notice"}, Author: didOf(by), Direction: badge.Offer,
		Name: fmt.Sprint("Annonce ", n), Description: "Venez.", Tag: []string{"laser"}, Until: badge.FormatTime(at.AddDate(0, 6, 0)),
	}, at, by)
}

// clock is a time that a test sets. The zero clock stands at noon.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time       { return noon.Add(time.Duration(c.ahead.Load())) }
func (c *clock) pass(d time.Duration) { c.ahead.Add(int64(d)) }

// box is a running node.
type box struct {
	*node.Node
	t     testing.TB
	clock *clock
	dir   string
	stop  func() // ends Run and closes; may be called twice
}

// configure is the config of a box in dir.
func configure(dir string, c *clock) node.Config {
	return node.Config{
		Dir: dir, Network: true, Listen: []string{"/ip4/127.0.0.1/tcp/0"}, InMemory: true, Clock: c.now, MinFree: 1 << 20,
	}
}

// start runs a node that follows territories.
func start(t testing.TB, follows ...territory.ID) *box {
	t.Helper()
	c := &clock{}
	return run(t, configure(t.TempDir(), c), c, follows...)
}

func run(t testing.TB, config node.Config, c *clock, follows ...territory.ID) *box {
	t.Helper()
	n, err := node.New(config)
	if err != nil {
		t.Fatal(err)
	}
	n.Quicken()
	for _, id := range follows {
		if err := n.Follow(id); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	stopped := false
	b := &box{Node: n, t: t, clock: c, dir: config.Dir}
	b.stop = func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		select {
		case err := <-ended:
			if err != nil {
				t.Errorf("Run: got %v, want nil", err)
			}
		case <-time.After(30 * time.Second):
			t.Error("Run did not end")
		}
		if err := n.Close(); err != nil {
			t.Errorf("Close: got %v, want nil", err)
		}
	}
	t.Cleanup(b.stop)
	eventually(t, "gossip runs", func() bool { return n.Following() == len(n.Followed()) })
	return b
}

// eventually waits until a condition holds.
func eventually(t testing.TB, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(time.Minute) // of a machine that is starved
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("still not after a minute: %s", what)
		}
	}
}

// join connects b to others and waits until each hears what the other follows.
func (b *box) join(others ...*box) {
	b.t.Helper()
	for _, o := range others {
		if _, err := b.AddPeer(o.Addrs()[0]); err != nil {
			b.t.Fatal(err)
		}
	}
	for _, o := range others {
		b.hears(o)
		o.hears(b)
	}
}

// hears waits until b passes on to o what it hears of the territories that both
// follow. Before, gossip that is passed on passes o by.
func (b *box) hears(o *box) {
	b.t.Helper()
	for _, id := range b.Followed() {
		if slices.Contains(o.Followed(), id) {
			eventually(b.t, "neighbours share a mesh", func() bool { return b.Meshed(o.PeerID(), protocol.Topic(id)) })
		}
	}
}

// children are what this program does as a process that a benchmark measures or a
// test kills, by the value of ESSAIM_NODE_CHILD, in the folder of
// ESSAIM_NODE_DIR; atEnd is what benchmarks leave to be done.
var (
	children = map[string]func(dir string){}
	atEnd    []func()
	// usualHeartbeat, usualRelaying and usualMeetings are those of the code.
	usualHeartbeat time.Duration
	usualRelaying  = *node.Relaying
	usualMeetings  = *node.Meetings
)

// Meshes form on heartbeats, and tests wait for them.
func TestMain(m *testing.M) {
	if what := os.Getenv("ESSAIM_NODE_CHILD"); what != "" {
		children[what](os.Getenv("ESSAIM_NODE_DIR"))
	}
	usualHeartbeat = node.Gossip.Heartbeat
	node.Gossip.Heartbeat = 50 * time.Millisecond
	node.Relaying.Every, node.Relaying.Again = 100*time.Millisecond, 100*time.Millisecond
	node.Meetings.Look = 200 * time.Millisecond
	code := m.Run()
	for _, f := range atEnd {
		f()
	}
	os.Exit(code)
}

func (b *box) peer(id peer.ID) (node.Peer, bool) {
	for _, p := range must(b.Peers())(b.t) {
		if p.ID == id {
			return p, true
		}
	}
	return node.Peer{}, false
}

// upload brings records through the door.
func (b *box) upload(records ...protocol.Record) {
	b.t.Helper()
	for _, r := range records {
		if _, err := b.Accept(context.Background(), r.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *box) has(r protocol.Record) bool { return b.Store().Has(r.Digest()) == store.Present }

// gets waits until b has records.
func (b *box) gets(records ...protocol.Record) {
	b.t.Helper()
	for _, r := range records {
		eventually(b.t, "record "+r.CID().String()+" came", func() bool { return b.has(r) })
	}
}

// set is what a node holds of a territory.
func set(t testing.TB, n *node.Node, id territory.ID) []store.Digest {
	t.Helper()
	var out []store.Digest
	for d, err := range n.Store().Digests(id) {
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, d)
	}
	return out
}

// settle makes b a community in a place.
func (b *box) settle(name, place string) node.Community {
	b.t.Helper()
	c, err := b.Setup(context.Background(), node.Community{Name: name, Place: place}, keyFile(b.t, b.dir))
	if err != nil {
		b.t.Fatal(err)
	}
	return c
}

// keyFile protects keys without a passphrase.
func keyFile(t testing.TB, dir string) keyring.Protection {
	t.Helper()
	return keyring.Protection{KeyFile: filepath.Join(filepath.Dir(dir), filepath.Base(dir)+".key")}
}

// wants reports an error other than the one wanted.
func wants(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
