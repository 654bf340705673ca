package av1

import "math"

// A transform in one dimension is a list of steps (section 7.13.2). A step works on
// two elements of T and is orthogonal but for a factor, so the forward transform is
// the list backwards with each step transposed. T is a matrix of n rows here: each
// column of it is transformed.
type step struct {
	a, b     uint8
	hadamard bool
	cos, sin int32 // of a rotation
}

// flow is a transform of n elements: out of the input, in.
type flow struct {
	n     int
	input []uint8 // T[i] is element input[i] of the coefficients
	steps []step
	// output[i] is the element of T that becomes sample i, negated where
	// negate is set.
	output []uint8
	negate []bool

	// The same as the kernels have it.
	inverse, forward           flowSteps
	inverseMoves, forwardMoves []flowMove
}

// flowStep works on two rows: the rotation of (a, b) by cos and sin, or their sum and
// difference.
type flowStep struct{ a, b, cos, sin int32 }

// flowSteps are steps in runs: so many rotations, so many sums, and again.
type flowSteps struct {
	steps []flowStep
	runs  [][2]int32
}

func (f *flowSteps) add(s flowStep, hadamard bool) {
	kind := b2i(hadamard)
	if n := len(f.runs); n == 0 || kind == 0 && f.runs[n-1][1] > 0 {
		f.runs = append(f.runs, [2]int32{})
	}
	f.runs[len(f.runs)-1][kind]++
	f.steps = append(f.steps, s)
}

// flowMove is a row that is copied, with the sign 1 or -1.
type flowMove struct{ to, from, sign int32 }

// compile writes a flow as the kernels have it. A row of T is where its input was.
func (f *flow) compile() {
	row := func(i uint8) int32 { return int32(f.input[i]) }
	for i := range f.steps {
		s, t := &f.steps[i], &f.steps[len(f.steps)-1-i]
		f.inverse.add(flowStep{row(s.a), row(s.b), s.cos, s.sin}, s.hadamard)
		f.forward.add(flowStep{row(t.a), row(t.b), t.cos, -t.sin}, t.hadamard)
	}
	for i, o := range f.output {
		sign := int32(1 - 2*b2i(f.negate[i]))
		f.inverseMoves = append(f.inverseMoves, flowMove{int32(i), row(o), sign})
		f.forwardMoves = append(f.forwardMoves, flowMove{row(o), int32(i), sign})
	}
}

func cosine(angle int) int32 {
	switch a := angle & 255; {
	case a <= 64:
		return cos128[a]
	case a <= 128:
		return -cos128[128-a]
	case a <= 192:
		return -cos128[a-128]
	default:
		return cos128[256-a]
	}
}

// brev reverses the low n bits of x.
func brev(n, x int) int {
	t := 0
	for i := range n {
		t |= x >> i & 1 << (n - 1 - i)
	}
	return t
}

// builder collects the steps in the words of the specification.
type builder struct {
	f   flow
	pos []uint8 // where element i of the specification's T lies in ours
}

func newBuilder(n int) *builder {
	b := &builder{f: flow{n: n}, pos: make([]uint8, n)}
	for i := range b.pos {
		b.pos[i] = uint8(i)
	}
	return b
}

// rotate is B(a, b, angle, flip).
func (b *builder) rotate(x, y, angle int, flip bool) {
	b.f.steps = append(b.f.steps, step{a: b.pos[x], b: b.pos[y], cos: cosine(angle), sin: cosine(angle - 64)})
	if flip {
		b.pos[x], b.pos[y] = b.pos[y], b.pos[x]
	}
}

// hadamard is H(a, b, flip).
func (b *builder) hadamard(x, y int, flip bool) {
	if flip {
		x, y = y, x
	}
	b.f.steps = append(b.f.steps, step{a: b.pos[x], b: b.pos[y], hadamard: true})
}

