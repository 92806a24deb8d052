// Package vectors holds the test vectors of spec/records.md: one file each,
// each testing one thing, for any implementation to run.
//
// A file is a header of "name: value" lines, a blank line, and the bytes of one
// record to the end of the file:
//
//	comment: what is tested
//	expect:  ok, or the one reason it must be refused for
//	now:     the clock of the reader
//	topic:   the territory on whose topic the bytes came, if on any
//	kind:    of a good record
//	cid:     of a good record
//
// Names are those of the generators in internal/gen, which write the same bytes
// at every run.
package vectors

import (
	"bytes"
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

//go:generate go run ./internal/gen

// FS holds the files.
//
//go:embed *.txt
var FS embed.FS

// Vector is one file.
type Vector struct {
	Name    string // file name without extension
	Comment string
	Expect  string
	Now     time.Time
	Topic   string
	Kind    string
	CID     string
	Record  []byte
}

// All returns every vector in order of name.
func All() ([]Vector, error) {
	names, err := fs.Glob(FS, "*.txt")
	if err != nil {
		return nil, err
	}
	out := make([]Vector, 0, len(names))
	for _, name := range names {
		raw, err := FS.ReadFile(name)
		if err != nil {
			return nil, err
		}
		v, err := Parse(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		v.Name = strings.TrimSuffix(name, ".txt")
		out = append(out, v)
	}
	return out, nil
}

// Parse reads one file.
func Parse(raw []byte) (Vector, error) {
	var v Vector
	head, record, ok := bytes.Cut(raw, []byte("\n\n"))
	if !ok {
		return v, fmt.Errorf("no blank line after the header")
	}
	v.Record = record
	for line := range strings.Lines(string(head)) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), ": ")
		if !ok {
			return v, fmt.Errorf("header line %q", line)
		}
		switch name {
		case "comment":
			v.Comment = value
		case "expect":
			v.Expect = value
		case "topic":
			v.Topic = value
		case "kind":
			v.Kind = value
		case "cid":
			v.CID = value
		case "now":
			t, err := time.Parse(time.RFC3339, value)
			if err != nil {
				return v, err
			}
			v.Now = t
		default:
			return v, fmt.Errorf("header %q", name)
		}
	}
	if v.Expect == "" || v.Now.IsZero() {
		return v, fmt.Errorf("no expect or now")
	}
	return v, nil
}
