package jpeg

import (
	"encoding/binary"
	"math"
)

// The inverse DCT of size NxN makes a block of NxN samples of the lowest NxN
// frequencies of an 8x8 block (T.81 section A.3.3 with N for 8, and the mean
// kept). With N less than 8 that is the picture scaled to N/8, band-limited.
//
// Coefficients of a block are kept transposed: the one of vertical frequency v
// and horizontal frequency u at N*u+v. The first pass is over u, then comes
// the only transposition, then the pass over v.
//
// N = 4 and 8 follow Arai, Agui and Nakajima, "A Fast DCT-SQ Scheme for Images"
// (1988), in float32. Each operation is rounded on its own, no product is
// fused with a sum, and sums are taken in the same order everywhere, so that
// all implementations agree to the last bit.

// A layout says where the coefficients of a block are kept for a scale.
type layout struct {
	kept  int        // how many are
	last  int        // the last one in zigzag order
	mask  uint64     // which ones, by zigzag position
	slots [256]uint8 // index by zigzag position; dropped for those not kept
}

// dropped is the slot of coefficients that are not kept, and of positions
// beyond the block.
const dropped = 64

// layouts has the layouts by N.
var layouts = [...]*layout{1: newLayout(1, 63), 2: newLayout(2, 63), 4: newLayout(4, 63), 8: newLayout(8, 63)}

// shortLayouts has those by N of which only the coefficients are kept that
// [Options.Short] tells.
var shortLayouts = [...]*layout{2: newLayout(2, 2), 4: newLayout(4, 9)}

// newLayout returns the layout of NxN coefficients, without those behind the
// position last of the zigzag sequence.
func newLayout(n, last int) *layout {
	l := &layout{kept: n * n}
	for k := range l.slots {
		l.slots[k] = dropped
		if k < 64 {
			v, u := int(zigzag[k]>>3), int(zigzag[k]&7)
			if u < n && v < n && k <= last {
				l.slots[k] = uint8(n*u + v)
				l.mask |= 1 << k
				l.last = k
			}
		}
	}
	return l
}

// A dequant is a quantization table as the inverse DCTs take it, in the order
// of their layouts.
type dequant struct {
	set   bool
	dc    int32
	step2 [4]int32
	step4 [16]float32 // with the factors of both passes
	step8 [64]float32 // likewise
}

func (q *dequant) init(steps *[64]uint16) {
	q.set = true
	q.dc = int32(steps[0])
	for k, step := range steps {
		v, u := int(zigzag[k]>>3), int(zigzag[k]&7)
		q.step8[8*u+v] = float32(float64(step) * aanFactor(u, 8) * aanFactor(v, 8) / 8)
		if u < 4 && v < 4 {
			q.step4[4*u+v] = float32(float64(step) * aanFactor(u, 4) * aanFactor(v, 4) / 8)
		}
		if u < 2 && v < 2 {
			q.step2[2*u+v] = int32(step)
		}
	}
}

// aanFactor returns what the N-point transform takes out of frequency k.
func aanFactor(k, n int) float64 { return aanFactors[k*8/n] }

// aanFactors has sqrt(2)*cos(k*pi/16), and 1 for k = 0.
var aanFactors = [8]float64{
	1, 1.3870398453221475, 1.3065629648763766, 1.1758756024193588,
	1, 0.7856949583871022, 0.5411961001461971, 0.2758993792829431,
}

const (
	aanA float32 = 1.414213562 // 2*cos(2pi/8)
	aanB float32 = 1.847759065 // 2*cos(pi/8)
	aanC float32 = -1.082392200
	aanD float32 = -2.613125930
)

// kernels lets tests choose and watch the inverse DCTs.
type kernels struct {
	generic bool                               // no assembly
	watch   func(b *[64]int16, q *[64]float32) // if generic, called with each block of 8x8
}

// idct4 is idct4Generic, in assembly if there is some and k does not object.
// stride must not be negative.
func idct4(dst []byte, stride int, b *[16]int16, q *[16]float32, k *kernels) {
	if useAsm && !k.generic {
		_ = dst[3*stride+3]
		idct4Asm(&dst[0], stride, b, q)
		return
	}
	idct4Generic(dst, stride, b, q)
}

// idct8 is to idct8Generic as idct4 to idct4Generic.
func idct8(dst []byte, stride int, b *[64]int16, q *[64]float32, k *kernels) {
	if useAsm && !k.generic {
		_ = dst[7*stride+7]
		idct8Asm(&dst[0], stride, b, q)
		return
	}
	if k.generic && k.watch != nil {
		k.watch(b, q)
	}
	idct8Generic(dst, stride, b, q)
}

// idct1 returns the sample of a block of which only the DC coefficient is
// taken.
func idct1(dc int16, step int32) byte {
	return clamp8((int32(dc)*step+4)>>3 + 128)
}

// idct2 writes the 2x2 samples of b. dst must have stride+2 bytes.
func idct2(dst []byte, stride int, b *[4]int16, q *[4]int32) {
	dc := int32(b[0])*q[0] + 128<<3 + 4
	v, u, uv := int32(b[1])*q[1], int32(b[2])*q[2], int32(b[3])*q[3]
	top, bottom := dc+v, dc-v
	right, cross := u+uv, u-uv
	row := dst[:2]
	row[0] = clamp8((top + right) >> 3)
	row[1] = clamp8((top - right) >> 3)
	row = dst[stride : stride+2]
	row[0] = clamp8((bottom + cross) >> 3)
	row[1] = clamp8((bottom - cross) >> 3)
}

