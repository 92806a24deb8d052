package store

import (
	"errors"
	"slices"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
)

// The state of a record is protocol.StateOf over every status about it, and
// that is the largest in an order of statuses. So it is enough to keep the one
// that decides (keyState) and to hold each newcomer against it: the result does
// not depend on the order of arrival.

// stateOfLate returns the state that statuses which came before r give it, and
// the id of the one that decides, 0 for none.
func (w *batch) stateOfLate(r protocol.Record, id uint32) (protocol.State, uint32, error) {
	rows, err := w.targets(subject{targetRecord, id}, protocol.Status)
	if err != nil || len(rows) == 0 {
		return protocol.Live, 0, err
	}
	// Only the author and the holder can be entitled to one: the others are
	// not even read.
	var may []uint32
	for _, d := range []string{string(r.Author()), string(r.Holder())} {
		if n, ok := w.known(d); ok {
			may = append(may, n)
		}
	}
	var statuses []protocol.Record
	ids := map[cid.Cid]uint32{}
	for _, x := range rows {
		t, err := decodeTarget(x.value)
		if err != nil {
			return 0, 0, w.s.corrupt("row %x: %v", x.key, err)
		}
		if !slices.Contains(may, t.who) {
			continue
		}
		_, statusID, err := tailOf(x.key)
		if err != nil {
			return 0, 0, w.s.corrupt("row %x: %v", x.key, err)
		}
		status, err := w.record(statusID)
		if err != nil {
			return 0, 0, err
		}
		statuses = append(statuses, status)
		ids[status.CID()] = statusID
	}
	state, by := protocol.StateOf(r, statuses)
	if by.IsZero() {
		return state, 0, nil
	}
	return state, ids[by.CID()], nil
}

// known returns the number of a DID if it has one.
func (w *batch) known(d string) (uint32, bool) {
	if d == "" {
		return 0, false
	}
	if n, ok := w.names[d]; ok {
		return n, true
	}
	if n, ok := w.s.names[d]; ok {
		return n, true
	}
	n, err := lookup(w.txn, nameDID, didBytes(d))
	return n, err == nil && n != 0
}

// applyStatus gives the target of a new status the state that follows.
func (w *batch) applyStatus(target cid.Cid, status protocol.Record, statusID uint32) error {
	digest, err := protocol.DigestOf(target)
	if err != nil {
		return err
	}
	row, err := w.cidRow(digest)
	if err != nil || row.presence != Present {
		return err // it will be asked for when the target arrives, or is gone
	}
	r, err := w.record(row.id)
	if err != nil {
		return err
	}
	if !protocol.Entitled(status, r) {
		return nil
	}
	statuses := []protocol.Record{status}
	v, err := get(w.txn, key1(keyState, row.id))
	switch {
	case err == nil && len(v) == 4:
		before, err := w.record(be32(v))
		if err != nil {
			return err
		}
		statuses = append(statuses, before)
	case !errors.Is(err, badger.ErrKeyNotFound):
		return w.s.corrupt("the state of record %d does not read back", row.id)
	}
	state, by := protocol.StateOf(r, statuses)
	if by.Digest() != status.Digest() {
		return nil
	}
	if err := w.set(key1(keyState, row.id), u32(statusID)); err != nil {
		return err
	}
	if state == row.state {
		return nil
	}
	return w.changeState(r, row, state)
}

// changeState writes every row of r again with another state, or erases it.
func (w *batch) changeState(r protocol.Record, row cidRow, state protocol.State) error {
	f, err := w.refer(r, row.where)
	if err != nil {
		return err
	}
	var award AwardRow
	if row.kind == protocol.Award {
		if award, err = w.awardRow(row, f); err != nil {
			return err
		}
	}
	row.state = state
	if state == protocol.Erased {
		return w.erase(r, row, f)
	}
	for _, x := range indexRows(r, row, f, award) {
		if err := w.set(x.key, x.value); err != nil {
			return err
		}
	}
	if row.kind == protocol.Endorsement {
		w.endorsed(f)
	}
	return w.set(cidKey(r.Digest()), row.encode())
}
