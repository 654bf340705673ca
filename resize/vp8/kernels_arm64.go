//go:build !purego

package vp8

//go:generate sh -c "cd ../_asm && go run ./vp8 ../vp8/kernels_arm64.s"

// useAsm selects the assembly. Every arm64 that Go runs on has NEON.
const useAsm = true

// These are the functions of the same names that end in Generic; they check no
// bounds.

//go:noescape
func forwardAsm(out *block, src, pred *byte, predStride int)

//go:noescape
func inverseAsm(dst, pred *byte, predStride int, b *block)

//go:noescape
func quantizeAsm(levels, b *block, q *quantizer) (mask, loss uint64)

// predict4Picked picks the samples of each mode but DC out of the three vectors
// of means, with the TBL operands in picks: those of TM, above and to the left,
// then those of the modes from VE on.
//
//go:noescape
func predict4Picked(all *[modes4]prediction, differences *[modes4]uint32, src *byte, e *edge, picks *[modes4]prediction)

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

// directionPicks are directions as TBL wants them, behind the places of the
// samples above and to the left of each sample, which TM adds.
var directionPicks = directionPickTables()

func directionPickTables() (t [modes4]prediction) {
	for i := range 16 {
		t[0][i] = byte(5 + i%4)
		t[1][i] = byte(3 - i/4)
	}
	copy(t[block4VE:], directions[block4VE:])
	return t
}
