// Command color generates ../../encode_color_amd64.s, the conversion of
// pixels to YCbCr of package jpeg.
package main

import (
	. "github.com/mmcloughlin/avo/build"
	. "github.com/mmcloughlin/avo/operand"
	. "github.com/mmcloughlin/avo/reg"
)

func main() {
	ConstraintExpr("!purego")
	luma()
	chroma420()
	Generate()
}

func broadcast(v uint32) VecVirtual {
	g, x, y := GP32(), XMM(), YMM()
	MOVL(U32(v), g)
	VMOVD(g, x)
	VPBROADCASTD(x, y)
	return y
}

// pair returns a register with the words lo and hi in each of its 8 lanes.
func pair(lo, hi int16) VecVirtual {
	return broadcast(uint32(uint16(lo)) | uint32(uint16(hi))<<16)
}

// store8 stores the lowest bytes of the 8 lanes of x, saturated.
func store8(x VecVirtual, dst Mem) {
	VPACKSSDW(x, x, x)
	VPACKUSWB(x, x, x)
	hi := XMM()
	VEXTRACTI128(U8(1), x, hi)
	VPUNPCKLDQ(hi, x.AsX(), hi)
	VMOVQ(hi, dst)
}

// luma does eight pixels at a time. A lane is a pixel; of its words the
// lower holds red and blue in turn, the upper green. The weight of green
// doesn't fit, so half of it goes to each product.
func luma() {
	TEXT("lumaRowAsm", NOSPLIT, "func(dst, rgb *byte, groups int)")
	dst := Load(Param("dst"), GP64())
	rgb := Load(Param("rgb"), GP64())
	groups := Load(Param("groups"), GP64())
	rg, bg := pair(19595, 19235), pair(7471, 19235)
	low, half := broadcast(255), broadcast(1<<15)

	Label("pixels")
	x, g, b := YMM(), YMM(), YMM()
	VMOVDQU(Mem{Base: rgb}, x)
	VPSRLD(U8(8), x, g)
	VPAND(low, g, g)
	VPSLLD(U8(16), g, g)
	VPSRLD(U8(16), x, b)
	VPAND(low, b, b)
	VPAND(low, x, x)
	VPOR(g, x, x)
	VPOR(g, b, b)
	VPMADDWD(rg, x, x)
	VPMADDWD(bg, b, b)
	VPADDD(b, x, x)
	VPADDD(half, x, x)
	VPSRLD(U8(16), x, x)
	store8(x, Mem{Base: dst})
	ADDQ(U8(32), rgb)
	ADDQ(U8(8), dst)
	DECQ(groups)
	JNZ(LabelRef("pixels"))
	VZEROUPPER()
	RET()
}

// chroma420 makes eight samples of two rows of sixteen pixels.
func chroma420() {
	TEXT("chromaRow420Asm", NOSPLIT, "func(cb, cr, a, b *byte, groups int)")
	cb := Load(Param("cb"), GP64())
	cr := Load(Param("cr"), GP64())
	a := Load(Param("a"), GP64())
	b := Load(Param("b"), GP64())
	groups := Load(Param("groups"), GP64())
	// Negated, as the weight of 32768 fits in a word only so.
	var (
		cbRG, cbB = pair(11056, 21712), pair(-32768, 0)
		crRG, crB = pair(-32768, 27440), pair(5328, 0)
		half      = broadcast(257 << 17)
		low       = broadcast(0xff00ff)
	)

	Label("samples")
	// Sums of 2x2 pixels: red and blue as words of a lane, green as another.
	var rb, gr [2]VecVirtual
	for i := range rb {
		p, q, t := YMM(), YMM(), YMM()
		VMOVDQU(Mem{Base: a, Disp: 32 * i}, p)
		VMOVDQU(Mem{Base: b, Disp: 32 * i}, q)
		rb[i], gr[i] = YMM(), YMM()
		VPAND(low, p, rb[i])
		VPAND(low, q, t)
		VPADDW(t, rb[i], rb[i])
		VPSRLW(U8(8), p, p)
		VPSRLW(U8(8), q, q)
		VPADDW(q, p, gr[i]) // green and alpha
	}
	// Add neighbours: even lanes of the two to odd lanes.
	sum := func(v [2]VecVirtual) VecVirtual {
		even, odd := YMM(), YMM()
		VSHUFPS(U8(0x88), v[1], v[0], even)
		VSHUFPS(U8(0xdd), v[1], v[0], odd)
		VPADDW(odd, even, even)
		VPERMQ(U8(0xd8), even, even)
		return even
	}
	srb, sga := sum(rb), sum(gr)
	// rg: red and green; blue: blue and nothing.
	rg, blue, t := YMM(), YMM(), YMM()
	VPSLLD(U8(16), sga, t)
	VPBLENDW(U8(0xaa), t, srb, rg)
	VPSRLD(U8(16), srb, blue)
	for _, c := range []struct {
		dst    Register
		rg, bl VecVirtual
	}{{cb, cbRG, cbB}, {cr, crRG, crB}} {
		x, y, z := YMM(), YMM(), YMM()
		VPMADDWD(c.rg, rg, x)
		VPMADDWD(c.bl, blue, y)
		VPADDD(y, x, x)
		VPSUBD(x, half, z)
		VPSRAD(U8(18), z, z)
		store8(z, Mem{Base: c.dst})
	}
	ADDQ(U8(64), a)
	ADDQ(U8(64), b)
	ADDQ(U8(8), cb)
	ADDQ(U8(8), cr)
	DECQ(groups)
	JNZ(LabelRef("samples"))
	VZEROUPPER()
	RET()
}
