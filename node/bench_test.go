//go:build unix

package node_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// CPU is that of the whole process: verification, Badger's goroutines and the
// collector. Records are made before the clock runs.

// cpu returns how long the process has run on any processor, user and system.
func cpu(t testing.TB) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// mint makes awards of one class quickly: what was really signed once is changed
// and its two jcs proofs are signed again. The rdfc proof, which the network
// does not check, stays that of the first.
type mint struct {
	head, tail, first []byte // around the proofs, and proof 0
	id                string
	class             protocol.Record
}

func newMint(t testing.TB, class protocol.Record) *mint {
	t.Helper()
	r := award(t, class, tyfab, alice, noon)
	raw := r.Bytes()
	from := bytes.Index(raw, []byte(`"proof":[`)) + len(`"proof":[`)
	to := bytes.LastIndex(raw, []byte(`],"type":["VerifiableCredential"`))
	second := bytes.Index(raw[from:], []byte(`},{`)) + 1
	return &mint{raw[:from], raw[to:], raw[from : from+second], r.Document().(*badge.AchievementCredential).ID, class}
}

// strike makes an award of number n.
func (m *mint) strike(t testing.TB, n int, holder ed25519.PrivateKey, where territory.ID, at time.Time) []byte {
	id := uuid("struck", m.class.CID(), n)
	swap := strings.NewReplacer(m.id, id, string(didOf(alice)), string(didOf(holder)), string(brest), string(where),
		badge.FormatTime(noon), badge.FormatTime(at), proofID(m.id, 0), proofID(id, 0))
	head, tail, last := swap.Replace(string(m.head)), swap.Replace(string(m.tail)), swap.Replace(string(m.first))
	for i, by := range []ed25519.PrivateKey{tyfab, holder} {
		p := proof.Proof{
			Context: []byte(badge.CredentialContext), ID: proofID(id, i+1), Cryptosuite: proof.JCS, Created: badge.FormatTime(at),
			Purpose: []string{proof.Assertion, proof.Authentication}[i], Previous: proofID(id, i),
		}
		signed := must(proof.Sign(p, []byte(head+last[strings.LastIndex(last, "\n")+1:]+tail), by))(t)
		last += ",\n" + string(signed)
	}
	return []byte(head + strings.ReplaceAll(last, "\n", "") + tail)
}

