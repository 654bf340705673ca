// Command _asm generates ../kernels_amd64.s, the kernels of package av1.
//
// Residuals and coefficients are 32 bits wide, eight to a register; widths are
// multiples of eight.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	steps()
	moves()
	transpose()
	scale()
	add()
	residual()
	satd()
	large()
	dequantize()
	paeth()
	smooth()
	Generate()
}

// at is i bytes behind base.
func at(base Register, i int) Mem { return Mem{Base: base, Disp: i} }

// load returns a parameter in a new register.
func load(name string) Register { return Load(Param(name), GP64()) }

// single returns a parameter of 32 bits in a vector.
func single(name string) VecVirtual {
	r, x := Load(Param(name), GP32()), XMM()
	VMOVD(r, x)
	return x
}

// broadcast returns a parameter of 32 bits eight times.
func broadcast(name string) VecVirtual {
	y := YMM()
	VPBROADCASTD(single(name), y)
	return y
}

// loop repeats body n times; n is counted down, and none if it is 0.
func loop(name string, n Register, body func()) {
	TESTQ(n, n)
	JZ(LabelRef(name + "End"))
	Label(name)
	body()
	DECQ(n)
	JNZ(LabelRef(name))
	Label(name + "End")
}

func steps() {
	TEXT("stepsAsm", NOSPLIT, "func(data *int32, stride, groups int, steps *int32, runs *[2]int32, pairs int, limit int32)")
	Doc("stepsAsm does steps to the rows of data.")
	data, stride, groups := load("data"), load("stride"), load("groups")
	high := broadcast("limit")
	low, ones, round := YMM(), YMM(), YMM()
	VPCMPEQD(ones, ones, ones)
	VPXOR(ones, high, low)
	VPSRLD(U8(31), ones, round)
	VPSLLD(U8(11), round, round)
	loop("group", groups, func() {
		steps, runs, pairs := load("steps"), load("runs"), load("pairs")
		a, b, n := GP64(), GP64(), GP64()
		rows := func() {
			MOVLQSX(at(steps, 0), a)
			MOVLQSX(at(steps, 4), b)
			IMULQ(stride, a)
			IMULQ(stride, b)
			ADDQ(data, a)
			ADDQ(data, b)
		}
		loop("pair", pairs, func() {
			MOVLQSX(at(runs, 0), n)
			loop("rotation", n, func() {
				rows()
				x, y, c, s := YMM(), YMM(), YMM(), YMM()
				VMOVDQU(at(a, 0), x)
				VMOVDQU(at(b, 0), y)
				VPBROADCASTD(at(steps, 8), c)
				VPBROADCASTD(at(steps, 12), s)
				xs, yc := YMM(), YMM()
				VPMULLD(s, x, xs)
				VPMULLD(c, y, yc)
				VPMULLD(c, x, x)
				VPMULLD(s, y, y)
				VPSUBD(y, x, x)
				VPADDD(xs, yc, yc)
				VPADDD(round, x, x)
				VPADDD(round, yc, yc)
				VPSRAD(U8(12), x, x)
				VPSRAD(U8(12), yc, yc)
				VMOVDQU(x, at(a, 0))
				VMOVDQU(yc, at(b, 0))
				ADDQ(U8(16), steps)
			})
			MOVLQSX(at(runs, 4), n)
			loop("hadamard", n, func() {
				rows()
				x, y, d := YMM(), YMM(), YMM()
				VMOVDQU(at(a, 0), x)
				VMOVDQU(at(b, 0), y)
				VPSUBD(y, x, d)
				VPADDD(y, x, x)
				VPMINSD(high, x, x)
				VPMINSD(high, d, d)
				VPMAXSD(low, x, x)
				VPMAXSD(low, d, d)
				VMOVDQU(x, at(a, 0))
				VMOVDQU(d, at(b, 0))
				ADDQ(U8(16), steps)
			})
			ADDQ(U8(8), runs)
		})
		ADDQ(U8(32), data)
	})
	VZEROUPPER()
	RET()
}

