package store_test

import (
	"fmt"
	"maps"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// What is in a class is what the records say, whether few are looked up or all names
// are read, and nothing that was erased.
func TestInClass(t *testing.T) {
	const brest, rennes = territory.ID("fr:epci:242900314"), territory.ID("fr:epci:243500139")
	s := inMemory(t)
	fablab := key("fablab")
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	many, few, none := class(t, "Soudure", fablab), class(t, "Couture", fablab), class(t, "Jamais", fablab)
	put(t, s, many, few)
	for i := range 120 {
		c, frame := many, in(string(brest))
		if i%30 == 7 {
			c = few
		}
		if i%4 == 1 {
			frame = in(string(brest), string(rennes))
		}
		who := key(fmt.Sprint("holder ", i))
		a := award(t, c, fablab, who, at.Add(time.Duration(i/3)*time.Second), frame)
		put(t, s, a)
		switch i % 10 {
		case 0:
			put(t, s, status(t, a.CID(), badge.Erased, who, at.Add(time.Hour)))
		case 1:
			put(t, s, status(t, a.CID(), badge.Revoked, fablab, at.Add(time.Hour)))
		}
	}
	for _, c := range []protocol.Record{many, few, none} {
		for _, id := range []territory.ID{brest, rennes, "iso:BE-WAL"} {
			want := map[store.Digest]bool{}
			for e, err := range s.Find(store.Query{Territory: id}) {
				if err != nil {
					t.Fatal(err)
				}
				if r, err := e.Record(); err != nil {
					t.Fatal(err)
				} else if r.Class() == c.CID() || r.CID() == c.CID() {
					want[store.Digest{Created: r.Created(), Digest: r.Digest(), Kind: r.Kind()}] = true
				}
			}
			got := map[store.Digest]bool{}
			for d, err := range s.InClass(c.CID(), id) {
				if err != nil || got[d] {
					t.Fatalf("%v: %+v for the second time, or %v", id, d, err)
				}
				got[d] = true
			}
			if !maps.Equal(got, want) {
				t.Errorf("%s in %s: got %d records, want %d", c.CID(), id, len(got), len(want))
			}
			if n, err := s.CountInClass(c.CID(), id); err != nil || n != len(want) {
				t.Errorf("%s in %s: counted %d (%v), want %d", c.CID(), id, n, err, len(want))
			}
		}
	}
	if n, err := s.CountInClass(few.CID(), brest); err != nil || n != 5 {
		t.Errorf("too little to test anything: %d, %v", n, err)
	}
}
