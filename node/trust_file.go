package node

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// factFile keeps the facts that were read, so that a start reads some hundred
// bytes a record instead of the record: two microseconds for ninety. It may be
// deleted at any time. It holds no more than the records do, and what is erased
// leaves it at once.
//
// After a line that names its format it is a list of frames: the length and the
// CRC-32C of what follows, four bytes each; the number and the digest of the
// last arrival it covers; facts. A frame counts only if the store has that
// arrival under that number: after a loss of power the store may have lost its
// last arrivals, and others have taken their numbers.
type factFile struct {
	path string
	file *os.File // nil when there is none, or when writing failed
}

const (
	factHeader = "essaim trust facts 1\n"
	// frameHead is length, sum, number and digest.
	frameHead = 4 + 4 + 4 + 32
	// maxFrame bounds what is read at once: a page of facts of 110 bytes, or
	// those of a class that came after many awards.
	maxFrame = 256 << 20
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// The kinds of fact in a frame, and a class that awards came before.
const (
	factEndorsement = 'e'
	factDispute     = 'd'
	factAward       = 'a'
	factClass       = 'c'
	factStatus      = 's'
	factSuccession  = 'k'
	factCompromise  = 'x'
	factEarly       = 'w'
)

// recall tells the graph the facts in the file and returns the last arrival they
// cover. What does not fit the store is cut off.
func (f *trustFollower) recall() (uint32, error) {
	f.file.open()
	if f.file.file == nil {
		return 0, nil
	}
	good, err := f.file.fitting(f.knows)
	if err != nil {
		return 0, err
	}
	seq, end := uint32(0), int64(len(factHeader))
	in := bufio.NewReaderSize(io.NewSectionReader(f.file.file, end, good-end), 1<<18)
	for end < good {
		head, facts, err := readFactFrame(in)
		if err != nil {
			f.n.log.Warn("facts about trust were damaged; they are read from the records again", "err", err)
			break
		}
		if err := f.relearn(facts); err != nil {
			return 0, err
		}
		seq, end = head, end+int64(frameHead+len(facts))
	}
	return seq, f.file.cut(end)
}

// knows reports whether the store has an arrival under a number.
func (f *trustFollower) knows(seq uint32, digest [32]byte) (bool, error) {
	if seq > f.n.store.Last() {
		return false, nil
	}
	for e, err := range f.n.store.Each(seq) {
		if err != nil || e.Seq != seq {
			return false, err
		}
		c, err := e.CID()
		return err == nil && c.Equals(protocol.CID(digest)), err
	}
	return false, nil
}

// relearn tells the graph the facts of one frame.
func (f *trustFollower) relearn(facts []byte) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for len(facts) > 0 {
		fact, early, rest, err := readFact(facts)
		if err != nil {
			return fmt.Errorf("%s: %w: delete it, it is made again", f.file.path, err)
		}
		facts = rest
		if fact == nil {
			f.early[early] = true
			continue
		}
		if c, ok := fact.(trust.Class); ok {
			delete(f.early, c.Record)
		}
		if err := f.graph.Add(fact); err != nil {
			return fmt.Errorf("%s: %w: delete it, it is made again", f.file.path, err)
		}
	}
	f.turn++
	return nil
}

