//go:build !purego

package vp8

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s"

var hasAVX2 = cpu.X86.HasAVX2

// These are the functions of the same names that end in Generic; they check no
// bounds.

//go:noescape
func forwardAVX2(out *block, src, pred *byte, predStride int)

//go:noescape
func inverseAVX2(dst, pred *byte, predStride int, b *block)

//go:noescape
func quantizeAVX2(levels, b *block, q *quantizer) (mask, loss uint64)

// predict4AVX2 picks the samples of the modes from VE on out of the three vectors
// of means, with the VPSHUFB operands in picks.
//
//go:noescape
func predict4AVX2(all *[modes4]prediction, differences *[modes4]uint32, src *byte, e *edge, picks *[modes4 - block4VE][3]prediction)

//go:noescape
func difference16AVX2(src, pred *byte) uint32

//go:noescape
func difference8AVX2(src, pred *byte) uint32

func (k kernels) forward(out *block, src, pred []byte, predStride int) {
	if hasAVX2 && !k.generic {
		_, _ = src[3*stride+3], pred[3*predStride+3]
		forwardAVX2(out, &src[0], &pred[0], predStride)
		return
	}
	forwardGeneric(out, src, pred, predStride)
}

func (k kernels) inverse(dst, pred []byte, predStride int, b *block) {
	if hasAVX2 && !k.generic {
		_, _ = dst[3*stride+3], pred[3*predStride+3]
		inverseAVX2(&dst[0], &pred[0], predStride, b)
		return
	}
	inverseGeneric(dst, pred, predStride, b)
}

func (k kernels) quantize(levels, b *block, q *quantizer) (mask uint16, loss int32) {
	if hasAVX2 && !k.generic {
		m, l := quantizeAVX2(levels, b, q)
		return uint16(m), int32(l)
	}
	return quantizeGeneric(levels, b, q)
}

func (k kernels) predict4(all *[modes4]prediction, differences *[modes4]uint32, src []byte, e *edge) {
	if hasAVX2 && !k.generic {
		_ = src[3*stride+3]
		predict4AVX2(all, differences, &src[0], e, &directionPicks)
		return
	}
	predict4Generic(all, differences, src, e)
}

func (k kernels) difference(src, pred []byte, n int) uint32 {
	if hasAVX2 && !k.generic {
		_, _ = src[(n-1)*stride+n-1], pred[n*n-1]
		switch n {
		case 16:
			return difference16AVX2(&src[0], &pred[0])
		case 8:
			return difference8AVX2(&src[0], &pred[0])
		}
	}
	return differenceGeneric(src, pred, n)
}

// directionPicks are directions as VPSHUFB wants them: for each of the three
// vectors of means the place of a sample in it, or 128 for none.
var directionPicks = directionPickTables()

func directionPickTables() (t [modes4 - block4VE][3]prediction) {
	for m := range t {
		for i, from := range directions[block4VE+m] {
			for v := range t[m] {
				if t[m][v][i] = 128; int(from)/16 == v {
					t[m][v][i] = from % 16
				}
			}
		}
	}
	return t
}
