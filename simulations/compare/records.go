package main

import (
	"bufio"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/ipfs/go-cid"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/did"
	"codeberg.org/essaim/essaim/protocol/territory"
)

// noon is when the story is told: nodes set their clocks by it, so that the same
// records are valid whenever this runs.
var noon = time.Date(2026, time.November, 22, 12, 0, 0, 0, time.UTC)

// place is the territory all records are of.
const place territory.ID = "fr:epci:242900314"

// share is how many of a hundred records are of each kind; the rest are notices,
// and one class for five hundred.
type share struct{ awards, endorsements, statuses int }

// The mixes there are. The goals were set for records of 1.27 KB and one signature,
// as notices are.
var mixes = map[string]share{"all": {40, 20, 2}, "notices": {}}

func (s share) String() string {
	return fmt.Sprintf("%d %% awards, %d %% endorsements of awards, %d %% revocations, %d %% notices and classes",
		s.awards, s.endorsements, s.statuses, 100-s.awards-s.endorsements-s.statuses)
}

// corpus is a file of records, each behind its length as a uvarint. Beside it
// stand their digests, so that who is to know them beforehand need not hash.
type corpus struct {
	path  string
	count int
	size  int // bytes of the records alone
}

// makeCorpus signs count records into a file of dir, or takes the file that an
// earlier run left: what it holds depends on mix and count alone. Awards carry the proof
// that wallets read, which takes 4 ms of CPU each to make.
func makeCorpus(dir, mix string, count int) (corpus, error) {
	c := corpus{path: filepath.Join(dir, fmt.Sprintf("records-%s-%d", mix, count)), count: count}
	if err := c.measure(); err == nil {
		return c, nil
	}
	records, err := sign(mixes[mix], count)
	if err != nil {
		return c, err
	}
	var out, digests []byte
	for _, r := range records {
		out = append(binary.AppendUvarint(out, uint64(len(r.Bytes()))), r.Bytes()...)
		d := r.Digest()
		digests = append(digests, d[:]...)
	}
	if err := os.WriteFile(c.path+".digests", digests, 0o600); err != nil {
		return c, err
	}
	// Under another name first: half a file is never taken for a whole one.
	if err := os.WriteFile(c.path+".new", out, 0o600); err != nil {
		return c, err
	}
	if err := os.Rename(c.path+".new", c.path); err != nil {
		return c, err
	}
	return c, c.measure()
}

// measure reads the file for its size, and checks that it is whole.
func (c *corpus) measure() error {
	count := 0
	c.size = 0
	err := c.each(func(raw []byte) error {
		count++
		c.size += len(raw)
		return nil
	})
	if err == nil && count != c.count {
		err = fmt.Errorf("%s holds %d records, want %d: delete it and run again", c.path, count, c.count)
	}
	return err
}