// open opens the file, or makes it. It fails by leaving no file.
func (x *factFile) open() {
	if x.path == "" {
		return
	}
	file, err := os.OpenFile(x.path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	head := make([]byte, len(factHeader))
	if n, _ := file.ReadAt(head, 0); string(head[:n]) != factHeader {
		if file.Truncate(0) != nil {
			file.Close()
			return
		}
		if _, err := file.WriteAt([]byte(factHeader), 0); err != nil {
			file.Close()
			return
		}
	}
	x.file = file
}

// fitting returns where the last frame ends whose arrival is known.
func (x *factFile) fitting(known func(seq uint32, digest [32]byte) (bool, error)) (int64, error) {
	type frame struct {
		seq    uint32
		digest [32]byte
		end    int64
	}
	var frames []frame
	size, at := int64(0), int64(len(factHeader))
	if info, err := x.file.Stat(); err == nil {
		size = info.Size()
	}
	var head [frameHead]byte
	for at+frameHead <= size {
		if _, err := x.file.ReadAt(head[:], at); err != nil {
			break
		}
		at += frameHead + int64(binary.LittleEndian.Uint32(head[:])) - 36
		if at > size {
			break
		}
		frames = append(frames, frame{binary.LittleEndian.Uint32(head[8:]), [32]byte(head[12:]), at})
	}
	for i := len(frames) - 1; i >= 0; i-- {
		if ok, err := known(frames[i].seq, frames[i].digest); err != nil || ok {
			return frames[i].end, err
		}
	}
	return int64(len(factHeader)), nil
}

// readFactFrame reads a frame and checks its sum.
func readFactFrame(in io.Reader) (seq uint32, facts []byte, err error) {
	var head [8]byte
	if _, err := io.ReadFull(in, head[:]); err != nil {
		return 0, nil, err
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size < 36 || size > maxFrame {
		return 0, nil, fmt.Errorf("a frame of %d bytes", size)
	}
	body := make([]byte, size)
	if _, err := io.ReadFull(in, body); err != nil {
		return 0, nil, err
	}
	if crc32.Checksum(body, castagnoli) != binary.LittleEndian.Uint32(head[4:]) {
		return 0, nil, errors.New("a frame with a wrong sum")
	}
	return binary.LittleEndian.Uint32(body), body[36:], nil
}

func appendFactFrame(b []byte, seq uint32, digest [32]byte, facts []byte) []byte {
	body := binary.LittleEndian.AppendUint32(make([]byte, 0, 36+len(facts)), seq)
	body = append(append(body, digest[:]...), facts...)
	b = binary.LittleEndian.AppendUint32(b, uint32(len(body)))
	b = binary.LittleEndian.AppendUint32(b, crc32.Checksum(body, castagnoli))
	return append(b, body...)
}

// cut ends the file at a place, where the next frame goes.
func (x *factFile) cut(at int64) error {
	if err := x.file.Truncate(at); err != nil {
		return err
	}
	_, err := x.file.Seek(at, io.SeekStart)
	return err
}

// add writes a frame. Where that fails the file is given up: the next start
// reads the records.
func (x *factFile) add(seq uint32, digest [32]byte, facts []byte) error {
	if x.file == nil {
		return nil
	}
	if _, err := x.file.Write(appendFactFrame(nil, seq, digest, facts)); err != nil {
		return errors.Join(err, x.giveUp())
	}
	return nil
}

// without writes the file again, without facts of records that are gone.
func (x *factFile) without(gone map[trust.Digest]bool) error {
	if x.file == nil {
		return nil
	}
	if err := x.rewrite(gone); err != nil {
		return errors.Join(err, x.giveUp())
	}
	return nil
}

func (x *factFile) rewrite(gone map[trust.Digest]bool) error {
	out, err := renameio.NewPendingFile(x.path, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer func() { _ = out.Cleanup() }() // of no effect once it has its name
	to := bufio.NewWriterSize(out, 1<<18)
	if _, err := to.WriteString(factHeader); err != nil {
		return err
	}
	in := bufio.NewReaderSize(io.NewSectionReader(x.file, int64(len(factHeader)), math.MaxInt64-int64(len(factHeader))), 1<<18)
	for {
		head, err := in.Peek(frameHead)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		digest := [32]byte(head[12:])
		seq, facts, err := readFactFrame(in)
		if err != nil {
			return err
		}
		var kept []byte
		for len(facts) > 0 {
			fact, _, rest, err := readFact(facts)
			if err != nil {
				return err
			}
			if fact == nil || !gone[recordOf(fact)] {
				kept = append(kept, facts[:len(facts)-len(rest)]...)
			}
			facts = rest
		}
		if _, err := to.Write(appendFactFrame(nil, seq, digest, kept)); err != nil {
			return err
		}
	}
	if err := to.Flush(); err != nil {
		return err
	}
	if err := out.CloseAtomicallyReplace(); err != nil {
		return err
	}
	x.file.Close()
	if x.file, err = os.OpenFile(x.path, os.O_RDWR, 0o600); err != nil {
		return err
	}
	_, err = x.file.Seek(0, io.SeekEnd)
	return err
}

func (x *factFile) giveUp() error {
	if x.file != nil {
		x.file.Close()
	}
	x.file = nil
	return os.Remove(x.path)
}

func (x *factFile) close() error {
	if x.file == nil {
		return nil
	}
	err := x.file.Close()
	x.file = nil
	return err
}

func factPath(config Config) string {
	if config.InMemory {
		return ""
	}
	return filepath.Join(config.Dir, "trust.facts")
}

// appendFact writes a fact; times to the second, as the graph holds them.
func appendFact(b []byte, f trust.Fact) []byte {
	switch f := f.(type) {
	case trust.Endorsement:
		b = appendTarget(appendDID(append(append(b, factEndorsement), f.Record[:]...), f.By), f.Of)
		return appendTimes(append(b, uint8(f.Weight)), f.From, f.Until)
	case trust.Dispute:
		b = appendTarget(appendDID(append(append(b, factDispute), f.Record[:]...), f.By), f.Of)
		return appendTimes(b, f.From, f.Until)
	case trust.Award:
		b = appendDID(appendDID(append(append(b, factAward), f.Record[:]...), f.Issuer), f.Holder)
		return appendTimes(append(b, f.Class[:]...), f.From, f.Until)
	case trust.Class:
		return appendTimes(appendDID(append(append(b, factClass), f.Record[:]...), f.Creator), f.From)
	case trust.Status:
		b = append(append(appendDID(append(append(b, factStatus), f.Record[:]...), f.By), f.Target[:]...), uint8(f.State))
		return appendTimes(b, f.From)
	case trust.Succession:
		return appendTimes(appendDID(appendDID(append(append(b, factSuccession), f.Record[:]...), f.By), f.To), f.From)
	case trust.Compromise:
		return appendTimes(appendDID(append(append(b, factCompromise), f.Record[:]...), f.Key), f.Since, f.From)
	}
	panic(fmt.Sprintf("node: fact %T", f))
}

func appendDID(b []byte, d did.DID) []byte { return append(b, d.PublicKey()...) }

func appendTarget(b []byte, t trust.Target) []byte {
	if t.Profile != "" {
		return appendDID(append(b, 1), t.Profile)
	}
	return append(append(b, 0), t.Record[:]...)
}

// appendTimes writes seconds from 1970 to 2106, what is outside as the nearest
// end; the zero time as 0.
func appendTimes(b []byte, times ...time.Time) []byte {
	for _, t := range times {
		s := uint32(0)
		if !t.IsZero() {
			s = uint32(min(max(t.Unix(), 1), math.MaxUint32))
		}
		b = binary.LittleEndian.AppendUint32(b, s)
	}
	return b
}

// readFact reads a fact, or a class that awards came before, and what follows.
func readFact(b []byte) (fact trust.Fact, early trust.Digest, rest []byte, err error) {
	r := factReader{b: b}
	kind, record := r.byte(), trust.Digest(r.bytes())
	switch kind {
	case factEndorsement:
		fact = trust.Endorsement{Record: record, By: r.did(), Of: r.target(), Weight: int(r.byte()), From: r.time(), Until: r.time()}
	case factDispute:
		fact = trust.Dispute{Record: record, By: r.did(), Of: r.target(), From: r.time(), Until: r.time()}
	case factAward:
		fact = trust.Award{Record: record, Issuer: r.did(), Holder: r.did(), Class: trust.Digest(r.bytes()), From: r.time(), Until: r.time()}
	case factClass:
		fact = trust.Class{Record: record, Creator: r.did(), From: r.time()}
	case factStatus:
		fact = trust.Status{Record: record, By: r.did(), Target: trust.Digest(r.bytes()), State: trust.State(r.byte()), From: r.time()}
	case factSuccession:
		fact = trust.Succession{Record: record, By: r.did(), To: r.did(), From: r.time()}
	case factCompromise:
		fact = trust.Compromise{Record: record, Key: r.did(), Since: r.time(), From: r.time()}
	case factEarly:
		early = record
	default:
		return nil, early, nil, fmt.Errorf("a fact of kind %q", kind)
	}
	if r.short {
		return nil, early, nil, errors.New("a fact that is cut off")
	}
	return fact, early, r.b, nil
}

// factReader reads pieces until they are short.
type factReader struct {
	b     []byte
	short bool
}

func (r *factReader) take(n int) []byte {
	if len(r.b) < n {
		r.short, r.b = true, nil
		return make([]byte, n)
	}
	piece := r.b[:n]
	r.b = r.b[n:]
	return piece
}

func (r *factReader) byte() byte      { return r.take(1)[0] }
func (r *factReader) bytes() [32]byte { return [32]byte(r.take(32)) }
func (r *factReader) did() did.DID    { return did.FromPublicKey(r.take(32)) }

func (r *factReader) target() trust.Target {
	if r.byte() == 1 {
		return trust.Target{Profile: r.did()}
	}
	return trust.Target{Record: r.bytes()}
}

func (r *factReader) time() time.Time {
	if s := binary.LittleEndian.Uint32(r.take(4)); s != 0 {
		return time.Unix(int64(s), 0)
	}
	return time.Time{}
}

// recordOf returns which record a fact was read in.
func recordOf(f trust.Fact) trust.Digest {
	switch f := f.(type) {
	case trust.Endorsement:
		return f.Record
	case trust.Dispute:
		return f.Record
	case trust.Award:
		return f.Record
	case trust.Class:
		return f.Record
	case trust.Status:
		return f.Record
	case trust.Succession:
		return f.Record
	case trust.Compromise:
		return f.Record
	}
	return trust.Digest{}
}
