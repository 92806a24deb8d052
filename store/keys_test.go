package store

import (
	"encoding/hex"
	"fmt"
	"math"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
)

var declaration = regexp.MustCompile(`^\tkey[A-Z]\w* += '(.)' // (.*)$`)

// keyTable reads the comment of keys.go: the examples of each family, in order.
func keyTable(t testing.TB) (families string, examples []string) {
	t.Helper()
	text, err := os.ReadFile("keys.go")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(text), "\nconst (\n\t// Records.\n")
	table, _, _ = strings.Cut(table, "\n)")
	for line := range strings.Lines(table) {
		line = strings.TrimRight(line, "\n")
		example, again := strings.CutPrefix(line, "\t//                 ")
		if found := declaration.FindStringSubmatch(line); found != nil {
			families += found[1]
			example = found[2]
		} else if !again {
			continue
		}
		keys, _, _ := strings.Cut(example, "→")
		for one := range strings.SplitSeq(keys, ", ") {
			one = strings.TrimSpace(one)
			if !strings.HasPrefix(one, families[len(families)-1:]) {
				one = families[len(families)-1:] + " " + one // M schema, tally, …
			}
			examples = append(examples, one)
		}
	}
	return families, examples
}

// Each example of the comment is what the functions below it make.
func TestTheKeyTableShowsRealKeys(t *testing.T) {
	families, examples := keyTable(t)
	if families != "lcbemsinktahqgxyupM" {
		t.Errorf("families: got %q", families)
	}
	var digest, key [32]byte
	const date = 0x6b02d940
	want := map[string][]byte{
		"l 0000002a":                            key1(keyLog, 42),
		"c <32 bytes sha2-256>":                 cidKey(digest),
		"b 0000002a":                            key1(keyBody, 42),
		"e 0000002a":                            key1(keyBare, 42),
		"m 0000002a":                            key1(keyWant, 42),
		"s 0000002a":                            key1(keyState, 42),
		"i d <32 bytes key>":                    internKey(nameDID, key[:]),
		"i t fr:epci:242900314":                 internKey(nameTerritory, []byte("fr:epci:242900314")),
		"n d 00000007":                          namedKey(nameDID, 7),
		"n t 00000001":                          namedKey(nameTerritory, 1),
		"k 03 6b02d940 0000002a":                dated(kindPrefix(protocol.Award), date, 42),
		"t 00000001 03 6b02d940 0000002a":       dated(wherePrefix(1, protocol.Award), date, 42),
		"a 00000007 03 6b02d940 0000002a":       dated(authorPrefix(7, protocol.Award), date, 42),
		"h 00000008 6b02d940 0000002a":          dated(holderPrefix(8), date, 42),
		"q 00000011 00000001 6b02d940 0000002a": dated(classPrefix(17, 1), date, 42),
		"g 00 00000011 04 6b02d940 0000002a":    dated(targetPrefix(subject{targetRecord, 17}, protocol.Endorsement), date, 42),
		"g 01 00000007 04 6b02d940 0000002a":    dated(targetPrefix(subject{targetIdentity, 7}, protocol.Endorsement), date, 42),
		"x 0000002a":                            key1(keyErase, 42),
		"y 00000011":                            key1(keyLate, 17),
		"u trust":                               cursorKey("trust"),
		"p peers 00 <any bytes>":                new(Store).Private("peers").key(nil),
		"M schema":                              metaKey("schema"),
		"M tally":                               metaKey("tally"),
		"M durable":                             metaKey("durable"),
		"M boot":                                metaKey("boot"),
		"M clean":                               metaKey("clean"),
	}
	shown := map[string]bool{}
	for _, example := range examples {
		shown[example] = true
		if got, ok := want[example]; !ok {
			t.Errorf("the example %q is not held against anything", example)
		} else if shape := shapeOf(example); !shape.MatchString(hex.EncodeToString(got)) || strings.Contains(example, "0000002a") && !strings.HasSuffix(example, hex.EncodeToString(u32(42))) {
			t.Errorf("example %q, real key %x", example, got)
		}
		if exact := strings.ReplaceAll(example[1:], " ", ""); example[0] != keyNamed && hexOnly.MatchString(exact) && hex.EncodeToString(want[example][1:]) != exact {
			t.Errorf("example %q, real key %x", example, want[example])
		}
	}
	for example := range want {
		if !shown[example] {
			t.Errorf("the table does not show %q", example)
		}
	}
	if got := time.Unix(date, 0).UTC().Format(time.DateOnly); got != "2026-11-22" {
		t.Errorf("the date of the examples is %s", got)
	}
}

var hexOnly = regexp.MustCompile(`^[0-9a-f]+$`)

// shapeOf is the pattern of every key like the example, in hexadecimal.
func shapeOf(example string) *regexp.Regexp {
	pattern := fmt.Sprintf("^%x", example[0])
	for word := range strings.SplitSeq(regexp.MustCompile(`<.*>`).ReplaceAllStringFunc(example[2:], func(s string) string {
		return strings.ReplaceAll(s, " ", "_")
	}), " ") {
		switch {
		case strings.HasPrefix(word, "<32_bytes"):
			pattern += "[0-9a-f]{64}"
		case word == "<any_bytes>":
			pattern += "[0-9a-f]*"
		case word == "00" || word == "01": // records or identities, or the end of a name
			pattern += word
		case hexOnly.MatchString(word) && len(word)%2 == 0:
			pattern += fmt.Sprintf("[0-9a-f]{%d}", len(word))
		case example[0] == keyMeta:
			pattern += fmt.Sprintf("%x", word)
		case len(word) == 1: // a space of names
			pattern += fmt.Sprintf("%x", word)
		default:
			pattern += "(?:[2-7][0-9a-f])+" // text
		}
	}
	return regexp.MustCompile(pattern + "$")
}

