package bake_test

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/png"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/bake"
)

const (
	oldJSON = `{"@context":"https://w3id.org/openbadges/v2","type":"Assertion","name":"Découpe laser"}`
	newJSON = `{"@context":["https://www.w3.org/ns/credentials/v2"],"name":"Découpe laser ✂"}`
	jws     = "eyJhbGciOiJFZERTQSJ9.e30.AAAA"
	address = "https://badges.brest.example/a/1"
	xmlns   = `xmlns="http://www.w3.org/2000/svg"`
)

// drawn is a picture of two pixels as an encoder writes it.
func drawn(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 2, 1))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func chunk(kind string, data ...string) []byte {
	body := kind + strings.Join(data, "")
	b := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	return binary.BigEndian.AppendUint32(append(b, body...), crc32.ChecksumIEEE([]byte(body)))
}

// with returns the picture with chunks after its header.
func with(t testing.TB, chunks ...[]byte) []byte {
	t.Helper()
	const header = 8 + 25
	b := drawn(t)
	return append(append(append([]byte(nil), b[:header]...), bytes.Join(chunks, nil)...), b[header:]...)
}

func deflated(s string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(s))
	_ = w.Close()
	return b.String()
}

// svg is a drawing with inside as its content.
func svg(inside string) []byte {
	return []byte(`<?xml version="1.0" encoding="UTF-8"?><svg ` + xmlns + ` xmlns:openbadges="http://openbadges.org">` + inside + `<rect width="1" height="1"/></svg>`)
}

