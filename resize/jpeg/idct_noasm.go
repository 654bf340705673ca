//go:build !amd64 || purego

package jpeg

func idct4(dst []byte, stride int, b *[16]int16, q *[16]float32, k *kernels) {
	idct4Generic(dst, stride, b, q)
}

func idct8(dst []byte, stride int, b *[64]int16, q *[64]float32, k *kernels) {
	k.idct8(dst, stride, b, q)
}
