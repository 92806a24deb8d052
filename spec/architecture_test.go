// Package spec_test holds the pages of this folder against the code.
package spec_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// module is the import path of the project, without which nothing below says
// anything.
const module = "codeberg.org/essaim/essaim"

// room is a row of spec/architecture.md §2.
type room struct {
	name           string
	imports, tests []string
	row            int
}

// door is a row of spec/architecture.md §3.
type door struct {
	module       string
	holds, tests []string
}

func TestArrows(t *testing.T) {
	rooms := readRooms(t)
	for _, f := range goFiles(t) {
		here, ok := rooms[f.room()]
		if !ok {
			t.Errorf("%s: package %q has no row in spec/architecture.md §2", f.name, f.room())
			continue
		}
		for _, imported := range f.imports() {
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours {
				continue
			}
			to, known := rooms[target]
			switch {
			case !known:
				t.Errorf("%s imports %s, which has no row in spec/architecture.md §2", f.name, target)
			case matches(here.imports, target):
			case f.test() && (target == here.name || matches(here.tests, target)):
			default:
				t.Errorf("%s imports %s: the row of %s in spec/architecture.md §2 does not allow it", f.name, target, here.name)
			}
			if known && !f.test() && to.row >= here.row {
				t.Errorf("%s imports %s, whose row is below its own: arrows point down", f.name, target)
			}
		}
	}
}

func TestDoors(t *testing.T) {
	doors := readDoors(t)
	for _, f := range goFiles(t) {
		for _, imported := range f.imports() {
			if first, _, _ := strings.Cut(imported, "/"); !strings.Contains(first, ".") || strings.HasPrefix(imported, module+"/") {
				continue
			}
			d, ok := doorOf(doors, imported)
			switch {
			case !ok:
				t.Errorf("%s imports %s: a new dependency needs a row in spec/architecture.md §3 and a line in spec/decisions/0007", f.name, imported)
			case matches(d.holds, f.room()):
			case f.test() && matches(d.tests, f.room()):
			default:
				t.Errorf("%s imports %s: the key of %s is held by %v (tests: %v)", f.name, imported, d.module, d.holds, d.tests)
			}
		}
	}
}

// Each dependency is argued for once, and none is argued for that is not there.
func TestDependenciesAreDecided(t *testing.T) {
	var argued []string
	for _, row := range table(t, "decisions/0007-dependencies.md", "module") {
		argued = append(argued, words(row[0])...)
	}
	for _, d := range readDoors(t) {
		if !slices.Contains(argued, d.module) {
			t.Errorf("spec/decisions/0007 has no line on %s", d.module)
		}
		argued = slices.DeleteFunc(argued, func(m string) bool { return m == d.module })
	}
	for _, m := range argued {
		t.Errorf("spec/decisions/0007 has a line on %s, which has no row in spec/architecture.md §3", m)
	}
}

// The top level is what a newcomer sees first. Names with a dot are settings
// of tools; essaim, dist and cover.out are what make leaves behind.
func TestTopLevel(t *testing.T) {
	allowed := []string{
		"node", "protocol", "store", "cmd", "spec", "simulations",
		"go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
		"essaim", "dist", "cover.out",
	}
	entries, err := os.ReadDir("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") && !slices.Contains(allowed, e.Name()) {
			t.Errorf("%s stands at the top level, where only %v may", e.Name(), allowed)
		}
	}
}

// The comparison is of the program that is shipped: what both modules ask for by
// name, they ask for at the same version.
func TestComparisonUsesTheSameVersions(t *testing.T) {
	ours, theirs := required(t, "../go.mod"), required(t, "../simulations/compare/go.mod")
	common := 0
	for module, version := range theirs {
		if want, ok := ours[module]; ok {
			if common++; version != want {
				t.Errorf("simulations/compare/go.mod asks for %s %s, and the program for %s: go get it there too", module, version, want)
			}
		}
	}
	if common < 3 {
		t.Errorf("found %d modules that both ask for, want libp2p, its pubsub and go-cid at least", common)
	}
}

