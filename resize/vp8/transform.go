package vp8

// A block is the coefficients or differences of 4x4 samples, row by row.
type block [16]int16

// Constants of the inverse DCT, times 65536 (RFC 6386, section 14.3): the cosine
// and the sine of pi/8 times the root of 2.
const (
	cosine = 85627
	sine   = 35468
)

// forwardGeneric sets out to the DCT of the differences between 4x4 samples of src
// and of pred, whose rows are predStride apart: 8 times their mean in out[0]. It is
// what inverseGeneric takes back.
func forwardGeneric(out *block, src, pred []byte, predStride int) {
	// The same constants times 4096.
	const c, s = 5352, 2217
	var t [16]int32
	for y := range 4 {
		a := src[y*stride:][:4]
		b := pred[y*predStride:][:4]
		d0, d1, d2, d3 := int32(a[0])-int32(b[0]), int32(a[1])-int32(b[1]), int32(a[2])-int32(b[2]), int32(a[3])-int32(b[3])
		a0, a1, a2, a3 := d0+d3, d1+d2, d1-d2, d0-d3
		t[4*y+0] = (a0 + a1) * 8
		t[4*y+1] = (a2*s + a3*c + 256) >> 9
		t[4*y+2] = (a0 - a1) * 8
		t[4*y+3] = (a3*s - a2*c + 256) >> 9
	}
	for x := range 4 {
		a0, a1, a2, a3 := t[x]+t[12+x], t[4+x]+t[8+x], t[4+x]-t[8+x], t[x]-t[12+x]
		out[x] = int16((a0 + a1 + 8) >> 4)
		out[4+x] = int16((a2*s + a3*c + 1<<15) >> 16)
		out[8+x] = int16((a0 - a1 + 8) >> 4)
		out[12+x] = int16((a3*s - a2*c + 1<<15) >> 16)
	}
}

// inverseGeneric writes the sums of pred, whose rows are predStride apart, and the
// inverse DCT of b to 4x4 samples of dst (RFC 6386, section 14.3). It may be in place.
// Sums wrap at 16 bits, which those of pictures do not reach.
func inverseGeneric(dst, pred []byte, predStride int, b *block) {
	var t [16]int32
	for x := range 4 {
		b0, b1, b2, b3 := int32(b[x]), int32(b[4+x]), int32(b[8+x]), int32(b[12+x])
		a, d := b0+b2, b0-b2
		c := b1*sine>>16 - b3*cosine>>16
		e := b1*cosine>>16 + b3*sine>>16
		t[x], t[4+x], t[8+x], t[12+x] = wrapped(a+e), wrapped(d+c), wrapped(d-c), wrapped(a-e)
	}
	for y := range 4 {
		b0, b1, b2, b3 := t[4*y]+4, t[4*y+1], t[4*y+2], t[4*y+3]
		a, d := b0+b2, b0-b2
		c := b1*sine>>16 - b3*cosine>>16
		e := b1*cosine>>16 + b3*sine>>16
		p := pred[y*predStride:][:4]
		q := dst[y*stride:][:4]
		q[0], q[1], q[2], q[3] = clamp(int32(p[0])+wrapped(a+e)>>3), clamp(int32(p[1])+wrapped(d+c)>>3), clamp(int32(p[2])+wrapped(d-c)>>3), clamp(int32(p[3])+wrapped(a-e)>>3)
	}
}

func wrapped(v int32) int32 { return int32(int16(v)) }

func clamp(v int32) byte { return byte(max(0, min(255, v))) }

// forwardY2 sets out to the Walsh-Hadamard transform of the DC coefficients of
// 16 blocks: the inverse of inverseY2.
func forwardY2(out *block, dc *block) {
	var t [16]int32
	for y := range 4 {
		d := dc[4*y:][:4]
		a0, a1 := int32(d[0])+int32(d[2]), int32(d[1])+int32(d[3])
		a2, a3 := int32(d[1])-int32(d[3]), int32(d[0])-int32(d[2])
		t[4*y], t[4*y+1], t[4*y+2], t[4*y+3] = a0+a1, a3+a2, a3-a2, a0-a1
	}
	for x := range 4 {
		a0, a1 := t[x]+t[8+x], t[4+x]+t[12+x]
		a2, a3 := t[4+x]-t[12+x], t[x]-t[8+x]
		out[x], out[4+x], out[8+x], out[12+x] = int16((a0+a1)>>1), int16((a3+a2)>>1), int16((a3-a2)>>1), int16((a0-a1)>>1)
	}
}

// inverseY2 sets dc to the inverse of the Walsh-Hadamard transform of b
// (RFC 6386, section 14.3).
func inverseY2(dc *block, b *block) {
	var t [16]int32
	for x := range 4 {
		a0, a1 := int32(b[x])+int32(b[12+x]), int32(b[4+x])+int32(b[8+x])
		a2, a3 := int32(b[4+x])-int32(b[8+x]), int32(b[x])-int32(b[12+x])
		t[x], t[4+x], t[8+x], t[12+x] = a0+a1, a3+a2, a0-a1, a3-a2
	}
	for y := range 4 {
		b0, b1, b2, b3 := t[4*y]+3, t[4*y+1], t[4*y+2], t[4*y+3]
		a0, a1, a2, a3 := b0+b3, b1+b2, b1-b2, b0-b3
		dc[4*y], dc[4*y+1], dc[4*y+2], dc[4*y+3] = int16((a0+a1)>>3), int16((a3+a2)>>3), int16((a0-a1)>>3), int16((a3-a2)>>3)
	}
}
