// Command _asm generates ../kernels_amd64.s, the kernels of package vp8.
//
// Coefficients and differences are 16 bits wide; all 16 of a block fit in one
// register, two rows in each of its halves.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// stride is that of samples in package vp8.
const stride = 32

func main() {
	ConstraintExpr("!purego")
	forward()
	inverse()
	quantize()
	ones := words("ones", 1)
	predict4(ones)
	difference16(ones)
	difference8(ones)
	loopFilter()
	stretch()
	Generate()
}

// words is a constant of as many words as are given, repeated to 16.
func words(name string, v ...int16) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		DATA(2*i, U16(uint16(v[i%len(v)])))
	}
	return m
}

// dwords is the same with 8 double words.
func dwords(name string, v ...uint32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(v[i%len(v)]))
	}
	return m
}

// picks is a constant for VPSHUFB: 16 places of bytes, those below 0 for zeros.
func picks(name string, at func(i int) int) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 16 {
		v := at(i)
		if v < 0 {
			v = 0x80
		}
		DATA(i, U8(uint8(v)))
	}
	return m
}

// at is i bytes behind base.
func at(base Register, i int) Mem { return Mem{Base: base, Disp: i} }

// do gives an instruction its operands.
func do(f any, o ...Op) {
	switch f := f.(type) {
	case func(...Op):
		f(o...)
	case func(a, b Op):
		f(o[0], o[1])
	case func(a, b, c Op):
		f(o[0], o[1], o[2])
	case func(a, b, c, d Op):
		f(o[0], o[1], o[2], o[3])
	default:
		panic("no such instruction")
	}
}

// ymm2 and xmm2 return a new register that has the result.
func ymm2(f any, ops ...Op) VecVirtual { r := YMM(); do(f, append(ops, r)...); return r }
func xmm2(f any, ops ...Op) VecVirtual { r := XMM(); do(f, append(ops, r)...); return r }

func xadd(x, y Op) VecVirtual { return xmm2(VPADDW, y, x) }
func xsub(x, y Op) VecVirtual { return xmm2(VPSUBW, y, x) }
func yadd(x, y Op) VecVirtual { return ymm2(VPADDW, y, x) }
func ysub(x, y Op) VecVirtual { return ymm2(VPSUBW, y, x) }

// square loads 4x4 bytes as words.
func square(base Register, step Op) VecVirtual {
	x := XMM()
	VMOVD(Mem{Base: base}, x)
	if c, ok := step.(I8); ok {
		for i := 1; i < 4; i++ {
			VPINSRD(U8(i), at(base, i*int(c)), x, x)
		}
	} else {
		r := step.(Register)
		VPINSRD(U8(1), Mem{Base: base, Index: r, Scale: 1}, x, x)
		VPINSRD(U8(2), Mem{Base: base, Index: r, Scale: 2}, x, x)
		ADDQ(r, base)
		VPINSRD(U8(3), Mem{Base: base, Index: r, Scale: 2}, x, x)
	}
	return ymm2(VPMOVZXBW, x)
}

