package wallet

import (
	"errors"
	"slices"
	"strings"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/node/keyring"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/foreign"
	"codeberg.org/essaim/essaim/protocol/ob2"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/store"
)

// In Open Badges 2.0 an address vouches for what it publishes. So a badge is
// hosted only by the node that keeps its issuer's key: any other would lend its
// name to words it cannot take back.

func (x *Exporter) credentialURL(r protocol.Record) string {
	return x.public + "/ob/credentials/" + r.CID().String()
}

func (x *Exporter) assertionURL(r protocol.Record) string {
	return x.public + "/ob/2/assertions/" + r.CID().String()
}
func (x *Exporter) classURL(c string) string   { return x.public + "/ob/2/classes/" + c }
func (x *Exporter) imageURL(c string) string   { return x.public + "/ob/images/" + c + ".png" }
func (x *Exporter) issuerURL(d did.DID) string { return x.public + "/ob/2/issuers/" + string(d) }
func (x *Exporter) revocationsURL(d did.DID) string {
	return x.public + "/ob/2/revocations/" + string(d)
}

func notHosted(err error) bool {
	return errors.Is(err, ErrNotPublic) || errors.Is(err, ErrNoContact) || errors.Is(err, keyring.ErrNoKey) || errors.Is(err, node.ErrNoCommunity)
}

// hosts reports why badges of an issuer are not hosted here, nil when they are.
func (x *Exporter) hosts(issuer did.DID) (contact string, err error) {
	if x.public == "" {
		return "", ErrNotPublic
	}
	keys, err := x.node.Keys()
	if err != nil {
		return "", err
	}
	if !keys.Has(issuer) {
		return "", keyring.ErrNoKey
	}
	community, err := x.node.Community()
	if err == nil && community.Email == "" {
		err = ErrNoContact
	}
	return community.Email, err
}

// hosted returns the three documents Open Badges 2.0 publishes of an award.
func (x *Exporter) hosted(award protocol.Record) (ob2.Badge, error) {
	contact, err := x.hosts(award.Author())
	if err != nil {
		return ob2.Badge{}, err
	}
	credential, err := foreign.Parse(award.Bytes())
	if err != nil {
		return ob2.Badge{}, err
	}
	class := award.Class().String()
	b, _, err := ob2.FromCredential(credential.Object, ob2.Hosting{
		Assertion: x.assertionURL(award), Class: x.classURL(class), Issuer: x.issuerURL(award.Author()),
		Email: contact, URL: x.public,
	})
	if err != nil {
		return ob2.Badge{}, err
	}
	b.Class["image"] = x.imageURL(class)
	b.Assertion["image"] = x.credentialURL(award) + ".png"
	b.Issuer["revocationList"] = x.revocationsURL(award.Author())
	if name := x.node.NameOf(award.Author()); name != "" {
		b.Issuer["name"] = name
	}
	return b, nil
}

// hostedAssertion is the assertion as this node publishes it. One that is out
// of force says so and no more.
func (x *Exporter) hostedAssertion(award protocol.Record) ([]byte, error) {
	b, err := x.hosted(award)
	if err != nil {
		return nil, err
	}
	state, err := x.stateOf(award.CID())
	if err != nil {
		return nil, err
	}
	if state != protocol.Live {
		return proof.Marshal(map[string]any{
			"@context": b.Assertion["@context"], "type": "Assertion", "id": b.Assertion["id"],
			"revoked": true, "revocationReason": state.String(),
		})
	}
	return proof.Marshal(b.Assertion)
}

// hostedClass is the class as awards of this node's community embed it.
func (x *Exporter) hostedClass(class protocol.Record) ([]byte, error) {
	award, err := x.anyAward(store.Query{Kinds: []protocol.Kind{protocol.Award}, Class: class.CID(), Newest: true})
	if err != nil {
		return nil, err
	}
	b, err := x.hosted(award)
	if err != nil {
		return nil, err
	}
	return proof.Marshal(b.Class)
}

// hostedIssuer is who awards, as Open Badges 2.0 describes them.
func (x *Exporter) hostedIssuer(issuer did.DID) ([]byte, error) {
	award, err := x.anyAward(store.Query{Kinds: []protocol.Kind{protocol.Award}, Author: issuer, Newest: true})
	if err != nil {
		return nil, err
	}
	b, err := x.hosted(award)
	if err != nil {
		return nil, err
	}
	return proof.Marshal(b.Issuer)
}

// anyAward returns the first award of a query whose issuer is hosted here.
func (x *Exporter) anyAward(q store.Query) (protocol.Record, error) {
	refused := store.ErrNotFound
	for e, err := range x.node.Store().Find(q) {
		if err != nil {
			return protocol.Record{}, err
		}
		r, err := e.Record()
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return protocol.Record{}, err
		}
		if _, refused = x.hosts(r.Author()); refused == nil {
			return r, nil
		}
	}
	return protocol.Record{}, refused
}

// maxRevocations bounds a revocation list: the newest count.
const maxRevocations = 10_000

// revocations lists the awards of an issuer that are out of force, by the
// address of their assertion.
func (x *Exporter) revocations(issuer did.DID) ([]byte, error) {
	if _, err := x.hosts(issuer); err != nil {
		return nil, err
	}
	type revoked struct {
		ID     string `json:"id"`
		Reason string `json:"revocationReason"`
	}
	out := struct {
		Context string    `json:"@context"`
		Type    string    `json:"type"`
		ID      string    `json:"id"`
		Issuer  string    `json:"issuer"`
		Revoked []revoked `json:"revokedAssertions"`
	}{"https://w3id.org/openbadges/v2", "RevocationList", x.revocationsURL(issuer), x.issuerURL(issuer), []revoked{}}
	for e, err := range x.node.Store().Find(store.Query{Kinds: []protocol.Kind{protocol.Award}, Author: issuer, Newest: true}) {
		if err != nil {
			return nil, err
		}
		if e.State == protocol.Live || e.State == protocol.Erased {
			continue // of an erased one nothing is said here: its address answers gone
		}
		r, err := e.Record()
		if errors.Is(err, store.ErrErased) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if out.Revoked = append(out.Revoked, revoked{x.assertionURL(r), e.State.String()}); len(out.Revoked) == maxRevocations {
			break
		}
	}
	slices.SortFunc(out.Revoked, func(a, b revoked) int { return strings.Compare(a.ID, b.ID) })
	return proof.Marshal(out)
}

// profile is the exact record in which an identity says who it is.
func (x *Exporter) profile(d did.DID) (protocol.Record, error) {
	r, err := x.node.ProfileOf(d)
	if err == nil && r.IsZero() {
		err = store.ErrNotFound
	}
	return r, err
}
