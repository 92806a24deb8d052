package protocol_test

import (
	"bytes"
	"errors"
	"slices"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/badge"
	"codeberg.org/essaim/essaim/protocol/proof"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/spec/vectors"
)

// checkRecord holds what must be true of every record there is.
func checkRecord(t *testing.T, r protocol.Record, raw []byte) {
	t.Helper()
	if !bytes.Equal(r.Bytes(), raw) {
		t.Error("the bytes are others than those verified")
	}
	if again, err := proof.Marshal(r.Document()); err != nil || !bytes.Equal(again, raw) {
		t.Errorf("the document is written\n%s\nand was read from\n%s (%v)", again, raw, err)
	}
	if n := len(r.Territories()); n < 1 || n > protocol.MaxTerritories || protocol.VerifyTopic(r, r.Territories()[0]) != nil {
		t.Errorf("territories %v", r.Territories())
	}
	if !slices.Contains(protocol.Kinds, r.Kind()) || protocol.KindOf(r.Document()) != r.Kind() {
		t.Errorf("kind %s of a %T", r.Kind(), r.Document())
	}
	if r.Created().Before(protocol.Genesis) {
		t.Errorf("created %v", r.Created())
	}
	if d, err := protocol.DigestOf(r.CID()); err != nil || d != r.Digest() {
		t.Errorf("%s has the digest %x, %v", r.CID(), d, err)
	}
	if len(r.Names()) > 1 || r.Author() == "" || (r.Holder() != "") != (r.Kind() == protocol.Award) {
		t.Errorf("names %v, author %q, holder %q", r.Names(), r.Author(), r.Holder())
	}
	r.Target()
	r.Valid(noon)
	if _, err := protocol.Reread(raw, r.Digest()); err != nil {
		t.Errorf("does not read back: %v", err)
	}
}

// Verify answers anything with a record or one reason of the list, the same
// alone and in a batch.
func FuzzVerify(f *testing.F) {
	for _, v := range must(vectors.All())(f) {
		f.Add(v.Record)
	}
	good := everyKind(f)[protocol.Award].Bytes()
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := protocol.Verify(raw, noon)
		batch := protocol.VerifyBatch([][]byte{good, raw}, noon)
		if batch[0].Err != nil || (batch[1].Err == nil) != (err == nil) {
			t.Errorf("alone: %v; in a batch: %v, beside %v", err, batch[1].Err, batch[0].Err)
		}
		if err == nil {
			checkRecord(t, r, raw)
			return
		}
		var refusal *protocol.Refusal
		if !r.IsZero() || !errors.As(err, &refusal) || !slices.Contains(protocol.Reasons, refusal.Reason) || refusal.Reason == protocol.WrongTopic {
			t.Fatalf("got %v", err)
		}
		// The clock decides nothing but future_dated.
		_, later := protocol.Verify(raw, time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC))
		if refusal.Reason == protocol.FutureDated {
			if later != nil {
				t.Errorf("future-dated, and later %v", later)
			}
		} else if reasonOf(later) != refusal.Reason {
			t.Errorf("%v, and later %v", err, later)
		}
	})
}

// What Issue makes of any text Verify takes; what it does not, Issue refuses.
func FuzzIssue(f *testing.F) {
	f.Add("Découpe laser", "Sait découper.", "https://fablab.example/", "laser", "fr:epci:242900314", "fr", 2)
	f.Add("e\u0301\n\u0303", "\\\u0301", "urn:uuid:x", " ", "iso:FR", "fr-FR", 0)
	f.Add("_:b", "\x7f", "javascript:alert(1)", "", "", "x", -1)
	f.Fuzz(func(t *testing.T, name, description, url, tag, place, language string, level int) {
		class := laserClass()
		class.Name, class.Description, class.InLanguage = name, description, language
		class.Criteria.ID, class.Tag, class.Territory = url, []string{tag}, []string{place}
		class.Rule = &badge.Rule{By: badge.ByHolders, MinLevel: level}
		r, err := protocol.Issue(class, noon, tyfab)
		if err != nil {
			if !r.IsZero() {
				t.Errorf("a record and %v", err)
			}
			return
		}
		again, err := protocol.Verify(r.Bytes(), noon)
		if err != nil || again.CID() != r.CID() {
			t.Fatalf("issued and then %v: %s", err, r.Bytes())
		}
		checkRecord(t, r, r.Bytes())
	})
}

func FuzzParseOffer(f *testing.F) {
	class := must(protocol.Issue(laserClass(), noon, tyfab))(f)
	f.Add(must(protocol.Offer(laserAward(class), noon, tyfab))(f))
	for _, v := range must(vectors.All())(f) {
		f.Add(v.Record)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		award, err := protocol.ParseOffer(raw, noon)
		if err != nil {
			if !slices.Contains(protocol.Reasons, reasonOf(err)) || award != nil {
				t.Errorf("got %v, %v", award, err)
			}
			return
		}
		if reason := reasonOf(second(protocol.Verify(raw, noon))); reason != protocol.NoConsent {
			t.Errorf("an offer that Verify answers with %s", reason)
		}
		if again, err := proof.Marshal(award); err != nil || !bytes.Equal(again, raw) {
			t.Errorf("the award is written\n%s\nand was read from\n%s (%v)", again, raw, err)
		}
	})
}

func second[A, B any](_ A, b B) B { return b }

func FuzzParseTopic(f *testing.F) {
	for _, s := range []string{"/essaim/1/fr/epci/243500139", "/essaim/1/iso:FR", "/essaim/1/x/0123456789abcdef/a", "/essaim/1/gh/u15b", ""} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := protocol.ParseTopic(s)
		if err != nil {
			return
		}
		if protocol.Topic(id) != s || id.Kind() == territory.Unknown {
			t.Errorf("ParseTopic(%q) = %q, whose topic is %q", s, id, protocol.Topic(id))
		}
	})
}
