package pixel

import (
	"bytes"
	"image"
	"image/color"
	"testing"
)

func TestOnWhite(t *testing.T) {
	m := image.NewNRGBA(image.Rect(0, 0, 3, 1))
	m.SetNRGBA(0, 0, color.NRGBA{10, 20, 30, 255})
	m.SetNRGBA(1, 0, color.NRGBA{10, 20, 30, 0})
	m.SetNRGBA(2, 0, color.NRGBA{0, 0, 0, 128})
	got := OnWhite(m).(*image.NRGBA)
	want := []byte{10, 20, 30, 255, 255, 255, 255, 255, 127, 127, 127, 255}
	if !bytes.Equal(got.Pix, want) {
		t.Errorf("OnWhite = %v; want %v", got.Pix, want)
	}
}

func TestPaletteIndexBeyondThePalette(t *testing.T) {
	m := image.NewPaletted(image.Rect(0, 0, 2, 1), color.Palette{color.NRGBA{1, 2, 3, 255}})
	m.Pix[1] = 200
	got := Normalize(m).(*image.NRGBA)
	if want := []byte{1, 2, 3, 255, 0, 0, 0, 0}; !bytes.Equal(got.Pix, want) {
		t.Errorf("Normalize = %v; want %v", got.Pix, want)
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
		for name, got := range map[string]*image.NRGBA{"Copy": Copy(part), "Of": Of(part)} {
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

// Colours that are multiplied by their alpha come back as near as eight bits let
// them.
func TestPremultiply(t *testing.T) {
	for a := range 256 {
		m := image.NewNRGBA(image.Rect(0, 0, 256, 1))
		for c := range 256 {
			m.SetNRGBA(c, 0, color.NRGBA{byte(c), byte(c), 255, byte(a)})
		}
		p := Premultiply(m)
		for c := range 256 {
			if got, want := p.RGBAAt(c, 0), byte((c*a+127)/255); got != (color.RGBA{want, want, byte(a), byte(a)}) {
				t.Fatalf("%d times %d/255 is %v; want %d", c, a, got, want)
			}
		}
		if a == 0 {
			continue
		}
		Unpremultiply(m, p)
		for c := range 256 {
			want := byte(min(255, ((c*a+127)/255*255+a/2)/a))
			if got := m.NRGBAAt(c, 0); got != (color.NRGBA{want, want, 255, byte(a)}) {
				t.Fatalf("%d with alpha %d came back as %v; want %d", c, a, got, want)
			}
		}
	}
}
