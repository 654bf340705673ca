// Package pixel turns pictures of all types of package image into the few that
// are worked on: planes of YCbCr, grey, NRGBA and CMYK.
package pixel

import (
	"bytes"
	"image"
	"image/color"
	"image/draw"

	"s3imageserver/resize/scale"
)

// Normalize returns img as one of the types that are worked on, with bounds that
// start at zero: a YCbCr or NYCbCrA, a Gray, an NRGBA or a CMYK. Palettes are looked up with a bounds check: a decoder may
// let indices beyond the palette pass, and image/draw panics on them.
func Normalize(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.YCbCr:
		if m.Rect.Min == (image.Point{}) {
			return m
		}
	case *image.NYCbCrA:
		if m.Rect.Min == (image.Point{}) {
			return m
		}
	case *image.Gray:
		if m.Rect.Min != (image.Point{}) {
			return &image.Gray{Pix: m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y):], Stride: m.Stride, Rect: image.Rectangle{Max: m.Rect.Size()}}
		}
		return m
	case *image.NRGBA:
		if m.Rect.Min == (image.Point{}) {
			return m
		}
	case *image.CMYK:
		if m.Rect.Min == (image.Point{}) {
			return m
		}
	case *image.Gray16:
		return gray16(m)
	}
	return Copy(img)
}

// Copy returns img as a fresh *image.NRGBA whose bounds start at zero.
func Copy(img image.Image) *image.NRGBA {
	if m, ok := img.(*image.NYCbCrA); ok {
		return fromNYCbCrA(m)
	}
	b := img.Bounds()
	out := image.NewNRGBA(image.Rectangle{Max: b.Size()})
	switch m := img.(type) {
	case *image.NRGBA:
		for y := range b.Dy() {
			copy(out.Pix[y*out.Stride:][:4*b.Dx()], m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):])
		}
	case *image.Paletted:
		fromPalette(out, m)
	case *image.RGBA:
		Unpremultiply(out, m)
	case *image.CMYK, *image.YCbCr, *image.Gray:
		// Opaque: premultiplied or not is the same, and image/draw is fast.
		draw.Draw(&image.RGBA{Pix: out.Pix, Stride: out.Stride, Rect: out.Rect}, out.Rect, m, b.Min, draw.Src)
	case *image.RGBA64:
		Unpremultiply64(out, m)
	case *image.NRGBA64:
		for y := range b.Dy() {
			src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
			dst := out.Pix[y*out.Stride:][:4*b.Dx()]
			for i := range dst {
				dst[i] = To8Bits(src[2*i], src[2*i+1])
			}
		}
	default:
		draw.Draw(out, out.Rect, img, b.Min, draw.Src)
	}
	return out
}

// Of is [Copy] that returns img itself if it is of that kind already.
func Of(img image.Image) *image.NRGBA {
	switch m := img.(type) {
	case *image.NRGBA:
		return m
	case *image.YCbCr:
		return scale.NRGBA(m)
	}
	return Copy(img)
}

// Clone is [Normalize] with pixels that are its own: those of img may be memory that
// goes away.
func Clone(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.YCbCr:
		c := *m
		c.Y, c.Cb, c.Cr = bytes.Clone(m.Y), bytes.Clone(m.Cb), bytes.Clone(m.Cr)
		return Normalize(&c)
	case *image.Gray:
		c := *m
		c.Pix = bytes.Clone(m.Pix)
		return Normalize(&c)
	}
	return Copy(img)
}

// Part returns the part of img in r, which shares its pixels.
func Part(img image.Image, r image.Rectangle) image.Image {
	if m, ok := img.(interface {
		SubImage(image.Rectangle) image.Image
	}); ok && img.Bounds() != r {
		return m.SubImage(r)
	}
	return img
}

// fromNYCbCrA converts planes with alpha. What is clear has no colour.
func fromNYCbCrA(m *image.NYCbCrA) *image.NRGBA {
	out := scale.NRGBA(&m.YCbCr)
	out.Rect = image.Rectangle{Max: m.Rect.Size()}
	for y := range m.Rect.Dy() {
		row := out.Pix[y*out.Stride:]
		for x, a := range m.A[m.AOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:m.Rect.Dx()] {
			if row[4*x+3] = a; a == 0 {
				clear(row[4*x:][:3])
			}
		}
	}
	return out
}

// To8Bits returns the 8-bit sample nearest to a 16-bit one.
func To8Bits(hi, lo byte) byte {
	v := uint32(hi)<<8 | uint32(lo)
	return byte((v*255 + 32767) / 65535)
}

func gray16(m *image.Gray16) *image.Gray {
	b := m.Rect
	out := image.NewGray(image.Rectangle{Max: b.Size()})
	for y := range b.Dy() {
		src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):]
		dst := out.Pix[y*out.Stride:][:b.Dx()]
		for i := range dst {
			dst[i] = To8Bits(src[2*i], src[2*i+1])
		}
	}
	return out
}

