package proof

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"sync"

	"github.com/piprate/json-gold/ld"
)

// The addresses of the three contexts Essaim signs under.
const (
	ContextCredentials   = "https://www.w3.org/ns/credentials/v2"
	ContextOpenBadges    = "https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.3.json"
	ContextDataIntegrity = "https://w3id.org/security/data-integrity/v2"
)

//go:embed contexts/*.json
var contextFiles embed.FS

// pinned is every context there is: an address, our copy and its sha256. The
// Open Badges one was amended in place by its publisher (endorsementJwt added
// on 2026-06-29), so the copy is part of what a signature means.
var pinned = []struct{ url, file, sha256 string }{
	{ContextCredentials, "credentials-v2.json", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"},
	{ContextOpenBadges, "ob-v3p0-context-3.0.3.json", "ef2fa9c7846dce233cc166b43639027278be4ee44f00bb1d45c75de2dd0cd761"},
	{ContextDataIntegrity, "data-integrity-v2.json", "0f77743daf5b4e8fc067fc5ba5b21044283053aa717fc6b0219843bed3b00363"},
}

// contexts is the document loader of every expansion: what is pinned, and
// nothing else from anywhere.
type contexts map[string]any

var embeddedContexts = sync.OnceValues(func() (contexts, error) {
	c := contexts{}
	for _, p := range pinned {
		b, err := contextFiles.ReadFile("contexts/" + p.file)
		if err != nil {
			return nil, fmt.Errorf("context %s: %w", p.url, err)
		}
		if sum := sha256.Sum256(b); hex.EncodeToString(sum[:]) != p.sha256 {
			return nil, fmt.Errorf("context %s: the embedded copy has sha256 %x, want %s", p.url, sum, p.sha256)
		}
		if c[p.url], err = ld.DocumentFromReader(bytes.NewReader(b)); err != nil {
			return nil, fmt.Errorf("context %s: %w", p.url, err)
		}
	}
	return c, nil
})

// LoadDocument implements ld.DocumentLoader.
func (c contexts) LoadDocument(url string) (*ld.RemoteDocument, error) {
	document, ok := c[url]
	if !ok {
		return nil, ld.NewJsonLdError(ld.LoadingDocumentFailed, "context "+url+" is not embedded")
	}
	return &ld.RemoteDocument{DocumentURL: url, Document: ld.CloneDocument(document)}, nil
}
