package protocol_test

import (
	"errors"
	"testing"
	"time"

	"codeberg.org/essaim/essaim/protocol"
	"codeberg.org/essaim/essaim/protocol/territory"
	"codeberg.org/essaim/essaim/spec/vectors"
)

func TestVectors(t *testing.T) {
	all := must(vectors.All())(t)
	if len(all) < 120 {
		t.Errorf("%d vectors, want 120 at least", len(all))
	}
	reasons, kinds := map[protocol.Reason]int{}, map[string]int{}
	var raws [][]byte
	for _, v := range all {
		t.Run(v.Name, func(t *testing.T) {
			got, r := verdict(v.Record, v.Topic, v.Now)
			if got != v.Expect {
				t.Fatalf("%s: got %s, want %s", v.Comment, got, v.Expect)
			}
			if got == "ok" && (r.CID().String() != v.CID || r.Kind().String() != v.Kind) {
				t.Errorf("got %s %s, want %s %s", r.Kind(), r.CID(), v.Kind, v.CID)
			}
			kinds[v.Kind]++
			reasons[protocol.Reason(v.Expect)]++
			raws = append(raws, v.Record)
		})
	}
	for _, reason := range protocol.Reasons {
		if reasons[reason] == 0 {
			t.Errorf("no vector is refused for %s", reason)
		}
	}
	for _, kind := range protocol.Kinds {
		if kinds[kind.String()] == 0 {
			t.Errorf("no good vector of %s", kind)
		}
	}
	for i, result := range protocol.VerifyBatch(raws, noon) {
		_, want := protocol.Verify(raws[i], noon)
		if (result.Err == nil) != (want == nil) {
			t.Errorf("vector %d: batch says %v, Verify says %v", i, result.Err, want)
		}
	}
}

// verdict is the reason of the refusal, or ok.
func verdict(raw []byte, topic string, now time.Time) (string, protocol.Record) {
	r, err := protocol.Verify(raw, now)
	if err == nil && topic != "" {
		err = protocol.VerifyTopic(r, territory.ID(topic))
	}
	var refusal *protocol.Refusal
	switch {
	case err == nil:
		return "ok", r
	case errors.As(err, &refusal):
		return string(refusal.Reason), r
	}
	return err.Error(), r
}
