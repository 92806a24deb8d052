package store_test

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

func territoryID(s string) territory.ID { return territory.ID(s) }

// holds reports whether any file under dir contains text.
func holds(t testing.TB, dir, text string) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) { // Badger replaced it meanwhile
			return nil
		}
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		if bytes.Contains(b, []byte(text)) {
			found = true
		}
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// TestMain is also the child that the tests below kill, or that holds a store.
func TestMain(m *testing.M) {
	switch dir := os.Getenv("ESSAIM_STORE_CHILD"); os.Getenv("ESSAIM_STORE_ROLE") {
	case "write":
		childWrites(dir)
	case "hold":
		childHolds(dir)
	case "erase":
		childErases(dir)
	}
	os.Exit(m.Run())
}

func child(t *testing.T, role, dir string) (*exec.Cmd, *bufio.Scanner) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^$")
	cmd.Env = append(os.Environ(), "ESSAIM_STORE_ROLE="+role, "ESSAIM_STORE_CHILD="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := cmd.StdinPipe(); err != nil { // who holds a store does so until this closes
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, bufio.NewScanner(out)
}

func openChild(dir string) *store.Store {
	store.Small()
	s, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20, Command: "essaim serve"})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	return s
}

// childWrites stores records for ever and says the name of each once Put has
// returned. It never syncs: that is for a loss of power.
func childWrites(dir string) {
	s := openChild(dir)
	t := new(testing.B)
	cursor, err := s.Cursor("follower")
	if err != nil {
		panic(err)
	}
	for n := 1000 * int(s.Last()); ; n++ {
		records := story(t, n)
		out, err := s.Put(records...)
		if err != nil {
			panic(err)
		}
		for i, o := range out {
			fmt.Println(records[i].CID(), o.Seq, o.Status)
		}
		if err := cursor.Commit(s.Last()); err != nil {
			panic(err)
		}
	}
}

// story is the n-th batch of childWrites: a notice of a size that fills
// memtables, what is said about it, sometimes its erasure, and now and then an
// award and its class, in the wrong order.
func story(t testing.TB, n int) []protocol.Record {
	r := record(t, n)
	records := []protocol.Record{dispute(t, r.CID().String(), alice, noon.Add(time.Duration(n)*time.Second)), r}
	if n%5 == 4 {
		records = append(records, status(t, r.CID(), badge.Erased, bob, noon))
	}
	if n%40 == 0 {
		c := class(t, strconv.Itoa(n), tyfab)
		a := award(t, c, tyfab, bob, noon, in(brest, rennes))
		records = append(records, status(t, a.CID(), badge.Suspended, tyfab, noon), a, c)
	}
	return records
}

// record is a long notice.
func record(t testing.TB, n int) protocol.Record {
	return notice(t, n, bob, noon.Add(time.Duration(n)*time.Second), strings.Repeat("grand ", 600)+strconv.Itoa(n))
}

func childHolds(dir string) {
	s := openChild(dir)
	fmt.Println("ready")
	io.Copy(io.Discard, os.Stdin)
	s.Close()
	os.Exit(0)
}