// required returns the modules that a go.mod asks for because its own code
// imports them.
func required(t *testing.T, name string) map[string]string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	versions := map[string]string{}
	for line := range strings.Lines(string(text)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) == 2 && strings.HasPrefix(fields[1], "v") {
			versions[fields[0]] = fields[1]
		}
	}
	return versions
}

// goFile is a parsed file of the project.
type goFile struct {
	name   string // slash-separated, from the top of the repository
	syntax *ast.File
	set    *token.FileSet
}

// room returns the package folder.
func (f goFile) room() string { return path.Dir(f.name) }

func (f goFile) test() bool { return strings.HasSuffix(f.name, "_test.go") }

// generator reports whether the file belongs to a program that go generate runs.
func (f goFile) generator() bool { return strings.HasSuffix(f.room(), "/internal/gen") }

func (f goFile) below(folder string) bool { return strings.HasPrefix(f.name, folder+"/") }

func (f goFile) imports() []string {
	var out []string
	for _, spec := range f.syntax.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err == nil {
			out = append(out, imported)
		}
	}
	return out
}

func (f goFile) at(node ast.Node) string {
	return fmt.Sprintf("%s:%d", f.name, f.set.Position(node.Pos()).Line)
}

// goFiles parses every Go file of the project, whatever system it is for. What has
// a go.mod of its own is another project.
func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir("..", func(name string, entry fs.DirEntry, err error) error {
		base := entry.Name()
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (base == "testdata" || strings.HasPrefix(base, ".") && base != ".."):
			return filepath.SkipDir
		case entry.IsDir() && base != ".." && exists(filepath.Join(name, "go.mod")):
			return filepath.SkipDir
		case entry.IsDir() || !strings.HasSuffix(base, ".go"):
			return nil
		}
		set := token.NewFileSet()
		syntax, err := parser.ParseFile(set, name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return err
		}
		below, err := filepath.Rel("..", name)
		files = append(files, goFile{filepath.ToSlash(below), syntax, set})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 10 {
		t.Fatalf("found %d Go files: is this the top of the repository?", len(files))
	}
	return files
}

func exists(name string) bool {
	_, err := os.Stat(name)
	return err == nil
}

func readRooms(t *testing.T) map[string]room {
	t.Helper()
	rooms := map[string]room{}
	for i, row := range table(t, "architecture.md", "package") {
		name := words(row[0])[0]
		if _, twice := rooms[name]; twice {
			t.Fatalf("spec/architecture.md: two rows of %s", name)
		}
		rooms[name] = room{name, words(row[2]), words(row[3]), i}
	}
	return rooms
}

func readDoors(t *testing.T) []door {
	t.Helper()
	var doors []door
	for _, row := range table(t, "architecture.md", "module") {
		doors = append(doors, door{words(row[0])[0], words(row[1]), words(row[2])})
	}
	return doors
}

// doorOf returns the row with the longest module path that imported is in.
func doorOf(doors []door, imported string) (found door, ok bool) {
	for _, d := range doors {
		if (imported == d.module || strings.HasPrefix(imported, d.module+"/")) && len(d.module) > len(found.module) {
			found, ok = d, true
		}
	}
	return found, ok
}

// matches reports whether one of patterns is name, the folder of name followed
// by "/*", or "*".
func matches(patterns []string, name string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		folder, below := strings.CutSuffix(p, "/*")
		return p == name || p == "*" || below && strings.HasPrefix(name, folder+"/")
	})
}

// table returns the cells of the one Markdown table of a page whose first
// column is headed column.
func table(t *testing.T, page, column string) [][]string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var rows [][]string
	inside := false
	for line := range strings.Lines(string(text)) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 3 || cells[0] != "" {
			inside = false
			continue
		}
		cells = cells[1 : len(cells)-1]
		for i := range cells {
			cells[i] = strings.TrimSpace(cells[i])
		}
		switch {
		case cells[0] == column:
			inside = true
		case inside && !strings.HasPrefix(cells[0], "---"):
			rows = append(rows, cells)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("spec/%s: no table with a column %q", page, column)
	}
	return rows
}

// words returns what stands between backquotes.
func words(cell string) []string {
	var out []string
	for i, part := range strings.Split(cell, "`") {
		if i%2 == 1 {
			out = append(out, part)
		}
	}
	return out
}
