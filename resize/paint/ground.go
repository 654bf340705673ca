package paint

import (
	"image"
	"image/color"
	"math"

	"s3imageserver/resize/options"
	"s3imageserver/resize/pixel"
	"s3imageserver/resize/scale"
)

// A ground is what pictures are laid on. It is for the frames of one picture.
type Ground struct {
	canvas, at image.Point // size of the result, and where the picture lies on it
	background options.Background
	color      color.NRGBA
	known      bool // color is; auto takes it from the first frame
}

func NewGround(canvas, at image.Point, b options.Background) *Ground {
	g := &Ground{canvas: canvas, at: at, background: b}
	if c, ok := b.Color(); ok {
		g.color, g.known = c.NRGBA(), true
	}
	return g
}

// Lay returns the canvas with the picture on it.
func (g *Ground) Lay(img image.Image) image.Image {
	m := pixel.Of(img)
	if !g.known && g.background != (options.Background{}) {
		g.color, g.known = edgeColor(m), true
	}
	var out Canvas
	if g.background.Blurred() {
		out = Canvas{blurredGround(m, g.canvas, g.color)}
	} else {
		out = NewCanvas(g.canvas)
		if g.color != (color.NRGBA{}) {
			fill(out.NRGBA, g.color)
		}
	}
	out.Blend(m, g.at)
	return out.NRGBA
}

// FillCorners returns a picture that has been laid and rounded without the
// transparency of its corners, unless the ground shines through itself.
func (g *Ground) FillCorners(img image.Image) image.Image {
	if g.color.A < 255 {
		return img
	}
	m := pixel.Of(img)
	out := Canvas{image.NewNRGBA(m.Rect)}
	fill(out.NRGBA, g.color)
	out.Blend(m, image.Point{})
	return out.NRGBA
}

// fill sets every pixel to c.
func fill(m *image.NRGBA, c color.NRGBA) {
	for i := 0; i < len(m.Pix); i += 4 {
		m.Pix[i], m.Pix[i+1], m.Pix[i+2], m.Pix[i+3] = c.R, c.G, c.B, c.A
	}
}

// edgeColor returns the mean colour of the outermost pixels, opaque; white if
// all of them are transparent.
func edgeColor(m *image.NRGBA) color.NRGBA {
	var sum [3]uint64
	var weight uint64
	add := func(x, y int) {
		p := m.Pix[y*m.Stride+4*x:][:4]
		a := uint64(p[3])
		for i := range 3 {
			sum[i] += a * uint64(p[i])
		}
		weight += a
	}
	w, h := m.Rect.Dx(), m.Rect.Dy()
	for x := range w {
		add(x, 0)
		add(x, h-1)
	}
	for y := range h {
		add(0, y)
		add(w-1, y)
	}
	if weight == 0 {
		return color.NRGBA{255, 255, 255, 255}
	}
	mean := func(i int) byte { return byte((sum[i] + weight/2) / weight) }
	return color.NRGBA{mean(0), mean(1), mean(2), 255}
}

// blurredGround returns the picture itself, made large enough to cover size and
// blurred; where it is transparent, c shines through.
func blurredGround(m *image.NRGBA, size image.Point, c color.NRGBA) *image.NRGBA {
	const shrunk = 48 // the longer side of what is blurred: nothing smaller is left to see
	to := options.RoundDown.Covering(m.Rect.Size(), size)
	by := math.Min(1, shrunk/float64(max(size.X, size.Y)))
	small := image.Pt(max(1, int(float64(size.X)*by)), max(1, int(float64(size.Y)*by)))
	part := scale.Rect{W: float64(m.Rect.Dx()) * float64(size.X) / float64(to.X), H: float64(m.Rect.Dy()) * float64(size.Y) / float64(to.Y)}
	part.X, part.Y = (float64(m.Rect.Dx())-part.W)/2, (float64(m.Rect.Dy())-part.H)/2
	tile := scale.Image(m, part, small, scale.Options{}).(*image.NRGBA)
	under := Canvas{image.NewNRGBA(tile.Rect)}
	fill(under.NRGBA, c)
	under.Blend(tile, image.Point{})
	return scale.Image(Blur(under.NRGBA, 2), scale.Rect{}, size, scale.Options{Filter: scale.CatmullRom}).(*image.NRGBA)
}
