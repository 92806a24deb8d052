package node_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
)

// The page on synchronisation says the numbers of the code, all of them.
func TestSyncNumbersAreTheLaw(t *testing.T) {
	law := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile("../spec/sync-node.md"))(t))) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) >= 4 {
			law[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	want := map[string]any{}
	v := reflect.ValueOf(*node.Synchro)
	for i := range v.NumField() {
		want[v.Type().Field(i).Name] = v.Field(i).Interface()
	}
	for name, d := range node.UsualPeriods() {
		want[name] = d
	}
	for kind, name := range map[byte]string{
		node.FrameNone: "none", node.FrameFull: "full", node.FrameData: "data", node.FrameEnd: "end", node.FrameCredit: "credit",
	} {
		want[fmt.Sprintf("%02x", kind)] = name
	}
	for name, value := range want {
		if got := law[name]; got != fmt.Sprint(value) {
			t.Errorf("spec/sync-node.md says %s is %q, the code %v", name, got, value)
		}
	}
}
