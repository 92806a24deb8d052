package art_test

import (
	"bytes"
	"encoding/xml"
	"errors"
	"flag"
	"image"
	"image/png"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/art"
	"codeberg.org/essaim/essaim/protocol/badge"
)

var write = flag.Bool("write", false, "write the drawings of testdata again")

func class(id, name, kind, language string, levels int) *badge.Achievement {
	a := &badge.Achievement{ID: "urn:uuid:" + id, Name: name, AchievementType: kind, InLanguage: language}
	if levels > 0 {
		d := badge.ResultDescription{ID: a.ID + "#levels"}
		for i := 1; i <= levels; i++ {
			d.Level = append(d.Level, badge.RubricLevel{Level: strconv.Itoa(i)})
		}
		a.ResultDescription = []badge.ResultDescription{d}
	}
	return a
}

// drawn are the drawings of testdata: each kind, and names that are hard to fit.
var drawn = []struct {
	file  string
	class *badge.Achievement
	level int
}{
	{"laser", class("0b0c2d5e-0000-4000-8000-000000000001", "Découpe laser", "ext:SavoirFaire", "fr", 4), 2},
	{"compost", class("0b0c2d5e-0000-4000-8000-000000000002", "Compostage de quartier", "ext:Savoir", "fr-FR", 0), 0},
	{"ecoute", class("0b0c2d5e-0000-4000-8000-000000000003", "Écoute", "ext:SavoirEtre", "fr", 5), 5},
	{"benevole", class("0b0c2d5e-0000-4000-8000-000000000004", "Bénévole de l’année au repair-café", "CommunityService", "fr", 1), 0},
	{"long", class("0b0c2d5e-0000-4000-8000-000000000005", "Accompagnement à l’appropriation citoyenne des outils numériques libres et à la médiation interculturelle en milieu rural", "", "fr", 3), 1},
	{"word", class("0b0c2d5e-0000-4000-8000-000000000006", "Anticonstitutionnellementhexakosioihexekontahexaphobe", "Certificate", "fr", 0), 0},
	{"longest", class("0b0c2d5e-0000-4000-8000-000000000007", strings.Repeat("œuvre Ÿ & <b> ", 18), "Competency", "fr", 2), 2},
	{"emoji", class("0b0c2d5e-0000-4000-8000-000000000008", "🐝 Apiculture 👩🏽‍🌾", "Course", "en", 3), 3},
	{"arabic", class("0b0c2d5e-0000-4000-8000-000000000009", "إصلاح الدراجات", "ext:SavoirFaire", "ar", 2), 1},
	{"hostile", class("0b0c2d5e-0000-4000-8000-00000000000a", "</title><script>alert(1)</script>\u202e\ufffe\"'", "Membership", "en", 0), 0},
}

