package store

import (
	"errors"
	"iter"
	"slices"
	"time"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Member is a record or a stub with all the territories whose sets it is in.
type Member struct {
	Digest
	ID    uint32   // local number
	Where []uint32 // Territory(n) is each of them; 1 to 3
}

// Members yields every record that is present and every stub, in order of
// digest: what Digests yields, of all territories in one pass. It costs about a
// microsecond each and reads no record.
func (s *Store) Members() iter.Seq2[Member, error] {
	return func(yield func(Member, error) bool) {
		var after []byte
		for {
			rows, err := s.page([]byte{keyCID}, after, false, pageSize)
			if err != nil {
				yield(Member{}, err)
				return
			}
			for _, x := range rows {
				c, err := decodeCID(x.value)
				if err != nil || len(x.key) != 33 {
					yield(Member{}, s.corrupt("row %x: %v", x.key, err))
					return
				}
				if c.presence != Present && c.presence != Stub {
					continue
				}
				created := time.Unix(int64(c.created), 0).UTC()
				m := Member{Digest{created, [32]byte(x.key[1:]), c.kind, c.presence == Stub}, c.id, c.where}
				if !yield(m, nil) {
					return
				}
			}
			if len(rows) < pageSize {
				return
			}
			after = rows[len(rows)-1].key
		}
	}
}

// InClass yields what is present of a class in a territory: its own record, if it
// is of the territory, and the awards of it, in no order. What was erased is in no
// index, so never among them. A record costs what reading its body does, or, of
// many, a microsecond for each record of the store.
func (s *Store) InClass(class cid.Cid, t territory.ID) iter.Seq2[Digest, error] {
	return func(yield func(Digest, error) bool) {
		own, ok, err := s.classIn(class, t)
		if err != nil {
			yield(Digest{}, err)
			return
		}
		if ok && !yield(own, nil) {
			return
		}
		awards := map[uint32]int64{} // when they were accepted, by local number
		for a, err := range s.Awards(class, t) {
			if err != nil {
				yield(Digest{}, err)
				return
			}
			awards[a.ID] = a.Created
		}
		const body = 20 // what a body costs, in names of records
		if len(awards)*body > int(s.Last()) {
			for m, err := range s.Members() {
				_, ok := awards[m.ID]
				if err != nil || ok && !m.Stub {
					if !yield(m.Digest, err) {
						return
					}
				}
			}
			return
		}
		for id, created := range awards {
			digest, err := s.Digest(id)
			if errors.Is(err, ErrErased) {
				continue // since
			}
			if !yield(Digest{time.Unix(created, 0).UTC(), digest, protocol.Award, false}, err) {
				return
			}
		}
	}
}

// CountInClass returns how many records InClass would yield, half a microsecond
// each.
func (s *Store) CountInClass(class cid.Cid, t territory.ID) (n int, err error) {
	_, ok, err := s.classIn(class, t)
	if err != nil {
		return 0, err
	}
	if ok {
		n = 1
	}
	for _, err := range s.Awards(class, t) {
		if err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}

// classIn returns the name of the record of a class, and whether it is present and
// of the territory.
func (s *Store) classIn(class cid.Cid, t territory.ID) (d Digest, ok bool, err error) {
	digest, err := protocol.DigestOf(class)
	if err != nil {
		return d, false, err
	}
	err = s.db.View(func(txn *badger.Txn) error {
		row, err := s.readCID(txn, digest)
		if err != nil || row.presence != Present || row.kind != protocol.Class {
			return err
		}
		where, err := lookup(txn, nameTerritory, []byte(t))
		d, ok = Digest{time.Unix(int64(row.created), 0).UTC(), digest, row.kind, false}, slices.Contains(row.where, where)
		return err
	})
	return d, ok, err
}
