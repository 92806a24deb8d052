package keyring_test

import (
	"crypto"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"codeberg.org/essaim/essaim/node/keyring"
)

func Example() {
	data, err := os.MkdirTemp("", "essaim-")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(data)
	dir := filepath.Join(data, "keys")

	// Setup makes the community's key.
	passphrase := []byte("la rade est calme ce soir")
	if _, _, err := keyring.Create(dir, keyring.Protection{Passphrase: passphrase}); err != nil {
		panic(err)
	}

	// After a restart the keys are locked. Members can join all the same.
	keys, err := keyring.Open(dir)
	if err != nil {
		panic(err)
	}
	soizic, err := keys.AddMember("Soizic Le Gall", time.Date(2026, 3, 14, 9, 0, 0, 0, time.UTC))
	if err != nil {
		panic(err)
	}
	_, err = keys.Signer(soizic)
	fmt.Println("locked:", errors.Is(err, keyring.ErrLocked))

	// Unlocked, they sign.
	if err := keys.Unlock(passphrase); err != nil {
		panic(err)
	}
	members, err := keys.Members()
	if err != nil {
		panic(err)
	}
	key, err := keys.Signer(members[0].DID)
	if err != nil {
		panic(err)
	}
	message := []byte("I accept this badge")
	signature, err := key.Sign(nil, message, crypto.Hash(0))
	if err != nil {
		panic(err)
	}
	fmt.Println(members[0].Name, "signed:", ed25519.Verify(soizic.PublicKey(), message, signature))
	// Output:
	// locked: true
	// Soizic Le Gall signed: true
}
