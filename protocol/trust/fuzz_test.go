package trust_test

import (
	"testing"

	"codeberg.org/essaim/essaim/protocol/trust"
)

// FuzzGraph reads a history out of bytes: whatever happens, the graph says what
// one says that knows only the outcome, and what the law says.
func FuzzGraph(f *testing.F) {
	for _, seed := range []string{
		"", "\x00\x01\x02\x03",
		"\x00\x01\x00\x09\x0f\x00\x01\x03\x00\x00\x09\x0f\x01\x02\x04\x01\x00\x01",
		"\x02\x00\x01\x02\x01\x09\x05\x01\x02\x00\x00\x09\x06\x00\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f",
		"swarms of bees swarm in swarms, and bees of swarms swarm with bees of other swarms",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) > 1000 {
			return
		}
		at := 0
		w := &town{people: 6, draw: func(limit int, _ string) int {
			if at >= len(data) {
				return 0
			}
			at++
			return int(data[at-1]) % limit
		}}
		g, v, facts := w.live(t, len(data)/6)
		fresh := graphOf(t, v, facts)
		same(t, tell(g, w.people, facts), tell(fresh, w.people, facts))
		follows(t, g, law{view: v, facts: facts}, w.people)
		if _, ok := g.Backing(trust.Target{Record: digest("nothing")}); ok {
			t.Fatal("what never came is backed")
		}
	})
}
