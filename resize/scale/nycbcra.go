package scale

import "image"

// scaleNYCbCrA resamples planes with alpha. Luma is premultiplied by alpha,
// chroma, whose zero is 128, by the mean alpha of the pixels that it covers.
func scaleNYCbCrA(src *image.NYCbCrA, h, v Axis, o Options) *image.NYCbCrA {
	dst := image.NewNYCbCrA(image.Rect(0, 0, h.N, v.N), o.Chroma.of(src.SubsampleRatio))
	if src.Opaque() {
		scalePlanes(&dst.YCbCr, &src.YCbCr, h, v, o)
		for i := range dst.A {
			dst.A[i] = 255
		}
		return dst
	}
	m := src.Rect.Min
	ao := src.AOffset(m.X, m.Y)
	Plane(dst.A, dst.AStride, src.A[ao:], src.AStride, h, v, o)

	buf := rowPool.Get().(*rowBuffers)
	defer rowPool.Put(buf)
	buf.in = grow(buf.in, max(h.Len, 2))
	row := buf.in[:h.Len]

	yo := src.YOffset(m.X, m.Y)
	rows(dst.Y, dst.YStride, h, v, o, func(y int) []byte {
		l, a := src.Y[yo+y*src.YStride:][:h.Len], src.A[ao+y*src.AStride:][:h.Len]
		for x := range row {
			row[x] = Premultiply(l[x], a[x])
		}
		return row
	})
	for y := range v.N {
		l, a := dst.Y[y*dst.YStride:][:h.N], dst.A[y*dst.AStride:][:h.N]
		for x := range l {
			l[x] = Unpremultiply(l[x], a[x])
		}
	}

	ch, cv := chromaAxes(&dst.YCbCr, &src.YCbCr, h, v)
	o = o.forChroma(ch, cv)
	mean := meanAlpha(src, ch.Len)
	alpha := make([]byte, ch.N*cv.N) // of the result, at the size of chroma
	rows(alpha, ch.N, ch, cv, o, mean)
	co := src.COffset(m.X, m.Y)
	crow := make([]byte, ch.Len)
	for _, c := range [2]struct{ dst, src []byte }{{dst.Cb, src.Cb}, {dst.Cr, src.Cr}} {
		rows(c.dst, dst.CStride, ch, cv, o, func(y int) []byte {
			s := c.src[co+y*src.CStride:][:ch.Len]
			for x, a := range mean(y) {
				crow[x] = byte(128 + signedDiv((int(s[x])-128)*int(a), 255))
			}
			return crow
		})
		for y := range cv.N {
			d, a := c.dst[y*dst.CStride:][:ch.N], alpha[y*ch.N:][:ch.N]
			for x := range d {
				if a[x] == 0 {
					d[x] = 128
					continue
				}
				d[x] = clamp8(int32(128 + signedDiv((int(d[x])-128)*255, int(a[x]))))
			}
		}
	}
	return dst
}

// rows is Plane with a source that makes its rows as they are needed.
func rows(dst []byte, stride int, h, v Axis, o Options, row func(y int) []byte) {
	s := NewScaler(dst, stride, h, v, o)
	defer s.Close()
	first, end := s.Rows()
	s.Skip(first)
	for y := first; y < end; y++ {
		s.Push(row(y))
	}
}

// meanAlpha returns a function that gives the mean alpha of the pixels that
// each sample of a chroma row covers. The slice is used again.
func meanAlpha(src *image.NYCbCrA, n int) func(y int) []byte {
	l := layoutOf(src.SubsampleRatio)
	r := src.Rect
	px, py := r.Min.X%l.hs, r.Min.Y%l.vs
	out := make([]byte, n)
	return func(cy int) []byte {
		y0, y1 := max(cy*l.vs-py, 0), min(cy*l.vs-py+l.vs, r.Dy())
		for cx := range out {
			x0, x1 := max(cx*l.hs-px, 0), min(cx*l.hs-px+l.hs, r.Dx())
			sum, n := 0, (y1-y0)*(x1-x0)
			for y := y0; y < y1; y++ {
				for _, a := range src.A[src.AOffset(r.Min.X+x0, r.Min.Y+y):][:x1-x0] {
					sum += int(a)
				}
			}
			out[cx] = byte((sum + n/2) / n)
		}
		return out
	}
}

// signedDiv returns a/b rounded to nearest, b being positive.
func signedDiv(a, b int) int {
	if a < 0 {
		return -((-a + b/2) / b)
	}
	return (a + b/2) / b
}
