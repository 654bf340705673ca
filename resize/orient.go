package resize

import (
	"image"

	"s3imageserver/resize/scale"
)

// An orientation is the value of EXIF tag 0x0112: how the stored picture must
// be turned to be upright (EXIF 2.3, section 4.6.4). Anything but 2 to 8 means
// upright.
type orientation uint8

// swaps reports whether width and height change places.
func (o orientation) swaps() bool { return o >= 5 && o <= 8 }

// flipsX and flipsY report whether the stored rows and columns run from the
// far edge of the upright picture, after a swap.
func (o orientation) flipsX() bool { return o == 2 || o == 3 || o == 7 || o == 8 }
func (o orientation) flipsY() bool { return o == 3 || o == 4 || o == 6 || o == 7 }

// size returns the upright size of a stored one, and the other way round.
func (o orientation) size(p image.Point) image.Point {
	if o.swaps() {
		return image.Pt(p.Y, p.X)
	}
	return p
}

// stored returns where a part of the upright picture lies in the stored one,
// which has that size.
func (o orientation) stored(r scale.Rect, size image.Point) scale.Rect {
	if o.swaps() {
		r = scale.Rect{X: r.Y, Y: r.X, W: r.H, H: r.W}
	}
	if o.flipsX() {
		r.X = float64(size.X) - r.X - r.W
	}
	if o.flipsY() {
		r.Y = float64(size.Y) - r.Y - r.H
	}
	return r
}

// edge returns where a part of the upright picture lies in the stored one, with 0
// for sides that are those of the picture.
func (o orientation) edge(part image.Rectangle, stored image.Point) (e image.Rectangle) {
	r := o.stored(scale.Rect{X: float64(part.Min.X), Y: float64(part.Min.Y), W: float64(part.Dx()), H: float64(part.Dy())}, stored)
	e.Min = image.Pt(int(r.X), int(r.Y))
	if end := int(r.X + r.W); end < stored.X {
		e.Max.X = end
	}
	if end := int(r.Y + r.H); end < stored.Y {
		e.Max.Y = end
	}
	return e
}

// shown returns where a part of the stored picture, which has that size, lies in
// the upright one.
func (o orientation) shown(r scale.Rect, size image.Point) scale.Rect {
	if o.flipsX() {
		r.X = float64(size.X) - r.X - r.W
	}
	if o.flipsY() {
		r.Y = float64(size.Y) - r.Y - r.H
	}
	if o.swaps() {
		r = scale.Rect{X: r.Y, Y: r.X, W: r.H, H: r.W}
	}
	return r
}

// fitsChroma reports whether a 4:2:0 picture of that stored size can be turned
// plane by plane: a side that is reversed must be even, or its chroma samples
// would straddle others.
func (o orientation) fitsChroma(size image.Point) bool {
	return !(o.flipsX() && size.X%2 == 1) && !(o.flipsY() && size.Y%2 == 1)
}

// then returns the orientation of a picture that must first be turned by o and
// then by next.
func (o orientation) then(next orientation) orientation {
	x, y := next.flipsX(), next.flipsY()
	if o.swaps() {
		x, y = y, x
	}
	swaps := o.swaps() != next.swaps()
	x, y = x != o.flipsX(), y != o.flipsY()
	for c := orientation(1); c <= 8; c++ {
		if c.swaps() == swaps && c.flipsX() == x && c.flipsY() == y {
			return c
		}
	}
	return 1
}
