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

// Small makes stores opened from now on plain too, with memtables so small that
// they are always being flushed.
func Small() {
	tuneForTest = func(o badger.Options) badger.Options {
		return o.WithCompression(options.None).WithMemTableSize(1 << 20)
	}
}

// CheckBuild is what Open asks first, with the size of an int.
var CheckBuild = checkBuild

// SetStatfs gives the store another disk.
func (s *Store) SetStatfs(f func(string) (free, total uint64, err error)) { s.statfs = f }

// Keys returns every key there is.
func (s *Store) Keys() (keys [][]byte) {
	rows, err := s.page(nil, nil, false, 0)
	if err != nil {
		panic(err)
	}
	for _, x := range rows {
		keys = append(keys, x.key)
	}
	return keys
}

// Set writes a row past everything.
func (s *Store) Set(key, value []byte) error {
	return s.db.Update(func(txn *badger.Txn) error { return txn.Set(key, value) })
}

// Delete removes a row past everything.
func (s *Store) Delete(key []byte) error {
	return s.db.Update(func(txn *badger.Txn) error { return txn.Delete(key) })
}

// LosePower ends the store as a loss of power would, with the arrival gone, 0
// for none. It must not be used any more.
func (s *Store) LosePower(gone uint32) {
	err := s.db.Update(func(txn *badger.Txn) error {
		if gone != 0 {
			if err := txn.Delete(key1(keyLog, gone)); err != nil {
				return err
			}
		}
		return txn.Set(metaKey("boot"), []byte("another"))
	})
	if err != nil {
		panic(err)
	}
	s.closed = true
	if err := s.db.Close(); err != nil {
		panic(err)
	}
	s.lock.release()
}
