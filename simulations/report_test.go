package simulations

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// writeReport writes what came of one scenario to the page in folder, and a chart
// beside it. What the page says of others stays.
func writeReport(folder string, o outcome) error {
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	name := filepath.Join(folder, "README.md")
	old, err := os.ReadFile(name)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	rows, sections := partsOf(string(old))
	rows[o.name], sections[o.name] = o.row(), o.section()
	if err := os.WriteFile(name, page(rows, sections), 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(folder, o.name+".svg"), o.chart(), 0o644)
}

// partsOf takes a page apart: rows of its table and sections, by scenario.
func partsOf(page string) (rows, sections map[string]string) {
	rows, sections = map[string]string{}, map[string]string{}
	_, table, _ := strings.Cut(page, "| --- |")
	head, rest, _ := strings.Cut(table, "\n## ")
	for line := range strings.Lines(head) {
		if name, ok := strings.CutPrefix(line, "| ["); ok {
			name, _, _ = strings.Cut(name, "]")
			rows[name] = strings.TrimSpace(line)
		}
	}
	for section := range strings.SplitSeq(rest, "\n## ") {
		name, _, _ := strings.Cut(section, "\n")
		sections[name] = strings.TrimSpace(section)
	}
	return rows, sections
}

func page(rows, sections map[string]string) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, `# Swarms in virtual time

Written by `+"`make simulate`"+` on %s/%s with %d cores and %s. Times below are virtual: they are what the swarm would have taken, whatever else the machine did. Each figure is of one play, and plays differ by some percent.

Every node has a home line of 2 Mbit/s up and 16 Mbit/s down in one of four regions 5 to 60 ms apart, added four others as peers when it came, finds no others, and follows one territory. Records are notices of about 1.1 KB, said by one node after the other. All signatures are verified. In every scenario it was asserted that in the end all nodes hold the same, and that nobody honest is blamed.

`, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), runtime.Version())
	b.WriteString(row("scenario", "nodes", "records", "reached", "p50", "p99", "all know all", "sent a record", "messages", "copies", "by sync", "heap", "CPU") + "\n")
	b.WriteString(row(strings.Split(strings.Repeat("---|", 12)+"---", "|")...) + "\n")
	for _, sc := range scenarios {
		if r, ok := rows[sc.name]; ok {
			b.WriteString(r + "\n")
		}
	}
	fmt.Fprintf(&b, `
- **reached**: of those a packet could reach, and who had room, when a record was said, who had it %.0f seconds later; p50 and p99 are how long it took to them.
- **all know all**: when nothing was missing anywhere, counted from the last word or event.
- **sent a record**: datagrams of a node, with all that goes with them, for each record said; **messages**: those of gossip; **copies**: how often a record came by gossip to who got it so; **by sync**: records a node got by synchronisation, of those said.
- **heap**: of Go, a node, more than 8 MB of it the empty table of Badger; **CPU**: of the whole play.

In the charts, what nodes had of a record ten seconds after it was said, and in the end; below, how long it took by gossip.
`, prompt.Seconds())
	for _, sc := range scenarios {
		if s, ok := sections[sc.name]; ok {
			fmt.Fprintf(&b, "\n## %s\n", s)
		}
	}
	return b.Bytes()
}

func row(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }

func (o outcome) row() string {
	return row("["+o.name+"](#"+o.name+")", fmt.Sprint(o.nodes), fmt.Sprint(o.said), percent(o.reach), millis(o.p50), millis(o.p99), o.wholeness(),
		fmt.Sprintf("%.1f KB", o.bytes/1e3), fmt.Sprintf("%.1f", o.sent), fmt.Sprintf("%.1f", 1+o.twice), percent(o.synced),
		fmt.Sprintf("%.0f MB", o.heap/1e6), fmt.Sprintf("%.0f s", o.cpu.Seconds()))
}

func (o outcome) section() string {
	s := fmt.Sprintf("%s\n\n%s\n\n![%s](%s.svg)", o.name, o.story, o.name, o.name)
	for _, note := range o.notes() {
		s += "\n\n" + note
	}
	return s
}

// notes are what is worth saying of some only.
func (o outcome) notes() (out []string) {
	if o.held > 0 {
		out = append(out, fmt.Sprintf("Records that waited for their time, at most, at once, in all nodes together: %d.", o.held))
	}
	if o.lost > 0 {
		out = append(out, fmt.Sprintf("Gossip messages that found no way out, for each that was sent: %.3f.", o.lost))
	}
	if o.rejected > 0 {
		out = append(out, fmt.Sprintf("Messages refused before the stranger was cut off: %d, or %.1f by each node it called on.",
			o.rejected, float64(o.rejected)/float64(max(o.called, 1))))
	}
	if o.called > 0 {
		out = append(out, fmt.Sprintf("Of the %d nodes the stranger called on, %s cut it off.", o.called, percent(o.shut)))
	}
	return out
}

func (o outcome) wholeness() string {
	switch {
	case o.whole < 0:
		return "not seen"
	case o.whole <= prompt:
		return "at once"
	case o.whole < 2*time.Minute:
		return fmt.Sprintf("%.0f s", o.whole.Seconds())
	}
	return fmt.Sprintf("%.0f min", o.whole.Minutes())
}

func percent(x float64) string {
	return strings.TrimSuffix(fmt.Sprintf("%.1f", 100*x), ".0") + " %"
}

func millis(d time.Duration) string { return fmt.Sprintf("%d ms", d.Milliseconds()) }

// String is what a test logs.
func (o outcome) String() string {
	return fmt.Sprintf("%d nodes, %d said: reach %.4f, p50 %s, p99 %s, max %s; kept %.4f, whole %s; last words %.4f; %.0f B a node and record, %.0f B/s in silence; "+
		"%.2f messages sent a record, %.2f duplicates, %.3f by sync; lost %.4f, rejected %d, held %d, shut %.2f; %.1f MB and %.0f goroutines a node; %.1f CPU-s",
		o.nodes, o.said, o.reach, millis(o.p50), millis(o.p99), millis(o.max), o.kept, o.wholeness(), o.last, o.bytes, o.silence,
		o.sent, o.twice, o.synced, o.lost, o.rejected, o.held, o.shut, o.heap/1e6, o.goroutines, o.cpu.Seconds())
}
