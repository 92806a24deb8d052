package node_test

import (
	"path/filepath"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// Two changes within one second count in the order they were made.
func TestTwoChangesInOneSecond(t *testing.T) {
	stopped := time.Date(2026, 11, 25, 9, 30, 0, 0, time.UTC)
	n, err := node.New(node.Config{Dir: t.TempDir(), InMemory: true, Clock: func() time.Time { return stopped }})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	ctx := t.Context()
	fablab := node.Community{Name: "Fablab", Place: "Brest"}
	if _, err = n.Setup(ctx, fablab, keyring.Protection{KeyFile: filepath.Join(t.TempDir(), "key")}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"Fablab de la rade", "La Rade", "Le Fablab"} {
		fablab.Name = name
		c, err := n.Setup(ctx, fablab, keyring.Protection{})
		if err != nil {
			t.Fatal(err)
		}
		if got := n.NameOf(c.DID); got != name {
			t.Errorf("it is called %q, want %q", got, name)
		}
	}
	class, err := n.NewClass(ctx, node.ClassDraft{Name: "Soudure", Description: "Soude", Criteria: "Un joint"})
	if err != nil {
		t.Fatal(err)
	}
	_, code, err := n.Award(ctx, node.AwardDraft{Class: class.CID(), To: "Nadia"})
	if err != nil {
		t.Fatal(err)
	}
	award, err := n.Claim(ctx, code, "")
	if err != nil {
		t.Fatal(err)
	}
	for i := range 6 {
		state, want := badge.Suspended, protocol.Suspended
		if i%2 == 1 {
			state, want = badge.Reinstated, protocol.Live
		}
		if _, err := n.SetStatus(ctx, node.StatusDraft{Target: award.CID(), State: state}); err != nil {
			t.Fatal(err)
		}
		if got, err := n.Store().State(award.CID()); err != nil || got != want {
			t.Errorf("change %d: %v, %v; want %v", i, got, err, want)
		}
	}
}
