package resize

import (
	"errors"
	"image"
	"testing"

	"s3imageserver/resize/options"
)

func TestCompare(t *testing.T) {
	r := &Resizer{}
	m := image.NewNRGBA(image.Rect(0, 0, 64, 48))
	for i := range m.Pix {
		m.Pix[i] = byte(i*i/7) | 3*byte(i%4/3) // noise
	}
	other := image.NewNRGBA(m.Rect)
	copy(other.Pix, m.Pix)
	for i := range other.Pix[:len(m.Pix)/2] {
		if i%4 != 3 {
			other.Pix[i] = 255 - other.Pix[i]
		}
	}
	small := pngOf(t, m.SubImage(image.Rect(0, 0, 64, 47)))
	gif := made(t, pngOf(t, m), options.Options{Format: options.GIF}).Body
	for _, tt := range []struct {
		name     string
		a, b     []byte
		from, to float64
	}{
		{"a file and itself", pngOf(t, m), pngOf(t, m), 1, 1},
		{"two formats", pngOf(t, m), gif, 0.5, 1},
		{"half of it inverted", pngOf(t, m), pngOf(t, other), -0.5, 0.7},
		{"two sizes", pngOf(t, m), small, 0, 0},
	} {
		c, err := r.Compare(t.Context(), tt.a, tt.b)
		if err != nil || c.Similarity < tt.from || c.Similarity > tt.to || c.Sizes[0] != image.Pt(64, 48) {
			t.Errorf("%s: %+v, %v; want from %v to %v", tt.name, c, err, tt.from, tt.to)
		}
	}
	if _, err := r.Compare(t.Context(), pngOf(t, m), []byte("no picture, but long enough to look at")); !errors.Is(err, ErrUnsupported) {
		t.Errorf("no picture: %v; want ErrUnsupported", err)
	}
}
