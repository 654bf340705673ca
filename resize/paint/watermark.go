package paint

import (
	"image"

	"s3imageserver/resize/options"
	"s3imageserver/resize/scale"
)

// An Overlay is a picture that is laid over others. It is safe for concurrent
// use.
type Overlay struct{ image *image.NRGBA }

// NewOverlay returns an overlay of that picture, which is its own afterwards.
func NewOverlay(m *image.NRGBA) *Overlay { return &Overlay{m} }

// Size returns the width and height that it is kept with.
func (o *Overlay) Size() image.Point { return o.image.Rect.Size() }

// Fitted returns the overlay as w wants it on a picture of that size.
func (o *Overlay) Fitted(w options.Watermark, size image.Point) *image.NRGBA {
	own := o.image.Rect.Size()
	most := size
	if w.Scale != 0 {
		most.X = max(1, options.RoundDown.Scaled(size.X, int(w.Scale), options.WholePercent))
	}
	to := own
	if w.Scale != 0 || own.X > most.X || own.Y > most.Y {
		to = image.Pt(most.X, options.RoundDown.Scaled(own.Y, most.X, own.X))
		if to.Y > most.Y {
			to = image.Pt(options.RoundDown.Scaled(own.X, most.Y, own.Y), most.Y)
		}
	}
	m := scale.Image(o.image, scale.Rect{}, to, scale.Options{}).(*image.NRGBA)
	if w.Opacity != 0 {
		for i := 3; i < len(m.Pix); i += 4 {
			m.Pix[i] = byte((int64(m.Pix[i])*int64(w.Opacity) + options.WholePercent/2) / options.WholePercent)
		}
	}
	return m
}

// place returns where something of that size lies on a larger one: a focal point
// is its middle, a side or a corner is a little away from the edge.
func place(g options.Gravity, size, on image.Point) image.Point {
	x, y := g.Point()
	if g.IsFocalPoint() {
		return image.Pt(options.Kept(on.X, size.X, x), options.Kept(on.Y, size.Y, y))
	}
	margin := max(1, min(on.X, on.Y)/40)
	side := func(size, on, at int) int {
		if size+2*margin > on {
			return (on - size) * at / options.FocalOne
		}
		return margin + (on-size-2*margin)*at/options.FocalOne
	}
	return image.Pt(side(size.X, on.X, x), side(size.Y, on.Y, y))
}

// Watermark lays the overlay on m, in place.
func Watermark(m, overlay *image.NRGBA, w options.Watermark) {
	size, on := overlay.Rect.Size(), m.Rect.Size()
	at := place(w.Gravity, size, on)
	if !w.Tile {
		Canvas{m}.Blend(overlay, at)
		return
	}
	const least = 8 // pixels: a tiny one all over a large picture takes long
	step := image.Pt(max(least, size.X*3/2), max(least, size.Y*3/2))
	for row, y := 0, at.Y-(at.Y/step.Y+1)*step.Y; y < on.Y; row, y = row+1, y+step.Y {
		x := at.X - (at.X/step.X+1)*step.X - row%2*step.X/2 // like bricks
		for ; x < on.X; x += step.X {
			Canvas{m}.Blend(overlay, image.Pt(x, y))
		}
	}
}
