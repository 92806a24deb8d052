package store

import (
	"github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/options"
)

// In tests no ballast is made but where one is tested.
func init() { ballastSize = 0 }

// SetBallast changes the size of the ballast of stores opened from now on.
func SetBallast(n int64) { ballastSize = n }

// Uncompressed makes stores opened from now on write plain tables, until the
// returned function is called.
func Uncompressed() func() {
	tuneForTest = func(o badger.Options) badger.Options { return o.WithCompression(options.None) }
	return func() { tuneForTest = func(o badger.Options) badger.Options { return o } }
}

// SetStatfs gives the store another disk.
func (s *Store) SetStatfs(f func(string) (free, total uint64, err error)) { s.statfs = f }

// CheckSpace is what Run does each ten seconds.
func (s *Store) CheckSpace() error { return s.checkSpace() }

// Flatten compacts everything.
func (s *Store) Flatten() error { return s.db.Flatten(1) }

// Set writes a row past everything.
func (s *Store) Set(key, value []byte) error {
	return s.db.Update(func(txn *badger.Txn) error { return txn.Set(key, value) })
}

// Rows returns every row of some families, but for numbers that follow from the
// order of arrival none is left out.
func (s *Store) Rows(families string) (rows [][2][]byte) {
	for _, f := range families {
		all, err := s.page([]byte{byte(f)}, nil, false, 0)
		if err != nil {
			panic(err)
		}
		for _, x := range all {
			rows = append(rows, [2][]byte{x.key, x.value})
		}
	}
	return rows
}
