// Command jpeg generates kernels_arm64.s of package jpeg: the NEON twins of its
// functions whose names end in Generic, equal to the last bit. Products of floats
// are rounded before they are added up, as Go does with its conversions; sums are
// taken in the order of Go's.
package main

import (
	"math"

	. "s3imageserver/resize/_asm/neon"
)

func main() {
	f := NewFile("resize/_asm/jpeg")
	idct4(f)
	idct8(f)
	fdct(f)
	lumaRow(f)
	chromaRow420(f)
	f.Write()
}

// A transform writes floats in lanes of 32 bits.
type transform struct {
	*File
	p Pool
}

// constant returns a register with v in each lane.
func (t *transform) constant(v float32) V {
	r := t.p.One()
	t.Fill(r, math.Float32bits(v), S4, "R9")
	return r
}

// op returns a new register with x op y.
func (t *transform) op(name string, x, y V) V {
	r := t.p.One()
	t.Words(Same(name, r, x, y, S4))
	return r
}

// sumAndDifference gives x and y back and returns x+y and x-y.
func (t *transform) sumAndDifference(x, y V) (sum, difference V) {
	sum, difference = t.op("FADD", x, y), t.op("FSUB", x, y)
	t.p.Free(x, y)
	return sum, difference
}

// replace writes x op y to x.
func (t *transform) replace(name string, x, y V) { t.Words(Same(name, x, x, y, S4)) }

// middle returns a register with 128 in its first lane and zeros in the others.
func (t *transform) middle() V {
	r := t.p.One()
	t.Zero(r)
	t.Go("MOVD $0x%x, R9", math.Float32bits(128))
	t.Go("VMOV R9, V%d.S[0]", r)
	return r
}

// dequantize returns the four coefficients that begin with the i-th one at R2, times
// their steps at R3.
func (t *transform) dequantize(i int) V {
	x, q := t.p.One(), t.p.One()
	t.Go("FMOVD %d(R2), F%d", 2*i, x)
	t.Go("FMOVQ %d(R3), F%d", 4*i, q)
	t.Words(Extend(true, x, x, H4), Unary("SCVTF", x, x, S4), Same("FMUL", x, x, q, S4))
	t.p.Free(q)
	return x
}

func idct4(f *File) {
	f.Text("idct4Asm", 0, "dst", "stride", "b", "q")
	t := &transform{File: f}
	a := t.constant(1.414213562) // aanA
	middle := t.middle()
	// pass is pass4.
	pass := func(x []V) []V {
		even, odd := t.sumAndDifference(x[0], x[2])
		sum, s := t.sumAndDifference(x[1], x[3])
		t.replace("FMUL", s, a)
		t.replace("FSUB", s, sum)
		y := []V{t.op("FADD", even, sum), t.op("FADD", odd, s), t.op("FSUB", odd, s), t.op("FSUB", even, sum)}
		t.p.Free(even, odd, sum, s)
		return y
	}
	x, q := t.p.Take(4), t.p.Take(4)
	f.Go("FLDPQ (R2), (F%d, F%d)", x[0], x[2])
	f.Go("FLDPQ (R3), (F%d, F%d)", q[0], q[1])
	f.Go("FLDPQ 32(R3), (F%d, F%d)", q[2], q[3])
	f.Words(Extend(true, x[1], x[0], H8), Extend(true, x[0], x[0], H4), Extend(true, x[3], x[2], H8), Extend(true, x[2], x[2], H4))
	for i, v := range x {
		f.Words(Unary("SCVTF", v, v, S4), Same("FMUL", v, v, q[i], S4))
	}
	t.p.Free(q...)
	t.replace("FADD", x[0], middle)
	y := pass(x)
	f.Transpose4(&t.p, y, S4, D2)
	y = pass(y)
	for _, v := range y {
		f.Words(Unary("FCVTNS", v, v, S4))
	}
	f.Words(
		Narrow("SQXTN", y[0], y[0], H4), Narrow("SQXTN", y[0], y[1], H8),
		Narrow("SQXTN", y[2], y[2], H4), Narrow("SQXTN", y[2], y[3], H8),
		Narrow("SQXTUN", y[0], y[0], B8), Narrow("SQXTUN", y[0], y[2], B16))
	for i := range 4 {
		f.Go("VST1.P V%d.S[%d], (R0)(R1)", y[0], i)
	}
	f.Go("RET")
}

