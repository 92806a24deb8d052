package node_test

import (
	"context"
	"crypto/ed25519"
	"os"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// At the laser cutter: who may, by which rule, and why not.
func TestAccess(t *testing.T) {
	ctx := context.Background()
	b := alone(t)
	at := noon.Add(-48 * time.Hour)
	b.trusts(tyfab)
	laser := class(t, "Découpe laser", ubo, at, levels)
	wood := class(t, "Menuiserie", ubo, at)
	hand := func(name string, n int, change ...func(*badge.AchievementCredential)) protocol.Record {
		t.Helper()
		r := award(t, laser, ubo, key(name), at, append(change, level(n))...)
		b.upload(r)
		return r
	}
	b.upload(laser, wood, vouch(t, tyfab, ubo, 0, at))
	good := hand("good", 2)
	hand("beginner", 1)
	b.upload(endorse(t, good, bob, at))
	b.upload(award(t, laser, mallory, key("by-mallory"), at, level(3)))
	hand("old", 3, func(c *badge.AchievementCredential) { c.AwardedDate = badge.FormatTime(at.AddDate(-3, 0, 0)) })
	hand("expired", 3, func(c *badge.AchievementCredential) { c.ValidUntil = badge.FormatTime(noon.Add(-time.Hour)) })
	hand("begins", 3, func(c *badge.AchievementCredential) { c.ValidFrom = badge.FormatTime(noon.Add(time.Hour)) })
	hand("liar", 3, func(c *badge.AchievementCredential) { c.Subject.Achievement.Description = "Autre chose." })
	b.upload(status(t, hand("revoked", 3).CID(), badge.Revoked, ubo, at))
	b.upload(status(t, hand("suspended", 3).CID(), badge.Suspended, ubo, at))
	hand("stolen", 3)
	b.upload(compromised(t, key("stolen"), at, at))
	hand("renewed", 3)
	b.upload(handOver(t, key("renewed"), key("renewed-2"), at))
	// One award ended, another one holds.
	b.upload(status(t, hand("second-chance", 1).CID(), badge.Revoked, ubo, at))
	b.upload(award(t, laser, ubo, key("second-chance"), at.Add(time.Hour), level(2)))

	// Bob's key is stolen later: his word of before stands, a new one does not.
	forged := hand("forged", 2)
	b.upload(endorse(t, forged, bob, noon), compromised(t, bob, noon.Add(-time.Hour), noon))

	rules := map[string]node.AccessRule{
		"default": {},
		"laser":   {Classes: []string{laser.CID().String()}, Level: 2, Within: 365},
		"trusted": {Trust: trust.LevelBacked},
		"solid":   {Trust: trust.LevelSolid},
		"ubo":     {EndorsedBy: []did.DID{didOf(ubo)}},
		"bob":     {EndorsedBy: []did.DID{didOf(bob), didOf(alice)}},
		"wood":    {Classes: []string{wood.CID().String()}},
		"fresh":   {Fresh: 24},
	}
	for name, r := range rules {
		r.Name = name
		if err := b.SetAccessRule(r); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		rule, who, skill string
		want             node.AccessReason
	}{
		{"", "good", "", node.AccessAllowed},
		{"default", "nobody", "", node.AccessNotHeld},
		{"none", "good", "", node.AccessNoRule},
		{"laser", "good", "", node.AccessAllowed},
		{"laser", "good", "découpe", node.AccessAllowed},
		{"laser", "good", "menuiserie", node.AccessOtherClass},
		{"laser", "good", "soudure", node.AccessOtherClass},
		{"laser", "beginner", "", node.AccessLevelTooLow},
		{"laser", "old", "", node.AccessTooOld},
		{"laser", "second-chance", "", node.AccessAllowed},
		{"laser", "renewed", "", node.AccessAllowed},
		{"laser", "renewed-2", "", node.AccessAllowed},
		{"default", "expired", "", node.AccessExpired},
		{"default", "begins", "", node.AccessExpired},
		{"default", "liar", "", node.AccessNotHeld},
		{"default", "revoked", "", node.AccessNotInForce},
		{"default", "suspended", "", node.AccessNotInForce},
		{"default", "stolen", "", node.AccessCompromised},
		{"default", "by-mallory", "", node.AccessOutsideRule},
		{"trusted", "good", "", node.AccessAllowed},
		{"solid", "good", "", node.AccessNotTrusted},
		{"ubo", "beginner", "", node.AccessAllowed},
		{"bob", "good", "", node.AccessAllowed},
		{"bob", "beginner", "", node.AccessNotEndorsed},
		{"bob", "forged", "", node.AccessNotEndorsed},
		{"wood", "good", "", node.AccessOtherClass},
		{"fresh", "good", "", node.AccessStale},
		{"laser", "good", "none", node.AccessAllowed},
		{"laser", "beginner", "none", node.AccessLevelTooLow},
	} {
		q := node.AccessQuery{Rule: c.rule, Skill: c.skill, Holder: didOf(key(c.who))}
		switch c.skill {
		case "none": // what the rule names is asked about
			q.Skill = ""
		case "":
			q.Class = laser.CID()
		}
		a := must(b.Access(ctx, q))(t)
		if a.Reason != c.want || a.Allowed != (c.want == node.AccessAllowed) {
			t.Errorf("%s by rule %q, %q: got %s (%v), want %s", c.who, c.rule, c.skill, a.Reason, a.Allowed, c.want)
		}
	}
	if a := must(b.Access(ctx, node.AccessQuery{Class: laser.CID(), Holder: didOf(key("good"))}))(t); a.Award != good.CID() || a.Level != trust.LevelBacked {
		t.Errorf("got award %s at level %d, want %s, backed", a.Award, a.Level, good.CID())
	}
	if _, err := b.Access(ctx, node.AccessQuery{Holder: didOf(alice)}); err == nil {
		t.Error("neither class nor skill: got an answer")
	}

	for what, r := range map[string]node.AccessRule{
		"no name": {}, "a bad name": {Name: "Laser !"}, "a bad class": {Name: "x", Classes: []string{"laser"}},
		"a bad identity": {Name: "x", EndorsedBy: []did.DID{"bob"}}, "a bad level": {Name: "x", Level: 6},
		"a bad trust": {Name: "x", Trust: 9}, "less than nothing": {Name: "x", Fresh: -1},
	} {
		if err := b.SetAccessRule(r); err == nil {
			t.Errorf("a rule with %s was taken", what)
		}
	}
	if got := must(b.AccessRules())(t); len(got) != len(rules) || got[0].Name != "bob" {
		t.Errorf("rules: got %+v, want %d by name", got, len(rules))
	}
	if err := b.RemoveAccessRule("default"); err != nil {
		t.Fatal(err)
	}
	wants(t, "remove twice", b.RemoveAccessRule("default"), node.ErrUnknownRule)
	if a := must(b.Access(ctx, node.AccessQuery{Class: laser.CID(), Holder: didOf(key("good"))}))(t); a.Reason != node.AccessNoRule {
		t.Errorf("without the rule: got %s, want no_rule", a.Reason)
	}
}

// What a node knows is as old as its last comparison with a neighbour: beside one
// it says yes, cut off it says no after a while, also when it starts again. Who
// never met anybody says no to a rule that asks for fresh knowledge.
func TestAccessKnowledgeGrowsOld(t *testing.T) {
	ctx := context.Background()
	silent := start(t, brest) // there for gossip alone, as a is: they compare when told to
	c := &clock{}
	config := configure(t.TempDir(), c)
	config.InMemory = false
	a := run(t, config, c, brest, rennes)
	synchronising(t)
	b := start(t, brest)
	laser := class(t, "Découpe laser", tyfab, noon.Add(-time.Hour))
	a.upload(laser, award(t, laser, tyfab, alice, noon.Add(-time.Hour)))
	// Nobody compares Rennes with this node: what it knows of Bob is too old.
	a.upload(award(t, laser, tyfab, bob, noon.Add(-time.Hour), func(c *badge.AchievementCredential) { c.Frame = in(rennes) }))
	if err := a.SetAccessRule(node.AccessRule{Name: node.DefaultRule, Fresh: 24}); err != nil {
		t.Fatal(err)
	}
	is := func(what string, who ed25519.PrivateKey, want node.AccessReason) {
		t.Helper()
		q := node.AccessQuery{Class: laser.CID(), Holder: didOf(who)}
		if got := must(a.Access(ctx, q))(t); got.Reason != want || got.Allowed != (want == node.AccessAllowed) {
			t.Errorf("%s: got %s (heard %s, now %s), want %s", what, got.Reason, got.Heard, got.At, want)
		}
	}
	is("before it met anybody", alice, node.AccessStale)
	a.join(silent)
	is("beside a neighbour nothing was compared with", alice, node.AccessStale)
	silent.stop()
	b.meets(a) // and compares
	eventually(t, "they compared", func() bool {
		return must(a.Access(ctx, node.AccessQuery{Class: laser.CID(), Holder: didOf(alice)}))(t).Allowed
	})
	is("of another territory", bob, node.AccessStale)
	b.stop()
	a.clock.pass(23 * time.Hour)
	is("in the evening", alice, node.AccessAllowed)
	a.stop()
	a = run(t, config, c, brest, rennes)
	is("after it started again", alice, node.AccessAllowed)
	a.clock.pass(2 * time.Hour)
	is("the next day", alice, node.AccessStale)
	a.clock.pass(-48 * time.Hour)
	is("with a clock that went back", alice, node.AccessStale)
}

// The page has the reasons of the code, in full.
func TestAccessReasonsAreThePage(t *testing.T) {
	raw := string(must(os.ReadFile("../spec/trust.md"))(t))
	_, table, _ := strings.Cut(raw, "| reason | when |")
	table, _, _ = strings.Cut(table, "\n\n")
	for _, r := range node.AccessReasons {
		if !strings.Contains(table, "| `"+string(r)+"` | ") {
			t.Errorf("spec/trust.md §12 does not have %s", r)
		}
	}
	if got := strings.Count(table, "\n| `"); got != len(node.AccessReasons) {
		t.Errorf("spec/trust.md §12 has %d reasons, the code %d", got, len(node.AccessReasons))
	}
}
