package jpeg

// The formulas are those of color.RGBToYCbCr (JFIF 1.02). Pixels are of four
// bytes: red, green, blue and one that doesn't matter.

// lumaRow is lumaRowGeneric, in assembly if there is some and generic is false.
func lumaRow(dst, rgb []byte, generic bool) {
	if n := len(dst) &^ 7; useAsm && !generic && n > 0 {
		_ = rgb[4*n-1]
		lumaRowAsm(&dst[0], &rgb[0], n/8)
		dst, rgb = dst[n:], rgb[4*n:]
	}
	lumaRowGeneric(dst, rgb)
}

// chromaRow420 is to chromaRow420Generic as lumaRow to lumaRowGeneric.
func chromaRow420(cb, cr, a, b []byte, generic bool) {
	if n := len(a) / 8 &^ 7; useAsm && !generic && n > 0 {
		_, _, _ = cb[n-1], cr[n-1], b[8*n-1]
		chromaRow420Asm(&cb[0], &cr[0], &a[0], &b[0], n/8)
		cb, cr, a, b = cb[n:], cr[n:], a[8*n:], b[8*n:]
	}
	chromaRow420Generic(cb, cr, a, b)
}

// lumaRowGeneric writes the luma of len(dst) pixels.
func lumaRowGeneric(dst, rgb []byte) {
	for i := range dst {
		q := rgb[4*i:][:4]
		dst[i] = byte((19595*uint32(q[0]) + 38470*uint32(q[1]) + 7471*uint32(q[2]) + 1<<15) >> 16)
	}
}

// chromaRow writes the chroma of len(cb) pixels.
func chromaRow(cb, cr, rgb []byte) {
	cr = cr[:len(cb)]
	for i := range cb {
		q := rgb[4*i:][:4]
		cb[i], cr[i] = chroma(int32(q[0]), int32(q[1]), int32(q[2]), 0)
	}
}

// chromaRow420Generic takes the mean of two by two pixels, in rows a and b. A last
// odd pixel counts twice.
func chromaRow420Generic(cb, cr, a, b []byte) {
	cr, b = cr[:len(cb)], b[:len(a)]
	for i := range len(a) / 8 {
		p, q := a[8*i:][:8], b[8*i:][:8]
		cb[i], cr[i] = chroma(
			int32(p[0])+int32(p[4])+int32(q[0])+int32(q[4]),
			int32(p[1])+int32(p[5])+int32(q[1])+int32(q[5]),
			int32(p[2])+int32(p[6])+int32(q[2])+int32(q[6]), 2)
	}
	if n := len(a); n%8 != 0 {
		p, q := a[n-4:], b[n-4:]
		cb[n/8], cr[n/8] = chroma(int32(p[0])+int32(q[0]), int32(p[1])+int32(q[1]), int32(p[2])+int32(q[2]), 1)
	}
}

// chroma converts the sum of 1<<s colours.
func chroma(r, g, b int32, s uint) (cb, cr byte) {
	const half = 257 << 15 // 128.5
	u := (-11056*r - 21712*g + 32768*b + half<<s) >> (16 + s)
	v := (32768*r - 27440*g - 5328*b + half<<s) >> (16 + s)
	return clamp8(u), clamp8(v)
}
