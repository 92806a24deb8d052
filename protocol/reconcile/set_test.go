package reconcile_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"pgregory.net/rapid"

	"codeberg.org/essaim/essaim/protocol/reconcile"
)

// keyOf returns the key of an imaginary record, one a minute from 2026.
func keyOf(i int) reconcile.Key {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(i))
	return reconcile.NewKey(time.Unix(1_767_225_600+int64(i)*60, 0), sha256.Sum256(n[:]))
}

func compareKeys(a, b reconcile.Key) int { return bytes.Compare(a[:], b[:]) }

// fataler is a *testing.T, a *testing.B or a *rapid.T.
type fataler interface {
	Helper()
	Fatal(args ...any)
}

// build returns the set of keys, in whatever order they come.
func build(t fataler, keys []reconcile.Key) *reconcile.Set {
	t.Helper()
	sorted := slices.Clone(keys)
	slices.SortFunc(sorted, compareKeys)
	s, err := reconcile.Build(slices.Values(slices.Compact(sorted)))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// without returns keys without those of which lacks says so.
func without(keys []reconcile.Key, lacks func(i int) bool) []reconcile.Key {
	kept := make([]reconcile.Key, 0, len(keys))
	for i, k := range keys {
		if !lacks(i) {
			kept = append(kept, k)
		}
	}
	return kept
}

func nobody(int) bool { return false }

func keysOf(v reconcile.View) []reconcile.Key { return slices.Collect(v.Keys(0, v.Len())) }

// sumOf adds digests one by one, byte by byte.
func sumOf(keys []reconcile.Key) reconcile.Sum {
	var total [32]byte
	for _, k := range keys {
		carry := 0
		for i, d := range k.Digest() {
			carry += int(total[i]) + int(d)
			total[i] = byte(carry)
			carry >>= 8
		}
	}
	var s reconcile.Sum
	for i := range s {
		s[i] = binary.LittleEndian.Uint64(total[8*i:])
	}
	return s
}

// A Set is a sorted slice that is faster, and views of it do not change.
func TestSetIsASortedSlice(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.IntRange(0, 5000).Draw(t, "size")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		inOrder := rapid.Bool().Draw(t, "in order")
		deleted := rapid.IntRange(0, 100).Draw(t, "deleted")
		set := reconcile.NewSet()
		model := map[reconcile.Key]bool{}
		var view reconcile.View
		var frozen []reconcile.Key
		for i := range size {
			k := keyOf(i)
			if !inOrder {
				k = keyOf(random.IntN(2 * size))
			}
			if random.IntN(200) < deleted {
				k = keyOf(random.IntN(i + 1))
				if got, want := set.Delete(k), model[k]; got != want {
					t.Fatalf("Delete of a key that is in the set (%v): got %v", want, got)
				}
				delete(model, k)
				continue
			}
			if got, want := set.Insert(k), !model[k]; got != want {
				t.Fatalf("Insert of a key that is new (%v): got %v", want, got)
			}
			model[k] = true
			if i == size/2 {
				view = set.View()
				frozen = keysOf(view)
			}
		}
		var want []reconcile.Key
		for k := range model {
			want = append(want, k)
		}
		slices.SortFunc(want, compareKeys)
		now := set.View()
		if got := keysOf(now); !slices.Equal(got, want) || set.Len() != len(want) {
			t.Fatalf("got %d keys, Len %d, want %d keys", len(got), set.Len(), len(want))
		}
		if got := keysOf(view); !slices.Equal(got, frozen) {
			t.Fatalf("a view changed from %d keys to %d", len(frozen), len(got))
		}
		for range 20 {
			j := random.IntN(len(want) + 1)
			i := random.IntN(j + 1)
			if got, want := now.Sum(i, j), sumOf(want[i:j]); got != want {
				t.Fatalf("sum of [%d, %d): got %x, want %x", i, j, got, want)
			}
			if got := slices.Collect(now.Keys(i, j)); !slices.Equal(got, want[i:j]) {
				t.Fatalf("keys of [%d, %d): got %d of them", i, j, len(got))
			}
			k := keyOf(random.IntN(2*size + 1))
			rank, found := slices.BinarySearchFunc(want, k, compareKeys)
			if got := now.Rank(k); got != rank || now.Has(k) != found {
				t.Fatalf("key got rank %d, there %v; want %d, %v", got, now.Has(k), rank, found)
			}
			if i < len(want) && now.At(i) != want[i] {
				t.Fatalf("the key of rank %d is %x, want %x", i, now.At(i), want[i])
			}
		}
		if got := build(t, want).View(); got.Sum(0, got.Len()) != now.Sum(0, now.Len()) {
			t.Fatal("the set built at once has another sum than the one built key by key")
		}
	})
}

func TestBuildWantsOrder(t *testing.T) {
	for _, tt := range []struct {
		name string
		keys []reconcile.Key
	}{
		{"two the wrong way round", []reconcile.Key{keyOf(2), keyOf(1)}},
		{"one twice", []reconcile.Key{keyOf(1), keyOf(1)}},
	} {
		if _, err := reconcile.Build(slices.Values(tt.keys)); !errors.Is(err, reconcile.ErrOrder) {
			t.Errorf("%s: got %v, want ErrOrder", tt.name, err)
		}
	}
}

