package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"math"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// AwardRow is what "who holds this?" needs of one award, read from an index
// without touching the award.
type AwardRow struct {
	ID      uint32 // Record(ID) is the award
	Created int64  // when the holder accepted, Unix seconds
	From    int64  // validFrom, Unix seconds
	Until   int64  // validUntil, Unix seconds, 0 for never
	State   protocol.State
	// Endorsements is how many identities endorse this award and have not
	// withdrawn: those whose endorsement had not ended by its own word when
	// the row was last written. At most 65535.
	Endorsements uint16
	// Level is 1 to 5, or 0 for a class without levels.
	Level uint8
	// Matches says that the class is here and the award shows it as it is
	// (protocol.Matches). An award that does not is never counted.
	Matches bool
	Issuer  uint32 // DID(Issuer)
	Holder  uint32 // DID(Holder)
}

// Awards yields the awards of class, oldest first, of territory t, or of all
// with an empty t: live ones and others. It costs about a microsecond each.
func (s *Store) Awards(class cid.Cid, t territory.ID) iter.Seq2[AwardRow, error] {
	return func(yield func(AwardRow, error) bool) {
		prefix, err := s.awardsPrefix(class, t)
		if prefix == nil || err != nil {
			if err != nil {
				yield(AwardRow{}, err)
			}
			return
		}
		page := make([]AwardRow, 0, pageSize)
		var after []byte
		for {
			page = page[:0]
			after, err = s.awardPage(&page, prefix, after)
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
			}
			if err != nil {
				yield(AwardRow{}, err)
				return
			}
			if len(page) < pageSize {
				return
			}
		}
	}
}

func (s *Store) awardsPrefix(class cid.Cid, t territory.ID) ([]byte, error) {
	digest, err := protocol.DigestOf(class)
	if err != nil {
		return nil, err
	}
	var prefix []byte
	err = s.db.View(func(txn *badger.Txn) error {
		row, err := s.readCID(txn, digest)
		if err != nil || row.presence == Absent {
			return err
		}
		where := uint32(0)
		if t != "" {
			if where, err = lookup(txn, nameTerritory, []byte(t)); err != nil || where == 0 {
				return err
			}
		}
		prefix = classPrefix(row.id, where)
		return nil
	})
	return prefix, err
}

// awardPage appends up to pageSize rows after a key and returns the last key.
func (s *Store) awardPage(page *[]AwardRow, prefix, after []byte) (last []byte, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: prefix})
		defer it.Close()
		first := prefix
		if after != nil {
			first = after
		}
		for it.Seek(first); it.ValidForPrefix(prefix) && len(*page) < cap(*page); it.Next() {
			item := it.Item()
			key := item.Key()
			if bytes.Equal(key, after) {
				continue
			}
			err := item.Value(func(value []byte) error {
				a, err := decodeAward(key, value)
				if err != nil {
					return s.corrupt("row %x: %v", key, err)
				}
				*page = append(*page, a)
				return nil
			})
			if err != nil {
				return err
			}
			if len(*page) == cap(*page) {
				last = item.KeyCopy(nil)
			}
		}
		return nil
	})
	return last, err
}

// ClassEndorsements returns how many identities endorse class and have not
// withdrawn, and whose endorsement has not ended by its own word.
func (s *Store) ClassEndorsements(class cid.Cid) (int, error) {
	digest, err := protocol.DigestOf(class)
	if err != nil {
		return 0, err
	}
	n := 0
	err = s.db.View(func(txn *badger.Txn) error {
		row, err := s.readCID(txn, digest)
		if err != nil || row.presence == Absent {
			return err
		}
		rows, err := readPage(txn, targetPrefix(subject{targetRecord, row.id}, protocol.Endorsement), nil, false, 0)
		if err != nil {
			return err
		}
		n, err = s.endorsers(rows)
		return err
	})
	return n, err
}

// endorsers counts the distinct authors of endorsements that stand.
func (s *Store) endorsers(rows []row) (int, error) {
	now := s.cfg.Now().Unix()
	who := make(map[uint32]struct{}, len(rows))
	for _, x := range rows {
		t, err := decodeTarget(x.value)
		if err != nil {
			return 0, s.corrupt("row %x: %v", x.key, err)
		}
		if t.state == protocol.Live && (t.until == 0 || now < t.until) {
			who[t.who] = struct{}{}
		}
	}
	return len(who), nil
}

