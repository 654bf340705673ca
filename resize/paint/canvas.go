package paint

import (
	"bytes"
	"image"
)

// A canvas is what the frames of an animation are drawn on, transparent at
// first.
type Canvas struct{ *image.NRGBA }

func NewCanvas(size image.Point) Canvas {
	return Canvas{image.NewNRGBA(image.Rectangle{Max: size})}
}

// CopyTo returns the canvas as it is now, in old if that is not nil, which is of
// the same size.
func (c Canvas) CopyTo(old *image.NRGBA) *image.NRGBA {
	if old == nil {
		return c.Copy()
	}
	copy(old.Pix, c.Pix)
	return old
}

// Copy returns the canvas as it is now.
func (c Canvas) Copy() *image.NRGBA {
	return &image.NRGBA{Pix: bytes.Clone(c.Pix), Stride: c.Stride, Rect: c.Rect}
}

// Replace puts frame at that place, its transparency included. What is clear has
// no colour.
func (c Canvas) Replace(frame *image.NRGBA, at image.Point) {
	r := frame.Rect.Add(at).Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		row := c.Pix[c.PixOffset(r.Min.X, y):][:4*r.Dx()]
		copy(row, frame.Pix[frame.PixOffset(r.Min.X-at.X, y-at.Y):])
		for i := 0; i < len(row); i += 4 {
			if row[i+3] == 0 {
				clear(row[i : i+3])
			}
		}
	}
}

// Blend draws frame over what is there.
func (c Canvas) Blend(frame *image.NRGBA, at image.Point) {
	r := frame.Rect.Add(at).Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		dst := c.Pix[c.PixOffset(r.Min.X, y):][:4*r.Dx()]
		src := frame.Pix[frame.PixOffset(r.Min.X-at.X, y-at.Y):][:4*r.Dx()]
		for i := 0; i < len(src); i += 4 {
			switch src[i+3] {
			case 0:
			case 255:
				copy(dst[i:i+4], src[i:i+4])
			default:
				over((*[4]byte)(dst[i:]), (*[4]byte)(src[i:]))
			}
		}
	}
}

// over draws one colour over another, neither premultiplied.
func over(dst, src *[4]byte) {
	sa := uint32(src[3])
	da := uint32(dst[3]) * (255 - sa) / 255
	a := sa + da
	for i := range 3 {
		dst[i] = byte((uint32(src[i])*sa + uint32(dst[i])*da + a/2) / a)
	}
	dst[3] = byte(a)
}

// Clear makes a part transparent.
func (c Canvas) Clear(r image.Rectangle) {
	r = r.Intersect(c.Rect)
	for y := r.Min.Y; y < r.Max.Y; y++ {
		clear(c.Pix[c.PixOffset(r.Min.X, y):][:4*r.Dx()])
	}
}

// Changed returns the smallest rectangle outside of which a and b are equal,
// at least one pixel. They have the same bounds.
func Changed(a, b *image.NRGBA) image.Rectangle {
	r := image.Rectangle{}
	for y := a.Rect.Min.Y; y < a.Rect.Max.Y; y++ {
		n := 4 * a.Rect.Dx()
		p, q := a.Pix[a.PixOffset(a.Rect.Min.X, y):][:n], b.Pix[b.PixOffset(b.Rect.Min.X, y):][:n]
		if bytes.Equal(p, q) {
			continue
		}
		first, last := 0, n-1
		for p[first] == q[first] {
			first++
		}
		for p[last] == q[last] {
			last--
		}
		r = r.Union(image.Rect(first/4, y, last/4+1, y+1))
	}
	if r.Empty() {
		return image.Rect(0, 0, 1, 1)
	}
	return r
}
