package scale

import "image"

// NRGBA converts planes to pixels of red, green, blue and alpha 255, by the
// full-range formula of JFIF and to the same values as color.YCbCrToRGB.
// Chroma is repeated, not interpolated: scale to Chroma444 before for that.
// The result is new and has the bounds of src.
func NRGBA(src *image.YCbCr) *image.NRGBA {
	dst := image.NewNRGBA(src.Rect)
	r := src.Rect
	if r.Empty() {
		return dst
	}
	l := layoutOf(src.SubsampleRatio)
	w := r.Dx()
	var cb, cr []byte
	if l.hs > 1 {
		cb, cr = make([]byte, w), make([]byte, w)
	}
	for y := r.Min.Y; y < r.Max.Y; y++ {
		c := src.COffset(r.Min.X, y)
		if l.hs == 1 {
			cb, cr = src.Cb[c:][:w], src.Cr[c:][:w]
		} else if y == r.Min.Y || y%l.vs == 0 {
			spread(cb, src.Cb[c:], l.hs, r.Min.X%l.hs)
			spread(cr, src.Cr[c:], l.hs, r.Min.X%l.hs)
		}
		d := dst.Pix[(y-r.Min.Y)*dst.Stride:][:4*w]
		YCbCrRow(d, src.Y[src.YOffset(r.Min.X, y):][:w], cb, cr)
	}
	return dst
}

// spread repeats each sample of src n times, starting in the middle of the
// first one if phase is not 0.
func spread(dst, src []byte, n, phase int) {
	if n == 2 && phase == 0 {
		m := len(dst) / 2
		s := src[:m]
		d := dst[:2*m]
		for i, v := range s {
			d[2*i], d[2*i+1] = v, v
		}
		if len(dst)&1 != 0 {
			dst[2*m] = src[m]
		}
		return
	}
	for i := range dst {
		dst[i] = src[(i+phase)/n]
	}
}

// YCbCrRow writes a row of pixels, red, green, blue and 255, to dst, as
// color.YCbCrToRGB converts them. cb and cr must be as long as y and dst
// four times that.
func YCbCrRow(dst, y, cb, cr []byte) {
	cb, cr, dst = cb[:len(y)], cr[:len(y)], dst[:4*len(y)]
	ycbcrRow(dst, y, cb, cr)
}

func ycbcrRowGeneric(dst, y, cb, cr []byte) {
	for i, l := range y {
		yy := int32(l) * 0x10101
		b, r := int32(cb[i])-128, int32(cr[i])-128
		q := dst[4*i:][:4]
		q[0] = clamp8((yy + 91881*r) >> 16)
		q[1] = clamp8((yy - 22554*b - 46802*r) >> 16)
		q[2] = clamp8((yy + 116130*b) >> 16)
		q[3] = 255
	}
}

func ycbcrRow(dst, y, cb, cr []byte) {
	if n := len(y) &^ 7; useAsm && n > 0 {
		_, _, _ = dst[4*n-1], cb[n-1], cr[n-1]
		ycbcrRowAsm(&dst[0], &y[0], &cb[0], &cr[0], n/8)
		dst, y, cb, cr = dst[4*n:], y[n:], cb[n:], cr[n:]
	}
	ycbcrRowGeneric(dst, y, cb, cr)
}
