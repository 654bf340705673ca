// Command scale generates rows_arm64.s of package scale: the NEON twins of its
// functions whose names end in Generic, equal to the last bit.
package main

import . "s3imageserver/resize/_asm/neon"

func main() {
	f := NewFile("resize/_asm/scale")
	hrow(f)
	vrow(f)
	ycbcrRow(f)
	splitRow(f)
	premultiplyRow(f)
	f.Write()
}

// unrolled are the numbers of taps that hrow has a way of its own for: those of
// reductions by up to 5, which is most that follow a scaled decoding.
var unrolled = []int{8, 16, 24, 32}

// hrow makes four sums at a time; ADDP adds up the lanes of four registers by three
// instructions, in order.
func hrow(f *File) {
	f.Text("hrowAsm", 0, "dst", "src", "start", "weights", "taps", "groups")
	var p Pool
	half := p.One()
	f.Fill(half, 128, S4, "R6")
	f.Go("LSL $1, R5")
	ways := make([]string, len(unrolled))
	for i, taps := range unrolled {
		ways[i] = f.NewLabel()
		f.Go("CMP $%d, R4", taps)
		f.Go("BEQ %s", ways[i])
	}
	sum := p.Take(4)
	s, t, w0, w1 := p.One(), p.One(), p.One(), p.One()
	// product is the instruction that begins a sum, or adds to it.
	product := func(first bool) string {
		if first {
			return "SMULL"
		}
		return "SMLAL"
	}
	eight := func(a V, first bool) {
		f.Go("FMOVD (R7), F%d", s)
		f.Go("FMOVQ.P 16(R3), F%d", w0)
		f.Words(Extend(false, t, s, B8), Long(product(first), a, t, w0, H4), Long("SMLAL", a, t, w0, H8))
	}
	sixteen := func(a V, first bool) {
		f.Go("FMOVQ.P 16(R7), F%d", s)
		f.Go("FLDPQ.P 32(R3), (F%d, F%d)", w0, w1)
		f.Words(
			Extend(false, t, s, B8), Extend(false, s, s, B16),
			Long(product(first), a, t, w0, H4), Long("SMLAL", a, t, w0, H8),
			Long("SMLAL", a, s, w1, H4), Long("SMLAL", a, s, w1, H8))
	}
	// loop makes all results, four at a time, by what makes the sum of the products at R7.
	loop := func(products func(a V)) {
		again := f.NewLabel()
		f.Label(again)
		for i, a := range sum {
			f.Go("%s", []string{"LDPSW.P 8(R2), (R7, R10)", "ADD R1, R10, R7"}[i%2])
			if i%2 == 0 {
				f.Go("ADD R1, R7")
			}
			products(a)
		}
		f.Op("VADDP", sum[0], sum[0], sum[1], S4)
		f.Op("VADDP", sum[2], sum[2], sum[3], S4)
		f.Op("VADDP", sum[0], sum[0], sum[2], S4)
		f.Op("VADD", sum[0], sum[0], half, S4)
		f.Words(ShiftNarrow("SQSHRN", sum[0], sum[0], 8, H4))
		f.Go("FMOVD.P F%d, 8(R0)", sum[0])
		f.Go("SUBS $1, R5")
		f.Go("BNE %s", again)
		f.Go("RET")
	}
	loop(func(a V) {
		more, rest := f.NewLabel(), f.NewLabel()
		sixteen(a, true)
		f.Go("SUBS $32, R4, R8")
		f.Label(more)
		sixteen(a, false)
		f.Go("SUBS $16, R8")
		f.Go("BGE %s", more)
		f.Go("TBZ $3, R8, %s", rest)
		eight(a, false)
		f.Label(rest)
	})
	for i, taps := range unrolled {
		f.Label(ways[i])
		loop(func(a V) {
			n := 0
			for ; n+16 <= taps; n += 16 {
				sixteen(a, n == 0)
			}
			if n < taps {
				eight(a, n == 0)
			}
		})
	}
}

// vrow makes 32, then 16 columns at a time, row by row: SMLAL takes a row as it
// is. UZP2 picks the upper halves of the sums, SQSHRUN shifts by the rest of 20 bits.
func vrow(f *File) {
	f.Text("vrowAsm", 0, "dst", "ring", "stride", "weights", "pairs", "n")
	var p Pool
	round := p.One()
	f.Fill(round, 1<<19, S4, "R6")
	f.Go("LSL $1, R4")
	columns := func(n int) []V {
		sum, w := p.Take(n/4), p.One()
		for _, a := range sum {
			f.Copy(a, round)
		}
		f.Go("MOVD R1, R7")
		f.Go("MOVD R3, R8")
		f.Go("MOVD R4, R9")
		row := f.NewLabel()
		f.Label(row)
		f.Go("VLD1R.P 2(R8), [%s]", w.Go(H8))
		x := p.Take(n / 8)
		for i := 0; i < len(x); i += 2 {
			f.Go("FLDPQ %d(R7), (F%d, F%d)", 16*i, x[i], x[i+1])
		}
		f.Go("ADD R2, R7")
		for i, x := range x {
			f.Words(Long("SMLAL", sum[2*i], x, w, H4), Long("SMLAL", sum[2*i+1], x, w, H8))
		}
		f.Go("SUBS $1, R9")
		f.Go("BNE %s", row)
		var out []V
		for i := 0; i < len(sum); i += 4 {
			a := sum[i : i+4]
			f.Op("VUZP2", a[0], a[0], a[1], H8)
			f.Op("VUZP2", a[2], a[2], a[3], H8)
			f.Words(ShiftNarrow("SQSHRUN", a[0], a[0], 4, B8), ShiftNarrow("SQSHRUN", a[0], a[2], 4, B16))
			out = append(out, a[0])
		}
		p.Free(sum...)
		p.Free(x...)
		p.Free(w)
		return out
	}
	wide, narrow, done := f.NewLabel(), f.NewLabel(), f.NewLabel()
	f.Label(wide)
	f.Go("CMP $32, R5")
	f.Go("BLT %s", narrow)
	r := columns(32)
	f.Go("FSTPQ (F%d, F%d), (R0)", r[0], r[1])
	f.Go("ADD $32, R0")
	f.Go("ADD $64, R1")
	f.Go("SUB $32, R5")
	f.Go("B %s", wide)
	f.Label(narrow)
	f.Go("CBZ R5, %s", done)
	r = columns(16)
	f.Go("FMOVQ F%d, (R0)", r[0])
	f.Label(done)
	f.Go("RET")
}