// idct8 has the first pass for the left and the right half of the columns, and the
// second one for those of the rows. Zeros need no way of their own: they change
// nothing.
func idct8(f *File) {
	f.Text("idct8Asm", 0, "dst", "stride", "b", "q")
	t := &transform{File: f}
	a, b, c, d := t.constant(1.414213562), t.constant(1.847759065), t.constant(-1.082392200), t.constant(-2.613125930)
	// pass is pass8.
	pass := func(x []V) []V {
		a0, a1 := t.sumAndDifference(x[0], x[4])
		a3, a2 := t.sumAndDifference(x[2], x[6])
		t.replace("FMUL", a2, a)
		t.replace("FSUB", a2, a3)
		e0, e3 := t.sumAndDifference(a0, a3)
		e1, e2 := t.sumAndDifference(a1, a2)

		z13, z10 := t.sumAndDifference(x[5], x[3])
		z11, z12 := t.sumAndDifference(x[1], x[7])
		o7, o11 := t.sumAndDifference(z11, z13)
		t.replace("FMUL", o11, a)
		z5 := t.op("FADD", z10, z12)
		t.replace("FMUL", z5, b)
		o10, o12 := z12, z10
		t.replace("FMUL", o10, c)
		t.replace("FADD", o10, z5)
		t.replace("FMUL", o12, d)
		t.replace("FADD", o12, z5)
		t.p.Free(z5)
		o6, o5, o4 := o12, o11, o10
		t.replace("FSUB", o6, o7)
		t.replace("FSUB", o5, o6)
		t.replace("FSUB", o4, o5)
		y0, y7 := t.sumAndDifference(e0, o7)
		y1, y6 := t.sumAndDifference(e1, o6)
		y2, y5 := t.sumAndDifference(e2, o5)
		y3, y4 := t.sumAndDifference(e3, o4)
		return []V{y0, y1, y2, y3, y4, y5, y6, y7}
	}
	var half [2][]V
	for i := range half {
		x := make([]V, 8)
		for u := range x {
			x[u] = t.dequantize(8*u + 4*i)
		}
		if i == 0 {
			middle := t.middle()
			t.replace("FADD", x[0], middle)
			t.p.Free(middle)
		}
		half[i] = pass(x)
	}
	// Lanes of half are rows, 0 to 3 and 4 to 7; those of rows are columns.
	for i := range half {
		f.Transpose4(&t.p, half[i][:4], S4, D2)
		f.Transpose4(&t.p, half[i][4:], S4, D2)
	}
	var rows [2][]V
	for i := range rows {
		rows[i] = pass(append(append([]V{}, half[0][4*i:][:4]...), half[1][4*i:][:4]...))
		for _, v := range rows[i] {
			f.Words(Unary("FCVTNS", v, v, S4))
		}
	}
	for y := range 8 {
		left, right := rows[0][y], rows[1][y]
		f.Words(Narrow("SQXTN", left, left, H4), Narrow("SQXTN", left, right, H8), Narrow("SQXTUN", left, left, B8))
		f.Go("FMOVD F%d, (R0)", left)
		if y < 7 {
			f.Go("ADD R1, R0")
		}
	}
	f.Go("RET")
}