func TestTake(t *testing.T) {
	latin := string(bytes.ReplaceAll([]byte(oldJSON), []byte("é"), []byte{0xe9}))
	for name, tt := range map[string]struct {
		image []byte
		want  []bake.Payload
	}{
		"a picture":               {drawn(t), nil},
		"iTXt":                    {with(t, chunk("iTXt", "openbadges\x00\x00\x00\x00\x00", oldJSON)), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"iTXt with a language":    {with(t, chunk("iTXt", "openbadges\x00\x00\x00fr-FR\x00badges ouverts\x00", oldJSON)), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"iTXt compressed":         {with(t, chunk("iTXt", "openbadgecredential\x00\x01\x00\x00\x00", deflated(newJSON))), []bake.Payload{{bake.Credential, []byte(newJSON), ""}}},
		"tEXt":                    {with(t, chunk("tEXt", "openbadges\x00", address)), []bake.Payload{{bake.Assertion, []byte(address), ""}}},
		"tEXt in Latin-1":         {with(t, chunk("tEXt", "openbadges\x00", latin)), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"tEXt in UTF-8":           {with(t, chunk("tEXt", "openbadges\x00", oldJSON)), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"zTXt":                    {with(t, chunk("zTXt", "openbadges\x00\x00", deflated(latin))), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"a byte order mark":       {with(t, chunk("iTXt", "openbadges\x00\x00\x00\x00\x00\xef\xbb\xbf", oldJSON)), []bake.Payload{{bake.Assertion, []byte(oldJSON), ""}}},
		"another case":            {with(t, chunk("iTXt", "OpenBadges\x00\x00\x00\x00\x00", oldJSON)), nil},
		"another keyword":         {with(t, chunk("tEXt", "openbadgesx\x00", oldJSON)), nil},
		"no keyword":              {with(t, chunk("tEXt", "openbadges")), nil},
		"after the end":           {append(drawn(t), chunk("tEXt", "openbadges\x00", address)...), nil},
		"both ages":               {with(t, chunk("tEXt", "openbadges\x00", address), chunk("iTXt", "openbadgecredential\x00\x00\x00\x00\x00", jws)), []bake.Payload{{bake.Assertion, []byte(address), ""}, {bake.Credential, []byte(jws), ""}}},
		"a drawing":               {svg(""), nil},
		"CDATA beside an address": {svg(`<openbadges:assertion verify="` + address + `"><![CDATA[ ` + oldJSON + ` ]]></openbadges:assertion>`), []bake.Payload{{bake.Assertion, []byte(oldJSON), address}}},
		"an address alone":        {svg(`<openbadges:assertion verify="` + address + `"><![CDATA[]]></openbadges:assertion>`), []bake.Payload{{bake.Assertion, []byte(address), ""}}},
		"a JWS":                   {svg(`<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" verify="` + jws + `"/>`), []bake.Payload{{bake.Credential, []byte(jws), ""}}},
		"text without CDATA":      {svg(`<openbadges:assertion>{&quot;a&quot;:1}</openbadges:assertion>`), []bake.Payload{{bake.Assertion, []byte(`{"a":1}`), ""}}},
		"another prefix":          {svg(`<g xmlns:b="http://openbadges.org"><b:assertion b:verify="` + address + `"/></g>`), []bake.Payload{{bake.Assertion, []byte(address), ""}}},
		"no declaration":          {[]byte(`<svg ` + xmlns + `><openbadges:assertion>{}</openbadges:assertion></svg>`), []bake.Payload{{bake.Assertion, []byte(`{}`), ""}}},
		"another namespace":       {svg(`<openbadges:assertion xmlns:openbadges="https://evil.example">{}</openbadges:assertion>`), nil},
		"a public DOCTYPE":        {append([]byte(`<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">`), `<svg `+xmlns+`><!-- none --></svg>`...), nil},
		"a script, left alone":    {svg(`<openbadges:assertion>{}</openbadges:assertion><script>alert(1)</script>`), []bake.Payload{{bake.Assertion, []byte(`{}`), ""}}},
	} {
		got, err := bake.Take(tt.image)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		same(t, name, got, tt.want)
	}
}

func same(t testing.TB, name string, got, want []bake.Payload) {
	t.Helper()
	if len(got) != len(want) {
		t.Errorf("%s: %d payloads, want %d: %q", name, len(got), len(want), got)
		return
	}
	for i := range got {
		if got[i].Keyword != want[i].Keyword || !bytes.Equal(got[i].Text, want[i].Text) || got[i].URL != want[i].URL {
			t.Errorf("%s: payload %d\n got %q\nwant %q", name, i, got[i], want[i])
		}
	}
}

func TestTakeRefuses(t *testing.T) {
	text := func(rest ...string) []byte {
		return with(t, chunk("iTXt", append([]string{"openbadges\x00"}, rest...)...))
	}
	lying := with(t, chunk("tEXt", "openbadges\x00", address))
	binary.BigEndian.PutUint32(lying[33:], 1<<31-1)
	flipped := with(t, chunk("tEXt", "openbadges\x00", address))
	flipped[60] ^= 1
	bomb := strings.Repeat("a", 20<<20)
	assertion := `<openbadges:assertion>{}</openbadges:assertion>`
	for name, tt := range map[string]struct {
		image []byte
		want  error
	}{
		"nothing":                  {nil, bake.ErrNoImage},
		"a JPEG":                   {[]byte("\xff\xd8\xff\xe1 Exif"), bake.ErrNoImage},
		"a drawing in gzip":        {[]byte("\x1f\x8b\x08"), bake.ErrNoImage},
		"other XML":                {[]byte(`<?xml version="1.0"?><html/>`), bake.ErrNoImage},
		"a huge image":             {append(drawn(t), make([]byte, bake.MaxImage)...), bake.ErrTooLarge},
		"a signature alone":        {drawn(t)[:8], bake.ErrDamaged},
		"cut short":                {with(t, chunk("tEXt", "openbadges\x00", address))[:70], bake.ErrDamaged},
		"a lying length":           {lying, bake.ErrDamaged},
		"a flipped bit":            {flipped, bake.ErrChecksum},
		"no header":                {append([]byte("\x89PNG\r\n\x1a\n"), chunk("tEXt", "openbadges\x00", address)...), bake.ErrDamaged},
		"two headers":              {with(t, chunk("IHDR", "")), bake.ErrDamaged},
		"two payloads":             {with(t, chunk("tEXt", "openbadges\x00", address), chunk("iTXt", "openbadges\x00\x00\x00\x00\x00", oldJSON)), bake.ErrTwice},
		"an empty payload":         {text("\x00\x00\x00\x00"), bake.ErrEmpty},
		"a blank payload":          {text("\x00\x00\x00\x00 \n"), bake.ErrEmpty},
		"no end of the language":   {text("\x00\x00fr"), bake.ErrDamaged},
		"an unknown compression":   {text("\x02\x00\x00\x00", oldJSON), bake.ErrDamaged},
		"an unknown method":        {text("\x01\x01\x00\x00", deflated(oldJSON)), bake.ErrDamaged},
		"zTXt of another method":   {with(t, chunk("zTXt", "openbadges\x00\x01", deflated(oldJSON))), bake.ErrDamaged},
		"no zlib":                  {text("\x01\x00\x00\x00", oldJSON), bake.ErrDamaged},
		"zlib cut short":           {text("\x01\x00\x00\x00", deflated(oldJSON)[:20]), bake.ErrDamaged},
		"a zlib bomb":              {text("\x01\x00\x00\x00", deflated(bomb)), bake.ErrTooLarge},
		"a bomb in zTXt":           {with(t, chunk("zTXt", "openbadges\x00\x00", deflated(bomb))), bake.ErrTooLarge},
		"a large payload":          {text("\x00\x00\x00\x00", bomb[:bake.MaxPayload+1]), bake.ErrTooLarge},
		"bytes that are no UTF-8":  {text("\x00\x00\x00\x00\xff\xfe"), bake.ErrText},
		"a zero byte":              {text("\x00\x00\x00\x00{\x00}"), bake.ErrText},
		"XML cut short":            {svg("")[:90], bake.ErrDamaged},
		"an unknown entity":        {svg(`<desc>&x;</desc>`), bake.ErrDamaged},
		"an external entity":       {[]byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY x SYSTEM "file:///etc/passwd">]><svg ` + xmlns + `>&x;</svg>`), bake.ErrEntities},
		"a billion laughs":         {[]byte(`<?xml version="1.0"?><!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]><svg ` + xmlns + `>&b;</svg>`), bake.ErrEntities},
		"elements without end":     {svg(strings.Repeat("<g>", 300)), bake.ErrTooLarge},
		"two elements":             {svg(assertion + assertion), bake.ErrTwice},
		"JSON and a JWS":           {svg(`<openbadges:assertion verify="` + jws + `">{}</openbadges:assertion>`), bake.ErrTwice},
		"a credential twice":       {svg(`<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" verify="` + jws + `">{}</openbadges:credential>`), bake.ErrTwice},
		"elements in an assertion": {svg(`<openbadges:assertion>{}<script/></openbadges:assertion>`), bake.ErrText},
		"an empty element":         {svg(`<openbadges:assertion/>`), bake.ErrEmpty},
		"a large element":          {svg(`<openbadges:assertion>` + bomb[:bake.MaxPayload+1] + `</openbadges:assertion>`), bake.ErrTooLarge},
		"Latin-1":                  {[]byte(`<?xml version="1.0" encoding="ISO-8859-1"?><svg ` + xmlns + `/>`), bake.ErrDamaged},
		"two roots":                {append(svg(""), svg("")[38:]...), bake.ErrNoImage},
	} {
		got, err := bake.Take(tt.image)
		if !errors.Is(err, tt.want) {
			t.Errorf("%s: got %q, %v, want %v", name, got, err, tt.want)
		}
		// A bad payload can be replaced, a bad image cannot.
		structural := errors.Is(tt.want, bake.ErrNoImage) || errors.Is(tt.want, bake.ErrChecksum) || errors.Is(tt.want, bake.ErrEntities)
		if _, err := bake.Put(tt.image); structural && !errors.Is(err, tt.want) {
			t.Errorf("%s: Put says %v, want %v", name, err, tt.want)
		}
	}
}

// A bomb is given up on: 64 MB of zeros in 64 KB cost what a payload may.
func TestABombCostsAPayload(t *testing.T) {
	image := with(t, chunk("iTXt", "openbadges\x00\x01\x00\x00\x00", deflated(strings.Repeat("\x00", 64<<20))))
	got := testing.Benchmark(func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := bake.Take(image); !errors.Is(err, bake.ErrTooLarge) {
				b.Fatal(err)
			}
		}
	}).AllocedBytesPerOp()
	if got > 4<<20 {
		t.Errorf("%d bytes allocated, want at most 4 MiB", got)
	}
}

func TestPut(t *testing.T) {
	both := []bake.Payload{{bake.Credential, []byte(newJSON), ""}, {bake.Assertion, []byte(oldJSON), address}}
	noURL := []bake.Payload{both[0], {bake.Assertion, []byte(oldJSON), ""}}
	nasty := []bake.Payload{{bake.Credential, []byte("{\"a\":\"]]> & < \\\" ]]]]>> \uffff\ufffe\"}"), ""}}
	escaped := []bake.Payload{{bake.Credential, []byte("{\"a\":\"]]\\u003e & < \\\" ]]]]\\u003e> \\uffff\\ufffe\"}"), ""}}
	signed := []bake.Payload{{bake.Assertion, []byte(jws), ""}}
	old := `<openbadges:assertion verify="https://old.example">{"old":1}</openbadges:assertion>`
	for name, tt := range map[string]struct {
		image     []byte
		put, want []bake.Payload
	}{
		"into a picture":          {drawn(t), both, noURL},
		"over an earlier":         {with(t, chunk("tEXt", "openbadges\x00", "https://old.example"), chunk("zTXt", "openbadgecredential\x00\x00", deflated("{}"))), both, noURL},
		"over an earlier of both": {with(t, chunk("iTXt", "openbadges\x00\x00\x00\x00\x00", oldJSON)), both[:1], both[:1]},
		"over two":                {with(t, chunk("tEXt", "openbadges\x00", "a"), chunk("tEXt", "openbadges\x00", "b")), signed, signed},
		"nothing":                 {with(t, chunk("tEXt", "openbadges\x00", address)), nil, nil},
		"into a drawing":          {svg(""), both, both},
		"a JWS into a drawing":    {svg(""), signed, signed},
		"over a drawing's":        {svg("<g/>" + old), both, both},
		"what CDATA cannot say":   {svg(""), nasty, escaped},
		"nothing into a drawing":  {svg(old), nil, nil},
		"a root of many lines":    {[]byte("<svg\n\t" + xmlns + "\n xmlns:openbadges = 'http://openbadges.org'\n a='>' ><g/></svg>"), both, both},
		"a longer prefix":         {[]byte("<svg " + xmlns + " xmlns:openbadges2='x'><g/></svg>"), both, both},
	} {
		out, err := bake.Put(tt.image, tt.put...)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := bake.Take(out)
		if err != nil {
			t.Errorf("%s: %v in %q", name, err, out)
			continue
		}
		same(t, name, got, tt.want)
		if bytes.Contains(out, []byte("old.example")) {
			t.Errorf("%s: the earlier payload is still there", name)
		}
		if bytes.HasPrefix(out, []byte("\x89PNG")) {
			if _, err := png.Decode(bytes.NewReader(out)); err != nil {
				t.Errorf("%s: no picture any more: %v", name, err)
			}
			if bare, _ := bake.Put(out); !bytes.Equal(bare, drawn(t)) {
				t.Errorf("%s: taken out, the picture is another", name)
			}
		}
	}
	two := []bake.Payload{signed[0], signed[0]}
	if _, err := bake.Put(drawn(t), two...); !errors.Is(err, bake.ErrTwice) {
		t.Errorf("two of one keyword: %v, want ErrTwice", err)
	}
	if _, err := bake.Put(drawn(t), bake.Payload{Keyword: "Comment", Text: []byte("x")}); err == nil {
		t.Error("a keyword of no badge is taken")
	}
	if _, err := bake.Put([]byte(`<svg `+xmlns+`/>`), signed...); !errors.Is(err, bake.ErrDamaged) {
		t.Errorf("a drawing without content: %v", err)
	}
	if out, err := bake.Put(append(drawn(t), "<script>"...)); err != nil || !bytes.Equal(out, drawn(t)) {
		t.Errorf("what stands after the end is kept: %v", err)
	}
}

// Whatever is taken can be put into both kinds of image, and taken again.
func FuzzTake(f *testing.F) {
	f.Add(with(f, chunk("iTXt", "openbadges\x00\x01\x00\x00\x00", deflated(oldJSON))))
	f.Add(with(f, chunk("zTXt", "openbadgecredential\x00\x00", deflated(newJSON)), chunk("tEXt", "openbadges\x00", address)))
	f.Add(svg(`<openbadges:assertion verify="` + address + `"><![CDATA[` + oldJSON + `]]></openbadges:assertion>`))
	f.Add(svg(`<openbadges:credential xmlns:openbadges="https://purl.imsglobal.org/ob/v3p0" verify="` + jws + `"/>`))
	f.Add([]byte(`<!DOCTYPE svg [<!ENTITY a "b">]><svg/>`))
	picture := drawn(f)
	f.Fuzz(func(t *testing.T, image []byte) {
		got, err := bake.Take(image)
		if err != nil {
			return
		}
		for i := range got {
			got[i].URL = ""
		}
		out, err := bake.Put(picture, got...)
		if err != nil {
			t.Fatalf("%q cannot be put: %v", got, err)
		}
		back, err := bake.Take(out)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "again", back, got)
		if again, err := bake.Put(image, got...); err == nil {
			if back, err := bake.Take(again); err != nil || len(back) != len(got) {
				t.Fatalf("put where it was: %d payloads, %v, want %d", len(back), err, len(got))
			}
		}
	})
}
