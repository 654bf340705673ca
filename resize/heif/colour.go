package heif

import (
	"image"

	"s3imageserver/resize/pixel"
)

// ToJFIF returns the picture of planes that have the matrix and the range of c: as
// planes by JFIF, which are what image/color has, BT.601 and the full range, or as
// pixels. m may be changed.
func (c CICP) ToJFIF(m *image.YCbCr) image.Image {
	if c == (CICP{}) {
		return m // what HEIC means without numbers is not known; cameras write JFIF's
	}
	kr, kb := 0.299, 0.114
	switch c.Matrix {
	case 1:
		kr, kb = 0.2126, 0.0722
	case 9:
		kr, kb = 0.2627, 0.0593
	}
	if c.FullRange == 0 {
		pixel.ToFullRange(m)
	}
	if kr == 0.299 {
		return m
	}
	// The difference to BT.601 is linear in the chroma samples. With R-Y =
	// 2(1-kr)Cr, B-Y = 2(1-kb)Cb and G from both, the planes of the same RGB by
	// BT.601 follow; luma changes too, so this is done per pixel.
	out := image.NewNRGBA(m.Rect)
	kg := 1 - kr - kb
	for y := range m.Rect.Dy() {
		for x := range m.Rect.Dx() {
			i, j := m.YOffset(x, y), m.COffset(x, y)
			l, cb, cr := float64(m.Y[i]), float64(m.Cb[j])-128, float64(m.Cr[j])-128
			p := out.Pix[y*out.Stride+4*x:][:4]
			r, b := l+float64(2*(1-kr)*cr), l+float64(2*(1-kb)*cb)
			p[0], p[1], p[2], p[3] = pixel.Clamp(r+0.5), pixel.Clamp((l-float64(kr*r)-float64(kb*b))/kg+0.5), pixel.Clamp(b+0.5), 255
		}
	}
	return out
}
