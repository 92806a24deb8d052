package bundle

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// Reader reads the blocks of a bundle, and of any CAR of version 1. It keeps one
// block in memory.
type Reader struct {
	r *bufio.Reader
	// Others counts the blocks that hold no record, for they are named as
	// something else.
	Others int
	blocks int
}

// NewReader reads the header. It fails with ErrNotBundle, ErrCut or an error of r.
func NewReader(r io.Reader) (*Reader, error) {
	in := &Reader{r: bufio.NewReaderSize(r, 64<<10)}
	size, err := in.length(MaxHeader)
	if errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("an empty file %w", ErrNotBundle)
	}
	if err != nil && !errors.Is(err, ErrDamaged) {
		return nil, err
	}
	if err != nil || size == 0 {
		return nil, fmt.Errorf("it does not begin like a CAR: it %w", ErrNotBundle)
	}
	header := make([]byte, size)
	if n, err := io.ReadFull(in.r, header); err != nil {
		if !bytes.HasPrefix(header[:n], headerBegins[:min(n, len(headerBegins))]) {
			return nil, checkHeader(header[:n])
		}
		return nil, cut(err, "its header")
	}
	return in, checkHeader(header)
}

// headerBegins is a map of two, of which the first is "roots".
var headerBegins = appendText(appendHead(nil, cborMap, 2), "roots")

// checkHeader takes a map of "version", which is 1, and "roots", a list of links
// that nobody follows here. Of such a map there is one way to write it but for the
// roots.
func checkHeader(h []byte) error {
	version := appendText(nil, "version")
	switch {
	case bytes.Equal(h, append(append([]byte{cborMap | 1}, version...), 2)):
		return fmt.Errorf("a CAR of version 2 %w of ours: it is to be written as version 1", ErrNotBundle)
	case !bytes.HasPrefix(h, headerBegins) || !bytes.HasSuffix(h, append(version, 1)):
		return fmt.Errorf("it does not begin like a CAR of version 1: it %w", ErrNotBundle)
	}
	return nil
}

// Next returns the bytes of the next block that is named as records are, by the
// SHA-256 of its raw bytes, which was checked. The caller keeps them. It fails with
// io.EOF at the end, with ErrCut if the file ends within a block, with ErrDamaged
// after which nothing can be read, or with an error of the reader below.
func (r *Reader) Next() ([]byte, error) {
	for {
		size, err := r.length(MaxBlock + cidSize)
		if err != nil {
			return nil, err
		}
		r.blocks++
		block := make([]byte, size)
		if _, err := io.ReadFull(r.r, block); err != nil {
			return nil, cut(err, fmt.Sprintf("block %d", r.blocks))
		}
		codec, digest, data, err := readCID(block)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", r.blocks, err)
		}
		if digest != nil && sha256.Sum256(data) != [sha256.Size]byte(digest) {
			return nil, fmt.Errorf("block %d does not hold what its name says: the file %w", r.blocks, ErrDamaged)
		}
		if digest != nil && codec == codecRaw {
			return data, nil
		}
		r.Others++
	}
}

// length reads how many bytes follow: a varint, as short as can be, of at most
// most. It fails with io.EOF where the file ends.
func (r *Reader) length(most int) (int, error) {
	n := 0
	for shift := 0; shift < 28; shift += 7 {
		b, err := r.r.ReadByte()
		switch {
		case errors.Is(err, io.EOF) && shift == 0:
			return 0, io.EOF
		case err != nil:
			return 0, cut(err, fmt.Sprintf("what follows block %d", r.blocks))
		}
		n |= int(b&0x7f) << shift
		if b >= 0x80 {
			continue
		}
		if n > most || b == 0 && shift > 0 {
			break
		}
		return n, nil
	}
	return 0, fmt.Errorf("after block %d comes no block of at most %d bytes: the file %w", r.blocks, most, ErrDamaged)
}

// readCID takes a block apart. The digest is nil where the name is not by
// SHA-256: what such a block holds is not checked.
func readCID(block []byte) (codec uint64, digest, data []byte, err error) {
	bad := fmt.Errorf("it has no name: the file %w", ErrDamaged)
	if bytes.HasPrefix(block, []byte{sha2256, 32}) && len(block) >= 34 { // version 0
		return 0, block[2:34], block[34:], nil
	}
	var head [4]uint64 // version, codec, hash function, length
	for i := range head {
		v, n := binary.Uvarint(block)
		if n <= 0 {
			return 0, nil, nil, bad
		}
		head[i], block = v, block[n:]
	}
	size := head[3]
	if head[0] != 1 || size > uint64(len(block)) || head[2] == sha2256 && size != sha256.Size {
		return 0, nil, nil, bad
	}
	if head[2] == sha2256 {
		digest = block[:size]
	}
	return head[1], digest, block[size:], nil
}

// cut says what was not read to its end.
func cut(err error, what string) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("%s is not whole: the file %w", what, ErrCut)
	}
	return fmt.Errorf("%s: %w", what, err)
}
