package node

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/libp2p/go-libp2p/core/peer"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// sets are the keys of what this node holds of each territory it follows,
// records and stubs, and of hollow ones: a hollow key is that of a record which
// was never here, and of which a status here says that it was erased
// (spec/sync-node.md §4). Admit keeps them current. The zero sets are of no
// territory.
type sets struct {
	mu      sync.Mutex // guards the rest; never held over I/O
	of      map[territory.ID]*holdings
	hollows int
	from    map[peer.ID]int // hollow keys a peer brought since the start
	classes map[string]bool // names of the sets of classes kept for partial mirrors
}

// holdings are the two sets of one territory.
type holdings struct {
	// Nil while they are being read from the store.
	control, badges *reconcile.Set
	// partial says that there is no set of badges: only classes are kept.
	partial bool
	// early came while they were.
	early []member
	// hollow is of badges alone: statuses and successions are not erased.
	hollow map[[sha256.Size]byte]reconcile.Key
}

type member struct {
	key     reconcile.Key
	control bool
}

// isControl reports whether records of a kind are in the set that goes first.
func isControl(k protocol.Kind) bool { return k == protocol.Status || k == protocol.Succession }

// The names of the two sets of a territory begin so, and end in its id.
const (
	controlName = "control/"
	badgesName  = "badges/"
)

// add notes records that the store has from now on, as they are or as stubs.
func (s *sets) add(records ...protocol.Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		return
	}
	for _, r := range records {
		m := member{reconcile.NewKey(r.Created(), r.Digest()), isControl(r.Kind())}
		for _, id := range r.Territories() {
			if h := s.of[id]; h != nil {
				s.insert(h, m)
			}
		}
	}
}

// insert is called with mu held.
func (s *sets) insert(h *holdings, m member) {
	switch {
	case h.control == nil:
		h.early = append(h.early, m)
	case m.control:
		h.control.Insert(m.key)
	case h.partial:
	default:
		if k, ok := h.hollow[m.key.Digest()]; ok {
			s.fill(h, k)
		}
		h.badges.Insert(m.key)
	}
}

// fill takes a hollow key out, to make room for the real one. It is called with
// mu held.
func (s *sets) fill(h *holdings, k reconcile.Key) {
	h.badges.Delete(k)
	delete(h.hollow, k.Digest())
	s.hollows--
}

// addHollow takes a hollow key and reports whether it was new and there was room.
// Of two keys of one record, the last is kept: one of them is a lie, and who
// tells the truth is heard again.
func (s *sets) addHollow(id territory.ID, k reconcile.Key, from peer.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of[id]
	if h == nil || h.partial || h.badges == nil || h.badges.Has(k) || s.hollows >= synchro.Hollow {
		return false
	}
	if from != "" {
		if s.from[from] >= synchro.HollowFrom {
			return false
		}
		if s.from == nil || len(s.from) >= synchro.Peers {
			s.from = map[peer.ID]int{}
		}
		s.from[from]++
	}
	if old, ok := h.hollow[k.Digest()]; ok {
		s.fill(h, old)
	}
	h.hollow[k.Digest()] = k
	s.hollows++
	return h.badges.Insert(k)
}

// real reports whether a key is in a set and stands for a record or a stub, which
// it then does for ever; those of a class stand for records alone.
func (s *sets) real(of setName, k reconcile.Key) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of[of.territory]
	switch {
	case of.partial():
		return true
	case h == nil || h.control == nil:
		return false
	case of.control:
		return h.control.Has(k)
	case h.partial:
		return false
	}
	_, hollow := h.hollow[k.Digest()]
	return !hollow && h.badges.Has(k)
}

// view returns one of the two sets of a territory as it is now; ok is false for
// one that is not here, or not yet.
func (s *sets) view(name string) (v reconcile.View, ok bool) {
	of, ok := parseSetName(name)
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of[of.territory]
	switch {
	case !ok || of.partial() || h == nil || h.control == nil:
		return v, false
	case of.control:
		return h.control.View(), true
	case h.partial:
		return v, false
	}
	return h.badges.View(), true
}

// keepsClass reports whether this node keeps a class of a territory: with all of
// it, or for a partial mirror.
func (s *sets) keepsClass(of setName) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of[of.territory]
	return h != nil && h.control != nil && (!h.partial || s.classes[of.String()])
}

// keepClasses says which sets of classes are kept for partial mirrors.
func (s *sets) keepClasses(names []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.classes = map[string]bool{}
	for _, name := range names {
		s.classes[name] = true
	}
}

