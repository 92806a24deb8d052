package node

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/reconcile"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// The set of a class in a territory is its own record, if that is of the
// territory, and the awards of it there, but for what was erased: spec/sync-node.md
// §1. It is made from the store when a round wants it, for who keeps the whole
// territory and for who keeps that class of it.

//
// The set of the classes of a territory, without awards, is for who keeps those that
// speak of a skill, and must know which they are.

const (
	// className begins the name of the set of a class: it goes on with the CID of
	// the class, a slash and the territory.
	className = "class/"
	// classesName begins the name of that of all classes, and ends in a territory.
	classesName = "classes/"
)

// setName is what a name of a set says.
type setName struct {
	territory territory.ID
	control   bool
	classes   bool
	class     cid.Cid // undefined for the other sets
}

// partial reports whether it is a set of what partial mirrors keep, and is made when a
// round wants it.
func (s setName) partial() bool { return s.classes || s.class.Defined() }

// badges reports whether it is the set of all but statuses and successions.
func (s setName) badges() bool { return !s.control && !s.partial() }

func (s setName) String() string {
	switch {
	case s.control:
		return controlName + string(s.territory)
	case s.classes:
		return classesName + string(s.territory)
	case s.class.Defined():
		return className + s.class.String() + "/" + string(s.territory)
	}
	return badgesName + string(s.territory)
}

// has reports whether a record is of the set, by its bytes alone.
func (s setName) has(r protocol.Record) bool {
	if !slices.Contains(r.Territories(), s.territory) {
		return false
	}
	if s.classes {
		return r.Kind() == protocol.Class
	}
	if s.class.Defined() {
		return r.Kind() == protocol.Award && r.Class() == s.class || r.Kind() == protocol.Class && r.CID() == s.class
	}
	return isControl(r.Kind()) == s.control
}

// parseSetName reads the name of a set; ok is false for what is none.
func parseSetName(name string) (s setName, ok bool) {
	if rest, found := strings.CutPrefix(name, controlName); found {
		return setName{territory: territory.ID(rest), control: true}, true
	}
	if rest, found := strings.CutPrefix(name, badgesName); found {
		return setName{territory: territory.ID(rest)}, true
	}
	if rest, found := strings.CutPrefix(name, classesName); found {
		return setName{territory: territory.ID(rest), classes: true}, true
	}
	rest, found := strings.CutPrefix(name, className)
	class, where, cut := strings.Cut(rest, "/")
	if !found || !cut {
		return s, false
	}
	c, err := badge.ParseCID(class)
	if err != nil {
		return s, false
	}
	return setName{territory: territory.ID(where), class: c}, true
}

// classSets are the last sets of classes that were made, until something of them
// changes. The zero classSets are empty.
type classSets struct {
	making sync.Mutex // held by who makes one: one is made at a time

	mu      sync.Mutex // guards the rest; never held over I/O
	kept    map[string]keptView
	changes int
}

type keptView struct {
	view reconcile.View
	used time.Time
}

// change forgets what records change that the store has from now on.
func (k *classSets) change(records ...protocol.Record) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range records {
		class := r.Class()
		switch {
		case isErasure(r): // of an award of some class
			clear(k.kept)
		case r.Kind() == protocol.Class:
			class = r.CID()
		case r.Kind() != protocol.Award:
			continue
		}
		k.changes++
		for _, id := range r.Territories() {
			delete(k.kept, setName{territory: id, class: class}.String())
			if r.Kind() == protocol.Class {
				delete(k.kept, setName{territory: id, classes: true}.String())
			}
		}
	}
}

func (k *classSets) get(name string) (v reconcile.View, changes int, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	old, ok := k.kept[name]
	if ok {
		k.kept[name] = keptView{old.view, time.Now()}
	}
	return old.view, k.changes, ok
}

// put keeps a set that was made while nothing changed, in place of those that were
// not used for longest, or for ClassLife.
func (k *classSets) put(name string, v reconcile.View, changes int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if changes != k.changes {
		return
	}
	if k.kept == nil {
		k.kept = map[string]keptView{}
	}
	now := time.Now()
	k.kept[name] = keptView{v, now}
	for {
		oldest, keys := name, 0
		for other, x := range k.kept {
			keys += x.view.Len()
			if x.used.Before(k.kept[oldest].used) {
				oldest = other
			}
		}
		if oldest == name || keys <= synchro.ClassKeys && len(k.kept) <= synchro.Classes && now.Sub(k.kept[oldest].used) < synchro.ClassLife {
			return
		}
		delete(k.kept, oldest)
	}
}

// viewSet returns a set as it is now; ok is false for one that is not kept here, or
// not yet, and for one of a class that has more than ClassKeys records. Took is how
// long it was in the making.
func (n *Node) viewSet(s setName) (v reconcile.View, took time.Duration, ok bool, err error) {
	name := s.String()
	if !s.partial() {
		v, ok = n.sets.view(name)
		return v, 0, ok, nil
	}
	if !n.sets.keepsClass(s) {
		return v, 0, false, nil
	}
	if v, _, ok = n.classSets.get(name); ok {
		return v, 0, true, nil
	}
	n.classSets.making.Lock()
	defer n.classSets.making.Unlock()
	v, changes, ok := n.classSets.get(name)
	if ok {
		return v, 0, true, nil
	}
	began := time.Now()
	v, ok, err = n.makeClassSet(s)
	if err == nil && ok {
		n.classSets.put(name, v, changes)
	}
	return v, time.Since(began), ok, err
}

func (n *Node) makeClassSet(s setName) (v reconcile.View, ok bool, err error) {
	count, err := n.countSet(s)
	if err != nil || count > synchro.ClassKeys {
		return v, false, err
	}
	keys := make([]reconcile.Key, 0, count)
	if s.classes {
		for e, err := range n.store.Find(classesOf(s.territory)) {
			if err != nil {
				return v, false, fmt.Errorf("set of classes of %s: %w", s.territory, err)
			}
			digest, err := n.store.Digest(e.ID)
			if err != nil {
				return v, false, fmt.Errorf("set of classes of %s: %w", s.territory, err)
			}
			keys = append(keys, reconcile.NewKey(e.Created, digest))
		}
	} else {
		for d, err := range n.store.InClass(s.class, s.territory) {
			if err != nil {
				return v, false, fmt.Errorf("set of class %s: %w", s.class, err)
			}
			keys = append(keys, reconcile.NewKey(d.Created, d.Digest))
		}
	}
	set, err := buildSet(keys)
	if err != nil {
		return v, false, err
	}
	return set.View(), true, nil
}

// countSet returns how many keys the set of a class has, or that of classes, half a
// microsecond each.
func (n *Node) countSet(s setName) (int, error) {
	if s.classes {
		return n.store.Count(classesOf(s.territory))
	}
	return n.store.CountInClass(s.class, s.territory)
}

// classesOf finds the classes of a territory. Nobody erases one.
func classesOf(id territory.ID) store.Query {
	return store.Query{Kinds: []protocol.Kind{protocol.Class}, Territory: id}
}
