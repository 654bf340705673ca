// Command vp8 generates kernels_arm64.s of package vp8: the NEON twins of its
// functions whose names end in Generic, equal to the last bit.
package main

import . "s3imageserver/resize/_asm/neon"

// stride is that of the samples of a macroblock.
const stride = 32

func main() {
	f := NewFile("resize/_asm/vp8")
	forward(f)
	inverse(f)
	quantize(f)
	predict4(f)
	difference(f, 16)
	difference(f, 8)
	loopFilters(f)
	stretch(f)
	f.Write()
}

// samples4 reads 4x4 samples into a register. It changes the pointer.
func samples4(f *File, v V, pointer, step string) {
	for y := range 4 {
		f.Go("VLD1.P (%s)(%s), V%d.S[%d]", pointer, step, v, y)
	}
}

// columns4 returns the halfwords of 4x4 differences, rows 0 and 1 in lo, 2 and 3 in
// hi, by columns: in the lower halves of four registers.
func columns4(f *File, p *Pool, lo, hi V) (d [4]V) {
	even, odd := p.One(), p.One()
	f.Op("VUZP1", even, lo, hi, H8)
	f.Op("VUZP2", odd, lo, hi, H8)
	for i, from := range []V{even, odd, even, odd} {
		d[i] = p.One()
		f.Op([]string{"VUZP1", "VUZP1", "VUZP2", "VUZP2"}[i], d[i], from, from, H8)
	}
	p.Free(even, odd)
	return d
}

func forward(f *File) {
	f.Text("forwardAsm", 0, "out", "src", "pred", "predStride")
	var p Pool
	k := p.One() // the cosine and the sine, times 4096
	f.Go("MOVD $0x%x, R9", 2217<<16|5352)
	f.Go("VMOV R9, V%d.S[0]", k)
	f.Go("MOVD $%d, R8", stride)
	s, q := p.One(), p.One()
	samples4(f, s, "R1", "R8")
	samples4(f, q, "R2", "R3")
	lo, hi := p.One(), p.One()
	f.Words(Long("USUBL", lo, s, q, B8), Long("USUBL", hi, s, q, B16))
	d := columns4(f, &p, lo, hi)
	p.Free(s, q, lo, hi)
	// pass makes four coefficients of four lanes: first the sums, by the instruction
	// that ends them, then what the two constants make, shifted by so many bits.
	pass := func(d [4]V, end func(v V), by int) (t [4]V) {
		a := [4]V(p.Take(4))
		f.Op("VADD", a[0], d[0], d[3], H4)
		f.Op("VADD", a[1], d[1], d[2], H4)
		f.Op("VSUB", a[2], d[1], d[2], H4)
		f.Op("VSUB", a[3], d[0], d[3], H4)
		p.Free(d[:]...)
		t = [4]V(p.Take(4))
		f.Op("VADD", t[0], a[0], a[1], H4)
		f.Op("VSUB", t[2], a[0], a[1], H4)
		end(t[0])
		end(t[2])
		f.Words(
			LongLane("SMULL", t[1], a[2], k, 1, H4), LongLane("SMLAL", t[1], a[3], k, 0, H4), ShiftNarrow("RSHRN", t[1], t[1], by, H4),
			LongLane("SMULL", t[3], a[3], k, 1, H4), LongLane("SMLSL", t[3], a[2], k, 0, H4), ShiftNarrow("RSHRN", t[3], t[3], by, H4))
		p.Free(a[:]...)
		return t
	}
	t := pass(d, func(v V) { f.Go("VSHL $3, %s, %s", v.Go(H4), v.Go(H4)) }, 9)
	f.Transpose4(&p, t[:], H4, S2)
	t = pass(t, func(v V) { f.Words(Shift("SRSHR", v, v, 4, H4)) }, 16)
	f.Go("FSTPD (F%d, F%d), (R0)", t[0], t[1])
	f.Go("FSTPD (F%d, F%d), 16(R0)", t[2], t[3])
	f.Go("RET")
}

