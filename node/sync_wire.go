package node

import (
	"bufio"
	_ "embed"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// The frames of a conversation (spec/sync-node.md §2): each an unsigned varint
// with the length of what follows, a byte with the type, and the rest. Types
// below firstFrame, the high bit aside, are those of package reconcile, which
// are passed on as they are.
const (
	firstFrame  = 0x20
	frameNone   = 0x20 + iota - 1 // this set is not here; in place of an answer
	frameFull                     // send no records: there is no room
	frameData                     // zstd of entries
	frameEnd                      // no more data of this set
	frameCredit                   // so many bytes more of data frames may be sent
)

// errHostile is wrapped by what proves a peer at fault.
var errHostile = errors.New("no honest node sends this")

func hostile(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{errHostile}, args...)...)
}

// isTalk reports whether a frame is for the reconciliation.
func isTalk(frame []byte) bool { return frame[0]&0x7f < firstFrame }

// readFrame reads one frame, without its length, into buf if it is large enough
// and the frame is not of data. It allocates what was announced, which is bounded by the longest data frame.
// Arriving is told the length as soon as it is known. At the end of the stream
// the error is io.EOF.
func readFrame(r *bufio.Reader, buf []byte, arriving func(size int) error) ([]byte, error) {
	size, err := binary.ReadUvarint(r)
	switch {
	case err != nil:
		return nil, err
	case size == 0 || size > uint64(synchro.Data):
		return nil, hostile("a frame of %d bytes", size)
	}
	if err := arriving(int(size)); err != nil {
		return nil, err
	}
	kind, err := r.ReadByte()
	if err != nil {
		return nil, cutShort(err)
	}
	if kind != frameData && size > reconcile.MaxFrame {
		return nil, hostile("a frame of type %#02x and %d bytes", kind, size)
	}
	if kind == frameData || cap(buf) < int(size) { // data is looked at later
		buf = make([]byte, size)
	}
	buf = buf[:size]
	buf[0] = kind
	_, err = io.ReadFull(r, buf[1:])
	return buf, cutShort(err)
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// appendFrame appends a frame that has body after its type.
func appendFrame(b []byte, kind byte, body ...byte) []byte {
	b = binary.AppendUvarint(b, uint64(1+len(body)))
	return append(append(b, kind), body...)
}

// creditFrame grants n bytes.
func creditFrame(n int) []byte {
	return appendFrame(nil, frameCredit, binary.AppendUvarint(nil, uint64(n))...)
}

// readCredit reads what a credit frame grants, at most CreditMax.
func readCredit(body []byte) (int, error) {
	v, n := binary.Uvarint(body)
	if n <= 0 || n != len(body) || v == 0 || v > uint64(synchro.CreditMax) {
		return 0, hostile("a credit of %x", body[:min(len(body), 10)])
	}
	return int(v), nil
}

// entry is a record that is sent or, without raw, the key of one whose body was
// erased.
type entry struct {
	raw []byte
	key reconcile.Key
}

// appendEntry appends the length of a record and the record, or 0 and the key.
func appendEntry(b []byte, e entry) []byte {
	b = binary.AppendUvarint(b, uint64(len(e.raw)))
	if len(e.raw) == 0 {
		return append(b, e.key[:]...)
	}
	return append(b, e.raw...)
}

// readEntries takes the content of a data frame apart. Records alias b. There
// are some 6,000 entries at most, of 41 bytes.
func readEntries(b []byte) ([]entry, error) {
	var entries []entry
	for len(b) > 0 {
		size, n := binary.Uvarint(b)
		if n <= 0 || n > 1 && b[n-1] == 0 {
			return nil, hostile("a length of %x", b[:min(len(b), 10)])
		}
		b = b[n:]
		if size > protocol.MaxBytes {
			return nil, hostile("a record of %d bytes", size)
		}
		if size == 0 {
			if len(b) < reconcile.KeySize {
				return nil, hostile("a key of %d bytes", len(b))
			}
			entries = append(entries, entry{key: reconcile.Key(b[:reconcile.KeySize])})
			b = b[reconcile.KeySize:]
			continue
		}
		if size > uint64(len(b)) {
			return nil, hostile("a record of %d bytes in %d", size, len(b))
		}
		entries = append(entries, entry{raw: b[:size:size]})
		b = b[size:]
	}
	if len(entries) == 0 {
		return nil, hostile("a data frame without data")
	}
	return entries, nil
}

// dictionary is number 1, of what records have in common: for small frames,
// which have little to repeat. Its bytes never change (spec/sync-node.md §2).
//
//go:embed sync-1.dict
var dictionary []byte

// zipper compresses and expands data frames. It may be used by many goroutines.
type zipper struct {
	enc, small *zstd.Encoder // small has the dictionary
	dec        *zstd.Decoder
}

func newZipper() (*zipper, error) {
	options := []zstd.EOption{
		zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(2),
		zstd.WithWindowSize(synchro.Raw), zstd.WithEncoderCRC(false), zstd.WithLowerEncoderMem(true),
	}
	enc, err := zstd.NewWriter(nil, options...)
	if err != nil {
		return nil, err
	}
	small, err := zstd.NewWriter(nil, append(options, zstd.WithEncoderDict(dictionary))...)
	if err != nil {
		return nil, err
	}
	// What is expanded goes no further than the room it is given.
	dec, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(2), zstd.WithDecodeAllCapLimit(true), zstd.WithDecoderDicts(dictionary),
		zstd.WithDecoderMaxMemory(uint64(synchro.Raw)+1), zstd.WithDecoderMaxWindow(uint64(synchro.Raw)), zstd.WithDecoderLowmem(true))
	if err != nil {
		return nil, err
	}
	return &zipper{enc, small, dec}, nil
}

// dataFrame returns the frame of raw, which is made of entries, and how many
// bytes of it are content.
func (z *zipper) dataFrame(raw []byte) (frame []byte, size int) {
	enc := z.enc
	if len(raw) <= synchro.Small {
		enc = z.small
	}
	packed := enc.EncodeAll(raw, make([]byte, 0, len(raw)/2))
	b := binary.AppendUvarint(make([]byte, 0, len(packed)+4), uint64(1+len(packed)))
	return append(append(b, frameData), packed...), len(packed)
}

// expand returns the content of a data frame, at most Raw bytes whatever it
// claims.
func (z *zipper) expand(body []byte) ([]byte, error) {
	raw, err := z.dec.DecodeAll(body, make([]byte, 0, min(synchro.Raw, 64*len(body)+1024)))
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) && 64*len(body)+1024 < synchro.Raw {
		raw, err = z.dec.DecodeAll(body, make([]byte, 0, synchro.Raw))
	}
	if err != nil {
		return nil, hostile("zstd: %v", err)
	}
	return raw, nil
}
