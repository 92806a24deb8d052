//go:build unix

package store_test

import (
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

// The figures are of the store alone: records are made before the clock runs,
// and CPU is that of the whole process, with Badger's goroutines and the
// collector.

// cpu returns how long the process has run on any processor, user and system.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// forge makes records in bulk from a few that were really signed: each has its
// own ids, people, date, words and signatures. The signatures are random, of the
// right form; the store, which does not verify, costs and compresses the same.
type forge struct {
	b     *testing.B
	rnd   *rand.Rand
	n     int
	names []did.DID
}

// newForge makes people, one for each four records.
func newForge(b *testing.B, records int) *forge {
	f := &forge{b: b, rnd: rand.New(rand.NewPCG(1, 2))}
	for i := range records/4 + 1 {
		f.names = append(f.names, didOf(key(fmt.Sprint("person ", i))))
	}
	return f
}

// words returns some twenty words, as people write them.
func (f *forge) words() string {
	some := strings.Fields("découpe laser machine atelier bois réglage pièce trois heures accompagné seule démonstration " +
		"habitants vélo réparation couture imprimante filament samedi apprendre montrer sécurité carte électronique soudure jardin " +
		"compost fichier vecteur gravure panneau fête école collège quartier bénévole merci équipe projet année été")
	var text strings.Builder
	for i := range 20 {
		if i > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(some[f.rnd.IntN(len(some))])
	}
	return text.String()
}

// signature returns the form of one: base58 of 64 bytes.
func (f *forge) signature() string {
	const alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	b := []byte("zz")
	for len(b) < 88 {
		b = append(b, alphabet[f.rnd.IntN(len(alphabet))])
	}
	return string(b)
}

// strike makes a record from a pattern, with other words for the pairs given.
func (f *forge) strike(pattern string, pairs ...string) protocol.Record {
	text := strings.NewReplacer(pairs...).Replace(pattern)
	for rest := text; ; {
		_, after, found := strings.Cut(rest, `"proofValue":"`)
		if !found {
			break
		}
		old, tail, _ := strings.Cut(after, `"`)
		text = strings.Replace(text, old, f.signature(), 1)
		rest = tail
	}
	r, err := protocol.Reread([]byte(text), sha256.Sum256([]byte(text)))
	if err != nil {
		f.b.Fatal(err)
	}
	return r
}

// multibase is what a DID says after "did:key:", and again after "#".
func multibase(d did.DID) string { return strings.TrimPrefix(string(d), "did:key:") }

func (f *forge) anyone() string { return multibase(f.names[f.rnd.IntN(len(f.names))]) }

func (f *forge) where() string { return fmt.Sprintf("fr:epci:2429003%02d", f.rnd.IntN(50)) }

func (f *forge) when() time.Time {
	return noon.Add(time.Duration(f.rnd.IntN(365*86400)) * time.Second)
}

// notices returns records of one signature, about 1.2 KB each.
func (f *forge) notices(count int) []protocol.Record {
	pattern := string(notice(f.b, 1, bob, noon, "DESCRIPTION").Bytes())
	records := make([]protocol.Record, count)
	for i := range records {
		f.n++
		at := f.when()
		records[i] = f.strike(pattern,
			uuid("notice", 1, didOf(bob)), uuid(f.n), multibase(didOf(bob)), f.anyone(),
			"DESCRIPTION", f.words(), "Annonce 1", fmt.Sprint("Annonce ", f.n), brest, f.where(),
			badge.FormatTime(noon), badge.FormatTime(at), badge.FormatTime(noon.AddDate(0, 6, 0)), badge.FormatTime(at.AddDate(0, 6, 0)),
		)
	}
	return records
}

// awards returns a hundred classes and awards of them, of three signatures,
// about 2.8 KB each.
func (f *forge) awards(count int) (classes, awards []protocol.Record) {
	var patterns []string
	for i := range 100 {
		by := key(fmt.Sprint("person ", i%20))
		c := class(f.b, fmt.Sprint("savoir ", i), by)
		classes = append(classes, c)
		patterns = append(patterns, string(award(f.b, c, by, alice, noon, in()).Bytes()))
	}
	for range count {
		f.n++
		k := f.rnd.IntN(len(classes))
		// The ids of an award's proofs follow from its own.
		old := uuid("award", classes[k].CID(), classes[k].Author(), didOf(alice), noon)
		id := uuid(f.n)
		awards = append(awards, f.strike(patterns[k],
			old, id, proofID(old, 0), proofID(id, 0), proofID(old, 1), proofID(id, 1), proofID(old, 2), proofID(id, 2),
			multibase(didOf(alice)), f.anyone(), "secretstory", f.words(), brest, f.where(), badge.FormatTime(noon), badge.FormatTime(f.when()),
		))
	}
	return classes, awards
}

func proofID(id string, i int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "essaim proof %d of %s", i, id))
	h[6], h[8] = h[6]&0x0f|0x80, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// fill puts records as a node does in bulk, and closes the store.