func forward() {
	const c, s = 5352, 2217
	rows02 := words("forwardEven", 4096, 4096, c, s)
	rows13 := words("forwardOdd", 4096, -4096, s, -c)
	round9 := dwords("forwardRound9", 0, 256)
	round16 := dwords("forwardRound16", 1<<15)
	columns := [2]Mem{}
	for i, name := range []string{"forwardFirst", "forwardSecond"} {
		columns[i] = GLOBL(name, RODATA|NOPTR)
		low, high := []int16{4096, 4096}, []int16{c, s}
		if i == 1 {
			low, high = []int16{4096, -4096}, []int16{s, -c}
		}
		for j := range 16 {
			half := low
			if j >= 8 {
				half = high
			}
			DATA(2*j, U16(uint16(half[j%2])))
		}
	}
	pairs := picks("forwardPairs", func(i int) int { return i/8*8 + []int{0, 1, 4, 5, 2, 3, 6, 7}[i%8] })

	TEXT("forwardAsm", NOSPLIT, "func(out *[16]int16, src, pred *byte, predStride int)")
	out := Load(Param("out"), GP64())
	src := Load(Param("src"), GP64())
	pred := Load(Param("pred"), GP64())
	predStride := Load(Param("predStride"), GP64())
	d := ysub(square(src, I8(stride)), square(pred, predStride))

	// a0, a1, a3, a2 of every row.
	reverse := ymm2(VPSHUFHW, U8(0x1b), ymm2(VPSHUFLW, U8(0x1b), d))
	sums := yadd(d, reverse)
	differences := ysub(d, reverse)
	VPSLLQ(U8(32), differences, differences)
	VPBLENDD(U8(0xaa), differences, sums, sums)
	even := ymm2(VPMADDWD, rows02, sums)
	odd := ymm2(VPMADDWD, rows13, sums)
	for _, r := range []VecVirtual{even, odd} {
		VPADDD(round9, r, r)
		VPSRAD(U8(9), r, r)
	}
	VPACKSSDW(odd, even, even) // rows 0 and 1, below in the upper half 2 and 3

	upper := XMM()
	VEXTRACTI128(U8(1), even, upper)
	VPSHUFD(U8(0xb1), upper, upper) // rows 3 and 2
	low := even.AsX()
	a, b := xadd(low, upper), xsub(low, upper)
	VPSHUFB(pairs, a, a)
	VPSHUFB(pairs, b, b)
	all := YMM()
	VINSERTI128(U8(1), b, a.AsY(), all)
	first := ymm2(VPMADDWD, columns[0], all)
	second := ymm2(VPMADDWD, columns[1], all)
	for _, r := range []VecVirtual{first, second} {
		VPADDD(round16, r, r)
		VPSRAD(U8(16), r, r)
	}
	VPACKSSDW(second, first, first)
	VPERMQ(U8(0xd8), first, first)
	VMOVDQU(first, at(out, 0))
	VZEROUPPER()
	RET()
}

func inverse() {
	sine := words("inverseSine", -30068) // 35468 - 65536
	cosine := words("inverseCosine", 20091)
	round := words("inverseRound", 4, 4, 4, 4, 0, 0, 0, 0)

	TEXT("inverseAsm", NOSPLIT, "func(dst, pred *byte, predStride int, b *[16]int16)")
	dst := Load(Param("dst"), GP64())
	pred := Load(Param("pred"), GP64())
	predStride := Load(Param("predStride"), GP64())
	b := Load(Param("b"), GP64())
	low, high := XMM(), XMM()
	VMOVDQU(at(b, 0), low)
	VMOVDQU(at(b, 16), high)

	times := func(c Mem, x VecVirtual) VecVirtual { return xadd(xmm2(VPMULHW, c, x), x) }
	// pass transforms the four vectors of which low and high have two each; the
	// results lie across.
	pass := func(low, high VecVirtual) (VecVirtual, VecVirtual) {
		a, d := xadd(low, high), xsub(low, high)
		c := xsub(times(sine, low), times(cosine, high))
		e := xadd(times(cosine, low), times(sine, high))
		VPSRLDQ(U8(8), c, c)
		VPSRLDQ(U8(8), e, e)
		t01 := xmm2(VPUNPCKLWD, xadd(d, c), xadd(a, e))
		t23 := xmm2(VPUNPCKLWD, xsub(a, e), xsub(d, c))
		return xmm2(VPUNPCKLDQ, t23, t01), xmm2(VPUNPCKHDQ, t23, t01)
	}
	low, high = pass(low, high)
	VPADDW(round, low, low)
	low, high = pass(low, high)
	all := YMM()
	VINSERTI128(U8(1), high, low.AsY(), all)
	VPSRAW(U8(3), all, all)
	VPADDW(square(pred, predStride), all, all)
	upper := XMM()
	VEXTRACTI128(U8(1), all, upper)
	bytes := xmm2(VPACKUSWB, upper, all.AsX())
	VMOVD(bytes, at(dst, 0))
	for i := 1; i < 4; i++ {
		VPEXTRD(U8(i), bytes, at(dst, i*stride))
	}
	VZEROUPPER()
	RET()
}

