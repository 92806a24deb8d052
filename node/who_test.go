package node_test

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

func in1(k ed25519.PrivateKey) []did.DID { return []did.DID{didOf(k)} }

// Who holds what, near Brest: each row is a question and the names that answer,
// in order.
func TestWho(t *testing.T) {
	b := alone(t)
	landerneau, lannion := territory.ID("fr:epci:242900801"), territory.ID("fr:epci:200065928")
	commune := territory.ID("fr:com:29019") // Brest itself, within its EPCI
	at := noon.Add(-24 * time.Hour)
	names := map[did.DID]string{}
	person := func(name string) ed25519.PrivateKey {
		k := key(name)
		names[didOf(k)] = name
		return k
	}
	laser := class(t, "Découpe laser", tyfab, at, levels)
	lasers := class(t, "Découpes laser avancées", tyfab, at)
	wood := class(t, "Menuiserie", tyfab, at, func(a *badge.Achievement) { a.Tag = []string{"découpe laser", "bois"} })
	b.upload(laser, lasers, wood)
	hand := func(c protocol.Record, name string, n int, where territory.ID, change ...func(*badge.AchievementCredential)) protocol.Record {
		t.Helper()
		change = append(change, placed(where))
		if n > 0 {
			change = append(change, level(n))
		}
		at = at.Add(time.Second)
		r := award(t, c, tyfab, person(name), at, change...)
		b.upload(r)
		return r
	}
	hand(laser, "near", 1, brest)
	endorsed := hand(laser, "endorsed", 1, brest)
	b.upload(endorse(t, endorsed, alice, at), endorse(t, endorsed, alice, at.Add(time.Second)))
	twice := hand(laser, "twice", 2, brest)
	b.upload(endorse(t, twice, alice, at), endorse(t, twice, bob, at))
	hand(laser, "twice", 1, landerneau)
	hand(laser, "commune", 3, commune)
	hand(laser, "next", 3, landerneau)
	hand(laser, "far", 3, lannion)
	hand(laser, "farther", 3, rennes)
	hand(lasers, "part", 0, brest)
	hand(wood, "tag", 0, brest)
	hand(laser, "expired", 3, brest, func(c *badge.AchievementCredential) {
		c.ValidUntil = badge.FormatTime(noon.Add(-time.Minute))
	})
	hand(laser, "begins", 3, brest, func(c *badge.AchievementCredential) { c.ValidFrom = badge.FormatTime(noon.Add(time.Hour)) })
	hand(laser, "liar", 3, brest, func(c *badge.AchievementCredential) { c.Subject.Achievement.Description = "Autre chose." })
	for state, by := range map[string]string{badge.Revoked: "", badge.Suspended: "", badge.Renounced: "renounced", badge.Erased: "erased"} {
		name := state
		r := hand(laser, name, 3, brest)
		k := tyfab
		if by != "" {
			k = key(by)
		}
		b.upload(status(t, r.CID(), state, k, at))
	}
	b.upload(status(t, lasers.CID(), badge.Retired, tyfab, at)) // its awards stay

	place := must(must(b.Gazetteer())(t).Find("Brest"))(t)
	for _, c := range []struct {
		skill  string
		radius float64
		level  int
		limit  int
		want   string
	}{
		{"découpe laser", 0, 0, 0, "twice endorsed commune near next part tag"},
		{"Découpe laser", 2, 0, 0, "twice endorsed commune near part tag"},
		{"DECOUPES LASERS", 0, 0, 0, "twice endorsed commune near next part tag"},
		{"laser découpe", 0, 0, 0, "twice endorsed commune near next part tag"},
		{"decoupe laser", 0, 3, 0, "commune next"},
		{"decoupe laser", 0, 0, 2, "twice endorsed"},
		{"decoupe laser", 100, 0, 0, "twice endorsed commune near next far part tag"},
		{"laser avancé", 0, 0, 0, "part"},
		{"menuiserie", 0, 0, 0, "tag"},
		{"bois", 0, 0, 0, "tag"},
		{"soudure", 0, 0, 0, ""},
	} {
		answer, err := b.Who(node.WhoQuery{Skill: c.skill, Near: place, Radius: c.radius, Level: c.level, Limit: c.limit})
		if err != nil {
			t.Errorf("%s: %v", c.skill, err)
			continue
		}
		var got []string
		for _, a := range answer.Answers {
			got = append(got, names[a.Holder])
		}
		if fmt.Sprint(got) != fmt.Sprint(strings.Fields(c.want)) {
			t.Errorf("%s within %v km from level %d: got %v, want [%s]", c.skill, c.radius, c.level, got, c.want)
		}
		if c.limit == 0 && answer.Found != len(got) {
			t.Errorf("%s: found %d, want %d", c.skill, answer.Found, len(got))
		}
	}

	answer := must(b.Who(node.WhoQuery{Skill: "découpe laser", Near: place}))(t)
	best := answer.Answers[0]
	if best.Endorsed != 2 || len(best.Endorsers) != 2 || best.Level != 2 || best.Band != territory.SameTerritory || best.OutsideRule {
		t.Errorf("the best: got %+v, want level 2, endorsed by two, in the same territory", best)
	}
	if next := answer.Answers[4]; next.Band != territory.Under20 || next.Km < 5 || next.Km > 30 {
		t.Errorf("the next territory: got %s, %v km", next.Band, next.Km)
	}
	if answer.Answers[1].Endorsed != 1 {
		t.Errorf("endorsed twice by one: got %d, want 1", answer.Answers[1].Endorsed)
	}
	for _, q := range []node.WhoQuery{{Near: place}, {Skill: "de la", Near: place}, {Skill: "laser", Near: place, Radius: -1}, {Skill: "laser", Near: place, Radius: 1e9}} {
		if _, err := b.Who(q); err == nil {
			t.Errorf("%+v: got no error", q)
		}
	}
	// A class that comes after the index was read is found too.
	weld := class(t, "Soudure", tyfab, at)
	b.upload(weld)
	hand(weld, "welder", 0, brest)
	if got := must(b.Who(node.WhoQuery{Skill: "soudure", Near: place}))(t); got.Found != 1 {
		t.Errorf("a new class: found %d, want 1", got.Found)
	}
}

