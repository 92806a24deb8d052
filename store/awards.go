package store

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"iter"
	"math"
	"slices"

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

// AwardIn is an award of one of several classes in one of several territories.
type AwardIn struct {
	Class, Territory int // which of those asked for
	AwardRow
}

// AwardsIn yields the awards of any of classes in any of territories, by class,
// then by territory, oldest first: what Awards yields for each pair, over one
// iterator. It steps over the pairs that have none, so that the cost is some ten
// microseconds for each pair that has some, and about half of one for each award.
func (s *Store) AwardsIn(classes []cid.Cid, territories []territory.ID) iter.Seq2[AwardIn, error] {
	return func(yield func(AwardIn, error) bool) {
		w, err := s.walk(classes, territories)
		for err == nil && w.class < len(w.classes) {
			var page []AwardIn
			if page, err = w.page(s); err != nil {
				break
			}
			for _, a := range page {
				if !yield(a, nil) {
					return
				}
			}
		}
		if err != nil {
			yield(AwardIn{}, err)
		}
	}
}

// numbered is the local number of something asked for, and its place there.
type numbered struct {
	n     uint32
	place int
}

// awardWalk is where AwardsIn has come to.
type awardWalk struct {
	classes, wheres []numbered // by number
	class, where    int        // indexes of the next pair
	after           []byte     // the last key of that pair that was read, nil for none
}

// walk finds the numbers of what is asked for; what has none has no awards.
func (s *Store) walk(classes []cid.Cid, territories []territory.ID) (*awardWalk, error) {
	w := &awardWalk{}
	err := s.db.View(func(txn *badger.Txn) error {
		for i, c := range classes {
			digest, err := protocol.DigestOf(c)
			if err != nil {
				return err
			}
			row, err := s.readCID(txn, digest)
			if err != nil {
				return err
			}
			if row.presence != Absent {
				w.classes = append(w.classes, numbered{row.id, i})
			}
		}
		for i, t := range territories {
			n, err := lookup(txn, nameTerritory, []byte(t))
			if err != nil {
				return err
			}
			if n != 0 {
				w.wheres = append(w.wheres, numbered{n, i})
			}
		}
		return nil
	})
	byNumber := func(a, b numbered) int { return cmp.Compare(a.n, b.n) }
	slices.SortFunc(w.classes, byNumber)
	slices.SortFunc(w.wheres, byNumber)
	if len(w.wheres) == 0 {
		w.classes = nil
	}
	return w, err
}

// page reads up to pageSize rows in one transaction, and moves on.
func (w *awardWalk) page(s *Store) (page []AwardIn, err error) {
	err = s.db.View(func(txn *badger.Txn) error {
		it := txn.NewIterator(badger.IteratorOptions{Prefix: []byte{keyClass}})
		defer it.Close()
		w.seek(it)
		for w.class < len(w.classes) && len(page) < pageSize {
			if !it.Valid() {
				w.class = len(w.classes)
				break
			}
			item := it.Item()
			key := item.Key()
			if len(key) != 9+tail {
				return s.corrupt("row %x: %v", key, errShort)
			}
			if w.at(be32(key[1:]), be32(key[5:])) {
				if !bytes.Equal(key, w.after) {
					a, err := awardIn(item)
					if err != nil {
						return s.corrupt("row %x: %v", key, err)
					}
					page = append(page, AwardIn{w.classes[w.class].place, w.wheres[w.where].place, a})
					w.after = item.KeyCopy(nil)
				}
				it.Next()
				continue
			}
			w.seek(it)
		}
		return nil
	})
	return page, err
}

func awardIn(item *badger.Item) (a AwardRow, err error) {
	err = item.Value(func(value []byte) error {
		a, err = decodeAward(item.Key(), value)
		return err
	})
	return a, err
}

// at reports whether a row of this class and territory is of the pair the walk
// is at, or moves it to the first pair from there on.
func (w *awardWalk) at(class, where uint32) bool {
	c, t := w.classes[w.class], w.wheres[w.where]
	if class == c.n && where == t.n {
		return true
	}
	w.after = nil
	if class > c.n {
		for w.class < len(w.classes) && w.classes[w.class].n < class {
			w.class++
		}
		w.where = 0
		if w.class == len(w.classes) || w.classes[w.class].n > class {
			return false
		}
	}
	for w.where < len(w.wheres) && w.wheres[w.where].n < where {
		w.where++
	}
	if w.where == len(w.wheres) {
		w.class, w.where = w.class+1, 0
		return false
	}
	return w.wheres[w.where].n == where
}

// seek goes to the pair the walk is at.
func (w *awardWalk) seek(it *badger.Iterator) {
	if w.class == len(w.classes) {
		return
	}
	if w.after != nil {
		it.Seek(w.after)
		return
	}
	it.Seek(classPrefix(w.classes[w.class].n, w.wheres[w.where].n))
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