func quantize() {
	most := words("quantizeMost", 2047)
	TEXT("quantizeAsm", NOSPLIT, "func(levels, b *[16]int16, q *byte) (mask uint64, loss uint64)")
	levels := Load(Param("levels"), GP64())
	b := Load(Param("b"), GP64())
	q := Load(Param("q"), GP64())
	c := YMM()
	VMOVDQU(at(b, 0), c)
	l := ymm2(VPABSW, c)
	VPADDW(at(q, 64), l, l)
	VPMULHUW(at(q, 32), l, l)
	VPMINSW(most, l, l)
	VPSIGNW(c, l, l)
	VMOVDQU(l, at(levels, 0))
	decoded := ymm2(VPMULLW, at(q, 0), l)
	VMOVDQU(decoded, at(b, 0))

	d := ysub(c, decoded)
	VPMADDWD(d, d, d)
	sum := total(d)

	zero := YMM()
	VPXOR(zero, zero, zero)
	VPCMPEQW(zero, l, l)
	high := XMM()
	VEXTRACTI128(U8(1), l, high)
	VPACKSSWB(high, l.AsX(), high)
	mask := GP32()
	VPMOVMSKB(high, mask)
	XORL(U32(0xffff), mask)
	Store(mask.As64(), ReturnIndex(0))
	Store(sum.As64(), ReturnIndex(1))
	VZEROUPPER()
	RET()
}