func fill(b *testing.B, dir string, records []protocol.Record) {
	b.Helper()
	s := open(b, store.Config{Dir: dir, MinFree: 1 << 20})
	for rest := records; len(rest) > 0; {
		n := min(len(rest), store.MaxBatch)
		put(b, s, rest[:n]...)
		rest = rest[n:]
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkPut fills a new store with 20,000 records, to the end of Close: the
// tables are written, and what is on disk is counted.
func BenchmarkPut(b *testing.B) {
	const count = 20_000
	run := func(name string, records []protocol.Record) {
		b.Run(name, func(b *testing.B) {
			raw := 0
			for _, r := range records {
				raw += len(r.Bytes())
			}
			var dir string
			var spent time.Duration
			for b.Loop() {
				dir = b.TempDir()
				begin := cpu(b)
				fill(b, dir, records)
				spent += cpu(b) - begin
			}
			s := open(b, store.Config{Dir: dir, MinFree: 1 << 20})
			st, err := s.Stats()
			if err != nil || st.Total != len(records) {
				b.Fatalf("%d records, %v, want %d", st.Total, err, len(records))
			}
			b.ReportMetric(float64(b.N*len(records))/spent.Seconds(), "records/CPU-s")
			b.ReportMetric(float64(st.Bytes)/float64(len(records)), "B/record")
			b.ReportMetric(float64(raw)/float64(len(records)), "raw-B/record")
		})
	}
	f := newForge(b, count)
	run("notices", f.notices(count))
	classes, awards := f.awards(count)
	run("awards", append(classes, awards...))
	run("awards-before-classes", append(awards, classes...))
}

// BenchmarkRead asks a store of 20,000 awards, whose caches hold a part of it.
func BenchmarkRead(b *testing.B) {
	const count = 20_000
	f := newForge(b, count)
	classes, awards := f.awards(count)
	dir := b.TempDir()
	fill(b, dir, append(classes, awards...))
	s := open(b, store.Config{Dir: dir, MinFree: 1 << 20})
	run := func(name, unit string, once func(b *testing.B) int) {
		b.Run(name, func(b *testing.B) {
			n, begin := 0, cpu(b)
			for b.Loop() {
				n += once(b)
			}
			b.ReportMetric(float64((cpu(b)-begin).Microseconds())/float64(max(n, 1)), "CPU-µs/"+unit)
		})
	}
	run("Has", "record", func(b *testing.B) int {
		if s.Has(awards[f.rnd.IntN(count)].Digest()) != store.Present {
			b.Fatal("gone")
		}
		return 1
	})
	run("Bytes", "record", func(b *testing.B) int {
		if _, err := s.Bytes(awards[f.rnd.IntN(count)].CID()); err != nil {
			b.Fatal(err)
		}
		return 1
	})
	run("Get", "record", func(b *testing.B) int {
		if _, err := s.Get(awards[f.rnd.IntN(count)].CID()); err != nil {
			b.Fatal(err)
		}
		return 1
	})
	find := func(q func() store.Query) func(b *testing.B) int {
		return func(b *testing.B) int {
			n := 0
			for _, err := range s.Find(q()) {
				if err != nil {
					b.Fatal(err)
				}
				n++
			}
			return n
		}
	}
	run("Find/kind", "record", find(func() store.Query { return store.Query{Kinds: []protocol.Kind{protocol.Award}} }))
	run("Find/holder", "record", find(func() store.Query { return store.Query{Holder: awards[f.rnd.IntN(count)].Holder()} }))
	run("Find/author+territory", "record", find(func() store.Query {
		return store.Query{Author: awards[f.rnd.IntN(count)].Author(), Territory: "fr:epci:242900301"}
	}))
	run("Find/newest-50", "query", func(b *testing.B) int {
		find(func() store.Query { return store.Query{Territory: "fr:epci:242900301", Newest: true, Limit: 50} })(b)
		return 1
	})
	run("Awards", "award", func(b *testing.B) int {
		n := 0
		for _, err := range s.Awards(classes[f.rnd.IntN(len(classes))].CID(), "") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		return n
	})
}

// BenchmarkOpen opens a store of 100,000 records that was closed, and one whose
// process was killed.
func BenchmarkOpen(b *testing.B) {
	const count = 100_000
	f := newForge(b, count/10)
	dir := b.TempDir()
	for range 5 { // a part at a time, to hold little
		fill(b, dir, f.notices(count/5))
	}
	var spent time.Duration
	b.Run("clean", func(b *testing.B) {
		spent = 0
		for b.Loop() {
			begin := cpu(b)
			s := open(b, store.Config{Dir: dir, MinFree: 1 << 20})
			spent += cpu(b) - begin
			if !s.CleanStart() || s.Last() < count {
				b.Fatalf("clean: %t, %d arrivals", s.CleanStart(), s.Last())
			}
			s.Close()
		}
		b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "CPU-ms/open")
	})
	b.Run("unclean", func(b *testing.B) {
		spent = 0
		for b.Loop() {
			open(b, store.Config{Dir: dir, MinFree: 1 << 20}).LosePower(0)
			begin := cpu(b)
			s := open(b, store.Config{Dir: dir, MinFree: 1 << 20})
			spent += cpu(b) - begin
			if s.CleanStart() {
				b.Fatal("clean after a loss of power")
			}
			s.Close()
		}
		b.ReportMetric(float64(spent.Milliseconds())/float64(b.N), "CPU-ms/open")
	})
}
