package territory_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/territory"
)

var (
	brest  = territory.Point{Lat: 48.4003, Lng: -4.5026}
	rennes = territory.Point{Lat: 48.1116, Lng: -1.6819}
)

func TestParsePoint(t *testing.T) {
	for _, tt := range []struct{ in, want, why string }{
		{"48.3904,-4.4861", "48.3904,-4.4861", "canonical"},
		{" 48.39 , -4.4861 ", "48.3900,-4.4861", "as people type it"},
		{"+48,4", "48.0000,4.0000", "whole degrees"},
		{"48.39044999,-4.48615001", "48.3904,-4.4862", "finer than 11 m"},
		{"-0.00001,0", "0.0000,0.0000", "no negative zero"},
		{"-90,180", "-90.0000,180.0000", "the last degrees"},
		{"048.5,004.5", "48.5000,4.5000", "leading zeros"},
	} {
		p, err := territory.ParsePoint(tt.in)
		if err != nil || p.String() != tt.want {
			t.Errorf("ParsePoint(%q) (%s) = %v, %v, want %s", tt.in, tt.why, p, err, tt.want)
		}
	}
	for _, in := range []string{
		"", ",", "48", "48,", ",4", "90.0001,0", "0,-180.1", "NaN,0", "0,Inf", "1e1,0", "0x1p3,0", "1_0,0", "48.,4", ".5,4",
		"48,4,5", "48.39;-4.48", "48,4 x", "--1,0", "48\n,4", "４８,4", strings.Repeat("1", 70) + ",4",
	} {
		if p, err := territory.ParsePoint(in); !errors.Is(err, territory.ErrSyntax) {
			t.Errorf("ParsePoint(%q) = %v, %v, want ErrSyntax", in, p, err)
		}
	}
}

func TestValidRefusesWhatIsNotOnEarth(t *testing.T) {
	for _, p := range []territory.Point{{Lat: math.NaN()}, {Lng: math.Inf(1)}, {Lat: 91}, {Lng: -181}} {
		if p.Valid() {
			t.Errorf("%v.Valid() = true", p)
		}
	}
}

func TestDistance(t *testing.T) {
	for _, tt := range []struct {
		name     string
		a, b     territory.Point
		min, max float64
	}{
		{"Brest to Rennes", brest, rennes, 210, 215},
		{"Paris to New York", territory.Point{Lat: 48.8566, Lng: 2.3522}, territory.Point{Lat: 40.7128, Lng: -74.006}, 5825, 5850},
		{"across the antimeridian", territory.Point{Lng: 179.9}, territory.Point{Lng: -179.9}, 22, 22.5},
		{"pole to pole", territory.Point{Lat: 90}, territory.Point{Lat: -90}, 20015, 20016},
		{"nowhere", brest, brest, 0, 0},
	} {
		there, back := territory.Distance(tt.a, tt.b), territory.Distance(tt.b, tt.a)
		if there < tt.min || there > tt.max || there != back {
			t.Errorf("%s = %.2f km and back %.2f, want %g to %g", tt.name, there, back, tt.min, tt.max)
		}
	}
}

func TestGeohash(t *testing.T) {
	for _, tt := range []struct {
		point territory.Point
		chars int
		want  string
	}{
		{territory.Point{Lat: 42.605, Lng: -5.603}, 5, "ezs42"},
		{territory.Point{Lat: 57.64911, Lng: 10.40744}, 11, "u4pruydqqvj"},
		{territory.Point{Lat: -25.382708, Lng: -49.265506}, 12, "6gkzwgjzn820"},
		{territory.Point{Lat: 50.85, Lng: 4.349}, 4, "u151"},
		{territory.Point{Lat: -90, Lng: -180}, 4, "0000"},
		{territory.Point{Lat: 90, Lng: 180}, 4, "zzzz"},
		{territory.Point{}, 0, "s"},
	} {
		if got := territory.Geohash(tt.point, tt.chars); got != tt.want {
			t.Errorf("Geohash(%v, %d) = %q, want %q", tt.point, tt.chars, got, tt.want)
		}
	}
}

func FuzzParsePoint(f *testing.F) {
	for _, s := range []string{"48.3904,-4.4861", "-90,180", " 1 , 2 ", "NaN,0", "1e3,0", "-0.00004,0.00005", "89.99999,179.99999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := territory.ParsePoint(s)
		if err != nil {
			return
		}
		if !p.Valid() {
			t.Errorf("ParsePoint(%q) = %v, not on Earth", s, p)
		}
		if again, err := territory.ParsePoint(p.String()); err != nil || again != p {
			t.Errorf("ParsePoint(%q) = %v, %v, want %v", p.String(), again, err, p)
		}
		if _, err := territory.Parse("gh:" + territory.Geohash(p, 6)); err != nil {
			t.Error(err)
		}
	})
}
