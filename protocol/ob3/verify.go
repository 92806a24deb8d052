package ob3

import (
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/proof"
)

// Addresses that say what a document follows.
const (
	contextV1  = "https://www.w3.org/2018/credentials/v1"
	contextV2  = "https://www.w3.org/ns/credentials/v2"
	contextOB3 = "https://purl.imsglobal.org/spec/ob/v3p0/"
)

// Is reports whether o follows Verifiable Credentials of either age, be it a
// credential or a document that stands beside them.
func Is(o foreign.Object) bool {
	return o.Names(contextV1) || o.Names(contextV2) || o.Is("VerifiableCredential")
}

// credential is one credential being asked about.
type credential struct {
	foreign.Document
	in foreign.Inquiry
	d  *foreign.Documents
	v  *foreign.Verdict
}

// Verify asks the seven questions of a credential secured by proofs inside it.
// It costs some milliseconds for each linked-data proof and fetches nothing
// but by in.Fetch.
func Verify(document foreign.Document, in foreign.Inquiry) foreign.Verdict {
	v := foreign.Verdict{}
	c := credential{document, in, foreign.NewDocuments(in, &v), &v}
	if !document.Is("VerifiableCredential") && document.Object["credentialSubject"] == nil {
		v.Standard, v.Kind = "VC", strings.Join(document.Texts("type"), " ")
		v.Says(foreign.WellFormed, foreign.Yes, foreign.Readable, "")
		v.Says(foreign.Shape, foreign.Unknown, foreign.OtherDocument, v.Kind)
		for q := foreign.Signature; q <= foreign.Recipient; q++ {
			v.Says(q, foreign.Unknown, foreign.NotAsked, "")
		}
		return v
	}
	c.content()
	c.proofs()
	c.status()
	return v
}

// content answers what does not depend on how the credential is secured.
func (c *credential) content() {
	c.v.Standard, c.v.Kind = "VC", ""
	for _, t := range c.Texts("type") {
		if t != "VerifiableCredential" {
			c.v.Kind = t
		}
		if slices.Contains(badgeTypes, t) || t == "EndorsementCredential" {
			c.v.Standard, c.v.Kind = "OB 3.0", t
			break
		}
	}
	c.v.Says(foreign.WellFormed, foreign.Yes, foreign.Readable, "")
	c.shape()
	members := c.Object
	begins, ends := members["validFrom"], members["validUntil"]
	if begins == nil {
		begins = members["issuanceDate"]
	}
	if ends == nil {
		ends = members["expirationDate"]
	}
	// Of a credential 2.0 the beginning is optional, of a badge and of one 1.1 not.
	if contexts := c.Texts("@context"); begins == nil && c.v.Standard == "VC" && len(contexts) > 0 && contexts[0] == proof.ContextCredentials {
		c.v.Until(c.in.Now, ends)
	} else {
		c.v.Period(c.in.Now, begins, ends)
	}
	c.recipient()
	subject := c.subject()
	for _, o := range []foreign.Object{members, subject.Object("achievement"), members.Object("issuer")} {
		if len(o.List("endorsement"))+len(o.List("endorsementJwt")) > 0 {
			c.v.Note(foreign.EndorsementsAside)
		}
	}
}

// subject returns the first subject of the credential, or nil.
func (c *credential) subject() foreign.Object {
	if s := c.Objects("credentialSubject"); len(s) > 0 {
		return s[0]
	}
	return nil
}

// recipient answers whether the credential is about the person offered: by the
// id of its subject, or by a hashed or open address.
func (c *credential) recipient() {
	offered := c.in.Recipient
	if offered == "" {
		c.v.Says(foreign.Recipient, foreign.Unknown, foreign.NotAsked, "")
		return
	}
	subject := c.subject()
	id := subject.Text("id")
	if strings.HasPrefix(offered, "did:") {
		switch {
		case id == offered:
			c.v.Says(foreign.Recipient, foreign.Yes, foreign.SameRecipient, "")
		case strings.HasPrefix(id, "did:"):
			c.v.Says(foreign.Recipient, foreign.No, foreign.OtherRecipient, "")
		default:
			c.v.Says(foreign.Recipient, foreign.Unknown, foreign.NoRecipient, "")
		}
		return
	}
	var identities []foreign.Identity
	for _, i := range subject.Objects("identifier") {
		if t := i.Text("identityType"); t == "emailAddress" || t == "email" {
			hashed, _ := i["hashed"].(bool)
			identities = append(identities, foreign.Identity{Value: i.Text("identityHash"), Hashed: hashed, Salt: i.Text("salt")})
		}
	}
	for _, open := range []string{subject.Text("email"), id} {
		if mail, is := strings.CutPrefix(open, "mailto:"); is || open != id && open != "" {
			identities = append(identities, foreign.Identity{Value: mail})
		}
	}
	c.v.Says(foreign.Recipient, foreign.Unknown, foreign.NoRecipient, "")
	for _, i := range identities {
		if !i.Hashed {
			c.v.Note(foreign.MailInTheClear)
		}
		answer, reason := i.Is(offered)
		c.v.Says(foreign.Recipient, answer, reason, "")
		if answer == foreign.Yes {
			return
		}
	}
}
