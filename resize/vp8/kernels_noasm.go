//go:build (!amd64 && !arm64) || purego

package vp8

const useAsm = false

func forwardAsm(out *block, src, pred *byte, predStride int) { panic(noAsm) }
func inverseAsm(dst, pred *byte, predStride int, b *block)   { panic(noAsm) }

func quantizeAsm(levels, b *block, q *quantizer) (mask, loss uint64) { panic(noAsm) }

func predict4Asm(all *[modes4]prediction, differences *[modes4]uint32, src *byte, e *edge) {
	panic(noAsm)
}

func difference16Asm(src, pred *byte) uint32 { panic(noAsm) }
func difference8Asm(src, pred *byte) uint32  { panic(noAsm) }

func filterLeftAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)    { panic(noAsm) }
func filterTopAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)     { panic(noAsm) }
func filterColumnsAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds) { panic(noAsm) }
func filterRowsAsm(y, cb, cr *byte, yStride, cStride int, t *edgeThresholds)    { panic(noAsm) }

func stretchAsm(p *byte, n, base, factor, offset int) { panic(noAsm) }

const noAsm = "vp8: no assembly in this build"
