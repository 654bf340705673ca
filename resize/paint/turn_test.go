package paint

import (
	"image"
	"math/rand/v2"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/picturetest"
)

// All orientations show what the table of EXIF says.
func TestTurn(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {2, 3}, {4, 2}, {7, 5}, {16, 8}} {
		r := image.Rectangle{Max: size}
		pictures := []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewCMYK(r), image.NewYCbCr(r, image.YCbCrSubsampleRatio444), image.NewGray16(r)}
		if size.X%2 == 0 && size.Y%2 == 0 {
			pictures = append(pictures, image.NewYCbCr(r, image.YCbCrSubsampleRatio420), image.NewYCbCr(r, image.YCbCrSubsampleRatio422), image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420))
		}
		for _, img := range pictures {
			picturetest.Randomize(img, rng)
			for o := exif.Orientation(0); o <= 9; o++ {
				got := Turn(img, o)
				if want := (image.Rectangle{Max: o.Size(size)}); got.Bounds() != want {
					t.Fatalf("orientation %d of %T %v: bounds %v; want %v", o, img, size, got.Bounds(), want)
				}
				for y := range got.Bounds().Dy() {
					for x := range got.Bounds().Dx() {
						sx, sy := picturetest.StoredAt(int(o), size, x, y)
						model := got.ColorModel()
						if g, w := got.At(x, y), model.Convert(img.At(sx, sy)); g != w {
							t.Fatalf("orientation %d of %T %v: pixel (%d,%d) = %v; want %v", o, img, size, x, y, g, w)
						}
					}
				}
			}
		}
	}
}

// Chroma that no ratio of package image describes once it is turned is a fault of
// the caller, and no picture with planes of another shape.
func TestTurnsOfOddChroma(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		m := image.NewYCbCr(image.Rect(0, 0, 8, 4), ratio)
		if got := Turn(m, 3); got.Bounds() != m.Rect {
			t.Errorf("%v upside down: %v", ratio, got.Bounds())
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v turned by a quarter: no panic", ratio)
				}
			}()
			Turn(m, 6)
		}()
	}
}
