package exif

import (
	"image"

	"s3imageserver/resize/scale"
)

// An Orientation is the value of EXIF tag 0x0112: how the stored picture must
// be turned to be upright (EXIF 2.3, section 4.6.4). Anything but 2 to 8 means
// upright.
type Orientation uint8

// Swaps reports whether width and height change places.
func (o Orientation) Swaps() bool { return o >= 5 && o <= 8 }

// FlipsX and FlipsY report whether the stored rows and columns run from the
// far edge of the upright picture, after a swap.
func (o Orientation) FlipsX() bool { return o == 2 || o == 3 || o == 7 || o == 8 }
func (o Orientation) FlipsY() bool { return o == 3 || o == 4 || o == 6 || o == 7 }

// Size returns the upright size of a stored one, and the other way round.
func (o Orientation) Size(p image.Point) image.Point {
	if o.Swaps() {
		return image.Pt(p.Y, p.X)
	}
	return p
}

// Stored returns where a part of the upright picture lies in the stored one,
// which has that size.
func (o Orientation) Stored(r scale.Rect, size image.Point) scale.Rect {
	if o.Swaps() {
		r = scale.Rect{X: r.Y, Y: r.X, W: r.H, H: r.W}
	}
	if o.FlipsX() {
		r.X = float64(size.X) - r.X - r.W
	}
	if o.FlipsY() {
		r.Y = float64(size.Y) - r.Y - r.H
	}
	return r
}

// Edge returns where a part of the upright picture lies in the stored one, with 0
// for sides that are those of the picture.
func (o Orientation) Edge(part image.Rectangle, stored image.Point) (e image.Rectangle) {
	r := o.Stored(scale.Rect{X: float64(part.Min.X), Y: float64(part.Min.Y), W: float64(part.Dx()), H: float64(part.Dy())}, stored)
	e.Min = image.Pt(int(r.X), int(r.Y))
	if end := int(r.X + r.W); end < stored.X {
		e.Max.X = end
	}
	if end := int(r.Y + r.H); end < stored.Y {
		e.Max.Y = end
	}
	return e
}

// Shown returns where a part of the stored picture, which has that size, lies in
// the upright one.
func (o Orientation) Shown(r scale.Rect, size image.Point) scale.Rect {
	if o.FlipsX() {
		r.X = float64(size.X) - r.X - r.W
	}
	if o.FlipsY() {
		r.Y = float64(size.Y) - r.Y - r.H
	}
	if o.Swaps() {
		r = scale.Rect{X: r.Y, Y: r.X, W: r.H, H: r.W}
	}
	return r
}

// FitsChroma reports whether a 4:2:0 picture of that stored size can be turned
// plane by plane: a side that is reversed must be even, or its chroma samples
// would straddle others.
func (o Orientation) FitsChroma(size image.Point) bool {
	return !(o.FlipsX() && size.X%2 == 1) && !(o.FlipsY() && size.Y%2 == 1)
}

// Then returns the orientation of a picture that must first be turned by o and
// then by next.
func (o Orientation) Then(next Orientation) Orientation {
	x, y := next.FlipsX(), next.FlipsY()
	if o.Swaps() {
		x, y = y, x
	}
	swaps := o.Swaps() != next.Swaps()
	x, y = x != o.FlipsX(), y != o.FlipsY()
	for c := Orientation(1); c <= 8; c++ {
		if c.Swaps() == swaps && c.FlipsX() == x && c.FlipsY() == y {
			return c
		}
	}
	return 1
}