// inverse is in lanes of 32 bits, which wrap at 16 after each pass, as inverseGeneric.
func inverse(f *File) {
	f.Text("inverseAsm", 0, "dst", "pred", "predStride", "b")
	var p Pool
	cosine, sine := p.One(), p.One()
	f.Fill(cosine, 85627, S4, "R9")
	f.Fill(sine, 35468, S4, "R9")
	product := func(v, k V) V {
		r := p.One()
		f.Words(Same("MUL", r, v, k, S4), Shift("SSHR", r, r, 16, S4))
		return r
	}
	pass := func(b []V) []V {
		a, d := p.One(), p.One()
		f.Op("VADD", a, b[0], b[2], S4)
		f.Op("VSUB", d, b[0], b[2], S4)
		c, t := product(b[1], sine), product(b[3], cosine)
		f.Op("VSUB", c, c, t, S4)
		p.Free(t)
		e, t := product(b[1], cosine), product(b[3], sine)
		f.Op("VADD", e, e, t, S4)
		p.Free(t)
		p.Free(b...)
		y := p.Take(4)
		f.Op("VADD", y[0], a, e, S4)
		f.Op("VADD", y[1], d, c, S4)
		f.Op("VSUB", y[2], d, c, S4)
		f.Op("VSUB", y[3], a, e, S4)
		p.Free(a, c, d, e)
		return y
	}
	b := p.Take(4)
	f.Go("FLDPQ (R3), (F%d, F%d)", b[0], b[2])
	f.Words(Extend(true, b[1], b[0], H8), Extend(true, b[0], b[0], H4), Extend(true, b[3], b[2], H8), Extend(true, b[2], b[2], H4))
	y := pass(b)
	for _, v := range y {
		f.Words(Narrow("XTN", v, v, H4), Extend(true, v, v, H4))
	}
	// Lanes are columns; then they are rows, as the second pass goes along a row.
	f.Transpose4(&p, y, S4, D2)
	y = pass(y)
	f.Transpose4(&p, y, S4, D2)
	// Lanes are columns again.
	q := p.One()
	samples4(f, q, "R1", "R2")
	four := p.One()
	f.Fill(four, 4, H8, "R9")
	f.Words(Narrow("XTN", y[0], y[0], H4), Narrow("XTN", y[0], y[1], H8), Narrow("XTN", y[2], y[2], H4), Narrow("XTN", y[2], y[3], H8))
	for _, v := range []V{y[0], y[2]} {
		f.Op("VADD", v, v, four, H8)
		f.Words(Shift("SSHR", v, v, 3, H8))
	}
	p.Free(y[1], y[3], four)
	lo, hi := p.One(), p.One()
	f.Words(
		Extend(false, lo, q, B8), Extend(false, hi, q, B16),
		Same("SQADD", lo, lo, y[0], H8), Same("SQADD", hi, hi, y[2], H8),
		Narrow("SQXTUN", lo, lo, B8), Narrow("SQXTUN", lo, hi, B16))
	f.Go("MOVD $%d, R8", stride)
	for i := range 4 {
		f.Go("VST1.P V%d.S[%d], (R0)(R8)", lo, i)
	}
	f.Go("RET")
}

func quantize(f *File) {
	f.Text("quantizeAsm", 16, "levels", "b", "q")
	var p Pool
	most := p.One()
	f.Fill(most, 2047, H8, "R9") // maxLevel
	bit := p.One()
	f.Go("MOVD $0x0008000400020001, R9")
	f.Go("VMOV R9, V%d.D[0]", bit)
	f.Go("MOVD $0x0080004000200010, R9")
	f.Go("VMOV R9, V%d.D[1]", bit)
	loss := p.One()
	f.Zero(loss)
	var halves [4][]V // of the coefficients, their steps, what these are inverted, biases
	for i, from := range []string{"(R1)", "(R2)", "32(R2)", "64(R2)"} {
		halves[i] = p.Take(2)
		f.Go("FLDPQ %s, (F%d, F%d)", from, halves[i][0], halves[i][1])
	}
	var masks, levels, values []V
	for half := range 2 {
		c, step, inverse, bias := halves[0][half], halves[1][half], halves[2][half], halves[3][half]
		m, t, u, sign := p.One(), p.One(), p.One(), p.One()
		f.Words(Unary("ABS", m, c, H8))
		f.Op("VADD", m, m, bias, H8)
		f.Words(
			Long("UMULL", t, m, inverse, H4), Long("UMULL", u, m, inverse, H8),
			ShiftNarrow("SHRN", m, t, 16, H4), ShiftNarrow("SHRN", m, u, 16, H8))
		f.Op("VUMIN", m, m, most, H8)
		f.Words(Shift("SSHR", sign, c, 15, H8))
		f.Op("VEOR", m, m, sign, B16)
		f.Op("VSUB", m, m, sign, H8)
		f.Words(Same("MUL", step, m, step, H8))
		levels, values = append(levels, m), append(values, step)
		f.Words(
			Long("SSUBL", t, c, step, H4), Same("MLA", loss, t, t, S4),
			Long("SSUBL", u, c, step, H8), Same("MLA", loss, u, u, S4))
		f.Op("VCMTST", t, m, m, H8)
		f.Op("VAND", t, t, bit, B16)
		masks = append(masks, t)
		p.Free(c, inverse, bias, u, sign)
	}
	f.Go("FSTPQ (F%d, F%d), (R0)", levels[0], levels[1])
	f.Go("FSTPQ (F%d, F%d), (R1)", values[0], values[1])
	f.Go("VSHL $8, %s, %s", masks[1].Go(H8), masks[1].Go(H8))
	f.Op("VORR", masks[0], masks[0], masks[1], B16)
	f.Go("VADDV %s, V%d", masks[0].Go(H8), masks[0])
	f.Go("VMOV V%d.H[0], R3", masks[0])
	f.Go("VADDV %s, V%d", loss.Go(S4), loss)
	f.Go("VMOV V%d.S[0], R4", loss)
	f.Go("MOVD R3, mask+24(FP)")
	f.Go("MOVD R4, loss+32(FP)")
	f.Go("RET")
}

