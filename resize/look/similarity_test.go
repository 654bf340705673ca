package look

import (
	"image"
	"testing"
)

// Equal pictures have a similarity of 1, and noise has not.
func TestSSIM(t *testing.T) {
	a, b := image.NewGray(image.Rect(0, 0, 33, 21)), image.NewGray(image.Rect(0, 0, 33, 21))
	for i := range a.Pix {
		a.Pix[i] = byte(i * 7)
		b.Pix[i] = a.Pix[i]
	}
	if s := Similarity(a, b); s != 1 {
		t.Errorf("equal pictures: %v", s)
	}
	b.Pix[100] ^= 0x80
	if s := Similarity(a, b); s >= 1 || s < 0.9 {
		t.Errorf("one pixel differs: %v", s)
	}
	for i := range b.Pix {
		b.Pix[i] = byte(i * 101)
	}
	if s := Similarity(a, b); s > 0.3 {
		t.Errorf("other pictures: %v", s)
	}
}
