package paint

import (
	"bytes"
	"image"
	"image/color"
	"testing"
)

func TestChangedRectangle(t *testing.T) {
	a := image.NewNRGBA(image.Rect(0, 0, 10, 8))
	b := &image.NRGBA{Pix: bytes.Clone(a.Pix), Stride: a.Stride, Rect: a.Rect}
	if got := Changed(a, b); got != image.Rect(0, 0, 1, 1) {
		t.Errorf("equal pictures: %v", got)
	}
	b.SetNRGBA(3, 2, color.NRGBA{1, 2, 3, 4})
	b.SetNRGBA(7, 5, color.NRGBA{A: 1})
	if got := Changed(a, b); got != image.Rect(3, 2, 8, 6) {
		t.Errorf("changed = %v; want (3,2)-(8,6)", got)
	}
}