func moves() {
	TEXT("movesAsm", NOSPLIT, "func(dst, src *int32, stride, groups int, moves *int32, n int)")
	Doc("movesAsm copies rows of src to those of dst, with their signs.")
	dst, src, stride, groups := load("dst"), load("src"), load("stride"), load("groups")
	loop("group", groups, func() {
		moves, n := load("moves"), load("n")
		a, b := GP64(), GP64()
		loop("move", n, func() {
			MOVLQSX(at(moves, 0), a)
			MOVLQSX(at(moves, 4), b)
			IMULQ(stride, a)
			IMULQ(stride, b)
			x, s := YMM(), YMM()
			VPBROADCASTD(at(moves, 8), s)
			VMOVDQU(Mem{Base: src, Index: b, Scale: 1}, x)
			VPSIGND(s, x, x)
			VMOVDQU(x, Mem{Base: dst, Index: a, Scale: 1})
			ADDQ(U8(12), moves)
		})
		ADDQ(U8(32), src)
		ADDQ(U8(32), dst)
	})
	VZEROUPPER()
	RET()
}

func transpose() {
	TEXT("transposeAsm", NOSPLIT, "func(dst, src *int32, w, h int)")
	Doc("transposeAsm writes the w by h matrix src as the h by w matrix dst.")
	dst, src, w, h := load("dst"), load("src"), load("w"), load("h")
	ws, hs := GP64(), GP64() // strides
	MOVQ(w, ws)
	SHLQ(U8(2), ws)
	MOVQ(h, hs)
	SHLQ(U8(2), hs)
	SHRQ(U8(3), w)
	SHRQ(U8(3), h)
	loop("row", h, func() {
		from, to, n := GP64(), GP64(), GP64()
		MOVQ(src, from)
		MOVQ(dst, to)
		MOVQ(w, n)
		loop("tile", n, func() {
			var r [8]VecVirtual
			p := GP64()
			MOVQ(from, p)
			for i := range r {
				r[i] = YMM()
				VMOVDQU(Mem{Base: p}, r[i])
				if i < 7 {
					ADDQ(ws, p)
				}
			}
			pairs := func(lo, hi func(a, b, c Op), d int) {
				for i := range 8 {
					if i&d != 0 {
						continue
					}
					t := YMM()
					lo(r[i+d], r[i], t)
					hi(r[i+d], r[i], r[i+d])
					r[i] = t
				}
			}
			pairs(func(a, b, c Op) { VPUNPCKLDQ(a, b, c) }, func(a, b, c Op) { VPUNPCKHDQ(a, b, c) }, 1)
			// r[i] has columns 0, 1 of rows i, i+1; r[i+1] has 2, 3.
			pairs(func(a, b, c Op) { VPUNPCKLQDQ(a, b, c) }, func(a, b, c Op) { VPUNPCKHQDQ(a, b, c) }, 2)
			// r[0], r[2], r[1], r[3] are columns 0 to 3 of rows 0 to 3, in both halves 4 apart.
			pairs(func(a, b, c Op) { VPERM2I128(U8(0x20), a, b, c) }, func(a, b, c Op) { VPERM2I128(U8(0x31), a, b, c) }, 4)
			MOVQ(to, p)
			for i, k := range [8]int{0, 2, 1, 3, 4, 6, 5, 7} {
				VMOVDQU(r[k], Mem{Base: p})
				if i < 7 {
					ADDQ(hs, p)
				}
			}
			ADDQ(U8(32), from)
			LEAQ(Mem{Base: to, Index: hs, Scale: 8}, to)
		})
		LEAQ(Mem{Base: src, Index: ws, Scale: 8}, src)
		ADDQ(U8(32), dst)
	})
	VZEROUPPER()
	RET()
}

