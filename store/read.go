package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Get returns the record called c. It fails with ErrNotFound, ErrErased or
// ErrCorrupt. It reads two rows and decodes: 100 to 200 µs.
func (s *Store) Get(c cid.Cid) (protocol.Record, error) {
	raw, digest, err := s.bytes(c)
	if err != nil {
		return protocol.Record{}, err
	}
	r, err := protocol.Reread(raw, digest)
	if err != nil {
		return r, s.corrupt("%v", err)
	}
	return r, nil
}

// Bytes returns the bytes of the record called c, as they were signed, or the
// errors of Get. They were hashed again and are right.
func (s *Store) Bytes(c cid.Cid) ([]byte, error) {
	raw, digest, err := s.bytes(c)
	if err != nil {
		return nil, err
	}
	if sha256.Sum256(raw) != digest {
		return nil, s.corrupt("record %s: the stored bytes are damaged", c)
	}
	return raw, nil
}

// bytes returns the stored bytes and the digest they should have.
func (s *Store) bytes(c cid.Cid) (raw []byte, digest [32]byte, err error) {
	if digest, err = protocol.DigestOf(c); err != nil {
		return nil, digest, fmt.Errorf("record %s: %w: %w", c, ErrNotFound, err)
	}
	err = s.db.View(func(txn *badger.Txn) error {
		row, err := s.readCID(txn, digest)
		if err != nil {
			return err
		}
		if err := row.missing(c); err != nil {
			return err
		}
		raw, err = get(txn, key1(keyBody, row.id))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return s.corrupt("record %s: its bytes are missing", c)
		}
		return err
	})
	return raw, digest, err
}

// missing returns why there is no record to read, or nil.
func (r cidRow) missing(c cid.Cid) error {
	switch r.presence {
	case Present:
		return nil
	case Stub:
		return fmt.Errorf("record %s: %w", c, ErrErased)
	}
	return fmt.Errorf("record %s: %w", c, ErrNotFound)
}

// readCID returns what is known of digest; Absent when nothing is.
func (s *Store) readCID(txn *badger.Txn, digest [32]byte) (row cidRow, err error) {
	item, err := txn.Get(cidKey(digest))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return row, nil
	}
	if err != nil {
		return row, err
	}
	err = item.Value(func(v []byte) (err error) {
		if row, err = decodeCID(v); err != nil {
			return s.corrupt("record %s: %v", protocol.CID(digest), err)
		}
		return nil
	})
	return row, err
}

// Has returns what the store has of a record, without reading it: some ten
// microseconds for one it does not know, a hundred for another. A store that is
// closed has nothing.
func (s *Store) Has(digest [32]byte) Presence {
	row, _ := s.row(digest)
	return row.presence
}

func (s *Store) row(digest [32]byte) (row cidRow, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		row, err = s.readCID(txn, digest)
		return err
	})
	return row, err
}

// State returns the state of the record called c under every status here:
// protocol.Erased for an erased one. It fails with ErrNotFound for one that is
// not here, even when statuses about it are.
func (s *Store) State(c cid.Cid) (protocol.State, error) {
	digest, err := protocol.DigestOf(c)
	if err != nil {
		return 0, fmt.Errorf("record %s: %w: %w", c, ErrNotFound, err)
	}
	row, err := s.row(digest)
	if err != nil || row.presence == Stub {
		return protocol.Erased, err
	}
	return row.state, row.missing(c)
}

// Statuses returns every status about the record called c, entitled or not,
// oldest first, whether the record is here, erased or not here.
func (s *Store) Statuses(c cid.Cid) ([]protocol.Record, error) {
	var statuses []protocol.Record
	for e, err := range s.Find(Query{Target: protocol.Target{CID: c}, Kinds: []protocol.Kind{protocol.Status}}) {
		if err != nil {
			return nil, err
		}
		r, err := e.Record()
		if err != nil {
			return nil, err
		}
		statuses = append(statuses, r)
	}
	return statuses, nil
}

// Record returns the record with a local number, or the errors of Get.
func (s *Store) Record(id uint32) (r protocol.Record, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		r, _, err = s.readRecord(txn, id)
		return err
	})
	return r, err
}

