package jpeg

import "math"

// The forward DCT of an 8x8 block (T.81 section A.3.3) by the method of
// Arai, Agui and Nakajima (Transactions of the IEICE, E71(11), 1988): five
// multiplications a line, with factors left over that the quantizer absorbs.
//
// It is float32 without fused multiply-add: every product is rounded by an
// explicit conversion, so assembly and Go agree bit for bit.

const (
	fdctA float32 = 0.707106781 // cos(4pi/16)
	fdctB float32 = 0.382683433 // cos(6pi/16)
	fdctC float32 = 0.541196100 // cos(2pi/16) - cos(6pi/16)
	fdctD float32 = 1.306562965 // cos(2pi/16) + cos(6pi/16)

	// fdctLevel is what the level shift of 128 (T.81 section A.3.1) adds to
	// the DC coefficient.
	fdctLevel float32 = 64 * 128
)

// fdct is fdctGeneric, in assembly if there is some and generic is false.
// stride must not be negative.
func fdct(dst *[64]int16, src []byte, stride int, recip *[64]float32, generic bool) uint64 {
	if useAsm && !generic {
		_ = src[7*stride+7]
		return fdctAsm(dst, &src[0], stride, recip)
	}
	return fdctGeneric(dst, src, stride, recip)
}

// fdctGeneric writes the quantized coefficients of the 8x8 samples of src,
// whose rows are stride bytes apart, to dst. Coefficients are transposed:
// that of vertical frequency v and horizontal frequency u is dst[8*u+v], as
// is its multiplier in recip. Bit i of the result is set if dst[i] is not 0.
// len(src) must be at least 7*stride+8.
func fdctGeneric(dst *[64]int16, src []byte, stride int, recip *[64]float32) (nonzero uint64) {
	var d [64]float32
	for y := range 8 {
		s := src[y*stride:][:8]
		for x := range s {
			d[8*y+x] = float32(s[x])
		}
	}
	for i := range 8 {
		fdctLine(&d, i, 8)
	}
	for i := range 8 {
		fdctLine(&d, 8*i, 1)
	}
	d[0] -= fdctLevel
	for i := range dst {
		q := roundEven(float32(d[i&7<<3|i>>3] * recip[i]))
		dst[i] = q
		if q != 0 {
			nonzero |= 1 << i
		}
	}
	return nonzero
}

// fdctLine replaces the eight values of d that begin at i and are s apart
// with their DCT.
func fdctLine(d *[64]float32, i, s int) {
	t0, t7 := d[i]+d[i+7*s], d[i]-d[i+7*s]
	t1, t6 := d[i+s]+d[i+6*s], d[i+s]-d[i+6*s]
	t2, t5 := d[i+2*s]+d[i+5*s], d[i+2*s]-d[i+5*s]
	t3, t4 := d[i+3*s]+d[i+4*s], d[i+3*s]-d[i+4*s]

	t10, t13 := t0+t3, t0-t3
	t11, t12 := t1+t2, t1-t2
	d[i], d[i+4*s] = t10+t11, t10-t11
	z1 := float32((t12 + t13) * fdctA)
	d[i+2*s], d[i+6*s] = t13+z1, t13-z1

	t10, t11, t12 = t4+t5, t5+t6, t6+t7
	z5 := float32((t10 - t12) * fdctB)
	z2 := float32(t10*fdctC) + z5
	z4 := float32(t12*fdctD) + z5
	z3 := float32(t11 * fdctA)
	z11, z13 := t7+z3, t7-z3
	d[i+5*s], d[i+3*s] = z13+z2, z13-z2
	d[i+s], d[i+7*s] = z11+z4, z11-z4
}

// roundEven rounds to the nearest integer, halves to the even one.
// The magnitude of v must be less than 1<<15.
func roundEven(v float32) int16 {
	const magic = 3 << 22 // whose neighbours are 1 apart
	return int16(int32(math.Float32bits(v+magic)) - 0x4b400000)
}
