package paint

import (
	"image"
	"math"

	"s3imageserver/resize/options"
)

// Frame rounds the corners of m and draws its border, in place.
func Frame(m *image.NRGBA, radius int, b options.Border) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	largest := float64(min(w, h)) / 2
	r := math.Min(float64(radius), largest)
	if radius == options.MaxRadius {
		r = largest
	}
	outer := roundedRect{float64(w), float64(h), r}
	width := float64(b.Width)
	inner := roundedRect{float64(w) - 2*width, float64(h) - 2*width, math.Max(0, r-width)}
	line := b.Color.NRGBA()
	reach := int(math.Ceil(math.Max(r, width))) + 1 // beyond it nothing changes
	for y := range h {
		middle := y >= reach && y < h-reach
		for x := 0; x < w; x++ {
			if middle && x == reach && w-reach > x {
				x = w - reach
			}
			p := (*[4]byte)(m.Pix[y*m.Stride+4*x:])
			if b.Width > 0 {
				in := inner.covers(float64(x)-width, float64(y)-width)
				if a := uint32(line.A) * (255 - uint32(in)) / 255; a > 0 {
					over(p, &[4]byte{line.R, line.G, line.B, byte(a)})
				}
			}
			if r > 0 {
				p[3] = byte((uint32(p[3])*uint32(outer.covers(float64(x), float64(y))) + 127) / 255)
			}
		}
	}
	return m
}

// A roundedRect lies at the origin.
type roundedRect struct{ w, h, r float64 }

// covers returns how much of the pixel at (x, y) is inside, 0 to 255.
func (q roundedRect) covers(x, y float64) byte {
	if q.w <= 0 || q.h <= 0 {
		return 0
	}
	// Distance of the pixel's centre to the rectangle that is smaller by r.
	dx := math.Abs(x+0.5-float64(q.w/2)) - (float64(q.w/2) - q.r)
	dy := math.Abs(y+0.5-float64(q.h/2)) - (float64(q.h/2) - q.r)
	d := math.Max(dx, dy)
	if dx > 0 && dy > 0 {
		d = math.Sqrt(float64(dx*dx) + float64(dy*dy))
	}
	return byte(math.Round(255 * math.Max(0, math.Min(1, q.r-d+0.5))))
}
