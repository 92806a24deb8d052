package proof

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/piprate/json-gold/ld"
)

// Bounds on linked data that others made. It takes some 3 ms a kilobyte, and
// each context or object with a type costs a fraction of one: at these bounds
// the worst document known costs under a second (BenchmarkHashForeign).
const (
	maxForeignBytes      = 64 << 10
	maxForeignObjects    = 512
	maxForeignContexts   = 64
	maxForeignBlankNodes = 256
)

// ErrContext is wrapped when a document of others names a context there is no
// embedded copy of: what it says cannot be known here.
var ErrContext = errors.New("context without an embedded copy")

// HashForeign returns the hash data of a proof over linked data that somebody
// else made: eddsa-rdfc-2022 and the suites that came before it. config is the
// proof as JSON without its value, unsecured the document as JSON without
// proof; neither needs to be canonical. Besides the contexts of records it
// knows those of older credentials, and fetches none.
//
// Errors wrap ErrContext, or ErrLinkedData and ErrCostly when it stopped, or
// ErrLinkedData alone when the document holds what no signature over linked
// data covers: a term without definition, a relative address.
func HashForeign(config, unsecured []byte) (HashData, error) {
	known, err := foreignContexts()
	if err != nil {
		return HashData{}, err
	}
	if err := countForeign(unsecured, known); err != nil {
		return HashData{}, err
	}
	loader := &watched{contexts: known}
	h, err := reader{loader, maxForeignBlankNodes}.hash(config, unsecured)
	if loader.missing != "" {
		return h, fmt.Errorf("%.200q: %w", loader.missing, ErrContext)
	}
	return h, err
}

// watched remembers a context that was asked for in vain: what json-gold makes
// of the loader's error cannot be told from other errors.
type watched struct {
	contexts
	missing string
}

// LoadDocument implements ld.DocumentLoader.
func (w *watched) LoadDocument(url string) (*ld.RemoteDocument, error) {
	document, err := w.contexts.LoadDocument(url)
	if err != nil {
		w.missing = url
	}
	return document, err
}

// countForeign counts what makes linked data costly, before anything is
// expanded.
func countForeign(document []byte, known contexts) error {
	if len(document) > maxForeignBytes {
		return fmt.Errorf("%w: %w: %d bytes, at most %d", ErrLinkedData, ErrCostly, len(document), maxForeignBytes)
	}
	objects, named := 0, 0
	in := jsontext.NewDecoder(bytes.NewReader(document))
	for {
		token, err := in.ReadToken()
		switch {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("%w: %w", ErrLinkedData, err)
		case token.Kind() == '{':
			objects++
		case token.Kind() == '"':
			if _, ok := known[token.String()]; ok {
				named++
			}
		}
		if objects > maxForeignObjects || named > maxForeignContexts {
			return fmt.Errorf("%w: %w: more than %d objects or %d contexts", ErrLinkedData, ErrCostly, maxForeignObjects, maxForeignContexts)
		}
	}
}
