package protocol_test

import (
	"bytes"
	"crypto/ed25519"
	"fmt"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
)

// A person of Rennes offers to teach welding; a neighbour hears it and changes
// one word.
func Example() {
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize)) // never so outside an example
	now := time.Date(2026, time.November, 22, 9, 30, 0, 0, time.UTC)

	record, err := protocol.Issue(&badge.Notice{
		Frame:     badge.Frame{Territory: []string{"fr:epci:243500139"}},
		ID:        "urn:uuid:7d444840-9dc0-41d1-b245-5ffdce74fad2",
		Type:      []string{"essaim:Notice"},
		Author:    did.FromPublicKey(key.Public().(ed25519.PublicKey)),
		Direction: badge.Offer,
		Name:      "J'apprends à souder à qui veut",
		Tag:       []string{"soudure"},
		Until:     "2027-05-01T00:00:00Z",
	}, now, key)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(record.Kind(), record.CID())
	fmt.Println(protocol.Topic(record.Territories()[0]))

	heard := record.Bytes()
	_, err = protocol.Verify(heard, now)
	fmt.Println("as it was said:", err)
	heard = bytes.Replace(heard, []byte("souder"), []byte("coudre"), 1)
	_, err = protocol.Verify(heard, now)
	fmt.Println("with another word:", err)
	// Output:
	// notice bafkreieu7sft3xerp23vfvgmd72ic5z6o7e2ivntamcyw7fgiul44pce2i
	// /essaim/1/fr/epci/243500139
	// as it was said: <nil>
	// with another word: refused: bad_signature: proof 0 does not verify
}
