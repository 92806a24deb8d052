package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
)

func speaker(french bool) *program {
	p := newProgram(strings.NewReader(""), nil, nil)
	p.french = french
	return p
}

func TestWords(t *testing.T) {
	fr, en := speaker(true), speaker(false)
	first, late := time.Date(2027, 1, 1, 12, 0, 0, 0, time.Local), time.Date(2026, 8, 22, 12, 0, 0, 0, time.Local)
	did := "did:key:z6MkpTHR8VNsBxYAAWHut2Geadd9jSwuBV8xRoAnwWsdvktH"
	for _, x := range []struct{ got, want string }{
		{fr.day(first), "1er janv. 2027"},
		{fr.day(late), "22 août 2026"},
		{en.day(late), "22 Aug 2026"},
		{fr.bytes(0), "0 octets"},
		{en.bytes(999), "999 bytes"},
		{fr.bytes(3 << 10), "3 ko"},
		{fr.bytes(96 << 20), "96 Mo"},
		{en.bytes(96 << 20), "96 MB"},
		{fr.bytes(21 << 30), "21 Go"},
		{fr.many(0, "acte", "actes", "record", "records"), "0 acte"},
		{en.many(0, "acte", "actes", "record", "records"), "0 records"},
		{fr.many(1, "acte", "actes", "record", "records"), "1 acte"},
		{fr.many(2, "acte", "actes", "record", "records"), "2 actes"},
		{en.many(1, "acte", "actes", "record", "records"), "1 record"},
		{fr.number(3218), "3\u202f218"},
		{en.number(3218), "3,218"},
		{en.number(1234567), "1,234,567"},
		{en.number(999), "999"},
		{en.counted(3218, "acte", "actes", "record", "records"), "3,218 records"},
		{fr.counted(1, "acte", "actes", "record", "records"), "1 acte"},
		{fr.lasting(45 * time.Second), "45 s"},
		{fr.lasting(12 * time.Minute), "12 min"},
		{fr.lasting(3*time.Hour + 5*time.Minute), "3 h 5 min"},
		{fr.kinds(1, protocol.Succession), "1 changement de clé"},
		{fr.kinds(3, protocol.Succession), "3 changements de clé"},
		{fr.kinds(3, protocol.Award), "3 badges"},
		{en.kinds(3, protocol.Class), "3 classes"},
		{en.kinds(1, protocol.Status), "1 status"},
		{short("bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"), "bafkreifzjut…6n5e"},
		{short("court"), "court"},
		{fr.person("Nadia B.", did), "Nadia B."},
		{fr.person("", did), "une personne (…wWsdvktH)"},
		{en.person("", did), "somebody (…wWsdvktH)"},
		{fr.quoted("vu"), " « vu »"},
		{en.quoted("seen"), " “seen”"},
		{en.quoted(""), ""},
		{fr.reason("wrong-person"), "erreur de personne"},
		{fr.translated("it says 2026-08-22T10:00:00Z"), "elle dit " + fr.day(late) + late.UTC().Add(-2*time.Hour).Local().Format(" à 15:04")},
		{fr.translated("nobody wrote this"), "nobody wrote this"},
		{en.translated("as known here"), "as known here"},
		{fr.translated(`unknown place "Breste": did you mean Brest (Finistère)?`), "« Breste »"},
	} {
		if x.got != x.want {
			t.Errorf("got %q, want %q", x.got, x.want)
		}
	}
}

// What the doctor finds and what a check answers is French for French readers.
func TestNodeSentencesAreTranslated(t *testing.T) {
	p := speaker(true)
	for _, file := range []string{"../../node/doctor.go", "../../node/examine.go"} {
		for _, text := range literals(t, file) {
			if !strings.Contains(strings.TrimSpace(text), " ") {
				continue
			}
			told := strings.NewReplacer("%d", "3", "%s", "Brest", "%q", `"Brest"`, "%v", "Brest").Replace(text)
			switch text {
			case "%s: %s", "Ed25519, %s": // told by checkDetail; the same in both
				continue
			case "it says ", ", before any record was ever made":
				told = "it says Brest, before any record was ever made"
			}
			if p.translated(told) == told {
				t.Errorf("%s says %q, which frenchSentences does not have", file, text)
			}
		}
	}
}

// literals returns the string literals of a file, but import paths.
func literals(t *testing.T, file string) []string {
	t.Helper()
	syntax, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, d := range syntax.Decls {
		if g, ok := d.(*ast.GenDecl); ok && g.Tok == token.IMPORT {
			continue
		}
		ast.Inspect(d, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				text, err := strconv.Unquote(l.Value)
				if err != nil {
					t.Fatal(err)
				}
				out = append(out, text)
			}
			return true
		})
	}
	return out
}

