package scale

import (
	"fmt"
	"image"
)

// A Rect is a part of a picture in pixels, which may be fractional,
// relative to the upper left corner of its bounds.
type Rect struct {
	X, Y, W, H float64
}

// Image resamples the part crop of src to size. The zero Rect means all of
// src. The result is new, has its origin at (0, 0), and is of src's type if
// that is *image.YCbCr, *image.NYCbCrA, *image.Gray, *image.NRGBA,
// *image.RGBA or *image.CMYK; *image.Gray for *image.Gray16; *image.NRGBA
// for any other.
//
// Alpha is multiplied into the colours first and taken out again after, so
// that the colour of transparent pixels doesn't bleed.
//
// It panics if src or size is empty or crop is not finite.
// It is safe for concurrent use.
func Image(src image.Image, crop Rect, size image.Point, o Options) image.Image {
	b := src.Bounds()
	if b.Empty() || size.X < 1 || size.Y < 1 {
		panic(fmt.Sprintf("scale: %v to %v", b, size))
	}
	if crop == (Rect{}) {
		crop.W, crop.H = float64(b.Dx()), float64(b.Dy())
	}
	h := Axis{Len: b.Dx(), Offset: crop.X, Span: crop.W, N: size.X, Lo: o.Within.Min.X, Hi: o.Within.Max.X}
	v := Axis{Len: b.Dy(), Offset: crop.Y, Span: crop.H, N: size.Y, Lo: o.Within.Min.Y, Hi: o.Within.Max.Y}
	r := image.Rectangle{Max: size}
	switch src := src.(type) {
	case *image.YCbCr:
		return scaleYCbCr(src, h, v, o)
	case *image.NYCbCrA:
		return scaleNYCbCrA(src, h, v, o)
	case *image.Gray:
		dst := image.NewGray(r)
		Plane(dst.Pix, dst.Stride, src.Pix[src.PixOffset(b.Min.X, b.Min.Y):], src.Stride, h, v, o)
		return dst
	case *image.Gray16:
		dst := image.NewGray(r)
		interleaved(1, h, v, o, splitGray16(src), func(y int, p *[4][]byte) {
			copy(dst.Pix[y*dst.Stride:], p[0])
		})
		return dst
	case *image.CMYK:
		dst := image.NewCMYK(r)
		interleaved(4, h, v, o, split4(src.Pix, src.Stride, src.PixOffset(b.Min.X, b.Min.Y)),
			func(y int, p *[4][]byte) { join4(dst.Pix[y*dst.Stride:], p) })
		return dst
	case *image.RGBA:
		dst := image.NewRGBA(r)
		split := split4(src.Pix, src.Stride, src.PixOffset(b.Min.X, b.Min.Y))
		if src.Opaque() {
			interleaved(3, h, v, o, split, func(y int, p *[4][]byte) { joinOpaque(dst.Pix[y*dst.Stride:], p) })
			return dst
		}
		interleaved(4, h, v, o, split, func(y int, p *[4][]byte) { joinPremultiplied(dst.Pix[y*dst.Stride:], p) })
		return dst
	}
	dst := image.NewNRGBA(r)
	opaque := false
	if s, ok := src.(interface{ Opaque() bool }); ok {
		opaque = s.Opaque()
	}
	var split splitter
	switch src := src.(type) {
	case *image.NRGBA:
		split = split4(src.Pix, src.Stride, src.PixOffset(b.Min.X, b.Min.Y))
		if !opaque {
			split = splitNRGBA(src)
		}
	case *image.Paletted:
		split = splitPaletted(src)
	default:
		split = splitAny(src)
	}
	if opaque {
		interleaved(3, h, v, o, split, func(y int, p *[4][]byte) { joinOpaque(dst.Pix[y*dst.Stride:], p) })
		return dst
	}
	interleaved(4, h, v, o, split, func(y int, p *[4][]byte) { joinNRGBA(dst.Pix[y*dst.Stride:], p) })
	return dst
}

// A layout is the geometry of the chroma planes of a ratio: a sample covers
// hs x vs pixels.
type layout struct{ hs, vs int }

func layoutOf(r image.YCbCrSubsampleRatio) layout {
	switch r {
	case image.YCbCrSubsampleRatio422:
		return layout{2, 1}
	case image.YCbCrSubsampleRatio420:
		return layout{2, 2}
	case image.YCbCrSubsampleRatio440:
		return layout{1, 2}
	case image.YCbCrSubsampleRatio411:
		return layout{4, 1}
	case image.YCbCrSubsampleRatio410:
		return layout{4, 2}
	}
	return layout{1, 1}
}

