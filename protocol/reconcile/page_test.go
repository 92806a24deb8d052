package reconcile_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

func readPage(t *testing.T) string {
	t.Helper()
	page, err := os.ReadFile("../../spec/sync.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

// The page has the bounds of the code, each once.
func TestPageHasTheBounds(t *testing.T) {
	want := map[string]int{
		"MaxFrame": reconcile.MaxFrame, "MaxRanges": reconcile.MaxRanges, "MaxIDs": reconcile.MaxIDs,
		"MaxMessages": reconcile.MaxMessages, "MaxFrames": reconcile.MaxFrames, "MaxName": reconcile.MaxName,
		"MaxCells": reconcile.MaxCells, "MaxPieces": reconcile.MaxPieces, "MaxWanted": reconcile.MaxWanted,
	}
	for line := range strings.SplitSeq(readPage(t), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) < 4 || !strings.HasPrefix(strings.TrimSpace(cells[1]), "`Max") {
			continue
		}
		name := strings.Trim(strings.TrimSpace(cells[1]), "`")
		got, err := strconv.Atoi(strings.ReplaceAll(strings.TrimSpace(cells[2]), ",", ""))
		if err != nil || got != want[name] {
			t.Errorf("spec/sync.md §6 says %s is %s, the code %d", name, cells[2], want[name])
		}
		delete(want, name)
	}
	for name := range want {
		t.Errorf("spec/sync.md §6 has no row for %s", name)
	}
}

// The transcript of the page is what two sides say: other implementations are
// measured by it.
func TestPageHasTheTranscript(t *testing.T) {
	record := func(n int) reconcile.Key {
		at := time.Date(2027, time.May, 1, 0, 0, n, 0, time.UTC)
		return reconcile.NewKey(at, sha256.Sum256(fmt.Append(nil, "record ", n)))
	}
	var asks, answers []reconcile.Key
	for n := range 40 {
		if n != 7 {
			asks = append(asks, record(n))
		}
		if n != 21 {
			answers = append(answers, record(n))
		}
	}
	var first, second reconcile.Nonce
	for i := range first {
		first[i], second[i] = byte(i), byte(16+i)
	}
	from := newSide(t, reconcile.Config{Name: "x:test", View: build(t, asks).View(), Nonce: first})
	to := newSide(t, reconcile.Config{Name: "x:test", View: build(t, answers).View(), Nonce: second})
	var b strings.Builder
	who, other := "asks", "answers"
	for message := from.session.Start(); len(message) > 0; from, to, who, other = to, from, other, who {
		for r := bytes.NewReader(message); r.Len() > 0; {
			frame, err := reconcile.ReadFrame(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			for i := 0; i < len(frame); i += 32 {
				fmt.Fprintf(&b, "%-8s %x\n", []string{who, ""}[min(i, 1)], frame[i:min(len(frame), i+32)])
			}
		}
		message = pass(t, to, message)
	}
	if want := "```\n" + b.String() + "```\n"; !strings.Contains(readPage(t), want) {
		t.Errorf("spec/sync.md §9 does not have this transcript:\n%s", want)
	}
}
