package node_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
	"codeberg.org/essaim/essaim/protocol"
)

// rows returns the first two columns of every table row of spec/gossip.md.
func rows(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile("../spec/gossip.md"))(t))) {
		cells := strings.Split(strings.TrimSpace(line), "|")
		if len(cells) < 4 || strings.HasPrefix(cells[1], "--") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		if old, ok := found[name]; ok && name != "name" {
			t.Errorf("spec/gossip.md says of %s both %s and %s", name, old, cells[2])
		}
		found[name] = strings.TrimSpace(cells[2])
	}
	return found
}

// The page says the numbers of the code, all of them.
func TestParametersAreTheLaw(t *testing.T) {
	law := rows(t)
	want := map[string]any{
		"records in a question": node.MaxAsked, "bytes of a record": protocol.MaxBytes,
		"silence": node.UsualPace().Stall, "whole exchange": node.AskTimeout,
		"peers asked at once": node.MaxAsking, "peers asked for one record in a round": node.FetchPeers,
		"records looked for at once": node.MaxWanted, "of these, named by one peer": node.MaxWantedFrom,
		"held": node.MaxHeld, "held from one peer": node.MaxHeldFrom, "ahead": node.MaxAhead,
	}
	for _, table := range []any{*node.Gossip, *node.Score} {
		v := reflect.ValueOf(table)
		for i := range v.NumField() {
			want[v.Type().Field(i).Name] = v.Field(i).Interface()
		}
	}
	want["Heartbeat"] = usualHeartbeat
	for name, value := range want {
		if got := law[name]; got != fmt.Sprint(value) {
			t.Errorf("spec/gossip.md says %s is %q, the code %v", name, got, value)
		}
	}
	for _, reason := range protocol.Reasons {
		verdict := "reject"
		if !reason.Blame() {
			verdict = "ignore"
		}
		if got, _, _ := strings.Cut(law[string(reason)], ";"); got != verdict {
			t.Errorf("spec/gossip.md says %s is %q, the code %s", reason, got, verdict)
		}
	}
}
