package vp8

// Kernels are the functions that take most of the time: written in assembly for
// some CPUs, and in Go, with the same results.
type kernels struct {
	generic bool // only those in Go
}

func (k kernels) forward(out *block, src, pred []byte, predStride int) {
	if useAsm && !k.generic {
		_, _ = src[3*stride+3], pred[3*predStride+3]
		forwardAsm(out, &src[0], &pred[0], predStride)
		return
	}
	forwardGeneric(out, src, pred, predStride)
}

func (k kernels) inverse(dst, pred []byte, predStride int, b *block) {
	if useAsm && !k.generic {
		_, _ = dst[3*stride+3], pred[3*predStride+3]
		inverseAsm(&dst[0], &pred[0], predStride, b)
		return
	}
	inverseGeneric(dst, pred, predStride, b)
}

func (k kernels) quantize(levels, b *block, q *quantizer) (mask uint16, loss int32) {
	if useAsm && !k.generic {
		m, l := quantizeAsm(levels, b, q)
		return uint16(m), int32(l)
	}
	return quantizeGeneric(levels, b, q)
}

func (k kernels) predict4(all *[modes4]prediction, differences *[modes4]uint32, src []byte, e *edge) {
	if useAsm && !k.generic {
		_ = src[3*stride+3]
		predict4Asm(all, differences, &src[0], e)
		return
	}
	predict4Generic(all, differences, src, e)
}

func (k kernels) difference(src, pred []byte, n int) uint32 {
	if useAsm && !k.generic {
		_, _ = src[(n-1)*stride+n-1], pred[n*n-1]
		switch n {
		case 16:
			return difference16Asm(&src[0], &pred[0])
		case 8:
			return difference8Asm(&src[0], &pred[0])
		}
	}
	return differenceGeneric(src, pred, n)
}

// The filters get planes that begin where they begin to read; they have 16 rows or
// columns of luma along the edges, and eight of chroma.

func (k kernels) filterLeft(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	if useAsm && !k.generic {
		_, _, _ = y[15*yStride+7], cb[7*cStride+7], cr[7*cStride+7]
		filterLeftAsm(&y[0], &cb[0], &cr[0], yStride, cStride, t)
		return
	}
	filterLeftGeneric(y, cb, cr, yStride, cStride, t)
}

func (k kernels) filterTop(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	if useAsm && !k.generic {
		_, _, _ = y[7*yStride+15], cb[7*cStride+7], cr[7*cStride+7]
		filterTopAsm(&y[0], &cb[0], &cr[0], yStride, cStride, t)
		return
	}
	filterTopGeneric(y, cb, cr, yStride, cStride, t)
}

func (k kernels) filterColumns(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	if useAsm && !k.generic {
		_, _, _ = y[15*yStride+15], cb[7*cStride+7], cr[7*cStride+7]
		filterColumnsAsm(&y[0], &cb[0], &cr[0], yStride, cStride, t)
		return
	}
	filterColumnsGeneric(y, cb, cr, yStride, cStride, t)
}

func (k kernels) filterRows(y, cb, cr []byte, yStride, cStride int, t *edgeThresholds) {
	if useAsm && !k.generic {
		_, _, _ = y[15*yStride+15], cb[7*cStride+7], cr[7*cStride+7]
		filterRowsAsm(&y[0], &cb[0], &cr[0], yStride, cStride, t)
		return
	}
	filterRowsGeneric(y, cb, cr, yStride, cStride, t)
}

func (k kernels) stretch(p []byte, s *stretching) {
	if n := len(p) / 32; useAsm && !k.generic && n > 0 {
		stretchAsm(&p[0], n, s.base, s.factor, s.offset)
		p = p[32*n:]
	}
	stretchGeneric(p, s)
}