func predict4(ones Mem) {
	previous := picks("predictPrevious", func(i int) int { return max(0, i-1) })
	next := picks("predictNext", func(i int) int { return min(12, i+1) })
	around := picks("predictAround", func(i int) int {
		switch {
		case i < 4:
			return i
		case i < 8:
			return i + 1
		}
		return -1
	})
	above := picks("predictAbove", func(i int) int { return 5 + i%4 })
	left := picks("predictLeft", func(i int) int { return 3 - i/4 })
	corner := picks("predictCorner", func(i int) int { return 4 })
	lowest := GLOBL("predictLowest", RODATA|NOPTR)
	for i := range 16 {
		DATA(i, U8(1))
	}
	half := dwords("predictHalf", 4)

	TEXT("predict4Picked", NOSPLIT, "func(all *[10][16]byte, differences *[10]uint32, src *byte, e *[16]byte, picks *[8][3][16]byte)")
	all := Load(Param("all"), GP64())
	differences := Load(Param("differences"), GP64())
	src := Load(Param("src"), GP64())
	e := Load(Param("e"), GP64())
	table := Load(Param("picks"), GP64())

	var means [3]VecVirtual // samples, of two, of three
	means[0] = XMM()
	VMOVDQU(at(e, 0), means[0])
	p, n := xmm2(VPSHUFB, previous, means[0]), xmm2(VPSHUFB, next, means[0])
	means[1] = xmm2(VPAVGB, n, means[0])
	// (p + n) / 2 rounded down, and the mean of that and the sample.
	odd := xmm2(VPXOR, p, n)
	VPAND(lowest, odd, odd)
	means[2] = xmm2(VPAVGB, p, n)
	VPSUBB(odd, means[2], means[2])
	VPAVGB(means[0], means[2], means[2])

	var preds [10]VecVirtual
	sum := xmm2(VPSHUFB, around, means[0])
	zero := XMM()
	VPXOR(zero, zero, zero)
	VPSADBW(zero, sum, sum)
	VPADDD(half, sum, sum)
	VPSRLD(U8(3), sum, sum)
	VPSHUFB(zero, sum, sum)
	preds[0] = sum
	tm := ymm2(VPMOVZXBW, xmm2(VPSHUFB, above, means[0]))
	VPADDW(ymm2(VPMOVZXBW, xmm2(VPSHUFB, left, means[0])), tm, tm)
	VPSUBW(ymm2(VPMOVZXBW, xmm2(VPSHUFB, corner, means[0])), tm, tm)
	upper := XMM()
	VEXTRACTI128(U8(1), tm, upper)
	preds[1] = xmm2(VPACKUSWB, upper, tm.AsX())
	source := square(src, I8(stride))

	var pairs [5]VecVirtual
	for m := 0; m < 10; m += 2 {
		for i := m; i < m+2; i++ {
			if i >= 2 {
				// Which means a direction uses is known: see directionTables.
				from := [10][]int{2: {2}, 3: {2}, 4: {2}, 5: {1, 2}, 6: {2}, 7: {1, 2}, 8: {1, 2}, 9: {0, 1, 2}}[i]
				for j, k := range from {
					x := XMM()
					VMOVDQU(at(table, ((i-2)*3+k)*16), x)
					VPSHUFB(x, means[k], x)
					if j == 0 {
						preds[i] = x
					} else {
						VPOR(x, preds[i], preds[i])
					}
				}
			}
			VMOVDQU(preds[i], at(all, 16*i))
		}
		a := ysub(source, ymm2(VPMOVZXBW, preds[m]))
		b := ysub(source, ymm2(VPMOVZXBW, preds[m+1]))
		low, high := ymm2(VPERM2I128, U8(0x20), b, a), ymm2(VPERM2I128, U8(0x31), b, a)
		a, b = yadd(low, high), ysub(low, high)
		low, high = ymm2(VPUNPCKLQDQ, b, a), ymm2(VPUNPCKHQDQ, b, a)
		a, b = yadd(low, high), ysub(low, high)
		pairs[m/2] = lastStages(a, b, ones)
	}
	first := ymm2(VPHADDD, pairs[1], pairs[0])
	second := ymm2(VPHADDD, pairs[3], pairs[2])
	VPHADDD(second, first, first) // 0 2 4 6, above 1 3 5 7
	VEXTRACTI128(U8(1), first, upper)
	lower := first.AsX()
	VMOVDQU(xmm2(VPUNPCKLDQ, upper, lower), at(differences, 0))
	VMOVDQU(xmm2(VPUNPCKHDQ, upper, lower), at(differences, 16))
	VPHADDD(pairs[4], pairs[4], pairs[4])
	VPHADDD(pairs[4], pairs[4], pairs[4])
	VEXTRACTI128(U8(1), pairs[4], upper)
	VMOVQ(xmm2(VPUNPCKLDQ, upper, pairs[4].AsX()), at(differences, 32))
	VZEROUPPER()
	RET()
}

// lastStages transforms rows of four words in a and b, and returns half the sums
// of the magnitudes, as double words that are to be added up.
func lastStages(a, b VecVirtual, ones Mem) VecVirtual {
	low, high := ymm2(VSHUFPS, U8(0x88), b, a), ymm2(VSHUFPS, U8(0xdd), b, a)
	a, b = yadd(low, high), ysub(low, high)
	VPABSW(a, a)
	VPABSW(b, b)
	// |x + y| + |x - y| is twice the larger magnitude.
	low, high = ymm2(VPSLLD, U8(16), b), ymm2(VPSRLD, U8(16), a)
	VPBLENDW(U8(0xaa), low, a, low)
	VPBLENDW(U8(0xaa), b, high, high)
	VPMAXSW(low, high, high)
	VPMADDWD(ones, high, high)
	return high
}

// columns transforms four rows down the columns.
func columns(r [4]VecVirtual) [4]VecVirtual {
	s0, s1, s2, s3 := yadd(r[0], r[1]), ysub(r[0], r[1]), yadd(r[2], r[3]), ysub(r[2], r[3])
	return [4]VecVirtual{yadd(s0, s2), ysub(s0, s2), yadd(s1, s3), ysub(s1, s3)}
}

