package store

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Badger maps its files into memory, and on a full disk dies by SIGBUS, which
// no Go program survives, and dies again at every start. So the store stops
// writing while there is still room for the compactions under way.
const (
	leastMinFree = 256 << 20
	mostMinFree  = 2 << 30
	// leastToOpen is what opening needs: two memtables' logs and what they
	// are flushed to.
	leastToOpen = 48 << 20
)

// ballastSize is what "doctor --fix" can free at once on a full disk, so that a
// store can be opened again and made smaller.
var ballastSize int64 = 64 << 20

// roomToOpen refuses to open Badger on a disk that is all but full.
func (s *Store) roomToOpen() error {
	free, total, err := s.statfs(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", s.cfg.Dir, err)
	}
	s.minFree = s.cfg.MinFree
	if s.minFree == 0 {
		s.minFree = min(max(leastMinFree, total/20), mostMinFree)
	}
	if need := min(leastToOpen, s.minFree); free < need {
		return fmt.Errorf("%w: %s free on the disk of %s, and opening needs %s: free some space, or run \"essaim doctor --fix\", which gives back %s kept for this",
			ErrReadOnly, size(free), s.cfg.Dir, size(need), size(uint64(ballastSize)))
	}
	return nil
}

// checkSpace returns ErrReadOnly, wrapped, when the disk is nearly full, and
// nil again when there is room. It costs one system call.
func (s *Store) checkSpace() error {
	if s.cfg.InMemory && s.cfg.Space == nil {
		return nil
	}
	free, _, err := s.statfs(s.cfg.Dir)
	if err != nil {
		return fmt.Errorf("folder %s: %w", s.cfg.Dir, err)
	}
	s.full.Store(free < s.minFree)
	if free < s.minFree {
		return fmt.Errorf("%w: %s free on the disk of %s, and writing stops below %s: free some space (\"essaim doctor --fix\" gives back %s at once), it goes on by itself",
			ErrReadOnly, size(free), s.cfg.Dir, size(s.minFree), size(uint64(ballastSize)))
	}
	return nil
}

// ReadOnly reports whether the store last found the disk nearly full. Put and
// Bucket.Put fail with ErrReadOnly until there is room; reading goes on.
func (s *Store) ReadOnly() bool { return s.full.Load() }

func (s *Store) ballast() string { return filepath.Join(s.cfg.Dir, "ballast") }

// makeBallast reserves the ballast when there is ample room. Without it the
// store works, so it fails without a word.
func (s *Store) makeBallast() {
	free, _, err := s.statfs(s.cfg.Dir)
	if err != nil || ballastSize == 0 || free < s.minFree+2*uint64(ballastSize) {
		return
	}
	f, err := os.OpenFile(s.ballast(), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return // it is there
	}
	if err := errors.Join(allocate(f, ballastSize), f.Close()); err != nil {
		os.Remove(s.ballast())
	}
}

// ReleaseBallast gives the ballast back to the disk and returns how many bytes
// that was, 0 without one. The next Open on a disk with room makes it again.
func (s *Store) ReleaseBallast() (int64, error) {
	if s.cfg.InMemory {
		return 0, nil
	}
	return ReleaseBallast(s.cfg.Dir)
}

// ReleaseBallast gives back the ballast of the store in dir, which need not be
// open: a full disk may keep it from opening.
func ReleaseBallast(dir string) (int64, error) {
	path := filepath.Join(dir, "ballast")
	info, err := os.Stat(path)
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return info.Size(), os.Remove(path)
}

// size writes n bytes for people.
func size(n uint64) string {
	if n >= 10<<30 {
		return fmt.Sprintf("%d GB", n>>30)
	}
	return fmt.Sprintf("%d MB", n>>20)
}

// fill writes size zero bytes to f.
func fill(f *os.File, size int64) error {
	zero := make([]byte, 1<<20)
	for size > 0 {
		n, err := f.Write(zero[:min(size, int64(len(zero)))])
		if err != nil {
			return err
		}
		size -= int64(n)
	}
	return f.Sync()
}
