package spec_test

import (
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What protocol may not import: whatever reaches outside its arguments.
var impure = []string{
	"crypto/rand", "io/ioutil", "log", "log/slog", "math/rand", "math/rand/v2", "net", "net/http",
	"os", "os/exec", "os/signal", "path/filepath", "runtime/debug", "syscall",
}

// What protocol may not call of package time.
var clocks = []string{
	"time.Now", "time.Since", "time.Until", "time.Sleep", "time.After", "time.AfterFunc",
	"time.NewTimer", "time.NewTicker", "time.Tick",
}

func TestProtocolIsArithmetic(t *testing.T) {
	for _, f := range goFiles(t) {
		if !f.below("protocol") || f.test() || f.generator() {
			continue
		}
		for _, imported := range f.imports() {
			if slices.Contains(impure, imported) {
				t.Errorf("%s imports %s: protocol reaches for nothing outside its arguments", f.name, imported)
			}
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if _, ok := n.(*ast.GoStmt); ok {
				t.Errorf("%s starts a goroutine", f.at(n))
			}
			if name := selector(n); slices.Contains(clocks, name) {
				t.Errorf("%s uses %s: time is an argument", f.at(n), name)
			}
			return true
		})
	}
}

func TestOnlyTheStoreRereads(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || f.room() == "store" {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if selector(n) == "protocol.Reread" {
				t.Errorf("%s uses protocol.Reread, which verifies no signature", f.at(n))
			}
			return true
		})
	}
}

func TestOneJSON(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() || f.generator() || !f.below("protocol") && !f.below("store") && !f.below("node") {
			continue
		}
		if slices.Contains(f.imports(), "encoding/json") {
			t.Errorf("%s imports encoding/json, which takes duplicate names and any case", f.name)
		}
	}
}

// Time passes in tests only inside a bubble of testing/synctest.
func TestNobodySleeps(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test() && slices.Contains(f.imports(), "testing/synctest") {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if selector(n) == "time.Sleep" {
				t.Errorf("%s sleeps: wait for what happens, or use testing/synctest", f.at(n))
			}
			return true
		})
	}
}

// Importing a package does nothing, and its one package comment says which text
// it obeys or what it is.
func TestPackages(t *testing.T) {
	comments := map[string][]string{}
	for _, f := range goFiles(t) {
		if f.test() {
			continue
		}
		if f.syntax.Doc != nil {
			comments[f.room()] = append(comments[f.room()], f.name)
		} else if _, ok := comments[f.room()]; !ok {
			comments[f.room()] = nil
		}
		for _, d := range f.syntax.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s: init runs before anybody asked", f.at(fn))
			}
		}
	}
	for room, files := range comments {
		if len(files) == 0 && (room == "protocol" || room == "node") {
			continue // written last, as the tours of what is there
		}
		if len(files) != 1 {
			t.Errorf("package %s has its package comment in %v, want one file", room, files)
		}
	}
}

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// Pages lead where they say.
func TestLinks(t *testing.T) {
	pages := []string{"../README.md"}
	for _, pattern := range []string{"*.md", "decisions/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		pages = append(pages, found...)
	}
	for _, page := range pages {
		text, err := os.ReadFile(page)
		if os.IsNotExist(err) {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, found := range link.FindAllStringSubmatch(string(text), -1) {
			target, _, _ := strings.Cut(found[1], "#")
			if target == "" || strings.Contains(target, ":") {
				continue
			}
			if _, err := os.Stat(filepath.Join(filepath.Dir(page), target)); err != nil {
				t.Errorf("%s links to %s: %v", page, found[1], err)
			}
		}
	}
}

// Each code word of the glossary is a word of the code.
func TestGlossary(t *testing.T) {
	names, built := map[string]bool{}, map[string]bool{}
	for _, f := range goFiles(t) {
		names[f.syntax.Name.Name] = true
		built[f.room()] = true
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if id, ok := n.(*ast.Ident); ok {
				names[id.Name] = true
			}
			return true
		})
	}
	meanings := map[string]bool{}
	for _, row := range table(t, "glossary.md", "word") {
		if meanings[row[0]] {
			t.Errorf("the glossary explains %s twice", row[0])
		}
		meanings[row[0]] = true
		for _, word := range words(row[1]) {
			if !built["node"] && strings.HasPrefix(strings.ToLower(word), "node.") {
				continue // the room is not built yet
			}
			for part := range strings.SplitSeq(word, ".") {
				if !names[part] {
					t.Errorf("the glossary says %s is %s in code, where nothing is called %s", row[0], word, part)
				}
			}
		}
	}
}

// selector returns "time.Now" for the expression time.Now, and "" for others.
func selector(n ast.Node) string {
	s, ok := n.(*ast.SelectorExpr)
	if !ok {
		return ""
	}
	x, ok := s.X.(*ast.Ident)
	if !ok {
		return ""
	}
	return x.Name + "." + s.Sel.Name
}
