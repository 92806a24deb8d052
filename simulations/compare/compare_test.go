package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The test program is either side of a replication when asked.
func TestMain(m *testing.M) {
	if os.Getenv(childVariable) != "" {
		if err := child(os.Args[1:], os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// All of it on little: each system brings every record, each comparison finds
// what lacks, and no cell is empty or without end.
func TestFewRecords(t *testing.T) {
	var out strings.Builder
	o := order{records: 500, few: 100, mix: "all", keys: []int{2000}, edges: []int{2000}, scratch: t.TempDir()}
	for _, r := range rows {
		o.systems = append(o.systems, r.name)
	}
	if err := compare(t.Context(), &out, o); err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if !strings.Contains(out.String(), "| "+r.label+" ") {
			t.Errorf("no row of %s", r.label)
		}
	}
	for line := range strings.Lines(out.String()) {
		for _, wrong := range []string{"NaN", "Inf", "|  |", "-"} {
			if strings.HasPrefix(line, "| ") && strings.Contains(strings.ReplaceAll(line, "go-ds-crdt", ""), wrong) && !strings.Contains(line, "CPU-s") {
				t.Errorf("got %q in %s", wrong, line)
			}
		}
	}
}

// A corpus is made once, and a damaged one is made again.
func TestCorpus(t *testing.T) {
	dir := t.TempDir()
	first, err := makeCorpus(dir, "all", 60)
	if err != nil {
		t.Fatal(err)
	}
	good, err := os.ReadFile(first.path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(first.path, good[:len(good)/2], 0o600); err != nil {
		t.Fatal(err)
	}
	second, err := makeCorpus(dir, "all", 60)
	if err != nil {
		t.Fatal(err)
	}
	again, err := os.ReadFile(second.path)
	if err != nil {
		t.Fatal(err)
	}
	if string(again) != string(good) {
		t.Errorf("got %d bytes, want the same %d", len(again), len(good))
	}
}
