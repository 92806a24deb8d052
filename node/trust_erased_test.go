package node_test

import (
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// Anybody may sign an award whose class is the name of something erased. It is
// no fact, and nothing stops for it.
func TestAnAwardOfWhatWasErased(t *testing.T) {
	b := alone(t)
	at := noon.Add(-time.Hour)
	gone := notice(t, 1, alice, at)
	b.upload(gone, status(t, gone.CID(), badge.Erased, alice, at))
	laser := class(t, "Découpe laser", ubo, at)
	b.upload(laser, award(t, laser, ubo, bob, at, func(c *badge.AchievementCredential) {
		c.Subject.Achievement.Class = gone.CID().String()
	}))
	good := award(t, laser, ubo, bob, at.Add(time.Second))
	b.upload(good)
	if got := must(b.Explain(t.Context(), protocol.Target{CID: good.CID()}))(t); len(got) != 1 {
		t.Errorf("got %d explanations, want one", len(got))
	}
}
