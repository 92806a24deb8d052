package proof

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
	"github.com/piprate/json-gold/ld"

	"codeberg.org/essaim/essaim/protocol/did"
)

// vectors are those of "Data Integrity EdDSA Cryptosuites v1.0", appendix B.
const vectors = "testdata/w3c-vc-di-eddsa"

func read(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(vectors, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// secured reads one signed document of W3C: unsecured, its proof, in canonical form.
func secured(t *testing.T, name string) (unsecured, config []byte, p Proof) {
	t.Helper()
	var document map[string]jsontext.Value
	if err := json.Unmarshal(read(t, name), &document); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(document["proof"], &p); err != nil {
		t.Fatal(err)
	}
	delete(document, "proof")
	unsecured, err := Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]jsontext.Value
	raw, err := Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	delete(fields, "proofValue")
	if config, err = Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return unsecured, config, p
}

// examples stands in for the one context only the vectors use, a vocabulary
// for undefined terms.
type examples struct{ ld.DocumentLoader }

func (e examples) LoadDocument(url string) (*ld.RemoteDocument, error) {
	if url != "https://www.w3.org/ns/credentials/examples/v2" {
		return e.DocumentLoader.LoadDocument(url)
	}
	return &ld.RemoteDocument{DocumentURL: url, Document: map[string]any{
		"@context": map[string]any{"@vocab": "https://www.w3.org/ns/credentials/examples#"},
	}}, nil
}

func checkW3C(t *testing.T, p Proof, h HashData, combined string) {
	t.Helper()
	if got, want := hex.EncodeToString(h[:]), strings.TrimSpace(combined); got != want {
		t.Fatalf("hash data\n got %s\nwant %s", got, want)
	}
	signer, err := did.ParseVerificationMethod(p.VerificationMethod)
	if err != nil {
		t.Fatal(err)
	}
	signature, err := p.Signature()
	if err != nil {
		t.Fatal(err)
	}
	if !Verify(signer.PublicKey(), h, signature) {
		t.Error("signature does not verify")
	}
	h[0] ^= 1
	if Verify(signer.PublicKey(), h, signature) {
		t.Error("signature verifies over other hash data")
	}
}

func TestW3CVectorJCS(t *testing.T) {
	unsecured, config, p := secured(t, "eddsa-jcs-2022/signedJCS.json")
	if got, want := unsecured, bytes.TrimSpace(read(t, "eddsa-jcs-2022/canonDocJCS.txt")); !bytes.Equal(got, want) {
		t.Errorf("canonical document\n got %s\nwant %s", got, want)
	}
	if got, want := config, bytes.TrimSpace(read(t, "eddsa-jcs-2022/proofCanonJCS.txt")); !bytes.Equal(got, want) {
		t.Errorf("canonical proof configuration\n got %s\nwant %s", got, want)
	}
	checkW3C(t, p, HashJCS(config, unsecured), string(read(t, "eddsa-jcs-2022/combinedHashJCS.txt")))
}

func TestW3CVectorRDFC(t *testing.T) {
	unsecured, _, p := secured(t, "eddsa-rdfc-2022/signedDataInt.json")
	loader, err := embeddedContexts()
	if err != nil {
		t.Fatal(err)
	}
	got, err := reader{examples{loader}, maxBlankNodes}.nquads(unsecured)
	if err != nil {
		t.Fatal(err)
	}
	if want := read(t, "eddsa-rdfc-2022/canonDocDataInt.txt"); !bytes.Equal(bytes.TrimSpace(got), bytes.TrimSpace(want)) {
		t.Errorf("canonical document\n got %s\nwant %s", got, want)
	}
	h, err := hashRDFC(p, unsecured, reader{examples{loader}, maxBlankNodes})
	if err != nil {
		t.Fatal(err)
	}
	checkW3C(t, p, h, string(read(t, "eddsa-rdfc-2022/combinedHashDataInt.txt")))
}

func TestContextsArePinned(t *testing.T) {
	if _, err := embeddedContexts(); err != nil {
		t.Error(err)
	}
}