// proofID is the id of proof i of an award, as package protocol makes it.
func proofID(document string, i int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "essaim proof %d of %s", i, document))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[0:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// parallel calls f for each number below n, on all processors.
func parallel(n int, f func(i int)) {
	var wait sync.WaitGroup
	for w := range runtime.NumCPU() {
		wait.Go(func() {
			for i := w; i < n; i += runtime.NumCPU() {
				f(i)
			}
		})
	}
	wait.Wait()
}

// The door in bulk: verified, stored, indexed, durable in groups. Budget: 10,000
// one-signature records and 6,000 awards a CPU-second.
func BenchmarkAccept(b *testing.B) {
	const many = 20_000
	notices, awards := make([][]byte, many), make([][]byte, many/2)
	people := make([]ed25519.PrivateKey, many/4)
	for i := range people {
		people[i] = key(fmt.Sprint("person ", i))
	}
	laser := class(b, "Laser", tyfab, noon)
	m := newMint(b, laser)
	parallel(many, func(i int) {
		at := noon.Add(-time.Duration(i) * time.Minute)
		notices[i] = notice(b, i, people[i%len(people)], at).Bytes()
		if i < len(awards) {
			awards[i] = m.strike(b, i, people[i%len(people)], brest, at)
		}
	})
	fetched := node.Source{Via: node.Fetched, Peer: "a peer"}
	one := func(n *node.Node, raws [][]byte) {
		for _, raw := range raws {
			if _, err := n.Accept(context.Background(), raw, fetched); err != nil {
				b.Fatal(err)
			}
		}
	}
	batch := func(n *node.Node, raws [][]byte) {
		for _, a := range n.AcceptBatch(context.Background(), raws, fetched) {
			if a.Err != nil {
				b.Fatal(a.Err)
			}
		}
	}
	for _, c := range []struct {
		name   string
		raws   [][]byte
		accept func(*node.Node, [][]byte)
	}{
		{"notice", notices, one},
		{"notice-batch", notices, batch},
		{"award", awards, one},
		{"award-batch", awards, batch},
	} {
		b.Run(c.name, func(b *testing.B) {
			for range b.N {
				b.StopTimer()
				n := must(node.New(node.Config{Dir: b.TempDir(), Clock: (&clock{}).now, MinFree: 1 << 20}))(b)
				if _, err := n.Accept(context.Background(), laser.Bytes(), fetched); err != nil {
					b.Fatal(err)
				}
				start := cpu(b)
				b.StartTimer()
				c.accept(n, c.raws)
				if err := n.Store().Sync(); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				b.ReportMetric(float64(len(c.raws))/(cpu(b)-start).Seconds(), "records/cpu-s")
				if got := must(n.Report())(b).Store.Total; got != len(c.raws)+1 {
					b.Fatalf("stored %d, want %d", got, len(c.raws)+1)
				}
				n.Close()
				b.StartTimer()
			}
		})
	}
}

// region is a folder with many awards of 200 classes in every territory within
// 200 km of Brest, made once.
var region = sync.OnceValue(func() string {
	const many = 100_000
	dir, err := os.MkdirTemp("", "essaim-bench-")
	if err != nil {
		panic(err)
	}
	atEnd = append(atEnd, func() { os.RemoveAll(dir) })
	t := fatal{}
	n := must(node.New(node.Config{Dir: dir, Clock: (&clock{}).now, MinFree: 1 << 20}))(t)
	defer n.Close()
	g := must(n.Gazetteer())(t)
	near := g.Near(must(g.Find("Brest"))(t).Point, territory.MaxRadius)
	mints := make([]*mint, 200)
	var raws [][]byte
	for i := range mints {
		c := class(t, skillName(i), tyfab, noon)
		mints[i] = newMint(t, c)
		raws = append(raws, c.Bytes())
	}
	people := make([]ed25519.PrivateKey, many/4)
	parallel(len(people), func(i int) { people[i] = key(fmt.Sprint("person ", i)) })
	awards := make([][]byte, many)
	parallel(many, func(i int) {
		rnd := rand.New(rand.NewPCG(1, uint64(i)))
		awards[i] = mints[rnd.IntN(len(mints))].strike(t, i, people[rnd.IntN(len(people))],
			near[rnd.IntN(len(near))].ID, noon.Add(-time.Duration(i)*time.Minute))
	})
	for _, a := range n.AcceptBatch(context.Background(), append(raws, awards...), node.Source{Via: node.Fetched, Peer: "a peer"}) {
		if a.Err != nil {
			panic(a.Err)
		}
	}
	return dir
})

// skillName gives each class two words, of which others share one.
func skillName(i int) string {
	some := strings.Fields("découpe laser bois métal vélo couture soudure jardin électronique impression cuir verre papier accueil animation comptabilité")
	return some[i%len(some)] + " " + some[(i/len(some)+i+1)%len(some)] + " " + fmt.Sprint(i)
}

// fatal is a testing.TB for what is made once for several benchmarks.
type fatal struct{ testing.TB }

func (fatal) Helper()           {}
func (fatal) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

// Who at 100,000 awards: a skill of one word in eight to fifteen classes, in a
// random territory within reach.
func BenchmarkWho(b *testing.B) {
	n := must(node.New(node.Config{Dir: region(), Clock: (&clock{}).now, MinFree: 1 << 20}))(b)
	defer n.Close()
	g := must(n.Gazetteer())(b)
	var places []territory.Place
	for _, name := range []string{"Brest", "Quimper", "Lorient", "Lannion", "Morlaix", "Carhaix-Plouguer", "Vannes", "Saint-Brieuc"} {
		places = append(places, must(g.Find(name))(b))
	}
	some := strings.Fields("découpe laser bois métal vélo couture soudure jardin électronique impression cuir verre papier accueil animation comptabilité")
	for _, radius := range []float64{20, 50, 200} {
		b.Run(fmt.Sprintf("%.0fkm", radius), func(b *testing.B) {
			var took []time.Duration
			found, classes, start := 0, 0, cpu(b)
			for b.Loop() {
				i := len(took)
				from := time.Now()
				a := must(n.Who(node.WhoQuery{Skill: some[i%len(some)], Near: places[i%len(places)], Radius: radius}))(b)
				took = append(took, time.Since(from))
				found, classes = found+a.Found, classes+a.Classes
			}
			used := cpu(b) - start
			slices.Sort(took)
			b.ReportMetric(float64(took[len(took)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(used.Seconds()*1000/float64(len(took)), "cpu-ms/op")
			b.ReportMetric(float64(found)/float64(len(took)), "found")
			b.ReportMetric(float64(classes)/float64(len(took)), "classes")
		})
	}
}

// A node with 100,000 records and no peers: what it takes to start, and to do
// nothing.
func BenchmarkIdle(b *testing.B) {
	dir := region()
	child := func() []byte {
		c := exec.CommandContext(b.Context(), os.Args[0], "-test.run", "^$")
		c.Env = append(os.Environ(), "ESSAIM_NODE_CHILD=idles", "ESSAIM_NODE_DIR="+dir, "GOMEMLIMIT=128MiB")
		out, err := c.CombinedOutput()
		if err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		return out
	}
	child() // in which Badger compacts what came in bulk
	for range b.N {
		out := child()
		var start, idle, rss, anon, heap, goroutines float64
		if _, err := fmt.Sscan(string(out), &start, &idle, &rss, &anon, &heap, &goroutines); err != nil {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(start, "start-cpu-ms")
		b.ReportMetric(idle, "idle-cpu-ms/min")
		b.ReportMetric(rss, "rss-MB")
		b.ReportMetric(anon, "anon-MB")
		b.ReportMetric(heap, "heap-MB")
		b.ReportMetric(goroutines, "goroutines")
	}
}

func init() { children["idles"] = childIdles }

// childIdles is the process that BenchmarkIdle measures.
func childIdles(dir string) {
	t := fatal{}
	n := must(node.New(node.Config{
		Dir: dir, Network: true, Listen: []string{"/ip4/127.0.0.1/tcp/0", "/ip4/127.0.0.1/udp/0/quic-v1"}, Clock: (&clock{}).now, MinFree: 1 << 20,
	}))(t)
	if err := n.Follow(brest); err != nil {
		panic(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error)
	go func() { ended <- n.Run(ctx) }()
	for n.Following() == 0 {
		runtime.Gosched()
	}
	started := cpu(t)
	const quiet = 15 * time.Second
	<-time.After(5 * time.Second) // Badger's first compactions
	before := cpu(t)
	<-time.After(quiet)
	idle := cpu(t) - before
	var mem runtime.MemStats
	runtime.ReadMemStats(&mem)
	status := string(must(os.ReadFile("/proc/self/status"))(t))
	megabytes := func(name string) float64 {
		_, rest, _ := strings.Cut(status, name+":")
		var kb float64
		fmt.Sscan(rest, &kb)
		return kb / 1024
	}
	fmt.Println(started.Seconds()*1000, idle.Seconds()*1000*float64(time.Minute/quiet), megabytes("VmRSS"), megabytes("RssAnon"),
		float64(mem.HeapAlloc)/(1<<20), runtime.NumGoroutine())
	cancel()
	<-ended
	n.Close()
	os.Exit(0)
}
