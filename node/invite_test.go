package node_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol/badge"
)

// inviteLetters are those of a code.
const inviteLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// A code tells any one wrong letter, and any two that changed places, and is
// read however it was typed.
func TestInviteCodes(t *testing.T) {
	at := netip.MustParseAddrPort("203.0.113.7:4797")
	for _, want := range []struct {
		at     netip.AddrPort
		length int
	}{{netip.AddrPort{}, 16}, {at, 24}} {
		code := node.NewInviteCode(want.at)
		clean, place, err := node.ParseInvite(code)
		if err != nil || place != want.at || len(clean) != want.length || strings.ReplaceAll(code, "-", "") != clean {
			t.Fatalf("code %s: got %q at %v, %v", code, clean, place, err)
		}
		for typed, what := range map[string]string{
			strings.ToLower(code):                                 "in lower case",
			" " + strings.ReplaceAll(code, "-", " "):              "with spaces",
			strings.ReplaceAll(code, "-", "\u2011"):               "with long dashes",
			strings.NewReplacer("0", "o", "1", "l").Replace(code): "with o for 0 and l for 1",
		} {
			if got, _, err := node.ParseInvite(typed); err != nil || got != clean {
				t.Errorf("the code %s: got %q, %v, want %q", what, got, err, clean)
			}
		}
		for i := range clean {
			for _, letter := range []byte(inviteLetters) {
				wrong := []byte(clean)
				wrong[i] = letter
				if _, _, err := node.ParseInvite(string(wrong)); (err == nil) != (letter == clean[i]) {
					t.Errorf("%s for %s: got %v", wrong, clean, err)
				}
			}
			for j := range i {
				swapped := []byte(clean)
				swapped[i], swapped[j] = swapped[j], swapped[i]
				if _, _, err := node.ParseInvite(string(swapped)); (err == nil) != (clean[i] == clean[j]) {
					t.Errorf("%s for %s: got %v", swapped, clean, err)
				}
			}
		}
	}
	law := string(must(os.ReadFile("../spec/reach.md"))(t))
	for text, want := range map[string]string{"K7Q2-MD4X-P9TR-6HWA": "invalid AddrPort", "SC07-21RJ-QQ08-89RV-34TG-5T2V": "203.0.113.7:4797"} {
		if _, place, err := node.ParseInvite(text); err != nil || place.String() != want || !strings.Contains(law, "`"+text+"`") {
			t.Errorf("the code %s of spec/reach.md: got %v, %v, want %s", text, place, err, want)
		}
	}
	var invalid *badge.Invalid
	for _, typed := range []string{"", "K7Q2", "É7Q2-MD4X-P9TR-6HWA", "U7Q2-MD4X-P9TR-6HWA", strings.Repeat("0", 25), strings.Repeat("0", 17), "ESSAIM:", "ESSAIM:AAAA", "essaim:????"} {
		if _, _, _, err := node.ReadInvitation(typed); !errors.As(err, &invalid) {
			t.Errorf("%q: got %v, want it refused", typed, err)
		}
	}
}

// An invitation is read whole or refused; a link that is read is written again as
// it was.
func FuzzReadInvitation(f *testing.F) {
	_, id := stamp(f)
	clean, _, _ := node.ParseInvite(node.NewInviteCode(netip.AddrPort{}))
	f.Add(clean)
	f.Add(node.NewInviteCode(netip.MustParseAddrPort("203.0.113.7:4797")))
	f.Add(node.WriteLink(clean, peer.AddrInfo{ID: id}))
	f.Add(node.WriteLink(clean, peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{
		multiaddr.StringCast("/ip4/203.0.113.7/tcp/4797"), multiaddr.StringCast("/ip6/2a01:e34::1/udp/4797/quic-v1"),
	}}))
	f.Add("ESSAIM:" + strings.Repeat("A", 40))
	f.Fuzz(func(t *testing.T, typed string) {
		code, at, info, err := node.ReadInvitation(typed)
		if err != nil {
			return
		}
		if len(code) != 16 && len(code) != 24 || at.IsValid() != (len(code) == 24) {
			t.Errorf("%q: code %q at %v", typed, code, at)
		}
		if info.ID == "" {
			return
		}
		link := node.WriteLink(code, info)
		again, _, read, err := node.ReadInvitation(link)
		if err != nil || again != code || read.ID != info.ID || len(read.Addrs) != len(info.Addrs) {
			t.Errorf("%q is written %q and read %q %v, %v", typed, link, again, read, err)
		}
	})
}