// hadamard4 returns in halfwords, of which each is half the sum of the magnitudes of
// two coefficients, the Hadamard transform of 4x4 differences, rows 0 and 1 in lo,
// 2 and 3 in hi. It gives lo and hi back.
func hadamard4(f *File, p *Pool, lo, hi V) V {
	s, t := p.One(), p.One()
	f.Op("VADD", s, lo, hi, H8) // rows 0+2, 1+3
	f.Op("VSUB", t, lo, hi, H8) // rows 0-2, 1-3
	f.Op("VTRN1", lo, s, t, D2)
	f.Op("VTRN2", hi, s, t, D2)
	f.Op("VADD", s, lo, hi, H8)
	f.Op("VSUB", t, lo, hi, H8)
	p.Free(lo, hi)
	return rows(f, p, s, t)
}

// rows returns what hadamard4 does of two registers of rows of four halfwords, whose
// columns are transformed already. It gives s and t back.
func rows(f *File, p *Pool, s, t V) V {
	a, b := p.One(), p.One()
	f.Op("VTRN1", a, s, t, H8)
	f.Op("VTRN2", b, s, t, H8)
	f.Op("VADD", s, a, b, H8)
	f.Op("VSUB", t, a, b, H8)
	f.Op("VTRN1", a, s, t, S4)
	f.Op("VTRN2", b, s, t, S4)
	p.Free(s, t)
	// The sum of |a + b| and |a - b| is twice the larger of |a| and |b|.
	f.Words(Unary("ABS", a, a, H8), Unary("ABS", b, b, H8))
	f.Op("VUMAX", a, a, b, H8)
	p.Free(b)
	return a
}

