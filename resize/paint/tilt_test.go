package paint

import (
	"image"
	"math"
	"testing"

	"s3imageserver/resize/picturetest"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// tiltedSlowly is tilted by the mean of 16 places in every pixel, each between
// four samples.
func tiltedSlowly(m *image.NRGBA, degrees float64, size image.Point) *image.NRGBA {
	out := image.NewNRGBA(image.Rectangle{Max: size})
	sin, cos := math.Sincos(degrees * math.Pi / 180)
	w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
	at := func(x, y int) (c [4]float64) {
		if image.Pt(x, y).In(m.Rect) {
			p := m.NRGBAAt(x, y)
			a := float64(p.A)
			c = [4]float64{float64(p.R) * a / 255, float64(p.G) * a / 255, float64(p.B) * a / 255, a}
		}
		return c
	}
	for y := range size.Y {
		for x := range size.X {
			var sum [4]float64
			for k := range 16 {
				u := float64(x) + (float64(k%4)+0.5)/4 - float64(size.X)/2
				v := float64(y) + (float64(k/4)+0.5)/4 - float64(size.Y)/2
				sx, sy := u*cos+v*sin+w/2-0.5, v*cos-u*sin+h/2-0.5
				x0, y0 := math.Floor(sx), math.Floor(sy)
				fx, fy := sx-x0, sy-y0
				for j, weight := range []float64{(1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy} {
					c := at(int(x0)+j%2, int(y0)+j/2)
					for i := range sum {
						sum[i] += weight * c[i] / 16
					}
				}
			}
			p := out.Pix[out.PixOffset(x, y):]
			for i := range 3 {
				if sum[3] > 0 {
					p[i] = byte(math.Min(255, sum[i]*255/sum[3]+0.5))
				}
			}
			p[3] = byte(sum[3] + 0.5)
		}
	}
	return out
}

func TestTiltedEqualsItsTwin(t *testing.T) {
	for _, degrees := range []float64{0.01, 1, 12, 30, 44.99, -5, -45} {
		m := picturetest.Chart(120, 80)
		size := image.Pt(145, 145) // as large as the diagonal
		want := tiltedSlowly(m, degrees, size)
		part := scale.Rect{X: -float64(size.X) / 2, Y: -float64(size.Y) / 2, W: float64(size.X), H: float64(size.Y)}
		got := Tilt(pixel.Copy(m), degrees, part, size)
		// Laid on grey: colours of nearly transparent pixels are free.
		if p := picturetest.PSNR(onGrey(got), onGrey(want)); p < 35 {
			t.Errorf("%v degrees: PSNR %.1f dB to the twin; want 35", degrees, p)
		}
	}
}
