package store

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// Audit says how the rows differ from those that follow from the records that
// are here, whatever the order they came in: nothing when none is missing, none
// too many and none different. States and counts are worked out from scratch
// with package protocol; of the store it takes only the numbers handed out.
func (s *Store) Audit() (differences []string) {
	err := s.db.View(func(txn *badger.Txn) error {
		a := audit{s: s, txn: txn, want: map[string][]byte{}, present: map[[32]byte]protocol.Record{}, rows: map[[32]byte]cidRow{}}
		if err := a.read(); err != nil {
			return err
		}
		if err := a.expect(); err != nil {
			return err
		}
		got := map[string][]byte{}
		for _, family := range "lcbemskahtqgy" {
			rows, err := readPage(txn, []byte{byte(family)}, nil, false, 0)
			if err != nil {
				return err
			}
			for _, x := range rows {
				got[string(x.key)] = x.value
			}
		}
		for key, value := range got {
			switch want, ok := a.want[key]; {
			case key[0] == keyBody && s.erasing.Load(): // perhaps of an erased record, till the wipe
			case !ok:
				a.differ("row %q %x: too many", key, value)
			case !bytes.Equal(want, value):
				a.differ("row %q: got %x, want %x", key, value, want)
			}
		}
		for key, value := range a.want {
			if _, ok := got[key]; !ok {
				a.differ("row %q %x: missing", key, value)
			}
		}
		a.names()
		if v, err := get(txn, metaKey("tally")); err != nil || !bytes.Equal(v, s.counts.encode()) {
			a.differ("tally: got %x, want %x, %v", v, s.counts.encode(), err)
		}
		differences = a.differences
		return nil
	})
	if err != nil {
		differences = append(differences, err.Error())
	}
	slices.Sort(differences)
	return differences
}

type audit struct {
	s           *Store
	txn         *badger.Txn
	present     map[[32]byte]protocol.Record
	rows        map[[32]byte]cidRow
	about       map[string][]protocol.Record // CID → statuses and endorsements that name it
	want        map[string][]byte
	differences []string
}

func (a *audit) differ(format string, args ...any) {
	a.differences = append(a.differences, fmt.Sprintf(format, args...))
}

// read takes every name, and the record where it is present.
func (a *audit) read() error {
	names, err := readPage(a.txn, []byte{keyCID}, nil, false, 0)
	if err != nil {
		return err
	}
	a.about = map[string][]protocol.Record{}
	ids := map[uint32]bool{}
	for _, x := range names {
		digest := [32]byte(x.key[1:])
		row, err := decodeCID(x.value)
		if err != nil {
			return err
		}
		if row.id == 0 || row.id >= a.s.counts.nextID || ids[row.id] {
			a.differ("id %d is of nobody or of two", row.id)
		}
		ids[row.id] = true
		a.rows[digest] = row
		if row.presence != Present {
			continue
		}
		r, _, err := a.s.readRecord(a.txn, row.id)
		if err != nil {
			return err
		}
		a.present[digest] = r
		if t := r.Target().CID; t.Defined() {
			a.about[t.String()] = append(a.about[t.String()], r)
		}
	}
	return nil
}

func (a *audit) number(space byte, name []byte) uint32 {
	n, err := lookup(a.txn, space, name)
	if err != nil || n == 0 {
		a.differ("%x has no number: %v", name, err)
	}
	return n
}

// idOf returns the number of a record that one here names.
func (a *audit) idOf(c cid.Cid) uint32 {
	digest, err := protocol.DigestOf(c)
	row, ok := a.rows[digest]
	if err != nil || !ok {
		a.differ("%s is named and unknown: %v", c, err)
	}
	return row.id
}

// expect works out every row there should be.
func (a *audit) expect() error {
	counts := tally{nextID: a.s.counts.nextID, seq: a.s.counts.seq, dids: a.s.counts.dids, territories: a.s.counts.territories}
	named := map[[32]byte]bool{}
	for _, r := range a.present {
		for _, c := range r.Names() {
			digest, err := protocol.DigestOf(c)
			if err != nil {
				return err
			}
			named[digest] = true
		}
	}
	for digest, row := range a.rows {
		a.want[string(cidKey(digest))] = row.encode()
		switch row.presence {
		case Wanted:
			counts.wanted++
			a.want[string(key1(keyWant, row.id))] = digest[:]
			if !named[digest] {
				a.differ("record %d is wanted by nobody", row.id)
			}
		case Stub:
			counts.erased++
			a.want[string(key1(keyBare, row.id))] = digest[:]
			a.want[string(key1(keyLog, row.seq))] = logRow{row.kind, protocol.Erased, row.id, row.created}.encode()
			if !a.erasedByRight(digest) {
				a.differ("record %d is erased and no status says so", row.id)
			}
			if v, err := get(a.txn, key1(keyState, row.id)); err == nil {
				a.want[string(key1(keyState, row.id))] = v // the status is here, its target is not, to hold it against
			}
		case Present:
			counts.kinds[row.kind]++
			a.expectRecord(a.present[digest], row)
		}
	}
	for digest := range named {
		if _, ok := a.rows[digest]; !ok {
			a.differ("%x is named and not wanted", digest)
		}
	}
	if counts != a.s.counts {
		a.differ("counts: got %+v, want %+v", a.s.counts, counts)
	}
	return nil
}

