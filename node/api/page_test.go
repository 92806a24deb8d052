package api_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol"
)

// spec/api.md lists every operation and every code, and nothing else.
func TestPage(t *testing.T) {
	raw, err := os.ReadFile("../../spec/api.md")
	if err != nil {
		t.Fatal(err)
	}
	var rows, codes []string
	for line := range strings.Lines(string(raw)) {
		cells := strings.Split(line, "|")
		switch {
		case len(cells) == 6 && strings.Contains(cells[1], "/"): // method and path, access, id, summary
			rows = append(rows, strings.TrimSpace(line))
		case len(cells) == 5 && strings.HasPrefix(cells[1], " `"): // code, status, meaning
			codes = append(codes, strings.Trim(cells[1], " `"))
		}
	}
	access := []string{"read", "write", "socket", "code"}
	var want []string
	for method, op := range operations(open(t).server.OpenAPI()) {
		path := strings.TrimPrefix(op.Path, "/api/v1")
		i := slices.IndexFunc(rows, func(row string) bool { return strings.HasPrefix(row, "| `"+method+" "+path+"` ") })
		if i < 0 {
			t.Errorf("the page has no row for %s %s (%s)", method, path, op.OperationID)
			continue
		}
		cells := strings.Split(rows[i], "|")
		if got := strings.TrimSpace(cells[2]); !slices.Contains(access, got) || got != whoMay[op.OperationID] {
			t.Errorf("%s: got access %q in the page, want %q", op.OperationID, got, whoMay[op.OperationID])
		}
		if got := strings.TrimSpace(cells[4]); got != op.Summary {
			t.Errorf("%s: got %q in the page, want %q", op.OperationID, got, op.Summary)
		}
		want = append(want, rows[i])
	}
	same(t, "rows of operations", len(rows), len(want))

	said := map[string]bool{}
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range files {
		source, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		for _, found := range codeInSource.FindAllStringSubmatch(string(source), -1) {
			said[found[1]+found[2]] = true
		}
	}
	for code := range said {
		if !slices.Contains(codes, code) {
			t.Errorf("the page does not say what %s means", code)
		}
	}
	for _, code := range codes {
		if !said[code] {
			t.Errorf("the page has %s, which nothing answers", code)
		}
		if slices.Contains(protocol.Reasons, protocol.Reason(code)) && code != "bad_value" && code != "bad_territory" && code != "too_large" {
			t.Errorf("the page has %s, which is a reason of spec/records.md", code)
		}
	}
}

// codeInSource finds a code where it is answered.
var codeInSource = regexp.MustCompile(`(?:http\.Status\w+, "([a-z_]+)"|code :?= "([a-z_]+)")`)
