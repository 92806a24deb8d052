package ob3

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
)

// maxList is the most bytes a status list may inflate to: 16 million entries.
const maxList = 2 << 20

// status answers Status from every entry: no when one says so, unknown when
// one cannot be read, and yes otherwise.
func (c *credential) status() {
	entries := c.List("credentialStatus")
	if len(entries) == 0 {
		c.v.Says(foreign.Status, foreign.Yes, foreign.NoStatus, "")
		return
	}
	if len(entries) > maxProofs {
		c.v.Says(foreign.Status, foreign.Unknown, foreign.UnknownStatus, "")
		return
	}
	c.v.Says(foreign.Status, foreign.Yes, foreign.NotRevoked, "")
	for _, e := range entries {
		m, ok := e.(map[string]any)
		f := foreign.Finding{Answer: foreign.Unknown, Reason: foreign.UnknownStatus}
		if ok {
			f = c.entry(m)
		}
		if f.Answer == foreign.No || f.Answer == foreign.Unknown && c.v.Findings[foreign.Status].Answer == foreign.Yes {
			c.v.Findings[foreign.Status] = f
		}
	}
}

func (c *credential) entry(e foreign.Object) foreign.Finding {
	switch {
	case e.Is("1EdTechRevocationList"):
		return c.revocationList(e)
	case e.Is("BitstringStatusListEntry", "StatusList2021Entry"):
		return c.bitstring(e)
	}
	return foreign.Finding{Answer: foreign.Unknown, Reason: foreign.UnknownStatus, Detail: e.Text("type")}
}

func (c *credential) list(address string) (foreign.Document, foreign.Finding) {
	list, err := c.d.Get(address)
	switch {
	case err == nil:
		return list, foreign.Finding{}
	case foreign.Absent(err):
		return list, foreign.Finding{Answer: foreign.Unknown, Reason: foreign.NotAtHand, Detail: address}
	}
	return list, foreign.Finding{Answer: foreign.Unknown, Reason: foreign.BadStatusList, Detail: address}
}

// revocationList reads the list 1EdTech had before it took that of the W3C. It
// is not signed: it stands where the signed credential says.
func (c *credential) revocationList(e foreign.Object) foreign.Finding {
	list, f := c.list(e.Text("id"))
	if list.Object == nil {
		return f
	}
	if list.ID("issuer") != c.issuer() {
		return foreign.Finding{Answer: foreign.Unknown, Reason: foreign.BadStatusList, Detail: e.Text("id")}
	}
	id := c.Text("id")
	for _, r := range list.Objects("revokedCredential") {
		if back, said := r["revoked"].(bool); r.Text("id") == id && id != "" && (!said || back) {
			return foreign.Finding{Answer: foreign.No, Reason: foreign.Revoked, Detail: r.Text("revocationReason")}
		}
	}
	if slices.Contains(list.Texts("revokedCredential"), id) {
		return foreign.Finding{Answer: foreign.No, Reason: foreign.Revoked}
	}
	return foreign.Finding{Answer: foreign.Yes, Reason: foreign.NotRevoked}
}

// bitstring reads an entry of a list that is itself a credential, of the same
// issuer and whose signature is not wrong.
func (c *credential) bitstring(e foreign.Object) foreign.Finding {
	bad := foreign.Finding{Answer: foreign.Unknown, Reason: foreign.BadStatusList, Detail: e.Text("statusListCredential")}
	purpose := e.Text("statusPurpose")
	if purpose == "" {
		purpose = "revocation"
	}
	index, err := strconv.ParseUint(e.Text("statusListIndex"), 10, 32)
	if n, ok := e["statusListIndex"].(float64); ok && n >= 0 && n < 1<<32 && n == float64(uint64(n)) {
		index, err = uint64(n), nil
	}
	if err != nil {
		return bad
	}
	document, f := c.list(e.Text("statusListCredential"))
	if document.Object == nil {
		return f
	}
	var v foreign.Verdict
	list := credential{document, c.in, c.d, &v}
	list.proofs()
	if list.issuer() != c.issuer() || v.Findings[foreign.Signature].Answer == foreign.No || v.Findings[foreign.Issuer].Answer == foreign.No {
		return bad
	}
	if begins, ends := document.Object["validFrom"], document.Object["validUntil"]; begins == nil {
		v.Until(c.in.Now, ends)
	} else {
		v.Period(c.in.Now, begins, ends)
	}
	if v.Findings[foreign.Dates].Answer == foreign.No {
		return bad
	}
	subject := list.subject()
	if !slices.Contains(subject.Texts("statusPurpose"), purpose) {
		return bad
	}
	bits, err := inflate(subject.Text("encodedList"))
	if err != nil || index >= uint64(len(bits))*8 {
		return bad
	}
	// Index 0 is the most significant bit of the first byte (§2.2).
	set := bits[index/8]&(0x80>>(index%8)) != 0
	switch {
	case set && (purpose == "revocation" || purpose == "suspension"):
		return foreign.Finding{Answer: foreign.No, Reason: foreign.Revoked, Detail: purpose}
	case set:
		return foreign.Finding{Answer: foreign.Unknown, Reason: foreign.UnknownStatus, Detail: purpose}
	}
	return foreign.Finding{Answer: foreign.Yes, Reason: foreign.NotRevoked}
}

var errLarge = errors.New("status list too large")

// inflate returns the bits of an encoded list, with the multibase letter of
// today or without it.
func inflate(encoded string) ([]byte, error) {
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(encoded, "u"))
	if err != nil || !bytes.HasPrefix(raw, []byte{0x1f, 0x8b}) {
		// A list of 2021 may begin with u by chance.
		if raw, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "=")); err != nil {
			return nil, err
		}
	}
	r, err := gzip.NewReader(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	bits, err := io.ReadAll(io.LimitReader(r, maxList+1))
	if len(bits) > maxList {
		return nil, errLarge
	}
	return bits, err
}
