//go:build !amd64 || purego

package jpeg

func fdct(dst *[64]int16, src []byte, stride int, recip *[64]float32, generic bool) uint64 {
	return fdctGeneric(dst, src, stride, recip)
}
