package store

import (
	"errors"
	"os"
	"syscall"
)

// allocate gives f size bytes that are really taken from the disk.
func allocate(f *os.File, size int64) error {
	err := syscall.Fallocate(int(f.Fd()), 0, 0, size)
	if errors.Is(err, syscall.EOPNOTSUPP) {
		return fill(f, size)
	}
	return err
}
