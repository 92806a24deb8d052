// Command compare puts Essaim beside what others use for the same work, in one go
// on one machine, and prints ratios: replication beside go-ds-crdt and bitswap,
// the comparison of sets beside negentropy, trust beside PageRank. README.md says
// how to read the tables and to whom they are unfair. Linux only.
package main

import (
	"bytes"
	"cmp"
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
)

// row is one way to replicate.
type row struct {
	name, label string
	few         bool // takes the smaller number of records
}

var rows = []row{
	{"essaim", "Essaim: verified, indexed, on disk, trust", false},
	{"bitswap", "bitswap, windows of 512: nothing verified, in memory", false},
	{"bitswap-door", "the same, then Essaim's door: verified, indexed, on disk", false},
	{"crdt-500", "go-ds-crdt, batches of 500: nothing verified, in memory", false},
	{"crdt-1", "go-ds-crdt, one Put a record: nothing verified, in memory", true},
}

var systems = map[string]system{
	"essaim": essaim{}, "bitswap": blockwise{}, "bitswap-door": blockwise{door: true},
	"crdt-500": merkle{500}, "crdt-1": merkle{1},
}

// order is what a run compares.
type order struct {
	records, few int    // of replication; few of one Put a record
	mix          string // of mixes
	systems      []string
	keys         []int  // of sets
	edges        []int  // of webs of trust
	scratch      string // folder for the corpus and the stores
}