// A sentence of frenchSentences is one that somebody says: its longest part
// stands in the code of the node or of what the program is built on.
func TestFrenchSentencesAreSaid(t *testing.T) {
	var said strings.Builder
	for _, dir := range []string{"../../node", "../../store", "../../protocol", "."} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") || d.Name() == "french.go" {
				return err
			}
			for _, text := range literals(t, path) {
				said.WriteString(text + "\n")
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	all := said.String()
	// Cobra, its flags, huma and the system have theirs elsewhere: the stories
	// meet them.
	elsewhere := regexp.MustCompile(`flag|arg\(s\)|unknown command|expected|validation failed|^query|^body|no such file|permission denied|is a directory`)
	verb := regexp.MustCompile(`%[a-z0-9]+`)
	for _, s := range frenchSentences {
		if elsewhere.MatchString(s.english) {
			continue
		}
		longest := ""
		for _, part := range verb.Split(s.english, -1) {
			// An error is often made of two: "unfit name", "it is empty".
			for _, half := range strings.Split(part, ": ") {
				if half = strings.Trim(half, " :,;"); len(half) > len(longest) {
					longest = half
				}
			}
		}
		// So is one about a value: "level" is "does not go with this class".
		_, why, _ := strings.Cut(strings.TrimPrefix(longest, "peer "), " ")
		if !strings.Contains(all, longest) && (why == "" || !strings.Contains(all, why)) {
			t.Errorf("nobody says %q (%q)", s.english, longest)
		}
		if strings.Contains(s.french, "'") {
			t.Errorf("%q has a straight apostrophe", s.french)
		}
		if strings.Count(s.french, "%s") > len(verb.FindAllString(s.english, -1)) {
			t.Errorf("%q has more parts than %q", s.french, s.english)
		}
	}
}

// Every code the API answers with, and every reason of a refusal, has French.
func TestProblemsAreTranslated(t *testing.T) {
	for _, file := range []string{"../../node/api/errors.go", "../../node/api/offers.go", "../../node/api/peers.go", "../../protocol/refusal.go"} {
		for _, text := range literals(t, file) {
			if !regexp.MustCompile(`^[a-z]+_[a-z_]+$`).MatchString(text) || text == "no_operation" {
				continue
			}
			if frenchProblems[text].message == "" {
				t.Errorf("%s has the code %s, which frenchProblems does not", file, text)
			}
		}
	}
}

// French of the program itself, as it stands in its code: typographic
// apostrophes, and a space before double punctuation.
func TestFrenchTypography(t *testing.T) {
	files, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	accent := regexp.MustCompile(`[éèêàùçôîœ’]`)
	tight := regexp.MustCompile(`[\p{L}»)][;!?](\s|$)|[\p{L}»)]:(\s|$)`)
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, text := range literals(t, file) {
			if !accent.MatchString(text) || strings.Contains(text, "essaim class new") || strings.Contains(text, "--name") || strings.Contains(text, "as in") {
				continue
			}
			if strings.Contains(text, "'") || tight.MatchString(strings.ReplaceAll(text, "did:key:", "")) {
				t.Errorf("%s: %q", file, text)
			}
		}
	}
}

// A size is read as it is written, and is never more or less than it says.
func FuzzSize(f *testing.F) {
	for text, want := range map[string]int64{
		"": 0, "500MB": 500 << 20, "500 Mo": 500 << 20, "500m": 500 << 20, "2GB": 2 << 30, "2g": 2 << 30, "1000000": 1_000_000, "12 kB": 12 << 10, "1T": 1 << 40,
		"0": -1, "-1": -1, "MB": -1, "1.5GB": -1, "5 pommes": -1, "5MMB": -1, "9223372036854775807k": -1, "1e3": -1, "5M5": -1, "+": -1, "\xc7": -1,
	} {
		got, err := speaker(false).size(text)
		if err == nil && got != want || err != nil && want >= 0 {
			f.Errorf("%q: got %d, %v; want %d", text, got, err, want)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, err := speaker(false).size(text)
		if err != nil || n == 0 {
			return
		}
		if again, err := speaker(true).size(fmt.Sprint(n)); n < 0 || err != nil || again != n {
			t.Errorf("%q: got %d, then %d, %v", text, n, again, err)
		}
	})
}