func predict4(f *File) {
	f.Text("predict4Picked", 0, "all", "differences", "src", "e", "picks")
	var p Pool
	src := p.One()
	f.Go("MOVD $%d, R8", stride)
	samples4(f, src, "R2", "R8")
	means := p.Row(3) // the edge, means of two, weighted means of three
	e := means[0]
	f.Go("FMOVQ (R3), F%d", e)
	before, after := p.One(), p.One()
	f.Go("VEXT $1, %s, %s, %s", e.Go(B16), e.Go(B16), after.Go(B16))
	f.Words(Same("URHADD", means[1], e, after, B16))
	f.Go("VMOV V%d.B[12], V%d.B[12]", e, after)
	f.Go("VEXT $15, %s, %s, %s", e.Go(B16), e.Go(B16), before.Go(B16))
	f.Go("VMOV V%d.B[0], V%d.B[0]", e, before)
	for _, a := range []Arrangement{B8, B16} {
		s, t := p.One(), p.One()
		f.Words(Long("UADDL", s, before, after, a), Long("UADDL", t, e, e, a))
		f.Op("VADD", s, s, t, H8)
		f.Words(ShiftNarrow("RSHRN", means[2], s, 2, a))
		p.Free(s, t)
	}
	p.Free(before, after)
	compare := func(pred V) {
		f.Go("FMOVQ.P F%d, 16(R0)", pred)
		lo, hi := p.One(), p.One()
		f.Words(Long("USUBL", lo, src, pred, B8), Long("USUBL", hi, src, pred, B16))
		sum := hadamard4(f, &p, lo, hi)
		f.Go("VUADDLV %s, V%d", sum.Go(H8), sum)
		f.Go("FMOVS.P F%d, 4(R1)", sum)
		p.Free(sum)
	}
	above, left := p.One(), p.One()
	f.Go("FLDPQ.P 32(R4), (F%d, F%d)", above, left)
	f.Go("VTBL %s, [%s], %s", above.Go(B16), e.Go(B16), above.Go(B16))
	f.Go("VTBL %s, [%s], %s", left.Go(B16), e.Go(B16), left.Go(B16))

	// DC: the mean of the four samples above and the four to the left, each of which
	// is there four times.
	dc, t := p.One(), p.One()
	f.Go("VUADDLV %s, V%d", above.Go(B16), dc)
	f.Go("VUADDLV %s, V%d", left.Go(B16), t)
	f.Op("VADD", dc, dc, t, H8)
	f.Words(Shift("URSHR", dc, dc, 5, H8))
	f.Go("VDUP V%d.B[0], %s", dc, dc.Go(B16))
	compare(dc)
	p.Free(dc, t)

	// TM: above + left - corner.
	corner, lo, hi := p.One(), p.One(), p.One()
	f.Go("VDUP V%d.B[4], %s", e, corner.Go(B16))
	f.Words(
		Extend(false, corner, corner, B8),
		Long("UADDL", lo, above, left, B8), Long("UADDL", hi, above, left, B16))
	f.Op("VSUB", lo, lo, corner, H8)
	f.Op("VSUB", hi, hi, corner, H8)
	f.Words(Narrow("SQXTUN", lo, lo, B8), Narrow("SQXTUN", lo, hi, B16))
	compare(lo)
	p.Free(corner, lo, hi, above, left)

	for range 8 {
		pick := p.One()
		f.Go("FMOVQ.P 16(R4), F%d", pick)
		f.Go("VTBL %s, [%s, %s, %s], %s", pick.Go(B16), means[0].Go(B16), means[1].Go(B16), means[2].Go(B16), pick.Go(B16))
		compare(pick)
		p.Free(pick)
	}
	f.Go("RET")
}

// difference takes n x n samples, four rows at a time.
func difference(f *File, n int) {
	name := map[int]string{16: "difference16Asm", 8: "difference8Asm"}[n]
	f.Text(name, 4, "src", "pred")
	var p Pool
	total := p.One()
	f.Zero(total)
	f.Go("MOVD $%d, R8", stride)
	f.Go("MOVD $%d, R9", n/4)
	loop := f.NewLabel()
	f.Label(loop)
	halves := []Arrangement{B8, B16}[:n/8]
	d := make([][]V, len(halves)) // of each half, by rows
	for range 4 {
		s, q := p.One(), p.One()
		if n == 16 {
			f.Go("FMOVQ (R0), F%d", s)
			f.Go("FMOVQ.P 16(R1), F%d", q)
		} else {
			f.Go("FMOVD (R0), F%d", s)
			f.Go("FMOVD.P 8(R1), F%d", q)
		}
		f.Go("ADD R8, R0")
		for i, a := range halves {
			r := p.One()
			f.Words(Long("USUBL", r, s, q, a))
			d[i] = append(d[i], r)
		}
		p.Free(s, q)
	}
	for _, d := range d {
		s := p.Take(4)
		f.Op("VADD", s[0], d[0], d[1], H8)
		f.Op("VSUB", s[1], d[0], d[1], H8)
		f.Op("VADD", s[2], d[2], d[3], H8)
		f.Op("VSUB", s[3], d[2], d[3], H8)
		p.Free(d...)
		for i := range 2 {
			// Each register is a row of two blocks, side by side.
			even, odd := p.One(), p.One()
			f.Op("VADD", even, s[i], s[i+2], H8)
			f.Op("VSUB", odd, s[i], s[i+2], H8)
			sum := rows(f, &p, even, odd)
			f.Words(Pairs("UADALP", total, sum, H8))
			p.Free(sum)
		}
	}
	f.Go("SUBS $1, R9")
	f.Go("BNE %s", loop)
	f.Go("VADDV %s, V%d", total.Go(S4), total)
	f.Go("VMOV V%d.S[0], R0", total)
	f.Go("MOVW R0, ret+16(FP)")
	f.Go("RET")
}