// total returns the sum of double words.
func total(d VecVirtual) GPVirtual {
	x, upper := d.AsX(), XMM()
	VEXTRACTI128(U8(1), d, upper)
	VPADDD(upper, x, x)
	VPSHUFD(U8(0x4e), x, upper)
	VPADDD(upper, x, x)
	VPSHUFD(U8(0xb1), x, upper)
	VPADDD(upper, x, x)
	sum := GP32()
	VMOVD(x, sum)
	return sum
}

// returnTotal ends a function that returns it.
func returnTotal(d VecVirtual) {
	Store(total(d), ReturnIndex(0))
	VZEROUPPER()
	RET()
}

func difference16(ones Mem) {
	TEXT("difference16Asm", NOSPLIT, "func(src, pred *byte) uint32")
	src := Load(Param("src"), GP64())
	pred := Load(Param("pred"), GP64())
	sum := YMM()
	VPXOR(sum, sum, sum)
	count := GP64()
	MOVQ(U32(4), count)
	Label("strip")
	var r [4]VecVirtual
	for i := range r {
		r[i] = ysub(ymm2(VPMOVZXBW, at(src, i*stride)), ymm2(VPMOVZXBW, at(pred, i*16)))
	}
	r = columns(r)
	VPADDD(lastStages(r[0], r[1], ones), sum, sum)
	VPADDD(lastStages(r[2], r[3], ones), sum, sum)
	ADDQ(U32(4*stride), src)
	ADDQ(U32(4*16), pred)
	DECQ(count)
	JNZ(LabelRef("strip"))
	returnTotal(sum)
}

// difference8 has the upper four rows in the lower halves of registers.
func difference8(ones Mem) {
	TEXT("difference8Asm", NOSPLIT, "func(src, pred *byte) uint32")
	src := Load(Param("src"), GP64())
	pred := Load(Param("pred"), GP64())
	var r [4]VecVirtual
	for i := range r {
		load := func(base Register, step int) VecVirtual {
			x := XMM()
			VMOVQ(at(base, i*step), x)
			VMOVHPS(at(base, (i+4)*step), x, x)
			return ymm2(VPMOVZXBW, x)
		}
		r[i] = ysub(load(src, stride), load(pred, 8))
	}
	r = columns(r)
	sum := lastStages(r[0], r[1], ones)
	VPADDD(lastStages(r[2], r[3], ones), sum, sum)
	returnTotal(sum)
}

// bytesOf is a constant of 32 equal bytes.
func bytesOf(name string, v uint8) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(v))
	}
	return m
}

// edgeConstants are those of the loop filter.
type edgeConstants struct{ sign, low7, low5, three, four, eight, sixteen, ninths, round63 Mem }

// eighth returns signed bytes divided by 8, rounded down, plus 16.
func (k *edgeConstants) eighth(x VecVirtual) VecVirtual {
	r := ymm2(VPXOR, k.sign, x)
	VPSRLW(U8(3), r, r)
	VPAND(k.low5, r, r)
	return r
}

func magnitude(a, b VecVirtual) VecVirtual {
	r := ymm2(VPSUBUSB, b, a)
	VPOR(ymm2(VPSUBUSB, a, b), r, r)
	return r
}

// masks returns which lanes are filtered, and in which of them only the samples next
// to the edge change. more is added to the limit.
func (k *edgeConstants) masks(s *[8]VecVirtual, t Register, more *Mem) (filtered, high VecVirtual) {
	zero := YMM()
	VPXOR(zero, zero, zero)
	inner := magnitude(s[2], s[3])
	VPMAXUB(magnitude(s[5], s[4]), inner, inner)
	high = ymm2(VPSUBUSB, ymm2(VPBROADCASTB, at(t, 2)), inner)
	VPCMPEQB(zero, high, high) // of those that are not
	for _, pair := range [][2]int{{0, 1}, {1, 2}, {6, 5}, {7, 6}} {
		VPMAXUB(magnitude(s[pair[0]], s[pair[1]]), inner, inner)
	}
	VPSUBUSB(ymm2(VPBROADCASTB, at(t, 1)), inner, inner)

	// 2 |p0 - q0| + |p1 - q1| / 2.
	over := magnitude(s[3], s[4])
	VPADDUSB(over, over, over)
	half := magnitude(s[2], s[5])
	VPSRLW(U8(1), half, half)
	VPAND(k.low7, half, half)
	VPADDUSB(half, over, over)
	limit := ymm2(VPBROADCASTB, at(t, 0))
	if more != nil {
		VPADDB(*more, limit, limit)
	}
	VPSUBUSB(limit, over, over)
	VPOR(over, inner, inner)
	VPCMPEQB(zero, inner, inner)
	return inner, high
}

