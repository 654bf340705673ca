package paint

import (
	"image"
	"math"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// gaussianSlowly blurs in two dimensions at once, with floats.
func gaussianSlowly(m *image.NRGBA, sigma float64) *image.NRGBA {
	out := image.NewNRGBA(m.Rect)
	w, h := m.Rect.Dx(), m.Rect.Dy()
	r := int(math.Ceil(4 * sigma))
	for y := range h {
		for x := range w {
			var sum [4]float64
			total := 0.0
			for dy := -r; dy <= r; dy++ {
				for dx := -r; dx <= r; dx++ {
					k := math.Exp(-float64(dx*dx+dy*dy) / (2 * sigma * sigma))
					if !image.Pt(x+dx, y+dy).In(m.Rect) {
						continue
					}
					p := m.NRGBAAt(x+dx, y+dy)
					a := float64(p.A) * k
					sum[0] += a * float64(p.R)
					sum[1] += a * float64(p.G)
					sum[2] += a * float64(p.B)
					sum[3] += a
					total += k
				}
			}
			p := out.Pix[out.PixOffset(x, y):]
			for i := range 3 {
				p[i] = byte(sum[i]/math.Max(sum[3], 1e-9) + 0.5)
			}
			p[3] = byte(sum[3]/total + 0.5)
		}
	}
	return out
}

func TestBlurredEqualsItsTwin(t *testing.T) {
	for _, sigma := range []float64{0.3, 1, 2.5, 2.6, 5, 9, 20} {
		m := picturetest.Chart(60, 40)
		for i := range 300 {
			m.Pix[4*(i*7)+3] = byte(i) // some are transparent
		}
		want := gaussianSlowly(m, sigma)
		if p := picturetest.PSNR(onGrey(Blur(m, sigma)), onGrey(want)); p < 44 {
			t.Errorf("sigma %v: PSNR %.1f dB to the twin; want 44", sigma, p)
		}
	}
	flat := image.NewNRGBA(image.Rect(0, 0, 33, 9))
	fill(flat, options.Color(0x7b2d09ff).NRGBA())
	for _, sigma := range []float64{0.1, 1, 3, 100} {
		if picturetest.PSNR(Blur(flat, sigma), flat) < 100 {
			t.Errorf("sigma %v: a flat colour changed", sigma)
		}
	}
}
