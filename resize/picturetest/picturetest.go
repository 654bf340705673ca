// Package picturetest has what tests of pictures share.
package picturetest

import (
	"image"
	"image/color"
	"math"
	"math/rand/v2"
	"os"
	"testing"
)

// Chart is a picture without symmetry, smooth enough to be scaled.
func Chart(w, h int) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			p := m.Pix[m.PixOffset(x, y):]
			p[0], p[1] = byte(255*x/w), byte(255*y/h)
			p[2] = byte(127 + float64(120*math.Sin(float64(x*x+2*y*y)/float64(w*h)*9)))
			p[3] = 255
		}
	}
	return m
}

// Noisy returns a picture whose neighbours are alike, by chance.
func Noisy(size image.Point, alpha bool) *image.NRGBA {
	r := rand.New(rand.NewPCG(1, uint64(size.X)))
	m := image.NewNRGBA(image.Rectangle{Max: size})
	for y := range size.Y {
		for x := range size.X {
			c := color.NRGBA{byte(x + r.IntN(9)), byte(y + r.IntN(9)), byte(x ^ y), 255}
			if alpha {
				c.A = byte(x * y)
			}
			m.SetNRGBA(x, y, c)
		}
	}
	return m
}

// PSNR compares colours (of visible pixels) and alpha; +Inf means equal, -1
// means of different sizes.
func PSNR(a, b image.Image) float64 {
	if a.Bounds().Size() != b.Bounds().Size() {
		return -1
	}
	sum, n := 0.0, 0
	for y := range a.Bounds().Dy() {
		for x := range a.Bounds().Dx() {
			p := color.NRGBAModel.Convert(a.At(a.Bounds().Min.X+x, a.Bounds().Min.Y+y)).(color.NRGBA)
			q := color.NRGBAModel.Convert(b.At(b.Bounds().Min.X+x, b.Bounds().Min.Y+y)).(color.NRGBA)
			if p.A == 0 && q.A == 0 {
				p, q = color.NRGBA{}, color.NRGBA{}
			}
			for _, d := range []int{int(p.R) - int(q.R), int(p.G) - int(q.G), int(p.B) - int(q.B), int(p.A) - int(q.A)} {
				sum += float64(d * d)
				n++
			}
		}
	}
	if sum == 0 {
		return math.Inf(1)
	}
	return 10 * math.Log10(255*255*float64(n)/sum)
}

// File returns what is in a file.
func File(t testing.TB, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// StoredAt tells where a pixel of the upright picture
// is stored by an orientation, straight from the table of EXIF 2.3 section 4.6.4.
func StoredAt(o int, stored image.Point, x, y int) (sx, sy int) {
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

// Randomize fills a picture with noise, without transparency but where it has planes.
func Randomize(img image.Image, rng *rand.Rand) {
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
