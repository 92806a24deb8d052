package proof

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/piprate/json-gold/ld"
)

// ErrLinkedData is wrapped by NQuads when a document is not JSON-LD that safe
// mode accepts: a term without definition, a relative address, an unknown
// context.
var ErrLinkedData = errors.New("not JSON-LD in safe mode")

// ErrCostly is wrapped beside ErrLinkedData when canonicalising would cost more
// than a document is worth. It says nothing about the document's author.
var ErrCostly = errors.New("too costly to canonicalise")

// Bounds on the work of canonicalising a graph, which grows with the factorial
// of blank nodes that are linked and look alike: six cost 64 ms, seven 620 ms,
// eight would cost 6 s and more. Nodes that look alike in several groups
// multiply: nine pairs, each linked to the next, cost as much as six. The eight kinds of
// record need under 40 blank nodes, of which none is linked to another.
const (
	maxBlankNodes = 64
	maxOrders     = 720 // 6!
)

// reader is how linked data is read: from which contexts, and how many blank
// nodes a graph may have.
type reader struct {
	loader     ld.DocumentLoader
	blankNodes int
}

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
	return hashRDFC(p, unsecured, reader{loader, maxBlankNodes})
}

func hashRDFC(p Proof, unsecured []byte, in reader) (HashData, error) {
	p.Value, p.Context = "", nil
	config, err := json.Marshal(p)
	if err != nil {
		return HashData{}, err
	}
	return in.hash(config, unsecured)
}

// hash returns the hash data of a proof over linked data. config is the proof
// as JSON without its value, and is read under the context of the document.
func (in reader) hash(config, unsecured []byte) (HashData, error) {
	var h HashData
	document, err := in.nquads(unsecured)
	if err != nil {
		return h, fmt.Errorf("document: %w", err)
	}
	var holder struct {
		Context any `json:"@context"`
	}
	if err := json.Unmarshal(unsecured, &holder); err != nil {
		return h, fmt.Errorf("document: %w", err)
	}
	var members map[string]any
	if err := json.Unmarshal(config, &members); err != nil {
		return h, err
	}
	members["@context"] = holder.Context
	raw, err := json.Marshal(members)
	if err != nil {
		return h, err
	}
	options, err := in.nquads(raw)
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
	return reader{loader, maxBlankNodes}.nquads(document)
}

func (in reader) nquads(document []byte) ([]byte, error) {
	value, err := ld.DocumentFromReader(bytes.NewReader(document))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	options := ld.NewJsonLdOptions("")
	options.DocumentLoader = in.loader
	options.SafeMode = true
	options.Algorithm = ld.AlgorithmURDNA2015
	options.Format = "application/n-quads"
	// Normalize of the processor builds options of its own and forgets safe
	// mode, so the steps are taken one by one. What ToRDF cannot say it drops
	// without a word, so it is looked for before.
	expanded, err := ld.NewJsonLdProcessor().Expand(value, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	if err := checkExpanded(expanded); err != nil {
		return nil, err
	}
	dataset, err := ld.NewJsonLdApi().ToRDF(expanded, options)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrLinkedData, err)
	}
	if err := in.checkDataset(dataset); err != nil {
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

// checkExpanded refuses addresses that are relative or hold what none may:
// json-gold leaves out every statement with one, and a signature would not
// cover what the document shows.
func checkExpanded(v any) error {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if err := checkExpanded(e); err != nil {
				return err
			}
		}
	case map[string]any:
		for name, value := range v {
			var addresses []any
			switch {
			case name == "@id":
				addresses = []any{value}
			case name == "@type":
				many, ok := value.([]any)
				if !ok {
					many = []any{value} // the type of a literal
				}
				addresses = many
			case !strings.HasPrefix(name, "@"):
				addresses = []any{name}
			}
			for _, a := range addresses {
				if s, ok := a.(string); !ok || !absolute(s) {
					return fmt.Errorf("%w: %.80q is no absolute address", ErrLinkedData, a)
				}
			}
			if err := checkExpanded(value); err != nil {
				return err
			}
		}
	}
	return nil
}

// absolute reports whether s is a blank node or an address that RDF can say.
func absolute(s string) bool {
	forbidden := func(r rune) bool { return r <= ' ' || strings.ContainsRune("<>\"{}|^`\\", r) }
	return strings.HasPrefix(s, "_:") || s == "@json" ||
		hasScheme(s) && strings.IndexFunc(s, forbidden) < 0 && !ld.InvalidNode(ld.NewIRI(s))
}

// checkDataset refuses graphs that cost too much to canonicalise, and kinds of
// node it does not know.
func (in reader) checkDataset(dataset *ld.RDFDataset) error {
	blank := map[string]bool{} // whether linked to another
	for _, quads := range dataset.Graphs {
		for _, q := range quads {
			var here []string
			for _, n := range []ld.Node{q.Subject, q.Predicate, q.Object, q.Graph} {
				switch n := n.(type) {
				case ld.BlankNode:
					here = append(here, n.Attribute)
				case ld.IRI, ld.Literal, nil:
				default:
					// json-gold once had pointers here: then nothing was checked.
					return fmt.Errorf("%w: a node is a %T", ErrLinkedData, n)
				}
			}
			for _, b := range here {
				blank[b] = blank[b] || len(here) > 1
			}
		}
	}
	if len(blank) > in.blankNodes {
		return fmt.Errorf("%w: %w: %d blank nodes, at most %d", ErrLinkedData, ErrCostly, len(blank), in.blankNodes)
	}
	if n := orders(dataset, blank); n > maxOrders {
		return fmt.Errorf("%w: %w: linked blank nodes look alike in over %d orders", ErrLinkedData, ErrCostly, maxOrders)
	}
	return nil
}

// orders returns in how many orders the linked blank nodes that look alike can
// be put, which is what RDFC-1.0 may have to try; it stops counting beyond
// maxOrders. To look alike is to stand in the same quads when every other blank
// node is written alike (its §4.6, first degree).
func orders(dataset *ld.RDFDataset, blank map[string]bool) int {
	looks := map[string][]string{}
	for graph, quads := range dataset.Graphs {
		for _, q := range quads {
			nodes := []ld.Node{q.Subject, q.Predicate, q.Object, q.Graph}
			for _, n := range nodes {
				self, ok := n.(ld.BlankNode)
				if !ok {
					continue
				}
				line := graph
				for _, other := range nodes {
					switch other := other.(type) {
					case ld.BlankNode:
						line += fmt.Sprintf(" %t", other.Attribute == self.Attribute)
					case nil:
					default:
						line += fmt.Sprintf(" %T %q", other, other.GetValue())
					}
				}
				looks[self.Attribute] = append(looks[self.Attribute], line)
			}
		}
	}
	alike := map[string][]string{}
	for b, lines := range looks {
		slices.Sort(lines)
		look := strings.Join(lines, "\n")
		alike[look] = append(alike[look], b)
	}
	n := 1
	for _, group := range alike {
		linked := 0
		for _, b := range group {
			if blank[b] {
				linked++
				n *= linked
			}
			if n > maxOrders {
				return n
			}
		}
	}
	return n
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
