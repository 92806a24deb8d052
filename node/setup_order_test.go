package node_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// What cannot be published is refused before there are keys for it.
func TestSetupRefusesBeforeItMakesKeys(t *testing.T) {
	dir := t.TempDir()
	n, err := node.New(node.Config{Dir: dir, InMemory: true})
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	key := filepath.Join(t.TempDir(), "key")
	_, err = n.Setup(t.Context(), node.Community{Name: "Fablab", Place: "Brest", URL: "fablab.example"}, keyring.Protection{KeyFile: key})
	var invalid *badge.Invalid
	if !errors.As(err, &invalid) || invalid.Member != "url" {
		t.Errorf("got %v, want a refusal of url", err)
	}
	for _, path := range []string{filepath.Join(dir, "keys"), key} {
		if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("%s was made", path)
		}
	}
	c, err := n.Setup(t.Context(), node.Community{Name: "Fablab", Place: "Brest", URL: "https://fablab.example/é"}, keyring.Protection{KeyFile: key})
	if err != nil || c.URL != "https://fablab.example/%C3%A9" {
		t.Errorf("got %q, %v", c.URL, err)
	}
}
