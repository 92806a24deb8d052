package ob2

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// Loss is one thing a badge said that its form in another standard does not.
type Loss struct {
	Member string // its path in what was converted, "badge.image.author"
	Why    string // for people, in English
}

// Why something is lost.
const (
	NoPlace    = "the other standard has no place for it"
	Unlisted   = "it is not a member of the standard, and may be an extension"
	Rounded    = "fractions of a second are left out"
	Resigned   = "the other standard proves it in another way"
	OnlyOne    = "the other standard takes one, the first was kept"
	BadForm    = "it is not in a form that can be carried over"
	NotHosting = "the one who hosts the badge says it in their own words"
)

// taker hands out the members of an object, each once. Those nobody took are
// what is lost.
type taker struct {
	o      foreign.Object
	path   string
	left   map[string]string // member, why it would be lost
	losses *[]Loss
}

func take(o foreign.Object, path string, losses *[]Loss) *taker {
	t := &taker{o, path, map[string]string{}, losses}
	for name := range o {
		t.left[name] = Unlisted
	}
	return t
}

func (t *taker) value(name string) any {
	delete(t.left, name)
	return t.o[name]
}

// text takes a string. Anything else but an empty one is lost.
func (t *taker) text(name string) string {
	v := t.value(name)
	s, ok := v.(string)
	if !ok && !void(v) {
		t.lose(name, BadForm)
	}
	return s
}

// drop takes members that have their place elsewhere, or need none.
func (t *taker) drop(names ...string) {
	for _, n := range names {
		delete(t.left, n)
	}
}

// without says that members the standard knows have no place in the other.
func (t *taker) without(why string, names ...string) {
	for _, n := range names {
		if _, ok := t.left[n]; ok {
			t.left[n] = why
		}
	}
}

func (t *taker) lose(name, why string) {
	*t.losses = append(*t.losses, Loss{strings.TrimPrefix(t.path+"."+name, "."), why})
}

// done writes down what nobody took, in the order of names.
func (t *taker) done() {
	names := make([]string, 0, len(t.left))
	for n := range t.left {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		if !void(t.o[n]) {
			t.lose(n, t.left[n])
		}
	}
}

// void reports whether a value says nothing.
func void(v any) bool {
	switch v := v.(type) {
	case nil:
		return true
	case string:
		return v == ""
	case []any:
		return len(v) == 0
	case map[string]any:
		return len(v) == 0
	}
	return false
}

// set puts a value under a name unless it says nothing.
func set(o map[string]any, name string, v any) {
	if !void(v) {
		o[name] = v
	}
}

// moment rewrites a time as UTC with whole seconds, and "" from what is none.
func (t *taker) moment(name string, end bool) string {
	v := t.value(name)
	if void(v) {
		return ""
	}
	var notes foreign.Verdict
	at, ok := foreign.Moment(v, end, &notes)
	if !ok {
		t.lose(name, BadForm)
		return ""
	}
	if at.Nanosecond() != 0 {
		t.lose(name, Rounded)
	}
	return at.UTC().Format("2006-01-02T15:04:05Z")
}

// newID returns an id made from what it names, the same on every machine: a
// UUID of version 8 over sha256.
func newID(role string, of any) (string, error) {
	raw, err := foreign.Canonical(of)
	if err != nil {
		return "", err
	}
	b := sha256.Sum256(append([]byte(role+"\n"), raw...))
	b[6], b[8] = b[6]&0x0f|0x80, b[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:16]), nil
}

// image carries an image from one standard to the other: an address, or an
// object with an id and a caption. The author of 2.0 has no place in 3.0.
func (t *taker) image(name string, object bool) any {
	v := t.value(name)
	if many, ok := v.([]any); ok && len(many) > 0 {
		if len(many) > 1 {
			t.lose(name, OnlyOne)
		}
		v = many[0]
	}
	out := map[string]any{"type": "Image"}
	switch v := v.(type) {
	case string:
		if v == "" {
			return nil
		}
		if !object {
			return v
		}
		out["id"] = v
	case map[string]any:
		in := take(v, strings.TrimPrefix(t.path+"."+name, "."), t.losses)
		in.drop("type")
		set(out, "id", in.text("id"))
		set(out, "caption", in.text("caption"))
		in.without(NoPlace, "author")
		in.done()
		if out["id"] == nil {
			t.lose(name, BadForm)
			return nil
		}
		if !object && out["caption"] == nil {
			return out["id"]
		}
	default:
		if !void(v) {
			t.lose(name, BadForm)
		}
		return nil
	}
	return out
}

// each calls f for each object of a list, with its path. What is no object is
// lost.
func (t *taker) each(name string, f func(*taker)) {
	list := t.o.List(name)
	delete(t.left, name)
	for i, v := range list {
		where := fmt.Sprintf("%s[%d]", name, i)
		m, ok := v.(map[string]any)
		if !ok {
			if !void(v) {
				t.lose(where, BadForm)
			}
			continue
		}
		in := take(m, strings.TrimPrefix(t.path+"."+where, "."), t.losses)
		f(in)
		in.done()
	}
}
