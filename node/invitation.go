package node

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"strings"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"codeberg.org/essaim/essaim/protocol/badge"
)

// An invitation is written in two ways (spec/reach.md §3): a code to read out,
// and a link that also says who invites and where, for a QR code or a message.

// inviteLetters are those of a code: Crockford's, without I, L, O and U.
const inviteLetters = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"

// Lengths of a code in letters, of which the last checks the others. One of
// placedCode begins with an IPv4 address and port, in 48 of its bits.
const (
	shortCode  = 16 // 75 bits nobody can guess
	placedCode = 24 // 67
)

// errMistyped is what a code or a link is that somebody mistyped.
func errMistyped(why string) error {
	return &badge.Invalid{Member: "invitation", Why: why}
}

// newInviteCode makes a code, with where the inviting node can be dialled when
// at is an IPv4 address.
func newInviteCode(at netip.AddrPort) string {
	length := shortCode
	if at.Addr().Is4() {
		length = placedCode
	}
	symbols := make([]byte, length)
	if _, err := rand.Read(symbols); err != nil {
		panic(err) // never: crypto/rand ends the program instead
	}
	for i := range symbols {
		symbols[i] &= 31
	}
	if length == placedCode {
		ip := at.Addr().As4()
		bits := uint64(binary.BigEndian.Uint32(ip[:]))<<18 | uint64(at.Port())<<2 | uint64(symbols[9]&3)
		for i := range 10 {
			symbols[i] = byte(bits>>(45-5*i)) & 31
		}
	}
	symbols[length-1] = checkSymbol(symbols[:length-1])
	var b strings.Builder
	for i, s := range symbols {
		if i > 0 && i%4 == 0 {
			b.WriteByte('-')
		}
		b.WriteByte(inviteLetters[s])
	}
	return b.String()
}

// checkSymbol is the sum of all symbols, each times another power of x, in the
// field of 32 elements with x⁵ = x² + 1. So it tells one wrong letter, and two
// that changed places, wherever they are.
func checkSymbol(symbols []byte) byte {
	var sum byte
	for i := len(symbols) - 1; i >= 0; i-- { // the first is times x, the second times x²
		sum = timesX(sum ^ symbols[i])
	}
	return sum
}

func timesX(s byte) byte {
	s <<= 1
	if s&32 != 0 {
		s ^= 32 | 4 | 1
	}
	return s
}

// parseInviteCode reads a code as somebody typed it: case, spaces and dashes do
// not matter, O is 0, I and L are 1. It returns it with no dashes, and where the
// inviting node is, if the code says so.
func parseInviteCode(typed string) (code string, at netip.AddrPort, err error) {
	var clean []byte
	var symbols []byte
	for _, r := range strings.ToUpper(typed) {
		switch r {
		case 'O':
			r = '0'
		case 'I', 'L':
			r = '1'
		case '-', ' ', '\t', '.', '\u2010', '\u2011', '\u2012', '\u2013', '\u2014', '\u00a0', '\u202f':
			continue
		}
		i := strings.IndexRune(inviteLetters, r)
		if i < 0 {
			return "", at, errMistyped(fmt.Sprintf("has %q, which no code has", r))
		}
		if len(symbols) == placedCode {
			return "", at, errMistyped("is too long: a code has 16 or 24 letters and digits")
		}
		clean, symbols = append(clean, inviteLetters[i]), append(symbols, byte(i))
	}
	if len(symbols) != shortCode && len(symbols) != placedCode {
		return "", at, errMistyped(fmt.Sprintf("has %d letters and digits: a code has 16 or 24", len(symbols)))
	}
	last := len(symbols) - 1
	if checkSymbol(symbols[:last]) != symbols[last] {
		return "", at, errMistyped("has a mistake in it: compare each letter and digit")
	}
	if len(symbols) == placedCode {
		var bits uint64
		for _, s := range symbols[:10] {
			bits = bits<<5 | uint64(s)
		}
		var ip [4]byte
		binary.BigEndian.PutUint32(ip[:], uint32(bits>>18))
		at = netip.AddrPortFrom(netip.AddrFrom4(ip), uint16(bits>>2))
	}
	return string(clean), at, nil
}