func scale() {
	TEXT("scaleAsm", NOSPLIT, "func(data *int32, n int, factor, round, shift, limit int32)")
	Doc("scaleAsm makes of 8 times n numbers x (x·factor+round)>>shift, at most limit.")
	data, n := load("data"), load("n")
	factor, round, high := broadcast("factor"), broadcast("round"), broadcast("limit")
	ones, low := YMM(), YMM()
	VPCMPEQD(ones, ones, ones)
	VPXOR(ones, high, low)
	shift := single("shift")
	loop("eight", n, func() {
		x := YMM()
		VPMULLD(at(data, 0), factor, x)
		VPADDD(round, x, x)
		VPSRAD(shift, x, x)
		VPMINSD(high, x, x)
		VPMAXSD(low, x, x)
		VMOVDQU(x, at(data, 0))
		ADDQ(U8(32), data)
	})
	VZEROUPPER()
	RET()
}

func add() {
	TEXT("addAsm", NOSPLIT, "func(dst *uint8, stride int, pred *uint8, residual *int32, w, h int)")
	Doc("addAsm writes the sums of pred and residual, 8 times w samples wide.")
	dst, stride, pred, r, w, h := load("dst"), load("stride"), load("pred"), load("residual"), load("w"), load("h")
	loop("row", h, func() {
		to, n := GP64(), GP64()
		MOVQ(dst, to)
		MOVQ(w, n)
		loop("eight", n, func() {
			x := YMM()
			VPMOVZXBD(at(pred, 0), x)
			VPADDD(at(r, 0), x, x)
			high := XMM()
			VEXTRACTI128(U8(1), x, high)
			VPACKSSDW(high, x.AsX(), high)
			VPACKUSWB(high, high, high)
			VMOVQ(high, at(to, 0))
			ADDQ(U8(8), pred)
			ADDQ(U8(8), to)
			ADDQ(U8(32), r)
		})
		ADDQ(stride, dst)
	})
	VZEROUPPER()
	RET()
}

// sum adds the eight numbers of x and stores them as 64 bits.
func sum(x VecVirtual, result string) {
	t := XMM()
	VEXTRACTI128(U8(1), x, t)
	VPADDD(t, x.AsX(), t)
	u := XMM()
	VPSHUFD(U8(0x4e), t, u)
	VPADDD(u, t, t)
	VPSHUFD(U8(0xb1), t, u)
	VPADDD(u, t, t)
	g := GP32()
	VMOVD(t, g)
	Store(g.As64(), Return(result))
}

func residual() {
	TEXT("residualAsm", NOSPLIT, "func(dst *int32, src *uint8, stride int, pred *uint8, w, h int) (energy, still uint64)")
	Doc("residualAsm writes src less pred, 8 times w samples wide.")
	dst, src, stride, pred, w, h := load("dst"), load("src"), load("stride"), load("pred"), load("w"), load("h")
	energy, still, two := YMM(), YMM(), YMM()
	VPXOR(energy, energy, energy)
	VPXOR(still, still, still)
	VPCMPEQD(two, two, two)
	VPSRLD(U8(31), two, two)
	VPSLLD(U8(1), two, two)
	loop("row", h, func() {
		from, n := GP64(), GP64()
		MOVQ(src, from)
		MOVQ(w, n)
		loop("eight", n, func() {
			x, y := YMM(), YMM()
			VPMOVZXBD(at(from, 0), x)
			VPMOVZXBD(at(pred, 0), y)
			VPSUBD(y, x, x)
			VMOVDQU(x, at(dst, 0))
			VPABSD(x, y)
			VPMULLD(x, x, x)
			VPADDD(x, energy, energy)
			VPCMPGTD(y, two, y)
			VPSUBD(y, still, still)
			ADDQ(U8(8), from)
			ADDQ(U8(8), pred)
			ADDQ(U8(32), dst)
		})
		ADDQ(stride, src)
	})
	sum(energy, "energy")
	sum(still, "still")
	VZEROUPPER()
	RET()
}

