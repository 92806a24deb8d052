package node_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/store"
)

// On a full disk nothing is saved and everybody is told; what gossip brings is
// neither kept nor passed on nor forgotten: it comes when there is room.
func TestFullDisk(t *testing.T) {
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	const gigabyte = 1 << 30
	filler := filepath.Join(config.Dir, "filler")
	f := must(os.Create(filler))(t)
	if err := syscall.Fallocate(int(f.Fd()), 0, 0, gigabyte); err != nil {
		t.Skipf("no room for a test of room: %v", err)
	}
	f.Close()
	var disk syscall.Statfs_t
	if err := syscall.Statfs(config.Dir, &disk); err != nil {
		t.Fatal(err)
	}
	run(t, config, c, brest).stop()
	config.MinFree = disk.Bavail*uint64(disk.Bsize) + gigabyte/2
	b, near, after := run(t, config, c), start(t, brest), start(t, brest)
	_, err := b.Accept(context.Background(), notice(t, 1, alice, noon).Bytes(), node.Source{Via: node.Uploaded})
	wants(t, "upload on a full disk", err, store.ErrReadOnly)
	if err == nil || !strings.Contains(err.Error(), "free some space") {
		t.Errorf("upload on a full disk: got %q, want what to do", err)
	}
	if !must(b.Report())(t).Store.ReadOnly {
		t.Error("the report does not say that the disk is full")
	}
	// The nearest peers are not the node's own: it cannot even write those down.
	if _, err := b.AddPeer(near.Addrs()[0]); !errors.Is(err, store.ErrReadOnly) {
		t.Errorf("AddPeer on a full disk: got %v, want %v", err, store.ErrReadOnly)
	}
	if err := b.Follow(brest); err != nil { // followed already
		t.Errorf("follow again: got %v, want nil", err)
	}
	join := func(x *box) {
		t.Helper()
		if _, err := x.AddPeer(b.Addrs()[0]); err != nil {
			t.Fatal(err)
		}
		x.hears(b)
		b.hears(x)
	}
	if must(b.Report())(t).Gossip.Mesh != 0 {
		t.Error("a mesh before anybody came")
	}
	join(near)
	join(after)
	said := notice(t, 2, alice, noon)
	near.upload(said)
	eventually(t, "heard and ignored", func() bool { return must(b.Report())(t).Gossip.Ignored > 0 })
	if b.has(said) || after.has(said) {
		t.Error("what cannot be kept was kept or passed on")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	b.upload(notice(t, 3, alice, noon))
	b.gets(said)
}
