package skill_test

import (
	"slices"
	"testing"

	"codeberg.org/essaim/essaim/protocol/skill"
)

func TestWords(t *testing.T) {
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"Découpe laser — autonome", []string{"decoupe", "laser", "autonome"}},
		{"Soudage à l'arc", []string{"soudage", "arc"}},
		{"Jardin partagé — jardinier·e", []string{"jardin", "partage", "jardiniere"}},
		{"utiliser un appareil de découpe au laser", []string{"appareil", "decoupe", "laser"}},
		{"Réparer des vélos", []string{"reparer", "velo"}},
		{"bœufs", []string{"boeuf"}},
		{"  ", nil},
		{"E\u0301LECTRICITE\u0301", []string{"electricite"}},
	} {
		if got := skill.Words(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("Words(%q)\n got %q\nwant %q", tt.text, got, tt.want)
		}
	}
}

func TestCompare(t *testing.T) {
	laser := skill.Text{
		Name:   skill.Words("Découpe laser — autonome"),
		Tags:   skill.Words("fabrication numérique"),
		Labels: skill.Words("utiliser un appareil de découpe au laser"),
	}
	for _, tt := range []struct {
		query string
		want  skill.Match
	}{
		{"découpe laser", skill.Name},
		{"LASER decoupe", skill.Name},
		{"decoup", skill.Name},
		{"autonome laser découpe", skill.Exact},
		{"appareil laser", skill.Label},
		{"fabrications numeriques", skill.Tag},
		{"laser fabrication", skill.Tag},
		{"las", skill.None},
		{"soudure", skill.None},
		{"découpe plasma", skill.None},
		{"", skill.None},
		{"de la", skill.None},
	} {
		if got := laser.Compare(skill.Words(tt.query)); got != tt.want {
			t.Errorf("%q: got %d, want %d", tt.query, got, tt.want)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"Découpe laser", "", "œuvre·s", "\xff", "a b c", "日本語"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		words := skill.Words(s)
		if len(words) > skill.MaxWords {
			t.Errorf("%d words", len(words))
		}
		if len(words) > 0 && (skill.Text{Name: words}).Compare(words) != skill.Exact {
			t.Errorf("%q does not meet itself", words)
		}
	})
}
