package paint

import (
	"image"

	"s3imageserver/resize/options"
)

func flatPicture(w, h int, c options.Color) *image.NRGBA {
	m := image.NewNRGBA(image.Rect(0, 0, w, h))
	fill(m, c.NRGBA())
	return m
}

// extent returns the smallest rectangle outside of which m has the colour c.
func extent(m *image.NRGBA, c options.Color) image.Rectangle {
	var r image.Rectangle
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			if m.NRGBAAt(x, y) != c.NRGBA() {
				r = r.Union(image.Rect(x, y, x+1, y+1))
			}
		}
	}
	return r
}

const (
	testWhite = options.Color(0xffffffff)
	testRed   = options.Color(0xff0000ff)
	testBlack = options.Color(0x000000ff)
)

func onGrey(m *image.NRGBA) image.Image {
	out := image.NewNRGBA(m.Rect)
	fill(out, options.Color(0x808080ff).NRGBA())
	Canvas{out}.Blend(m, image.Point{})
	return out
}

func abs(n int) int { return max(n, -n) }

// parse reads the query of a URL.
func parse(query string) options.Options {
	return options.Parse(options.ParseQuery(query).Get, options.DefaultMaxDimension)
}