// partial returns the sets to ask for for partial mirrors, by territory: control,
// then all classes, then each class.
func (s *sets) partial() (out []setName) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for name := range s.classes {
		of, _ := parseSetName(name)
		out = append(out, of)
		if control := (setName{territory: of.territory, control: true}); !slices.Contains(out, control) {
			out = append(out, control)
		}
	}
	rank := func(s setName) int { return slices.Index([]bool{s.control, s.classes, true}, true) }
	slices.SortFunc(out, func(a, b setName) int {
		return cmp.Or(cmp.Compare(a.territory, b.territory), cmp.Compare(rank(a), rank(b)), cmp.Compare(a.String(), b.String()))
	})
	return out
}

// anyPartial reports whether this node has a partial mirror.
func (s *sets) anyPartial() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.classes) > 0
}

// register makes room for the sets of territories, to be filled by publish, and
// returns those that were not registered.
func (s *sets) register(ids []territory.ID) []territory.ID { return s.registerAs(ids, false) }

// registerAs is register; partial is for control alone, of territories that are not
// registered.
func (s *sets) registerAs(ids []territory.ID, partial bool) []territory.ID {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.of == nil {
		s.of = map[territory.ID]*holdings{}
	}
	var fresh []territory.ID
	for _, id := range ids {
		if h := s.of[id]; h == nil || h.partial && !partial {
			s.of[id] = &holdings{partial: partial, hollow: map[[sha256.Size]byte]reconcile.Key{}}
			fresh = append(fresh, id)
		}
	}
	return fresh
}

// publish gives the sets of a territory, and adds what came while they were read.
// Badges are nil for control alone.
func (s *sets) publish(id territory.ID, control, badges *reconcile.Set) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h := s.of[id]
	if h == nil || h.control != nil || h.partial != (badges == nil) {
		return // another choice was made meanwhile
	}
	h.control, h.badges = control, badges
	for _, m := range h.early {
		s.insert(h, m)
	}
	h.early = nil
}

// dropPartial drops the control kept for partial mirrors, but that of these
// territories.
func (s *sets) dropPartial(but []territory.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	maps.DeleteFunc(s.of, func(id territory.ID, h *holdings) bool { return h.partial && !slices.Contains(but, id) })
}

func (s *sets) isPartial(id territory.ID) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of[id] != nil && s.of[id].partial
}

func (s *sets) drop(id territory.ID) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if h := s.of[id]; h != nil {
		s.hollows -= len(h.hollow)
		delete(s.of, id)
	}
}

// started reports whether the node keeps sets.
func (s *sets) started() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.of != nil
}

// size returns how many keys there are of a territory, and its fingerprint for
// people to compare: the first 8 bytes of the SHA-256 of count and sum of the
// control set and then of the badges, 8 and 32 bytes each, little-endian. It is
// not for programs: who wrote 2,000 records can make two sets of one sum.
func (s *sets) size(id territory.ID) (count int, root [8]byte) {
	hash := sha256.New()
	for _, name := range []string{controlName, badgesName} {
		v, _ := s.view(name + string(id))
		count += v.Len()
		b := binary.LittleEndian.AppendUint64(nil, uint64(v.Len()))
		for _, w := range v.Sum(0, v.Len()) {
			b = binary.LittleEndian.AppendUint64(b, w)
		}
		hash.Write(b)
	}
	copy(root[:], hash.Sum(nil))
	return count, root
}

// readSets reads the sets of territories from the last snapshot or the store, and
// keeps them from now on. Cost: 0.3 µs a key from the snapshot, else a microsecond
// for each record of the store and for each key.
func (n *Node) readSets(ids ...territory.ID) error {
	ids = n.sets.register(ids)
	if len(ids) == 0 {
		return nil
	}
	scan := n.recallSets(ids)
	if len(scan) > 0 {
		if err := n.scanSets(scan); err != nil {
			for _, id := range scan {
				n.sets.drop(id)
			}
			return err
		}
	}
	return n.recallHollows(ids)
}

// readControl reads the control sets of territories of which only classes are kept,
// from the store, and keeps them from now on.
func (n *Node) readControl(ids ...territory.ID) error {
	ids = n.sets.registerAs(ids, true)
	if len(ids) == 0 {
		return nil
	}
	if err := n.scanSets(ids); err != nil {
		n.sets.dropPartial(nil)
		return err
	}
	return nil
}

