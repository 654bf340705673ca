//go:build !purego

package jpeg

//go:generate sh -c "cd _asm/fdct && go run . -out ../../fdct_amd64.s"

// fdctAVX2 is fdctGeneric; it checks no bounds.
//
//go:noescape
func fdctAVX2(dst *[64]int16, src *byte, stride int, recip *[64]float32) (nonzero uint64)

// fdct is fdctGeneric, in assembly if the CPU has what it takes and generic
// is false. stride must not be negative.
func fdct(dst *[64]int16, src []byte, stride int, recip *[64]float32, generic bool) uint64 {
	if hasAVX2 && !generic {
		_ = src[7*stride+7]
		return fdctAVX2(dst, &src[0], stride, recip)
	}
	return fdctGeneric(dst, src, stride, recip)
}
