package store

import (
	"errors"
	"io/fs"
	"iter"
	"path/filepath"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Stats is how much there is.
type Stats struct {
	Records     map[protocol.Kind]int // present, by kind
	Total       int                   // sum of Records
	Erased      int                   // stubs
	Missing     int                   // named by records here, and not here
	Identities  int                   // DIDs records speak of
	Territories int                   // territories records belong to
	Last        uint32                // last arrival
	Bytes       int64                 // on disk, ballast not counted; 0 in memory
	ReadOnly    bool
}

// Stats costs a walk over the files, some hundred for a million records.
func (s *Store) Stats() (Stats, error) {
	s.writer.Lock()
	t := s.counts
	s.writer.Unlock()
	st := Stats{
		Records: map[protocol.Kind]int{}, Erased: int(t.erased), Missing: int(t.wanted),
		Identities: int(t.dids), Territories: int(t.territories), Last: t.seq, ReadOnly: s.ReadOnly(),
	}
	for _, k := range protocol.Kinds {
		st.Records[k] = int(t.kinds[k])
		st.Total += st.Records[k]
	}
	if s.cfg.InMemory {
		return st, nil
	}
	err := filepath.WalkDir(filepath.Join(s.cfg.Dir, "badger"), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			var info fs.FileInfo
			if info, err = d.Info(); err == nil {
				st.Bytes += allocated(info)
			}
		}
		if errors.Is(err, fs.ErrNotExist) { // compacted away meanwhile
			return nil
		}
		return err
	})
	return st, err
}

// Territories returns every territory a record belongs or belonged to, in the
// order they were first met.
func (s *Store) Territories() ([]territory.ID, error) {
	rows, err := s.page([]byte{keyNamed, nameTerritory}, nil, false, 0)
	ids := make([]territory.ID, len(rows))
	for i, x := range rows {
		ids[i] = territory.ID(x.value)
	}
	return ids, err
}

// Missing is a record that others name and that is not here.
type Missing struct {
	CID cid.Cid
	// Waiting is how many records name it, as class, target or origin: all
	// when they are less than a hundred.
	Waiting int
	// Told says that all these are statuses: what they are about may have been
	// meant for somebody else.
	Told bool
}

// Missing returns up to limit missing records, in the order they were first
// named.
func (s *Store) Missing(limit int) ([]Missing, error) {
	if limit <= 0 {
		return nil, nil
	}
	const enough = 100
	rows, err := s.page([]byte{keyWant}, nil, false, limit)
	if err != nil {
		return nil, err
	}
	out := make([]Missing, 0, len(rows))
	err = s.db.View(func(txn *badger.Txn) error {
		for _, x := range rows {
			if len(x.key) != 5 || len(x.value) != 32 {
				return s.corrupt("row %x", x.key)
			}
			id := be32(x.key[1:])
			about, err := readPage(txn, subjectPrefix(subject{targetRecord, id}), nil, false, enough)
			if err != nil {
				return err
			}
			awards, err := readPage(txn, classPrefix(id, 0), nil, false, enough)
			if err != nil {
				return err
			}
			told := len(about) > 0 && len(awards) == 0 && !slices.ContainsFunc(about, func(x row) bool { return protocol.Kind(x.key[6]) != protocol.Status })
			out = append(out, Missing{protocol.CID([32]byte(x.value)), len(about) + len(awards), told})
		}
		return nil
	})
	return out, err
}

// Digest is one member of the set of a territory: a record that is present, or
// a stub, which stays in the set so that nodes with and without the erasure do
// not sync for ever.
type Digest struct {
	Created time.Time
	Digest  [32]byte
	Kind    protocol.Kind
	Stub    bool
}

// Digests yields the set of a territory, in order of digest. It reads the names
// of all records of the store, about a microsecond each, and no record.
func (s *Store) Digests(t territory.ID) iter.Seq2[Digest, error] {
	return func(yield func(Digest, error) bool) {
		var where uint32
		err := s.db.View(func(txn *badger.Txn) (err error) {
			where, err = lookup(txn, nameTerritory, []byte(t))
			return err
		})
		var after []byte
		for err == nil && where != 0 {
			var rows []row
			if rows, err = s.page([]byte{keyCID}, after, false, pageSize); err != nil {
				break
			}
			for _, x := range rows {
				c, err := decodeCID(x.value)
				if err != nil || len(x.key) != 33 {
					yield(Digest{}, s.corrupt("row %x: %v", x.key, err))
					return
				}
				if !contains(c.where, where) {
					continue
				}
				d := Digest{time.Unix(int64(c.created), 0).UTC(), [32]byte(x.key[1:]), c.kind, c.presence == Stub}
				if !yield(d, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
			after = rows[len(rows)-1].key
		}
		if err != nil {
			yield(Digest{}, err)
		}
	}
}

func contains(where []uint32, n uint32) bool {
	for _, w := range where {
		if w == n {
			return true
		}
	}
	return false
}
