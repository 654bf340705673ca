//go:build !purego

package jpeg

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

// idct4AVX2 is idct4Generic; it checks no bounds.
//
//go:noescape
func idct4AVX2(dst *byte, stride int, b *[16]int16, q *[16]float32)

// idct8AVX2 is idct8Generic; it checks no bounds.
//
//go:noescape
func idct8AVX2(dst *byte, stride int, b *[64]int16, q *[64]float32)

// idct4 is idct4Generic, in assembly if the CPU has what it takes and k does
// not object. stride must not be negative.
func idct4(dst []byte, stride int, b *[16]int16, q *[16]float32, k *kernels) {
	if hasAVX2 && !k.generic {
		_ = dst[3*stride+3]
		idct4AVX2(&dst[0], stride, b, q)
		return
	}
	idct4Generic(dst, stride, b, q)
}

// idct8 is to idct8Generic as idct4 to idct4Generic.
func idct8(dst []byte, stride int, b *[64]int16, q *[64]float32, k *kernels) {
	if hasAVX2 && !k.generic {
		_ = dst[7*stride+7]
		idct8AVX2(&dst[0], stride, b, q)
		return
	}
	k.idct8(dst, stride, b, q)
}
