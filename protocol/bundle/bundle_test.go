package bundle_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"codeberg.org/essaim/essaim/protocol/bundle"
	"codeberg.org/essaim/essaim/spec/vectors"
)

const vectorFile = "../../spec/bundle/three-records.car"

// three are the records of the vector, in its order.
func three(t testing.TB) [][]byte {
	t.Helper()
	all, err := vectors.All()
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, name := range []string{"status_valid", "class_valid", "award_valid"} {
		i := slices.IndexFunc(all, func(v vectors.Vector) bool { return v.Name == name })
		out = append(out, all[i].Record)
	}
	return out
}

func write(t testing.TB, records ...[]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	var digests [][32]byte
	for _, r := range records {
		digests = append(digests, sha256.Sum256(r))
	}
	w, err := bundle.NewWriter(&b, bundle.Contents{
		Territories: []string{"fr:epci:242900314"}, Written: time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC),
	}, digests)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range records {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read returns the records of a file, how many other blocks it has, and the error
// that ended it; nil for its end.
func read(r io.Reader) (records [][]byte, others int, err error) {
	in, err := bundle.NewReader(r)
	if err != nil {
		return nil, 0, err
	}
	for {
		raw, err := in.Next()
		if errors.Is(err, io.EOF) {
			return records, in.Others, nil
		}
		if err != nil {
			return records, in.Others, err
		}
		records = append(records, raw)
	}
}

// The vector is what is written, byte for byte, and is read back.
func TestVector(t *testing.T) {
	want, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if got := write(t, three(t)...); !bytes.Equal(got, want) {
		t.Errorf("wrote %d bytes that are not those of %s", len(got), vectorFile)
	}
	got, others, err := read(iotest.OneByteReader(bytes.NewReader(want)))
	if err != nil || others != 2 || !slices.EqualFunc(got, three(t), bytes.Equal) {
		t.Errorf("read %d records, %d others, %v; want 3, 2 and none", len(got), others, err)
	}
}

// A file may have no records, and more than one part of contents.
func TestNoneAndMany(t *testing.T) {
	got, others, err := read(bytes.NewReader(write(t)))
	if len(got) != 0 || others != 1 || err != nil {
		t.Errorf("read %d records, %d others, %v; want 0, 1 and none", len(got), others, err)
	}
	var many [][]byte
	for i := range 4097 {
		many = append(many, binary.BigEndian.AppendUint32(nil, uint32(i)))
	}
	got, others, err = read(bytes.NewReader(write(t, many...)))
	if !slices.EqualFunc(got, many, bytes.Equal) || others != 3 || err != nil {
		t.Errorf("read %d records, %d others, %v; want 4097, 3 and none", len(got), others, err)
	}
}

// Whatever byte a file is cut at, what came before is read, and it is said that
// not all did; but between two blocks nobody can know.
func TestCutAnywhere(t *testing.T) {
	whole := write(t, three(t)...)
	all, between := three(t), 0
	for n := range whole {
		got, _, err := read(bytes.NewReader(whole[:n]))
		switch {
		case err == nil:
			between++
		case n == 0 && errors.Is(err, bundle.ErrNotBundle):
		case !errors.Is(err, bundle.ErrCut):
			t.Fatalf("cut at %d: got %v, want that it ends too early", n, err)
		}
		if !slices.EqualFunc(got, all[:len(got)], bytes.Equal) {
			t.Fatalf("cut at %d: read something else", n)
		}
	}
	if want := 1 + 2 + 2; between != want { // header, root, part, two records
		t.Errorf("%d places to cut without a trace, want %d", between, want)
	}
}

// A byte changed anywhere after the header is found, or hides a block.
func TestChangedAnywhere(t *testing.T) {
	whole := write(t, three(t)...)
	all := three(t)
	for i := range whole {
		changed := bytes.Clone(whole)
		changed[i] ^= 1
		got, _, _ := read(bytes.NewReader(changed))
		for _, r := range got {
			if !slices.ContainsFunc(all, func(x []byte) bool { return bytes.Equal(x, r) }) {
				t.Fatalf("byte %d changed: read a record that was not written", i)
			}
		}
	}
}

func TestRefused(t *testing.T) {
	whole := write(t, three(t)...)
	header := whole[:1+int(whole[0])]
	with := func(more ...byte) string { return string(header) + string(more) }
	wrong := bytes.Clone(whole)
	wrong[len(wrong)-1] ^= 1
	other := sha256.Sum256([]byte("another"))
	named := append([]byte{4 + 32 + 3, 1, 0x55, 0x12, 32}, other[:]...)
	for name, x := range map[string]struct {
		file string
		want error
		says string
	}{
		"empty":              {"", bundle.ErrNotBundle, "an empty file is no bundle"},
		"text":               {"Bonjour à toutes et à tous", bundle.ErrNotBundle, "does not begin like a CAR"},
		"zeros":              {strings.Repeat("\x00", 100), bundle.ErrNotBundle, "does not begin like a CAR"},
		"ones":               {strings.Repeat("\xff", 100), bundle.ErrNotBundle, "does not begin like a CAR"},
		"CAR version 2":      {"\x0a\xa1\x67version\x02" + strings.Repeat("\x00", 40), bundle.ErrNotBundle, "of version 2"},
		"long header":        {"\x81\x08" + strings.Repeat("a", 2000), bundle.ErrNotBundle, "does not begin like a CAR"},
		"changed record":     {string(wrong), bundle.ErrDamaged, "block 5 does not hold what its name says"},
		"wrong name":         {with(append(named, "abc"...)...), bundle.ErrDamaged, "block 1 does not hold what its name says"},
		"no name":            {with(3, 'a', 'b', 'c'), bundle.ErrDamaged, "block 1: it has no name"},
		"empty block":        {with(0), bundle.ErrDamaged, "block 1: it has no name"},
		"long digest":        {with(5, 1, 0x55, 0x12, 0x7f, 'a'), bundle.ErrDamaged, "block 1: it has no name"},
		"a gigabyte":         {with(0x80, 0x80, 0x80, 0x80, 4), bundle.ErrDamaged, "no block of at most"},
		"2^64 bytes":         {with(bytes.Repeat([]byte{0xff}, 20)...), bundle.ErrDamaged, "no block of at most"},
		"more than a block":  {with(0xff, 0xff, 0x7f), bundle.ErrDamaged, "no block of at most"},
		"not shortest":       {with(0x80, 0), bundle.ErrDamaged, "no block of at most"},
		"cut within a count": {with(0x80), bundle.ErrCut, "what follows block 0 is not whole"},
	} {
		_, _, err := read(strings.NewReader(x.file))
		if !errors.Is(err, x.want) || !strings.Contains(err.Error(), x.says) {
			t.Errorf("%s: got %v, want %q", name, err, x.says)
		}
	}
	broken := errors.New("the stick was pulled out")
	if _, _, err := read(io.MultiReader(bytes.NewReader(whole[:700]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("got %v, want the error of the reader", err)
	}
}

// Blocks that other programs put in a CAR are passed over.
func TestOtherBlocks(t *testing.T) {
	whole := write(t, three(t)...)
	block := func(b ...byte) []byte { return append(binary.AppendUvarint(nil, uint64(len(b))), b...) }
	pb := sha256.Sum256([]byte("pb"))
	whole = append(whole, block(append(append([]byte{0x12, 32}, pb[:]...), "pb"...)...)...) // CIDv0
	whole = append(whole, block(1, 0x55, 0, 2, 'h', 'i')...)                                // identity
	whole = append(whole, block(append([]byte{1, 0x55, 0x13, 64}, make([]byte, 70)...)...)...)
	got, others, err := read(bytes.NewReader(whole))
	if len(got) != 3 || others != 5 || err != nil {
		t.Errorf("read %d records, %d others, %v; want 3, 5 and none", len(got), others, err)
	}
}

// What is written is what was announced.
func TestWriterHoldsToItsContents(t *testing.T) {
	w, err := bundle.NewWriter(io.Discard, bundle.Contents{}, [][32]byte{sha256.Sum256([]byte("a")), sha256.Sum256([]byte("b"))})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write([]byte("b")); err == nil {
		t.Error("a record out of turn was written")
	}
	if err := w.Write([]byte("a")); err != nil {
		t.Error(err)
	}
	if err := w.Close(); err == nil || !strings.Contains(err.Error(), "1 records") {
		t.Errorf("close: got %v, want that one is missing", err)
	}
}

// Whatever a file holds, records come out that are what their names say, in little
// memory, or an error that says what is wrong.
func FuzzRead(f *testing.F) {
	whole := write(f, three(f)...)
	f.Add(whole)
	f.Add(whole[:200])
	f.Add([]byte("\x0a\xa1\x67version\x02"))
	f.Add(write(f))
	f.Fuzz(func(t *testing.T, file []byte) {
		records, _, err := read(bytes.NewReader(file))
		size := 0
		for _, r := range records {
			size += len(r)
			digest := sha256.Sum256(r)
			if !bytes.Contains(file, digest[:]) {
				t.Fatal("a record whose name is not in the file")
			}
		}
		if size > len(file) {
			t.Fatalf("%d bytes out of %d", size, len(file))
		}
		if err != nil && !errors.Is(err, bundle.ErrNotBundle) && !errors.Is(err, bundle.ErrDamaged) && !errors.Is(err, bundle.ErrCut) {
			t.Fatalf("an error that says nothing: %v", err)
		}
	})
}
