package store

import (
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// refs are the numbers of what a record speaks of.
type refs struct {
	where    []uint32
	author   uint32
	holder   uint32    // of an award, else 0
	class    uint32    // of an award, else 0
	has      bool      // the class is present
	subjects []subject // what it is about
	isAward  bool      // the first subject is an award that is present
}

// refer finds or makes the numbers of what r speaks of; what it names and is
// not here is wanted from now on.
func (w *batch) refer(r protocol.Record, where []uint32) (refs, error) {
	f := refs{where: where}
	var err error
	if f.author, err = w.who(r.Author()); err != nil {
		return f, err
	}
	if h := r.Holder(); h != "" {
		if f.holder, err = w.who(h); err != nil {
			return f, err
		}
	}
	if c := r.Class(); c.Defined() {
		row, err := w.name(c)
		f.class, f.has = row.id, row.presence == Present && row.kind == protocol.Class
		return f, err
	}
	records, identities := subjectsOf(r)
	for _, c := range records {
		row, err := w.name(c)
		if err != nil {
			return f, err
		}
		f.subjects = append(f.subjects, subject{targetRecord, row.id})
		f.isAward = row.presence == Present && row.kind == protocol.Award
	}
	for _, d := range identities {
		n, err := w.who(d)
		if err != nil {
			return f, err
		}
		f.subjects = append(f.subjects, subject{targetIdentity, n})
	}
	return f, nil
}

// subjectsOf returns the records and identities r is about: the target of an
// endorsement, status or dispute, the class a class derives from, the new key
// of a succession.
func subjectsOf(r protocol.Record) (records []cid.Cid, identities []did.DID) {
	if r.Kind() != protocol.Award {
		records = r.Names()
	}
	if d := r.Target().DID; d != "" {
		identities = append(identities, d)
	}
	if d, ok := r.Document().(*badge.Succession); ok {
		identities = append(identities, d.To)
	}
	return records, identities
}

// row is a key and its value.
type row struct{ key, value []byte }

// indexRows returns every row but those of body and CID that a record which is
// present has: what is written when it arrives, written again when its state
// changes, and removed when it is erased. Of other kinds than award, award is
// ignored.
func indexRows(r protocol.Record, c cidRow, f refs, award AwardRow) []row {
	kind, mark := c.kind, []byte{look(c.kind, c.state)}
	rows := make([]row, 0, 12)
	add := func(prefix, value []byte) { rows = append(rows, row{dated(prefix, c.created, c.id), value}) }

	rows = append(rows, row{key1(keyLog, c.seq), logRow{kind, c.state, c.id, c.created}.encode()})
	add(kindPrefix(kind), mark)
	add(authorPrefix(f.author, kind), mark)
	for _, where := range f.where {
		add(wherePrefix(where, kind), mark)
	}
	if kind == protocol.Award {
		add(holderPrefix(f.holder), mark)
		award.State = c.state
		value := encodeAward(award)
		add(classPrefix(f.class, 0), value)
		for _, where := range f.where {
			add(classPrefix(f.class, where), value)
		}
	}
	if len(f.subjects) > 0 {
		value := targetRow{kind, c.state, f.author, unix(r.Until())}.encode()
		for _, about := range f.subjects {
			add(targetPrefix(about, kind), value)
		}
	}
	return rows
}
