package resize

import "image"

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
func (o orientation) stored(r rectangle, size image.Point) rectangle {
	if o.swaps() {
		r = rectangle{r.Y, r.X, r.H, r.W}
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
	r := o.stored(rectangle{float64(part.Min.X), float64(part.Min.Y), float64(part.Dx()), float64(part.Dy())}, stored)
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
func (o orientation) shown(r rectangle, size image.Point) rectangle {
	if o.flipsX() {
		r.X = float64(size.X) - r.X - r.W
	}
	if o.flipsY() {
		r.Y = float64(size.Y) - r.Y - r.H
	}
	if o.swaps() {
		r = rectangle{r.Y, r.X, r.H, r.W}
	}
	return r
}

// upright turns a stored picture. Planes stay planes; the result shares
// nothing with img unless o is upright already.
func (o orientation) upright(img image.Image) image.Image {
	if o < 2 || o > 8 {
		return img
	}
	b := img.Bounds()
	to := image.Rectangle{Max: o.size(b.Size())}
	switch m := img.(type) {
	case *image.Gray:
		out := image.NewGray(to)
		o.turn(out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 1)
		return out
	case *image.YCbCr:
		return o.uprightYCbCr(m)
	case *image.NYCbCrA:
		out := &image.NYCbCrA{YCbCr: *o.uprightYCbCr(&m.YCbCr), A: make([]byte, to.Dx()*to.Dy()), AStride: to.Dx()}
		o.turn(out.A, out.AStride, m.A[m.AOffset(b.Min.X, b.Min.Y):], m.AStride, b.Dx(), b.Dy(), 1)
		return out
	case *image.NRGBA:
		out := image.NewNRGBA(to)
		o.turn(out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 4)
		return out
	case *image.CMYK:
		out := image.NewCMYK(to)
		o.turn(out.Pix, out.Stride, m.Pix[m.PixOffset(b.Min.X, b.Min.Y):], m.Stride, b.Dx(), b.Dy(), 4)
		return out
	}
	return o.upright(toNRGBA(img))
}

// uprightYCbCr turns the planes. Chroma samples of the result must cover the
// same pixels as before: see fitsChroma; and package image must have their ratio,
// which it has not for 4:1:1 and 4:1:0 turned by a quarter.
func (o orientation) uprightYCbCr(m *image.YCbCr) *image.YCbCr {
	b := m.Rect
	ratio := m.SubsampleRatio
	if o.swaps() {
		switch ratio {
		case image.YCbCrSubsampleRatio422:
			ratio = image.YCbCrSubsampleRatio440
		case image.YCbCrSubsampleRatio440:
			ratio = image.YCbCrSubsampleRatio422
		case image.YCbCrSubsampleRatio411, image.YCbCrSubsampleRatio410:
			panic("resize: a quarter turn of chroma that there is no ratio for")
		}
	}
	out := image.NewYCbCr(image.Rectangle{Max: o.size(b.Size())}, ratio)
	o.turn(out.Y, out.YStride, m.Y[m.YOffset(b.Min.X, b.Min.Y):], m.YStride, b.Dx(), b.Dy(), 1)
	cw, ch := chromaSize(b.Size(), m.SubsampleRatio)
	at := m.COffset(b.Min.X, b.Min.Y)
	o.turn(out.Cb, out.CStride, m.Cb[at:], m.CStride, cw, ch, 1)
	o.turn(out.Cr, out.CStride, m.Cr[at:], m.CStride, cw, ch, 1)
	return out
}

// fitsChroma reports whether a 4:2:0 picture of that stored size can be turned
// plane by plane: a side that is reversed must be even, or its chroma samples
// would straddle others.
func (o orientation) fitsChroma(size image.Point) bool {
	return !(o.flipsX() && size.X%2 == 1) && !(o.flipsY() && size.Y%2 == 1)
}

// turn copies w by h samples of n bytes each from src to their upright places
// in dst.
func (o orientation) turn(dst []byte, dstStride int, src []byte, srcStride, w, h, n int) {
	// A step to the right and a step down in src are these steps in dst.
	start, right, down := 0, n, dstStride
	if o.swaps() {
		right, down = dstStride, n
	}
	if o.flipsX() {
		start += (w - 1) * right
		right = -right
	}
	if o.flipsY() {
		start += (h - 1) * down
		down = -down
	}
	for y := range h {
		at := start + y*down
		row := src[y*srcStride:][:w*n]
		if n == 1 {
			for _, v := range row {
				dst[at] = v
				at += right
			}
			continue
		}
		for x := 0; x < len(row); x += n {
			copy(dst[at:at+n], row[x:x+n])
			at += right
		}
	}
}

// chromaSize returns the size of the chroma planes of a picture whose corner is
// at an even place.
func chromaSize(p image.Point, ratio image.YCbCrSubsampleRatio) (w, h int) {
	switch ratio {
	case image.YCbCrSubsampleRatio422:
		return (p.X + 1) / 2, p.Y
	case image.YCbCrSubsampleRatio420:
		return (p.X + 1) / 2, (p.Y + 1) / 2
	case image.YCbCrSubsampleRatio440:
		return p.X, (p.Y + 1) / 2
	case image.YCbCrSubsampleRatio411:
		return (p.X + 3) / 4, p.Y
	case image.YCbCrSubsampleRatio410:
		return (p.X + 3) / 4, (p.Y + 1) / 2
	}
	return p.X, p.Y
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