// fdct has the columns first, as fdctGeneric.
func fdct(f *File) {
	f.Text("fdctAsm", 8, "dst", "src", "stride", "recip")
	t := &transform{File: f}
	a, b, c, d := t.constant(0.707106781), t.constant(0.382683433), t.constant(0.541196100), t.constant(1.306562965)
	// line is fdctLine.
	line := func(x []V) []V {
		t0, t7 := t.sumAndDifference(x[0], x[7])
		t1, t6 := t.sumAndDifference(x[1], x[6])
		t2, t5 := t.sumAndDifference(x[2], x[5])
		t3, t4 := t.sumAndDifference(x[3], x[4])

		t10, t13 := t.sumAndDifference(t0, t3)
		t11, t12 := t.sumAndDifference(t1, t2)
		y0, y4 := t.sumAndDifference(t10, t11)
		t.replace("FADD", t12, t13)
		t.replace("FMUL", t12, a)
		y2, y6 := t.sumAndDifference(t13, t12)

		t.replace("FADD", t4, t5) // t10
		t.replace("FADD", t5, t6) // t11
		t.replace("FADD", t6, t7) // t12
		z5 := t.op("FSUB", t4, t6)
		t.replace("FMUL", z5, b)
		t.replace("FMUL", t4, c)
		t.replace("FADD", t4, z5) // z2
		t.replace("FMUL", t6, d)
		t.replace("FADD", t6, z5) // z4
		t.p.Free(z5)
		t.replace("FMUL", t5, a) // z3
		z11, z13 := t.sumAndDifference(t7, t5)
		y5, y3 := t.sumAndDifference(z13, t4)
		y1, y7 := t.sumAndDifference(z11, t6)
		return []V{y0, y1, y2, y3, y4, y5, y6, y7}
	}
	// Lanes are columns, 0 to 3 and 4 to 7.
	var half [2][]V
	for y := range 8 {
		left, right := t.p.One(), t.p.One()
		f.Go("FMOVD (R1), F%d", left)
		if y < 7 {
			f.Go("ADD R2, R1")
		}
		f.Words(Extend(false, left, left, B8), Extend(false, right, left, H8), Extend(false, left, left, H4))
		f.Words(Unary("UCVTF", left, left, S4), Unary("UCVTF", right, right, S4))
		half[0], half[1] = append(half[0], left), append(half[1], right)
	}
	for i := range half {
		half[i] = line(half[i])
		f.Transpose4(&t.p, half[i][:4], S4, D2)
		f.Transpose4(&t.p, half[i][4:], S4, D2)
	}
	// Lanes are vertical frequencies now, 0 to 3 and 4 to 7.
	var out [2][]V
	for i := range out {
		out[i] = line(append(append([]V{}, half[0][4*i:][:4]...), half[1][4*i:][:4]...))
	}
	t.p.Free(a, b, c, d)
	level := t.p.One()
	f.Zero(level)
	f.Go("MOVD $0x%x, R9", math.Float32bits(64*128)) // fdctLevel
	f.Go("VMOV R9, V%d.S[0]", level)
	t.replace("FSUB", out[0][0], level)
	t.p.Free(level)
	for u := range 8 {
		left, right := out[0][u], out[1][u]
		q0, q1 := t.p.One(), t.p.One()
		f.Go("FLDPQ.P 32(R3), (F%d, F%d)", q0, q1)
		t.replace("FMUL", left, q0)
		t.replace("FMUL", right, q1)
		f.Words(
			Unary("FCVTNS", left, left, S4), Unary("FCVTNS", right, right, S4),
			Narrow("XTN", left, left, H4), Narrow("XTN", left, right, H8))
		f.Go("FMOVQ.P F%d, 16(R0)", left)
		t.p.Free(q0, q1, right)
	}
	// A bit for each coefficient that is not 0: sums of lanes that have one bit each.
	bit := t.p.One()
	f.Go("MOVD $0x0008000400020001, R9")
	f.Go("VMOV R9, V%d.D[0]", bit)
	f.Go("MOVD $0x0080004000200010, R9")
	f.Go("VMOV R9, V%d.D[1]", bit)
	m := out[0]
	for _, v := range m {
		f.Op("VCMTST", v, v, v, H8)
		f.Op("VAND", v, v, bit, B16)
	}
	for n := 8; n > 1; n /= 2 {
		for i := range n / 2 {
			f.Op("VADDP", m[i], m[2*i], m[2*i+1], H8)
		}
	}
	f.Words(Narrow("XTN", m[0], m[0], B8))
	f.Go("VMOV V%d.D[0], R0", m[0])
	f.Go("MOVD R0, nonzero+32(FP)")
	f.Go("RET")
}

