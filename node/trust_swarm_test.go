package node_test

import (
	"context"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// Three communities hear the same records and trust different places first: each
// sees its own levels, tells why, and shows the figures of another when it looks
// from there.
func TestTrustAmongThreeCommunities(t *testing.T) {
	ctx := context.Background()
	here := []territory.ID{brest, rennes, quimper}
	rade, vilaine, odet := start(t, here...), start(t, here...), start(t, here...)
	rade.join(vilaine, odet)
	vilaine.join(odet)
	rade.settle("Fablab de la rade", "Brest")
	vilaineDID := vilaine.settle("Atelier de la Vilaine", "Rennes").DID
	odetDID := odet.settle("Les Ateliers de l’Odet", "Quimper").DID

	// Quimper makes a class and awards it; Rennes endorses Quimper, Brest endorses
	// nobody, and takes Rennes as an anchor.
	laser := must(odet.NewClass(ctx, node.ClassDraft{Name: "Découpe laser", Description: "Coupe.", Criteria: "Trois pièces.", Territories: []territory.ID{brest}}))(t)
	_, code, err := odet.Award(ctx, node.AwardDraft{Class: laser.CID(), To: "Nadia", Territories: []territory.ID{brest}})
	if err != nil {
		t.Fatal(err)
	}
	given := must(odet.Claim(ctx, code, ""))(t)
	rade.gets(laser, given)
	vilaine.gets(laser, given)
	word := must(vilaine.Endorse(ctx, node.EndorsementDraft{DID: odetDID, Comment: "Nous y allons."}))(t)
	rade.gets(word)
	odet.gets(word)

	rade.is("Brest, before it chose", of(given), "unknown")
	vilaine.is("Rennes", of(given), "backed")
	odet.is("Quimper, of its own", of(given), "very solid")
	if err := rade.AddAnchor(ctx, vilaineDID); err != nil {
		t.Fatal(err)
	}
	rade.says(of(given), true, "Atelier de la Vilaine (une de vos références) soutient Les Ateliers de l’Odet, qui a remis ce badge.", "Tout tient à un seul chemin.")
	vilaine.says(of(given), false,
		"Atelier de la Vilaine (you) endorses Les Ateliers de l’Odet, which made this award.", "It all hangs on one chain.",
		"Your own community is your only anchor: this only says how far what you endorse yourselves reaches.")
	odet.says(of(given), false, "Les Ateliers de l’Odet (you) made this award.",
		"Your own community is your only anchor: this only says how far what you endorse yourselves reaches.")

	// Who answers with it, and only above the level asked for.
	place := must(must(rade.Gazetteer())(t).Find("Brest"))(t)
	answer := must(rade.Who(node.WhoQuery{Skill: "laser", Near: place, Trust: trust.LevelBacked}))(t)
	if len(answer.Answers) != 1 || !answer.Weighed || answer.Answers[0].Trust.Level != trust.LevelBacked ||
		(node.Words{}).Reason(answer.Answers[0].Trust) != "Atelier de la Vilaine (an anchor of yours) endorses Les Ateliers de l’Odet, which made this award." {
		t.Errorf("who: got %+v, want one answer with its reason", answer)
	}
	if a := must(rade.Who(node.WhoQuery{Skill: "laser", Near: place, Trust: trust.LevelSolid}))(t); len(a.Answers) != 0 || a.Found != 0 {
		t.Errorf("who, at least solid: got %d of %d, want none", len(a.Answers), a.Found)
	}

	// The same records and the same anchors: the same figures, and the same view.
	e := must(odet.Explain(ctx, of(given), rade.anchors()))(t)[0]
	if got, want := e.Standing, rade.why(of(given)).Standing; got != want {
		t.Errorf("seen from Brest: Quimper finds %+v, Brest %+v", got, want)
	}
	for _, b := range []*box{vilaine, odet} {
		for _, d := range rade.anchors() {
			if err := b.AddAnchor(ctx, d); err != nil {
				t.Fatal(err)
			}
		}
		if own := must(b.Community())(t).DID; own != vilaineDID {
			if err := b.RemoveAnchor(ctx, own); err != nil {
				t.Fatal(err)
			}
		}
		eventually(t, "the same view on both", func() bool {
			must(b.Viewpoint(ctx))(t)
			must(rade.Viewpoint(ctx))(t)
			return b.TrustReport().View == rade.TrustReport().View
		})
	}

	// Suggested are the places of the territories that are no anchors.
	if got := must(rade.AnchorCandidates(ctx))(t); len(got) != 1 || got[0].DID != odetDID || got[0].Kind != badge.PlaceKind || got[0].Territory != quimper {
		t.Errorf("candidates: got %+v, want Quimper", got)
	}

	// Rennes withdraws: everybody's view follows, without a restart.
	gone := must(vilaine.SetStatus(ctx, node.StatusDraft{Target: word.CID(), State: badge.Withdrawn}))(t)
	rade.gets(gone)
	rade.is("after Rennes withdrew", of(given), "unknown")
}

// anchors are those of a box.
func (b *box) anchors() []did.DID {
	b.t.Helper()
	var all []did.DID
	for _, a := range must(b.Viewpoint(context.Background()))(b.t).Anchors {
		all = append(all, a.DID)
	}
	return all
}