// award returns the index row of a new award. named says that it was named
// before it came, so that endorsements may be waiting.
func (w *batch) award(r protocol.Record, row cidRow, f refs, named bool) (AwardRow, error) {
	d, ok := r.Document().(*badge.AchievementCredential)
	if !ok {
		return AwardRow{}, nil
	}
	a := AwardRow{
		ID: row.id, Created: int64(row.created), Until: unix(r.Until()),
		State: row.state, Level: uint8(d.Level()), Issuer: f.author, Holder: f.holder,
	}
	if from, err := badge.ParseTime(d.ValidFrom); err == nil {
		a.From = unix(from)
	}
	if f.has {
		class, err := w.class(f.class)
		if err != nil {
			return a, err
		}
		a.Matches = protocol.Matches(r, class)
	}
	if named {
		n, err := w.endorsements(row.id)
		if err != nil {
			return a, err
		}
		a.Endorsements = n
	}
	return a, nil
}

func (w *batch) endorsements(id uint32) (uint16, error) {
	rows, err := w.targets(subject{targetRecord, id}, protocol.Endorsement)
	if err != nil {
		return 0, err
	}
	n, err := w.s.endorsers(rows)
	return uint16(min(n, math.MaxUint16)), err
}

// endorsed notes that the endorsements of a record changed.
func (w *batch) endorsed(f refs) {
	if f.isAward {
		w.recount[f.subjects[0].n] = struct{}{}
	}
}

// countEndorsements brings the rows of an award up to its endorsements.
func (w *batch) countEndorsements(id uint32) error {
	n, err := w.endorsements(id)
	if err != nil {
		return err
	}
	return w.changeAward(id, func(a *AwardRow) { a.Endorsements = n })
}

// changeAward changes all class rows of one award.
func (w *batch) changeAward(id uint32, change func(*AwardRow)) error {
	r, err := w.record(id)
	if err != nil {
		return err
	}
	row, err := w.cidRow(r.Digest())
	if err != nil {
		return err
	}
	f, err := w.refer(r, row.where)
	if err != nil {
		return err
	}
	old, err := w.awardRow(row, f)
	if err != nil {
		return err
	}
	a := old
	if change(&a); a == old {
		return nil
	}
	value := encodeAward(a)
	for _, where := range append([]uint32{0}, f.where...) {
		if err := w.set(dated(classPrefix(f.class, where), row.created, id), value); err != nil {
			return err
		}
	}
	return nil
}

// awardRow reads the class row of an award that is present.
func (w *batch) awardRow(row cidRow, f refs) (AwardRow, error) {
	key := dated(classPrefix(f.class, 0), row.created, row.id)
	value, err := get(w.txn, key)
	if err != nil {
		return AwardRow{}, w.s.corrupt("row %x: %v", key, err)
	}
	a, err := decodeAward(key, value)
	if err != nil {
		return a, w.s.corrupt("row %x: %v", key, err)
	}
	return a, nil
}

// compareLate compares awards with the class they were waiting for, some at a
// time, since there may be more than a batch can hold.
func (s *Store) compareLate() error {
	due, err := s.page([]byte{keyLate}, nil, false, 0)
	if err != nil {
		return err
	}
	for _, x := range due {
		class := be32(x.key[1:])
		var after []byte
		for more := true; more; {
			if after, more, err = s.compareSome(class, after); err != nil {
				return err
			}
		}
		if err := s.db.Update(func(txn *badger.Txn) error { return txn.Delete(x.key) }); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) compareSome(class uint32, after []byte) (last []byte, more bool, err error) {
	const some = 200
	w := s.begin()
	rows, err := readPage(w.before, classPrefix(class, 0), after, false, some)
	for _, x := range rows {
		if err != nil {
			break
		}
		last = x.key
		err = w.compare(class, be32(x.key[len(x.key)-4:]))
	}
	if err != nil || len(rows) == 0 {
		w.discard()
		return nil, false, err
	}
	if err := w.commit(); err != nil {
		return nil, false, fmt.Errorf("compare awards with their class: %w", err)
	}
	return last, len(rows) == some, nil
}

func (w *batch) compare(class, award uint32) error {
	r, err := w.record(award)
	if errors.Is(err, ErrErased) {
		return nil
	}
	if err != nil {
		return err
	}
	c, err := w.class(class)
	if err != nil {
		return err
	}
	return w.changeAward(award, func(a *AwardRow) { a.Matches = protocol.Matches(r, c) })
}