// step returns the sum of outer and three times the difference over the edge.
func step(outer VecVirtual, s *[8]VecVirtual) VecVirtual {
	d := ymm2(VPSUBSB, s[3], s[4])
	w := ymm2(VPADDSB, d, outer)
	VPADDSB(d, w, w)
	VPADDSB(d, w, w)
	return w
}

// towards changes the samples next to the edge by an eighth of w, and returns what
// changed the one behind it, plus 16.
func (k *edgeConstants) towards(w VecVirtual, s *[8]VecVirtual) VecVirtual {
	a := k.eighth(ymm2(VPADDSB, k.four, w))
	b := k.eighth(ymm2(VPADDSB, k.three, w))
	VPSUBB(k.sixteen, b, b)
	VPADDSB(b, s[3], s[3])
	VPSUBSB(ymm2(VPSUBB, k.sixteen, a), s[4], s[4])
	return a
}

// between filters an edge between macroblocks; it changes s[1] to s[6].
func (k *edgeConstants) between(s *[8]VecVirtual, t Register) {
	filtered, low := k.masks(s, t, &k.four)
	for i := 1; i < 7; i++ {
		VPXOR(k.sign, s[i], s[i])
	}
	w := step(ymm2(VPSUBSB, s[5], s[2]), s)
	VPAND(filtered, w, w)
	k.towards(ymm2(VPANDN, w, low), s)
	VPAND(low, w, w)
	zero := YMM()
	VPXOR(zero, zero, zero)
	var words [2]VecVirtual // 9 w + 63
	var nine [2]VecVirtual
	nine[0], nine[1] = ymm2(VPUNPCKLBW, w, zero), ymm2(VPUNPCKHBW, w, zero)
	for i := range nine {
		VPMULHW(k.ninths, nine[i], nine[i])
		words[i] = ymm2(VPADDW, k.round63, nine[i])
	}
	for i := range 3 {
		part := ymm2(VPSRAW, U8(7), words[0])
		VPACKSSWB(ymm2(VPSRAW, U8(7), words[1]), part, part)
		VPADDSB(part, s[1+i], s[1+i])
		VPSUBSB(part, s[6-i], s[6-i])
		if i < 2 {
			VPADDW(nine[0], words[0], words[0])
			VPADDW(nine[1], words[1], words[1])
		}
	}
	for i := 1; i < 7; i++ {
		VPXOR(k.sign, s[i], s[i])
	}
}

// within filters an edge within a macroblock; it changes s[2] to s[5].
func (k *edgeConstants) within(s *[8]VecVirtual, t Register) {
	filtered, low := k.masks(s, t, nil)
	for i := 2; i < 6; i++ {
		VPXOR(k.sign, s[i], s[i])
	}
	w := step(ymm2(VPANDN, ymm2(VPSUBSB, s[5], s[2]), low), s)
	VPAND(filtered, w, w)
	a := k.towards(w, s)
	zero := YMM()
	VPXOR(zero, zero, zero)
	VPAVGB(zero, a, a)
	VPSUBB(k.eight, a, a)
	VPAND(low, a, a)
	VPADDSB(a, s[2], s[2])
	VPSUBSB(a, s[5], s[5])
	for i := 2; i < 6; i++ {
		VPXOR(k.sign, s[i], s[i])
	}
}

// The loop filter takes 32 samples along an edge at a time: 16 of luma in the lower
// half of a register, eight of each plane of chroma in the upper one.

