// Command _asm generates ../rows_amd64.s, the AVX2 kernels of package scale.
package main

import (
	"fmt"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	hrow()
	vrow()
	ycbcrRow()
	split("splitRowAsm", false)
	split("premultiplyRowAsm", true)
	Generate()
}

// broadcast returns a register with v in each of its 8 lanes.
func broadcast(v uint32) VecVirtual {
	g, x, y := GP32(), XMM(), YMM()
	MOVL(U32(v), g)
	VMOVD(g, x)
	VPBROADCASTD(x, y)
	return y
}

// hrow makes eight sums at a time, each over all its taps, then adds up
// the eight registers by a tree of horizontal adds.
func hrow() {
	TEXT("hrowAsm", NOSPLIT, "func(dst *int16, src *byte, start *int32, weights *int16, taps, groups int)")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	start := Load(Param("start"), GP64())
	w := Load(Param("weights"), GP64())
	taps := Load(Param("taps"), GP64())
	groups := Load(Param("groups"), GP64())
	half := broadcast(1 << 7)
	ADDQ(taps, taps) // bytes of weights

	Label("group")
	var acc [8]VecVirtual
	for i := range acc {
		acc[i] = YMM()
		p, off := GP64(), GP64()
		MOVLQSX(Mem{Base: start, Disp: 4 * i}, p)
		ADDQ(src, p)
		VPMOVZXBW(Mem{Base: p}, acc[i])
		VPMADDWD(Mem{Base: w}, acc[i], acc[i])
		MOVQ(U32(32), off)
		CMPQ(off, taps)
		JGE(LabelRef(fmt.Sprintf("done%d", i)))
		Label(fmt.Sprintf("taps%d", i))
		ADDQ(U8(16), p)
		t := YMM()
		VPMOVZXBW(Mem{Base: p}, t)
		VPMADDWD(Mem{Base: w, Index: off, Scale: 1}, t, t)
		VPADDD(t, acc[i], acc[i])
		ADDQ(U8(32), off)
		CMPQ(off, taps)
		JLT(LabelRef(fmt.Sprintf("taps%d", i)))
		Label(fmt.Sprintf("done%d", i))
		ADDQ(taps, w)
	}
	for step := 1; step < 4; step *= 2 {
		for i := 0; i < 8; i += 2 * step {
			VPHADDD(acc[i+step], acc[i], acc[i])
		}
	}
	lo, hi := YMM(), YMM()
	VPERM2I128(U8(0x20), acc[4], acc[0], lo)
	VPERM2I128(U8(0x31), acc[4], acc[0], hi)
	VPADDD(hi, lo, lo)
	VPADDD(half, lo, lo)
	VPSRAD(U8(8), lo, lo)
	VPACKSSDW(lo, lo, lo)
	VPERMQ(U8(0x08), lo, lo)
	VMOVDQU(lo.AsX(), Mem{Base: dst})
	ADDQ(U8(16), dst)
	ADDQ(U8(32), start)
	DECQ(groups)
	JNZ(LabelRef("group"))
	VZEROUPPER()
	RET()
}

// vrow goes down 32 (then 16) columns at a time, interleaving pairs of rows
// so that one multiply-add takes both.
func vrow() {
	TEXT("vrowAsm", NOSPLIT, "func(dst *byte, ring *int16, stride int, weights *int16, pairs, n int)")
	dst := Load(Param("dst"), GP64())
	ring := Load(Param("ring"), GP64())
	stride := Load(Param("stride"), GP64())
	w := Load(Param("weights"), GP64())
	pairs := Load(Param("pairs"), GP64())
	n := Load(Param("n"), GP64())
	round := broadcast(1 << 19)

	column := func(words int, loop string) []VecVirtual {
		acc := make([]VecVirtual, words/8)
		for i := range acc {
			acc[i] = YMM()
			VMOVDQU(round, acc[i])
		}
		p, wp, left := GP64(), GP64(), GP64()
		MOVQ(ring, p)
		MOVQ(w, wp)
		MOVQ(pairs, left)
		Label(loop)
		ww := YMM()
		VPBROADCASTD(Mem{Base: wp}, ww)
		for i := 0; i < len(acc); i += 2 {
			a, b, lo, hi := YMM(), YMM(), YMM(), YMM()
			VMOVDQU(Mem{Base: p, Disp: 16 * i}, a)
			VMOVDQU(Mem{Base: p, Index: stride, Scale: 1, Disp: 16 * i}, b)
			VPUNPCKLWD(b, a, lo)
			VPUNPCKHWD(b, a, hi)
			VPMADDWD(ww, lo, lo)
			VPMADDWD(ww, hi, hi)
			VPADDD(lo, acc[i], acc[i])
			VPADDD(hi, acc[i+1], acc[i+1])
		}
		LEAQ(Mem{Base: p, Index: stride, Scale: 2}, p)
		ADDQ(U8(4), wp)
		DECQ(left)
		JNZ(LabelRef(loop))
		for i := range acc {
			VPSRAD(U8(20), acc[i], acc[i])
		}
		for i := 0; i < len(acc); i += 2 {
			VPACKSSDW(acc[i+1], acc[i], acc[i]) // interleaving undone: in order
		}
		return acc
	}

	Label("wide")
	CMPQ(n, U8(32))
	JLT(LabelRef("narrow"))
	acc := column(32, "widepairs")
	VPACKUSWB(acc[2], acc[0], acc[0])
	VPERMQ(U8(0xd8), acc[0], acc[0])
	VMOVDQU(acc[0], Mem{Base: dst})
	ADDQ(U8(32), dst)
	ADDQ(U8(64), ring)
	SUBQ(U8(32), n)
	JMP(LabelRef("wide"))

	Label("narrow")
	TESTQ(n, n)
	JZ(LabelRef("done"))
	acc = column(16, "narrowpairs")
	VPACKUSWB(acc[0], acc[0], acc[0])
	VPERMQ(U8(0x08), acc[0], acc[0])
	VMOVDQU(acc[0].AsX(), Mem{Base: dst})
	Label("done")
	VZEROUPPER()
	RET()
}