// each calls f for each record; raw is f's to keep.
func (c *corpus) each(f func(raw []byte) error) error {
	file, err := os.Open(c.path)
	if err != nil {
		return err
	}
	defer file.Close()
	for r := bufio.NewReaderSize(file, 1<<20); ; {
		size, err := binary.ReadUvarint(r)
		if err == io.EOF { //nolint:errorlint // ReadUvarint returns it bare between two records
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		if size > protocol.MaxBytes {
			return fmt.Errorf("%s: a record of %d bytes: delete it and run again", c.path, size)
		}
		raw := make([]byte, size)
		if _, err := io.ReadFull(r, raw); err != nil {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		if err := f(raw); err != nil {
			return err
		}
	}
}

// cids returns the names of all records.
func (c *corpus) cids() ([]cid.Cid, error) {
	digests, err := os.ReadFile(c.path + ".digests")
	if err != nil {
		return nil, err
	}
	var out []cid.Cid
	for d := range slices.Chunk(digests, sha256.Size) {
		out = append(out, protocol.CID([sha256.Size]byte(d)))
	}
	if len(out) != c.count {
		return nil, fmt.Errorf("%s.digests names %d records, want %d: delete it and run again", c.path, len(out), c.count)
	}
	return out, nil
}

// sign makes the records: classes first, then what is of them.
func sign(s share, count int) ([]protocol.Record, error) {
	classes, awards, endorsements, statuses := max(count/500, 1), count*s.awards/100, count*s.endorsements/100, count*s.statuses/100
	records := make([]protocol.Record, count)
	people := make([]ed25519.PrivateKey, max(count/8, 10))
	for i := range people {
		people[i] = key("person", i)
	}
	makers := make([]ed25519.PrivateKey, 20)
	for i := range makers {
		makers[i] = key("maker", i)
	}
	maker := func(class int) ed25519.PrivateKey { return makers[class%len(makers)] }
	awarded := records[classes : classes+awards]
	steps := []struct {
		from, to int
		make     func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error)
	}{
		{0, classes, func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error) {
			by := maker(i)
			return protocol.Issue(&badge.Achievement{
				Frame: frame(), ID: uuid("class", i), Type: []string{"Achievement"}, Name: prose(chance, 3), Description: prose(chance, 25),
				Criteria: badge.Criteria{Narrative: prose(chance, 25)},
				Creator:  &badge.ProfileRef{ID: name(by), Type: []string{"Profile"}, Name: prose(chance, 2)},
			}, at, by)
		}},
		{classes, classes + awards, func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error) {
			class := chance.IntN(classes)
			return award(records[class], uuid("award", i), maker(class), people[chance.IntN(len(people))], prose(chance, 20), at)
		}},
		{classes + awards, classes + awards + endorsements, func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error) {
			of, by := awarded[chance.IntN(awards)], people[chance.IntN(len(people))]
			if name(by) == of.Document().(*badge.AchievementCredential).Subject.ID {
				by = makers[0] // nobody endorses an own badge
			}
			return protocol.Issue(&badge.EndorsementCredential{
				Frame: frame(), ID: uuid("endorsement", i), Type: []string{"VerifiableCredential", "EndorsementCredential"},
				Name: prose(chance, 3), Issuer: badge.ProfileRef{ID: name(by), Type: []string{"Profile"}}, ValidFrom: badge.FormatTime(at),
				Subject: badge.EndorsementSubject{
					ID: uuid("subject", i), Type: []string{"EndorsementSubject"}, CID: of.CID().String(), Comment: prose(chance, 12),
				},
			}, at, by)
		}},
		{classes + awards + endorsements, classes + awards + endorsements + statuses, func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error) {
			// Each of an award of its own.
			n := (i - classes - awards - endorsements) * awards / max(statuses, 1)
			of := awarded[n].Document().(*badge.AchievementCredential)
			for m := range makers {
				if name(makers[m]) == of.Issuer.ID {
					return protocol.Issue(&badge.Status{
						Frame: frame(), ID: uuid("status", i), Type: []string{"essaim:Status"}, Author: of.Issuer.ID,
						Target: awarded[n].CID().String(), State: "revoked", Reason: "request",
					}, at, makers[m])
				}
			}
			return protocol.Record{}, fmt.Errorf("award %s has no issuer", awarded[n].CID())
		}},
		{classes + awards + endorsements + statuses, count, func(i int, chance *rand.Rand, at time.Time) (protocol.Record, error) {
			by := people[chance.IntN(len(people))]
			return protocol.Issue(&badge.Notice{
				Frame: frame(), ID: uuid("notice", i), Type: []string{"essaim:Notice"}, Author: name(by), Direction: badge.Offer,
				Name: prose(chance, 4), Description: prose(chance, 25), Tag: []string{prose(chance, 1), prose(chance, 1)},
				Until: badge.FormatTime(at.AddDate(0, 6, 0)),
			}, at, by)
		}},
	}
	for _, s := range steps {
		err := parallel(s.from, s.to, func(i int) (err error) {
			chance := rand.New(rand.NewPCG(7, uint64(i)))
			// Over two hundred days, in no order.
			at := noon.Add(-time.Duration(1+chance.IntN(200*24*60)) * time.Minute)
			records[i], err = s.make(i, chance, at)
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return records, nil
}

// award is offered by an issuer and accepted by a holder.
func award(class protocol.Record, id string, by, to ed25519.PrivateKey, narrative string, at time.Time) (protocol.Record, error) {
	a := class.Document().(*badge.Achievement).Embedded(class.CID().String())
	offer, err := protocol.Offer(&badge.AchievementCredential{
		Frame: frame(), ID: id, Type: []string{"VerifiableCredential", "OpenBadgeCredential"},
		Name: a.Name, Issuer: badge.ProfileRef{ID: name(by), Type: []string{"Profile"}, Name: "TyFab"},
		ValidFrom: badge.FormatTime(at),
		Subject:   badge.AchievementSubject{ID: name(to), Type: []string{"AchievementSubject"}, Achievement: a, Narrative: narrative},
	}, at, by)
	if err != nil {
		return protocol.Record{}, err
	}
	return protocol.CoSign(offer, at, to)
}

func frame() badge.Frame { return badge.Frame{Territory: []string{string(place)}} }

func key(role string, i int) ed25519.PrivateKey {
	seed := sha256.Sum256(fmt.Appendf(nil, "essaim compare %s %d", role, i))
	return ed25519.NewKeyFromSeed(seed[:])
}

func name(k ed25519.PrivateKey) did.DID { return did.FromPublicKey(k.Public().(ed25519.PublicKey)) }

// uuid returns an id that depends on its arguments only.
func uuid(what string, i int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "essaim compare %s %d", what, i))
	h[6], h[8] = h[6]&0x0f|0x40, h[8]&0x3f|0x80
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// vocabulary is five thousand words of two to four syllables.
var vocabulary = sync.OnceValue(func() []string {
	chance := rand.New(rand.NewPCG(3, 4))
	words := make([]string, 5000)
	for i := range words {
		for range 2 + chance.IntN(3) {
			words[i] += string("bcdfglmnprstv"[chance.IntN(13)]) + []string{"a", "e", "i", "o", "u", "é", "on", "an", "ou", "er"}[chance.IntN(10)]
		}
	}
	return words
})

// prose draws words as unequally as people use them: texts that resemble each
// other about as much as real ones do.
func prose(chance *rand.Rand, words int) string {
	zipf := rand.NewZipf(chance, 1.1, 3, uint64(len(vocabulary())-1))
	text := ""
	for i := range words {
		if i > 0 {
			text += " "
		}
		text += vocabulary()[zipf.Uint64()]
	}
	return text
}

// parallel calls f for each number in [from,to) on all processors.
func parallel(from, to int, f func(i int) error) error {
	workers := runtime.NumCPU()
	errs := make([]error, workers)
	var wait sync.WaitGroup
	for w := range workers {
		wait.Go(func() {
			for i := from + w; i < to && errs[w] == nil; i += workers {
				errs[w] = f(i)
			}
		})
	}
	wait.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
