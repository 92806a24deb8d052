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

//go:embed contexts/*.json contexts/others/*.json
var contextFiles embed.FS

// pin is an address, our copy of what stands there and its sha256.
type pin struct{ url, file, sha256 string }

// pinned is every context a record may have. The
// Open Badges one was amended in place by its publisher (endorsementJwt added
// on 2026-06-29), so the copy is part of what a signature means.
var pinned = []pin{
	{ContextCredentials, "credentials-v2.json", "59955ced6697d61e03f2b2556febe5308ab16842846f5b586d7f1f7adec92734"},
	{ContextOpenBadges, "ob-v3p0-context-3.0.3.json", "ef2fa9c7846dce233cc166b43639027278be4ee44f00bb1d45c75de2dd0cd761"},
	{ContextDataIntegrity, "data-integrity-v2.json", "0f77743daf5b4e8fc067fc5ba5b21044283053aa717fc6b0219843bed3b00363"},
}

// others are the contexts that badges from elsewhere have besides, and no
// record. Addresses that name no version mean the first published one.
var others = []pin{
	{"https://www.w3.org/2018/credentials/v1", "others/credentials-v1.json", "00d7dd6d3ad8b920e3e550dd3a3d9090bffcac84cdbf943da6924b3e0a5c8bb8"},
	{"https://w3id.org/security/data-integrity/v1", "others/data-integrity-v1.json", "b5d829bd09aa7c42abc6efa0c8ed7635313b5487f37ccfce3ecd149ca9418554"},
	{"https://w3id.org/security/suites/ed25519-2020/v1", "others/ed25519-2020-v1.json", "b9e1ab971fd8bf2c7553e0c4a9438e0b9450afde1ea1ca5b2492368b9f549588"},
	{"https://purl.imsglobal.org/spec/ob/v3p0/context.json", "others/ob-v3p0-context.json", "b077fa134d909d92c1dcd1c153f2af1b244aeb415967fdc1467d7fc5dd48ac10"},
	{"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.1.json", "others/ob-v3p0-context-3.0.1.json", "d582f3564282fb3b709136d28412e78e70b678b4dbc2f0221f67d84932748355"},
	{"https://purl.imsglobal.org/spec/ob/v3p0/context-3.0.2.json", "others/ob-v3p0-context-3.0.2.json", "00666ad080ba407687ed1846b7f5e7495f5019042b202a727de47c48a1755c53"},
	{"https://purl.imsglobal.org/spec/ob/v3p0/extensions.json", "others/ob-v3p0-extensions.json", "146f85aa16effd7ca1da8056eb443f53ce1eca8a34186cb062832c0a97d889c3"},
	{"https://w3id.org/vc/status-list/2021/v1", "others/status-list-2021-v1.json", "634d71c159289f068c96012e4511c657fdf82ac4231900081bda3ba24e2e1160"},
	{"https://www.w3.org/ns/credentials/status/v1", "others/bitstring-status-list-v1.json", "fd08cbf28ddd829ab2f1978c48f43ab07a112c1c90245a0cfac7ba721c65170c"},
}

// contexts is the document loader of every expansion: what is pinned, and
// nothing else from anywhere.
type contexts map[string]any

var (
	embeddedContexts = sync.OnceValues(func() (contexts, error) { return loadContexts(pinned) })
	foreignContexts  = sync.OnceValues(func() (contexts, error) { return loadContexts(append(others, pinned...)) })
)

func loadContexts(pins []pin) (contexts, error) {
	c := contexts{}
	for _, p := range pins {
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
}

// LoadDocument implements ld.DocumentLoader.
func (c contexts) LoadDocument(url string) (*ld.RemoteDocument, error) {
	document, ok := c[url]
	if !ok {
		return nil, ld.NewJsonLdError(ld.LoadingDocumentFailed, "context "+url+" is not embedded")
	}
	return &ld.RemoteDocument{DocumentURL: url, Document: ld.CloneDocument(document)}, nil
}
