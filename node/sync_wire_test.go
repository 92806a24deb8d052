package node_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"testing"

	"github.com/klauspost/compress/dict"
	"github.com/klauspost/compress/zstd"

	"codeberg.org/essaim/essaim/node"
)

// The page names the bytes of the dictionary, which nodes agree on.
func TestDictionaryIsTheLaw(t *testing.T) {
	page := must(os.ReadFile("../spec/sync-node.md"))(t)
	raw := must(os.ReadFile("sync-1.dict"))(t)
	sum := sha256.Sum256(raw)
	if !bytes.Contains(page, []byte("`"+hex.EncodeToString(sum[:])+"`")) {
		t.Errorf("spec/sync-node.md does not say %x", sum)
	}
	if d := must(zstd.InspectDictionary(raw))(t); d.ID() != 4543233 {
		t.Errorf("id: got %d", d.ID())
	}
}

// What travels alone shrinks by the dictionary as well as by itself, and reads
// back; so does what was compressed without, as a large frame is.
func TestSmallFrames(t *testing.T) {
	_, body := splitFrame(t, node.DataFrame(notices()[:1]))
	plain := must(zstd.NewWriter(nil))(t)
	alone := plain.EncodeAll(notices()[0], nil)
	if len(body)*4 > len(alone)*3 {
		t.Errorf("one record takes %d bytes with the dictionary, %d without", len(body), len(alone))
	}
	for _, many := range []int{1, 60, 200} {
		_, body := splitFrame(t, node.DataFrame(notices()[:many]))
		got, _, err := node.ReadData(body)
		if err != nil || len(got) != many || !bytes.Equal(got[many-1], notices()[many-1]) {
			t.Errorf("%d records: got %d, %v", many, len(got), err)
		}
		var h zstd.Header
		if err := h.Decode(body); err != nil || (h.DictionaryID == 4543233) != (many <= 60) {
			t.Errorf("%d records: %+v, %v", many, h, err)
		}
	}
}

// A frame made with another dictionary does not expand.
func TestUnknownDictionary(t *testing.T) {
	other := must(dict.BuildZstdDict(notices()[:200], dict.Options{MaxDictSize: 2048, HashBytes: 6, ZstdDictID: 4543234}))(t)
	enc := must(zstd.NewWriter(nil, zstd.WithEncoderDict(other)))(t)
	if _, _, err := node.ReadData(enc.EncodeAll(notices()[0], nil)); err == nil {
		t.Error("it expands")
	}
}

// splitFrame takes a data frame apart.
func splitFrame(t testing.TB, frame []byte) (kind byte, body []byte) {
	t.Helper()
	got := must(node.ReadFrame(bufio.NewReader(bytes.NewReader(frame))))(t)
	return got[0], got[1:]
}
