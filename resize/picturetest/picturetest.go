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