// rowsAt calls f with the places of n rows, from the given one on, of the planes.
func rowsAt(from, n int, chroma bool, f func(i int, y, cb, cr Mem)) {
	begin := func(name, step string) (p, by Register) {
		base, s := Load(Param(name), GP64()), Load(Param(step), GP64())
		for at := from; at > 0; {
			by := min(at, 8)
			if by&(by-1) != 0 {
				by = 1
			}
			LEAQ(Mem{Base: base, Index: s, Scale: uint8(by)}, base)
			at -= by
		}
		return base, s
	}
	y, ys := begin("y", "yStride")
	var cb, cr, cs Register
	if chroma {
		cb, cs = begin("cb", "cStride")
		cr, _ = begin("cr", "cStride")
	}
	for i := range n {
		if chroma {
			f(i, at(y, 0), at(cb, 0), at(cr, 0))
		} else {
			f(i, at(y, 0), Mem{}, Mem{})
		}
		if i == n-1 {
			break
		}
		ADDQ(ys, y)
		if chroma {
			ADDQ(cs, cb)
			ADDQ(cs, cr)
		}
	}
}

// loadRows loads eight rows, from the given one on.
func loadRows(from int, chroma bool) (s [8]VecVirtual) {
	rowsAt(from, 8, chroma, func(i int, y, cb, cr Mem) {
		s[i] = YMM()
		VBROADCASTI128(y, s[i]) // which the allocator of registers takes for all of it
		if chroma {
			high := XMM()
			VMOVQ(cb, high)
			VMOVHPS(cr, high, high)
			VINSERTI128(U8(1), high, s[i], s[i])
		}
	})
	return s
}

// storeRows writes rows back, s[0] where the given row is.
func storeRows(s []VecVirtual, from int, chroma bool) {
	rowsAt(from, len(s), chroma, func(i int, y, cb, cr Mem) {
		VMOVDQU(s[i].AsX(), y)
		if chroma {
			high := XMM()
			VEXTRACTI128(U8(1), s[i], high)
			VMOVQ(high, cb)
			VMOVHPS(high, cr)
		}
	})
}

// pairsAt calls f with the places of the rows of a macroblock, which hold eight samples
// from the given column on: those of luma from 0 and from 8 on, and of chroma.
func pairsAt(column int, chroma bool, f func(i int, low, high, cb, cr Mem)) {
	y, ys := Load(Param("y"), GP64()), Load(Param("yStride"), GP64())
	below := GP64()
	LEAQ(Mem{Base: y, Index: ys, Scale: 8}, below)
	var cb, cr, cs Register
	if chroma {
		cb, cr, cs = Load(Param("cb"), GP64()), Load(Param("cr"), GP64()), Load(Param("cStride"), GP64())
	}
	for i := range 8 {
		if chroma {
			f(i, at(y, column), at(below, column), at(cb, column), at(cr, column))
		} else {
			f(i, at(y, column), at(below, column), Mem{}, Mem{})
		}
		if i == 7 {
			break
		}
		ADDQ(ys, y)
		ADDQ(ys, below)
		if chroma {
			ADDQ(cs, cb)
			ADDQ(cs, cr)
		}
	}
}

// interleave makes of each two registers whose numbers differ by bit the samples of
// both by turns: those of the lower halves in the first one. So this bit of the number
// and the highest one of the place within a register change places, and the places
// turn by one.
func interleave(r [8]VecVirtual, bit int) [8]VecVirtual {
	for i := range r {
		if i&bit == 0 {
			a, b := r[i], r[i|bit]
			r[i], r[i|bit] = ymm2(VPUNPCKLBW, b, a), ymm2(VPUNPCKHBW, b, a)
		}
	}
	return r
}