// codeKey is what both sides of an invitation prove to know.
func codeKey(clean string) []byte {
	key := sha256.Sum256([]byte("essaim invitation 1 " + clean))
	return key[:]
}

// inviteText is an invitation as read: who invites and where is known of a link.
type inviteText struct {
	code string // without dashes
	at   netip.AddrPort
	info peer.AddrInfo // ID is empty in a code
}

// The link of an invitation: a scheme, and in base 32, which a QR code holds
// tightly, a version, the code, the id and the addresses, and four bytes that
// check them.
const (
	linkScheme  = "ESSAIM:"
	linkVersion = 1
	maxLink     = 1 << 10
)

var linkEncoding = base32.StdEncoding.WithPadding(base32.NoPadding)

// writeLink encodes an invitation. More addresses than one answer has are left out.
func writeLink(code string, info peer.AddrInfo) string {
	raw := []byte{linkVersion, byte(len(code))}
	raw = append(raw, code...)
	raw = append(raw, byte(len(info.ID)))
	raw = append(raw, info.ID...)
	for _, a := range info.Addrs[:min(len(info.Addrs), inviteLimits.LinkAddrs)] {
		if b := a.Bytes(); len(b) < 256 {
			raw = append(append(raw, byte(len(b))), b...)
		}
	}
	sum := sha256.Sum256(raw)
	return linkScheme + linkEncoding.EncodeToString(append(raw, sum[:4]...))
}

// readInvitation reads a code or a link.
func readInvitation(typed string) (inviteText, error) {
	typed = strings.TrimSpace(typed)
	if len(typed) > maxLink {
		return inviteText{}, errMistyped("is too long")
	}
	if len(typed) < len(linkScheme) || !strings.EqualFold(typed[:len(linkScheme)], linkScheme) {
		code, at, err := parseInviteCode(typed)
		return inviteText{code: code, at: at}, err
	}
	raw, err := linkEncoding.DecodeString(strings.ToUpper(typed[len(linkScheme):]))
	if err != nil || len(raw) < 6 {
		return inviteText{}, errMistyped("is no link of an invitation, or not the whole of one")
	}
	body, sum := raw[:len(raw)-4], raw[len(raw)-4:]
	if want := sha256.Sum256(body); !bytes.Equal(sum, want[:4]) {
		return inviteText{}, errMistyped("is no link of an invitation, or not the whole of one")
	}
	if body[0] != linkVersion {
		return inviteText{}, errMistyped("is of a newer version: update essaim")
	}
	out, err := readLink(body[1:])
	if err != nil {
		return inviteText{}, errMistyped("is broken: " + err.Error())
	}
	return out, nil
}

// readLink decodes what stands after the version.
func readLink(rest []byte) (out inviteText, err error) {
	next := func() ([]byte, error) {
		if len(rest) == 0 || len(rest) < 1+int(rest[0]) {
			return nil, errors.New("it is cut short")
		}
		part := rest[1 : 1+int(rest[0])]
		rest = rest[1+len(part):]
		return part, nil
	}
	code, err := next()
	if err != nil {
		return out, err
	}
	if out.code, out.at, err = parseInviteCode(string(code)); err != nil {
		return out, err
	}
	id, err := next()
	if err != nil {
		return out, err
	}
	if out.info.ID, err = peer.IDFromBytes(id); err != nil {
		return out, err
	}
	for len(rest) > 0 {
		raw, err := next()
		if err != nil {
			return out, err
		}
		a, err := multiaddr.NewMultiaddrBytes(raw)
		if err != nil {
			return out, err
		}
		if len(out.info.Addrs) == inviteLimits.LinkAddrs || spanOf(a) == spanNone {
			return out, errors.New("it has an address of no use")
		}
		out.info.Addrs = append(out.info.Addrs, a)
	}
	return out, nil
}
