//go:build ignore

// Count reads what `go test -json` says, prints each package's closing line and
// all that a failed test said, and ends with "N passed, N failed". It exits 1
// when anything failed, and when nothing ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, ImportPath, Test, Output string
}

// reason returns what a skipped test said, without the frame around it.
func reason(said *strings.Builder) string {
	if said == nil {
		return "skipped"
	}
	var out []string
	for line := range strings.Lines(said.String()) {
		if line = strings.TrimSpace(line); !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			out = append(out, line)
		}
	}
	return strings.Join(out, " ")
}

func main() {
	said := map[string]*strings.Builder{} // by package and test
	passed, failed, skipped := 0, 0, 0
	blamed := map[string]bool{} // packages of which a test failed
	var skips []string
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if err := json.Unmarshal(in.Bytes(), &e); err != nil {
			fmt.Println(in.Text()) // of the tool itself
			continue
		}
		key := e.Package + e.ImportPath + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			closing := strings.HasPrefix(e.Output, "ok ") || strings.HasPrefix(e.Output, "FAIL\t")
			switch {
			case e.Action == "build-output", e.Test == "" && closing:
				fmt.Print(e.Output)
				continue
			case e.Test == "" && e.Output == "FAIL\n":
				continue
			}
			if said[key] == nil {
				said[key] = new(strings.Builder)
			}
			said[key].WriteString(e.Output)
		case "pass":
			if e.Test != "" {
				passed++
			}
			if b := said[key]; b != nil && strings.Contains(b.String(), "DATA RACE") {
				fmt.Print(b) // seen when the test had passed: the package will fail
			}
			delete(said, key)
		case "skip":
			if e.Test != "" {
				skipped++
				skips = append(skips, e.Test+": "+reason(said[key]))
			}
			delete(said, key)
		case "fail":
			if e.Test != "" || !blamed[e.Package] {
				failed++
			}
			blamed[e.Package] = true
			if said[key] != nil {
				fmt.Print(said[key])
			}
			delete(said, key)
		}
	}
	if err := in.Err(); err != nil {
		fmt.Println("count:", err)
		failed++
	}
	for _, s := range skips {
		fmt.Println("skipped", s)
	}
	if passed == 0 {
		fmt.Println("no test ran")
		failed++
	}
	fmt.Printf("%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if path := os.Getenv("COUNT_FILE"); path != "" {
		if err := os.WriteFile(path, fmt.Appendf(nil, "%d %d\n", passed, failed), 0o644); err != nil {
			fmt.Println("count:", err)
			os.Exit(1)
		}
	}
	if failed > 0 {
		os.Exit(1)
	}
}
