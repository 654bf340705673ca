package look

import (
	"image"

	"s3imageserver/resize/pixel"
)

// Luma returns the luma of an image as if on white.
func Luma(img image.Image) *image.Gray {
	switch m := img.(type) {
	case *image.Gray:
		return m
	case *image.YCbCr:
		return &image.Gray{Pix: m.Y, Stride: m.YStride, Rect: m.Rect}
	}
	m, ok := pixel.OnWhite(img).(*image.NRGBA)
	if !ok {
		m = pixel.Copy(pixel.OnWhite(img))
	}
	out := image.NewGray(m.Rect)
	for y := range m.Rect.Dy() {
		row := m.Pix[y*m.Stride:]
		for x := range m.Rect.Dx() {
			p := row[4*x:][:3]
			// ITU-R BT.601, in 65536ths.
			out.Pix[y*out.Stride+x] = byte((19595*uint32(p[0]) + 38470*uint32(p[1]) + 7471*uint32(p[2]) + 1<<15) >> 16)
		}
	}
	return out
}

const (
	ssimWindow = 8
	ssimStep   = 4
)

// Similarity returns the mean structural similarity of two pictures of one size (Wang
// et al., 2004, equation 13), over windows of 8 by 8 pixels, 4 apart: 1 if
// they are equal.
func Similarity(a, b *image.Gray) float64 {
	const c1, c2 = (0.01 * 255) * (0.01 * 255), (0.03 * 255) * (0.03 * 255)
	w, h := a.Rect.Dx(), a.Rect.Dy()
	if w != b.Rect.Dx() || h != b.Rect.Dy() {
		return 0
	}
	ww, wh := min(ssimWindow, w), min(ssimWindow, h)
	n := float64(ww * wh)
	sum, windows := 0.0, 0
	for y := 0; y+wh <= h; y += ssimStep {
		for x := 0; x+ww <= w; x += ssimStep {
			var sa, sb, saa, sbb, sab uint32
			for dy := range wh {
				p := a.Pix[(y+dy)*a.Stride+x:][:ww]
				q := b.Pix[(y+dy)*b.Stride+x:][:ww]
				for i, v := range p {
					s, t := uint32(v), uint32(q[i])
					sa, sb = sa+s, sb+t
					saa, sbb, sab = saa+s*s, sbb+t*t, sab+s*t
				}
			}
			ma, mb := float64(sa)/n, float64(sb)/n
			va, vb, cov := float64(saa)/n-float64(ma*ma), float64(sbb)/n-float64(mb*mb), float64(sab)/n-float64(ma*mb)
			sum += (float64(2*ma*mb) + c1) * (float64(2*cov) + c2) / ((float64(ma*ma) + float64(mb*mb) + c1) * (va + vb + c2))
			windows++
		}
	}
	return sum / float64(windows)
}
