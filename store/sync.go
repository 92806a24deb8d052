package store

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dgraph-io/badger/v4"
)

const (
	syncEvery  = time.Second
	spaceEvery = 10 * time.Second
	wipeEvery  = 10 * time.Second
	scrubEvery = 24 * time.Hour
	// syncAfter bounds what is lost with the power when nobody calls Run, and
	// with it by how much recovery must leap to never give a number twice.
	syncAfter = 8 << 10
)

// Run syncs each second when something was written, watches the disk each ten,
// wipes what was erased, and reads the whole store against its checksums once a
// day, beginning an hour after the start. It returns nil when ctx ends, and
// ErrCorrupt when the store is damaged: the node must then stop.
func (s *Store) Run(ctx context.Context) error {
	ticker := time.NewTicker(syncEvery)
	defer ticker.Stop()
	var space, wiped time.Time
	scrubbed := time.Now().Add(time.Hour - scrubEvery)
	for {
		select {
		case <-ctx.Done():
			return nil
		case now := <-ticker.C:
			if s.dirty.Load() {
				if err := s.Sync(); err != nil {
					return err
				}
			}
			if now.Sub(space) >= spaceEvery {
				space = now
				if err := s.checkSpace(); err != nil && !errors.Is(err, ErrReadOnly) {
					return err
				}
			}
			if s.erasing.Load() && now.Sub(wiped) >= wipeEvery {
				if err := s.Wipe(); err != nil {
					return err
				}
				wiped = time.Now()
			}
			if now.Sub(scrubbed) >= scrubEvery {
				scrubbed = now
				if err := s.Scrub(); err != nil {
					return err
				}
			}
		}
	}
}

// Sync returns when everything Put before it was called survives a loss of
// power. It costs one or two fsyncs, some milliseconds on an SSD and some tens
// on an SD card.
func (s *Store) Sync() error {
	s.syncing.Lock()
	defer s.syncing.Unlock()
	s.writer.Lock()
	seq, seen := s.beginSync()
	s.writer.Unlock()
	err := s.syncFiles()
	s.writer.Lock()
	defer s.writer.Unlock()
	return s.endSync(seq, seen, err)
}

// syncLocked is Sync for who holds the writer. Readers do not wait for it.
func (s *Store) syncLocked() error {
	seq, seen := s.beginSync()
	return s.endSync(seq, seen, s.syncFiles())
}

// beginSync notes what is about to be made durable: the last arrival, and the
// cursors that stand at or before it.
func (s *Store) beginSync() (seq uint32, seen map[string]uint32) {
	s.dirty.Store(false)
	s.unsynced = 0
	s.cursors.Lock()
	defer s.cursors.Unlock()
	seen, s.seen = s.seen, map[string]uint32{}
	return s.counts.seq, seen
}

// endSync writes down what is durable now. That these rows are not themselves
// synced only means that they may be older than the truth, never newer: so no
// cursor ever stands after a record that a loss of power took back.
func (s *Store) endSync(seq uint32, seen map[string]uint32, err error) error {
	if err != nil {
		s.dirty.Store(true)
		s.cursors.Lock()
		defer s.cursors.Unlock()
		maps.Copy(seen, s.seen)
		s.seen = seen
		return fmt.Errorf("%s: sync: %w", s.where(), err)
	}
	if seq == s.durable.Load() && len(seen) == 0 {
		return nil
	}
	err = s.db.Update(func(txn *badger.Txn) error {
		for name, n := range seen {
			if err := txn.Set(cursorKey(name), u32(n)); err != nil {
				return err
			}
		}
		return txn.Set(metaKey("durable"), u32(seq))
	})
	if err != nil {
		return err
	}
	s.durable.Store(seq)
	return nil
}

// syncFiles makes durable what was written to Badger. DB.Sync alone does not:
// it syncs the log of the memtable being written, and not those of the full
// ones still being flushed to tables, oldest first here, so that what survives
// a loss of power has no holes.
func (s *Store) syncFiles() error {
	if s.cfg.InMemory {
		return nil
	}
	dir := filepath.Join(s.cfg.Dir, "badger")
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", dir, err)
	}
	var logs []string
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".mem") {
			logs = append(logs, e.Name())
		}
	}
	slices.SortFunc(logs, func(a, b string) int { // numbers of five digits or more: in the order they were made
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	})
	for _, name := range append(logs, ".") {
		err := syncFile(filepath.Join(dir, name))
		if err != nil && !errors.Is(err, fs.ErrNotExist) { // flushed meanwhile, and synced there
			return err
		}
	}
	return s.db.Sync()
}

func syncFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
