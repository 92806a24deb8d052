package store

import (
	"errors"
	"fmt"

	"github.com/dgraph-io/badger/v4"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// MaxBatch and MaxBatchBytes bound one atomic batch: the rows of so many
// records, with what they change in others, are well below Badger's 1.2 MB and
// 13,000 rows. Put splits what is more, between records.
const (
	MaxBatch      = 256
	MaxBatchBytes = 512 << 10
)

// Status is what became of one record given to Put.
type Status uint8

// The outcomes.
const (
	Added  Status = 1 + iota // it is new and stored
	Known                    // it was there already; nothing changed
	Erased                   // it was erased, before or by a status that came first; refused for ever
)

// String returns "added", "known" or "erased".
func (s Status) String() string {
	if s < Added || s > Erased {
		return fmt.Sprintf("status %d", uint8(s))
	}
	return [...]string{Added: "added", Known: "known", Erased: "erased"}[s]
}

// Outcome is what became of one record given to Put.
type Outcome struct {
	Seq    uint32 // its arrival, now or then; a refused erased one has one too
	Status Status
}

// Presence is what the store has of a record.
type Presence uint8

// The presences. Their values are stored.
const (
	Absent  Presence = iota // nobody here named it
	Present                 // it is here
	Wanted                  // a record here names it, and it is not here
	Stub                    // it was erased; its name is kept to refuse it
)

// Put stores records, in order. Up to MaxBatch records and MaxBatchBytes are
// one atomic batch; more are split into several, and on an error those before
// it are stored: the outcomes returned are theirs.
//
// Everything that follows from a record is stored with it: its index rows, the
// state it gives to another, the erasure it demands, what it names and is not
// here. Only the comparison of awards with a class that came after them is done
// in batches of its own before Put returns, and finished by Open after a crash.
//
// What Put returned survives kill -9; for power, see Sync. It fails with
// ErrReadOnly when the disk is nearly full.
func (s *Store) Put(records ...protocol.Record) ([]Outcome, error) {
	outcomes := make([]Outcome, 0, len(records))
	s.writer.Lock()
	defer s.writer.Unlock()
	for len(records) > 0 {
		n, sum := 0, 0
		for n < len(records) && n < MaxBatch {
			if !records[n].IsZero() {
				sum += len(records[n].Bytes())
			}
			if n > 0 && sum > MaxBatchBytes {
				break
			}
			n++
		}
		done, err := s.putBatch(records[:n])
		outcomes = append(outcomes, done...)
		if err != nil {
			return outcomes, err
		}
		records = records[n:]
	}
	return outcomes, nil
}

// putBatch stores one batch, or halves of it when Badger finds it too big.
func (s *Store) putBatch(records []protocol.Record) ([]Outcome, error) {
	if s.closed {
		return nil, ErrClosed
	}
	if err := s.checkSpace(); err != nil {
		return nil, err
	}
	w := s.begin()
	outcomes, err := w.putAll(records)
	if err == nil {
		err = w.commit()
	} else {
		w.discard()
	}
	if errors.Is(err, badger.ErrTxnTooBig) && len(records) > 1 {
		half := len(records) / 2
		first, err := s.putBatch(records[:half])
		if err != nil {
			return first, err
		}
		second, err := s.putBatch(records[half:])
		return append(first, second...), err
	}
	if err != nil {
		return nil, err
	}
	if w.late {
		err = s.compareLate()
	}
	if s.unsynced += len(records); err == nil && s.unsynced >= syncAfter {
		err = s.syncLocked()
	}
	return outcomes, err
}

// batch is one atomic change. It is used by the writer only, once.
//
// Rows are written to txn, which also reads them back; whole prefixes are read
// from before, the store as it was, with changed laid over it, since Badger
// sorts all pending rows for each iterator it opens over them.
type batch struct {
	s       *Store
	txn     *badger.Txn
	before  *badger.Txn
	changed map[string][][]byte // head of a keyTarget row → keys written
	counts  tally
	names   map[string]uint32 // handed out in this batch
	records map[uint32]protocol.Record
	recount map[uint32]struct{} // awards whose endorsements changed
	late    bool                // a class came after its awards
	erased  bool
	arrived bool
}

func (s *Store) begin() *batch {
	return &batch{
		s: s, txn: s.db.NewTransaction(true), before: s.db.NewTransaction(false),
		changed: map[string][][]byte{}, counts: s.counts, names: map[string]uint32{},
		records: map[uint32]protocol.Record{}, recount: map[uint32]struct{}{},
	}
}

func (w *batch) discard() {
	w.txn.Discard()
	w.before.Discard()
}

// commit writes the batch and tells whoever waits.
func (w *batch) commit() error {
	defer w.discard()
	if err := w.txn.Set(metaKey("tally"), w.counts.encode()); err != nil {
		return err
	}
	if err := w.txn.Commit(); err != nil {
		return fmt.Errorf("%s: %w", w.s.where(), err)
	}
	s := w.s
	s.counts = w.counts
	for name, n := range w.names {
		s.remember(name, n)
	}
	s.dirty.Store(true)
	if w.erased {
		s.erasing.Store(true)
	}
	if w.arrived {
		s.last.Store(w.counts.seq)
		s.wake()
	}
	return nil
}

func (w *batch) putAll(records []protocol.Record) ([]Outcome, error) {
	outcomes := make([]Outcome, len(records))
	for i, r := range records {
		if r.IsZero() {
			return nil, errors.New("store: Put of the zero Record")
		}
		var err error
		if outcomes[i], err = w.put(r); err != nil {
			return nil, fmt.Errorf("record %s: %w", r.CID(), err)
		}
	}
	for id := range w.recount {
		if err := w.countEndorsements(id); err != nil {
			return nil, err
		}
	}
	return outcomes, nil
}

// put stores one record and all that follows from it, but the counts of
// endorsements, which putAll does once for each award.
func (w *batch) put(r protocol.Record) (Outcome, error) {
	digest := r.Digest()
	row, err := w.cidRow(digest)
	switch {
	case err != nil:
		return Outcome{}, err
	case row.presence == Present:
		return Outcome{row.seq, Known}, nil
	case row.presence == Stub:
		return Outcome{row.seq, Erased}, nil
	}
	created := r.Created().Unix()
	if created < 0 || created > 1<<32-1 {
		return Outcome{}, fmt.Errorf("created %s cannot be kept: dates end in 2106", badge.FormatTime(r.Created()))
	}
	named := row.presence == Wanted
	if !named {
		row.id = w.takeID()
	}
	row.presence, row.kind, row.created = Present, r.Kind(), uint32(created)
	w.counts.seq++
	row.seq = w.counts.seq
	w.arrived = true
	var by uint32
	if named {
		w.counts.wanted--
		if err := w.txn.Delete(key1(keyWant, row.id)); err != nil {
			return Outcome{}, err
		}
		if row.state, by, err = w.stateOfLate(r, row.id); err != nil {
			return Outcome{}, err
		}
	}
	if by != 0 {
		if err := w.txn.Set(key1(keyState, row.id), u32(by)); err != nil {
			return Outcome{}, err
		}
	}
	for _, t := range r.Territories() {
		where, err := w.where(t)
		if err != nil {
			return Outcome{}, err
		}
		row.where = append(row.where, where)
	}
	if row.state == protocol.Erased {
		return Outcome{row.seq, Erased}, w.setStub(digest, row)
	}
	refs, err := w.refer(r, row.where)
	if err != nil {
		return Outcome{}, err
	}
	w.records[row.id] = r
	w.counts.kinds[row.kind]++
	if err := w.set(key1(keyBody, row.id), r.Bytes()); err != nil {
		return Outcome{}, err
	}
	if err := w.set(cidKey(digest), row.encode()); err != nil {
		return Outcome{}, err
	}
	award, err := w.award(r, row, refs, named)
	if err != nil {
		return Outcome{}, err
	}
	for _, x := range indexRows(r, row, refs, award) {
		if err := w.set(x.key, x.value); err != nil {
			return Outcome{}, err
		}
	}
	return Outcome{row.seq, Added}, w.follow(r, row, refs, named)
}

// follow does to other records what the arrival of r means for them.
func (w *batch) follow(r protocol.Record, row cidRow, refs refs, named bool) error {
	switch r.Kind() {
	case protocol.Class:
		if named {
			w.late = true
			return w.set(key1(keyLate, row.id), nil)
		}
	case protocol.Endorsement:
		w.endorsed(refs)
	case protocol.Status:
		if t := r.Target(); t.CID.Defined() {
			return w.applyStatus(t.CID, r, row.id)
		}
	}
	return nil
}

// set writes a row, and notes it when prefixes of its family are read back in
// the same batch. The batch keeps key and value until it commits.
func (w *batch) set(key, value []byte) error {
	w.note(key)
	return w.txn.Set(key, value)
}

func (w *batch) delete(key []byte) error {
	w.note(key)
	return w.txn.Delete(key)
}

func (w *batch) note(key []byte) {
	if key[0] == keyTarget {
		head := string(key[:7])
		w.changed[head] = append(w.changed[head], key)
	}
}

// targets returns the rows of one kind about subject, in no order.
func (w *batch) targets(about subject, kind protocol.Kind) ([]row, error) {
	prefix := targetPrefix(about, kind)
	changed := w.changed[string(prefix)]
	mine := make(map[string]bool, len(changed))
	var rows []row
	for _, key := range changed {
		if mine[string(key)] {
			continue
		}
		mine[string(key)] = true
		value, err := get(w.txn, key)
		if errors.Is(err, badger.ErrKeyNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		rows = append(rows, row{key, value})
	}
	old, err := readPage(w.before, prefix, nil, false, 0)
	if err != nil {
		return nil, err
	}
	for _, r := range old {
		if !mine[string(r.key)] {
			rows = append(rows, r)
		}
	}
	return rows, nil
}

// cidRow returns what is known of digest; Absent when nothing is.
func (w *batch) cidRow(digest [32]byte) (cidRow, error) { return w.s.readCID(w.txn, digest) }

func (w *batch) takeID() uint32 {
	id := w.counts.nextID
	w.counts.nextID++
	return id
}

// name returns the id of the record called c, noting that it is wanted when
// nobody named it before, and what is known of it.
func (w *batch) name(c cid.Cid) (cidRow, error) {
	digest, err := protocol.DigestOf(c)
	if err != nil {
		return cidRow{}, err
	}
	row, err := w.cidRow(digest)
	if err != nil || row.presence != Absent {
		return row, err
	}
	row = cidRow{presence: Wanted, id: w.takeID()}
	w.counts.wanted++
	return row, errors.Join(w.set(cidKey(digest), row.encode()), w.set(key1(keyWant, row.id), digest[:]))
}

// who returns the number of d, giving it one.
func (w *batch) who(d did.DID) (uint32, error) {
	return w.intern(nameDID, string(d), func() []byte { return d.PublicKey() }, &w.counts.dids)
}

// where returns the number of t, giving it one.
func (w *batch) where(t territory.ID) (uint32, error) {
	return w.intern(nameTerritory, string(t), func() []byte { return []byte(t) }, &w.counts.territories)
}

func (w *batch) intern(space byte, name string, bytes func() []byte, last *uint32) (uint32, error) {
	if n, ok := w.s.names[name]; ok {
		return n, nil
	}
	if n, ok := w.names[name]; ok {
		return n, nil
	}
	b := bytes()
	v, err := get(w.txn, internKey(space, b))
	if err == nil {
		if len(v) != 4 {
			return 0, w.s.corrupt("the number of %s is %x", name, v)
		}
		w.names[name] = be32(v)
		return be32(v), nil
	}
	if !errors.Is(err, badger.ErrKeyNotFound) {
		return 0, err
	}
	*last++
	w.names[name] = *last
	return *last, errors.Join(w.set(internKey(space, b), u32(*last)), w.set(namedKey(space, *last), b))
}

// remember keeps the number of a name at hand. A DID and a territory never have
// the same text.
func (s *Store) remember(name string, n uint32) {
	const most = 32 << 10 // some 5 MB
	if len(s.names) >= most {
		clear(s.names)
	}
	s.names[name] = n
}

// record returns the record of a row that says it is present.
func (w *batch) record(id uint32) (protocol.Record, error) {
	if r, ok := w.records[id]; ok {
		return r, nil
	}
	r, _, err := w.s.readRecord(w.txn, id)
	if err == nil {
		w.records[id] = r
	}
	return r, err
}

// class returns the record of a class, keeping some at hand.
func (w *batch) class(id uint32) (protocol.Record, error) {
	if r, ok := w.s.classes[id]; ok {
		return r, nil
	}
	r, err := w.record(id)
	if err == nil && r.Kind() == protocol.Class {
		if len(w.s.classes) >= 256 {
			clear(w.s.classes)
		}
		w.s.classes[id] = r
	}
	return r, err
}
