package foreign

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// Bounds on JSON of others: bytes of a document, objects and arrays inside one
// another, and values in all. A tree of the most values is some 10 MB.
const (
	MaxBytes  = 256 << 10
	maxDepth  = 32
	maxValues = 32 << 10
)

// Faults of JSON. Parse wraps exactly one.
var (
	ErrNotJSON   = errors.New("not a JSON object in UTF-8")
	ErrTooLarge  = errors.New("document too large")
	ErrTooDeep   = errors.New("nested too deep")
	ErrDuplicate = errors.New("duplicate member name")
)

// Object is a JSON object of others. Values are string, float64, bool, nil,
// []any and map[string]any.
type Object map[string]any

// Document is a JSON object with the bytes it was read from, which need not be
// canonical. It must not be changed.
type Document struct {
	Object
	Raw []byte
}

// Parse reads one JSON object, strictly: names are unique, the text is UTF-8
// without lone surrogates, nothing follows. What is bounded is bounded before
// any tree is built.
func Parse(raw []byte) (Document, error) {
	if len(raw) > MaxBytes {
		return Document{}, fmt.Errorf("%d bytes: %w", len(raw), ErrTooLarge)
	}
	raw = bytes.TrimSpace(bytes.TrimPrefix(raw, []byte("\ufeff")))
	in := jsontext.NewDecoder(bytes.NewReader(raw))
	if in.PeekKind() != '{' {
		return Document{}, ErrNotJSON
	}
	for values := 0; ; values++ {
		token, err := in.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			d := Document{Raw: raw}
			if err := json.Unmarshal(raw, &d.Object); err != nil {
				return Document{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
			}
			return d, nil
		case errors.Is(err, jsontext.ErrDuplicateName):
			return Document{}, fmt.Errorf("%w: %w", ErrDuplicate, err)
		case err != nil:
			return Document{}, fmt.Errorf("%w: %w", ErrNotJSON, err)
		case in.StackDepth() > maxDepth:
			return Document{}, fmt.Errorf("at byte %d: %w", in.InputOffset(), ErrTooDeep)
		case values > maxValues:
			return Document{}, fmt.Errorf("over %d values: %w", maxValues, ErrTooLarge)
		case token.Kind() == '0':
			if _, err := strconv.ParseFloat(token.String(), 64); err != nil {
				return Document{}, fmt.Errorf("number %.40q: %w", token.String(), ErrNotJSON)
			}
		}
	}
}

// Without returns the document as canonical JSON (RFC 8785) without the member
// called name.
func (d Document) Without(name string) ([]byte, error) {
	var members map[string]jsontext.Value
	if err := json.Unmarshal(d.Raw, &members); err != nil {
		return nil, err
	}
	delete(members, name)
	return Canonical(members)
}

// Canonical returns the canonical JSON of v.
func Canonical(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	out := jsontext.Value(b)
	if err := out.Canonicalize(); err != nil {
		return nil, err
	}
	return out, nil
}

// Text returns the member called name if it is a string, and "" otherwise.
func (o Object) Text(name string) string {
	s, _ := o[name].(string)
	return s
}

// Object returns the member called name if it is an object, and nil otherwise.
func (o Object) Object(name string) Object {
	m, _ := o[name].(map[string]any)
	return m
}

// List returns the member called name as a list: what stands alone is a list
// of one, and what is absent or null of none. Linked data may be written
// either way.
func (o Object) List(name string) []any {
	switch v := o[name].(type) {
	case nil:
		return nil
	case []any:
		return v
	default:
		return []any{v}
	}
}

// Objects returns the objects in the list called name.
func (o Object) Objects(name string) []Object {
	var out []Object
	for _, v := range o.List(name) {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

// Texts returns the strings in the list called name.
func (o Object) Texts(name string) []string {
	var out []string
	for _, v := range o.List(name) {
		if s, ok := v.(string); ok {
			out = append(out, s)
		}
	}
	return out
}

// ID returns the address of the member called name: itself if it is a string,
// or the id of the object it is.
func (o Object) ID(name string) string {
	if s := o.Text(name); s != "" {
		return s
	}
	return o.Object(name).Text("id")
}

// Is reports whether the type of o is, or contains, one of types.
func (o Object) Is(types ...string) bool {
	return slices.ContainsFunc(o.Texts("type"), func(t string) bool { return slices.Contains(types, t) })
}

// Names reports whether the context of o names an address that begins so.
func (o Object) Names(prefix string) bool {
	return slices.ContainsFunc(o.Texts("@context"), func(c string) bool { return strings.HasPrefix(c, prefix) })
}