// ycbcrRow converts eight pixels at a time in 32-bit lanes.
func ycbcrRow() {
	TEXT("ycbcrRowAsm", NOSPLIT, "func(dst, y, cb, cr *byte, groups int)")
	dst := Load(Param("dst"), GP64())
	yp := Load(Param("y"), GP64())
	bp := Load(Param("cb"), GP64())
	rp := Load(Param("cr"), GP64())
	groups := Load(Param("groups"), GP64())
	neg := func(v int32) uint32 { return uint32(-v) }
	var (
		mid  = broadcast(128)
		luma = broadcast(0x10101)
		rcr  = broadcast(91881)
		gcb  = broadcast(neg(22554))
		gcr  = broadcast(neg(46802))
		bcb  = broadcast(116130)
		top  = broadcast(255)
		full = broadcast(255 << 24)
		zero = YMM()
	)
	VPXOR(zero, zero, zero)

	Label("pixels")
	l, u, v, r, g, b := YMM(), YMM(), YMM(), YMM(), YMM(), YMM()
	VPMOVZXBD(Mem{Base: yp}, l)
	VPMOVZXBD(Mem{Base: bp}, u)
	VPMOVZXBD(Mem{Base: rp}, v)
	VPMULLD(luma, l, l)
	VPSUBD(mid, u, u)
	VPSUBD(mid, v, v)
	VPMULLD(rcr, v, r)
	VPMULLD(gcb, u, g)
	VPMULLD(bcb, u, b)
	VPMULLD(gcr, v, v)
	VPADDD(v, g, g)
	for _, c := range []VecVirtual{r, g, b} {
		VPADDD(l, c, c)
		VPSRAD(U8(16), c, c)
		VPMAXSD(zero, c, c)
		VPMINSD(top, c, c)
	}
	VPSLLD(U8(8), g, g)
	VPSLLD(U8(16), b, b)
	VPOR(g, r, r)
	VPOR(full, b, b)
	VPOR(b, r, r)
	VMOVDQU(r, Mem{Base: dst})
	ADDQ(U8(32), dst)
	ADDQ(U8(8), yp)
	ADDQ(U8(8), bp)
	ADDQ(U8(8), rp)
	DECQ(groups)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// bytes16 returns the address of 32 bytes, b in each half.
func bytes16(name string, b [16]byte) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 32 {
		DATA(i, U8(b[i%16]))
	}
	return m
}

// split takes eight pixels of four bytes apart at a time, multiplying the
// first three by the fourth before if premultiply.
func split(name string, premultiply bool) {
	planes := bytes16(name+"Planes", [16]byte{0, 4, 8, 12, 1, 5, 9, 13, 2, 6, 10, 14, 3, 7, 11, 15})
	order := GLOBL(name+"Order", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(4*i, U32(v))
	}
	var alpha Mem
	if premultiply {
		alpha = bytes16(name+"Alpha", [16]byte{6, 7, 6, 7, 6, 7, 6, 7, 14, 15, 14, 15, 14, 15, 14, 15})
	}
	TEXT(name, NOSPLIT, "func(red, green, blue, alpha, src *byte, groups int)")
	var dst [4]Register
	for i, n := range []string{"red", "green", "blue", "alpha"} {
		dst[i] = Load(Param(n), GP64())
	}
	src := Load(Param("src"), GP64())
	groups := Load(Param("groups"), GP64())
	shuffle, perm := YMM(), YMM()
	VMOVDQU(planes, shuffle)
	VMOVDQU(order, perm)
	var zero, spread, full, half VecVirtual
	if premultiply {
		zero, spread = YMM(), YMM()
		VPXOR(zero, zero, zero)
		VMOVDQU(alpha, spread)
		full, half = broadcast(255<<16|255), broadcast(128<<16|128)
	}

	Label("pixels")
	x := YMM()
	VMOVDQU(Mem{Base: src}, x)
	if premultiply {
		// (c*a+128)*257>>16, which is c*a/255 rounded, in words.
		lo, hi := YMM(), YMM()
		VPUNPCKLBW(zero, x, lo)
		VPUNPCKHBW(zero, x, hi)
		for _, c := range []VecVirtual{lo, hi} {
			f, t := YMM(), YMM()
			VPSHUFB(spread, c, f)
			VPBLENDW(U8(0x88), full, f, f) // alpha itself by 255
			VPMULLW(f, c, c)
			VPADDW(half, c, c)
			VPSRLW(U8(8), c, t)
			VPADDW(t, c, c)
			VPSRLW(U8(8), c, c)
		}
		VPACKUSWB(hi, lo, x)
	}
	VPSHUFB(shuffle, x, x)
	VPERMD(x, perm, x)
	VMOVQ(x.AsX(), Mem{Base: dst[0]})
	VMOVHPS(x.AsX(), Mem{Base: dst[1]})
	high := XMM()
	VEXTRACTI128(U8(1), x, high)
	VMOVQ(high, Mem{Base: dst[2]})
	VMOVHPS(high, Mem{Base: dst[3]})
	ADDQ(U8(32), src)
	for _, d := range dst {
		ADDQ(U8(8), d)
	}
	DECQ(groups)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}