// The drawings are those of testdata: the SVG byte for byte, the PNG but for
// roundings, which processors do in two ways.
func TestDrawings(t *testing.T) {
	for _, d := range drawn {
		drawing := art.Draw(d.class, d.level)
		for name, got := range map[string][]byte{".svg": drawing.SVG(), ".png": drawing.PNG(256)} {
			file := filepath.Join("testdata", d.file+name)
			if *write {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if name == ".svg" && !bytes.Equal(got, want) {
				t.Errorf("%s differs from what is drawn:\n%s", file, got)
			}
			if name == ".png" && apart(t, got, want) > 4 {
				t.Errorf("%s differs from what is drawn by %d in 255", file, apart(t, got, want))
			}
		}
	}
}

// apart returns by how much two pictures differ where they do so most.
func apart(t *testing.T, a, b []byte) int {
	t.Helper()
	x, y := decoded(t, a), decoded(t, b)
	if x.Rect != y.Rect {
		return 255
	}
	most := 0
	for i := range x.Pix {
		most = max(most, int(x.Pix[i])-int(y.Pix[i]), int(y.Pix[i])-int(x.Pix[i]))
	}
	return most
}

func decoded(t *testing.T, b []byte) *image.NRGBA {
	t.Helper()
	picture, err := png.Decode(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return picture.(*image.NRGBA)
}

// A drawing is XML that holds only what draws: nothing that runs, loads or leads
// anywhere, whatever the class is called.
func TestDrawingIsInert(t *testing.T) {
	allowed := map[string]string{
		"svg": "width height viewBox role lang", "title": "", "desc": "", "path": "d fill fill-rule fill-opacity",
		"text": "x y text-anchor font-family font-weight font-size fill direction textLength lengthAdjust",
	}
	for _, d := range drawn {
		in := xml.NewDecoder(bytes.NewReader(art.Draw(d.class, d.level).SVG()))
		title, inTitle := "", false
		for {
			token, err := in.Token()
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				t.Fatalf("%s: %v", d.file, err)
			}
			switch token := token.(type) {
			case xml.StartElement:
				inTitle = token.Name.Local == "title"
				names, ok := allowed[token.Name.Local]
				if !ok {
					t.Errorf("%s: element %s", d.file, token.Name.Local)
				}
				for _, a := range token.Attr {
					if a.Name.Local == "xmlns" && a.Value == "http://www.w3.org/2000/svg" {
						continue
					}
					if !strings.Contains(" "+names+" ", " "+a.Name.Local+" ") || strings.Contains(a.Value, "url(") || strings.Contains(a.Value, ":") {
						t.Errorf("%s: %s has %s=%q", d.file, token.Name.Local, a.Name.Local, a.Value)
					}
				}
			case xml.CharData:
				if inTitle {
					title += string(token)
				}
				inTitle = false
			case xml.ProcInst, xml.Directive, xml.Comment:
				t.Errorf("%s: %T", d.file, token)
			}
		}
		if d.file == "laser" && title != "Découpe laser" {
			t.Errorf("title %q, want the name of the class", title)
		}
	}
}

// wellFormed fails when a drawing is no XML.
func wellFormed(t *testing.T, svg []byte) {
	t.Helper()
	in := xml.NewDecoder(bytes.NewReader(svg))
	for {
		if _, err := in.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v:\n%s", err, svg)
		}
	}
}

// Every name a class may have is drawn within the panel, at a size that can be
// read, and whole unless it cannot be.
func TestNamesFit(t *testing.T) {
	for _, name := range []string{"", "é", strings.Repeat("W", 256), strings.Repeat("🐝", 256), strings.Repeat("ﷺ", 256), strings.Repeat("i ", 128), "\u0301\u0301", "\n\t"} {
		drawing := art.Draw(class("0b0c2d5e-0000-4000-8000-000000000001", name, "", "fr", 5), 1)
		for _, l := range strings.Split(string(drawing.SVG()), "\n") {
			if !strings.HasPrefix(l, "<text") {
				continue
			}
			var text struct {
				Y    int `xml:"y,attr"`
				Size int `xml:"font-size,attr"`
				Wide int `xml:"textLength,attr"`
			}
			if err := xml.Unmarshal([]byte(l), &text); err != nil {
				t.Fatal(err)
			}
			if text.Y-text.Size*72/100 < 252 || text.Y > 382 || text.Wide > 440 || text.Size < 21 {
				t.Errorf("%.20q…: %s is out of its panel", name, l)
			}
		}
		drawing.PNG(64)
	}
}

// White can be read on every ground there is (WCAG 2.2: 4.5 to 1).
func TestContrast(t *testing.T) {
	seen := map[string]bool{}
	for i := range 400 {
		drawing := decoded(t, art.Draw(class(strconv.Itoa(i), "", "ext:Savoir", "fr", 0), 0).PNG(64))
		c := drawing.NRGBAAt(32, 56) // ground, under the panel
		seen[string([]byte{c.R, c.G, c.B})] = true
		if ratio := 1.05 / (luminance(c.R, c.G, c.B) + 0.05); ratio < 4.5 {
			t.Errorf("white on #%02x%02x%02x: contrast %.1f", c.R, c.G, c.B, ratio)
		}
	}
	if len(seen) != 12 {
		t.Errorf("%d grounds seen, want all 12", len(seen))
	}
}

func luminance(channels ...uint8) float64 {
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(channels[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}

func BenchmarkPNG(b *testing.B) {
	drawing := art.Draw(drawn[4].class, 1)
	for b.Loop() {
		drawing.PNG(512)
	}
}

func BenchmarkSVG(b *testing.B) {
	for b.Loop() {
		art.Draw(drawn[4].class, 1).SVG()
	}
}
