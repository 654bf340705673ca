// Package palette finds few colours for pictures of many, and lays the pixels out
// in them. Colours have four samples, premultiplied by alpha, so that they count as
// much as they show. The same picture gets the same palette every time.
package palette

import (
	"image"
	"image/color"
)

// MaxColors is what a palette of GIF or PNG holds.
const MaxColors = 256

// AlphaThreshold is the alpha from which on a pixel counts as opaque where a
// format knows only opaque and transparent.
const AlphaThreshold = 128

// ColorsAt returns how many colours a palette has at a quality: all of them from
// 80 on and at 0, and so on down to 2.
func ColorsAt(quality int) int {
	if quality <= 0 || quality >= 80 {
		return MaxColors
	}
	return max(2, MaxColors*quality*quality/6400)
}

// Exact returns m with a palette if it has no more than n colours, at
// most 256, else nil.
func Exact(m *image.NRGBA, n int) *image.Paletted {
	index := make(map[[4]byte]byte, MaxColors)
	var palette color.Palette
	out := image.NewPaletted(m.Rect, nil)
	last, lastIndex := [4]byte{}, -1
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:][:4*m.Rect.Dx()]
		for x := range m.Rect.Dx() {
			c := [4]byte(row[4*x:])
			if c[3] == 0 {
				c = [4]byte{}
			}
			if lastIndex < 0 || c != last {
				i, ok := index[c]
				if !ok {
					if len(palette) == n {
						return nil
					}
					i = byte(len(palette))
					index[c] = i
					palette = append(palette, color.NRGBA{c[0], c[1], c[2], c[3]})
				}
				last, lastIndex = c, int(i)
			}
			out.Pix[y*out.Stride+x] = byte(lastIndex)
		}
	}
	out.Palette = palette
	return out
}

// Quantize returns m with a palette of at most n colours, 2 to 256. Pixels without
// any alpha stay so, and are the last colour of the palette.
func Quantize(m *image.NRGBA, n int) *image.Paletted {
	return quantized(m, n, func(p *Palette, out *image.Paletted) { p.Dither(out, m, nil) })
}

// Flat is [Quantize] without dithering: every pixel has the colour nearest to it.
func Flat(m *image.NRGBA, n int) *image.Paletted {
	return quantized(m, n, func(p *Palette, out *image.Paletted) { p.lay(out, m) })
}

// quantized returns m with its own colours if these are few, else with those of a palette
// as draw lays them.
func quantized(m *image.NRGBA, n int, draw func(p *Palette, out *image.Paletted)) *image.Paletted {
	if few := Exact(m, n); few != nil {
		return few
	}
	var h Histogram
	h.Add(m, nil)
	p := h.Palette(n)
	out := image.NewPaletted(m.Rect, p.Colors())
	draw(p, out)
	return out
}

// BinaryAlpha returns m with alpha 0 or 255 only.
func BinaryAlpha(m *image.NRGBA) *image.NRGBA {
	if m.Opaque() {
		return m
	}
	out := image.NewNRGBA(image.Rectangle{Max: m.Rect.Size()})
	for y := range out.Rect.Dy() {
		copy(out.Pix[y*out.Stride:][:out.Stride], m.Pix[m.PixOffset(m.Rect.Min.X, m.Rect.Min.Y+y):])
	}
	for i := 0; i < len(out.Pix); i += 4 {
		if out.Pix[i+3] < AlphaThreshold {
			clear(out.Pix[i : i+4])
		} else {
			out.Pix[i+3] = 255
		}
	}
	return out
}