// What another node says of itself has a name that fits on a line, and addresses
// that can be of use, or none.
func FuzzReadSaid(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"name":"Fablab de la rade","territory":"fr:epci:242900314","addrs":["/ip4/192.168.1.20/tcp/4797"]}`))
	f.Add([]byte(`{"name":"\u001b[31mrouge","addrs":["/ip4/127.0.0.1/tcp/1"]}`))
	f.Add([]byte(`{"name":"\u202eà l'envers"}`))
	f.Add([]byte(`{"name":"a","name":"b"}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		name, addrs, err := node.ReadSaid(raw)
		if err != nil {
			return
		}
		if strings.ContainsAny(name, "\x00\x07\x1b\n\r\u202e\u2028") || len(name) > 400 {
			t.Errorf("took the name %q", name)
		}
		for _, a := range addrs {
			if node.SpanOf(a) < node.SpanLAN {
				t.Errorf("took the address %s", a)
			}
		}
	})
}

// Brest invites. Rennes is told the code, finds Brest, is asked once, and both
// are linked for good: each is the other's static peer, also after a restart.
func TestInvitation(t *testing.T) {
	for _, way := range []string{"link", "code that says where", "code, near by"} {
		t.Run(way, func(t *testing.T) {
			c := &clock{}
			config := configure(t.TempDir(), c)
			config.InMemory = false
			b := run(t, config, c, brest)
			r := start(t, rennes)
			b.settle("Fablab de la rade", "Brest")
			r.settle("Atelier de la Vilaine", "Rennes")

			draft := node.InvitationDraft{}
			if way == "code that says where" {
				_, port, _ := strings.Cut(b.Addrs()[0], "/tcp/")
				port, _, _ = strings.Cut(port, "/")
				draft.At = netip.MustParseAddrPort("127.0.0.1:" + port)
			}
			v := must(b.Invite(draft))(t)
			text := v.Code
			switch way {
			case "link":
				text = v.Link
			case "code, near by":
				// As on a local network: connected, and knowing nothing of each other.
				if err := r.Libp2p().Connect(t.Context(), info(t, b)); err != nil {
					t.Fatal(err)
				}
			}

			who := must(r.LookInvitation(t.Context(), text))(t)
			if who.Peer != b.PeerID() || who.Name != "Fablab de la rade" || who.Territory != brest {
				t.Errorf("who invites: got %+v, want Fablab de la rade", who)
			}
			if p, _ := b.peer(r.PeerID()); p.Static {
				t.Error("looking linked Rennes already")
			}
			must(r.JoinInvitation(t.Context(), text, who.Peer))(t)
			if p := r.knows(b, node.Invited); !p.Static || p.Name != "Fablab de la rade" {
				t.Errorf("Rennes has of Brest %+v, want it static and named", p)
			}
			if p := b.knows(r, node.Invited); !p.Static || p.Name != "Atelier de la Vilaine" || len(p.Addrs) == 0 {
				t.Errorf("Brest has of Rennes %+v, want it static and named", p)
			}

			// Once is once, and Rennes may ask again whether it is linked.
			must(r.JoinInvitation(t.Context(), text, ""))(t)
			third := start(t)
			if err := third.Libp2p().Connect(t.Context(), info(t, b)); err != nil {
				t.Fatal(err)
			}
			_, err := third.JoinInvitation(t.Context(), text, "")
			wants(t, "another with the same code", err, node.ErrUsedInvitation)
			if got := must(b.Invitations())(t); len(got) != 0 {
				t.Errorf("open invitations: got %+v, want none", got)
			}

			b.stop() // and is started again: it calls Rennes itself
			again := run(t, config, c, brest)
			again.knows(r, node.Invited)
		})
	}
}

