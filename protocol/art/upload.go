package art

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/jpeg"
	"image/png"

	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// Bounds of a picture somebody gives for a class, and of what is made of it.
// Three million pixels take 12 MB, and 45 MB while a progressive JPEG of them
// is read; a picture of 48 KB may claim 400 million.
const (
	MaxUpload   = 2 << 20 // bytes
	maxPixels   = 3_000_000
	maxUploaded = 8192 // a side
	MaxPicture  = 512 << 10
)

// Faults of a picture. Recode wraps exactly one.
var (
	ErrNotPicture = errors.New("not a PNG, JPEG or WebP picture")
	ErrDrawing    = errors.New("SVG is a document that can run and load things: it is not taken")
	ErrTooLarge   = errors.New("too large a picture")
)

// Recode returns a picture somebody gave as a PNG of ours: at most MaxSide
// pixels a side, in its proportions, and nothing of the file but its pixels, so
// that neither where a photo was taken nor what was hidden in it stays. Size
// and claims are bounded before a pixel is read. The result has at most
// MaxPicture bytes.
func Recode(file []byte) ([]byte, error) {
	if len(file) > MaxUpload {
		return nil, fmt.Errorf("%d bytes, at most %d: %w", len(file), MaxUpload, ErrTooLarge)
	}
	read, config, err := format(file)
	if err != nil {
		return nil, err
	}
	w, h := config.Width, config.Height
	if w < 1 || h < 1 || w > maxUploaded || h > maxUploaded || w*h > maxPixels {
		return nil, fmt.Errorf("%d by %d pixels, at most %d in all: %w", w, h, maxPixels, ErrTooLarge)
	}
	from, err := read(bytes.NewReader(file))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	for most := MaxSide; ; most = most * 3 / 4 {
		tw, th := w, h
		if longer := max(w, h); longer > most {
			tw, th = max(1, w*most/longer), max(1, h*most/longer)
		}
		to := image.NewNRGBA(image.Rect(0, 0, tw, th))
		draw.CatmullRom.Scale(to, to.Bounds(), from, from.Bounds(), draw.Src, nil)
		var out bytes.Buffer
		if err := png.Encode(&out, to); err != nil {
			return nil, err
		}
		// Noise of 512 by 512 takes a megabyte, of 362 by 362 half of one.
		if out.Len() <= MaxPicture {
			return out.Bytes(), nil
		}
	}
}

// format tells what a file is by its first bytes, and reads what it claims.
func format(file []byte) (read func(*bytes.Reader) (image.Image, error), c image.Config, err error) {
	r := bytes.NewReader(file)
	switch start := bytes.TrimLeft(bytes.TrimPrefix(file, []byte("\ufeff")), " \t\r\n"); {
	case bytes.HasPrefix(file, []byte("\x89PNG\r\n\x1a\n")):
		c, err = png.DecodeConfig(r)
		read = func(r *bytes.Reader) (image.Image, error) { return png.Decode(r) }
	case bytes.HasPrefix(file, []byte("\xff\xd8\xff")):
		c, err = jpeg.DecodeConfig(r)
		read = func(r *bytes.Reader) (image.Image, error) { return jpeg.Decode(r) }
	case len(file) > 12 && string(file[:4]) == "RIFF" && string(file[8:12]) == "WEBP":
		c, err = webp.DecodeConfig(r)
		read = func(r *bytes.Reader) (image.Image, error) { return webp.Decode(r) }
	case bytes.HasPrefix(start, []byte("<")):
		return nil, c, ErrDrawing
	default:
		return nil, c, ErrNotPicture
	}
	if err != nil {
		return nil, c, fmt.Errorf("%w: %w", ErrNotPicture, err)
	}
	return read, c, nil
}
