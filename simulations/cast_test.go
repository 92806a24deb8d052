package simulations

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// Everybody follows Brest, and it is noon when a bubble begins.
const brest territory.ID = "fr:epci:242900314"

var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

func key(name string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("essaim simulation " + name))
	return ed25519.NewKeyFromSeed(seed[:])
}

// notice is a record that costs little to sign: one signature over canonical
// JSON.
func notice(n int, by ed25519.PrivateKey, at time.Time) (protocol.Record, error) {
	author := did.FromPublicKey(by.Public().(ed25519.PublicKey))
	h := sha256.Sum256(fmt.Append(nil, n, author))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return protocol.Issue(&badge.Notice{
		Frame: badge.Frame{Territory: []string{string(brest)}},
		ID:    fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16]),
		Type:  []string{"essaim:Notice"}, Author: author, Direction: badge.Offer,
		Name: fmt.Sprint("Annonce ", n), Description: "Atelier de découpe laser, samedi à quatorze heures. Apportez vos dessins et vos chutes de bois.",
		Tag: []string{"laser"}, Until: badge.FormatTime(at.AddDate(0, 6, 0)),
	}, at, by)
}