// erasedByRight reports whether a status to erase a record is here. Whether its
// author may is known only with the record.
func (a *audit) erasedByRight(digest [32]byte) bool {
	return slices.ContainsFunc(a.about[protocol.CID(digest).String()], func(r protocol.Record) bool {
		s, ok := r.Document().(*badge.Status)
		return ok && s.State == badge.Erased
	})
}

func (a *audit) stateOf(r protocol.Record) (protocol.State, protocol.Record) {
	return protocol.StateOf(r, a.about[r.CID().String()])
}

// expectRecord writes the rows of one record as the key table says them, by
// hand: not by the functions that wrote them.
func (a *audit) expectRecord(r protocol.Record, row cidRow) {
	kind, created := string([]byte{byte(r.Kind())}), string(u32(uint32(r.Created().Unix())))
	id := string(u32(row.id))
	state, by := a.stateOf(r)
	mark := []byte{byte(r.Kind()) | byte(state)<<4}
	if row.kind != r.Kind() || row.state != state || int64(row.created) != r.Created().Unix() {
		a.differ("record %d: got %+v, want %s, %s, %s", row.id, row, r.Kind(), state, r.Created())
	}
	if !by.IsZero() {
		a.want["s"+id] = u32(a.idOf(by.CID()))
	}
	a.want["b"+id] = r.Bytes()
	a.want["l"+string(u32(row.seq))] = slices.Concat(mark, []byte(id), []byte(created))
	author := a.number(nameDID, r.Author().PublicKey())
	a.want["k"+kind+created+id] = mark
	a.want["a"+string(u32(author))+kind+created+id] = mark
	wheres := []uint32{}
	for _, t := range r.Territories() {
		where := a.number(nameTerritory, []byte(t))
		wheres = append(wheres, where)
		a.want["t"+string(u32(where))+kind+created+id] = mark
	}
	if !slices.Equal(wheres, row.where) {
		a.differ("record %d: territories %v, want %v", row.id, row.where, wheres)
	}
	if d, ok := r.Document().(*badge.AchievementCredential); ok {
		holder := a.number(nameDID, r.Holder().PublicKey())
		a.want["h"+string(u32(holder))+created+id] = mark
		value := encodeAward(a.awardRow(r, d, state, author, holder))
		class := string(u32(a.idOf(r.Class())))
		for _, where := range append(wheres, 0) {
			a.want["q"+class+string(u32(where))+created+id] = value
		}
		return
	}
	var subjects []string
	for _, c := range r.Names() {
		subjects = append(subjects, "\x00"+string(u32(a.idOf(c))))
	}
	for _, d := range []did.DID{r.Target().DID, successor(r)} {
		if d != "" {
			subjects = append(subjects, "\x01"+string(u32(a.number(nameDID, d.PublicKey()))))
		}
	}
	for _, about := range subjects {
		a.want["g"+about+kind+created+id] = appendMoment(slices.Concat(mark, u32(author)), unix(r.Until()))
	}
}

func successor(r protocol.Record) did.DID {
	if s, ok := r.Document().(*badge.Succession); ok {
		return s.To
	}
	return ""
}

func (a *audit) awardRow(r protocol.Record, d *badge.AchievementCredential, state protocol.State, author, holder uint32) AwardRow {
	from, err := badge.ParseTime(d.ValidFrom)
	if err != nil {
		a.differ("validFrom %s: %v", d.ValidFrom, err)
	}
	class, ok := a.present[digestOf(r.Class())]
	endorsers := map[did.DID]bool{}
	for _, e := range a.about[r.CID().String()] {
		if e.Kind() != protocol.Endorsement || !e.Until().IsZero() && !a.s.cfg.Now().Before(e.Until()) {
			continue
		}
		if state, _ := a.stateOf(e); state == protocol.Live {
			endorsers[e.Author()] = true
		}
	}
	return AwardRow{
		From: unix(from), Until: unix(r.Until()), State: state, Endorsements: uint16(len(endorsers)), Level: uint8(d.Level()),
		Matches: ok && protocol.Matches(r, class), Issuer: author, Holder: holder,
	}
}

func digestOf(c cid.Cid) [32]byte {
	digest, err := protocol.DigestOf(c)
	if err != nil {
		panic(err)
	}
	return digest
}

// names checks that numbers lead to names and back, and none is past the last.
func (a *audit) names() {
	for space, last := range map[byte]uint32{nameDID: a.s.counts.dids, nameTerritory: a.s.counts.territories} {
		rows, err := readPage(a.txn, []byte{keyNamed, space}, nil, false, 0)
		if err != nil || len(rows) != int(last) {
			a.differ("%d names, %d numbers given, %v", len(rows), last, err)
		}
		for _, x := range rows {
			if n, err := lookup(a.txn, space, x.value); err != nil || n != be32(x.key[2:]) {
				a.differ("number %x is called %x, whose number is %d, %v", x.key[2:], x.value, n, err)
			}
		}
		back, err := readPage(a.txn, []byte{keyIntern, space}, nil, false, 0)
		if err != nil || len(back) != len(rows) {
			a.differ("%d names lead to numbers, %d back, %v", len(back), len(rows), err)
		}
	}
}

// AuditError is Audit as an error of at most ten lines.
func (s *Store) AuditError() error {
	found := s.Audit()
	if len(found) == 0 {
		return nil
	}
	return errors.New(strings.Join(found[:min(len(found), 10)], "\n"))
}
