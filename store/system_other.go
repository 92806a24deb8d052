//go:build !unix

package store

import (
	"errors"
	"math"
	"os"
)

var errFlocked = errors.New("locked")

// flock does nothing here: Badger's own lock keeps a second process out, with
// a plainer message.
func flock(*os.File) error { return nil }

// diskSpace knows no disk here: there is always room.
func diskSpace(string) (free, total uint64, err error) { return math.MaxInt64, math.MaxInt64, nil }

// allocated returns how many bytes of the disk a file takes, about.
func allocated(info os.FileInfo) int64 { return info.Size() }