// A batch goes through the same door as one, and answers for each.
func TestAcceptBatch(t *testing.T) {
	ctx := context.Background()
	b := start(t, brest)
	near := start(t, brest)
	b.join(near)
	var raws [][]byte
	var records []protocol.Record
	for i := range 10 {
		r := notice(t, i, alice, noon)
		records = append(records, r)
		raws = append(raws, r.Bytes())
	}
	erased := status(t, records[3].CID(), badge.Erased, alice, noon)
	b.upload(records[3], erased)
	future := notice(t, 99, alice, noon.Add(time.Hour))
	raws = append(raws, []byte("{}"), future.Bytes(), raws[0])
	got := b.AcceptBatch(ctx, raws, node.Source{Via: node.Uploaded})
	if len(got) != len(raws) {
		t.Fatalf("got %d answers, want %d", len(got), len(raws))
	}
	for i, a := range got {
		switch {
		case i == 3:
			wants(t, "erased", a.Err, node.ErrErased)
		case i == 10 || i == 11:
			if a.Err == nil {
				t.Errorf("answer %d: got no error", i)
			}
		case a.Err != nil || a.New != (i < 10) || i < 10 && a.Record.Digest() != records[i].Digest():
			t.Errorf("answer %d: got %+v", i, a)
		}
	}
	if b.Held() != 1 {
		t.Errorf("held: got %d, want the one from the future", b.Held())
	}
	near.gets(slices.Delete(records, 3, 4)...)
	if got := b.AcceptBatch(ctx, nil, node.Source{}); len(got) != 0 {
		t.Errorf("of nothing: got %v", got)
	}
}