// A loopFilter has the constants of a loop filter in registers. It takes 16 samples
// along an edge at a time: of luma, or eight of each plane of chroma.
type loopFilter struct {
	f                                    *File
	p                                    Pool
	limit, interior, high                V
	sign, three, four, nine, halfOf128th V
	s                                    [8]V // the samples across the edge
}

// begin begins a function; more is added to the limit.
func (k *loopFilter) begin(f *File, name string, more int) {
	*k = loopFilter{f: f}
	f.Text(name, 0, "y", "cb", "cr", "yStride", "cStride", "t")
	copy(k.s[:], k.p.Take(8))
	for i, v := range []*V{&k.limit, &k.interior, &k.high} {
		*v = k.p.One()
		f.Go("MOVBU %d(R5), R6", i)
		if i == 0 && more > 0 {
			f.Go("ADD $%d, R6", more)
		}
		f.Go("VDUP R6, %s", v.Go(B16))
	}
	for i, v := range []*V{&k.sign, &k.three, &k.four, &k.nine} {
		*v = k.p.One()
		f.Go("VMOVI $%d, %s", []int{128, 3, 4, 9}[i], v.Go(B16))
	}
	k.halfOf128th = k.p.One()
	f.Fill(k.halfOf128th, 63, H8, "R6")
}

// masks returns which lanes are filtered, and in which of them only the samples next
// to the edge change.
func (k *loopFilter) masks() (filtered, high V) {
	f, s := k.f, &k.s
	inner, t := k.p.One(), k.p.One()
	high = k.p.One()
	f.Words(Same("UABD", inner, s[2], s[3], B16), Same("UABD", t, s[5], s[4], B16))
	f.Op("VUMAX", inner, inner, t, B16)
	f.Words(Same("CMHI", high, inner, k.high, B16))
	for _, i := range []int{0, 1, 5, 6} {
		f.Words(Same("UABD", t, s[i], s[i+1], B16))
		f.Op("VUMAX", inner, inner, t, B16)
	}
	f.Words(Same("CMHS", inner, k.interior, inner, B16))
	// 2 |p0 - q0| + |p1 - q1| / 2.
	over := k.p.One()
	f.Words(Same("UABD", over, s[3], s[4], B16), Same("UQADD", over, over, over, B16), Same("UABD", t, s[2], s[5], B16))
	f.Go("VUSHR $1, %s, %s", t.Go(B16), t.Go(B16))
	f.Words(Same("UQADD", over, over, t, B16), Same("CMHS", over, k.limit, over, B16))
	f.Op("VAND", inner, inner, over, B16)
	k.p.Free(t, over)
	return inner, high
}

// flip turns the samples from the given one on into signed ones, and back.
func (k *loopFilter) flip(from, to int) {
	for _, v := range k.s[from:to] {
		k.f.Op("VEOR", v, v, k.sign, B16)
	}
}

// step adds to w, what the outer samples differ, three times the difference over the edge.
func (k *loopFilter) step(w V) {
	d := k.p.One()
	k.f.Words(Same("SQSUB", d, k.s[4], k.s[3], B16))
	for range 3 {
		k.f.Words(Same("SQADD", w, w, d, B16))
	}
	k.p.Free(d)
}

// towards changes the samples next to the edge by an eighth of w, and returns that of
// the one behind it.
func (k *loopFilter) towards(w V) V {
	a, b := k.p.One(), k.p.One()
	k.f.Words(
		Same("SQADD", a, w, k.four, B16), Same("SQADD", b, w, k.three, B16),
		Shift("SSHR", a, a, 3, B16), Shift("SSHR", b, b, 3, B16),
		Same("SQSUB", k.s[4], k.s[4], a, B16), Same("SQADD", k.s[3], k.s[3], b, B16))
	k.p.Free(b)
	return a
}

