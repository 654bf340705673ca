//go:build !amd64 || purego

package vp8

func (kernels) forward(out *block, src, pred []byte, predStride int) {
	forwardGeneric(out, src, pred, predStride)
}

func (kernels) inverse(dst, pred []byte, predStride int, b *block) {
	inverseGeneric(dst, pred, predStride, b)
}

func (kernels) quantize(levels, b *block, q *quantizer) (mask uint16, loss int32) {
	return quantizeGeneric(levels, b, q)
}

func (kernels) predict4(all *[modes4]prediction, differences *[modes4]uint32, src []byte, e *edge) {
	predict4Generic(all, differences, src, e)
}

func (kernels) difference(src, pred []byte, n int) uint32 { return differenceGeneric(src, pred, n) }
