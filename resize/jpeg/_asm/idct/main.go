// Command idct generates idct_amd64.s: the AVX2 twins of idct4Generic and
// idct8Generic, equal to the last bit. In this folder:
//
//	go run . -out ../../idct_amd64.s
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// vectors returns n new registers, of 8 floats if wide, else of 4.
func vectors(n int, wide bool) []VecVirtual {
	v := make([]VecVirtual, n)
	for i := range v {
		v[i] = vector(wide)
	}
	return v
}

func vector(wide bool) VecVirtual {
	if wide {
		return YMM()
	}
	return XMM()
}

// floats defines a constant of 8 floats.
// A float operand would be assembled as an integer, hence the bits.
func floats(name string, v ...float32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(i*4, U32(math.Float32bits(v[i%len(v)])))
	}
	return m
}

// constants are those of idct.go.
var aanA, aanB, aanC, aanD, limit, dcBias Mem

type lanes bool // true: 8 of them

func (w lanes) add(a, b VecVirtual) VecVirtual {
	r := vector(bool(w))
	VADDPS(b, a, r)
	return r
}

func (w lanes) sub(a, b VecVirtual) VecVirtual {
	r := vector(bool(w))
	VSUBPS(b, a, r)
	return r
}

func (w lanes) mul(a VecVirtual, c Mem) VecVirtual {
	VMULPS(c, a, a)
	return a
}

// load returns n rows of coefficients, dequantized, with the level shift in
// the DC coefficient.
func (w lanes) load(n int, b, q Register) []VecVirtual {
	r := vectors(n, bool(w))
	for i := range r {
		VPMOVSXWD(Mem{Base: b, Disp: i * n * 2}, r[i])
		VCVTDQ2PS(r[i], r[i])
		VMULPS(Mem{Base: q, Disp: i * n * 4}, r[i], r[i])
	}
	VADDPS(dcBias, r[0], r[0])
	return r
}

// round turns the samples into integers.
func (w lanes) round(r []VecVirtual, limit VecVirtual) {
	for i := range r {
		VMINPS(limit, r[i], r[i])
		VCVTPS2DQ(r[i], r[i])
	}
}

func pass4(x []VecVirtual) []VecVirtual {
	w := lanes(false)
	even, odd := w.add(x[0], x[2]), w.sub(x[0], x[2])
	t := w.add(x[1], x[3])
	s := w.sub(w.mul(w.sub(x[1], x[3]), aanA), t)
	return []VecVirtual{w.add(even, t), w.add(odd, s), w.sub(odd, s), w.sub(even, t)}
}

func pass8(x []VecVirtual) []VecVirtual {
	w := lanes(true)
	a0, a1 := w.add(x[0], x[4]), w.sub(x[0], x[4])
	a3 := w.add(x[2], x[6])
	a2 := w.sub(w.mul(w.sub(x[2], x[6]), aanA), a3)
	e0, e3 := w.add(a0, a3), w.sub(a0, a3)
	e1, e2 := w.add(a1, a2), w.sub(a1, a2)

	z13, z10 := w.add(x[5], x[3]), w.sub(x[5], x[3])
	z11, z12 := w.add(x[1], x[7]), w.sub(x[1], x[7])
	o7 := w.add(z11, z13)
	o11 := w.mul(w.sub(z11, z13), aanA)
	z5 := w.mul(w.add(z10, z12), aanB)
	o10 := w.add(w.mul(z12, aanC), z5)
	o12 := w.add(w.mul(z10, aanD), z5)
	o6 := w.sub(o12, o7)
	o5 := w.sub(o11, o6)
	o4 := w.sub(o10, o5)
	return []VecVirtual{
		w.add(e0, o7), w.add(e1, o6), w.add(e2, o5), w.add(e3, o4),
		w.sub(e3, o4), w.sub(e2, o5), w.sub(e1, o6), w.sub(e0, o7),
	}
}

