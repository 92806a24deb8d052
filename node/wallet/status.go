package wallet

import (
	"bytes"
	"compress/gzip"
	"crypto"
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"math/big"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/store"
)

// A badge of ours names no status list: its states are records, which any node
// has. For who knows only lists ("Bitstring Status List v1.0"), the node that
// keeps an issuer's key publishes one for each purpose, and tells at which place
// in it a badge stands. Places are drawn by lot, so that a list says nothing of
// who was awarded when, and kept for ever.

// listLength is how many places a list has, the fewest the standard allows. No
// more than half are taken, so that a free one is found soon.
const listLength = 131_072

// The purposes a list may have.
const (
	revocation = "revocation"
	suspension = "suspension"
)

// statusLists gives out places and keeps signed lists for a while.
type statusLists struct {
	rows store.Bucket // issuer's key as DID, a zero byte, digest → list and place, each 4 bytes

	mu     sync.Mutex // guards the rest; held over the store, which is quick
	loaded bool
	places map[did.DID]map[[32]byte]place
	signed map[string]signedList
}

type place struct{ list, at uint32 }

type signedList struct {
	bytes []byte
	until time.Time
}

func newStatusLists(n *node.Node) *statusLists {
	return &statusLists{rows: n.Store().Private("status-places"), places: map[did.DID]map[[32]byte]place{}, signed: map[string]signedList{}}
}

// load reads the places once. The caller holds mu.
func (l *statusLists) load() error {
	if l.loaded {
		return nil
	}
	for key, value := range l.rows.Each() {
		issuer, digest, ok := bytes.Cut(key, []byte{0})
		if !ok || len(digest) != 32 || len(value) != 8 {
			return fmt.Errorf("places in status lists: a row of %d and %d bytes", len(key), len(value))
		}
		l.take(did.DID(issuer), [32]byte(digest), place{binary.BigEndian.Uint32(value), binary.BigEndian.Uint32(value[4:])})
	}
	l.loaded = true
	return nil
}

func (l *statusLists) take(issuer did.DID, digest [32]byte, p place) {
	if l.places[issuer] == nil {
		l.places[issuer] = map[[32]byte]place{}
	}
	l.places[issuer][digest] = p
}

// placeOf returns the place of an award in the lists of its issuer, the same
// for ever. It is drawn when first asked for.
func (l *statusLists) placeOf(award protocol.Record) (place, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.load(); err != nil {
		return place{}, err
	}
	mine := l.places[award.Author()]
	if p, ok := mine[award.Digest()]; ok {
		return p, nil
	}
	list := uint32(len(mine) / (listLength / 2))
	taken := map[uint32]bool{}
	for _, p := range mine {
		if p.list == list {
			taken[p.at] = true
		}
	}
	for {
		n, err := rand.Int(rand.Reader, big.NewInt(listLength))
		if err != nil {
			return place{}, err
		}
		p := place{list, uint32(n.Uint64())}
		if taken[p.at] {
			continue
		}
		digest := award.Digest()
		key := append(append([]byte(award.Author()), 0), digest[:]...)
		if err := l.rows.Put(key, binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, p.list), p.at)); err != nil {
			return place{}, err
		}
		l.take(award.Author(), digest, p)
		return p, nil
	}
}

// entry says where the state of a badge stands (Bitstring Status List §2.1).
type entry struct {
	ID      string `json:"id"`
	Type    string `json:"type"`
	Purpose string `json:"statusPurpose"`
	Index   string `json:"statusListIndex"`
	List    string `json:"statusListCredential"`
}

// askEntries answers where a badge stands in the lists of its issuer.
func (x *Exporter) askEntries(r *http.Request) (answer, error) {
	award, err := x.named(r.PathValue("cid"), protocol.Award)
	if err != nil {
		return answer{}, err
	}
	if _, err := x.hosts(award.Author()); err != nil && !errors.Is(err, ErrNoContact) {
		return answer{}, err
	}
	p, err := x.lists.placeOf(award)
	if err != nil {
		return answer{}, err
	}
	var out []entry
	for _, purpose := range []string{revocation, suspension} {
		list := x.listURL(award.Author(), purpose, p.list)
		at := strconv.Itoa(int(p.at))
		out = append(out, entry{list + "#" + at, "BitstringStatusListEntry", purpose, at, list})
	}
	body, err := proof.Marshal(map[string]any{"credentialStatus": out, "id": award.Document().(*badge.AchievementCredential).ID})
	return whole("application/json", body, err)
}

