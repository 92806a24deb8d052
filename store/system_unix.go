//go:build unix

package store

import (
	"errors"
	"os"
	"syscall"
)

var errFlocked = errors.New("locked")

func flock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errFlocked
	}
	return err
}

// diskSpace returns what an unprivileged process may still write under dir and
// the size of the disk, in bytes.
func diskSpace(dir string) (free, total uint64, err error) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, 0, &os.PathError{Op: "statfs", Path: dir, Err: err}
	}
	size := uint64(st.Bsize)
	return uint64(st.Bavail) * size, st.Blocks * size, nil
}

// allocated returns how many bytes of the disk a file takes. Badger makes its
// logs longer than what is in them.
func allocated(info os.FileInfo) int64 {
	if st, ok := info.Sys().(*syscall.Stat_t); ok {
		return st.Blocks * 512
	}
	return info.Size()
}
