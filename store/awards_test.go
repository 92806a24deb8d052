package store_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/store"
)

// AwardsIn yields what Awards yields for each pair, whatever is asked for.
func TestAwardsInIsAwardsOfEach(t *testing.T) {
	s := inMemory(t)
	fablab := key("fablab")
	territories := []territory.ID{"fr:epci:242900314", "fr:epci:243500139", "fr:epci:200065597", "iso:BE-WAL", "fr:com:29019"}
	at := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	var classes []cid.Cid
	for i := range 5 {
		c := class(t, fmt.Sprintf("Badge %d", i), fablab)
		put(t, s, c)
		classes = append(classes, c.CID())
		if i == 3 {
			continue // a class without awards
		}
		for j := range territories {
			if (i+j)%3 == 0 {
				continue // a pair without awards
			}
			n := 3
			if i == 1 && j == 1 {
				n = 600 // more than a page
			}
			for k := range n {
				// Some awards stand in two territories.
				frame := in(string(territories[j]))
				if k%5 == 0 && j+1 < len(territories) {
					frame = in(string(territories[j]), string(territories[j+1]))
				}
				put(t, s, award(t, c, fablab, key(fmt.Sprintf("holder %d", k%7)), at.Add(time.Duration(k)*time.Second), frame))
			}
		}
	}
	unknown := class(t, "Jamais vu", fablab).CID()
	asked := [][]cid.Cid{classes, {classes[1]}, {classes[4], unknown, classes[0]}, {unknown}, {classes[3]}, nil}
	places := [][]territory.ID{territories, {territories[1]}, {territories[4], "fr:epci:200000172", territories[0]}, {"fr:epci:200000172"}, nil}
	for _, cs := range asked {
		for _, ts := range places {
			var want []store.AwardIn
			for ci, c := range cs {
				for ti, id := range ts {
					for row, err := range s.Awards(c, id) {
						if err != nil {
							t.Fatal(err)
						}
						want = append(want, store.AwardIn{Class: ci, Territory: ti, AwardRow: row})
					}
				}
			}
			var got []store.AwardIn
			for row, err := range s.AwardsIn(cs, ts) {
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, row)
			}
			order := func(a, b store.AwardIn) int {
				return slices.Compare([]int{a.Class, a.Territory, int(a.Created), int(a.ID)}, []int{b.Class, b.Territory, int(b.Created), int(b.ID)})
			}
			slices.SortFunc(got, order)
			slices.SortFunc(want, order)
			if !slices.Equal(got, want) {
				t.Errorf("%d classes in %v: got %d rows, want %d", len(cs), ts, len(got), len(want))
			}
		}
	}
	if st, err := s.Stats(); err != nil || st.Records[protocol.Award] < 600 {
		t.Fatalf("the store holds too little to test anything: %v, %v", st.Records, err)
	}
}
