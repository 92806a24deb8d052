package trust_test

import (
	"crypto/sha256"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/trust"
)

// In Brest, Fablab de la rade asks how far to believe a badge for laser cutting
// by a place it does not know.
func Example() {
	const rade, cantine, atelier, alice = "did:rade", "did:cantine", "did:atelier", "did:alice"
	march := time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC)
	cid := func(s string) trust.Digest { return sha256.Sum256([]byte(s)) }
	award := trust.Award{Record: cid("award"), Issuer: atelier, Holder: alice, Class: cid("class"), From: march}

	g := trust.New(trust.View{Anchors: []did.DID{rade}, Day: trust.DayOf(march)})
	for _, f := range []trust.Fact{
		trust.Endorsement{Record: cid("1"), By: rade, Of: trust.Target{Profile: cantine}, From: march},
		trust.Endorsement{Record: cid("2"), By: rade, Of: trust.Target{Profile: atelier}, Weight: 25, From: march},
		trust.Endorsement{Record: cid("3"), By: cantine, Of: trust.Target{Profile: atelier}, From: march},
		award,
	} {
		if err := g.Add(f); err != nil {
			panic(err)
		}
	}

	b, _ := g.Backing(trust.Target{Record: award.Record})
	fmt.Printf("%s points, score %.2f, %d independent chains, level %d\n", b.Net, b.Net.Score(), b.Independent, b.Level)
	for _, c := range g.Chains(b, 3) {
		fmt.Println(c.Points, c.Actors)
	}
	// Output:
	// 0.35 points, score 0.26, 2 independent chains, level 3
	// 0.25 [did:rade did:atelier]
	// 0.1 [did:rade did:cantine did:atelier]
}