func satd() {
	signs := func(name string, v ...int16) Mem {
		m := GLOBL(name, RODATA|NOPTR)
		for i := range 16 {
			DATA(2*i, U16(uint16(v[i%len(v)])))
		}
		return m
	}
	one, two := signs("signsSingle", 1, -1), signs("signsDouble", 1, 1, -1, -1)
	ones := signs("ones", 1)
	TEXT("satdAsm", NOSPLIT, "func(src *uint8, stride int, pred *uint8, w, h int) (sum uint64)")
	Doc("satdAsm is four times the sum for a block 8 times w by 4 times h.")
	src, stride, pred, w, h := load("src"), load("stride"), load("pred"), load("w"), load("h")
	width := GP64()
	MOVQ(w, width)
	SHLQ(U8(3), width)
	total := YMM()
	VPXOR(total, total, total)
	loop("rows", h, func() {
		from, to, n := GP64(), GP64(), GP64()
		MOVQ(src, from)
		MOVQ(pred, to)
		MOVQ(w, n)
		loop("eight", n, func() {
			a, b := GP64(), GP64()
			MOVQ(from, a)
			MOVQ(to, b)
			// The first four rows of 8 samples: rows 0, 1 in one register, 2, 3 in another.
			var d [2]VecVirtual
			for i := range d {
				s, p := XMM(), XMM()
				VMOVQ(at(a, 0), s)
				VMOVQ(at(b, 0), p)
				VPINSRQ(U8(1), Mem{Base: a, Index: stride, Scale: 1}, s, s)
				VPINSRQ(U8(1), Mem{Base: b, Index: width, Scale: 1}, p, p)
				if i == 0 {
					LEAQ(Mem{Base: a, Index: stride, Scale: 2}, a)
					LEAQ(Mem{Base: b, Index: width, Scale: 2}, b)
				}
				x, y := YMM(), YMM()
				VPMOVZXBW(s, x)
				VPMOVZXBW(p, y)
				d[i] = YMM()
				VPSUBW(y, x, d[i])
			}
			x, y := YMM(), YMM()
			VPADDW(d[1], d[0], x) // rows 0+2, 1+3
			VPSUBW(d[1], d[0], y) // rows 0-2, 1-3
			s, t := YMM(), YMM()
			VPERM2I128(U8(0x20), y, x, s) // 0+2, 0-2
			VPERM2I128(U8(0x31), y, x, t) // 1+3, 1-3
			VPADDW(t, s, x)
			VPSUBW(t, s, y)
			for _, v := range []VecVirtual{x, y} {
				u := YMM()
				VPSHUFLW(U8(0xb1), v, u)
				VPSHUFHW(U8(0xb1), u, u)
				VPSIGNW(one, v, v)
				VPADDW(u, v, v)
				VPSHUFD(U8(0xb1), v, u)
				VPSIGNW(two, v, v)
				VPADDW(u, v, v)
				VPABSW(v, v)
			}
			VPADDW(y, x, x)
			VPMADDWD(ones, x, x)
			VPADDD(x, total, total)
			ADDQ(U8(8), from)
			ADDQ(U8(8), to)
		})
		LEAQ(Mem{Base: src, Index: stride, Scale: 4}, src)
		LEAQ(Mem{Base: pred, Index: width, Scale: 4}, pred)
	})
	sum(total, "sum")
	VZEROUPPER()
	RET()
}

func large() {
	TEXT("largeAsm", NOSPLIT, "func(mask *uint8, coefs *int32, n int, least int32)")
	Doc("largeAsm writes a bit for each of 8 times n coefficients: whether it is least or more, without its sign.")
	mask, coefs, n := load("mask"), load("coefs"), load("n")
	least := broadcast("least")
	loop("eight", n, func() {
		x, bits := YMM(), GP32()
		VPABSD(at(coefs, 0), x)
		VPCMPGTD(x, least, x)
		VMOVMSKPS(x, bits)
		NOTL(bits)
		MOVB(bits.As8(), at(mask, 0))
		ADDQ(U8(32), coefs)
		INCQ(mask)
	})
	VZEROUPPER()
	RET()
}