// What does not work, and what is said of it.
func TestInvitationsThatDoNotWork(t *testing.T) {
	b, r := start(t), start(t)
	if err := r.Libp2p().Connect(t.Context(), info(t, b)); err != nil {
		t.Fatal(err)
	}
	join := func(text string) error {
		_, err := r.JoinInvitation(t.Context(), text, "")
		return err
	}
	wants(t, "a code nobody made", join(node.NewInviteCode(netip.AddrPort{})), node.ErrNoInviter)
	wants(t, "nobody there", join(node.NewInviteCode(netip.MustParseAddrPort("127.0.0.1:1"))), node.ErrNotReached)

	v := must(b.Invite(node.InvitationDraft{Life: time.Hour}))(t)
	var invalid *badge.Invalid
	if _, err := b.JoinInvitation(t.Context(), v.Link, ""); !errors.As(err, &invalid) {
		t.Errorf("one's own invitation: got %v, want it refused", err)
	}
	_, err := r.JoinInvitation(t.Context(), v.Code, r.PeerID())
	wants(t, "another than was looked at", err, node.ErrNoInviter)
	b.clock.pass(time.Hour)
	wants(t, "an hour later", join(v.Code), node.ErrExpiredInvitation)

	v = must(b.Invite(node.InvitationDraft{Uses: 2}))(t)
	if err := b.EndInvitation(v.ID); err != nil {
		t.Fatal(err)
	}
	wants(t, "ended", join(v.Code), node.ErrExpiredInvitation)
	wants(t, "ended twice", b.EndInvitation(v.ID), node.ErrUnknownInvitation)

	v = must(b.Invite(node.InvitationDraft{}))(t)
	if err := r.BlockPeer(b.PeerID()); err != nil {
		t.Fatal(err)
	}
	wants(t, "of a blocked node", join(v.Link), node.ErrBlockedPeer)
	if err := r.UnblockPeer(b.PeerID()); err != nil {
		t.Fatal(err)
	}
	b.stop()
	wants(t, "of a node that is off", join(v.Link), node.ErrNotReached)

	for _, d := range []node.InvitationDraft{
		{Life: time.Second},
		{Life: 31 * 24 * time.Hour},
		{Uses: -1},
		{Uses: 33},
		{At: netip.MustParseAddrPort("[::1]:4797")},
		{At: netip.MustParseAddrPort("1.2.3.4:0")},
	} {
		if _, err := r.Invite(d); !errors.As(err, &invalid) {
			t.Errorf("invite %+v: got %v, want it refused", d, err)
		}
	}
	for range node.InviteLimits.Invitations {
		must(r.Invite(node.InvitationDraft{}))(t)
	}
	if _, err := r.Invite(node.InvitationDraft{}); !errors.As(err, &invalid) {
		t.Errorf("one invitation too many: got %v, want it refused", err)
	}
	if got := must(r.Invitations())(t); len(got) != node.InviteLimits.Invitations {
		t.Errorf("open: got %d, want %d", len(got), node.InviteLimits.Invitations)
	}
}

// greet begins a talk about an invitation and returns both nonces.
func (s *stranger) greet(with peer.ID, act byte, nonce []byte) (network.Stream, []byte) {
	s.t.Helper()
	stream := must(s.NewStream(context.Background(), with, node.InviteProtocol))(s.t)
	_ = stream.SetDeadline(time.Now().Add(20 * time.Second))
	must(stream.Write(append([]byte{act}, nonce...)))(s.t)
	theirs := make([]byte, 16)
	if _, err := io.ReadFull(stream, theirs); err != nil {
		s.t.Fatal(err)
	}
	return stream, append(bytes.Clone(nonce), theirs...)
}

// answerTo sends a proof and what is said, and returns the first byte that comes.
func answerTo(t testing.TB, s network.Stream, proof, said []byte) (byte, error) {
	t.Helper()
	must(s.Write(append(binary.AppendUvarint(bytes.Clone(proof), uint64(len(said))), said...)))(t)
	var answer [1]byte
	_, err := io.ReadFull(s, answer[:])
	_ = s.Close()
	return answer[0], err
}

