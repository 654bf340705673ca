package webp

import "image"

// flatBlock is the side of the blocks in which invisible colours are replaced,
// that of a macroblock's quarter.
const flatBlock = 8

// FlatColors returns an opaque copy of m, which begins at 0, 0 and has no space
// between its rows, and whose alpha is a. In blocks of which
// nothing is seen every pixel has the colour of the block before; in others
// what is not seen has the mean of what is.
func FlatColors(m *image.NRGBA, a []byte) *image.NRGBA {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	out := image.NewNRGBA(m.Rect)
	copy(out.Pix, m.Pix)
	for i := 3; i < len(out.Pix); i += 4 {
		out.Pix[i] = 255
	}
	var fill [3]byte
	for y0 := 0; y0 < h; y0 += flatBlock {
		for x0 := 0; x0 < w; x0 += flatBlock {
			x1, y1 := min(x0+flatBlock, w), min(y0+flatBlock, h)
			var sum [3]int
			seen := 0
			for y := y0; y < y1; y++ {
				for i := y*w + x0; i < y*w+x1; i++ {
					if a[i] != 0 {
						seen++
						for c := range sum {
							sum[c] += int(m.Pix[4*i+c])
						}
					}
				}
			}
			if seen == (x1-x0)*(y1-y0) {
				continue
			}
			for c := range sum {
				if seen > 0 {
					fill[c] = byte(sum[c] / seen)
				}
			}
			for y := y0; y < y1; y++ {
				for i := y*w + x0; i < y*w+x1; i++ {
					if a[i] == 0 {
						copy(out.Pix[4*i:], fill[:])
					}
				}
			}
		}
	}
	return out
}

// flattenPlanes does the same to the planes of m, in place; only where nothing
// of a block is seen.
func flattenPlanes(m *image.NYCbCrA) {
	w, h := m.Rect.Dx(), m.Rect.Dy()
	luma, cb, cr := byte(128), byte(128), byte(128)
	for y0 := 0; y0+flatBlock <= h; y0 += flatBlock {
		for x0 := 0; x0+flatBlock <= w; x0 += flatBlock {
			if !hidden(m.A[y0*m.AStride+x0:], m.AStride) {
				luma, cb, cr = m.Y[y0*m.YStride+x0], m.Cb[y0/2*m.CStride+x0/2], m.Cr[y0/2*m.CStride+x0/2]
				continue
			}
			fillBlock(m.Y[y0*m.YStride+x0:], m.YStride, flatBlock, luma)
			fillBlock(m.Cb[y0/2*m.CStride+x0/2:], m.CStride, flatBlock/2, cb)
			fillBlock(m.Cr[y0/2*m.CStride+x0/2:], m.CStride, flatBlock/2, cr)
		}
	}
}

// hidden reports whether a block of alpha is 0 everywhere.
func hidden(a []byte, stride int) bool {
	for y := range flatBlock {
		for _, v := range a[y*stride:][:flatBlock] {
			if v != 0 {
				return false
			}
		}
	}
	return true
}

func fillBlock(p []byte, stride, side int, v byte) {
	for y := range side {
		row := p[y*stride:][:side]
		for i := range row {
			row[i] = v
		}
	}
}
