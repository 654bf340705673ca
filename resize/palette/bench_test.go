package palette

import (
	"image"
	"math/rand/v2"
	"testing"
)

// noisy returns a picture of gradients and noise, with as many colours as a photograph.
func noisy(width, height int) *image.NRGBA {
	r := rand.New(rand.NewPCG(1, 2))
	m := image.NewNRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			base := [3]int{255 * x / width, 255 * y / height, 255 * (x + y) / (width + height)}
			for i, v := range base {
				m.Pix[m.PixOffset(x, y)+i] = byte(max(0, min(255, v+r.IntN(1+x*60/width)-x*30/width)))
			}
			m.Pix[m.PixOffset(x, y)+3] = 255
		}
	}
	return m
}

func BenchmarkQuantize(b *testing.B) {
	m := noisy(600, 450)
	b.SetBytes(int64(len(m.Pix) / 4))
	for b.Loop() {
		Quantize(m, MaxColors)
	}
}
