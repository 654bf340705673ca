// Command _asm generates ../kernels_amd64.s, the kernels of package png: 32 bytes
// of a row at a time. What a filter predicts needs no byte that is predicted
// itself, so that all of them go side by side.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

const bytes = 32 // of a register

// ymm returns a new register that has the result of an instruction.
func ymm(f func(...Op), x, y Op) VecVirtual {
	r := YMM()
	f(x, y, r)
	return r
}

// A neighbourhood is the bytes of a row and those around them, as the PNG
// specification names them: a to the left, b above, c above to the left.
type neighbourhood struct{ x, a, b, c VecVirtual }

// load reads the neighbourhood of the bytes at cur; left and corner are the
// places of a and c.
func load(cur, above, left, corner Register) neighbourhood {
	n := neighbourhood{YMM(), YMM(), YMM(), YMM()}
	for _, from := range []struct {
		base Register
		to   VecVirtual
	}{{cur, n.x}, {above, n.b}, {left, n.a}, {corner, n.c}} {
		VMOVDQU(Mem{Base: from.base}, from.to)
	}
	return n
}

// average is the mean of a and b, rounded down: VPAVGB rounds up. ones is a
// register or memory.
func (n neighbourhood) average(ones Op) VecVirtual {
	up := ymm(VPAVGB, n.a, n.b)
	odd := YMM()
	VPXOR(n.a, n.b, odd)
	VPAND(ones, odd, odd)
	VPSUBB(odd, up, up)
	return up
}

func difference(x, y VecVirtual) VecVirtual {
	high := ymm(VPMAXUB, x, y)
	VPSUBB(ymm(VPMINUB, x, y), high, high)
	return high
}

// paeth is the one of a, b and c that is nearest to a+b-c. Its distances to a and
// b are those of b and a to c; that to c is their sum, or, if a and b lie on
// either side of c, their difference. A sum beyond 255 is the largest anyhow.
func (n neighbourhood) paeth() VecVirtual {
	pa, pb := difference(n.b, n.c), difference(n.a, n.c)
	aAbove, bAbove := ymm(VPMAXUB, n.a, n.c), ymm(VPMAXUB, n.b, n.c)
	VPCMPEQB(n.a, aAbove, aAbove)
	VPCMPEQB(n.b, bAbove, bAbove)
	VPXOR(aAbove, bAbove, aAbove) // whether they are on either side
	pc, apart := ymm(VPADDUSB, pa, pb), difference(pa, pb)
	VPBLENDVB(aAbove, apart, pc, pc)
	second := ymm(VPMINUB, pb, pc)
	first := ymm(VPMINUB, pa, second)
	VPCMPEQB(pb, second, second)
	VPCMPEQB(pa, first, first)
	p := YMM()
	VPBLENDVB(second, n.b, n.c, p)
	VPBLENDVB(first, n.a, p, p)
	return p
}

// start loads the parameters that all kernels have.
func start() (cur, above, left, corner, count Register) {
	cur, above = Load(Param("cur"), GP64()), Load(Param("above"), GP64())
	bpp := Load(Param("bpp"), GP64())
	left, corner = GP64(), GP64()
	for _, r := range [][2]Register{{cur, left}, {above, corner}} {
		MOVQ(r[0], r[1])
		SUBQ(bpp, r[1])
	}
	return cur, above, left, corner, Load(Param("groups"), GP64())
}

// one is a 1 in every byte.
func one() Mem {
	m := GLOBL("one", RODATA|NOPTR)
	for i := range bytes {
		DATA(i, U8(1))
	}
	return m
}

// loop repeats body for every group, and moves on the pointers.
func loop(count Register, pointers []Register, body func()) {
	Label("loop")
	body()
	for _, p := range pointers {
		ADDQ(U8(bytes), p)
	}
	DECQ(count)
	JNZ(LabelRef("loop"))
}

func costs(one Mem) {
	TEXT("costsAsm", NOSPLIT, "func(sums *[5]uint64, cur, above *byte, bpp, groups int)")
	sums := Load(Param("sums"), GP64())
	cur, above, left, corner, count := start()
	// Ones stay in memory: with them there were 17 registers, and the 17th one is
	// of AVX-512.
	zero := YMM()
	VPXOR(zero, zero, zero)
	var total [5]VecVirtual
	for i := range total {
		total[i] = YMM()
		VPXOR(total[i], total[i], total[i])
	}
	loop(count, []Register{cur, above, left, corner}, func() {
		n := load(cur, above, left, corner)
		for i, predicted := range []func() VecVirtual{
			func() VecVirtual { return zero },
			func() VecVirtual { return n.a },
			func() VecVirtual { return n.b },
			func() VecVirtual { return n.average(one) },
			n.paeth,
		} {
			d := YMM()
			VPSUBB(predicted(), n.x, d)
			VPABSB(d, d)
			VPSADBW(zero, d, d)
			VPADDQ(d, total[i], total[i])
		}
	})
	for i, t := range total {
		high := XMM()
		VEXTRACTI128(U8(1), t, high)
		VPADDQ(high, t.AsX(), high)
		other := XMM()
		VPSRLDQ(U8(8), high, other)
		VPADDQ(other, high, high)
		VMOVQ(high, Mem{Base: sums, Disp: 8 * i})
	}
	VZEROUPPER()
	RET()
}

// kernel makes a function that writes what a filter leaves of a row.
func kernel(name string, one Mem, predict func(n neighbourhood, ones Op) VecVirtual) {
	TEXT(name+"Asm", NOSPLIT, "func(dst, cur, above *byte, bpp, groups int)")
	dst := Load(Param("dst"), GP64())
	cur, above, left, corner, count := start()
	ones := YMM()
	VMOVDQU(one, ones)
	loop(count, []Register{dst, cur, above, left, corner}, func() {
		n := load(cur, above, left, corner)
		d := YMM()
		VPSUBB(predict(n, ones), n.x, d)
		VMOVDQU(d, Mem{Base: dst})
	})
	VZEROUPPER()
	RET()
}

func main() {
	ConstraintExpr("!purego")
	one := one()
	costs(one)
	kernel("sub", one, func(n neighbourhood, _ Op) VecVirtual { return n.a })
	kernel("up", one, func(n neighbourhood, _ Op) VecVirtual { return n.b })
	kernel("average", one, neighbourhood.average)
	kernel("paeth", one, func(n neighbourhood, _ Op) VecVirtual { return n.paeth() })
	Generate()
}