// Mallory has no code. She replays, stands between, guesses and floods, and is
// linked with nobody.
func TestHostileJoiners(t *testing.T) {
	b := start(t)
	v := must(b.Invite(node.InvitationDraft{}))(t)
	clean, _, _ := node.ParseInvite(v.Code)
	m := newStranger(t)
	m.meet(b)
	nonce := bytes.Repeat([]byte{7}, 16)
	said := []byte(`{"name":"Mallory"}`)

	// A proof another joiner made, sent on by Mallory: it is of another peer.
	s, nonces := m.greet(b.PeerID(), 2, nonce)
	_, victim := stamp(t)
	if got, err := answerTo(t, s, node.ProveJoin(clean, 2, nonces, victim, b.PeerID(), said), said); got != 1 || err != nil {
		t.Errorf("a proof of another joiner: got answer %d, %v, want 1", got, err)
	}
	// Hers to another inviter; of a talk before; of other words; of another act.
	s, nonces = m.greet(b.PeerID(), 2, nonce)
	if got, _ := answerTo(t, s, node.ProveJoin(clean, 2, nonces, m.ID(), victim, said), said); got != 1 {
		t.Errorf("a proof to another inviter: got answer %d, want 1", got)
	}
	s, _ = m.greet(b.PeerID(), 2, nonce)
	if got, _ := answerTo(t, s, node.ProveJoin(clean, 2, nonces, m.ID(), b.PeerID(), said), said); got != 1 {
		t.Errorf("a proof of another talk: got answer %d, want 1", got)
	}
	s, nonces = m.greet(b.PeerID(), 2, nonce)
	if got, _ := answerTo(t, s, node.ProveJoin(clean, 2, nonces, m.ID(), b.PeerID(), said), []byte(`{"name":"Bob"}`)); got != 1 {
		t.Errorf("a proof of other words: got answer %d, want 1", got)
	}
	s, nonces = m.greet(b.PeerID(), 2, nonce)
	if got, _ := answerTo(t, s, node.ProveJoin(clean, 1, nonces, m.ID(), b.PeerID(), said), said); got != 1 {
		t.Errorf("a proof of another act: got answer %d, want 1", got)
	}
	// More words than go, and an act there is not: no answer.
	long := make([]byte, node.InviteLimits.Said+1)
	s, nonces = m.greet(b.PeerID(), 2, nonce)
	if got, err := answerTo(t, s, node.ProveJoin(clean, 2, nonces, m.ID(), b.PeerID(), long), long); err == nil {
		t.Errorf("a long story: got answer %d, want none", got)
	}
	bad := must(m.NewStream(t.Context(), b.PeerID(), node.InviteProtocol))(t)
	must(bad.Write(append([]byte{9}, nonce...)))(t)
	if n, err := io.ReadFull(bad, make([]byte, 1)); n > 0 || err == nil {
		t.Error("an act there is not was answered")
	}
	// Guess after guess: then she is not heard, even with the right code.
	for range node.InviteLimits.Wrong {
		s, _ = m.greet(b.PeerID(), 1, nonce)
		_, _ = answerTo(t, s, nonce[:0:0], make([]byte, 32))
	}
	s, nonces = m.greet(b.PeerID(), 1, nonce)
	if got, err := answerTo(t, s, node.ProveJoin(clean, 1, nonces, m.ID(), b.PeerID(), nil), nil); got != 4 || err != nil {
		t.Errorf("after many guesses: got answer %d, %v, want 4", got, err)
	}
	// With words that are none, even who knows the code is not linked, and the
	// invitation is as good as before.
	known := newStranger(t)
	known.meet(b)
	s, nonces = known.greet(b.PeerID(), 2, nonce)
	junk := []byte(`{"addrs":["nowhere"]}`)
	if got, err := answerTo(t, s, node.ProveJoin(clean, 2, nonces, known.ID(), b.PeerID(), junk), junk); got != 1 && err == nil {
		t.Errorf("junk: got answer %d, want 1", got)
	}
	for _, p := range must(b.Peers())(t) {
		if p.Static {
			t.Errorf("linked: %+v", p)
		}
	}
	r := start(t)
	must(r.JoinInvitation(t.Context(), v.Link, ""))(t)
	b.knows(r, node.Invited)
}

// A node asked for a code that says it has it, and does not, is not believed.
func TestHostileInviter(t *testing.T) {
	r := start(t)
	m := newStranger(t)
	m.meet(r)
	asked := make(chan []byte, 1)
	m.SetStreamHandler(node.InviteProtocol, func(s network.Stream) {
		defer s.Close()
		opening := make([]byte, 17)
		_, _ = io.ReadFull(s, opening)
		_, _ = s.Write(make([]byte, 16))
		proof := make([]byte, 33)
		_, _ = io.ReadFull(s, proof)
		asked <- proof[32:]
		said := []byte(`{"name":"Fablab de la rade"}`)
		_, _ = s.Write(append(append([]byte{0}, proof[:32]...), append([]byte{byte(len(said))}, said...)...)) // the joiner's own proof
	})
	_, err := r.LookInvitation(t.Context(), node.NewInviteCode(netip.AddrPort{}))
	wants(t, "one who does not know the code", err, node.ErrNoInviter)
	if length := <-asked; length[0] != 0 {
		t.Errorf("who only looks said %d bytes of itself, want none", length[0])
	}
	if p, _ := r.peer(m.ID()); p.Static {
		t.Error("linked with Mallory")
	}
}

// Two uses are two nodes, whoever comes first.
func TestInvitationOfSeveral(t *testing.T) {
	b := start(t)
	v := must(b.Invite(node.InvitationDraft{Uses: 2}))(t)
	done := make(chan error, 4)
	for range 4 {
		guest := start(t)
		go func() {
			_, err := guest.JoinInvitation(context.Background(), v.Link, "")
			done <- err
		}()
	}
	linked := 0
	for range 4 {
		switch err := <-done; {
		case err == nil:
			linked++
		case !errors.Is(err, node.ErrUsedInvitation):
			t.Errorf("a guest: %v", err)
		}
	}
	var static []peer.ID
	for _, p := range must(b.Peers())(t) {
		if p.Static {
			static = append(static, p.ID)
		}
	}
	slices.Sort(static)
	if linked != 2 || len(static) != 2 {
		t.Errorf("linked %d, of %v, want 2", linked, static)
	}
}
