package node

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"

	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

const bucketTokens = "tokens" // sha256 of the token → Token as JSON

// Token lets a program use the HTTP API. Only the hash of its secret is kept.
type Token struct {
	ID      string    `json:"id"` // first 8 characters of the hash, in hex
	Name    string    `json:"name"`
	Write   bool      `json:"write"` // may also change things
	Created time.Time `json:"created"`
}

// ErrUnknownToken is wrapped when a token does not exist or was revoked.
var ErrUnknownToken = errors.New("no such token")

// tokenPrefix makes a token recognisable where it does not belong.
const tokenPrefix = "essaim_"

// maxTokens bounds what one list shows.
const maxTokens = 256

// CreateToken makes a token and returns its secret, which is shown once.
func (n *Node) CreateToken(name string, write bool) (Token, string, error) {
	if name = strings.TrimSpace(name); name == "" || len(name) > 100 {
		return Token{}, "", &badge.Invalid{Member: "name", Why: "is missing or longer than 100 bytes: say what the token is for"}
	}
	var b [24]byte
	if _, err := rand.Read(b[:]); err != nil {
		return Token{}, "", err
	}
	secret := tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	key := sha256.Sum256([]byte(secret))
	t := Token{ID: fmt.Sprintf("%x", key[:4]), Name: name, Write: write, Created: n.now().UTC().Truncate(time.Second)}
	raw, err := json.Marshal(t)
	if err != nil {
		return Token{}, "", err
	}
	if tokens, err := n.Tokens(); err != nil {
		return Token{}, "", err
	} else if len(tokens) >= maxTokens {
		return Token{}, "", &badge.Invalid{Member: "name", Why: fmt.Sprintf("is one too many: %d tokens exist at most; revoke one first", maxTokens)}
	}
	if err := n.tokens.Put(key[:], raw); err != nil {
		return Token{}, "", fmt.Errorf("token: %w", err)
	}
	return t, secret, nil
}

// CheckToken returns the token whose secret this is, or ErrUnknownToken. Looking
// up the hash takes the same time whatever the secret.
func (n *Node) CheckToken(secret string) (Token, error) {
	key := sha256.Sum256([]byte(secret))
	raw, err := n.tokens.Get(key[:])
	if errors.Is(err, store.ErrNotFound) {
		return Token{}, ErrUnknownToken
	}
	if err != nil {
		return Token{}, err
	}
	var t Token
	if err := json.Unmarshal(raw, &t); err != nil {
		return Token{}, fmt.Errorf("token: %w", err)
	}
	return t, nil
}

// Tokens returns every token, oldest first.
func (n *Node) Tokens() ([]Token, error) {
	var out []Token
	for _, raw := range n.tokens.Each() {
		var t Token
		if err := json.Unmarshal(raw, &t); err != nil {
			return nil, fmt.Errorf("token: %w", err)
		}
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b Token) int { return a.Created.Compare(b.Created) })
	return out, nil
}

// RevokeToken ends the token with this id.
func (n *Node) RevokeToken(id string) error {
	var found []byte
	for key := range n.tokens.Each() {
		if fmt.Sprintf("%x", key[:4]) == id {
			found = key
		}
	}
	if found == nil {
		return fmt.Errorf("token %q: %w", id, ErrUnknownToken)
	}
	return n.tokens.Delete(found)
}
