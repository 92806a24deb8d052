package demo_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"codeberg.org/essaim/essaim/cmd/essaim/demo"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// Everything once, small: three nodes come to hold the same records, and tell
// what a person is told.
func TestOnce(t *testing.T) {
	dir, export := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "records")
	told := map[demo.Step]int{}
	heard := map[string]int{}
	report, err := demo.Run(t.Context(), demo.Config{
		Dir: dir, Once: true, Export: export, Seed: 1, Awards: 20,
		Progress: func(e demo.Event) {
			told[e.Step]++
			if e.Step == demo.Heard {
				heard[e.Place]++
			}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report, 20)
	for _, n := range report.Nodes {
		if _, err := os.Stat(n.KeyFile); err != nil || !strings.HasPrefix(n.Dir, dir) {
			t.Errorf("%s: folder %q and key file %q (%v), want them in %s", n.Name, n.Dir, n.KeyFile, err, dir)
		}
		if heard[n.Name] == 0 {
			t.Errorf("%s was not told to have heard anything", n.Name)
		}
	}
	if told[demo.Started] != 3 || told[demo.Joined] != 1 || told[demo.Same] != 1 || told[demo.Asked] != 1 {
		t.Errorf("told %v, want three nodes started, joined, found the same and asked", told)
	}
	if told[demo.Heard] != 2*told[demo.Accepted] {
		t.Errorf("told of %d accepted and %d heard, want each heard twice", told[demo.Accepted], told[demo.Heard])
	}
	checkExport(t, export)
}

func checkReport(t *testing.T, r demo.Report, awards int) {
	t.Helper()
	if r.Schema != "essaim.demo/1" || !r.Identical || len(r.Nodes) != 3 || r.Seconds <= 0 || r.Bytes.Records <= 0 || r.Bytes.Disk <= 0 {
		t.Errorf("report: schema %q, identical %v, %d nodes, %v s, %+v", r.Schema, r.Identical, len(r.Nodes), r.Seconds, r.Bytes)
	}
	total := 0
	for _, kind := range protocol.Kinds {
		total += r.Records[kind.String()]
		if r.Records[kind.String()] == 0 {
			t.Errorf("no %s among %v", kind, r.Records)
		}
	}
	if r.Records["class"] != 48 || r.Records["award"] != awards || r.Records["succession"] != 1 {
		t.Errorf("records: got %v, want 48 classes, %d awards and a succession", r.Records, awards)
	}
	var names []string
	for _, n := range r.Nodes {
		names = append(names, n.TerritoryName)
		if n.Records != total || n.Set != r.Nodes[0].Set || n.Heard == 0 || n.Dropped != 0 || len(n.Addrs) == 0 {
			t.Errorf("%s: %+v, want %d records, the set of %s, some heard and none dropped", n.Name, n, total, r.Nodes[0].Name)
		}
	}
	if want := []string{"Brest Métropole", "Rennes Métropole", "CU Caen la Mer"}; !slices.EqualFunc(names, want, strings.EqualFold) {
		t.Errorf("territories: got %q, want %q", names, want)
	}
	if r.Who.Found == 0 || len(r.Who.Answers) == 0 || r.Who.AskedAt != "Caen" {
		t.Fatalf("who: got %+v, want answers, at Caen", r.Who)
	}
	endorsers := 0
	for _, a := range r.Who.Answers {
		endorsers += len(a.Endorsers)
		_, err := time.Parse(time.DateOnly, a.AwardedOn)
		if !strings.HasPrefix(a.Class, "Découpe laser") || a.Issuer != "Fablab de la rade" || err != nil || a.Km > 20 ||
			!strings.HasPrefix(a.Holder, "did:key:") || !strings.EqualFold(a.TerritoryName, "Brest Métropole") || len(a.Endorsers) > a.Endorsed {
			t.Errorf("answer: %+v (%v), want laser cutting, awarded in Brest", a, err)
		}
	}
	if endorsers == 0 {
		t.Error("nobody endorsed an answer")
	}
}

// checkExport wants a whole record of each kind, one file each.
func checkExport(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != len(protocol.Kinds) {
		t.Fatalf("exported %d files (%v), want %d", len(entries), err, len(protocol.Kinds))
	}
	for _, kind := range protocol.Kinds {
		raw, err := os.ReadFile(filepath.Join(dir, kind.String()+".json"))
		if err != nil {
			t.Fatal(err)
		}
		r, err := protocol.Verify(raw, time.Now())
		if err != nil {
			t.Errorf("%s.json: %v", kind, err)
			continue
		}
		if r.Kind() != kind {
			t.Errorf("%s.json is a %s", kind, r.Kind())
		}
		if err := protocol.VerifyLinkedData(r); err != nil {
			t.Errorf("%s.json: %v", kind, err)
		}
	}
}

// Who interrupts the demo gets the shell back, and nothing is left behind.
func TestInterrupt(t *testing.T) {
	for _, at := range []demo.Step{demo.Started, demo.Accepted, demo.Heard} {
		t.Run(string(at), func(t *testing.T) {
			temporary := t.TempDir()
			t.Setenv("TMPDIR", temporary)
			ctx, cancel := context.WithCancelCause(t.Context())
			defer cancel(nil)
			_, err := demo.Run(ctx, demo.Config{Once: true, Progress: func(e demo.Event) {
				if e.Step == at {
					cancel(errors.New("interrupt signal received"))
				}
			}})
			if !errors.Is(err, context.Canceled) {
				t.Errorf("interrupted: got %v, want %v", err, context.Canceled)
			}
			checkEmpty(t, temporary)
		})
	}
}

// Without Once the nodes stay, with what they hold, until they are interrupted.
func TestLeftRunning(t *testing.T) {
	temporary := t.TempDir()
	t.Setenv("TMPDIR", temporary)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s, err := demo.Start(ctx, demo.Config{Awards: demo.MinAwards})
	if err != nil {
		t.Fatal(err)
	}
	report, err := s.Play(ctx)
	if err != nil {
		t.Fatal(err, s.Close())
	}
	checkReport(t, report, demo.MinAwards)
	for _, p := range s.Places() {
		peers, err := p.Node.Peers()
		if err != nil || len(peers) != 2 {
			t.Errorf("%s has %d peers (%v), want 2", p.Name, len(peers), err)
		}
	}
	cancel()
	if err := s.Wait(); err != nil {
		t.Errorf("after the interrupt: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Errorf("Close: %v", err)
	}
	checkEmpty(t, temporary)
}

// Interrupted when all is done, the demo has not failed.
func TestInterruptAtTheEnd(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	report, err := demo.Run(ctx, demo.Config{Awards: demo.MinAwards, Progress: func(e demo.Event) {
		if e.Step == demo.Asked {
			cancel()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	checkReport(t, report, demo.MinAwards)
}

// What differs is named: who lacks which record, and also who has erased one
// that others still hold.
func TestDifferenceIsNamed(t *testing.T) {
	award := store.Digest{Digest: [32]byte{1}, Kind: protocol.Award}
	class := store.Digest{Digest: [32]byte{2}, Kind: protocol.Class}
	erased := award
	erased.Stub = true
	all := []store.Digest{award, class}
	for _, c := range []struct {
		brest, rennes, caen []store.Digest
		want                string
	}{
		{all, all, all, ""},
		{all, all, []store.Digest{award}, "Caen lacks 1 of 2 records, such as class " + protocol.CID(class.Digest).String()},
		{[]store.Digest{class}, nil, all, "Brest lacks 1 of 2 records, such as award " + protocol.CID(award.Digest).String() +
			"; Rennes lacks 2 of 2 records, such as award " + protocol.CID(award.Digest).String()},
		{[]store.Digest{award}, []store.Digest{award}, []store.Digest{erased}, "Brest lacks 1 of 2 records"},
	} {
		got := demo.Difference(c.brest, c.rennes, c.caen)
		if !strings.HasPrefix(got, c.want) || c.want == "" && got != "" {
			t.Errorf("got %q, want %q", got, c.want)
		}
	}
}

func checkEmpty(t *testing.T, dir string) {
	t.Helper()
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("left behind: %v (%v)", entries, err)
	}
}

func TestWhatIsRefused(t *testing.T) {
	used := t.TempDir()
	if err := os.WriteFile(filepath.Join(used, "thesis.txt"), []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []demo.Config{{Dir: used}, {Awards: demo.MinAwards - 1}, {Awards: -1}, {Awards: demo.MaxAwards + 1}} {
		if _, err := demo.Start(t.Context(), c); err == nil {
			t.Errorf("%+v: no error", c)
		}
	}
	if _, err := os.Stat(filepath.Join(used, "thesis.txt")); err != nil {
		t.Errorf("what was in the folder: %v", err)
	}
}

// The population is that of the documented distributions, and of the seed alone.
func TestPopulation(t *testing.T) {
	once, again, other := demo.Describe(t, 7, 3000), demo.Describe(t, 7, 3000), demo.Describe(t, 8, 3000)
	if diff := cmp.Diff(once, again); diff != "" {
		t.Errorf("one seed, two populations:\n%s", diff)
	}
	if cmp.Equal(once, other) {
		t.Error("two seeds, one population")
	}
	within := func(what string, got, low, high float64) {
		t.Helper()
		if got < low || got > high {
			t.Errorf("%s: got %.3f, want %.3f to %.3f", what, got, low, high)
		}
	}
	// data/profil.json: 0.15, 0.08, 0.005; badges by Pareto's law of exponent 2.05.
	within("share endorsed", once.Endorsed, 0.12, 0.18)
	within("share that expires", once.Expires, 0.06, 0.10)
	within("share revoked", once.Revoked, 0.001, 0.012)
	within("badges of a person", once.BadgesEach, 1.5, 5)
	within("share awarded at home", once.AtHome, 0.85, 1)
	within("share of people named", once.Public, 0.35, 0.45)
	if once.Classes != [3]int{16, 16, 16} {
		t.Errorf("classes of each place: got %v, want 16 each", once.Classes)
	}
	for seed := range uint64(50) {
		if d := demo.Describe(t, seed, demo.MinAwards); d.Openers != 3 || d.RevokedSome == 0 || !d.LaserInBrest {
			t.Errorf("seed %d: %+v, want three awards that open, a revocation, and laser cutting in Brest", seed, d)
		}
	}
}

func ExampleRun() {
	report, err := demo.Run(context.Background(), demo.Config{Once: true, Awards: 10})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("the same everywhere:", report.Identical)
	fmt.Println("somebody knows laser cutting:", report.Who.Found > 0)
	// Output:
	// the same everywhere: true
	// somebody knows laser cutting: true
}
