package bundle

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"
)

// Contents is what a bundle says of itself. Nobody relies on it: what counts is
// the records.
type Contents struct {
	Territories []string // none means all that was there
	Written     time.Time
}

// Writer writes the records of a bundle, whose names were given before.
type Writer struct {
	w    io.Writer
	left [][sha256.Size]byte
}

// NewWriter writes the header and the contents of a bundle of records with these
// digests, of which the writer keeps the slice. It takes 41 bytes of memory for
// each.
func NewWriter(w io.Writer, c Contents, digests [][sha256.Size]byte) (*Writer, error) {
	if len(digests) > maxParts*perPart {
		return nil, fmt.Errorf("%d records are too many for one bundle, at most %d", len(digests), maxParts*perPart)
	}
	var parts [][]byte
	var names [][sha256.Size]byte
	for some := range slices.Chunk(digests, perPart) {
		part := appendLinks(nil, codecRaw, some)
		parts, names = append(parts, part), append(names, sha256.Sum256(part))
	}
	// Names of a map stand in DAG-CBOR shortest first.
	root := appendHead(nil, cborMap, 5)
	root = appendLinks(appendText(root, "parts"), codecDAGCBOR, names)
	root = appendText(appendText(root, "essaim"), "bundle/1")
	root = appendHead(appendText(root, "records"), cborUint, len(digests))
	root = appendText(appendText(root, "written"), c.Written.UTC().Format(time.RFC3339))
	root = appendHead(appendText(root, "territories"), cborArray, len(c.Territories))
	for _, t := range c.Territories {
		root = appendText(root, t)
	}
	if len(root) > MaxBlock {
		return nil, fmt.Errorf("%d territories are too many for one bundle", len(c.Territories))
	}
	name := sha256.Sum256(root)
	header := appendHead(nil, cborMap, 2)
	header = appendLinks(appendText(header, "roots"), codecDAGCBOR, [][sha256.Size]byte{name})
	header = appendHead(appendText(header, "version"), cborUint, 1)
	if _, err := w.Write(append(binary.AppendUvarint(nil, uint64(len(header))), header...)); err != nil {
		return nil, err
	}
	if err := writeBlock(w, codecDAGCBOR, name, root); err != nil {
		return nil, err
	}
	for i, part := range parts {
		if err := writeBlock(w, codecDAGCBOR, names[i], part); err != nil {
			return nil, err
		}
	}
	return &Writer{w, digests}, nil
}

// Write writes the next record, which has the next digest.
func (w *Writer) Write(raw []byte) error {
	digest := sha256.Sum256(raw)
	if len(w.left) == 0 || w.left[0] != digest {
		return errors.New("bundle: a record that does not come next in the contents")
	}
	w.left = w.left[1:]
	return writeBlock(w.w, codecRaw, digest, raw)
}

// Close reports whether all records were written. It does not close the writer
// below.
func (w *Writer) Close() error {
	if len(w.left) > 0 {
		return fmt.Errorf("bundle: %d records of the contents were not written", len(w.left))
	}
	return nil
}

func writeBlock(w io.Writer, codec byte, digest [sha256.Size]byte, data []byte) error {
	b := binary.AppendUvarint(make([]byte, 0, binary.MaxVarintLen32+cidSize+len(data)), uint64(cidSize+len(data)))
	_, err := w.Write(append(appendCID(b, codec, digest), data...))
	return err
}

// Major types of CBOR (RFC 8949 §3.1).
const (
	cborUint  = 0 << 5
	cborBytes = 2 << 5
	cborText  = 3 << 5
	cborArray = 4 << 5
	cborMap   = 5 << 5
	cborTag   = 6 << 5
)

// appendHead appends the head of an item, as short as can be.
func appendHead(b []byte, major byte, n int) []byte {
	switch {
	case n < 24:
		return append(b, major|byte(n))
	case n < 1<<8:
		return append(b, major|24, byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, major|25), uint16(n))
	default:
		return binary.BigEndian.AppendUint32(append(b, major|26), uint32(n))
	}
}

func appendText(b []byte, s string) []byte { return append(appendHead(b, cborText, len(s)), s...) }

// appendLinks appends an array of links: tag 42, and a CID after a zero byte.
func appendLinks(b []byte, codec byte, digests [][sha256.Size]byte) []byte {
	b = appendHead(slices.Grow(b, 5+41*len(digests)), cborArray, len(digests))
	for _, d := range digests {
		b = append(appendHead(appendHead(b, cborTag, 42), cborBytes, 1+cidSize), 0)
		b = appendCID(b, codec, d)
	}
	return b
}
