package paint

import (
	"image"
	"math"

	"s3imageserver/resize/scale"
)

// premultiply multiplies alpha into the colours, in place.
func premultiply(m *image.NRGBA) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4:4]
		switch a := uint32(p[3]); a {
		case 255:
		default:
			p[0] = byte((uint32(p[0])*a + 127) / 255)
			p[1] = byte((uint32(p[1])*a + 127) / 255)
			p[2] = byte((uint32(p[2])*a + 127) / 255)
		}
	}
}

// unpremultiply takes alpha out of the colours again, in place.
func unpremultiply(m *image.NRGBA) {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4:4]
		if a := uint32(p[3]); a != 0 && a != 255 {
			p[0] = byte(min(255, (uint32(p[0])*255+a/2)/a))
			p[1] = byte(min(255, (uint32(p[1])*255+a/2)/a))
			p[2] = byte(min(255, (uint32(p[2])*255+a/2)/a))
		}
	}
}

// Blur returns m blurred by a Gaussian with a standard deviation of sigma
// pixels. What lies beyond the edges does not count, and what is transparent
// lends no colour.
func Blur(m *image.NRGBA, sigma float64) *image.NRGBA {
	size := m.Rect.Size()
	// A wide blur leaves nothing that fewer pixels could not show: it is made
	// while the picture shrinks, and enlarged again.
	const least = 2.5 // standard deviation in the small picture
	by := math.Max(1, sigma/least)
	small := image.Pt(max(1, int(math.Ceil(float64(size.X)/by))), max(1, int(math.Ceil(float64(size.Y)/by))))
	out := scale.Image(m, scale.Rect{}, small, scale.Options{Filter: scale.Gaussian(sigma / by)})
	if small != size {
		out = scale.Image(out, scale.Rect{}, size, scale.Options{Filter: scale.CatmullRom})
	}
	return out.(*image.NRGBA)
}