func TestKillLosesNothing(t *testing.T) {
	const rounds = 10
	dir := t.TempDir()
	rnd := rand.New(rand.NewPCG(1, 2))
	acked := map[string]store.Outcome{} // name → what Put said
	for round := range rounds {
		cmd, out := child(t, "write", dir)
		hear := func() {
			var name, status string
			var seq uint32
			if _, err := fmt.Sscan(out.Text(), &name, &seq, &status); err != nil {
				t.Fatalf("round %d: the child says %q", round, out.Text())
			}
			acked[name] = store.Outcome{Seq: seq, Status: store.Added}
			if status != "added" {
				t.Errorf("round %d: record %s is %s", round, name, status)
			}
		}
		for n, stop := 0, 1+rnd.IntN(700); n < stop && out.Scan(); n++ {
			hear()
		}
		cmd.Process.Kill() // in the middle of whatever it does
		for out.Scan() {   // acknowledged before it died
			hear()
		}
		cmd.Wait()
		if round%3 == 1 {
			continue // the next child finds it so
		}
		s := open(t, store.Config{Dir: dir, MinFree: 1 << 20})
		if s.CleanStart() {
			t.Errorf("round %d: CleanStart after kill -9", round)
		}
		if err := s.AuditError(); err != nil {
			t.Fatalf("round %d: the rows are not those of the records:\n%v", round, err)
		}
		there := map[string]uint32{}
		last := uint32(0)
		for e, err := range s.Each(1) {
			if err != nil {
				t.Fatal(err)
			}
			if last++; e.Seq != last {
				t.Fatalf("round %d: arrival %d after %d", round, e.Seq, last-1)
			}
			c, err := e.CID()
			if err != nil {
				t.Fatalf("round %d: arrival %d: %v", round, e.Seq, err)
			}
			there[c.String()] = e.Seq
		}
		if s.Last() != last {
			t.Errorf("round %d: %d arrivals, the last is %d", round, last, s.Last())
		}
		for name, o := range acked {
			if there[name] != o.Seq {
				t.Errorf("round %d: %s was acknowledged as arrival %d and is %d", round, name, o.Seq, there[name])
			}
		}
		cursor, err := s.Cursor("follower")
		if err != nil || cursor.Position() > s.Last() {
			t.Errorf("round %d: the cursor stands at %d of %d, %v", round, cursor.Position(), s.Last(), err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d records acknowledged over %d kills", len(acked), rounds)
}

const secret = "cesmotsnedoiventplusetrenullepart"

func childErases(dir string) {
	s := openChild(dir)
	t := new(testing.B)
	n := notice(t, 1, alice, noon, secret)
	s.Put(n, notice(t, 2, bob, noon, "bruit"))
	s.Put(status(t, n.CID(), badge.Erased, alice, noon))
	s.Sync()
	fmt.Println("erased")
	select {}
}

func TestKillDoesNotBringBackTheErased(t *testing.T) {
	defer store.Uncompressed()()
	dir := t.TempDir()
	cmd, out := child(t, "erase", dir)
	if !out.Scan() || out.Text() != "erased" {
		t.Fatalf("the child says %q", out.Text())
	}
	cmd.Process.Kill()
	cmd.Wait()
	if !holds(t, dir, secret) {
		t.Fatal("nothing is left to wipe: the test proves nothing")
	}
	s := open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if holds(t, dir, secret) {
		t.Error("Open left erased bytes in the files")
	}
	if out := put(t, s, notice(t, 1, alice, noon, secret)); out[0].Status != store.Erased {
		t.Errorf("Put after the kill: %v", out)
	}
	if holds(t, dir, secret) {
		t.Error("a refused record was written")
	}
}

func TestASecondProcessIsTurnedAwayByName(t *testing.T) {
	dir := t.TempDir()
	cmd, out := child(t, "hold", dir)
	defer func() { cmd.Process.Kill(); cmd.Wait() }()
	if !out.Scan() || out.Text() != "ready" {
		t.Fatalf("the child says %q", out.Text())
	}
	_, err := store.Open(store.Config{Dir: dir})
	want := fmt.Sprintf("folder %s is in use by essaim serve (process %d)", dir, cmd.Process.Pid)
	if !errors.Is(err, store.ErrLocked) || !strings.HasPrefix(err.Error(), want) {
		t.Errorf("got %v, want %s…", err, want)
	}
	cmd.Process.Kill()
	cmd.Wait()
	open(t, store.Config{Dir: dir, MinFree: 1 << 20}) // the kernel let go
}

func TestANewerFormatIsNotTouched(t *testing.T) {
	for name, spoil := range map[string]func(dir string){
		"file": func(dir string) { os.WriteFile(filepath.Join(dir, "VERSION"), []byte("essaim store 2\n"), 0o600) },
		"row": func(dir string) {
			s := open(t, store.Config{Dir: dir, MinFree: 1 << 20})
			s.Set([]byte("Mschema"), []byte{0, 0, 0, 2})
			s.Close()
		},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			spoil(dir)
			_, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
			if !errors.Is(err, store.ErrNewerFormat) || !strings.Contains(err.Error(), "install") {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestANearlyFullDiskIsOnlyRead(t *testing.T) {
	store.SetBallast(4 << 20)
	defer store.SetBallast(0)
	dir := t.TempDir()
	s := open(t, store.Config{Dir: dir, MinFree: 300 << 20})
	first := notice(t, 1, alice, noon, "x")
	put(t, s, first)
	var free atomic.Uint64
	free.Store(200 << 20)
	s.SetStatfs(func(string) (uint64, uint64, error) { return free.Load(), 1 << 40, nil })
	_, err := s.Put(notice(t, 2, alice, noon, "x"))
	if !errors.Is(err, store.ErrReadOnly) || !strings.Contains(err.Error(), "200 MB free") || !strings.Contains(err.Error(), "doctor --fix") {
		t.Errorf("Put: %v", err)
	}
	if err := s.Private("peers").Put([]byte("k"), nil); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("Bucket.Put: %v", err)
	}
	if !s.ReadOnly() {
		t.Error("ReadOnly: got false")
	}
	if _, err := s.Get(first.CID()); err != nil {
		t.Errorf("reading stopped: %v", err)
	}
	if n, err := s.ReleaseBallast(); n != 4<<20 || err != nil {
		t.Errorf("ReleaseBallast: %d, %v", n, err)
	}
	if n, err := s.ReleaseBallast(); n != 0 || err != nil {
		t.Errorf("ReleaseBallast again: %d, %v", n, err)
	}
	free.Store(400 << 20)
	put(t, s, notice(t, 2, alice, noon, "x"))
	if s.ReadOnly() {
		t.Error("ReadOnly with room: got true")
	}
}

// A store in memory is full when it is told so.
func TestSpaceIsTold(t *testing.T) {
	var free atomic.Uint64
	s := open(t, store.Config{
		InMemory: true, MinFree: 300 << 20,
		Space: func() (uint64, uint64, error) { return free.Load(), 1 << 40, nil },
	})
	if _, err := s.Put(notice(t, 1, alice, noon, "x")); !errors.Is(err, store.ErrReadOnly) || !s.ReadOnly() {
		t.Errorf("Put: got %v, want ErrReadOnly", err)
	}
	free.Store(400 << 20)
	put(t, s, notice(t, 1, alice, noon, "x"))
}

// A disk that is pulled out must not keep the node from ending, nor lose what
// was acknowledged.
func TestCloseEndsWithoutADisk(t *testing.T) {
	s, dir := onDisk(t)
	r := notice(t, 1, alice, noon, "x")
	put(t, s, r)
	away := filepath.Join(t.TempDir(), "away")
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err == nil || !strings.Contains(err.Error(), "the disk takes nothing") {
		t.Errorf("Close: %v", err)
	}
	if _, err := store.Open(store.Config{Dir: away, MinFree: 1 << 20}); !errors.Is(err, store.ErrLocked) {
		t.Errorf("Open while the last one is still trying: %v", err)
	}
	if err := os.Rename(away, dir); err != nil { // the disk is back
		t.Fatal(err)
	}
	for look := time.Tick(20 * time.Millisecond); ; <-look {
		var err error
		if s, err = store.Open(store.Config{Dir: dir, MinFree: 1 << 20}); err == nil {
			break
		}
		if !errors.Is(err, store.ErrLocked) {
			t.Fatal(err)
		}
	}
	defer s.Close()
	if s.CleanStart() {
		t.Error("CleanStart after a Close that failed")
	}
	if _, err := s.Get(r.CID()); err != nil {
		t.Error(err)
	}
}

// Values in the value log are lost by a power cut: none goes there, however long.
func TestNoValueLeavesTheTree(t *testing.T) {
	defer store.Uncompressed()()
	s, dir := onDisk(t)
	put(t, s, notice(t, 1, alice, noon, secret+strings.Repeat("é", (16<<10)/2-len(secret))))
	if err := s.Private("offers").Put([]byte("k"), append(make([]byte, store.MaxPrivate-200), secret...)); err != nil {
		t.Fatal(err)
	}
	where := func() (ext []string) {
		t.Helper()
		files, err := filepath.Glob(filepath.Join(dir, "badger", "*.*"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range files {
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if bytes.Contains(b, []byte(secret)) && !slices.Contains(ext, filepath.Ext(path)) {
				ext = append(ext, filepath.Ext(path))
			}
		}
		return ext
	}
	if got := where(); !slices.Equal(got, []string{".mem"}) {
		t.Errorf("after Put in files %v, want .mem", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if got := where(); !slices.Equal(got, []string{".sst"}) {
		t.Errorf("after Close in files %v, want .sst", got)
	}
}

func TestADamagedStoreSaysSo(t *testing.T) {
	fill := func(t *testing.T) string {
		dir := t.TempDir()
		s := open(t, store.Config{Dir: dir, MinFree: 1 << 20})
		for n := range 100 {
			put(t, s, record(t, n))
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	tables := func(t *testing.T, dir string) []string {
		names, err := filepath.Glob(filepath.Join(dir, "badger", "*.sst"))
		if err != nil || len(names) == 0 {
			t.Fatal("no tables", err)
		}
		return names
	}
	change := func(t *testing.T, path string, at func(size int) int) {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		b[at(len(b))] ^= 0x40
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	said := func(t *testing.T, err error) {
		t.Helper()
		if !errors.Is(err, store.ErrCorrupt) || !strings.Contains(err.Error(), "move ") {
			t.Errorf("got %v", err)
		}
	}
	t.Run("a block of a table", func(t *testing.T) {
		dir := fill(t)
		change(t, tables(t, dir)[0], func(int) int { return 200 })
		s, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
		if err == nil {
			err = s.Scrub()
			s.Close()
		}
		said(t, err)
	})
	t.Run("the index of a table", func(t *testing.T) {
		dir := fill(t)
		change(t, tables(t, dir)[0], func(size int) int { return size - 100 })
		_, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
		said(t, err)
	})
	t.Run("a table gone", func(t *testing.T) {
		dir := fill(t)
		os.Remove(tables(t, dir)[0])
		_, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
		said(t, err)
	})
	t.Run("another body", func(t *testing.T) {
		s, _ := onDisk(t)
		r := record(t, 1)
		put(t, s, r)
		s.Set([]byte("b\x00\x00\x00\x01"), []byte("{}"))
		_, err := s.Get(r.CID())
		said(t, err)
		_, err = s.Bytes(r.CID())
		said(t, err)
		_, err = s.Record(1)
		said(t, err)
	})
	t.Run("the body of another record", func(t *testing.T) {
		s, _ := onDisk(t)
		put(t, s, record(t, 1), record(t, 2))
		s.Set([]byte("b\x00\x00\x00\x01"), record(t, 2).Bytes())
		_, err := s.Record(1)
		said(t, err)
	})
	t.Run("a gap in the log after a crash", func(t *testing.T) {
		dir := fill(t)
		s := open(t, store.Config{Dir: dir, MinFree: 1 << 20})
		put(t, s, record(t, 200), record(t, 201), record(t, 202))
		s.LosePower(102)
		_, err := store.Open(store.Config{Dir: dir, MinFree: 1 << 20})
		said(t, err)
	})
}

func TestAfterALossOfPowerNoNumberIsGivenTwice(t *testing.T) {
	s, dir := onDisk(t)
	put(t, s, record(t, 1), record(t, 2))
	s.Sync()
	s.LosePower(0)
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if s.CleanStart() {
		t.Error("CleanStart after a loss of power")
	}
	cursor, err := s.Cursor("x")
	if err != nil {
		t.Fatal(err)
	}
	if page, err := cursor.Next(10); err != nil || len(page) != 2 {
		t.Errorf("%d arrivals, %v", len(page), err)
	}
	out := put(t, s, record(t, 3))
	if out[0].Seq < 8000 {
		t.Errorf("arrival %d may have been given before", out[0].Seq)
	}
	if page, err := cursor.Next(10); err != nil || len(page) != 3 || page[2].Seq != out[0].Seq {
		t.Errorf("%v, %v", page, err)
	}
	s.LosePower(0)
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20}) // a leap is no gap
	put(t, s, record(t, 4))
}

// A process killed between making a memtable's log and writing to it leaves an
// empty file, with which Badger would not open the store.
func TestAnEmptyLogIsNoDamage(t *testing.T) {
	s, dir := onDisk(t)
	r := record(t, 1)
	put(t, s, r)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	empty := filepath.Join(dir, "badger", "00042.mem")
	if err := os.WriteFile(empty, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s = open(t, store.Config{Dir: dir, MinFree: 1 << 20})
	if got, err := s.Get(r.CID()); err != nil || got.CID() != r.CID() {
		t.Errorf("got %v, want the record", err)
	}
}