func fromPalette(out *image.NRGBA, m *image.Paletted) {
	var colors [256]color.NRGBA // transparent black beyond the palette
	for i, c := range m.Palette[:min(len(m.Palette), 256)] {
		colors[i] = color.NRGBAModel.Convert(c).(color.NRGBA)
	}
	b := m.Rect
	for y := range b.Dy() {
		src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:b.Dx()]
		dst := out.Pix[y*out.Stride:]
		for x, index := range src {
			c := colors[index]
			dst[4*x], dst[4*x+1], dst[4*x+2], dst[4*x+3] = c.R, c.G, c.B, c.A
		}
	}
}

// Premultiply multiplies alpha into the colours of m, which starts at zero, in place.
func Premultiply(m *image.NRGBA) *image.RGBA {
	for i := 0; i+4 <= len(m.Pix); i += 4 {
		p := m.Pix[i:][:4:4]
		if a := p[3]; a != 255 {
			p[0], p[1], p[2] = scale.Premultiply(p[0], a), scale.Premultiply(p[1], a), scale.Premultiply(p[2], a)
		}
	}
	return &image.RGBA{Pix: m.Pix, Stride: m.Stride, Rect: m.Rect}
}

// Unpremultiply takes alpha out of the colours of m. Both have one size, and bounds of
// out start at zero. They may share their pixels.
func Unpremultiply(out *image.NRGBA, m *image.RGBA) {
	b := m.Rect
	for y := range b.Dy() {
		src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:4*b.Dx()]
		dst := out.Pix[y*out.Stride:][:4*b.Dx()]
		copy(dst, src)
		for i := 3; i < len(dst); i += 4 {
			if a := dst[i]; a != 0 && a != 255 {
				for j := i - 3; j < i; j++ {
					dst[j] = scale.Unpremultiply(dst[j], a)
				}
			}
		}
	}
}

// Unpremultiply64 is [Unpremultiply] of 16-bit samples.
func Unpremultiply64(out *image.NRGBA, m *image.RGBA64) {
	b := m.Rect
	for y := range b.Dy() {
		src := m.Pix[m.PixOffset(b.Min.X, b.Min.Y+y):][:8*b.Dx()]
		dst := out.Pix[y*out.Stride:][:4*b.Dx()]
		for x := range b.Dx() {
			s, d := src[8*x:][:8], dst[4*x:][:4]
			a := uint32(s[6])<<8 | uint32(s[7])
			d[3] = To8Bits(s[6], s[7])
			if a == 0 {
				continue
			}
			for i := range 3 {
				v := uint32(s[2*i])<<8 | uint32(s[2*i+1])
				d[i] = byte(min(255, (v*255+a/2)/a))
			}
		}
	}
}

// OnWhite returns img without transparency: what shines through is white. An
// opaque img is returned as it is.
func OnWhite(img image.Image) image.Image {
	switch m := img.(type) {
	case *image.NYCbCrA:
		if Opaque(m) {
			return &m.YCbCr
		}
		return OnWhite(Copy(m))
	case *image.NRGBA:
		if m.Opaque() {
			return m
		}
		out := image.NewNRGBA(m.Rect)
		for i := 0; i+4 <= len(m.Pix); i += 4 {
			a := uint32(m.Pix[i+3])
			for j := i; j < i+3; j++ {
				out.Pix[j] = byte((uint32(m.Pix[j])*a + 255*(255-a) + 127) / 255)
			}
			out.Pix[i+3] = 255
		}
		return out
	}
	return img
}

// Opaque reports whether no pixel of img is transparent.
func Opaque(img image.Image) bool {
	if m, ok := img.(*image.NYCbCrA); ok {
		for y := range m.Rect.Dy() {
			for _, a := range m.A[m.AOffset(m.Rect.Min.X, m.Rect.Min.Y+y):][:m.Rect.Dx()] {
				if a != 255 {
					return false
				}
			}
		}
		return true
	}
	o, ok := img.(interface{ Opaque() bool })
	return ok && o.Opaque()
}

// VP8 and most video samples have the limited range of ITU-R BT.601 (16 to 235,
// chroma 16 to 240); Go's image.YCbCr, like JFIF, has the full one.
var lumaToFull, chromaToFull = fullRange()

func fullRange() (luma, chroma [256]byte) {
	for i := range 256 {
		luma[i] = Clamp((float64(i)-16)*255/219 + 0.5)
		chroma[i] = Clamp((float64(i)-128)*255/224 + 128 + 0.5)
	}
	return luma, chroma
}

// Clamp cuts f to a sample, its fraction cut off.
func Clamp(f float64) byte { return byte(max(0, min(255, f))) }

// ToFullRange makes full-range samples of limited-range ones, in place.
func ToFullRange(m *image.YCbCr) {
	for i, v := range m.Y {
		m.Y[i] = lumaToFull[v]
	}
	for _, plane := range [][]byte{m.Cb, m.Cr} {
		for i, v := range plane {
			plane[i] = chromaToFull[v]
		}
	}
}
