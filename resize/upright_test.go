package resize

import (
	"bytes"
	"image"
	"image/color"
	"math/rand/v2"
	"testing"

	"s3imageserver/resize/exif"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// uprightAt is the slow twin of upright: where a pixel of the upright picture
// is stored, straight from the table of EXIF 2.3 section 4.6.4.
func uprightAt(o exif.Orientation, stored image.Point, x, y int) (sx, sy int) {
	w, h := stored.X, stored.Y
	switch o {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	case 8:
		return w - 1 - y, x
	}
	return x, y
}

func TestUpright(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, size := range []image.Point{{1, 1}, {2, 3}, {4, 2}, {7, 5}, {16, 8}} {
		r := image.Rectangle{Max: size}
		pictures := []image.Image{image.NewGray(r), image.NewNRGBA(r), image.NewCMYK(r), image.NewYCbCr(r, image.YCbCrSubsampleRatio444), image.NewGray16(r)}
		if size.X%2 == 0 && size.Y%2 == 0 {
			pictures = append(pictures, image.NewYCbCr(r, image.YCbCrSubsampleRatio420), image.NewYCbCr(r, image.YCbCrSubsampleRatio422), image.NewNYCbCrA(r, image.YCbCrSubsampleRatio420))
		}
		for _, img := range pictures {
			randomize(img, rng)
			for o := exif.Orientation(0); o <= 9; o++ {
				got := upright(img, o)
				if want := (image.Rectangle{Max: o.Size(size)}); got.Bounds() != want {
					t.Fatalf("orientation %d of %T %v: bounds %v; want %v", o, img, size, got.Bounds(), want)
				}
				for y := range got.Bounds().Dy() {
					for x := range got.Bounds().Dx() {
						sx, sy := uprightAt(o, size, x, y)
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

func randomize(img image.Image, rng *rand.Rand) {
	fill := func(planes ...[]byte) {
		for _, p := range planes {
			for i := range p {
				p[i] = byte(rng.Uint32())
			}
		}
	}
	switch m := img.(type) {
	case *image.Gray:
		fill(m.Pix)
	case *image.NRGBA:
		fill(m.Pix)
	case *image.CMYK:
		fill(m.Pix)
	case *image.RGBA64:
		fill(m.Pix)
		for i := 6; i < len(m.Pix); i += 8 {
			m.Pix[i], m.Pix[i+1] = 0xff, 0xff
		}
	case *image.YCbCr:
		fill(m.Y, m.Cb, m.Cr)
	case *image.NYCbCrA:
		fill(m.Y, m.Cb, m.Cr, m.A)
	}
}

func TestStoredRectangle(t *testing.T) {
	// The upper left quarter of the upright picture, in every orientation.
	stored := image.Pt(400, 200)
	for o := exif.Orientation(1); o <= 8; o++ {
		up := o.Size(stored)
		r := scale.Rect{X: 0, Y: 0, W: float64(up.X) / 2, H: float64(up.Y) / 2}
		got := o.Stored(r, stored)
		sx, sy := uprightAt(o, stored, 0, 0)
		inside := float64(sx) >= got.X && float64(sx) < got.X+got.W && float64(sy) >= got.Y && float64(sy) < got.Y+got.H
		if got.W != 200 || got.H != 100 || !inside {
			t.Errorf("orientation %d: stored(%v) = %v; want a quarter that holds (%d,%d)", o, r, got, sx, sy)
		}
	}
}

func TestOnWhite(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	m.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 255})
	m.SetNRGBA(1, 0, color.NRGBA{10, 20, 30, 0})
	m.SetNRGBA(2, 0, color.NRGBA{0, 0, 0, 128})
	got := pixel.OnWhite(m).(*image.NRGBA)
	want := []byte{10, 20, 30, 255, 255, 255, 255, 255, 127, 127, 127, 255}
	if !bytes.Equal(got.Pix, want) {
		t.Errorf("onWhite = %v; want %v", got.Pix, want)
	}
}

func TestPaletteIndexBeyondThePalette(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{1, 2, 3, 255}})
	m.Pix[1] = 200
	got := pixel.Normalize(m).(*image.NRGBA)
	if want := []byte{1, 2, 3, 255, 0, 0, 0, 0}; !bytes.Equal(got.Pix, want) {
		t.Errorf("plain = %v; want %v", got.Pix, want)
	}
}

// Chroma that no ratio of package image describes once it is turned is a fault of
// the caller, and no picture with planes of another shape.
func TestTurnsOfOddChroma(t *testing.T) {
	for _, ratio := range []image.YCbCrSubsampleRatio{image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410} {
		m := image.NewYCbCr(image.Rect(0, 0, 8, 4), ratio)
		if got := upright(m, 3); got.Bounds() != m.Rect {
			t.Errorf("%v upside down: %v", ratio, got.Bounds())
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%v turned by a quarter: no panic", ratio)
				}
			}()
			upright(m, 6)
		}()
	}
}

// Planes with alpha become pixels of the same colours, whatever their alpha; what
// is clear has none.
func TestPlanesWithAlpha(t *testing.T) {
	m := image.NewNYCbCrA(image.Rect(0, 0, 19, 13), image.YCbCrSubsampleRatio420)
	for i := range m.Y {
		m.Y[i], m.A[i] = byte(i*37), byte(i*7)
	}
	for i := range m.Cb {
		m.Cb[i], m.Cr[i] = byte(i*11), byte(i*29)
	}
	for _, part := range []*image.NYCbCrA{m, m.SubImage(image.Rect(4, 2, 18, 12)).(*image.NYCbCrA)} {
		size := part.Rect.Size()
		for name, got := range map[string]*image.NRGBA{"Copy": pixel.Copy(part), "Of": pixel.Of(part)} {
			if got.Rect != (image.Rectangle{Max: size}) {
				t.Fatalf("%s: %v; want %v from zero", name, got.Rect, size)
			}
			for y := range size.Y {
				for x := range size.X {
					c := part.NYCbCrAAt(part.Rect.Min.X+x, part.Rect.Min.Y+y)
					var want color.NRGBA
					if c.A > 0 {
						r, g, b := color.YCbCrToRGB(c.Y, c.Cb, c.Cr)
						want = color.NRGBA{R: r, G: g, B: b, A: c.A}
					}
					if got.NRGBAAt(x, y) != want {
						t.Fatalf("%s of %v: (%d,%d) is %v; want %v", name, part.Rect, x, y, got.NRGBAAt(x, y), want)
					}
				}
			}
		}
	}
}