// transpose4 transposes the 4x4 floats in each half of the registers.
func transpose4(r []VecVirtual, wide bool) []VecVirtual {
	a := vectors(4, wide)
	VUNPCKLPS(r[1], r[0], a[0])
	VUNPCKHPS(r[1], r[0], a[1])
	VUNPCKLPS(r[3], r[2], a[2])
	VUNPCKHPS(r[3], r[2], a[3])
	t := vectors(4, wide)
	VSHUFPS(U8(0x44), a[2], a[0], t[0])
	VSHUFPS(U8(0xee), a[2], a[0], t[1])
	VSHUFPS(U8(0x44), a[3], a[1], t[2])
	VSHUFPS(U8(0xee), a[3], a[1], t[3])
	return t
}

func transpose8(r []VecVirtual) []VecVirtual {
	t := append(transpose4(r[:4], true), transpose4(r[4:], true)...)
	out := vectors(8, true)
	for i := range 4 {
		VPERM2F128(U8(0x20), t[i+4], t[i], out[i])
		VPERM2F128(U8(0x31), t[i+4], t[i], out[i+4])
	}
	return out
}

func idct4() {
	TEXT("idct4Asm", NOSPLIT, "func(dst *byte, stride int, b *[16]int16, q *[16]float32)")
	Doc("idct4Asm is idct4Generic.")
	Pragma("noescape")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	b, q := Load(Param("b"), GP64()), Load(Param("q"), GP64())
	w := lanes(false)
	max := XMM()
	VMOVUPS(limit, max)
	r := pass4(transpose4(pass4(w.load(4, b, q)), false))
	w.round(r, max)
	VPACKSSDW(r[1], r[0], r[0])
	VPACKSSDW(r[3], r[2], r[2])
	VPACKUSWB(r[2], r[0], r[0])
	at := Mem{Base: dst}
	VMOVD(r[0], at)
	VPEXTRD(U8(1), r[0], at.Idx(stride, 1))
	LEAQ(at.Idx(stride, 2), dst)
	VPEXTRD(U8(2), r[0], at)
	VPEXTRD(U8(3), r[0], at.Idx(stride, 1))
	RET()
}

func idct8() {
	TEXT("idct8Asm", NOSPLIT, "func(dst *byte, stride int, b *[64]int16, q *[64]float32)")
	Doc("idct8Asm is idct8Generic.")
	Pragma("noescape")
	dst, stride := Load(Param("dst"), GP64()), Load(Param("stride"), GP64())
	b, q := Load(Param("b"), GP64()), Load(Param("q"), GP64())
	w := lanes(true)
	r := pass8(transpose8(pass8(w.load(8, b, q))))
	max := YMM()
	VMOVUPS(limit, max)
	w.round(r, max)
	// Packing works within halves: of 4 rows, bytes 0 to 3 end up in the
	// lower half, 4 to 7 in the upper.
	order := YMM()
	VMOVDQU(rowOrder(), order)
	at := Mem{Base: dst}
	for i := 0; i < 8; i += 4 {
		VPACKSSDW(r[i+1], r[i], r[i])
		VPACKSSDW(r[i+3], r[i+2], r[i+2])
		VPACKUSWB(r[i+2], r[i], r[i])
		VPERMD(r[i], order, r[i])
		low, high := r[i].AsX(), XMM()
		VMOVQ(low, at)
		VMOVHPS(low, at.Idx(stride, 1))
		VEXTRACTI128(U8(1), r[i], high)
		LEAQ(at.Idx(stride, 2), dst)
		VMOVQ(high, at)
		VMOVHPS(high, at.Idx(stride, 1))
		if i == 0 {
			LEAQ(at.Idx(stride, 2), dst)
		}
	}
	VZEROUPPER()
	RET()
}

// rowOrder is the permutation of 32-bit words that puts the two halves of a
// row next to each other.
func rowOrder() Mem {
	m := GLOBL("rowOrder", RODATA|NOPTR)
	for i, v := range []uint32{0, 4, 1, 5, 2, 6, 3, 7} {
		DATA(i*4, U32(v))
	}
	return m
}

func main() {
	ConstraintExpr("!purego")
	aanA, aanB = floats("aanA", 1.414213562), floats("aanB", 1.847759065)
	aanC, aanD = floats("aanC", -1.082392200), floats("aanD", -2.613125930)
	limit = floats("limit", 255)
	dcBias = floats("dcBias", 128, 0, 0, 0, 0, 0, 0, 0)
	idct4()
	idct8()
	Generate()
}
