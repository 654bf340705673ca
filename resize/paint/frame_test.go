package paint

import (
	"image"
	"math"
	"testing"

	"s3imageserver/resize/options"
	"s3imageserver/resize/picturetest"
)

// framedSlowly counts how many of 16 by 16 places in a pixel are inside.
func framedSlowly(m *image.NRGBA, radius float64, b options.Border) *image.NRGBA {
	w, h := float64(m.Rect.Dx()), float64(m.Rect.Dy())
	inside := func(x, y, inset, r float64) bool {
		x0, y0, x1, y1 := inset, inset, w-inset, h-inset
		if x < x0 || y < y0 || x > x1 || y > y1 {
			return false
		}
		cx, cy := math.Max(x0+r, math.Min(x1-r, x)), math.Max(y0+r, math.Min(y1-r, y))
		return math.Hypot(x-cx, y-cy) <= math.Max(r, 1e-9)
	}
	out := image.NewNRGBA(m.Rect)
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			outer, inner := 0.0, 0.0
			for k := range 256 {
				px, py := float64(x)+(float64(k%16)+0.5)/16, float64(y)+(float64(k/16)+0.5)/16
				if inside(px, py, 0, radius) {
					outer++
				}
				if inside(px, py, float64(b.Width), math.Max(0, radius-float64(b.Width))) {
					inner++
				}
			}
			p, line := m.NRGBAAt(x, y), b.Color.NRGBA()
			k := (1 - inner/256) * float64(line.A) / 255
			mix := func(a, b byte) byte { return byte(float64(a)*(1-k) + float64(b)*k + 0.5) }
			p.R, p.G, p.B = mix(p.R, line.R), mix(p.G, line.G), mix(p.B, line.B)
			p.A = byte(float64(p.A)*outer/256 + 0.5)
			out.SetNRGBA(x, y, p)
		}
	}
	return out
}

func TestFramedEqualsItsTwin(t *testing.T) {
	for _, tt := range []struct {
		radius int
		border options.Border
	}{
		{10, options.Border{}}, {options.MaxRadius, options.Border{}}, {0, options.Border{Width: 3, Color: 0xff0000ff}}, {12, options.Border{Width: 3, Color: 0x00ff00ff}}, {4, options.Border{Width: 9, Color: 0x0000ffff}},
		{options.MaxRadius, options.Border{Width: 5, Color: 0xffffff80}}, {1000, options.Border{Width: 1, Color: 0x808080ff}}, {0, options.Border{Width: 400, Color: 0x102030ff}},
	} {
		m := picturetest.Chart(61, 40)
		radius := math.Min(float64(tt.radius), 20)
		if tt.radius == options.MaxRadius {
			radius = 20
		}
		want := framedSlowly(m, radius, tt.border)
		got := Frame(m, tt.radius, tt.border)
		if p := picturetest.PSNR(onGrey(got), onGrey(want)); p < 36 {
			t.Errorf("radius %d, border %v: PSNR %.1f dB to the twin; want 36", tt.radius, tt.border, p)
		}
	}
}
