package main

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/node/api"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob"
)

// cost is what a command took: the largest memory it had, and the time of the
// processor, which other programs do not lengthen.
type cost struct {
	memory int64 // bytes
	work   time.Duration
}

// essaim runs the program on a folder and returns its exit status, what it
// printed and what it took.
func essaim(t *testing.T, dir string, args ...string) (int, string, cost) {
	t.Helper()
	c := exec.CommandContext(t.Context(), "essaim", args...)
	c.Env = append(os.Environ(), "ESSAIM_DATA_DIR="+dir, "XDG_CONFIG_HOME="+dir, "LANG=C.UTF-8")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	err := c.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	used := c.ProcessState.SysUsage().(*syscall.Rusage)
	return c.ProcessState.ExitCode(), out.String() + errs.String(), cost{used.Maxrss << 10, c.ProcessState.UserTime() + c.ProcessState.SystemTime()}
}

// No trap costs the program more than 64 MB and a second beyond what a good
// badge costs, and none leaves anything in the folder.
func TestTraps(t *testing.T) {
	folder := filepath.Join("..", "..", "protocol", "ob", "testdata", "traps")
	table, err := os.ReadFile(filepath.Join(folder, "TRAPS.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Join(t.TempDir(), "brest")
	if status, out, _ := essaim(t, home, "setup", "--name", "TyFab", "--place", "Brest", "--key-file", filepath.Join(t.TempDir(), "rade.key")); status != 0 {
		t.Fatal(out)
	}
	good := filepath.Join(folder, "..", "badges", "dcc-verifier-core", "v2NoStatus.json")
	status, out, usual := essaim(t, home, "badge", "verify", good)
	if status != exitDone {
		t.Fatalf("a good badge: status %d\n%s", status, out)
	}
	var most cost
	for _, line := range strings.Split(strings.TrimSpace(string(table)), "\n")[1:] {
		cells := strings.Split(line, "\t")
		file := filepath.Join(folder, cells[0])
		for _, args := range [][]string{{"badge", "verify", file}, {"badge", "import", file, "--to", "Nadia B."}} {
			if args[1] == "import" && cells[3] != "refused" {
				continue
			}
			status, out, spent := essaim(t, home, args...)
			want := exitInvalid
			if strings.HasPrefix(cells[2], "unknown") && args[1] == "verify" {
				want = exitIncomplete
			}
			if status != want {
				t.Errorf("%s %s (%s): status %d, want %d\n%s", args[1], cells[0], cells[4], status, want, out)
			}
			if spent.memory > usual.memory+64<<20 || spent.work > usual.work+time.Second {
				t.Errorf("%s %s: %d MB and %v, where a good badge takes %d MB and %v", args[1], cells[0], spent.memory>>20, spent.work, usual.memory>>20, usual.work)
			}
			most.memory, most.work = max(most.memory, spent.memory), max(most.work, spent.work)
		}
	}
	t.Logf("at most %d MB and %v, where a good badge takes %d MB and %v", most.memory>>20, most.work, usual.memory>>20, usual.work)
	if status, out, _ := essaim(t, home, "badge", "list"); status != 0 || strings.Contains(out, "baf") {
		t.Errorf("after all of them: status %d\n%s", status, out)
	}
	if _, out, _ := essaim(t, home, "key", "show"); strings.Contains(out, "Nadia") {
		t.Errorf("a refused badge made a key\n%s", out)
	}
}

// Every file of the collection goes through the program, which says what the
// judge of protocol/ob says; that is held to what other programs found. It takes
// a minute, and runs where DATA names the folder.
func TestCollection(t *testing.T) {
	data := os.Getenv("DATA")
	if data == "" {
		t.Skip("set DATA to the folder of the reference data")
	}
	folder := filepath.Join(data, "badges")
	raw, err := os.ReadFile(filepath.Join(folder, "MANIFEST.tsv"))
	if err != nil {
		t.Fatal(err)
	}
	manifest := csv.NewReader(bytes.NewReader(raw))
	manifest.Comma, manifest.LazyQuotes = '\t', true
	rows, err := manifest.ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, row := range rows[1:] {
		names = append(names, row[0])
	}
	synthetic, err := filepath.Glob(filepath.Join(folder, "synthetique", "*.*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range synthetic {
		if filepath.Ext(name) != ".tsv" {
			names = append(names, filepath.Join("synthetique", filepath.Base(name)))
		}
	}
	nowhere := filepath.Join(t.TempDir(), "nowhere")
	var group sync.WaitGroup
	queue := make(chan string)
	for range runtime.NumCPU() {
		group.Go(func() {
			for name := range queue {
				if wrong := agrees(t, nowhere, filepath.Join(folder, name)); wrong != "" {
					t.Errorf("%s: %s", name, wrong)
				}
			}
		})
	}
	for _, name := range names {
		queue <- name
	}
	close(queue)
	group.Wait()
	t.Logf("%d files", len(names))
}

// agrees returns how the program's word on a file differs from the judge's.
func agrees(t *testing.T, dir, file string) string {
	raw, err := os.ReadFile(file)
	if err != nil {
		return err.Error()
	}
	status, out, _ := essaim(t, dir, "badge", "verify", file, "--json")
	want := ob.Verify(raw, foreign.Inquiry{Now: time.Now()})
	exits := map[foreign.Answer]int{foreign.Yes: exitDone, foreign.No: exitInvalid, foreign.Unknown: exitIncomplete}
	if status != exits[want.Overall()] {
		return fmt.Sprintf("status %d, want %d\n%s", status, exits[want.Overall()], out)
	}
	var v api.Verdict
	first, _, _ := strings.Cut(out, "\n")
	if err := json.Unmarshal([]byte(first), &v); err != nil {
		return err.Error()
	}
	for _, c := range v.Checks {
		for q := foreign.WellFormed; q <= foreign.Recipient; q++ {
			if f := want.Findings[q]; q.String() == c.Name && (c.Answer != f.Answer.String() || c.Reason != string(f.Reason)) {
				return fmt.Sprintf("%s is %s %s, want %s %s", q, c.Answer, c.Reason, f.Answer, f.Reason)
			}
		}
	}
	return ""
}
