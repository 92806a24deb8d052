package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/go-json-experiment/json"
	"golang.org/x/term"

	"codeberg.org/essaim/essaim/node/hosted"
)

// program is one run of the command: where it reads and writes, and what the
// global flags say.
type program struct {
	in       io.Reader
	out, err io.Writer

	// The global flags.
	json, quiet, verbose, noColor, noInput, yes bool
	configPath, dataDir, lang, passphraseFile   string

	french   bool
	command  string        // that was found: "essaim badge award"
	began    bool          // the command line was understood, and its command runs
	settings *settings     // read on first use
	lines    *bufio.Reader // over in, which several may read
	piped    []byte        // the passphrase standard input gave

	// web replaces the web in stories; nil is the web.
	web func(ctx context.Context, address string) (hosted.Page, error)
}

func newProgram(in io.Reader, out, err io.Writer) *program {
	return &program{in: in, out: out, err: err, lines: bufio.NewReader(in)}
}

// chooseLanguage sets the language before flags are parsed, since help is
// written in it: --lang, then ESSAIM_LANG, then what the system says.
func (p *program) chooseLanguage(args []string) {
	p.lang = firstSet(os.Getenv("ESSAIM_LANG"), os.Getenv("LC_ALL"), os.Getenv("LC_MESSAGES"), os.Getenv("LANG"))
	for i, a := range args {
		if v, ok := strings.CutPrefix(a, "--lang="); ok {
			p.lang = v
		} else if a == "--lang" && i+1 < len(args) {
			p.lang = args[i+1]
		}
	}
	p.french = strings.HasPrefix(strings.ToLower(p.lang), "fr")
}

func firstSet(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// tr returns the sentence in the reader's language.
func (p *program) tr(french, english string) string {
	if p.french {
		return french
	}
	return english
}

// say prints a line of the result.
func (p *program) say(french, english string, args ...any) {
	p.line(p.tr(french, english), args...)
}

// line prints a line of the result that needs no translation.
func (p *program) line(format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if mark, colour := marks(text); mark != "" && p.colours() {
		text = colour + mark + "\x1b[0m" + strings.TrimPrefix(text, mark)
	}
	fmt.Fprintln(p.out, text)
}

// marks returns the sign a line begins with, if it is one that has a colour.
// The sign and its word stay: nothing is said by colour alone.
func marks(text string) (mark, colour string) {
	for mark, colour := range map[string]string{"✓": "\x1b[32m", "✗": "\x1b[31m", "ok ": "\x1b[32m", "warn ": "\x1b[33m", "fail ": "\x1b[31m"} {
		if strings.HasPrefix(text, mark) {
			return mark, colour
		}
	}
	return "", ""
}

// note prints a line that is not the result: what goes on, what to do next.
func (p *program) note(french, english string, args ...any) {
	if !p.quiet {
		fmt.Fprintf(p.err, p.tr(french, english)+"\n", args...)
	}
}

// document prints the one JSON document of a command.
func (p *program) document(v any) error {
	raw, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		return err
	}
	_, err = p.out.Write(append(raw, '\n'))
	return err
}

// asks reports whether a person can be asked: both ends are a terminal and
// --no-input was not given.
func (p *program) asks() bool {
	in, ok := p.in.(*os.File)
	return ok && !p.noInput && term.IsTerminal(int(in.Fd())) && isTerminal(p.err)
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// colours reports whether results may carry colour.
func (p *program) colours() bool {
	return !p.noColor && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(p.out)
}

// confirm asks before what cannot be undone. word is what the person must type.
func (p *program) confirm(ctx context.Context, word, french, english string, args ...any) error {
	if p.yes {
		return nil
	}
	if !p.asks() {
		return usage(p.tr(
			"cela ne se défait pas : ajoutez --yes pour confirmer",
			"this cannot be undone: add --yes to confirm"))
	}
	fmt.Fprintf(p.err, p.tr(french, english)+"\n", args...)
	fmt.Fprintf(p.err, p.tr("Tapez %s pour confirmer : ", "Type %s to confirm: "), word)
	answer, err := patiently(ctx, func() ([]byte, error) { return p.lines.ReadBytes('\n') })
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if err != nil || strings.TrimSpace(string(answer)) != word {
		return usage(p.tr("rien n’a été fait", "nothing was done"))
	}
	return nil
}

// hasPassphrase reports whether passphrase has where to read it.
func (p *program) hasPassphrase(s *settings) bool {
	return firstSet(p.passphraseFile, s.Keys.PassphraseFile) != "" || p.asks()
}

// passphrase reads the passphrase from --passphrase-file ("-" is standard
// input), from the file the settings name, or from the person, and fails with a
// usage error when there is none of them. Of a file the first line counts. Twice
// asks to type a new one again.
func (p *program) passphrase(ctx context.Context, twice bool) ([]byte, error) {
	s, err := p.load()
	if err != nil {
		return nil, err
	}
	switch path := firstSet(p.passphraseFile, s.Keys.PassphraseFile); {
	case path == "-" && p.piped != nil:
		return p.piped, nil
	case path == "-":
		p.piped, err = patiently(ctx, func() ([]byte, error) { return p.firstLine(p.lines) })
		return p.piped, err
	case path != "":
		f, err := os.Open(path)
		if err != nil {
			return nil, usage(fmt.Sprintf(p.tr("phrase de passe : %s", "passphrase: %s"), p.translated(err.Error())))
		}
		defer f.Close()
		return p.firstLine(bufio.NewReader(f))
	case !p.asks():
		return nil, usage(p.tr(
			"il faut la phrase de passe : --passphrase-file FICHIER, ou - pour l’entrée standard",
			"the passphrase is needed: --passphrase-file FILE, or - for standard input"))
	}
	first, err := p.typed(ctx, p.tr("Phrase de passe : ", "Passphrase: "))
	if err != nil || !twice {
		return first, err
	}
	again, err := p.typed(ctx, p.tr("Encore une fois : ", "Once more: "))
	if err == nil && string(first) != string(again) {
		err = usage(p.tr("les deux phrases de passe diffèrent", "the two passphrases differ"))
	}
	return first, err
}

// firstLine reads a passphrase of at most 4 KiB, the buffer of r; the keys take
// 1024 bytes.
func (p *program) firstLine(r *bufio.Reader) ([]byte, error) {
	line, err := r.ReadSlice('\n')
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, usage(fmt.Sprintf(p.tr("phrase de passe : %s", "passphrase: %s"), p.translated(err.Error())))
	}
	if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
		return nil, usage(p.tr("la phrase de passe est vide", "the passphrase is empty"))
	}
	return bytes.Clone(line), nil
}

func (p *program) typed(ctx context.Context, prompt string) ([]byte, error) {
	fd := int(p.in.(*os.File).Fd())
	visible, err := term.GetState(fd)
	if err != nil {
		return nil, err
	}
	fmt.Fprint(p.err, prompt)
	line, err := patiently(ctx, func() ([]byte, error) { return term.ReadPassword(fd) })
	if ctx.Err() != nil {
		_ = term.Restore(fd, visible)
		err = ctx.Err()
	}
	fmt.Fprintln(p.err)
	return line, err
}

// patiently returns what read returns, or the end of ctx. Nothing wakes a read
// of a terminal: one that is left behind ends with the program.
func patiently(ctx context.Context, read func() ([]byte, error)) ([]byte, error) {
	type line struct {
		text []byte
		err  error
	}
	came := make(chan line, 1)
	go func() {
		text, err := read()
		came <- line{text, err}
	}()
	select {
	case l := <-came:
		return l.text, l.err
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
