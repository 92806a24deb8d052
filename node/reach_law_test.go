package node_test

import (
	"fmt"
	"os"
	"reflect"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/node"
)

// The page on reaching nodes says the numbers of the code, all of them.
func TestReachNumbersAreTheLaw(t *testing.T) {
	law := map[string]string{}
	for line := range strings.Lines(string(must(os.ReadFile("../spec/reach.md"))(t))) {
		if cells := strings.Split(strings.TrimSpace(line), "|"); len(cells) >= 4 {
			law[strings.Trim(cells[1], " `")] = strings.TrimSpace(cells[2])
		}
	}
	pace, limits := node.UsualPace(), node.Resources
	want := map[string]any{
		"Doubt": pace.Doubt, "Direct": pace.Direct,
		"connections":            fmt.Sprintf("%d to %d", limits.Low, limits.High),
		"connections of a relay": fmt.Sprintf("%d to %d", limits.RelayLow, limits.RelayHigh),
		"from one address":       limits.SameIP,
		"new from one address":   limits.SameIPBurst,
	}
	for _, numbers := range []any{usualRelaying, usualMeetings} {
		v := reflect.ValueOf(numbers)
		for i := range v.NumField() {
			want[v.Type().Field(i).Name] = v.Field(i).Interface()
		}
	}
	for name, value := range want {
		if got := law[name]; got != fmt.Sprint(value) {
			t.Errorf("spec/reach.md says %s is %q, the code %v", name, got, value)
		}
	}
}
