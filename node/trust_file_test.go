package node_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// again opens the folder of a node that stopped.
func again(t testing.TB, dir string, c *clock) *box {
	t.Helper()
	n := must(node.New(node.Config{Dir: dir, Clock: c.now, MinFree: 1 << 20}))(t)
	return &box{Node: n, t: t, clock: c, dir: dir, stop: func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}}
}

// A node stops and starts: what it chose and what it knew of trust is there,
// from the facts it kept, from a damaged file of them, and from none.
func TestTrustSurvivesRestarts(t *testing.T) {
	ctx := context.Background()
	dir, c := t.TempDir(), &clock{}
	at := noon.Add(-48 * time.Hour)
	laser, late := class(t, "Découpe laser", ubo, at), class(t, "Menuiserie", ubo, at)
	kept, waits, gone := award(t, laser, ubo, alice, at), award(t, late, ubo, alice, at), award(t, laser, ubo, bob, at)
	facts := filepath.Join(dir, "trust.facts")
	view := func(b *box) trust.Digest {
		t.Helper()
		must(b.Viewpoint(ctx))(t)
		return b.TrustReport().View
	}

	b := again(t, dir, c)
	b.trusts(tyfab)
	b.upload(laser, kept, gone, vouch(t, tyfab, ubo, 0, at), vouch(t, tyfab, cantine, 0, at))
	must(b.Viewpoint(ctx))(t)
	b.upload(waits, handOver(t, cantine, key("cantine-2"), at), dispute(t, kept.CID().String(), "other", "Non.", cantine, at),
		compromised(t, mallory, at, at))
	if err := b.Ignore(ctx, didOf(cantine)); err != nil {
		t.Fatal(err)
	}
	want := view(b)
	b.is("before", of(kept), "backed")
	b.stop()

	for _, damage := range []struct {
		what string
		do   func([]byte) []byte
	}{
		{"nothing", func(raw []byte) []byte { return raw }},
		{"its end cut off", func(raw []byte) []byte { return raw[:len(raw)-7] }},
		{"half of it cut off", func(raw []byte) []byte { return raw[:len(raw)/2] }},
		{"a bit in its last frame", func(raw []byte) []byte { raw[len(raw)-3] ^= 1; return raw }},
		{"a bit in its first frame", func(raw []byte) []byte { raw[100] ^= 1; return raw }},
		{"another format", func(raw []byte) []byte { raw[20]++; return raw }},
		{"zeros at its end", func(raw []byte) []byte { return append(raw, make([]byte, 100)...) }},
		{"all", func([]byte) []byte { return nil }},
	} {
		raw := must(os.ReadFile(facts))(t)
		if err := os.WriteFile(facts, damage.do(bytes.Clone(raw)), 0o600); err != nil {
			t.Fatal(err)
		}
		b = again(t, dir, c)
		if r := b.TrustReport(); r.Ready || r.Size.Facts != 0 {
			t.Errorf("damaged: %s: before the first question: got %+v, want nothing built", damage.what, r)
		}
		if got := view(b); got != want {
			t.Errorf("damaged: %s: got view %s, want %s", damage.what, got, want)
		}
		b.is("damaged: "+damage.what, of(kept), "backed")
		b.is("without its class", of(waits), "of no effect")
		b.stop()
	}

	// The class an award waited for comes after a restart.
	b = again(t, dir, c)
	must(b.Viewpoint(ctx))(t)
	b.stop()
	b = again(t, dir, c)
	b.upload(late)
	b.is("with its class", of(waits), "backed")
	// Bob erases his badge: nothing of it stays in the file.
	digest := gone.Digest()
	if raw := must(os.ReadFile(facts))(t); !bytes.Contains(raw, digest[:]) {
		t.Error("the file does not hold the award before it is erased")
	}
	b.upload(status(t, gone.CID(), badge.Erased, bob, noon))
	want = view(b)
	if raw := must(os.ReadFile(facts))(t); bytes.Count(raw, digest[:]) != 1 { // as the target of the tombstone
		t.Errorf("the file names the erased award %d times, want once", bytes.Count(raw, digest[:]))
	}
	b.stop()
	b = again(t, dir, c)
	if got := view(b); got != want {
		t.Errorf("after an erasure: got view %s, want %s", got, want)
	}
	b.is("with its class", of(waits), "backed")
	b.sameRebuilt("at the end")
	b.stop()
}

// A store that lost its last arrivals to a power cut, and has others in their
// place, does not get the facts of those it lost.
func TestFactsOfLostArrivals(t *testing.T) {
	ctx := context.Background()
	at := noon.Add(-48 * time.Hour)
	c := &clock{}
	first, second := t.TempDir(), t.TempDir()
	folder := func(dir string, records ...protocol.Record) {
		b := again(t, dir, c)
		b.trusts(tyfab)
		for _, r := range records {
			b.upload(r)
			must(b.Viewpoint(ctx))(t)
		}
		b.stop()
	}
	same, lost, other := vouch(t, tyfab, ubo, 0, at), vouch(t, tyfab, mallory, 0, at), vouch(t, tyfab, cantine, 0, at)
	folder(first, same, lost, vouch(t, mallory, bob, 0, at))
	folder(second, same, other)
	raw := must(os.ReadFile(filepath.Join(first, "trust.facts")))(t)
	if err := os.WriteFile(filepath.Join(second, "trust.facts"), raw, 0o600); err != nil {
		t.Fatal(err)
	}
	b := again(t, second, c)
	b.is("what both had", whose(ubo), "backed")
	b.is("what was lost", whose(mallory), "unknown")
	b.is("what came instead", whose(cantine), "backed")
	b.stop()
}