// between filters an edge between macroblocks; it changes s[1] to s[6].
func (k *loopFilter) between() {
	f := k.f
	filtered, high := k.masks()
	k.flip(1, 7)
	w := k.p.One()
	f.Words(Same("SQSUB", w, k.s[2], k.s[5], B16))
	k.step(w)
	f.Op("VAND", w, w, filtered, B16)
	f.Op("VAND", high, high, w, B16)
	k.p.Free(filtered, k.towards(high))
	f.Op("VEOR", w, w, high, B16)
	k.p.Free(high)
	lo, hi, sumLo, sumHi, part := k.p.One(), k.p.One(), k.p.One(), k.p.One(), k.p.One()
	f.Words(Long("SMULL", lo, w, k.nine, B8), Long("SMULL", hi, w, k.nine, B16))
	f.Op("VADD", sumLo, lo, k.halfOf128th, H8)
	f.Op("VADD", sumHi, hi, k.halfOf128th, H8)
	for i := range 3 {
		f.Words(
			ShiftNarrow("SQSHRN", part, sumLo, 7, B8), ShiftNarrow("SQSHRN", part, sumHi, 7, B16),
			Same("SQADD", k.s[1+i], k.s[1+i], part, B16), Same("SQSUB", k.s[6-i], k.s[6-i], part, B16))
		if i < 2 {
			f.Op("VADD", sumLo, sumLo, lo, H8)
			f.Op("VADD", sumHi, sumHi, hi, H8)
		}
	}
	k.p.Free(w, lo, hi, sumLo, sumHi, part)
	k.flip(1, 7)
}

// within filters an edge within a macroblock; it changes s[2] to s[5].
func (k *loopFilter) within() {
	f := k.f
	filtered, high := k.masks()
	k.flip(2, 6)
	w := k.p.One()
	f.Words(Same("SQSUB", w, k.s[2], k.s[5], B16))
	f.Op("VAND", w, w, high, B16)
	k.step(w)
	f.Op("VAND", w, w, filtered, B16)
	a := k.towards(w)
	f.Words(Shift("SRSHR", a, a, 1, B16))
	f.Op("VAND", high, high, a, B16)
	f.Op("VEOR", a, a, high, B16)
	f.Words(Same("SQADD", k.s[2], k.s[2], a, B16), Same("SQSUB", k.s[5], k.s[5], a, B16))
	k.p.Free(filtered, high, w, a)
	k.flip(2, 6)
}

// from sets a pointer to so many steps and bytes behind a parameter.
func (k *loopFilter) from(pointer, base, step string, steps, bytes int) {
	switch {
	case steps > 0:
		k.f.Go("MOVD $%d, R7", steps)
		k.f.Go("MADD R7, %s, %s, %s", base, step, pointer)
	default:
		k.f.Go("MOVD %s, %s", base, pointer)
	}
	if bytes > 0 {
		k.f.Go("ADD $%d, %s", bytes, pointer)
	}
}

// rows loads or stores rows of 16 samples of luma from R8 on.
func (k *loopFilter) rows(load bool, s []V) {
	for _, v := range s {
		if load {
			k.f.Go("VLD1.P (R8)(R3), [%s]", v.Go(B16))
		} else {
			k.f.Go("VST1.P [%s], (R8)(R3)", v.Go(B16))
		}
	}
}

// pairs loads or stores rows of eight samples from R8 on, and others from R9 on, which are
// the upper halves of registers.
func (k *loopFilter) pairs(load bool, s []V, step string) {
	for _, v := range s {
		for i, r := range []string{"R8", "R9"} {
			if load {
				k.f.Go("VLD1.P (%s)(%s), V%d.D[%d]", r, step, v, i)
			} else {
				k.f.Go("VST1.P V%d.D[%d], (%s)(%s)", v, i, r, step)
			}
		}
	}
}

// interleave makes of each two registers whose numbers differ by bit the samples of
// both by turns: those of the lower halves in the first one.
func (k *loopFilter) interleave(bit int) {
	for i := range k.s {
		if i&bit == 0 {
			a, b := k.s[i], k.s[i|bit]
			lo, hi := k.p.One(), k.p.One()
			k.f.Op("VZIP1", lo, a, b, B16)
			k.f.Op("VZIP2", hi, a, b, B16)
			k.s[i], k.s[i|bit] = lo, hi
			k.p.Free(a, b)
		}
	}
}