// ycbcrRow makes eight pixels at a time, in lanes of 32 bits: a product with 17 bits
// of weight fits no less.
func ycbcrRow(f *File) {
	f.Text("ycbcrRowAsm", 0, "dst", "y", "cb", "cr", "groups")
	var p Pool
	out := p.Row(4) // red, green, blue, alpha
	f.Go("VMOVI $255, %s", out[3].Go(B8))
	middle := p.One()
	f.Go("VMOVI $128, %s", middle.Go(B8))
	constant := func(v int32) V {
		r := p.One()
		f.Fill(r, uint32(v), S4, "R6")
		return r
	}
	ky, kr, kgb, kgr, kb := constant(0x10101), constant(91881), constant(22554), constant(46802), constant(116130)
	loop := f.NewLabel()
	f.Label(loop)
	y, cb, cr := p.One(), p.One(), p.One()
	f.Go("FMOVD.P 8(R1), F%d", y)
	f.Go("FMOVD.P 8(R2), F%d", cb)
	f.Go("FMOVD.P 8(R3), F%d", cr)
	f.Words(Extend(false, y, y, B8), Long("USUBL", cb, cb, middle, B8), Long("USUBL", cr, cr, middle, B8))
	part := p.Take(3) // of the pixels: halfwords in 16 bits
	for _, a := range []Arrangement{H4, H8} {
		l, b, r, t := p.One(), p.One(), p.One(), p.One()
		f.Words(Extend(false, l, y, a), Extend(true, b, cb, a), Extend(true, r, cr, a), Same("MUL", l, l, ky, S4))
		f.Copy(t, l)
		f.Words(Same("MLA", t, r, kr, S4), ShiftNarrow("SQSHRUN", part[0], t, 16, a))
		f.Copy(t, l)
		f.Words(Same("MLS", t, b, kgb, S4), Same("MLS", t, r, kgr, S4), ShiftNarrow("SQSHRUN", part[1], t, 16, a))
		f.Words(Same("MLA", l, b, kb, S4), ShiftNarrow("SQSHRUN", part[2], l, 16, a))
		p.Free(l, b, r, t)
	}
	for i, v := range part {
		f.Words(Narrow("UQXTN", out[i], v, B8))
	}
	f.Go("VST4.P [%s, %s, %s, %s], 32(R0)", out[0].Go(B8), out[1].Go(B8), out[2].Go(B8), out[3].Go(B8))
	f.Go("SUBS $1, R4")
	f.Go("BNE %s", loop)
	f.Go("RET")
}

// loadPixels reads eight pixels of four bytes into four registers.
func loadPixels(f *File, p *Pool) []V {
	x := p.Row(4)
	f.Go("VLD4.P 32(R4), [%s, %s, %s, %s]", x[0].Go(B8), x[1].Go(B8), x[2].Go(B8), x[3].Go(B8))
	return x
}

func storePlanes(f *File, x []V) {
	for i, v := range x {
		f.Go("FMOVD.P F%d, 8(R%d)", v, i)
	}
}

func splitRow(f *File) {
	f.Text("splitRowAsm", 0, "red", "green", "blue", "alpha", "src", "groups")
	var p Pool
	loop := f.NewLabel()
	f.Label(loop)
	storePlanes(f, loadPixels(f, &p))
	f.Go("SUBS $1, R5")
	f.Go("BNE %s", loop)
	f.Go("RET")
}

// premultiplyRow has t = c*a + 128, and (t + t>>8) >> 8.
func premultiplyRow(f *File) {
	f.Text("premultiplyRowAsm", 0, "red", "green", "blue", "alpha", "src", "groups")
	var p Pool
	half := p.One()
	f.Fill(half, 128, H8, "R6")
	loop := f.NewLabel()
	f.Label(loop)
	x := loadPixels(f, &p)
	for _, c := range x[:3] {
		t, u := p.One(), p.One()
		f.Words(Long("UMULL", t, c, x[3], B8))
		f.Op("VADD", t, t, half, H8)
		f.Go("VUSHR $8, %s, %s", t.Go(H8), u.Go(H8))
		f.Op("VADD", t, t, u, H8)
		f.Words(ShiftNarrow("SHRN", c, t, 8, B8))
		p.Free(t, u)
	}
	storePlanes(f, x)
	f.Go("SUBS $1, R5")
	f.Go("BNE %s", loop)
	f.Go("RET")
}