// scanSets builds sets from the store, in one pass.
func (n *Node) scanSets(ids []territory.ID) error {
	type keys struct {
		control, badges []reconcile.Key
		partial         bool
	}
	wanted := map[territory.ID]*keys{}
	for _, id := range ids {
		wanted[id] = &keys{partial: n.sets.isPartial(id)}
	}
	at := map[uint32]*keys{} // by number of the store; nil for those not wanted
	for m, err := range n.store.Members() {
		if err != nil {
			return err
		}
		for _, where := range m.Where {
			of, known := at[where]
			if !known {
				id, err := n.store.Territory(where)
				if err != nil {
					return err
				}
				of = wanted[id]
				at[where] = of
			}
			switch k := reconcile.NewKey(m.Created, m.Digest.Digest); {
			case of == nil:
			case isControl(m.Kind):
				of.control = append(of.control, k)
			case of.partial:
			default:
				of.badges = append(of.badges, k)
			}
		}
	}
	for id, of := range wanted {
		control, err := buildSet(of.control)
		if err != nil {
			return err
		}
		var badges *reconcile.Set
		if !of.partial {
			if badges, err = buildSet(of.badges); err != nil {
				return err
			}
		}
		n.sets.publish(id, control, badges)
	}
	return nil
}

func buildSet(keys []reconcile.Key) (*reconcile.Set, error) {
	slices.SortFunc(keys, func(a, b reconcile.Key) int { return bytes.Compare(a[:], b[:]) })
	return reconcile.Build(slices.Values(keys))
}

const (
	// bucketHollow: 8 bytes of a number that rises, big-endian → length of the
	// territory in a byte, territory, keys. What is filled is left there until
	// the next start.
	bucketHollow = "hollow"
	// hollowRow is how many keys go in one row at most.
	hollowRow = 1024
)

// takeHollows takes hollow keys a peer brought, for good. Of what does not find
// room, or cannot be written, the next comparison will speak again.
func (n *Node) takeHollows(id territory.ID, keys []reconcile.Key, from peer.ID) (taken int, err error) {
	var fresh []reconcile.Key
	for _, k := range keys {
		if n.sets.addHollow(id, k, from) {
			fresh = append(fresh, k)
		}
	}
	return len(fresh), n.writeHollows(id, fresh)
}

func (n *Node) writeHollows(id territory.ID, keys []reconcile.Key) error {
	for row := range slices.Chunk(keys, hollowRow) {
		value := append([]byte{byte(len(id))}, id...)
		for _, k := range row {
			value = append(value, k[:]...)
		}
		key := binary.BigEndian.AppendUint64(nil, n.hollowRows.Add(1))
		if err := n.hollow.Put(key, value); err != nil {
			return fmt.Errorf("hollow keys of %s: %w", id, err)
		}
	}
	return nil
}

// recallHollows adds what is hollow still to the sets of territories, which have
// just been read. Rows of which nothing is any more are deleted.
func (n *Node) recallHollows(ids []territory.ID) error {
	var gone [][]byte
	for name, value := range n.hollow.Each() {
		if len(name) != 8 || len(value) == 0 || len(value) < 1+int(value[0]) {
			continue
		}
		n.hollowRows.Store(max(n.hollowRows.Load(), binary.BigEndian.Uint64(name)))
		id := territory.ID(value[1 : 1+value[0]])
		if !slices.Contains(ids, id) {
			continue
		}
		left := 0
		for raw := range slices.Chunk(value[1+value[0]:], reconcile.KeySize) {
			if len(raw) < reconcile.KeySize {
				continue
			}
			k := reconcile.Key(raw)
			if n.store.Has(k.Digest()) == store.Wanted {
				left++
				n.sets.addHollow(id, k, "")
			}
		}
		if left == 0 {
			gone = append(gone, name)
		}
	}
	for _, name := range gone {
		if err := n.hollow.Delete(name); err != nil {
			return err
		}
	}
	return nil
}

// toldErased reports whether a record that is not here was erased, by the word
// of a status that is.
func (n *Node) toldErased(digest [sha256.Size]byte) (bool, error) {
	if n.store.Has(digest) != store.Wanted {
		return false, nil
	}
	statuses, err := n.store.Statuses(protocol.CID(digest))
	if err != nil {
		return false, err
	}
	for _, r := range statuses {
		if isErasure(r) {
			return true, nil
		}
	}
	return false, nil
}

// rootName writes a fingerprint for people.
func rootName(root [8]byte) string { return hex.EncodeToString(root[:]) }
