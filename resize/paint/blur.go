package paint

import (
	"image"
	"math"

	"s3imageserver/resize/scale"
)

// Blur returns m blurred by a Gaussian with a standard deviation of sigma
// pixels. What lies beyond the edges does not count, and what is transparent
// lends no colour.
func Blur(m *image.NRGBA, sigma float64) *image.NRGBA { return blurred(m, sigma).(*image.NRGBA) }

// blurred is Blur of any kind of picture.
func blurred(m image.Image, sigma float64) image.Image {
	size := m.Bounds().Size()
	// A wide blur leaves nothing that fewer pixels could not show: it is made
	// while the picture shrinks, and enlarged again.
	const least = 2.5 // standard deviation in the small picture
	by := math.Max(1, sigma/least)
	small := image.Pt(max(1, int(math.Ceil(float64(size.X)/by))), max(1, int(math.Ceil(float64(size.Y)/by))))
	out := scale.Image(m, scale.Rect{}, small, scale.Options{Filter: scale.Gaussian(sigma / by)})
	if small != size {
		out = scale.Image(out, scale.Rect{}, size, scale.Options{Filter: scale.CatmullRom})
	}
	return out
}
