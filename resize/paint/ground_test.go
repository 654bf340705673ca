package paint

import (
	"image"
	"image/color"
	"testing"
)

// The ground: transparent without a background, one colour, the colour of the
// edge, the picture itself.
func TestGround(t *testing.T) {
	canvas, at := image.Pt(40, 20), image.Pt(10, 0)
	picture := func() *image.NRGBA {
		m := flatPicture(20, 20, testRed)
		for y := 5; y < 15; y++ {
			for x := 5; x < 15; x++ {
				m.SetNRGBA(x, y, color.NRGBA{})
			}
		}
		return m
	}
	tests := []struct {
		bg             string
		outside, below color.NRGBA
	}{
		{"", color.NRGBA{}, color.NRGBA{}},
		{"bg=fff", testWhite.NRGBA(), testWhite.NRGBA()},
		{"bg=0000ff80", color.NRGBA{0, 0, 255, 128}, color.NRGBA{0, 0, 255, 128}},
		{"bg=auto", testRed.NRGBA(), testRed.NRGBA()},
		{"bg=blur", testRed.NRGBA(), testRed.NRGBA()},
	}
	for _, tt := range tests {
		out := NewGround(canvas, at, parse(tt.bg).Background).Lay(picture()).(*image.NRGBA)
		if out.Rect.Size() != canvas || out.NRGBAAt(1, 1) != tt.outside || out.NRGBAAt(20, 10) != tt.below || out.NRGBAAt(11, 1) != testRed.NRGBA() {
			t.Errorf("%q: %v, outside %v, below %v, picture %v", tt.bg, out.Rect, out.NRGBAAt(1, 1), out.NRGBAAt(20, 10), out.NRGBAAt(11, 1))
		}
	}
	g := NewGround(canvas, at, parse("bg=auto").Background)
	g.Lay(picture())
	if out := g.Lay(flatPicture(20, 20, testWhite)).(*image.NRGBA); out.NRGBAAt(1, 1) != testRed.NRGBA() {
		t.Error("the colour of the edge changes from frame to frame")
	}
}
