//go:build !purego

package jpeg

//go:generate sh -c "cd _asm/color && go run . -out ../../encode_color_amd64.s"

// lumaRowAVX2 converts 8*groups pixels, groups being positive.
//
//go:noescape
func lumaRowAVX2(dst, rgb *byte, groups int)

// chromaRow420AVX2 makes 8*groups samples, groups being positive.
//
//go:noescape
func chromaRow420AVX2(cb, cr, a, b *byte, groups int)

// lumaRow is lumaRowGeneric, in assembly if the CPU has what it takes and
// generic is false.
func lumaRow(dst, rgb []byte, generic bool) {
	if n := len(dst) &^ 7; hasAVX2 && !generic && n > 0 {
		_ = rgb[4*n-1]
		lumaRowAVX2(&dst[0], &rgb[0], n/8)
		dst, rgb = dst[n:], rgb[4*n:]
	}
	lumaRowGeneric(dst, rgb)
}

// chromaRow420 is to chromaRow420Generic as lumaRow to lumaRowGeneric.
func chromaRow420(cb, cr, a, b []byte, generic bool) {
	if n := len(a) / 8 &^ 7; hasAVX2 && !generic && n > 0 {
		_, _, _ = cb[n-1], cr[n-1], b[8*n-1]
		chromaRow420AVX2(&cb[0], &cr[0], &a[0], &b[0], n/8)
		cb, cr, a, b = cb[n:], cr[n:], a[8*n:], b[8*n:]
	}
	chromaRow420Generic(cb, cr, a, b)
}
