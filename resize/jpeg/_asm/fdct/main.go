// Command fdct generates ../../fdct_amd64.s, the forward DCT of package jpeg.
package main

import (
	"math"

	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

// Numbered as in package jpeg's fdct.go.
var a, b, c, d Mem

func main() {
	ConstraintExpr("!purego")
	a, b = constant("fdctA", 0.707106781), constant("fdctB", 0.382683433)
	c, d = constant("fdctC", 0.541196100), constant("fdctD", 1.306562965)
	level := GLOBL("fdctLevel", RODATA|NOPTR)
	for i := range 8 {
		v := float32(0)
		if i == 0 {
			v = 64 * 128
		}
		DATA(4*i, U32(math.Float32bits(v)))
	}

	TEXT("fdctAsm", NOSPLIT, "func(dst *[64]int16, src *byte, stride int, recip *[64]float32) (nonzero uint64)")
	dst := Load(Param("dst"), GP64())
	src := Load(Param("src"), GP64())
	stride := Load(Param("stride"), GP64())
	recip := Load(Param("recip"), GP64())
	var r [8]VecVirtual
	for i := range r {
		r[i] = YMM()
		VPMOVZXBD(Mem{Base: src}, r[i])
		VCVTDQ2PS(r[i], r[i])
		if i < 7 {
			ADDQ(stride, src)
		}
	}
	r = pass(transpose(pass(r)))
	VSUBPS(level, r[0], r[0])
	for i := range r {
		VMULPS(Mem{Base: recip, Disp: 32 * i}, r[i], r[i])
		VCVTPS2DQ(r[i], r[i])
	}
	zero := YMM()
	VPXOR(zero, zero, zero)
	for i := 0; i < 8; i += 2 {
		VPACKSSDW(r[i+1], r[i], r[i])
		VPERMQ(U8(0xd8), r[i], r[i])
		VMOVDQU(r[i], Mem{Base: dst, Disp: 16 * i})
		VPCMPEQW(zero, r[i], r[i])
	}
	var mask [2]Register
	for i := range mask {
		m := GP32()
		VPACKSSWB(r[4*i+2], r[4*i], r[4*i])
		VPERMQ(U8(0xd8), r[4*i], r[4*i])
		VPMOVMSKB(r[4*i], m)
		mask[i] = m.As64()
	}
	SHLQ(U8(32), mask[1])
	ORQ(mask[0], mask[1])
	NOTQ(mask[1])
	Store(mask[1].(GPVirtual), ReturnIndex(0))
	VZEROUPPER()
	RET()
	Generate()
}

func constant(name string, v float32) Mem {
	m := GLOBL(name, RODATA|NOPTR)
	for i := range 8 {
		DATA(4*i, U32(math.Float32bits(v))) // F32 would assemble as an integer
	}
	return m
}

func add(x, y VecVirtual) VecVirtual { r := YMM(); VADDPS(y, x, r); return r }
func sub(x, y VecVirtual) VecVirtual { r := YMM(); VSUBPS(y, x, r); return r }

func mul(x VecVirtual, m Mem) VecVirtual { r := YMM(); VMULPS(m, x, r); return r }

// pass is fdctLine of eight columns.
func pass(x [8]VecVirtual) (o [8]VecVirtual) {
	t0, t7 := add(x[0], x[7]), sub(x[0], x[7])
	t1, t6 := add(x[1], x[6]), sub(x[1], x[6])
	t2, t5 := add(x[2], x[5]), sub(x[2], x[5])
	t3, t4 := add(x[3], x[4]), sub(x[3], x[4])

	t10, t13 := add(t0, t3), sub(t0, t3)
	t11, t12 := add(t1, t2), sub(t1, t2)
	o[0], o[4] = add(t10, t11), sub(t10, t11)
	z1 := mul(add(t12, t13), a)
	o[2], o[6] = add(t13, z1), sub(t13, z1)

	t10, t11, t12 = add(t4, t5), add(t5, t6), add(t6, t7)
	z5 := mul(sub(t10, t12), b)
	z2 := add(mul(t10, c), z5)
	z4 := add(mul(t12, d), z5)
	z3 := mul(t11, a)
	z11, z13 := add(t7, z3), sub(t7, z3)
	o[5], o[3] = add(z13, z2), sub(z13, z2)
	o[1], o[7] = add(z11, z4), sub(z11, z4)
	return o
}

func transpose(r [8]VecVirtual) (o [8]VecVirtual) {
	var p, q [8]VecVirtual
	for i := range 4 {
		p[2*i], p[2*i+1] = YMM(), YMM()
		VUNPCKLPS(r[2*i+1], r[2*i], p[2*i])
		VUNPCKHPS(r[2*i+1], r[2*i], p[2*i+1])
	}
	for h := range 2 {
		for j := range 2 {
			lo, hi := YMM(), YMM()
			VSHUFPS(U8(0x44), p[4*h+2+j], p[4*h+j], lo)
			VSHUFPS(U8(0xee), p[4*h+2+j], p[4*h+j], hi)
			q[4*h+2*j], q[4*h+2*j+1] = lo, hi
		}
	}
	for i := range 4 {
		o[i], o[i+4] = YMM(), YMM()
		VPERM2F128(U8(0x20), q[i+4], q[i], o[i])
		VPERM2F128(U8(0x31), q[i+4], q[i], o[i+4])
	}
	return o
}