// dctFlow is the inverse DCT of 1<<n elements (section 7.13.2.3).
func dctFlow(n int) flow {
	b := newBuilder(1 << n)
	for i := range 1 << n {
		b.f.input = append(b.f.input, uint8(brev(n, i)))
	}
	B, H := b.rotate, b.hadamard
	odd := func(i int) bool { return i&1 == 1 }
	if n == 6 {
		for i := range 16 {
			B(32+i, 63-i, 63-4*brev(4, i), false)
		}
	}
	if n >= 5 {
		for i := range 8 {
			B(16+i, 31-i, 6+brev(3, 7-i)<<3, false)
		}
	}
	if n == 6 {
		for i := range 16 {
			H(32+i*2, 33+i*2, odd(i))
		}
	}
	if n >= 4 {
		for i := range 4 {
			B(8+i, 15-i, 12+brev(2, 3-i)<<4, false)
		}
	}
	if n >= 5 {
		for i := range 8 {
			H(16+2*i, 17+2*i, odd(i))
		}
	}
	if n == 6 {
		for i := range 4 {
			for j := range 2 {
				B(62-i*4-j, 33+i*4+j, 60-16*brev(2, i)+64*j, true)
			}
		}
	}
	if n >= 3 {
		for i := range 2 {
			B(4+i, 7-i, 56-32*i, false)
		}
	}
	if n >= 4 {
		for i := range 4 {
			H(8+2*i, 9+2*i, odd(i))
		}
	}
	if n >= 5 {
		for i := range 2 {
			for j := range 2 {
				B(30-4*i-j, 17+4*i+j, 24+j<<6+(1-i)<<5, true)
			}
		}
	}
	if n == 6 {
		for i := range 8 {
			for j := range 2 {
				H(32+i*4+j, 35+i*4-j, odd(i))
			}
		}
	}
	for i := range 2 {
		B(2*i, 2*i+1, 32+16*i, i == 0)
	}
	if n >= 3 {
		for i := range 2 {
			H(4+2*i, 5+2*i, i == 1)
		}
	}
	if n >= 4 {
		for i := range 2 {
			B(14-i, 9+i, 48+64*i, true)
		}
	}
	if n >= 5 {
		for i := range 4 {
			for j := range 2 {
				H(16+4*i+j, 19+4*i-j, odd(i))
			}
		}
	}
	if n == 6 {
		for i := range 2 {
			for j := range 4 {
				B(61-i*8-j, 34+i*8+j, 56-i*32+j>>1*64, true)
			}
		}
	}
	for i := range 2 {
		H(i, 3-i, false)
	}
	if n >= 3 {
		B(6, 5, 32, true)
	}
	if n >= 4 {
		for i := range 2 {
			for j := range 2 {
				H(8+4*i+j, 11+4*i-j, i == 1)
			}
		}
	}
	if n >= 5 {
		for i := range 4 {
			B(29-i, 18+i, 48+i>>1*64, true)
		}
	}
	if n == 6 {
		for i := range 4 {
			for j := range 4 {
				H(32+8*i+j, 39+8*i-j, odd(i))
			}
		}
	}
	if n >= 3 {
		for i := range 4 {
			H(i, 7-i, false)
		}
	}
	if n >= 4 {
		for i := range 2 {
			B(13-i, 10+i, 32, true)
		}
	}
	if n >= 5 {
		for i := range 2 {
			for j := range 4 {
				H(16+i*8+j, 23+i*8-j, i == 1)
			}
		}
	}
	if n == 6 {
		for i := range 8 {
			angle := 48
			if i >= 4 {
				angle = 112
			}
			B(59-i, 36+i, angle, true)
		}
	}
	if n >= 4 {
		for i := range 8 {
			H(i, 15-i, false)
		}
	}
	if n >= 5 {
		for i := range 4 {
			B(27-i, 20+i, 32, true)
		}
	}
	if n == 6 {
		for i := range 8 {
			H(32+i, 47-i, false)
			H(48+i, 63-i, true)
		}
	}
	if n >= 5 {
		for i := range 16 {
			H(i, 31-i, false)
		}
	}
	if n == 6 {
		for i := range 8 {
			B(55-i, 40+i, 32, true)
		}
		for i := range 32 {
			H(i, 63-i, false)
		}
	}
	b.f.output = b.pos
	b.f.negate = make([]bool, 1<<n)
	return b.f
}