// KeyShapes returns the pattern of each example of the key table, on keys in
// hexadecimal.
func KeyShapes(t testing.TB) map[string]*regexp.Regexp {
	t.Helper()
	_, examples := keyTable(t)
	shapes := map[string]*regexp.Regexp{}
	for _, example := range examples {
		shapes[example] = shapeOf(example)
	}
	return shapes
}

// The page and the code have the same families, in the same order, and the same
// examples.
func TestThePageHasTheKeyTable(t *testing.T) {
	families, want := keyTable(t)
	page, err := os.ReadFile("../spec/store.md")
	if err != nil {
		t.Fatal(err)
	}
	letters, got := "", []string(nil)
	for _, row := range regexp.MustCompile("(?m)^\\| `(.)` \\| ([^|]*) \\|").FindAllStringSubmatch(string(page), -1) {
		letters += row[1]
		for _, example := range regexp.MustCompile("`([^`]*)`").FindAllStringSubmatch(row[2], -1) {
			got = append(got, example[1])
		}
	}
	if letters != families {
		t.Errorf("spec/store.md has the families %q, keys.go %q", letters, families)
	}
	if !slices.Equal(got, want) {
		t.Errorf("spec/store.md shows the keys %q, keys.go %q", got, want)
	}
	if want := fmt.Sprintf("Format %d: `VERSION` holds `%s%[1]d`", schema, versionPrefix); !strings.Contains(string(page), want) {
		t.Errorf("spec/store.md does not say %q", want)
	}
}

// What is written today is what was written before: a change here is a new schema.
func TestRowsKeepTheirFormat(t *testing.T) {
	award := AwardRow{
		ID: 42, Created: 0x6b02d940, From: 0x6b02d800, Until: 0x6ee00000, State: protocol.Suspended,
		Endorsements: 258, Level: 3, Matches: true, Issuer: 7, Holder: 8,
	}
	key := dated(classPrefix(17, 1), 0x6b02d940, 42)
	for _, tt := range []struct {
		name string
		got  []byte
		want string
		back func([]byte) (any, error)
		row  any
	}{
		{
			"log", logRow{protocol.Award, protocol.Revoked, 42, 0x6b02d940}.encode(), "23 0000002a 6b02d940",
			func(b []byte) (any, error) { return decodeLog(b) },
			logRow{protocol.Award, protocol.Revoked, 42, 0x6b02d940},
		},
		{
			"present", cidRow{Present, 42, protocol.Award, protocol.Live, 40, 0x6b02d940, []uint32{1, 300}}.encode(), "01 0000002a 03 6b02d940 03 01 ac02",
			func(b []byte) (any, error) { return decodeCID(b) },
			cidRow{Present, 42, protocol.Award, protocol.Live, 40, 0x6b02d940, []uint32{1, 300}},
		},
		{
			"wanted", cidRow{presence: Wanted, id: 42}.encode(), "02 0000002a",
			func(b []byte) (any, error) { return decodeCID(b) },
			cidRow{presence: Wanted, id: 42},
		},
		{
			"stub", cidRow{Stub, 42, protocol.Notice, protocol.Erased, 42, 0x6b02d940, []uint32{1}}.encode(), "03 0000002a 67 6b02d940 00 01",
			func(b []byte) (any, error) { return decodeCID(b) },
			cidRow{Stub, 42, protocol.Notice, protocol.Erased, 42, 0x6b02d940, []uint32{1}},
		},
		{
			"target", targetRow{protocol.Endorsement, protocol.Withdrawn, 7, 0}.encode(), "34 00000007 0000000000",
			func(b []byte) (any, error) { return decodeTarget(b) },
			targetRow{protocol.Endorsement, protocol.Withdrawn, 7, 0},
		},
		{
			"award", encodeAward(award), "13 07 0102 00000007 00000008 0ee4775401 0ee8547c01",
			func(b []byte) (any, error) { return decodeAward(key, b) }, award,
		},
		{
			"tally", tally{1, 2, 3, 4, 5, 6, [9]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}}.encode(),
			"00000001 00000002 00000003 00000004 00000005 00000006 00000000 00000001 00000002 00000003 00000004 00000005 00000006 00000007 00000008",
			func(b []byte) (any, error) { return decodeTally(b) },
			tally{1, 2, 3, 4, 5, 6, [9]uint32{0, 1, 2, 3, 4, 5, 6, 7, 8}},
		},
	} {
		if got, want := hex.EncodeToString(tt.got), strings.ReplaceAll(tt.want, " ", ""); got != want {
			t.Errorf("%s: got %s, want %s", tt.name, got, want)
		}
		if back, err := tt.back(tt.got); err != nil || !reflect.DeepEqual(back, tt.row) {
			t.Errorf("%s: got back %+v, %v, want %+v", tt.name, back, err, tt.row)
		}
	}
	for kind := range protocol.Succession + 1 {
		for state := range protocol.Erased + 1 {
			k, s, err := unlook(look(kind, state))
			if (err == nil) != (kind > 0) || err == nil && (k != kind || s != state) {
				t.Errorf("look of %d, %d: got %v, %v, %v", kind, state, k, s, err)
			}
		}
	}
	for _, moments := range []int64{0, 1, -1, beforeTime + 1, 253402300799, math.MaxUint32} {
		if got := moment(appendMoment(nil, moments)); got != moments {
			t.Errorf("moment %d: got %d", moments, got)
		}
	}
}
