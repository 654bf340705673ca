//go:build !purego

package vp8

import "golang.org/x/sys/cpu"

//go:generate sh -c "cd _asm && go run . -out ../kernels_amd64.s"

// useAsm selects the assembly.
var useAsm = cpu.X86.HasAVX2

// These are the functions of the same names that end in Generic; they check no
// bounds.

//go:noescape
func forwardAsm(out *block, src, pred *byte, predStride int)

//go:noescape
func inverseAsm(dst, pred *byte, predStride int, b *block)

//go:noescape
func quantizeAsm(levels, b *block, q *quantizer) (mask, loss uint64)

// predict4Picked picks the samples of the modes from VE on out of the three vectors
// of means, with the VPSHUFB operands in picks.
//
//go:noescape
func predict4Picked(all *[modes4]prediction, differences *[modes4]uint32, src *byte, e *edge, picks *[modes4 - block4VE][3]prediction)

//go:noescape
func difference16Asm(src, pred *byte) uint32

//go:noescape
func difference8Asm(src, pred *byte) uint32

//go:noescape
func filterLeftAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)

//go:noescape
func filterTopAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)

//go:noescape
func filterColumnsAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)

//go:noescape
func filterRowsAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)

// stretchAsm takes n times 32 samples.
//
//go:noescape
func stretchAsm(p *byte, n, base, factor, offset int)

func predict4Asm(all *[modes4]prediction, differences *[modes4]uint32, src *byte, e *edge) {
	predict4Picked(all, differences, src, e, &directionPicks)
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
