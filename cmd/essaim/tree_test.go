package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// treeIn is the tree of commands in a language.
func treeIn(french bool) *cobra.Command {
	p := newProgram(strings.NewReader(""), new(bytes.Buffer), new(bytes.Buffer))
	p.french = french
	root := newRoot(p)
	root.InitDefaultHelpCmd()
	return root
}

// walk calls visit with every command of one tree and the same of the other.
func walk(a, b *cobra.Command, visit func(a, b *cobra.Command)) {
	visit(a, b)
	others := b.Commands()
	for i, sub := range a.Commands() {
		walk(sub, others[i], visit)
	}
}

// Every command and every flag says what it is in both languages.
func TestHelpInBothLanguages(t *testing.T) {
	walk(treeIn(true), treeIn(false), func(french, english *cobra.Command) {
		name := english.CommandPath()
		if french.CommandPath() != name {
			t.Fatalf("%s in French is %s: names are stable", name, french.CommandPath())
		}
		if french.Short == "" || french.Short == english.Short {
			t.Errorf("%s: %q in French, %q in English", name, french.Short, english.Short)
		}
		if (french.Long == "") != (english.Long == "") || french.Long != "" && french.Long == english.Long {
			t.Errorf("%s: its long help is not there in both languages", name)
		}
		english.LocalFlags().VisitAll(func(f *pflag.Flag) {
			other := french.LocalFlags().Lookup(f.Name)
			switch {
			case other == nil:
				t.Errorf("%s --%s is not there in French", name, f.Name)
			case f.Usage == "" || other.Usage == "" || f.Usage == other.Usage:
				t.Errorf("%s --%s: %q in French, %q in English", name, f.Name, other.Usage, f.Usage)
			}
		})
		for _, c := range []*cobra.Command{french, english} {
			for _, text := range []string{c.Short, c.Long} {
				if strings.Contains(text, "'") && c == french {
					t.Errorf("%s: %q has a straight apostrophe", name, text)
				}
			}
		}
	})
}

// What people read of help is in one language: no word of cobra's own.
func TestHelpText(t *testing.T) {
	walk(treeIn(true), treeIn(false), func(french, english *cobra.Command) {
		for _, c := range []*cobra.Command{french, english} {
			var out bytes.Buffer
			c.SetOut(&out)
			if err := c.Help(); err != nil {
				t.Fatal(err)
			}
			text := out.String()
			for _, word := range []string{"Usage:", "Flags:", "[flags]", "(default", "help for ", " string"} {
				if c == french && strings.Contains(text, word) {
					t.Errorf("%s speaks English to French readers: %q in\n%s", c.CommandPath(), word, text)
				}
			}
			for _, name := range []string{"--json", "--passphrase-file"} {
				if !strings.Contains(text, name) {
					t.Errorf("the help of %s does not have %s", c.CommandPath(), name)
				}
			}
		}
	})
}

// page is spec/cli.md.
func page(t *testing.T) string {
	t.Helper()
	raw, err := os.ReadFile("../../spec/cli.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// The tree of spec/cli.md §2 is the tree.
func TestTreeIsThePage(t *testing.T) {
	var want []string
	line := regexp.MustCompile(`(?m)^essaim (\w+ \|.*|who .*|\w+ +\w+( \| \w+)+.*)$`)
	for _, found := range line.FindAllStringSubmatch(page(t), -1) {
		words := strings.Fields(strings.ReplaceAll(found[1], "|", " "))
		switch words[0] {
		case "setup":
			want = append(want, words...)
		case "who":
			want = append(want, "who")
		default:
			for _, verb := range words[1:] {
				want = append(want, words[0]+" "+verb)
			}
		}
	}
	var got []string
	root := treeIn(false)
	walk(root, root, func(c, _ *cobra.Command) {
		if !c.HasSubCommands() {
			got = append(got, strings.TrimPrefix(c.CommandPath(), "essaim "))
		}
	})
	for _, name := range got {
		if !slices.Contains(want, name) {
			t.Errorf("spec/cli.md does not have essaim %s", name)
		}
	}
	for _, name := range want {
		if !slices.Contains(got, name) {
			t.Errorf("there is no essaim %s, which spec/cli.md has", name)
		}
	}
	for name := range flagsOf(t) {
		if root.PersistentFlags().Lookup(name) == nil {
			t.Errorf("spec/cli.md has --%s, which is no flag of every command", name)
		}
	}
	root.PersistentFlags().VisitAll(func(f *pflag.Flag) {
		if _, ok := flagsOf(t)[f.Name]; !ok && f.Name != "help" {
			t.Errorf("spec/cli.md does not have --%s", f.Name)
		}
	})
}

func flagsOf(t *testing.T) map[string]bool {
	out := map[string]bool{}
	row := regexp.MustCompile("(?m)^\\| `(?:-\\w`, `)?--([a-z-]+)")
	for _, found := range row.FindAllStringSubmatch(page(t), -1) {
		out[found[1]] = true
	}
	return out
}

// The statuses of spec/cli.md §3 are those "essaim help exit-codes" tells.
func TestExitStatusesAreThePage(t *testing.T) {
	want := map[int]string{}
	for _, found := range regexp.MustCompile(`(?m)^\| (\d+) \| (.+) \|$`).FindAllStringSubmatch(page(t), -1) {
		n, err := strconv.Atoi(found[1])
		if err != nil {
			t.Fatal(err)
		}
		want[n] = found[2]
	}
	var out bytes.Buffer
	p := newProgram(strings.NewReader(""), &out, &out)
	p.exitCodes()
	got := map[int]string{}
	for _, line := range strings.Split(strings.TrimSpace(out.String()), "\n") {
		number, text, _ := strings.Cut(strings.TrimSpace(line), "  ")
		n, err := strconv.Atoi(number)
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		got[n] = text
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("exit statuses\n got %v\nwant %v", got, want)
	}
	for _, n := range []int{exitDone, exitError, exitUsage, exitNotFound, exitNotAllowed, exitNotRunning, exitInvalid, exitIncomplete, exitConfig, exitInterrupted} {
		if want[n] == "" {
			t.Errorf("spec/cli.md does not have %d", n)
		}
	}
}

// The story of --json has every command that answers with a document.
func TestEveryCommandAnswersJSON(t *testing.T) {
	raw, err := os.ReadFile("testdata/json.txt")
	if err != nil {
		t.Fatal(err)
	}
	others := []string{
		"essaim serve", "essaim demo", // run until stopped; the demo has tests of its own
		"essaim help", "essaim completion", // texts
	}
	root := treeIn(false)
	walk(root, root, func(c, _ *cobra.Command) {
		if c.HasSubCommands() || slices.Contains(others, c.CommandPath()) {
			return
		}
		if !regexp.MustCompile(`(?m)^exec ` + c.CommandPath() + ` .*--json$`).Match(raw) {
			t.Errorf("testdata/json.txt does not have %s", c.CommandPath())
		}
	})
}

// Ctrl-C before an answer is status 130, and no error is told.
func TestInterrupted(t *testing.T) {
	t.Setenv("ESSAIM_DATA_DIR", t.TempDir())
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var out, errs bytes.Buffer
	status := run(ctx, newProgram(strings.NewReader(""), &out, &errs), []string{"status"})
	if status != exitInterrupted || out.Len() > 0 || errs.Len() > 0 {
		t.Errorf("status %d, out %q, err %q; want %d and nothing", status, out.String(), errs.String(), exitInterrupted)
	}
}
