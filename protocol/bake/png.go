package bake

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"iter"
	"unicode/utf8"
)

const signature = "\x89PNG\r\n\x1a\n"

func isPNG(image []byte) bool { return bytes.HasPrefix(image, []byte(signature)) }

// chunk is one chunk of a PNG: its four letters, its data, and both with
// length and checksum around them, aliasing the image.
type chunk struct {
	kind        string
	data, whole []byte
}

// chunks yields the chunks of a PNG up to and with IEND, or an error and then
// no more. A length that reaches beyond the image is refused before anything
// is taken for data.
func chunks(image []byte) iter.Seq2[chunk, error] {
	return func(yield func(chunk, error) bool) {
		rest := image[len(signature):]
		for first := true; ; first = false {
			if len(rest) < 12 {
				yield(chunk{}, fmt.Errorf("it ends before IEND: %w", ErrDamaged))
				return
			}
			n := uint64(binary.BigEndian.Uint32(rest))
			c := chunk{kind: string(rest[4:8])}
			if n > uint64(len(rest)-12) {
				yield(c, fmt.Errorf("chunk %q says %d bytes, %d are left: %w", c.kind, n, len(rest)-12, ErrDamaged))
				return
			}
			c.data, c.whole = rest[8:8+n], rest[:12+n]
			if crc32.ChecksumIEEE(rest[4:8+n]) != binary.BigEndian.Uint32(rest[8+n:]) {
				yield(c, fmt.Errorf("chunk %q: %w", c.kind, ErrChecksum))
				return
			}
			if first != (c.kind == "IHDR") {
				yield(c, fmt.Errorf("chunk %q: IHDR is first and once: %w", c.kind, ErrDamaged))
				return
			}
			if !yield(c, nil) || c.kind == "IEND" {
				return
			}
			rest = rest[12+n:]
		}
	}
}

// keyword returns the keyword of a text chunk, and what follows its zero byte.
func (c chunk) keyword() (k Keyword, rest []byte, ok bool) {
	if c.kind != "iTXt" && c.kind != "tEXt" && c.kind != "zTXt" {
		return "", nil, false
	}
	name, rest, found := bytes.Cut(c.data, []byte{0})
	k = Keyword(name)
	return k, rest, found && (k == Assertion || k == Credential)
}

func takePNG(image []byte) ([]Payload, error) {
	var all taken
	for c, err := range chunks(image) {
		if err != nil {
			return nil, err
		}
		k, rest, ok := c.keyword()
		if !ok {
			continue
		}
		text, err := c.text(rest)
		if err != nil {
			return nil, fmt.Errorf("%s in %s: %w", k, c.kind, err)
		}
		if err := all.add(Payload{Keyword: k, Text: text}); err != nil {
			return nil, err
		}
	}
	return all.payloads, nil
}

// text returns the text of a chunk from what follows its keyword (ISO/IEC
// 15948 §11.3.4). The standard wants iTXt without compression; platforms wrote
// the other forms too.
func (c chunk) text(rest []byte) ([]byte, error) {
	malformed := fmt.Errorf("no text chunk: %w", ErrDamaged)
	switch c.kind {
	case "tEXt":
		return fromLatin1(rest), nil
	case "zTXt":
		if len(rest) < 1 || rest[0] != 0 {
			return nil, malformed
		}
		text, err := inflate(rest[1:])
		return fromLatin1(text), err
	}
	if len(rest) < 2 || rest[0] > 1 || rest[1] != 0 {
		return nil, malformed
	}
	compressed := rest[0] == 1
	_, rest, language := bytes.Cut(rest[2:], []byte{0})
	_, text, translated := bytes.Cut(rest, []byte{0})
	switch {
	case !language || !translated:
		return nil, malformed
	case compressed:
		return inflate(text)
	}
	return text, nil
}

// inflate gives up one byte past MaxPayload: a bomb costs what a payload may.
func inflate(b []byte) ([]byte, error) {
	r, err := zlib.NewReader(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	text, err := io.ReadAll(io.LimitReader(r, MaxPayload+1))
	switch {
	case len(text) > MaxPayload:
		return nil, fmt.Errorf("it inflates beyond %d bytes: %w", MaxPayload, ErrTooLarge)
	case errors.Is(err, zlib.ErrChecksum):
		return nil, fmt.Errorf("compressed text: %w", ErrChecksum)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDamaged, err)
	}
	return text, nil
}

// fromLatin1 returns the UTF-8 of a text that should be Latin-1 and, from many
// platforms, is UTF-8 already.
func fromLatin1(b []byte) []byte {
	if utf8.Valid(b) || len(b) > MaxPayload {
		return b
	}
	out := make([]byte, 0, len(b)+len(b)/8)
	for _, c := range b {
		out = utf8.AppendRune(out, rune(c))
	}
	return out
}

// putPNG writes payloads after IHDR, as iTXt without compression.
func putPNG(image []byte, payloads []Payload) ([]byte, error) {
	out := append(make([]byte, 0, len(image)+1<<10), signature...)
	for c, err := range chunks(image) {
		if err != nil {
			return nil, err
		}
		if _, _, ok := c.keyword(); !ok {
			out = append(out, c.whole...)
		}
		if c.kind != "IHDR" {
			continue
		}
		for _, p := range payloads {
			// keyword, end, no compression and its method, no language, no translation
			data := append([]byte(p.Keyword), 0, 0, 0, 0, 0)
			out = appendChunk(out, "iTXt", append(data, p.Text...))
		}
	}
	return out, nil
}

func appendChunk(out []byte, kind string, data []byte) []byte {
	out = binary.BigEndian.AppendUint32(out, uint32(len(data)))
	from := len(out)
	out = append(append(out, kind...), data...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[from:]))
}