func clamp8(v int32) byte {
	if uint32(v) > 255 {
		return byte(^(v >> 31))
	}
	return byte(v)
}

// sample rounds v to the nearest integer, halves to even, in [0,255].
func sample(v float32) byte {
	if v <= 0 {
		return 0
	}
	if v >= 255 {
		return 255
	}
	return byte(math.Float32bits(v + 1<<23))
}

// dcSample returns the sample that a block of nothing but DC consists of.
func dcSample(dc int16, step float32) byte {
	return sample(float32(float32(dc)*step) + 128)
}

// flat8 fills 8x8 samples. dst must have 7*stride+8 bytes.
func flat8(dst []byte, stride int, v byte) {
	all := uint64(v) * 0x0101010101010101
	for range 7 {
		binary.LittleEndian.PutUint64(dst, all)
		dst = dst[stride:]
	}
	binary.LittleEndian.PutUint64(dst, all)
}

// idct4Generic writes the 4x4 samples of b. dst must have 3*stride+4 bytes.
func idct4Generic(dst []byte, stride int, b *[16]int16, q *[16]float32) {
	var w [16]float32
	for i := range 4 {
		x0 := float32(float32(b[i]) * q[i])
		if i == 0 {
			x0 += 128
		}
		x1 := float32(float32(b[4+i]) * q[4+i])
		x2 := float32(float32(b[8+i]) * q[8+i])
		x3 := float32(float32(b[12+i]) * q[12+i])
		w[4*i], w[4*i+1], w[4*i+2], w[4*i+3] = pass4(x0, x1, x2, x3)
	}
	for i := range 4 {
		// w is transposed to begin with: w[4*v+x].
		y0, y1, y2, y3 := pass4(w[i], w[4+i], w[8+i], w[12+i])
		at := dst[i:]
		at[0] = sample(y0)
		at[stride] = sample(y1)
		at[2*stride] = sample(y2)
		at[3*stride] = sample(y3)
	}
}

func pass4(x0, x1, x2, x3 float32) (y0, y1, y2, y3 float32) {
	even, odd := x0+x2, x0-x2
	t := x1 + x3
	s := float32((x1-x3)*aanA) - t
	return even + t, odd + s, odd - s, even - t
}

// idct8Generic writes the 8x8 samples of b. dst must have 7*stride+8 bytes.
func idct8Generic(dst []byte, stride int, b *[64]int16, q *[64]float32) {
	var w [64]float32
	for i := range 8 {
		x0 := float32(float32(b[i]) * q[i])
		if i == 0 {
			x0 += 128
		}
		o := (*[8]float32)(w[8*i:])
		if b[8+i]|b[16+i]|b[24+i]|b[32+i]|b[40+i]|b[48+i]|b[56+i] == 0 {
			// What pass8 makes of it, since adding zeros changes nothing.
			*o = [8]float32{x0, x0, x0, x0, x0, x0, x0, x0}
			continue
		}
		o[0], o[1], o[2], o[3], o[4], o[5], o[6], o[7] = pass8(
			x0,
			float32(float32(b[8+i])*q[8+i]),
			float32(float32(b[16+i])*q[16+i]),
			float32(float32(b[24+i])*q[24+i]),
			float32(float32(b[32+i])*q[32+i]),
			float32(float32(b[40+i])*q[40+i]),
			float32(float32(b[48+i])*q[48+i]),
			float32(float32(b[56+i])*q[56+i]))
	}
	// w is transposed to begin with: w[8*v+x].
	var out [64]byte
	for i := range 8 {
		y0, y1, y2, y3, y4, y5, y6, y7 := pass8(w[i], w[8+i], w[16+i], w[24+i], w[32+i], w[40+i], w[48+i], w[56+i])
		out[i], out[8+i], out[16+i], out[24+i] = sample(y0), sample(y1), sample(y2), sample(y3)
		out[32+i], out[40+i], out[48+i], out[56+i] = sample(y4), sample(y5), sample(y6), sample(y7)
	}
	for y := range 8 {
		copy(dst[y*stride:][:8], out[8*y:])
	}
}

// pass8 is the inverse 8-point transform.
func pass8(x0, x1, x2, x3, x4, x5, x6, x7 float32) (y0, y1, y2, y3, y4, y5, y6, y7 float32) {
	a0, a1 := x0+x4, x0-x4
	a3 := x2 + x6
	a2 := float32((x2-x6)*aanA) - a3
	e0, e3 := a0+a3, a0-a3
	e1, e2 := a1+a2, a1-a2

	z13, z10 := x5+x3, x5-x3
	z11, z12 := x1+x7, x1-x7
	o7 := z11 + z13
	o11 := float32((z11 - z13) * aanA)
	z5 := float32((z10 + z12) * aanB)
	o10 := float32(z12*aanC) + z5
	o12 := float32(z10*aanD) + z5
	o6 := o12 - o7
	o5 := o11 - o6
	o4 := o10 - o5
	return e0 + o7, e1 + o6, e2 + o5, e3 + o4, e3 - o4, e2 - o5, e1 - o6, e0 - o7
}
