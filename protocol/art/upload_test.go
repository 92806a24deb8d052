package art_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"codeberg.org/essaim/essaim/protocol/art"
)

// photo is a picture of noise, which nothing compresses.
func photo(w, h int) image.Image {
	picture := image.NewNRGBA(image.Rect(0, 0, w, h))
	random := rand.New(rand.NewPCG(1, 2))
	for i := range picture.Pix {
		picture.Pix[i] = byte(random.Uint32())
	}
	return picture
}

func asPNG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := png.Encode(&out, picture); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func asJPEG(t testing.TB, picture image.Image) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := jpeg.Encode(&out, picture, nil); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// withText returns a PNG with one chunk more after its header.
func withText(file []byte, text string) []byte {
	data := append([]byte("tEXt"), text...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(text)))
	chunk = append(chunk, data...)
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(data))
	const header = 8 + 25
	return append(append(append([]byte(nil), file[:header]...), chunk...), file[header:]...)
}

// claiming returns a PNG of one pixel that claims to be w by h.
func claiming(t testing.TB, w, h uint32) []byte {
	file := asPNG(t, photo(1, 1))
	binary.BigEndian.PutUint32(file[16:], w)
	binary.BigEndian.PutUint32(file[20:], h)
	binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
	return file
}

// webP is one pixel without loss.
func webP(t testing.TB) []byte {
	b, err := base64.StdEncoding.DecodeString("UklGRhoAAABXRUJQVlA4TA0AAAAvAAAAEAcQERGIiP4HAA==")
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Of a picture its pixels stay, at a size that fits, and nothing else.
func TestRecode(t *testing.T) {
	exif := append([]byte("\xff\xd8\xff\xe1\x00\x12Exif\x00\x00GPS 48.39,-4"), asJPEG(t, photo(600, 400))[2:]...)
	for _, c := range []struct {
		name string
		file []byte
		w, h int
	}{
		{"a small PNG", withText(asPNG(t, image.NewNRGBA(image.Rect(0, 0, 64, 32))), "Author\x00Nadia, GPS 48.39"), 64, 32},
		{"a JPEG with its place", exif, 512, 341},
		{"WebP", webP(t), 1, 1},
		{"a wide one", asPNG(t, image.NewGray(image.Rect(0, 0, 4000, 20))), 512, 2},
		{"a line", asPNG(t, image.NewGray(image.Rect(0, 0, 8000, 1))), 512, 1},
		{"noise", asPNG(t, photo(512, 512)), 288, 288},
	} {
		out, err := art.Recode(c.file)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		got := decoded(t, asNRGBA(t, out))
		if got.Rect.Dx() != c.w || got.Rect.Dy() != c.h || len(out) > art.MaxPicture {
			t.Errorf("%s: %v of %d bytes, want %d by %d", c.name, got.Rect, len(out), c.w, c.h)
		}
		if bytes.Contains(out, []byte("GPS")) || bytes.Contains(out, []byte("tEXt")) {
			t.Errorf("%s: what the file said besides is still there", c.name)
		}
	}
	red := image.NewNRGBA(image.Rect(0, 0, 8, 8))
	for i := range 64 {
		red.Set(i%8, i/8, color.NRGBA{200, 10, 10, 255})
	}
	out, err := art.Recode(asPNG(t, red))
	if err != nil || decoded(t, asNRGBA(t, out)).NRGBAAt(4, 4) != (color.NRGBA{200, 10, 10, 255}) {
		t.Errorf("red is no longer red: %v", err)
	}
}

// asNRGBA brings a PNG of any colour model into the one tests compare.
func asNRGBA(t *testing.T, file []byte) []byte {
	t.Helper()
	from, err := png.Decode(bytes.NewReader(file))
	if err != nil {
		t.Fatal(err)
	}
	to := image.NewNRGBA(from.Bounds())
	for y := range to.Rect.Dy() {
		for x := range to.Rect.Dx() {
			to.Set(x, y, from.At(x, y))
		}
	}
	if len(to.Pix) > 0 {
		to.Pix[3] = min(to.Pix[3], 254) // or it is written without alpha
	}
	return asPNG(t, to)
}

// What is no picture, claims too much or could act is refused before a pixel is
// read.
func TestRecodeRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		file []byte
		want error
	}{
		{"nothing", nil, art.ErrNotPicture},
		{"text", []byte("a badge, I swear"), art.ErrNotPicture},
		{"GIF", []byte("GIF89a\x01\x00\x01\x00"), art.ErrNotPicture},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), art.ErrDrawing},
		{"SVG with a mark before", []byte("\ufeff\n <?xml version='1.0'?><svg/>"), art.ErrDrawing},
		{"half a PNG", asPNG(t, photo(64, 64))[:900], art.ErrNotPicture},
		{"half a JPEG", asJPEG(t, photo(64, 64))[:300], art.ErrNotPicture},
		{"400 million pixels", claiming(t, 20000, 20000), art.ErrTooLarge},
		{"a side of 9000", claiming(t, 9000, 10), art.ErrTooLarge},
		{"sides whose product overflows", claiming(t, 1<<31-1, 1<<31-1), art.ErrNotPicture},
		{"no pixel", claiming(t, 0, 10), art.ErrNotPicture},
		{"too many bytes", bytes.Repeat([]byte{0xff}, art.MaxUpload+1), art.ErrTooLarge},
	} {
		var err error
		bytesUsed := allocated(func() { _, err = art.Recode(c.file) })
		if !errors.Is(err, c.want) {
			t.Errorf("%s: got %v, want %v", c.name, err, c.want)
		}
		if bytesUsed > 1<<20 {
			t.Errorf("%s: %d bytes were taken before it was refused", c.name, bytesUsed)
		}
	}
}

// allocated returns how many bytes f takes.
func allocated(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.TotalAlloc - before.TotalAlloc
}

func FuzzRecode(f *testing.F) {
	f.Add(asPNG(f, photo(3, 2)))
	f.Add(asJPEG(f, photo(9, 9)))
	f.Add(webP(f))
	f.Add(claiming(f, 20000, 20000))
	f.Add([]byte("<svg/>"))
	f.Fuzz(func(t *testing.T, file []byte) {
		out, err := art.Recode(file)
		if err != nil {
			return
		}
		c, err := png.DecodeConfig(bytes.NewReader(out))
		if err != nil || c.Width > art.MaxSide || c.Height > art.MaxSide || len(out) > art.MaxPicture {
			t.Errorf("%d bytes, %d by %d, %v", len(out), c.Width, c.Height, err)
		}
	})
}

func FuzzDraw(f *testing.F) {
	for _, d := range drawn {
		f.Add(d.class.ID, d.class.Name, d.class.AchievementType, d.class.InLanguage, d.level)
	}
	f.Fuzz(func(t *testing.T, id, name, kind, language string, level int) {
		drawing := art.Draw(class(id, name, kind, strings.Map(letters, language), 5), level)
		drawing.PNG(32)
		wellFormed(t, drawing.SVG())
	})
}

// letters are what a language tag is made of, as a class is held to.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' || r == '-' {
		return r
	}
	return -1
}
