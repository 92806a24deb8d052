package node

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/store"
)

func (n *Node) roomForImport(size int) error {
	count, total := 0, size
	for _, raw := range n.imports.Each() {
		i, err := readImport(raw)
		if err != nil {
			return err
		}
		count, total = count+1, total+i.Size
	}
	if count >= MaxImports || total > MaxImportBytes {
		return &badge.Invalid{Member: "file", Why: fmt.Sprintf("is one too many: %d badges made elsewhere are kept at most, of %d MB together; forget one first", MaxImports, MaxImportBytes>>20)}
	}
	return nil
}

// Imports returns every badge made elsewhere that is kept here, the last one
// verified first.
func (n *Node) Imports() ([]Import, error) {
	var out []Import
	for _, raw := range n.imports.Each() {
		i, err := readImport(raw)
		if err == nil {
			err = n.lookUpAward(&i)
		}
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	slices.SortFunc(out, func(a, b Import) int {
		if c := b.Verified.Compare(a.Verified); c != 0 {
			return c
		}
		return strings.Compare(a.Original, b.Original)
	})
	return out, nil
}

// ImportOf returns the badge made elsewhere whose file has this CID, or wraps
// ErrUnknownImport.
func (n *Node) ImportOf(original cid.Cid) (Import, error) {
	digest, err := protocol.DigestOf(original)
	if err != nil {
		return Import{}, err
	}
	return n.importOf(digest)
}

func (n *Node) importOf(digest [sha256.Size]byte) (Import, error) {
	raw, err := n.imports.Get(digest[:])
	if errors.Is(err, store.ErrNotFound) {
		return Import{}, fmt.Errorf("%s: %w", protocol.CID(digest), ErrUnknownImport)
	}
	if err != nil {
		return Import{}, err
	}
	i, err := readImport(raw)
	if err == nil {
		err = n.lookUpAward(&i)
	}
	return i, err
}

// lookUpAward finds the attestation, if its holder has accepted it.
func (n *Node) lookUpAward(i *Import) error {
	if !i.Offered {
		return nil
	}
	r, err := n.claimed(i.Holder, i.AwardID)
	if err == nil && !r.IsZero() {
		i.Award = r.CID().String()
	}
	return err
}

// Original returns the file of an import, byte for byte.
func (n *Node) Original(original cid.Cid) (Import, []byte, error) {
	i, err := n.ImportOf(original)
	if err != nil {
		return i, nil, err
	}
	digest, err := protocol.DigestOf(original)
	if err != nil {
		return i, nil, err
	}
	file, err := n.parts(digest, partFile)
	if err == nil && sha256.Sum256(file) != digest {
		err = fmt.Errorf("the original of %s is damaged in the store", original)
	}
	return i, file, err
}

// Attestation returns what the community signed about an import: an award with
// its issuer's proofs, or nothing.
func (n *Node) Attestation(i Import) ([]byte, error) {
	original, err := badge.ParseCID(i.Original)
	if err != nil {
		return nil, err
	}
	digest, err := protocol.DigestOf(original)
	if err != nil || !i.Attested {
		return nil, err
	}
	return n.parts(digest, partAttestation)
}

// ForgetImport deletes what is kept of a badge made elsewhere. What its holder
// published of it stays: that is renounced or erased as any badge is.
func (n *Node) ForgetImport(original cid.Cid) error {
	n.acting.Lock()
	defer n.acting.Unlock()
	if _, err := n.ImportOf(original); err != nil {
		return err
	}
	digest, err := protocol.DigestOf(original)
	if err != nil {
		return err
	}
	return n.dropImport(digest)
}

func (n *Node) dropImport(digest [sha256.Size]byte) error {
	for _, part := range []byte{partFile, partClass, partAttestation} {
		if err := n.putParts(digest, part, nil); err != nil {
			return err
		}
	}
	return n.imports.Delete(digest[:])
}

// dropImports deletes every import of d.
func (n *Node) dropImports(d did.DID) error {
	var gone [][]byte
	for key, raw := range n.imports.Each() {
		i, err := readImport(raw)
		if err != nil {
			return err
		}
		if i.Holder == d {
			gone = append(gone, key)
		}
	}
	for _, key := range gone {
		if err := n.dropImport([sha256.Size]byte(key)); err != nil {
			return fmt.Errorf("import: %w", err)
		}
	}
	return nil
}

func (n *Node) putImport(digest [sha256.Size]byte, i Import) error {
	raw, err := json.Marshal(i)
	if err == nil {
		err = n.imports.Put(digest[:], raw)
	}
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	return nil
}

func readImport(raw []byte) (Import, error) {
	var i Import
	if err := json.Unmarshal(raw, &i); err != nil {
		return i, fmt.Errorf("import: %w", err)
	}
	return i, nil
}

func partKey(digest [sha256.Size]byte, part byte, number int) []byte {
	return binary.BigEndian.AppendUint16(append(digest[:len(digest):len(digest)], part), uint16(number))
}

// putParts writes data in place of what there was; nil is nothing.
func (n *Node) putParts(digest [sha256.Size]byte, part byte, data []byte) error {
	number := 0
	for ; len(data) > 0; number++ {
		next := data[:min(len(data), partSize)]
		if err := n.originals.Put(partKey(digest, part, number), next); err != nil {
			return fmt.Errorf("original: %w", err)
		}
		data = data[len(next):]
	}
	for ; ; number++ { // of a longer one before
		key := partKey(digest, part, number)
		_, err := n.originals.Get(key)
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		if err == nil {
			err = n.originals.Delete(key)
		}
		if err != nil {
			return fmt.Errorf("original: %w", err)
		}
	}
}

func (n *Node) parts(digest [sha256.Size]byte, part byte) ([]byte, error) {
	var out bytes.Buffer
	for number := 0; ; number++ {
		raw, err := n.originals.Get(partKey(digest, part, number))
		if errors.Is(err, store.ErrNotFound) {
			return out.Bytes(), nil
		}
		if err != nil {
			return nil, fmt.Errorf("original: %w", err)
		}
		out.Write(raw)
	}
}

// mediaOf is what the file of a badge is, as HTTP names it.
func mediaOf(f *Foreign) string {
	switch {
	case bytes.HasPrefix(f.File, []byte("\x89PNG")):
		return "image/png"
	case bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(f.File, []byte("\ufeff"))), []byte("<")):
		return "image/svg+xml"
	case bytes.HasPrefix(bytes.TrimSpace(bytes.TrimPrefix(f.File, []byte("\ufeff"))), []byte("{")):
		return "application/json"
	}
	return "text/plain"
}