func (x *Exporter) listURL(issuer did.DID, purpose string, list uint32) string {
	return fmt.Sprintf("%s/ob/status/%s/%s/%d", x.public, issuer, purpose, list)
}

// askList answers a list, signed by the issuer.
func (x *Exporter) askList(r *http.Request) (answer, error) {
	issuer, err := did.Parse(r.PathValue("did"))
	if err != nil {
		return answer{}, store.ErrNotFound
	}
	purpose := r.PathValue("purpose")
	number, err := strconv.ParseUint(r.PathValue("list"), 10, 16)
	if err != nil || purpose != revocation && purpose != suspension || strconv.FormatUint(number, 10) != r.PathValue("list") {
		return answer{}, store.ErrNotFound
	}
	body, err := x.statusList(issuer, purpose, uint32(number))
	return whole(mediaCredential, body, err)
}

// statusList returns a list of an issuer as a credential, at most maxAge old.
// It fails with keyring.ErrNoKey and keyring.ErrLocked.
func (x *Exporter) statusList(issuer did.DID, purpose string, number uint32) ([]byte, error) {
	keys, err := x.node.Keys()
	if err != nil {
		return nil, err
	}
	key, err := keys.Signer(issuer)
	if err != nil {
		return nil, err
	}
	l, now, id := x.lists, x.node.Now().UTC().Truncate(time.Second), x.listURL(issuer, purpose, number)
	l.mu.Lock()
	defer l.mu.Unlock()
	if kept, ok := l.signed[id]; ok && now.Before(kept.until) {
		return kept.bytes, nil
	}
	if err := l.load(); err != nil {
		return nil, err
	}
	if int(number) > len(l.places[issuer])/(listLength/2) {
		return nil, store.ErrNotFound
	}
	bits := make([]byte, listLength/8)
	for digest, p := range l.places[issuer] {
		if p.list != number {
			continue
		}
		state, err := x.stateOf(protocol.CID(digest))
		if errors.Is(err, store.ErrNotFound) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if purpose == revocation && state.Final() || purpose == suspension && state == protocol.Suspended {
			bits[p.at/8] |= 0x80 >> (p.at % 8) // index 0 is the most significant bit
		}
	}
	signed, err := signList(id, issuer, purpose, bits, now, key)
	if err != nil {
		return nil, err
	}
	l.signed[id] = signedList{signed, now.Add(maxAge * time.Second)}
	return signed, nil
}

// signList makes the credential of a list (Bitstring Status List §2.2), valid a
// day, so that one kept for longer is no proof of anything.
func signList(id string, issuer did.DID, purpose string, bits []byte, now time.Time, key crypto.Signer) ([]byte, error) {
	var packed bytes.Buffer
	w, err := gzip.NewWriterLevel(&packed, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(bits)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		return nil, err
	}
	context := `["` + proof.ContextCredentials + `"]`
	document := map[string]any{
		"@context": jsontext.Value(context), "id": id, "type": []string{"VerifiableCredential", "BitstringStatusListCredential"},
		"issuer": string(issuer), "validFrom": badge.FormatTime(now), "validUntil": badge.FormatTime(now.Add(24 * time.Hour)),
		"credentialSubject": map[string]any{
			"id": id + "#list", "type": "BitstringStatusList", "statusPurpose": purpose,
			"encodedList": "u" + base64.RawURLEncoding.EncodeToString(packed.Bytes()),
		},
	}
	first := proof.Proof{
		ID: id + "#proof", Cryptosuite: proof.RDFC, Created: badge.FormatTime(now), Purpose: proof.Assertion,
	}
	second := first
	second.ID, second.Cryptosuite, second.Context, second.Previous = "", proof.JCS, jsontext.Value(context), first.ID
	var proofs []jsontext.Value
	for _, p := range []proof.Proof{first, second} {
		if len(proofs) > 0 {
			document["proof"] = proofs
		}
		unsecured, err := proof.Marshal(document)
		if err != nil {
			return nil, err
		}
		made, err := proof.Sign(p, unsecured, key)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, made)
	}
	document["proof"] = proofs
	return proof.Marshal(document)
}
