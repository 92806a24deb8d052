package node_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"slices"
	"testing"
	"testing/iotest"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/bundle"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// bundled is what a node writes of territories.
func bundled(t testing.TB, n *node.Node, ids ...territory.ID) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := must(n.Bundle(ids...))(t).Write(context.Background(), &b); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// reads reads a bundle that is whole.
func reads(t testing.TB, n *node.Node, file []byte) node.BundleReport {
	t.Helper()
	r, err := n.ReadBundle(context.Background(), bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// offline is a node that speaks to nobody.
func offline(t testing.TB) *node.Node {
	t.Helper()
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.Network = false
	n := must(node.New(config))(t)
	t.Cleanup(func() { _ = n.Close() })
	return n
}

func TestBundleCarriesATerritory(t *testing.T) {
	from, to := offline(t), offline(t)
	accept := func(raws ...[]byte) {
		for _, a := range from.AcceptBatch(context.Background(), raws, node.Source{Via: node.Uploaded}) {
			if a.Err != nil {
				t.Fatal(a.Err)
			}
		}
	}
	accept(notices()[:300]...)
	elsewhere, both := notice(t, 9998, alice, noon, rennes), notice(t, 9999, alice, noon, brest, rennes)
	gone := notice(t, 9997, alice, noon)
	accept(elsewhere.Bytes(), both.Bytes(), gone.Bytes(), status(t, gone.CID(), badge.Erased, alice, noon).Bytes())

	file := bundled(t, from, brest)
	if bytes.Contains(file, gone.Bytes()) {
		t.Error("the file has an erased record")
	}
	if r := reads(t, to, file); r.New != 302 || r.Known+r.Erased+r.Held+len(r.Refused) != 0 { // with both, and the status
		t.Errorf("read %+v, want 302 new records", r)
	}
	if got, want := set(t, to, brest), set(t, from, brest); len(got) != len(want)-1 { // without the stub
		t.Errorf("%d records of Brest, want %d", len(got), len(want)-1)
	}
	if r := reads(t, to, file); r.New != 0 || r.Known != 302 {
		t.Errorf("read again: %+v, want 302 known records", r)
	}
	if r := reads(t, to, bundled(t, from)); r.New != 1 || r.Known != 302 {
		t.Errorf("read all: %+v, want 1 new record of elsewhere", r)
	}
	if r := reads(t, to, bundled(t, from, quimper)); r.New+r.Known != 0 || r.Others != 1 {
		t.Errorf("read nothing: %+v", r)
	}
	if _, err := from.Bundle("Brest"); !errors.Is(err, territory.ErrSyntax) {
		t.Errorf("got %v, want that Brest is no id", err)
	}
}

// An old stick does not bring back what was erased, and a new one takes it away.
func TestBundleAndErasure(t *testing.T) {
	home, away := offline(t), offline(t)
	secret := notice(t, 1, alice, noon)
	if _, err := home.Accept(context.Background(), secret.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	old := bundled(t, home)
	reads(t, away, old)
	erasure := status(t, secret.CID(), badge.Erased, alice, noon)
	if _, err := home.Accept(context.Background(), erasure.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	if r := reads(t, home, old); r.Erased != 1 || r.New != 0 {
		t.Errorf("the old stick: got %+v, want one erased", r)
	}
	if r := reads(t, away, bundled(t, home)); r.New != 1 {
		t.Errorf("the new stick: got %+v, want the status", r)
	}
	for name, n := range map[string]*node.Node{"home": home, "away": away} {
		if _, err := n.Record(secret.CID()); err == nil {
			t.Errorf("%s has what was erased", name)
		}
	}
	// Who never had it: the old stick after the new one.
	third := offline(t)
	reads(t, third, bundled(t, home))
	if r := reads(t, third, old); r.Erased != 1 || r.New != 0 {
		t.Errorf("the old stick after the new: got %+v, want one erased", r)
	}
}

// Revocations come first, whatever the order of their arrival.
func TestBundleBeginsWithControl(t *testing.T) {
	n := offline(t)
	first := notice(t, 1, alice, noon.Add(-time.Hour))
	withdrawn := status(t, first.CID(), badge.Withdrawn, alice, noon)
	for _, r := range []protocol.Record{first, withdrawn} {
		if _, err := n.Accept(context.Background(), r.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
			t.Fatal(err)
		}
	}
	in := must(bundle.NewReader(bytes.NewReader(bundled(t, n))))(t)
	if raw := must(in.Next())(t); !bytes.Equal(raw, withdrawn.Bytes()) {
		t.Error("the first record is not the status")
	}
}

// What is bad in a file is said, and what was good before it is kept.
func TestBadBundles(t *testing.T) {
	good := notices()[:3]
	var names [][32]byte
	raws := append(slices.Clone(good), []byte("no record"), good[0][:40])
	for _, r := range raws {
		names = append(names, sha256.Sum256(r))
	}
	var b bytes.Buffer
	w := must(bundle.NewWriter(&b, bundle.Contents{}, names))(t)
	for _, r := range raws {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	file := b.Bytes()
	if r := reads(t, offline(t), file); r.New != 3 || r.Refused[protocol.Malformed] != 2 {
		t.Errorf("got %+v, want 3 new and 2 that are no JSON", r)
	}

	cutAt := len(file) - 60
	r, err := offline(t).ReadBundle(context.Background(), bytes.NewReader(file[:cutAt]))
	if !errors.Is(err, bundle.ErrCut) || r.New != 3 {
		t.Errorf("cut: got %+v, %v; want 3 new, and that it ends too early", r, err)
	}
	changed := bytes.Clone(file)
	changed[bytes.Index(file, good[2])+100] ^= 1
	r, err = offline(t).ReadBundle(context.Background(), bytes.NewReader(changed))
	if !errors.Is(err, bundle.ErrDamaged) || r.New != 2 {
		t.Errorf("changed: got %+v, %v; want 2 new, and that it is damaged", r, err)
	}
	broken := errors.New("the stick was pulled out")
	r, err = offline(t).ReadBundle(context.Background(), io.MultiReader(bytes.NewReader(file[:cutAt]), iotest.ErrReader(broken)))
	if !errors.Is(err, broken) || r.New != 3 {
		t.Errorf("pulled out: got %+v, %v; want 3 new, and why", r, err)
	}

	// Junk without end is not read without end.
	names, b = nil, bytes.Buffer{}
	var junk [][]byte
	for i := range 3000 {
		junk = append(junk, []byte{'{', byte(i), byte(i >> 8)})
		names = append(names, sha256.Sum256(junk[i]))
	}
	w = must(bundle.NewWriter(&b, bundle.Contents{}, names))(t)
	for _, r := range junk {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if r, err := offline(t).ReadBundle(context.Background(), &b); !errors.Is(err, bundle.ErrNotBundle) || r.New != 0 {
		t.Errorf("junk: got %+v, %v; want that it is no bundle", r, err)
	}
}

// What is erased while a bundle is written ends the writing: it would miss.
func TestErasedWhileWriting(t *testing.T) {
	n := offline(t)
	r := notice(t, 1, alice, noon)
	if _, err := n.Accept(context.Background(), r.Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	w := must(n.Bundle())(t)
	if _, err := n.Accept(context.Background(), status(t, r.CID(), badge.Erased, alice, noon).Bytes(), node.Source{Via: node.Uploaded}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(context.Background(), io.Discard); err == nil {
		t.Error("a bundle without what it announces was written")
	}
}