// adstFlow is the inverse ADST of 8 or 16 elements (sections 7.13.2.4 to 8).
func adstFlow(n int) flow {
	n0 := 1 << n
	b := newBuilder(n0)
	for i := range n0 {
		idx := n0 - i - 1
		if i&1 == 1 {
			idx = i - 1
		}
		b.f.input = append(b.f.input, uint8(idx))
	}
	B, H := b.rotate, b.hadamard
	if n == 3 {
		for i := range 4 {
			B(2*i, 2*i+1, 60-16*i, true)
		}
		for i := range 4 {
			H(i, 4+i, false)
		}
		for i := range 2 {
			B(4+3*i, 5+i, 48-32*i, true)
		}
		for i := range 2 {
			for j := range 2 {
				H(4*j+i, 2+4*j+i, false)
			}
		}
		for i := range 2 {
			B(2+4*i, 3+4*i, 32, true)
		}
	} else {
		for i := range 8 {
			B(2*i, 2*i+1, 62-8*i, true)
		}
		for i := range 8 {
			H(i, 8+i, false)
		}
		for i := range 2 {
			B(8+2*i, 9+2*i, 56-32*i, true)
			B(13+2*i, 12+2*i, 8+32*i, true)
		}
		for i := range 4 {
			for j := range 2 {
				H(8*j+i, 4+8*j+i, false)
			}
		}
		for i := range 2 {
			for j := range 2 {
				B(4+8*j+3*i, 5+8*j+i, 48-32*i, true)
			}
		}
		for i := range 2 {
			for j := range 4 {
				H(4*j+i, 2+4*j+i, false)
			}
		}
		for i := range 4 {
			B(2+4*i, 3+4*i, 32, true)
		}
	}
	for i := range n0 {
		bit := func(k int) int { return i >> k & 1 }
		idx := ((bit(0)^bit(1))<<3 | (bit(1)^bit(2))<<2 | (bit(2)^bit(3))<<1 | bit(3)) >> (4 - n)
		b.f.output = append(b.f.output, b.pos[idx])
		b.f.negate = append(b.f.negate, i&1 == 1)
	}
	return b.f
}

// flows are the DCTs of 4 to 64 elements and the ADSTs of 8 and 16, by the kind and the
// logarithm.
var flows = func() *[2][7]flow {
	var f [2][7]flow
	for n := 2; n <= 6; n++ {
		f[kindDCT][n] = dctFlow(n)
		f[kindDCT][n].compile()
	}
	for n := 3; n <= 4; n++ {
		f[kindADST][n] = adstFlow(n)
		f[kindADST][n].compile()
	}
	return &f
}()

// kind1D is the transform of one direction.
type kind1D uint8

const (
	kindDCT kind1D = iota
	kindADST
	kindIdentity
)

// kinds are the transforms of the columns and of the rows.
func (t txType) kinds() (columns, rows kind1D) {
	switch t {
	case adstDCT:
		return kindADST, kindDCT
	case dctADST:
		return kindDCT, kindADST
	case adstADST:
		return kindADST, kindADST
	case idtx:
		return kindIdentity, kindIdentity
	case vDCT:
		return kindDCT, kindIdentity
	case hDCT:
		return kindIdentity, kindDCT
	}
	return kindDCT, kindDCT
}

// ADST of 4 elements (section 7.13.2.6).
const (
	sinpi1 = 1321
	sinpi2 = 2482
	sinpi3 = 3344
	sinpi4 = 3803
)

// round12 is Round2(x, 12).
func round12(x int32) int32 { return (x + 2048) >> 12 }

// inverse1D transforms the columns of src, 1<<n rows of m numbers, into dst. It
// overwrites src. All sums are clipped to 16 bits, as those of section 7.13.2 are
// for 8 bits a sample.
func (k kernels) inverse1D(dst, src []int32, n, m int, kind kind1D) {
	switch {
	case kind == kindIdentity:
		k.identity1D(dst, src, n, m)
		return
	case kind == kindADST && n == 2:
		for i := range m {
			t0, t1, t2, t3 := src[i], src[m+i], src[2*m+i], src[3*m+i]
			s0 := sinpi1*t0 + sinpi4*t2 + sinpi2*t3
			s1 := sinpi2*t0 - sinpi1*t2 - sinpi4*t3
			s2 := sinpi3 * (t0 - t2 + t3)
			s3 := sinpi3 * t1
			dst[i] = round12(s0 + s3)
			dst[m+i] = round12(s1 + s3)
			dst[2*m+i] = round12(s2)
			dst[3*m+i] = round12(s0 + s1 - s3)
		}
		return
	}
	f := &flows[kind][n]
	k.steps(src[:m<<n], m, &f.inverse, 1<<15-1)
	k.moves(dst[:m<<n], src[:m<<n], m, f.inverseMoves)
}

// forward1D is the transpose of inverse1D, without clipping. All numbers have less
// than 18 bits.
func (k kernels) forward1D(dst, src []int32, n, m int, kind kind1D) {
	switch {
	case kind == kindIdentity:
		k.identity1D(dst, src, n, m)
		return
	case kind == kindADST && n == 2:
		for i := range m {
			t0, t1, t2, t3 := src[i], src[m+i], src[2*m+i], src[3*m+i]
			dst[i] = round12(sinpi1*t0 + sinpi2*t1 + sinpi3*t2 + sinpi4*t3)
			dst[m+i] = round12(sinpi3 * (t0 + t1 - t3))
			dst[2*m+i] = round12(sinpi4*t0 - sinpi1*t1 - sinpi3*t2 + sinpi2*t3)
			dst[3*m+i] = round12(sinpi2*t0 - sinpi4*t1 + sinpi3*t2 - sinpi1*t3)
		}
		return
	}
	f := &flows[kind][n]
	k.moves(dst[:m<<n], src[:m<<n], m, f.forwardMoves)
	k.steps(dst[:m<<n], m, &f.forward, math.MaxInt32)
}