func main() {
	var err error
	if os.Getenv(childVariable) != "" {
		err = child(os.Args[1:], os.Stdin, os.Stdout)
	} else {
		err = run(os.Args[1:], os.Stdout)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("compare", flag.ContinueOnError)
	n := flags.Int("n", 50_000, "records to replicate")
	few := flags.Int("puts", 2000, "records that go-ds-crdt takes one Put at a time, at about 47 a second")
	mix := flags.String("mix", "all", "kinds of records: all, or notices, which are short")
	only := flags.String("systems", "essaim,bitswap,bitswap-door,crdt-500,crdt-1", "ways to replicate; Essaim comes first")
	keys := flags.String("keys", "50000", "sizes of sets to compare, as 50000,1000000")
	edges := flags.String("edges", "100000,1000000", "sizes of webs of trust")
	dir := flags.String("dir", filepath.Join(os.TempDir(), "essaim-compare"), "folder that keeps the records, and the stores while they are needed")
	report := flags.String("report", "", "file that gets the tables too")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *n < 50 {
		return fmt.Errorf("-n %d: fifty records at least have one of each kind", *n)
	}
	if _, ok := mixes[*mix]; !ok {
		return fmt.Errorf("-mix %s: all or notices is wanted", *mix)
	}
	o := order{records: *n, few: min(*few, *n), mix: *mix, systems: strings.Split(*only, ","), scratch: *dir}
	var err error
	if o.keys, err = numbers(*keys); err != nil {
		return err
	}
	if o.edges, err = numbers(*edges); err != nil {
		return err
	}
	if err := os.MkdirAll(*dir, 0o700); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	var kept bytes.Buffer
	if err := compare(ctx, io.MultiWriter(out, &kept), o); err != nil {
		return err
	}
	if *report == "" {
		return nil
	}
	return os.WriteFile(*report, kept.Bytes(), 0o644)
}

// numbers reads a list; an empty one leaves that comparison out.
func numbers(list string) (out []int, err error) {
	if list == "" {
		return nil, nil
	}
	for part := range strings.SplitSeq(list, ",") {
		n, err := strconv.Atoi(part)
		if err != nil || n < 100 {
			return nil, fmt.Errorf("%q: a number from 100 is wanted", part)
		}
		out = append(out, n)
	}
	return out, nil
}

// compare makes all tables.
func compare(ctx context.Context, out io.Writer, o order) error {
	fmt.Fprintf(out, "%d processors, %s, load at start %s. Essaim / the other; × is the other's figure divided by Essaim's.\n", runtime.NumCPU(), runtime.Version(), load())
	if len(o.edges) > 0 {
		if err := countTrust(out, o.edges); err != nil {
			return err
		}
	}
	for _, n := range o.keys {
		if err := compareSets(out, n); err != nil {
			return err
		}
	}
	return replicateAll(ctx, out, o)
}

// replicateAll brings the records to a fresh node by each system.
func replicateAll(ctx context.Context, out io.Writer, o order) error {
	all, err := makeCorpus(o.scratch, o.mix, o.records)
	if err != nil {
		return err
	}
	few := all
	if o.few < o.records {
		if few, err = makeCorpus(o.scratch, o.mix, o.few); err != nil {
			return err
		}
	}
	fmt.Fprintf(out, "\n### %s records to a fresh peer\n\n%s; %d bytes each.\n\n", thousands(all.count), mixes[o.mix], all.size/all.count)
	fmt.Fprint(out, "| system | records | load | records/s | CPU s, taker and holder | records/CPU-s | bytes/record | of raw | peak MB, taker and holder |\n|---|---|---|---|---|---|---|---|---|\n")
	var ours result
	var ratios strings.Builder
	for _, r := range rows {
		if r.name != "essaim" && !slices.Contains(o.systems, r.name) {
			continue
		}
		c := all
		if r.few {
			c = few
		}
		before := load()
		took, held, err := replicate(ctx, r.name, c, o.scratch)
		if err != nil {
			return err
		}
		x := resultOf(c, took, held)
		if r.name == "essaim" {
			ours = x
		}
		fmt.Fprintf(out, "| %s%s | %s | %s to %s | %s | %s and %s | %s | %s | %s | %s and %s |\n", r.label, note(took), thousands(c.count), before, load(),
			thousands(int(x.rate)), short(took.CPU.Seconds()), short(held.CPU.Seconds()), thousands(int(x.perCPU)), thousands(int(x.bytes)),
			short(x.bytes*float64(c.count)/float64(c.size)), short(float64(took.Peak)/1e6), short(float64(held.Peak)/1e6))
		if r.name == "essaim" {
			fmt.Fprintf(&ratios, "\nEssaim waited %s s before it compared, which is not in its rate: nodes that meet do so at random within 4 s.\n", short(took.First.Seconds()))
			fmt.Fprint(&ratios, "\n| against Essaim | records/s | records/CPU-s | bytes | peak memory of the taker |\n|---|---|---|---|---|\n")
			continue
		}
		fmt.Fprintf(&ratios, "| %s | %s | %s | %s | %s |\n", r.label, times(x.rate, ours.rate), times(x.perCPU, ours.perCPU), times(x.bytes, ours.bytes), times(x.peak, ours.peak))
		if r.few && c.count < all.count {
			fmt.Fprintf(&ratios, "\nAt its rate, %s records one Put each would take %s minutes; they were not waited for.\n", thousands(all.count), short(float64(all.count)/x.rate/60))
		}
	}
	fmt.Fprint(out, ratios.String())
	return nil
}

// result is a replication in the terms of the table.
type result struct {
	rate   float64 // records a second from the first that came to the last
	perCPU float64 // records a CPU-second of the busier side
	bytes  float64 // over TCP, both ways, a record
	peak   float64 // bytes
}

func resultOf(c corpus, took, held usage) result {
	n := float64(c.count)
	return result{
		n / (took.Whole - took.First).Seconds(), n / max(took.CPU, held.CPU).Seconds(),
		float64(took.Received+took.Sent) / n, float64(took.Peak),
	}
}

func note(u usage) string {
	if u.Note == "" {
		return ""
	}
	return " (" + u.Note + ")"
}

// load is how many processes wanted a processor, over a minute.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}

// times is how many times b a is.
func times(a, b float64) string { return "× " + short(a/b) }

// short keeps three digits that say something.
func short(x float64) string {
	switch {
	case x >= 100:
		return thousands(int(x + 0.5))
	case x >= 10:
		return fmt.Sprintf("%.1f", x)
	case x >= 1 || x == 0:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3g", x)
}

// thousands writes 1234567 as 1,234,567.
func thousands(n int) string {
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0 && cmp.Compare(s[i-1], '0') >= 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}
