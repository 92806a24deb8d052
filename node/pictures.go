package node

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/store"
)

// Pictures of classes, in place of the drawing. They stay on this node: a class
// names none, so that nobody else fetches bytes for it, and elsewhere it is
// drawn. Rows:
//
//	c <32 bytes, class> → <32 bytes, picture> and its number of parts, one byte
//	p <32 bytes, picture> 00 → its first part, and so on
const bucketPictures = "pictures"

// maxPictures bounds how many classes have a picture of their own: at half a
// megabyte each, 64 MB.
const maxPictures = 128

// picturePart fits a private row, with its key.
const picturePart = store.MaxPrivate - 128

// ErrNoPicture says that a class has none of its own.
var ErrNoPicture = errors.New("the class has no picture of its own")

// SetPicture gives a class of this node's a picture in place of its drawing,
// from a PNG, JPEG or WebP file, and returns the CID of what was kept of it. It
// fails with a fault of art.Recode, and with keyring.ErrNoKey for a class of
// others.
func (n *Node) SetPicture(class cid.Cid, file []byte) (cid.Cid, error) {
	digest, err := n.ownClass(class)
	if err != nil {
		return cid.Undef, err
	}
	n.drawing.Lock() // one at a time is decoded, and rows are written whole
	defer n.drawing.Unlock()
	picture, err := art.Recode(file)
	if err != nil {
		return cid.Undef, err
	}
	had, err := n.pictureRow(digest)
	if err != nil && !errors.Is(err, ErrNoPicture) {
		return cid.Undef, err
	}
	if had == nil {
		count := 0
		for key := range n.pictures.Each() {
			if key[0] == 'c' {
				count++
			}
		}
		if count >= maxPictures {
			return cid.Undef, &badge.Invalid{Member: "picture", Why: fmt.Sprintf("is one too many: %d classes have their own at most; remove one first", maxPictures)}
		}
	}
	name := sha256.Sum256(picture)
	parts := 0
	for part := range slices.Chunk(picture, picturePart) {
		if err := n.pictures.Put(pictureKey(name, parts), part); err != nil {
			return cid.Undef, err
		}
		parts++
	}
	if err := n.pictures.Put(append([]byte{'c'}, digest[:]...), append(name[:], byte(parts))); err != nil {
		return cid.Undef, err
	}
	if had != nil && [32]byte(had[:32]) != name {
		if err := n.dropParts(had); err != nil {
			return cid.Undef, err
		}
	}
	return protocol.CID(name), nil
}

// Picture returns the picture of a class and its CID, or ErrNoPicture.
func (n *Node) Picture(class cid.Cid) ([]byte, cid.Cid, error) {
	digest, err := protocol.DigestOf(class)
	if err != nil {
		return nil, cid.Undef, err
	}
	row, err := n.pictureRow(digest)
	if err != nil {
		return nil, cid.Undef, err
	}
	var out []byte
	for i := range int(row[32]) {
		part, err := n.pictures.Get(pictureKey([32]byte(row[:32]), i))
		if errors.Is(err, store.ErrNotFound) {
			err = ErrNoPicture // replaced meanwhile
		}
		if err != nil {
			return nil, cid.Undef, err
		}
		out = append(out, part...)
	}
	return out, protocol.CID([32]byte(row[:32])), nil
}

// RemovePicture lets a class be drawn again. It fails with ErrNoPicture.
func (n *Node) RemovePicture(class cid.Cid) error {
	digest, err := n.ownClass(class)
	if err != nil {
		return err
	}
	n.drawing.Lock()
	defer n.drawing.Unlock()
	row, err := n.pictureRow(digest)
	if err != nil {
		return err
	}
	if err := n.pictures.Delete(append([]byte{'c'}, digest[:]...)); err != nil {
		return err
	}
	return n.dropParts(row)
}

// ownClass returns the digest of a class whose creator's key is here.
func (n *Node) ownClass(class cid.Cid) ([32]byte, error) {
	r, err := n.Record(class)
	if err != nil {
		return [32]byte{}, err
	}
	if r.Kind() != protocol.Class {
		return [32]byte{}, &badge.Invalid{Member: class.String(), Why: "is a " + r.Kind().String() + ", not a badge class"}
	}
	keys, err := n.Keys()
	if err != nil {
		return [32]byte{}, err
	}
	if !keys.Has(r.Author()) {
		return [32]byte{}, fmt.Errorf("%s: %w", r.Author().Short(), keyring.ErrNoKey)
	}
	return r.Digest(), nil
}

func (n *Node) pictureRow(class [32]byte) ([]byte, error) {
	row, err := n.pictures.Get(append([]byte{'c'}, class[:]...))
	switch {
	case errors.Is(err, store.ErrNotFound):
		return nil, ErrNoPicture
	case err == nil && len(row) != 33:
		return nil, fmt.Errorf("picture of a class: a row of %d bytes", len(row))
	}
	return row, err
}

// dropParts deletes a picture no class has any more. The caller holds drawing.
func (n *Node) dropParts(row []byte) error {
	for key, value := range n.pictures.Each() {
		if key[0] == 'c' && string(value) == string(row) {
			return nil
		}
	}
	for i := range int(row[32]) {
		if err := n.pictures.Delete(pictureKey([32]byte(row[:32]), i)); err != nil {
			return err
		}
	}
	return nil
}

func pictureKey(picture [32]byte, part int) []byte {
	return append(append([]byte{'p'}, picture[:]...), byte(part))
}
