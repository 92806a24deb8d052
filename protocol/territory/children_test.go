package territory_test

import (
	"slices"
	"testing"

	"codeberg.org/essaim/essaim/protocol/territory"
)

// What a territory holds is what says it is within it, from a country to an
// arrondissement.
func TestChildren(t *testing.T) {
	g := gazetteer(t)
	for _, x := range []struct {
		id    territory.ID
		first []territory.ID
		has   []territory.ID
		not   []territory.ID
		count int // at least
	}{
		{"iso:FR-29", nil, []territory.ID{"fr:epci:242900314", "fr:epci:200068120"}, []territory.ID{"iso:FR-29", "fr:epci:243500139", "fr:com:29019"}, 20},
		{"iso:FR-BRE", []territory.ID{"iso:FR-22", "iso:FR-29", "iso:FR-35", "iso:FR-56"}, []territory.ID{"fr:epci:243500139"}, []territory.ID{"iso:FR"}, 60},
		{"iso:FR", nil, []territory.ID{"iso:FR-BRE", "iso:FR-29", "fr:epci:242900314", "fr:arm:75101"}, nil, 1300},
		{"fr:epci:242900314", nil, []territory.ID{"fr:com:29019"}, []territory.ID{"fr:com:29232", "fr:epci:242900314"}, 8},
		{"fr:com:75056", nil, []territory.ID{"fr:arm:75101", "fr:arm:75120"}, nil, 20},
		{"fr:arm:75101", nil, nil, nil, 0},
		{"iso:BE", nil, nil, []territory.ID{"iso:FR"}, 0},
		{"gh:gbsu", nil, nil, nil, 0},
	} {
		got := g.Children(x.id)
		if len(got) < x.count || x.count == 0 && len(got) > 0 {
			t.Errorf("%s: %d children, want %d at least, and none where none are", x.id, len(got), x.count)
		}
		if len(got) >= len(x.first) && !slices.Equal(got[:len(x.first)], x.first) {
			t.Errorf("%s begins with %v, want %v", x.id, got[:len(x.first)], x.first)
		}
		for _, id := range x.has {
			if !slices.Contains(got, id) {
				t.Errorf("%s does not have %s", x.id, id)
			}
		}
		for _, id := range append(x.not, x.id) {
			if slices.Contains(got, id) {
				t.Errorf("%s has %s", x.id, id)
			}
		}
		for _, id := range got {
			if !slices.Contains(g.Within(id), x.id) {
				t.Errorf("%s has %s, which is not within", x.id, id)
			}
		}
	}
}