// lumaRow makes eight samples at a time.
func lumaRow(f *File) {
	f.Text("lumaRowAsm", 0, "dst", "rgb", "groups")
	var p Pool
	weights := p.One()
	for i, w := range []int{19595, 38470, 7471} {
		f.Go("MOVD $%d, R9", w)
		f.Go("VMOV R9, V%d.H[%d]", weights, i)
	}
	loop := f.NewLabel()
	f.Label(loop)
	x := p.Row(4)
	f.Go("VLD4.P 32(R1), [%s, %s, %s, %s]", x[0].Go(B8), x[1].Go(B8), x[2].Go(B8), x[3].Go(B8))
	sum, out := p.Take(2), p.One()
	for i, v := range x[:3] {
		name := "UMLAL"
		if i == 0 {
			name = "UMULL"
		}
		f.Words(Extend(false, v, v, B8), LongLane(name, sum[0], v, weights, i, H4), LongLane(name, sum[1], v, weights, i, H8))
	}
	f.Words(ShiftNarrow("RSHRN", out, sum[0], 16, H4), ShiftNarrow("RSHRN", out, sum[1], 16, H8), Narrow("XTN", out, out, B8))
	f.Go("FMOVD.P F%d, 8(R0)", out)
	f.Go("SUBS $1, R2")
	f.Go("BNE %s", loop)
	f.Go("RET")
}

// chromaRow420 makes eight samples at a time, of two rows of sixteen pixels. Weights
// are subtracted, since that of 32768 fits in a halfword only with its sign.
func chromaRow420(f *File) {
	f.Text("chromaRow420Asm", 0, "cb", "cr", "a", "b", "groups")
	var p Pool
	weights, half := p.One(), p.One()
	for i, w := range []int{11056, 21712, -32768, -32768, 27440, 5328} {
		f.Go("MOVD $0x%x, R9", uint16(w))
		f.Go("VMOV R9, V%d.H[%d]", weights, i)
	}
	f.Fill(half, 257<<17, S4, "R9")
	loop := f.NewLabel()
	f.Label(loop)
	var sums []V // of two by two pixels: red, green, blue
	for row, from := range []string{"R2", "R3"} {
		x := p.Row(4)
		f.Go("VLD4.P 64(%s), [%s, %s, %s, %s]", from, x[0].Go(B16), x[1].Go(B16), x[2].Go(B16), x[3].Go(B16))
		for i, v := range x[:3] {
			if row == 0 {
				sums = append(sums, p.One())
				f.Words(Pairs("UADDLP", sums[i], v, B16))
			} else {
				f.Words(Pairs("UADALP", sums[i], v, B16))
			}
		}
		p.Free(x...)
	}
	for channel := range 2 {
		narrow := p.One()
		for _, a := range []Arrangement{H4, H8} {
			sum := p.One()
			f.Copy(sum, half)
			for i, v := range sums {
				f.Words(LongLane("SMLSL", sum, v, weights, 3*channel+i, a))
			}
			f.Words(Shift("SSHR", sum, sum, 2, S4), ShiftNarrow("SQSHRUN", narrow, sum, 16, a))
			p.Free(sum)
		}
		f.Words(Narrow("UQXTN", narrow, narrow, B8))
		f.Go("FMOVD.P F%d, 8(R%d)", narrow, channel)
		p.Free(narrow)
	}
	f.Go("SUBS $1, R4")
	f.Go("BNE %s", loop)
	f.Go("RET")
}