// identity1D scales by sqrt(n/2) (sections 7.13.2.11 to 15).
func (k kernels) identity1D(dst, src []int32, n, m int) {
	dst = dst[:m<<n]
	copy(dst, src)
	switch n {
	case 2:
		k.scale(dst, 5793, 12, math.MaxInt32)
	case 3:
		k.scale(dst, 2, 0, math.MaxInt32)
	case 4:
		k.scale(dst, 11586, 12, math.MaxInt32)
	default:
		k.scale(dst, 4, 0, math.MaxInt32)
	}
}

func clip16(x int32) int32 { return min(max(x, -1<<15), 1<<15-1) }

// block64 is room for the samples or coefficients of the largest block.
type block64 [64 * 64]int32

// rowShift is Transform_Row_Shift (section 7.13.3).
func (t txSize) rowShift() int { return int("\x00\x01\x02\x02\x02\x00\x00\x01\x01\x01\x01\x01\x01"[t]) }

// inverse writes the residual of the dequantized coefficients, which are the rows of
// the coded part, at most 32x32 (section 7.13.3). a and b are scratch; the result is
// in a, rows of the full width.
func (k kernels) inverse(a, b *block64, coefs []int32, t txSize, typ txType) {
	wl, hl := t.wLog2(), t.hLog2()
	w, h := 1<<wl, 1<<hl
	cw, ch := min(w, 32), min(h, 32)
	columns, rows := typ.kinds()
	// Rows first: their elements become rows of a matrix of ch columns; rows
	// below the coded part are zero, which every transform keeps.
	clear(a[cw*ch : w*ch])
	k.transpose(a[:], coefs, cw, ch)
	if d := wl - hl; d == 1 || d == -1 {
		k.scale(a[:cw*ch], 2896, 12, math.MaxInt32)
	}
	k.inverse1D(b[:], a[:], wl, ch, rows)
	k.scale(b[:w*ch], 1, t.rowShift(), 1<<15-1)
	k.transpose(a[:], b[:], ch, w)
	clear(a[w*ch : w*h])
	k.inverse1D(b[:], a[:], hl, w, columns)
	copy(a[:w*h], b[:])
	k.scale(a[:w*h], 1, 4, math.MaxInt32)
}

// forward transforms the residual in a, which it overwrites, and writes the
// coefficients of the coded part in the scale of inverse's.
func (k kernels) forward(coefs []int32, a, b *block64, t txSize, typ txType) {
	wl, hl := t.wLog2(), t.hLog2()
	w, h := 1<<wl, 1<<hl
	cw, ch := min(w, 32), min(h, 32)
	columns, rows := typ.kinds()
	k.scale(a[:w*h], 8, 0, math.MaxInt32)
	k.forward1D(b[:], a[:], hl, w, columns)
	// The second direction has room for less than 18 bits.
	middle := max(wl+hl-7, 0)
	if middle > 0 {
		k.scale(b[:w*ch], 1, middle, math.MaxInt32)
	}
	k.transpose(a[:], b[:], w, ch)
	k.forward1D(b[:], a[:], wl, ch, rows)
	// The two gains are sqrt(w/2) and sqrt(h/2) beyond orthonormal; inverse
	// divides by 8, 4 with 32 and 2 with 64 samples a side.
	shift := wl + hl // twice the logarithm of the gain times 4
	factor, bits := int32(1), 0
	if shift&1 == 1 {
		factor, bits, shift = 2896, 12, shift-1 // half of it is left
	}
	k.transpose(coefs, b[:], ch, cw)
	k.scale(coefs[:cw*ch], factor, shift/2-1+t.halvings()-middle+bits, math.MaxInt32)
}

// halvings is how many times the coefficients are halved for large sizes: by area
// above 256 and above 1024 samples (dqDenom, section 7.12.3).
func (t txSize) halvings() int {
	switch {
	case t.wLog2()+t.hLog2() > 10:
		return 2
	case t.wLog2()+t.hLog2() > 8:
		return 1
	}
	return 0
}
