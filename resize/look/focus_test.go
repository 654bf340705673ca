package look

import (
	"image"
	"image/color"
	"image/draw"
	"testing"

	"s3imageserver/resize/options"
)

// A picture without anything in it keeps its centre.
func TestFocusOfNothing(t *testing.T) {
	flat := image.NewNRGBA(image.Rect(0, 0, 100, 50))
	draw.Draw(flat, flat.Rect, image.NewUniform(color.NRGBA{9, 99, 200, 255}), image.Point{}, draw.Src)
	for _, m := range []*image.NRGBA{image.NewNRGBA(image.Rect(0, 0, 100, 50)), flat} {
		for _, detailed := range []bool{false, true} {
			if g := Focus(m, image.Pt(20, 50), detailed); g != (options.FocalPoint(5000, 5000)) {
				t.Errorf("detailed %v: %v; want the centre", detailed, g)
			}
		}
	}
}

func TestLog2(t *testing.T) {
	for n, want := range map[int]int{0: 0, 1: 0, 2: 4096, 3: 6492, 8: 3 * 4096, 1000: 40820, 20736: 58734} {
		if got := log2(n); got < want-2 || got > want+2 {
			t.Errorf("log2(%d) = %d; want %d", n, got, want)
		}
	}
	for n := range 100000 {
		if r := sqrt(n); r*r > n || (r+1)*(r+1) <= n {
			t.Fatalf("sqrt(%d) = %d", n, r)
		}
	}
}
