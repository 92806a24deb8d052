package demo

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/store"
)

// patience is how long nothing may arrive anywhere before nodes that hold
// different records are said to differ.
const patience = 30 * time.Second

// settle returns when all nodes hold the same records, each of them whole.
func (st *story) settle(ctx context.Context) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	arrivals, since := uint64(0), time.Now()
	for {
		sets, err := st.sets()
		if err != nil {
			return err
		}
		difference := st.difference(sets)
		if difference == "" {
			st.tell(Event{Step: Same, Text: fmt.Sprint(len(sets[0]))})
			return st.whole(sets[0])
		}
		now := uint64(0)
		for _, p := range st.places {
			now += uint64(p.Node.Store().Last())
		}
		if now != arrivals {
			arrivals, since = now, time.Now()
		}
		if time.Since(since) > patience {
			return fmt.Errorf("the nodes differ, and nothing has arrived for %v: %s", patience, difference)
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// sets returns what each node holds of the three territories, by digest. A
// record of two territories stands once.
func (s *Swarm) sets() (sets [places][]store.Digest, err error) {
	for i, p := range s.places {
		for _, where := range s.places {
			for d, err := range p.Node.Store().Digests(where.Territory) {
				if err != nil {
					return sets, fmt.Errorf("%s: %w", p.Name, err)
				}
				sets[i] = append(sets[i], d)
			}
		}
		slices.SortFunc(sets[i], compare)
		sets[i] = slices.Compact(sets[i])
	}
	return sets, nil
}

func compare(a, b store.Digest) int {
	return cmp.Or(slices.Compare(a.Digest[:], b.Digest[:]), cmp.Compare(a.Kind, b.Kind))
}

// difference says what sets one node's set apart from what all hold together,
// or "".
func (s *Swarm) difference(sets [places][]store.Digest) string {
	if slices.Equal(sets[0], sets[1]) && slices.Equal(sets[1], sets[2]) {
		return ""
	}
	all := slices.Concat(sets[:]...)
	slices.SortFunc(all, compare)
	all = slices.Compact(all)
	var says []string
	for i, p := range s.places {
		var lacks []store.Digest
		for _, d := range all {
			if at, ok := slices.BinarySearchFunc(sets[i], d, compare); !ok || sets[i][at] != d {
				lacks = append(lacks, d)
			}
		}
		if len(lacks) > 0 {
			says = append(says, fmt.Sprintf("%s lacks %d of %d records, such as %s %s",
				p.Name, len(lacks), len(all), lacks[0].Kind, protocol.CID(lacks[0].Digest)))
		}
	}
	return strings.Join(says, "; ")
}

// whole reads the bytes and the state of every record at every node: the bytes
// have the digest that names them, and what is revoked at one is at all.
func (s *Swarm) whole(set []store.Digest) error {
	for _, d := range set {
		name := protocol.CID(d.Digest)
		var first protocol.State
		for i, p := range s.places {
			_, err := p.Node.Store().Bytes(name)
			if gone := d.Stub && errors.Is(err, store.ErrErased); err != nil && !gone {
				return fmt.Errorf("%s: %w", p.Name, err)
			}
			state, err := p.Node.Store().State(name)
			switch {
			case err != nil:
				return fmt.Errorf("%s: %w", p.Name, err)
			case i == 0:
				first = state
			case state != first:
				return fmt.Errorf("%s %s is %s in %s and %s in %s", d.Kind, name, first, s.places[0].Name, state, p.Name)
			}
		}
	}
	return nil
}

// nameOf returns a short name of a set, the same for the same set.
func nameOf(set []store.Digest) string {
	h := sha256.New()
	for _, d := range set {
		h.Write(d.Digest[:])
	}
	return hex.EncodeToString(h.Sum(nil)[:8])
}