func dequantize() {
	TEXT("dequantizeAsm", NOSPLIT, "func(coefs, levels *int32, n int, q, halvings int32)")
	Doc("dequantizeAsm writes the coefficients of 8 times n levels.")
	coefs, levels, n := load("coefs"), load("levels"), load("n")
	q := broadcast("q")
	shift := single("halvings")
	mask, high, low := YMM(), YMM(), YMM()
	VPCMPEQD(mask, mask, mask)
	VPSRLD(U8(17), mask, high) // 32767
	VPXOR(mask, high, low)
	VPSRLD(U8(8), mask, mask)
	loop("eight", n, func() {
		l, x := YMM(), YMM()
		VMOVDQU(at(levels, 0), l)
		VPABSD(l, x)
		VPMULLD(q, x, x)
		VPAND(mask, x, x)
		VPSRLD(shift, x, x)
		VPSIGND(l, x, x)
		VPMINSD(high, x, x)
		VPMAXSD(low, x, x)
		VMOVDQU(x, at(coefs, 0))
		ADDQ(U8(32), levels)
		ADDQ(U8(32), coefs)
	})
	VZEROUPPER()
	RET()
}

func paeth() {
	TEXT("paethAsm", NOSPLIT, "func(dst, above, left *uint8, w, h int, corner int32)")
	Doc("paethAsm predicts 8 times w samples in each of h rows.")
	dst, above, left, w, h := load("dst"), load("above"), load("left"), load("w"), load("h")
	corner := XMM()
	VPBROADCASTW(single("corner"), corner)
	loop("row", h, func() {
		l, g := XMM(), GP32()
		MOVBLZX(at(left, 0), g)
		VMOVD(g, l)
		VPBROADCASTW(l, l)
		top, beyond := XMM(), XMM() // distance of the row's left sample to the corner, with its sign
		VPSUBW(corner, l, beyond)
		VPABSW(beyond, top)
		from, n := GP64(), GP64()
		MOVQ(above, from)
		MOVQ(w, n)
		loop("eight", n, func() {
			a, side, both := XMM(), XMM(), XMM()
			VPMOVZXBW(at(from, 0), a)
			VPSUBW(corner, a, side)
			VPADDW(beyond, side, both)
			VPABSW(side, side)
			VPABSW(both, both)
			notLeft, notAbove := XMM(), XMM()
			VPCMPGTW(top, side, notLeft)
			VPCMPGTW(both, side, side)
			VPOR(side, notLeft, notLeft)
			VPCMPGTW(both, top, notAbove)
			VPBLENDVB(notAbove, corner, a, a)
			VPBLENDVB(notLeft, a, l, a)
			VPACKUSWB(a, a, a)
			VMOVQ(a, at(dst, 0))
			ADDQ(U8(8), from)
			ADDQ(U8(8), dst)
		})
		INCQ(left)
	})
	VZEROUPPER()
	RET()
}

func smooth() {
	TEXT("smoothAsm", NOSPLIT, "func(dst *uint8, columns, rows *int32, w, h int, base, shift int32)")
	Doc("smoothAsm predicts 8 times w samples in each of h rows.")
	dst, columns, rows, w, h := load("dst"), load("columns"), load("rows"), load("w"), load("h")
	base, shift := broadcast("base"), single("shift")
	loop("row", h, func() {
		d, k := YMM(), YMM()
		VPBROADCASTD(at(rows, 0), d)
		VPBROADCASTD(at(rows, 4), k)
		// Times (difference, weight) of a column: weight and difference of the row.
		VPUNPCKLDQ(d, k, k)
		from, n := GP64(), GP64()
		MOVQ(columns, from)
		MOVQ(w, n)
		loop("eight", n, func() {
			x, y := YMM(), YMM()
			VPMULLD(at(from, 0), k, x)
			VPMULLD(at(from, 32), k, y)
			VPHADDD(y, x, x) // columns 0, 1, 4, 5, 2, 3, 6, 7
			VPERMQ(U8(0xd8), x, x)
			VPADDD(base, x, x)
			VPSRAD(shift, x, x)
			high := XMM()
			VEXTRACTI128(U8(1), x, high)
			VPACKSSDW(high, x.AsX(), high)
			VPACKUSWB(high, high, high)
			VMOVQ(high, at(dst, 0))
			ADDQ(U8(64), from)
			ADDQ(U8(8), dst)
		})
		ADDQ(U8(8), rows)
	})
	VZEROUPPER()
	RET()
}
