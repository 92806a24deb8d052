package node_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"codeberg.org/essaim/essaim/node"
)

// A disk that fills up in the middle of a synchronisation: what came before stays,
// the node goes on serving others, nobody is blamed, and the rest comes when there
// is room.
func TestFullDiskWhileSynchronising(t *testing.T) {
	synchronising(t)
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	const gigabyte = 1 << 30
	filler := filepath.Join(config.Dir, "filler")
	fill := func() {
		f := must(os.Create(filler))(t)
		defer f.Close()
		if err := syscall.Fallocate(int(f.Fd()), 0, 0, gigabyte); err != nil {
			t.Skipf("no room for a test of room: %v", err)
		}
	}
	fill()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	var disk syscall.Statfs_t
	if err := syscall.Statfs(config.Dir, &disk); err != nil {
		t.Fatal(err)
	}
	config.MinFree = disk.Bavail*uint64(disk.Bsize) - gigabyte/2
	small, home := run(t, config, c, brest), start(t, brest)
	home.brings(notices()...)
	small.meets(home)
	eventually(t, "something came", func() bool { return must(small.Report())(t).Store.Total > 0 })
	fill()
	more := notice(t, 5000, bob, noon)
	home.brings(more.Bytes())
	eventually(t, "the disk is full", func() bool {
		small.brings1(notice(t, 5001, bob, noon).Bytes())
		return must(small.Report())(t).Store.ReadOnly
	})
	had := must(small.Report())(t).Store.Total
	// Others are served still.
	third := start(t, brest)
	third.meets(small)
	eventually(t, "another gets what it has", func() bool { return must(third.Report())(t).Store.Total >= had })
	third.stop()
	before := must(small.Report())(t)
	if before.Store.Total >= len(notices())+1 && small.has(more) {
		t.Error("the disk was never full")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	eventually(t, "all came", func() bool {
		small.brings1(notice(t, 5001, bob, noon).Bytes())
		return small.has(more)
	})
	eventually(t, "both are equal", func() bool {
		return territoryOf(small, brest).Root == territoryOf(home, brest).Root && must(small.Report())(t).Store.Total == len(notices())+2
	})
	holdsWhatItSays(t, small, brest)
	if f := small.Faults(home.PeerID()) + home.Faults(small.PeerID()); f != 0 {
		t.Errorf("faults: got %v, want none", f)
	}
}

// brings1 brings a record to a node that may have no room for it.
func (b *box) brings1(raw []byte) {
	_, _ = b.Accept(b.t.Context(), raw, node.Source{Via: node.Fetched, Peer: "nobody"})
}