// columns makes columns of 16 rows of eight samples, which are in an order of their
// own, and back.
func (k *loopFilter) columns(back bool) {
	order := func(c int) int { return c>>1&1<<2 | c>>2&1<<1 | c&1 }
	var s [8]V
	if back {
		for c, v := range k.s {
			s[order(c)] = v
		}
		k.s = s
		for _, bit := range []int{2, 4, 1} {
			k.interleave(bit)
		}
		for i := range s {
			s[i] = k.s[i>>1&1<<2|i&1<<1|i>>2]
		}
		k.s = s
		return
	}
	for _, bit := range []int{1, 2, 4, 1} {
		k.interleave(bit)
	}
	for c := range s {
		s[c] = k.s[order(c)]
	}
	k.s = s
}

// across filters the edge in the middle of eight columns, by that filter: of luma from
// the given column on, or of chroma.
func (k *loopFilter) across(filter func(), chroma bool, column int) {
	step := "R3"
	begin := func() {
		if chroma {
			k.from("R8", "R1", "", 0, 0)
			k.from("R9", "R2", "", 0, 0)
			return
		}
		k.from("R8", "R0", "R3", 0, column)
		k.from("R9", "R0", "R3", 8, column)
	}
	if chroma {
		step = "R4"
	}
	begin()
	k.pairs(true, k.s[:], step)
	k.columns(false)
	filter()
	k.columns(true)
	begin()
	k.pairs(false, k.s[:], step)
}

// down filters the edge in the middle of eight rows, of which those from first to end
// change.
func (k *loopFilter) down(filter func(), chroma bool, row, first, end int) {
	if chroma {
		k.from("R8", "R1", "R4", 0, 0)
		k.from("R9", "R2", "R4", 0, 0)
		k.pairs(true, k.s[:], "R4")
		filter()
		k.from("R8", "R1", "R4", first, 0)
		k.from("R9", "R2", "R4", first, 0)
		k.pairs(false, k.s[first:end], "R4")
		return
	}
	k.from("R8", "R0", "R3", row, 0)
	k.rows(true, k.s[:])
	filter()
	k.from("R8", "R0", "R3", row+first, 0)
	k.rows(false, k.s[first:end])
}

func loopFilters(f *File) {
	const betweenMacroblocks = 4
	var k loopFilter
	k.begin(f, "filterTopAsm", betweenMacroblocks)
	k.down(k.between, false, 0, 1, 7)
	k.down(k.between, true, 0, 1, 7)
	f.Go("RET")

	k.begin(f, "filterLeftAsm", betweenMacroblocks)
	k.across(k.between, false, 0)
	k.across(k.between, true, 0)
	f.Go("RET")

	k.begin(f, "filterRowsAsm", 0)
	for i := 0; i < 12; i += 4 {
		k.down(k.within, false, i, 2, 6)
	}
	k.down(k.within, true, 0, 2, 6)
	f.Go("RET")

	k.begin(f, "filterColumnsAsm", 0)
	for i := 0; i < 12; i += 4 {
		k.across(k.within, false, i)
	}
	k.across(k.within, true, 0)
	f.Go("RET")
}

// stretch takes 32 samples at a time.
func stretch(f *File) {
	f.Text("stretchAsm", 0, "p", "n", "base", "factor", "offset")
	var p Pool
	k := p.Take(3)
	for i, v := range k {
		f.Go("VDUP R%d, %s", 2+i, v.Go(H8))
	}
	loop := f.NewLabel()
	f.Label(loop)
	s := p.Take(2)
	f.Go("FLDPQ (R0), (F%d, F%d)", s[0], s[1])
	for _, v := range s {
		lo, hi, t := p.One(), p.One(), p.One()
		f.Words(Extend(false, lo, v, B8), Extend(false, hi, v, B16))
		for _, x := range []V{lo, hi} {
			f.Op("VSUB", x, x, k[0], H8)
			f.Words(Same("SQRDMULH", t, x, k[1], H8))
			f.Op("VADD", x, x, t, H8)
			f.Op("VADD", x, x, k[2], H8)
		}
		f.Words(Narrow("SQXTUN", v, lo, B8), Narrow("SQXTUN", v, hi, B16))
		p.Free(lo, hi, t)
	}
	f.Go("FSTPQ.P (F%d, F%d), 32(R0)", s[0], s[1])
	f.Go("SUBS $1, R1")
	f.Go("BNE %s", loop)
	f.Go("RET")
}