// readRecord returns the record with a local number and what is known of it.
// The number is trusted only if the name of the bytes leads back to it.
func (s *Store) readRecord(txn *badger.Txn, id uint32) (protocol.Record, cidRow, error) {
	raw, err := get(txn, key1(keyBody, id))
	if errors.Is(err, badger.ErrKeyNotFound) {
		if _, err := txn.Get(key1(keyBare, id)); err == nil {
			return protocol.Record{}, cidRow{}, fmt.Errorf("record number %d: %w", id, ErrErased)
		}
		return protocol.Record{}, cidRow{}, fmt.Errorf("record number %d: %w", id, ErrNotFound)
	}
	if err != nil {
		return protocol.Record{}, cidRow{}, err
	}
	digest := sha256.Sum256(raw)
	row, err := s.readCID(txn, digest)
	if err != nil {
		return protocol.Record{}, row, err
	}
	if row.id != id || row.presence == Absent || row.presence == Wanted {
		return protocol.Record{}, row, s.corrupt("the bytes of record number %d are of another, %s", id, protocol.CID(digest))
	}
	if err := row.missing(protocol.CID(digest)); err != nil {
		return protocol.Record{}, row, err // erased, not wiped yet
	}
	r, err := protocol.Reread(raw, digest)
	if err != nil {
		return r, row, s.corrupt("%v", err)
	}
	return r, row, nil
}

// DID returns the identity with a local number, or ErrNotFound.
func (s *Store) DID(n uint32) (did.DID, error) {
	b, err := s.named(nameDID, n)
	if err != nil {
		return "", fmt.Errorf("identity number %d: %w", n, err)
	}
	if len(b) != 32 {
		return "", s.corrupt("identity number %d is %x", n, b)
	}
	return did.FromPublicKey(b), nil
}

// Territory returns the territory with a local number, or ErrNotFound.
func (s *Store) Territory(n uint32) (territory.ID, error) {
	b, err := s.named(nameTerritory, n)
	if err != nil {
		return "", fmt.Errorf("territory number %d: %w", n, err)
	}
	return territory.ID(b), nil
}

func (s *Store) named(space byte, n uint32) (b []byte, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		b, err = get(txn, namedKey(space, n))
		if errors.Is(err, badger.ErrKeyNotFound) {
			return ErrNotFound
		}
		return err
	})
	return b, err
}

// Number returns the local number of an identity, 0 if no record speaks of it.
func (s *Store) Number(d did.DID) (n uint32, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		n, err = lookup(txn, nameDID, didBytes(string(d)))
		return err
	})
	return n, err
}

// didBytes returns the key of a DID, or nil if it is none.
func didBytes(s string) []byte {
	d, err := did.Parse(s)
	if err != nil {
		return nil
	}
	return d.PublicKey()
}

// lookup returns the number of a name, 0 if it has none.
func lookup(txn *badger.Txn, space byte, name []byte) (uint32, error) {
	v, err := get(txn, internKey(space, name))
	if errors.Is(err, badger.ErrKeyNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	if len(v) != 4 {
		return 0, errShort
	}
	return be32(v), nil
}

// pageSize is how many rows are read in one transaction: a fraction of a
// millisecond, for 30 µs of opening an iterator.
const pageSize = 512

// page returns up to n rows under prefix after a key, in order or, with
// newest, against it; 0 means all, for prefixes that hold little.
func (s *Store) page(prefix, after []byte, newest bool, n int) (rows []row, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		rows, err = readPage(txn, prefix, after, newest, n)
		return err
	})
	return rows, err
}

func readPage(txn *badger.Txn, prefix, after []byte, newest bool, n int) ([]row, error) {
	it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix, Reverse: newest})
	defer it.Close()
	first := after
	if first == nil {
		first = prefix
		if newest { // the last key under it
			first = append(append(make([]byte, 0, len(prefix)+40), prefix...), bytes.Repeat([]byte{0xff}, 40)...)
		}
	}
	var rows []row
	for it.Seek(first); it.ValidForPrefix(prefix) && (n == 0 || len(rows) < n); it.Next() {
		item := it.Item()
		if bytes.Equal(item.Key(), after) {
			continue
		}
		value, err := item.ValueCopy(nil)
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{item.KeyCopy(nil), value})
	}
	return rows, nil
}

func be32(b []byte) uint32 { return binary.BigEndian.Uint32(b) }

// seqOf returns the arrival in a key of the log.
func seqOf(key []byte) uint32 {
	if len(key) != 5 {
		return 0
	}
	return be32(key[1:])
}

// unix returns t in Unix seconds, 0 for the zero time.
func unix(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
