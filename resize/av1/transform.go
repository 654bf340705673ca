package av1

import "sync"

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

// flows are the DCTs of 4 to 64 elements and the ADSTs of 8 and 16.
var flows = sync.OnceValue(func() *struct{ dct, adst [7]flow } {
	var f struct{ dct, adst [7]flow }
	for n := 2; n <= 6; n++ {
		f.dct[n] = dctFlow(n)
	}
	for n := 3; n <= 4; n++ {
		f.adst[n] = adstFlow(n)
	}
	return &f
})

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
func round12(x int64) int32 { return int32((x + 2048) >> 12) }

// inverse1D transforms the columns of src, 1<<n rows of m numbers, into dst. It
// overwrites src. All sums are clipped to 16 bits, as those of section 7.13.2 are
// for 8 bits a sample.
func inverse1D(dst, src []int32, n, m int, kind kind1D) {
	switch {
	case kind == kindIdentity:
		identity1D(dst, src, n, m)
		return
	case kind == kindADST && n == 2:
		for i := range m {
			t0, t1, t2, t3 := int64(src[i]), int64(src[m+i]), int64(src[2*m+i]), int64(src[3*m+i])
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
	f := &flows().dct[n]
	if kind == kindADST {
		f = &flows().adst[n]
	}
	for i := range f.steps {
		s := &f.steps[i]
		// Element i of T is row input[i] of src from the start.
		ra, rb := int(f.input[s.a])*m, int(f.input[s.b])*m
		a, b := src[ra:ra+m], src[rb:rb+m]
		b = b[:len(a)]
		if s.hadamard {
			for j, x := range a {
				y := b[j]
				a[j], b[j] = clip16(x+y), clip16(x-y)
			}
			continue
		}
		c, si := int64(s.cos), int64(s.sin)
		for j, x := range a {
			x, y := int64(x), int64(b[j])
			a[j], b[j] = round12(x*c-y*si), round12(x*si+y*c)
		}
	}
	for i, o := range f.output {
		r := int(f.input[o]) * m
		copy(dst[i*m:i*m+m], src[r:r+m])
		if f.negate[i] {
			for j := range m {
				dst[i*m+j] = -dst[i*m+j]
			}
		}
	}
}

// forward1D is the transpose of inverse1D, without clipping. It overwrites src. All
// numbers have less than 18 bits.
func forward1D(dst, src []int32, n, m int, kind kind1D) {
	switch {
	case kind == kindIdentity:
		identity1D(dst, src, n, m)
		return
	case kind == kindADST && n == 2:
		for i := range m {
			t0, t1, t2, t3 := src[i], src[m+i], src[2*m+i], src[3*m+i]
			dst[i] = (sinpi1*t0 + sinpi2*t1 + sinpi3*t2 + sinpi4*t3 + 2048) >> 12
			dst[m+i] = (sinpi3*(t0+t1-t3) + 2048) >> 12
			dst[2*m+i] = (sinpi4*t0 - sinpi1*t1 - sinpi3*t2 + sinpi2*t3 + 2048) >> 12
			dst[3*m+i] = (sinpi2*t0 - sinpi4*t1 + sinpi3*t2 - sinpi1*t3 + 2048) >> 12
		}
		return
	}
	f := &flows().dct[n]
	if kind == kindADST {
		f = &flows().adst[n]
	}
	for i, o := range f.output {
		r := int(f.input[o]) * m
		copy(dst[r:r+m], src[i*m:i*m+m])
		if f.negate[i] {
			for j := range m {
				dst[r+j] = -dst[r+j]
			}
		}
	}
	for i := len(f.steps) - 1; i >= 0; i-- {
		s := &f.steps[i]
		ra, rb := int(f.input[s.a])*m, int(f.input[s.b])*m
		a, b := dst[ra:ra+m], dst[rb:rb+m]
		b = b[:len(a)]
		if s.hadamard {
			for j, x := range a {
				y := b[j]
				a[j], b[j] = x+y, x-y
			}
			continue
		}
		c, si := s.cos, s.sin
		for j, x := range a {
			y := b[j]
			a[j], b[j] = (x*c+y*si+2048)>>12, (y*c-x*si+2048)>>12
		}
	}
}

// identity1D scales by sqrt(n/2) (sections 7.13.2.11 to 15).
func identity1D(dst, src []int32, n, m int) {
	for i, x := range src[:m<<n] {
		switch n {
		case 2:
			x = round12(int64(x) * 5793)
		case 3:
			x *= 2
		case 4:
			x = round12(int64(x) * 11586)
		default:
			x *= 4
		}
		dst[i] = x
	}
}

func clip16(x int32) int32 { return min(max(x, -1<<15), 1<<15-1) }

// transpose writes the w by h matrix src as the h by w matrix dst.
func transpose(dst, src []int32, w, h int) {
	for y := range h {
		for x, v := range src[y*w : y*w+w] {
			dst[x*h+y] = v
		}
	}
}

// block64 is room for the samples or coefficients of the largest block.
type block64 [64 * 64]int32

// rowShift is Transform_Row_Shift (section 7.13.3).
func (t txSize) rowShift() int { return int("\x00\x01\x02\x02\x02\x00\x00\x01\x01\x01\x01\x01\x01"[t]) }

// inverse writes the residual of the dequantized coefficients, which are the rows of
// the coded part, at most 32x32 (section 7.13.3). a and b are scratch; the result is
// in a, rows of the full width.
func inverse(a, b *block64, coefs []int32, t txSize, typ txType) {
	wl, hl := t.wLog2(), t.hLog2()
	w, h := 1<<wl, 1<<hl
	cw, ch := min(w, 32), min(h, 32)
	columns, rows := typ.kinds()
	// Rows first: their elements become rows of a matrix of ch columns; rows
	// below the coded part are zero, which every transform keeps.
	clear(a[cw*ch : w*ch])
	transpose(a[:], coefs, cw, ch)
	if d := wl - hl; d == 1 || d == -1 {
		for i, x := range a[:cw*ch] {
			a[i] = round12(int64(x) * 2896)
		}
	}
	inverse1D(b[:], a[:], wl, ch, rows)
	shift := t.rowShift()
	for i, x := range b[:w*ch] {
		b[i] = clip16((x + 1<<shift>>1) >> shift)
	}
	transpose(a[:], b[:], ch, w)
	clear(a[w*ch : w*h])
	inverse1D(b[:], a[:], hl, w, columns)
	for i, x := range b[:w*h] {
		a[i] = (x + 8) >> 4
	}
}

// forward transforms the residual in a, which it overwrites, and writes the
// coefficients of the coded part in the scale of inverse's.
func forward(coefs []int32, a, b *block64, t txSize, typ txType) {
	wl, hl := t.wLog2(), t.hLog2()
	w, h := 1<<wl, 1<<hl
	cw, ch := min(w, 32), min(h, 32)
	columns, rows := typ.kinds()
	for i := range a[:w*h] {
		a[i] <<= 3
	}
	forward1D(b[:], a[:], hl, w, columns)
	// The second direction has room for less than 18 bits.
	middle := max(wl+hl-7, 0)
	if middle > 0 {
		for i, x := range b[:w*ch] {
			b[i] = (x + 1<<middle>>1) >> middle
		}
	}
	transpose(a[:], b[:], w, ch)
	forward1D(b[:], a[:], wl, ch, rows)
	// The two gains are sqrt(w/2) and sqrt(h/2) beyond orthonormal; inverse
	// divides by 8, 4 with 32 and 2 with 64 samples a side.
	shift := wl + hl // twice the logarithm of the gain times 4
	scale := int64(4096)
	if shift&1 == 1 {
		scale, shift = 2896, shift-1 // half of it is left
	}
	shift = shift/2 - 1 + t.halvings() - middle
	transpose(coefs, b[:], ch, cw)
	for i, x := range coefs[:cw*ch] {
		coefs[i] = int32((int64(x)*scale + 1<<(12+shift)>>1) >> (12 + shift))
	}
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
