package store

import (
	"iter"
	"time"
)

// Member is a record or a stub with all the territories whose sets it is in.
type Member struct {
	Digest
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
				m := Member{Digest{created, [32]byte(x.key[1:]), c.kind, c.presence == Stub}, c.where}
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
