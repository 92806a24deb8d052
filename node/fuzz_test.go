package node_test

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/spec/vectors"
)

// A question is read whole or refused; what is read is what was written.
func FuzzReadAsk(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{65})
	f.Add(append([]byte{1}, make([]byte, 32)...))
	f.Add(node.WriteAsk(make([][sha256.Size]byte, node.MaxAsked)))
	f.Add(append([]byte{2}, make([]byte, 63)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		digests, err := node.ReadAsk(bytes.NewReader(raw))
		if err != nil {
			return
		}
		if len(digests) == 0 || len(digests) > node.MaxAsked {
			t.Fatalf("read %d digests", len(digests))
		}
		if again := node.WriteAsk(digests); !bytes.HasPrefix(raw, again) {
			t.Errorf("read %x, which is written %x", raw, again)
		}
	})
}

// An answer is a record's length of bytes or refused, whatever it promises.
func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte{0})
	f.Add([]byte{3, 'a', 'b'})
	f.Add(bytes.Repeat([]byte{0xff}, 11))
	f.Add(binary.AppendUvarint(nil, protocol.MaxBytes+1))
	all, err := vectors.All()
	if err != nil {
		f.Fatal(err)
	}
	for _, v := range all {
		if v.Expect == "ok" {
			f.Add(append(binary.AppendUvarint(nil, uint64(len(v.Record))), v.Record...))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		r := bufio.NewReader(bytes.NewReader(raw))
		for {
			got, err := node.ReadAnswer(r)
			if errors.Is(err, node.ErrNotHad) {
				continue
			}
			if err != nil {
				return
			}
			if len(got) == 0 || len(got) > protocol.MaxBytes || !bytes.Contains(raw, got) {
				t.Fatalf("read %d bytes of %d", len(got), len(raw))
			}
		}
	})
}

// What the store gives back of an offer is read or refused.
func FuzzReadOffer(f *testing.F) {
	f.Add([]byte(`{"id":"urn:uuid:1","class":"bafy","name":"Laser","holder":"did:key:z6Mk","expires":"2026-12-06T12:00:00Z","document":"e30="}`))
	f.Add([]byte(`{"claimed":"bafy"}`))
	f.Add([]byte(`{"expires":"tomorrow"}`))
	f.Add([]byte(`[`))
	f.Fuzz(func(_ *testing.T, raw []byte) { _, _ = node.ReadOffer(raw) })
}

// However a code is typed, it is the same code; and no other is.
func FuzzHashCode(f *testing.F) {
	f.Add("7KQ2-MD4X-P9TR")
	f.Add(" 7kq2 md4x\u00a0p9tr\n")
	f.Add("７ＫＱ２–ſK")
	f.Add("")
	f.Fuzz(func(t *testing.T, code string) {
		h := node.HashCode(code)
		for _, same := range []string{strings.ToLower(code), " " + code + "-", strings.ReplaceAll(code, "-", "\u2013")} {
			// Lower case of letters that are not ASCII may be ASCII, and the
			// other way round; they are dropped before.
			if isASCII(code) && node.HashCode(same) != h {
				t.Errorf("%q and %q are two codes", code, same)
			}
		}
		if node.HashCode(code+"7") == h {
			t.Errorf("%q and %q are one code", code, code+"7")
		}
	})
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= 0x80 }) < 0
}

// Codes look as they are said to.
func TestNewCode(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		c := node.NewCode()
		if len(c) != 14 || c[4] != '-' || c[9] != '-' || strings.ContainsAny(c, "01OILUV") || seen[c] {
			t.Fatalf("code %q", c)
		}
		seen[c] = true
	}
}

// The address of a peer is understood, with somewhere to dial, or refused.
func FuzzPeerAddress(f *testing.F) {
	const id = "12D3KooWGC6TvWhfapngX6wvJHMYvKpDMXPb3ZnCZ6dMoaMtimQ5"
	for _, s := range []string{
		"/ip4/192.168.1.20/tcp/4797/p2p/" + id, "/ip6/::1/udp/4797/quic-v1/p2p/" + id, "/dns4/essaim.example/tcp/4797/p2p/" + id,
		"/p2p/" + id, "/ip4/192.168.1.20/tcp/4797", "/ip4/1.2.3.4/tcp/1/p2p/" + id + "/p2p-circuit/p2p/" + id, "", "/", "nonsense", "/dns4/a b/tcp/4797/p2p/" + id,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		info, err := node.ParsePeer(s)
		if err != nil {
			return
		}
		if err := info.ID.Validate(); err != nil || len(info.Addrs) != 1 {
			t.Fatalf("%q: got %v", s, info)
		}
		// What is remembered are its texts, one a line.
		if a := info.Addrs[0].String(); strings.ContainsAny(a, " \n\t") {
			t.Errorf("%q is kept as %q, which reads back as several", s, a)
		}
	})
}
