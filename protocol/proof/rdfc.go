package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/piprate/json-gold/ld"
)

// ErrLinkedData is wrapped by NQuads when a document is not JSON-LD that safe
// mode accepts: a term without definition, a relative address, an unknown
// context.
var ErrLinkedData = errors.New("not JSON-LD in safe mode")

// maxBlankNodes bounds the work of canonicalising a graph, which grows with
// the factorial of blank nodes that look alike: eight of them cost over 30 s.
// Eight kinds of record need under 40, all distinct.
const maxBlankNodes = 64

// HashRDFC returns the hash data of an eddsa-rdfc-2022 proof with configuration
// p over unsecured, the JSON of a document without proof. It costs some
// milliseconds, and more for hostile documents: callers pass only what they
// made themselves or what passed Parse and the shape of its kind, at issue,
// import and export. Contexts come from the embedded copies.
func HashRDFC(p Proof, unsecured []byte) (HashData, error) {
	loader, err := embeddedContexts()
	if err != nil {
		return HashData{}, err
	}
	return hashRDFC(p, unsecured, loader)
}

func hashRDFC(p Proof, unsecured []byte, loader ld.DocumentLoader) (HashData, error) {
	var h HashData
	document, err := nquads(unsecured, loader)
	if err != nil {
		return h, fmt.Errorf("document: %w", err)
	}
	var holder struct {
		Context any `json:"@context"`
	}
	if err := json.Unmarshal(unsecured, &holder); err != nil {
		return h, fmt.Errorf("document: %w", err)
	}
	p.Value, p.Context = "", nil
	raw, err := json.Marshal(p)
	if err != nil {
		return h, err
	}
	var config map[string]any
	if err := json.Unmarshal(raw, &config); err != nil {
		return h, err
	}
	config["@context"] = holder.Context
	if raw, err = json.Marshal(config); err != nil {
		return h, err
	}
	options, err := nquads(raw, loader)
	if err != nil {
		return h, fmt.Errorf("proof configuration: %w", err)
	}
	c, d := sha256.Sum256(options), sha256.Sum256(document)
	copy(h[:], c[:])
	copy(h[sha256.Size:], d[:])
	return h, nil
}

// NQuads returns the canonical N-Quads of a JSON-LD document (RDFC-1.0).
func NQuads(document []byte) ([]byte, error) {
	loader, err := embeddedContexts()
	if err != nil {
		return nil, err
	}
	return nquads(document, loader)
}

func nquads(document []byte, loader ld.DocumentLoader) ([]byte, error) {
	value, err := ld.DocumentFromReader(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	options := ld.NewJsonLdOptions("")
	options.DocumentLoader = loader
	options.SafeMode = true
	options.Algorithm = ld.AlgorithmURDNA2015
	options.Format = "application/n-quads"
	// Normalize of the processor builds options of its own and forgets safe
	// mode, so the two steps are taken one by one.
	rdf := *options
	rdf.Format = ""
	set, err := ld.NewJsonLdProcessor().ToRDF(value, &rdf)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	dataset, ok := set.(*ld.RDFDataset)
	if !ok {
		return nil, fmt.Errorf("%w: ToRDF gave a %T", ErrLinkedData, set)
	}
	if err := checkDataset(dataset); err != nil {
		return nil, err
	}
	out, err := ld.NewJsonLdApi().Normalize(dataset, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	text, ok := out.(string)
	if !ok {
		return nil, fmt.Errorf("%w: Normalize gave a %T", ErrLinkedData, out)
	}
	return []byte(text), nil
}

// checkDataset refuses what json-gold lets through: relative addresses, which
// other processors drop or refuse, and graphs that cost too much.
func checkDataset(dataset *ld.RDFDataset) error {
	blank := map[string]bool{}
	for _, quads := range dataset.Graphs {
		for _, q := range quads {
			for _, n := range []ld.Node{q.Subject, q.Predicate, q.Object, q.Graph} {
				switch n := n.(type) {
				case *ld.IRI:
					if n.Value != "@default" && !hasScheme(n.Value) {
						return fmt.Errorf("%w: %q is no absolute address", ErrLinkedData, n.Value)
					}
				case *ld.BlankNode:
					blank[n.Attribute] = true
				}
			}
		}
	}
	if len(blank) > maxBlankNodes {
		return fmt.Errorf("%w: %d blank nodes, at most %d", ErrLinkedData, len(blank), maxBlankNodes)
	}
	return nil
}

func hasScheme(iri string) bool {
	i := strings.IndexByte(iri, ':')
	if i <= 0 {
		return false
	}
	for j, c := range []byte(iri[:i]) {
		letter := c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
		if !letter && (j == 0 || c != '+' && c != '-' && c != '.' && (c < '0' || c > '9')) {
			return false
		}
	}
	return true
}
