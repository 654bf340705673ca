package vp8

import "math/bits"

// Planes of blocks, which have probabilities of their own (RFC 6386, section
// 13.3).
const (
	planeYAfterY2 = iota // luma whose DC coefficients are in Y2
	planeY2
	planeChroma
	planeY // luma with its DC coefficients
	planes
)

// zigzag is the order in which coefficients are written (section 13).
var zigzag = [16]uint8{0, 1, 4, 8, 5, 2, 3, 6, 9, 12, 13, 10, 7, 11, 14, 15}

// zigzagMask has for the lower and the upper half of a mask of coefficients the
// same mask in zigzag order.
var zigzagMask = zigzagMasks()

func zigzagMasks() (m [2][256]uint16) {
	for at, natural := range zigzag {
		for v := range 256 {
			if v>>(natural%8)&1 != 0 {
				m[natural/8][v] |= 1 << at
			}
		}
	}
	return m
}

// codedUpTo returns how many coefficients in zigzag order there are up to the
// last of a mask in natural order.
func codedUpTo(mask uint16) int {
	return bits.Len16(zigzagMask[0][mask&255] | zigzagMask[1][mask>>8])
}

// maxLevel is the highest magnitude of a quantized coefficient.
const maxLevel = 2047

// A quantizer has the steps of a plane, coefficient by coefficient in natural
// order.
type quantizer struct {
	step    [16]int16
	inverse [16]uint16 // 65536 / step
	bias    [16]uint16 // added before dividing: a half of step would round to the nearest
}

// newQuantizer returns the quantizer of a plane, whose biases are parts of 256 of
// a step.
func newQuantizer(dc, ac uint16, dcBias, acBias uint32) (q quantizer) {
	for i := range q.step {
		step, bias := uint32(ac), acBias
		if i == 0 {
			step, bias = uint32(dc), dcBias
		}
		q.step[i] = int16(step)
		q.inverse[i] = uint16((1<<16 + step - 1) / step)
		q.bias[i] = uint16((step*bias + 128) >> 8)
	}
	return q
}

// quantizeGeneric sets levels to the quantized coefficients b and b to what a
// decoder makes of them. It returns the mask of the levels that are not 0 and
// the sum of the squared differences between b before and after, at most
// 1<<31 - 1.
func quantizeGeneric(levels, b *block, q *quantizer) (mask uint16, loss int32) {
	for i, c := range b {
		magnitude := min(maxLevel, (uint32(max(c, -c))+uint32(q.bias[i]))*uint32(q.inverse[i])>>16)
		level := int16(magnitude)
		if c < 0 {
			level = -level
		}
		levels[i] = level
		if level != 0 {
			mask |= 1 << i
		}
		b[i] = level * q.step[i]
		d := int32(c) - int32(b[i])
		loss += d * d
	}
	return mask, loss
}
