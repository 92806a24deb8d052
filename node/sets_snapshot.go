package node

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// A snapshot saves reading the whole store at a start. It is written at a clean
// stop and read at the start after it, if the store was closed cleanly: after a
// crash the store is read whole anyway, so none is written in between, which
// would wear an SD card for nothing. Hollow keys are not in it.
//
// The store says by name which snapshot is of it, so that none is believed after
// one of the two was restored from a backup.

// bucketSets: "snapshot" → name of the folder of the snapshot below sets/.
const bucketSets = "sets"

func (n *Node) setsDir() string { return filepath.Join(n.config.Dir, "sets") }

// setFile is the name of the file of a set; no territory has a "+" in it.
func setFile(kind string, id territory.ID) string {
	return strings.ReplaceAll(kind, "/", "+") + strings.ReplaceAll(string(id), ":", "+")
}

// saveSets writes the snapshot of all sets. Nothing may be admitted meanwhile,
// nor later: it takes the hollow keys out.
func (n *Node) saveSets() error {
	views := n.sets.bare()
	if views == nil || n.config.InMemory || n.store.ReadOnly() {
		return nil
	}
	var stamp [8]byte
	if _, err := rand.Read(stamp[:]); err != nil {
		return err
	}
	name := hex.EncodeToString(stamp[:])
	if err := os.RemoveAll(n.setsDir()); err != nil {
		return err
	}
	dir := filepath.Join(n.setsDir(), name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	arrival := uint64(n.store.Last())
	for file, v := range views {
		if err := writeSet(filepath.Join(dir, file), v, arrival); err != nil {
			return err
		}
	}
	return n.keptSets.Put([]byte("snapshot"), []byte(name))
}

// bare takes the hollow keys out and returns all sets, by the name of their file;
// nil if none were kept.
func (s *sets) bare() map[string]reconcile.View {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		return nil
	}
	views := map[string]reconcile.View{}
	for id, h := range s.of {
		if h.control == nil || h.partial {
			continue
		}
		for _, k := range h.hollow {
			s.fill(h, k)
		}
		views[setFile(controlName, id)], views[setFile(badgesName, id)] = h.control.View(), h.badges.View()
	}
	return views
}

func writeSet(path string, v reconcile.View, arrival uint64) error {
	f, err := renameio.NewPendingFile(path, renameio.WithPermissions(0o600))
	if err != nil {
		return err
	}
	defer f.Cleanup() //nolint:errcheck // after CloseAtomicallyReplace there is nothing to clean
	w := bufio.NewWriterSize(f, 64<<10)
	if err := reconcile.WriteSnapshot(w, v, arrival); err != nil {
		return err
	}
	if err := w.Flush(); err != nil {
		return err
	}
	return f.CloseAtomicallyReplace()
}

// recallSets publishes the sets of territories that the last snapshot has and
// adds what arrived after it. It returns those that must be read from the store.
func (n *Node) recallSets(ids []territory.ID) (scan []territory.ID) {
	if !n.store.CleanStart() || n.config.InMemory {
		return ids
	}
	name, err := n.keptSets.Get([]byte("snapshot"))
	if err != nil || len(name) != 16 || strings.Trim(string(name), "0123456789abcdef") != "" {
		return ids
	}
	dir := filepath.Join(n.setsDir(), string(name))
	found := map[territory.ID][2]*reconcile.Set{}
	last := n.store.Last()
	since := last
	for _, id := range ids {
		control, at, err := readSet(filepath.Join(dir, setFile(controlName, id)), last)
		if err == nil {
			var badges *reconcile.Set
			if badges, _, err = readSet(filepath.Join(dir, setFile(badgesName, id)), last); err == nil {
				found[id], since = [2]*reconcile.Set{control, badges}, min(since, at)
				continue
			}
		}
		if !errors.Is(err, fs.ErrNotExist) {
			n.log.Warn("a snapshot is not used; the store is read instead", "err", err)
		}
		scan = append(scan, id)
	}
	// The log is read record by record, a hundred times slower than names are.
	if int64(last-since)*100 > int64(last) || n.replay(since, found) != nil {
		return ids
	}
	for id, s := range found {
		n.sets.publish(id, s[0], s[1])
	}
	return scan
}

func readSet(path string, last uint32) (*reconcile.Set, uint32, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	set, arrival, err := reconcile.ReadSnapshot(bufio.NewReaderSize(f, 64<<10), int(last))
	if err == nil && arrival > uint64(last) {
		err = fmt.Errorf("%s is of arrival %d, the last of the store is %d", path, arrival, last)
	}
	return set, uint32(arrival), err
}

// replay adds the arrivals after since. It fails at a stub, of which only a scan
// knows the territories.
func (n *Node) replay(since uint32, found map[territory.ID][2]*reconcile.Set) error {
	for e, err := range n.store.Each(since + 1) {
		if err == nil && e.State == protocol.Erased {
			err = store.ErrErased
		}
		if err != nil {
			return err
		}
		r, err := e.Record()
		if err != nil {
			return err
		}
		k := reconcile.NewKey(r.Created(), r.Digest())
		for _, id := range r.Territories() {
			if s, ok := found[id]; ok && isControl(r.Kind()) {
				s[0].Insert(k)
			} else if ok {
				s[1].Insert(k)
			}
		}
	}
	return nil
}