// loadColumns loads eight columns from the given one on. Rows are in an order of their
// own, which storeColumns undoes.
func loadColumns(column int, chroma bool) (s [8]VecVirtual) {
	var r [8]VecVirtual
	pairsAt(column, chroma, func(i int, a, b, cb, cr Mem) {
		r[i] = YMM()
		VPBROADCASTQ(a, r[i])
		VMOVHPS(b, r[i].AsX(), r[i].AsX())
		if chroma {
			high := XMM()
			VMOVQ(cb, high)
			VMOVHPS(cr, high, high)
			VINSERTI128(U8(1), high, r[i], r[i])
		}
	})
	// Numbers of registers are bits of the row at first, of the column at last.
	for _, bit := range []int{1, 2, 4, 1} {
		r = interleave(r, bit)
	}
	for c := range s {
		s[c] = r[c>>1&1<<2|c>>2&1<<1|c&1]
	}
	return s
}

// storeColumns writes columns back.
func storeColumns(s [8]VecVirtual, column int, chroma bool) {
	var r [8]VecVirtual
	for c := range s {
		r[c>>1&1<<2|c>>2&1<<1|c&1] = s[c]
	}
	for _, bit := range []int{2, 4, 1} {
		r = interleave(r, bit)
	}
	pairsAt(column, chroma, func(i int, a, b, cb, cr Mem) {
		row := r[i>>1&1<<2|i&1<<1|i>>2]
		VMOVQ(row.AsX(), a)
		VMOVHPS(row.AsX(), b)
		if chroma {
			high := XMM()
			VEXTRACTI128(U8(1), row, high)
			VMOVQ(high, cb)
			VMOVHPS(high, cr)
		}
	})
}

func loopFilter() {
	k := edgeConstants{
		sign: bytesOf("edgeSign", 128), low7: bytesOf("edgeLow7", 127), low5: bytesOf("edgeLow5", 31),
		three: bytesOf("edgeThree", 3), four: bytesOf("edgeFour", 4), eight: bytesOf("edgeEight", 8), sixteen: bytesOf("edgeSixteen", 16),
		ninths: words("edgeNine", 9*256), round63: words("edgeRound", 63),
	}
	begin := func(name string) Register {
		TEXT(name, NOSPLIT, "func(y, cb, cr *byte, yStride, cStride int, t *byte)")
		return Load(Param("t"), GP64())
	}
	end := func() {
		VZEROUPPER()
		RET()
	}
	t := begin("filterTopAsm")
	s := loadRows(0, true)
	k.between(&s, t)
	storeRows(s[1:7], 1, true)
	end()

	t = begin("filterLeftAsm")
	s = loadColumns(0, true)
	k.between(&s, t)
	storeColumns(s, 0, true)
	end()

	t = begin("filterRowsAsm")
	for i := 0; i < 12; i += 4 {
		s = loadRows(i, i == 0)
		k.within(&s, t)
		storeRows(s[2:6], i+2, i == 0)
	}
	end()

	t = begin("filterColumnsAsm")
	for i := 0; i < 12; i += 4 {
		s = loadColumns(i, i == 0)
		k.within(&s, t)
		storeColumns(s, i, i == 0)
	}
	end()
}

// stretch takes 32 samples at a time: what they are above base, and a part of that
// more.
func stretch() {
	TEXT("stretchAsm", NOSPLIT, "func(p *byte, n, base, factor, offset int)")
	p := Load(Param("p"), GP64())
	n := Load(Param("n"), GP64())
	var k [3]VecVirtual
	for i, name := range []string{"base", "factor", "offset"} {
		x := XMM()
		VMOVQ(Load(Param(name), GP64()), x)
		k[i] = ymm2(VPBROADCASTW, x)
	}
	Label("samples")
	var half [2]VecVirtual
	for i := range half {
		x := ymm2(VPSUBW, k[0], ymm2(VPMOVZXBW, at(p, 16*i)))
		half[i] = yadd(ymm2(VPMULHRSW, k[1], x), x)
		VPADDW(k[2], half[i], half[i])
	}
	VPACKUSWB(half[1], half[0], half[0])
	VPERMQ(U8(0xd8), half[0], half[0])
	VMOVDQU(half[0], at(p, 0))
	ADDQ(U32(32), p)
	DECQ(n)
	JNZ(LabelRef("samples"))
	VZEROUPPER()
	RET()
}