func TestKey(t *testing.T) {
	created := time.Date(2026, time.October, 3, 12, 0, 0, 0, time.UTC)
	digest := sha256.Sum256([]byte("a record"))
	k := reconcile.NewKey(created, digest)
	if !k.Created().Equal(created) || k.Digest() != digest {
		t.Errorf("got %s, %x, want %s, %x", k.Created(), k.Digest(), created, digest)
	}
	if later := reconcile.NewKey(created.Add(time.Second), [32]byte{}); compareKeys(k, later) >= 0 {
		t.Errorf("%x does not come before %x", k, later)
	}
}

func snapshotOf(t fataler, v reconcile.View, arrival uint64) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := reconcile.WriteSnapshot(&b, v, arrival); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func numbered(n int) []reconcile.Key {
	keys := make([]reconcile.Key, n)
	for i := range keys {
		keys[i] = keyOf(i)
	}
	return keys
}

func TestSnapshotRoundTrip(t *testing.T) {
	for _, n := range []int{0, 1, 63, 64, 65, 4096, 4097, 10_000} {
		want := build(t, numbered(n)).View()
		written := snapshotOf(t, want, 12345)
		if got := len(written); got != 60+n*reconcile.KeySize {
			t.Errorf("%d keys take %d bytes, want %d", n, got, 60+n*reconcile.KeySize)
		}
		r := bytes.NewReader(append(slices.Clone(written), "and what follows"...))
		set, arrival, err := reconcile.ReadSnapshot(iotest.HalfReader(r), n)
		if err != nil || arrival != 12345 {
			t.Fatalf("%d keys: arrival %d, %v, want 12345", n, arrival, err)
		}
		if got := set.View(); !slices.Equal(keysOf(got), keysOf(want)) || got.Sum(0, n) != want.Sum(0, n) {
			t.Errorf("%d keys came back as %d, or with another sum", n, got.Len())
		}
		if rest, _ := io.ReadAll(r); string(rest) != "and what follows" {
			t.Errorf("%d keys: %q was left unread", n, rest)
		}
		set.Insert(keyOf(n + 1)) // it goes on as a set like any other
		if set.Len() != n+1 {
			t.Errorf("after an insert the set of %d has %d keys", n, set.Len())
		}
	}
}

// Whatever single bit a disk turns, and wherever a power cut ends the file, the
// snapshot is refused.
func TestSnapshotDamaged(t *testing.T) {
	written := snapshotOf(t, build(t, numbered(100)).View(), 7)
	for i := range written {
		damaged := slices.Clone(written)
		damaged[i] ^= 1 << (i % 8)
		if _, arrival, err := reconcile.ReadSnapshot(bytes.NewReader(damaged), 1000); !errors.Is(err, reconcile.ErrSnapshot) {
			t.Errorf("bit %d of byte %d turned: got arrival %d, %v, want ErrSnapshot", i%8, i, arrival, err)
		}
		if _, _, err := reconcile.ReadSnapshot(bytes.NewReader(written[:i]), 1000); !errors.Is(err, reconcile.ErrSnapshot) {
			t.Errorf("cut after %d bytes: got %v, want ErrSnapshot", i, err)
		}
	}
	if _, _, err := reconcile.ReadSnapshot(bytes.NewReader(written), 99); !errors.Is(err, reconcile.ErrSnapshot) {
		t.Errorf("100 keys where 99 may be: got %v, want ErrSnapshot", err)
	}
	disk := errors.New("disk on fire")
	if _, _, err := reconcile.ReadSnapshot(iotest.ErrReader(disk), 1000); !errors.Is(err, disk) || errors.Is(err, reconcile.ErrSnapshot) {
		t.Errorf("a disk that fails: got %v, want that it fails", err)
	}
}

// A count says nothing until its keys have come.
func TestSnapshotCountAllocatesNothing(t *testing.T) {
	claim := append([]byte("essaim\x00\x01"), make([]byte, 16)...)
	binary.LittleEndian.PutUint64(claim[16:], 1<<40)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, _, err := reconcile.ReadSnapshot(bytes.NewReader(claim), 1<<41)
	runtime.ReadMemStats(&after)
	if !errors.Is(err, reconcile.ErrSnapshot) {
		t.Errorf("got %v, want ErrSnapshot", err)
	}
	allocated := after.TotalAlloc - before.TotalAlloc
	if allocated > 16<<10 {
		t.Errorf("24 bytes that claim 2^40 keys made us allocate %d bytes", allocated)
	}
}

func FuzzReadSnapshot(f *testing.F) {
	f.Add(snapshotOf(f, build(f, numbered(0)).View(), 0))
	f.Add(snapshotOf(f, build(f, numbered(3)).View(), 9))
	f.Add(snapshotOf(f, build(f, numbered(70)).View(), 1<<60))
	f.Add([]byte("essaim\x00\x01"))
	f.Fuzz(func(t *testing.T, data []byte) {
		set, arrival, err := reconcile.ReadSnapshot(bytes.NewReader(data), 1000)
		if err != nil {
			if !errors.Is(err, reconcile.ErrSnapshot) {
				t.Fatalf("got %v, want ErrSnapshot", err)
			}
			return
		}
		if got := snapshotOf(t, set.View(), arrival); !bytes.HasPrefix(data, got) {
			t.Fatalf("read and written again: got %x, want the beginning of %x", got, data)
		}
	})
}