// ChromaSize returns the size of the chroma planes of a picture of that size, whose
// corner is that of a sample.
func ChromaSize(size image.Point, r image.YCbCrSubsampleRatio) image.Point {
	l := layoutOf(r)
	return image.Pt((size.X+l.hs-1)/l.hs, (size.Y+l.vs-1)/l.vs)
}

func (c Chroma) of(r image.YCbCrSubsampleRatio) image.YCbCrSubsampleRatio {
	switch c {
	case Chroma420:
		return image.YCbCrSubsampleRatio420
	case Chroma444:
		return image.YCbCrSubsampleRatio444
	}
	return r
}

// ChromaAxis returns the axis of the chroma planes that goes with the axis a
// of luma. A source sample covers from pixels of luma, a result sample to.
// Samples are centred on the pixels that they cover, as JPEG has it
// (JFIF 1.02), so with an odd number of pixels the last sample of either
// lies partly outside of the picture. The sample of a single pixel is that pixel's:
// half of it would be of what a crop leaves out.
//
// phase is the number of pixels that the first source sample begins to the
// left of (or above) the picture: 0, save in an *image.YCbCr whose origin
// isn't a multiple of from.
//
// Of Lo and Hi the samples are left that lie within as a whole, if there are any.
func ChromaAxis(a Axis, from, to, phase int) Axis {
	n := (a.N + to - 1) / to
	if a.N == 1 {
		to = 1
	}
	lo, hi := 0, 0
	if a.Lo > 0 || a.Hi > 0 && a.Hi < a.Len {
		first, end := a.ends()
		lo, hi = (phase+first+from-1)/from, (phase+end)/from
		if a.Lo == 0 {
			lo = 0
		}
		if end == a.Len {
			hi = (phase + end + from - 1) / from
		}
		if lo >= hi {
			lo, hi = (phase+first)/from, (phase+end+from-1)/from
		}
	}
	return Axis{
		Len:    (phase + a.Len + from - 1) / from,
		Offset: (float64(phase) + a.Offset) / float64(from),
		Span:   a.Span / float64(from) * float64(n*to) / float64(a.N),
		N:      n,
		Lo:     lo,
		Hi:     hi,
	}
}

func scaleYCbCr(src *image.YCbCr, h, v Axis, o Options) *image.YCbCr {
	ratio := o.Chroma.of(src.SubsampleRatio)
	dst := image.NewYCbCr(image.Rect(0, 0, h.N, v.N), ratio)
	scalePlanes(dst, src, h, v, o)
	return dst
}

func scalePlanes(dst, src *image.YCbCr, h, v Axis, o Options) {
	m := src.Rect.Min
	Plane(dst.Y, dst.YStride, src.Y[src.YOffset(m.X, m.Y):], src.YStride, h, v, o)
	ch, cv := chromaAxes(dst, src, h, v)
	c := src.COffset(m.X, m.Y)
	o = o.forChroma(ch, cv)
	Plane(dst.Cb, dst.CStride, src.Cb[c:], src.CStride, ch, cv, o)
	Plane(dst.Cr, dst.CStride, src.Cr[c:], src.CStride, ch, cv, o)
}

// NewScalers returns the Scalers of the three planes of dst, for a source of
// the given ratio, whose origin is (0, 0) and whose luma has the axes h and
// v. They are independent of one another: rows of each plane may be pushed
// as they come. Each must be closed.
//
// So a picture is resampled while it is decoded. If it is decoded smaller
// than it is, at 1/8 say, the size is rounded up and the last samples lie
// partly outside of the picture: 1001 columns are 126 samples, of which a
// span of 125.125 counts.
func NewScalers(dst *image.YCbCr, ratio image.YCbCrSubsampleRatio, h, v Axis, o Options) [3]*Scaler {
	ch, cv := chromaAxes(dst, &image.YCbCr{SubsampleRatio: ratio}, h, v)
	c := o.forChroma(ch, cv)
	return [3]*Scaler{
		NewScaler(dst.Y, dst.YStride, h, v, o),
		NewScaler(dst.Cb, dst.CStride, ch, cv, c),
		NewScaler(dst.Cr, dst.CStride, ch, cv, c),
	}
}

// forChroma returns the options for chroma planes with these axes. Where they
// are enlarged they are interpolated linearly: a sharp kernel would ring at
// edges between colours, which have twice the width that they seem to have.
func (o Options) forChroma(h, v Axis) Options {
	if h.Span < float64(h.N) || v.Span < float64(v.N) {
		o.Filter = Triangle
	}
	return o
}

func chromaAxes(dst, src *image.YCbCr, h, v Axis) (ch, cv Axis) {
	from, to := layoutOf(src.SubsampleRatio), layoutOf(dst.SubsampleRatio)
	m := src.Rect.Min
	return ChromaAxis(h, from.hs, to.hs, m.X%from.hs), ChromaAxis(v, from.vs, to.vs, m.Y%from.vs)
}
